/* SPDX-License-Identifier: ISC */
#ifndef RULES_STATE_H
#define RULES_STATE_H

#include "mail/item.h"
#include "rules/regex.h"

/*
 * An item, or a mailbox, as the rules so far have made it: what conditions
 * look at and actions change.  One thread's.  Internal to rules/.
 */
struct state {
	const struct item *item;	/* NULL: the mailbox itself */
	int64_t		 now;		/* seconds, UTC */
	struct span	 name;		/* mail/name.h */
	struct span	 flags;		/* canonical */
	bool		 dropped;
	bool		 changed;	/* by the rule in hand */

	struct regex_run *run;
	struct buf	 work;		/* scratch of an action */
	struct buf	 name_buf[2], flags_buf[2];
	struct buf	 shown;
	bool		 shown_valid;
};

int		 state_init(struct state *, uint32_t groups, int64_t now,
		    struct err *);
void		 state_fini(struct state *);

/* Begin anew; the spans live until the next begin. */
void		 state_begin(struct state *, struct span name,
		    const struct item *);

/*
 * The name with "/" between its levels.  Octet by octet the same as the name but
 * for the NULs.  None: out of memory.
 */
int		 state_shown(struct state *, struct span *, struct err *);

/*
 * Take a new name, whose empty levels are left out; one without any level is not
 * taken.  Take new flags, which are made canonical.  `changed` is set where they differ.
 */
int		 state_set_name(struct state *, struct span, struct err *);
int		 state_set_flags(struct state *, struct span, struct err *);

#endif
