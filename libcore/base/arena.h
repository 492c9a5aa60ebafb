/* SPDX-License-Identifier: ISC */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"

/*
 * An arena: copies that live until it is reset.  Zeroed storage is empty.
 * A reset keeps one block, so that a window's arena settles.
 */
struct arena {
	struct arena_block	*head;
	size_t			 used;		/* octets handed out since the reset */
};

void		 arena_fini(struct arena *);
void		 arena_reset(struct arena *);

/* Aligned for any type, not zeroed.  NULL: out of memory. */
void		*arena_alloc(struct arena *, size_t);

/* Copy into the arena.  False when out of memory; *out is then none. */
bool		 arena_span(struct arena *, struct span in, struct span *out);

#endif
