/* SPDX-License-Identifier: ISC */
/* An arena: a chain of blocks, the newest at its head. */

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define FIRST	((size_t)16 << 10)	/* octets of the first block */
#define MOST	((size_t)1 << 20)	/* no bigger unless one piece needs it */

struct arena_block {
	struct arena_block	*next;
	size_t			 cap, used;
	alignas(max_align_t) unsigned char data[];
};

static void
free_chain(struct arena_block *b)
{
	struct arena_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}

void
arena_fini(struct arena *a)
{
	free_chain(a->head);
	a->head = NULL;
	a->used = 0;
}

/*
 * Keep the biggest block that is not oversized: blocks double, so after a
 * few windows one block holds a whole one.
 */
void
arena_reset(struct arena *a)
{
	struct arena_block *b, *next, *keep = NULL;

	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		if (b->cap > MOST || (keep != NULL && keep->cap >= b->cap)) {
			free(b);
			continue;
		}
		free(keep);
		keep = b;
	}
	if (keep != NULL) {
		keep->next = NULL;
		keep->used = 0;
	}
	a->head = keep;
	a->used = 0;
}

/* A new head with room for n octets. */
static struct arena_block *
add_block(struct arena *a, size_t n)
{
	struct arena_block *b;
	size_t cap = FIRST;

	if (a->head != NULL)
		cap = a->head->cap < MOST / 2 ? a->head->cap * 2 : MOST;
	if (cap < n)
		cap = n;
	if (cap > PTRDIFF_MAX - sizeof(*b))
		return NULL;
	if ((b = malloc(sizeof(*b) + cap)) == NULL)
		return NULL;
	b->next = a->head;
	b->cap = cap;
	b->used = 0;
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b = a->head;
	void *p;

	if (n > PTRDIFF_MAX - align)
		return NULL;	/* no object is that big */
	n = n > 0 ? (n + align - 1) / align * align : align;
	if ((b == NULL || b->cap - b->used < n) && (b = add_block(a, n)) == NULL)
		return NULL;
	p = b->data + b->used;
	b->used += n;
	a->used += n;
	return p;
}

bool
arena_span(struct arena *a, struct span in, struct span *out)
{
	void *copy;

	*out = SPAN_NONE;
	if (in.n == 0)
		return true;
	if ((copy = arena_alloc(a, in.n)) == NULL)
		return false;
	memcpy(copy, in.p, in.n);
	*out = span_of(copy, in.n);
	return true;
}
