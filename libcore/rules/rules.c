/* SPDX-License-Identifier: ISC */
/* Rules: lines in, verdicts on items out.  The words are in action.c and cond.c. */

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "rules/action.h"
#include "rules/cond.h"
#include "rules/rules.h"

#define LINE_MAX_OCTETS		((size_t)64 << 10)

struct rule {
	const struct action	*action;
	struct action_args	 args;
	const struct cond	*cond;		/* NULL: always */
	struct span		 place;		/* "FILE:LINE" */
};

struct rules {
	struct pool	 pool;
	struct rule	*v;
	size_t		 n, cap;
	uint32_t	 lines;		/* of "-e" so far */
};

struct rules *
rules_new(struct err *err)
{
	struct rules *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		err_nomem(err);
	return r;
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	pool_fini(&r->pool);
	free(r->v);
	free(r);
}

size_t
rules_count(const struct rules *r)
{
	return r->n;
}

/* ---- parsing ---- */

static int
add_rule(struct rules *r, const struct rule *rule, struct err *err)
{
	struct rule *v;
	size_t cap;

	if (r->n == r->cap) {
		cap = r->cap == 0 ? 16 : r->cap * 2;
		if (cap > SIZE_MAX / sizeof(struct rule) ||
		    (v = realloc(r->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = *rule;
	return 0;
}

/* "FILE:LINE", without blanks, since such texts are listed with spaces between. */
static int
name_place(struct rules *r, const struct scan *s, struct span *out)
{
	struct span file = span_str(s->file);
	struct buf b = BUF_INIT;
	size_t i;
	int rc;

	for (i = 0; i < file.n; i++)
		buf_chr(&b, file.p[i] <= ' ' || file.p[i] == 0x7f ? '_' :
		    file.p[i]);
	buf_fmt(&b, ":%lu", (unsigned long)s->line);
	rc = buf_ok(&b) ? pool_span(&r->pool, buf_span(&b), out, s->err) :
	    err_nomem(s->err);
	buf_fini(&b);
	return rc;
}

/* What follows an action: nothing, or its condition. */
static int
parse_if(struct rules *r, struct scan *s, struct rule *rule)
{
	static const char *const word[] = { "if" };
	static const struct words words = { word, N(word) };

	if (scan_end(s) && !rule->action->must_if)
		return 0;
	if (!scan_keyword(s, "if"))
		return scan_wanted(s, rule->action->must_if ? "\"if\"" :
		    "\"if\", or the end of the rule,", &words);
	rule->cond = cond_parse(s, &r->pool);
	return rule->cond != NULL ? 0 : -1;
}

/* Octets that are no text. */
static int
check_text(const struct scan *s)
{
	struct span rest = s->text;
	uint32_t cp;
	size_t n;

	if (s->text.n > LINE_MAX_OCTETS)
		return scan_fail(s, 0, "the line is longer than %zu octets",
		    LINE_MAX_OCTETS);
	for (; rest.n > 0; rest = span_from(rest, n)) {
		if ((n = utf8_next(rest, &cp)) == 0)
			return scan_fail(s, s->text.n - rest.n,
			    "this is not UTF-8");
		if (cp == 0)
			return scan_fail(s, s->text.n - rest.n,
			    "a NUL is no text");
	}
	return 0;
}

static int
parse_line(struct rules *r, struct scan *s)
{
	struct rule rule = { .cond = NULL };

	if (check_text(s) == -1)
		return -1;
	if (scan_end(s))
		return 0;
	if ((rule.action = action_parse(s, &r->pool, &rule.args)) == NULL ||
	    parse_if(r, s, &rule) == -1 ||
	    name_place(r, s, &rule.place) == -1)
		return -1;
	return add_rule(r, &rule, s->err);
}

int
rules_add(struct rules *r, const char *file, struct span text,
    struct buf *detail, struct err *err)
{
	const bool line_of_command = strcmp(file, "-e") == 0;
	struct scan s = { .file = file, .detail = detail, .err = err };

	if (line_of_command)
		s.line = r->lines;
	else if (span_starts(text, "\xef\xbb\xbf"))
		text = span_from(text, 3);
	while (span_next(&text, '\n', &s.text)) {
		s.line++;
		s.at = 0;
		if (s.text.n > 0 && s.text.p[s.text.n - 1] == '\r')
			s.text.n--;
		if (parse_line(r, &s) == -1)
			return -1;
	}
	if (line_of_command)
		r->lines = s.line > r->lines ? s.line : r->lines + 1;
	return 0;
}

/* ---- applying ---- */

struct rules_eval {
	const struct rules	*rules;
	struct state		 state;
	struct buf		 fired;
};

struct rules_eval *
rules_eval_new(const struct rules *rules, int64_t now, struct err *err)
{
	struct rules_eval *e;

	if ((e = calloc(1, sizeof(*e))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	e->rules = rules;
	if (state_init(&e->state, rules->pool.groups, now, err) == -1) {
		free(e);
		return NULL;
	}
	return e;
}

void
rules_eval_free(struct rules_eval *e)
{
	if (e == NULL)
		return;
	state_fini(&e->state);
	buf_fini(&e->fired);
	free(e);
}

/* One rule.  What goes wrong says where. */
static int
apply_rule(struct rules_eval *e, const struct rule *rule, struct err *err)
{
	struct state *st = &e->state;
	int holds = 1;

	if (rule->cond != NULL)
		holds = cond_eval(rule->cond, st, err);
	if (holds != -1 && (holds == 1) != rule->action->inverse)
		holds = rule->action->apply(&rule->args, st, err);
	if (holds == -1) {
		err_at(err, "%.*s", SPAN_ARG(rule->place));
		return -1;
	}
	if (!st->changed)
		return 0;
	st->changed = false;
	if (e->fired.n > 0)
		buf_chr(&e->fired, ' ');
	buf_put(&e->fired, rule->place);
	return buf_ok(&e->fired) ? 0 : err_nomem(err);
}

/* Whether a rule can say anything about the mailbox itself. */
static bool
is_for_mailbox(const struct rule *rule)
{
	return rule->action->mailbox &&
	    (rule->cond == NULL || !cond_needs_item(rule->cond));
}

static int
apply_all(struct rules_eval *e, struct rules_result *out, struct err *err)
{
	const struct rule *rule;
	struct state *st = &e->state;
	size_t i;

	*out = (struct rules_result){ .dropped = false };
	buf_clear(&e->fired);
	for (i = 0; i < e->rules->n && !st->dropped; i++) {
		rule = &e->rules->v[i];
		if (st->item == NULL && !is_for_mailbox(rule))
			continue;
		if (apply_rule(e, rule, err) == -1)
			return -1;
		if (st->dropped)
			out->reason = rule->place;
	}
	out->dropped = st->dropped;
	out->mailbox = st->name;
	out->flags = st->flags;
	out->fired = buf_span(&e->fired);
	return 0;
}

int
rules_apply(struct rules_eval *e, const struct mailbox *mailbox,
    const struct item *item, struct rules_result *out, struct err *err)
{
	state_begin(&e->state, mailbox->name, item);
	return apply_all(e, out, err);
}

int
rules_mailbox(struct rules_eval *e, const struct mailbox *mailbox,
    struct rules_result *out, struct err *err)
{
	struct err why = ERR_INIT;

	state_begin(&e->state, mailbox->name, NULL);
	if (apply_all(e, out, &why) == 0)
		return 0;
	if (why.scope == ERR_MESSAGE)
		why.scope = ERR_MAILBOX;
	if (err != NULL)
		*err = why;
	return -1;
}
