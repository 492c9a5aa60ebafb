/* SPDX-License-Identifier: ISC */
#ifndef RULES_COND_H
#define RULES_COND_H

#include "rules/pool.h"
#include "rules/scan.h"
#include "rules/state.h"

/*
 * Conditions: tests joined by and, or, not and parentheses.  Parsed once,
 * then immutable.  Internal to rules/.
 */

/* How deep parentheses and nots may be nested. */
#define COND_DEPTH	100

struct cond;

/*
 * s->at is behind the "if"; afterwards where the condition ends.  The pool
 * owns the result.  NULL: the error is placed.
 */
const struct cond *cond_parse(struct scan *, struct pool *);

/* Whether it asks for something that only an item has. */
bool		 cond_needs_item(const struct cond *);

/*
 * 1 it holds, 0 not, -1: ERR_MESSAGE: a limit was reached.  What need not be looked
 * at is not: "and" and "or" end as soon as it is clear.
 */
int		 cond_eval(const struct cond *, struct state *, struct err *);

/* ---- the table ---- */

struct condition_test;

/* One kind of test.  New kinds are rows of the table in cond.c. */
struct condition {
	const char	*name;
	const char	*args;		/* as the manual shows them; or "" */
	bool		 item;		/* a mailbox alone cannot tell */
	int		(*parse)(struct scan *, struct pool *,
			    struct condition_test *);
	int		(*eval)(const struct condition_test *, struct state *,
			    struct err *);
	unsigned	 arg;		/* for eval */
	const char	*help;
};

size_t		 cond_table(const struct condition **);

#endif
