/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_RULEFILTER_H
#define TOOLS_RULEFILTER_H

#include "flow/copy.h"
#include "rules/rules.h"

/* Rules as the filter of a copy. */

struct rulefilter {
	struct filter		 filter;	/* give this to copy_run() */
	const struct rules	*rules;
	int64_t			 now;		/* ages count from here, seconds */
};

/* The rules outlive it. */
void	rulefilter_init(struct rulefilter *, const struct rules *, int64_t now);

#endif
