/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_RULEFILTER_H
#define TOOLS_RULEFILTER_H

#include <stdatomic.h>

#include "flow/copy.h"
#include "rules/rules.h"

/*
 * Rules as the filter of a copy.
 *
 * An item on which a regex hits a limit stays as and where it is, whatever the other
 * rules say: it gets the note "rule-limit", is told of, and is counted.  So does a mailbox.
 * The note of an item that is dropped is FILE:LINE of the rule.
 */

struct rulefilter {
	struct filter		 filter;	/* give this to copy_run() */
	const struct rules	*rules;
	int64_t			 now;		/* ages count from here, seconds */
	const struct report	*report;	/* for notes; or NULL */
	_Atomic uint64_t	 limited;	/* times that a limit was hit */
	struct span		 from;		/* the mailbox of the items in hand;
						   for copies of one job */
};

/* Rules and report outlive it. */
void	rulefilter_init(struct rulefilter *, const struct rules *, int64_t now,
	    const struct report *);

#endif
