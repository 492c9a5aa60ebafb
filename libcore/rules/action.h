/* SPDX-License-Identifier: ISC */
#ifndef RULES_ACTION_H
#define RULES_ACTION_H

#include "rules/pool.h"
#include "rules/scan.h"
#include "rules/state.h"

/* Actions: what a rule does.  Internal to rules/. */

/* How far a name or a list of flags may grow, in octets. */
#define ACTION_NAME_MAX		((size_t)16 << 10)
#define ACTION_FLAGS_MAX	((size_t)64 << 10)

/* What an action was given; each row of the table uses what it needs. */
struct action_args {
	const struct subst	*subst;
	struct span		 text;
};

/* One action.  New ones are rows of the table in action.c. */
struct action {
	const char	*object;	/* the first word */
	const char	*verb;		/* the second; "" for none */
	const char	*args;		/* as the manual shows them; or "" */
	bool		 mailbox;	/* it has a meaning for the mailbox itself */
	bool		 must_if;	/* senseless without a condition */
	bool		 inverse;	/* done where the condition does not hold */
	int		(*parse)(struct scan *, struct pool *,
			    struct action_args *);
	int		(*apply)(const struct action_args *, struct state *,
			    struct err *);
	const char	*help;
};

size_t		 action_table(const struct action **);

/* Read the words of an action, and its arguments.  NULL: the error is placed. */
const struct action *action_parse(struct scan *, struct pool *,
		    struct action_args *);

#endif
