/* SPDX-License-Identifier: ISC */
#ifndef RULES_POOL_H
#define RULES_POOL_H

#include "base/bytes.h"
#include "rules/regex.h"
#include "rules/scan.h"

/*
 * What parsed rules are made of: it lives as long as they do.  Zeroed storage
 * is empty.  Internal to rules/.
 */
struct pool {
	struct arena	  arena;
	struct regex	**regex;
	size_t		  n, cap;
	uint32_t	  groups;	/* the most of any regex here */
};

void		 pool_fini(struct pool *);

/* Copies in the arena; the error is out of memory. */
int		 pool_span(struct pool *, struct span, struct span *out,
		    struct err *);
void		*pool_array(struct pool *, const void *, size_t n, size_t size,
		    struct err *);

/* Compile the text, which stands in the line of the scan; the pool owns it. */
const struct regex *pool_regex(struct pool *, const struct scan *,
		    const struct delimited *, unsigned flags);

#endif
