/* SPDX-License-Identifier: ISC */
#ifndef TRY_H
#define TRY_H

/* Rules over one item or mailbox, as the rows of the tests have them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/name.h"
#include "rules/rules.h"

#define TRY_NOW		INT64_C(1800000000)

#define CHECK(row, cond)						\
	do {								\
		if (!(cond))						\
			fail_msg("%s: not so: %s", (row), #cond);	\
	} while (0)

#define CHECK_SPAN(row, is, want)					\
	do {								\
		const struct span is_ = (is), want_ = (want);		\
		if (!span_eq(is_, want_))				\
			fail_msg("%s: %s is \"%.*s\", want \"%.*s\"",	\
			    (row), #is, SPAN_ARG(is_), SPAN_ARG(want_));\
	} while (0)

/* Numbers that are the same in every run. */
static inline uint64_t
try_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* What holds the result of the last try. */
struct try {
	struct rules		*rules;
	struct rules_eval	*eval;
	struct buf		 name, shown;
	struct rules_result	 out;
	struct err		 err;
	int			 rc;
};

static inline void
try_fini(struct try *t)
{
	rules_eval_free(t->eval);
	rules_free(t->rules);
	buf_fini(&t->name);
	buf_fini(&t->shown);
}

static inline void
try_parse(struct try *t, const char *row, struct span rules)
{
	struct buf detail = BUF_INIT;

	*t = (struct try){ .err = ERR_INIT };
	t->rules = rules_new(&t->err);
	if (rules_add(t->rules, "-e", rules, &detail, &t->err) == -1)
		fail_msg("%s: %s\n%s", row, t->err.msg, buf_cstr(&detail));
	buf_fini(&detail);
	t->eval = rules_eval_new(t->rules, TRY_NOW, &t->err);
	assert_non_null(t->eval);
}

/* Octets with every `from` made a `to`. */
static inline void
try_swap(struct buf *out, struct span in, char from, char to)
{
	size_t i;

	buf_clear(out);
	for (i = 0; i < in.n; i++)
		buf_chr(out, in.p[i] == (unsigned char)from ?
		    (unsigned char)to : in.p[i]);
}

/*
 * Levels of a mailbox's name are joined by "|" here, so that a "/" within one can be
 * written.  The result's name is then in t->shown, in the same manner.
 */
static inline void
try_apply(struct try *t, const char *piped, const struct item *item)
{
	struct mailbox m = { .delimiter = '/' };

	err_clear(&t->err);
	try_swap(&t->name, span_str(piped), '|', '\0');
	m.name = buf_span(&t->name);
	t->rc = item != NULL ?
	    rules_apply(t->eval, &m, item, &t->out, &t->err) :
	    rules_mailbox(t->eval, &m, &t->out, &t->err);
	if (t->rc == 0)
		try_swap(&t->shown, t->out.mailbox, '\0', '|');
}

#endif
