/* SPDX-License-Identifier: ISC */
#ifndef FLOW_PAIR_H
#define FLOW_PAIR_H

#include "mail/item.h"

/*
 * Messages of two sides as compact rows, and their pairing one to one.
 * Internal to the comparison.
 */

struct pair_row {
	struct digest	digest;
	unsigned char	canon[16];	/* the first octets of it */
	struct key	key;
	struct span	ref, flags;	/* in the table's arena */
	uint64_t	size;
	int64_t		sec;
	uint32_t	uid;
	uint32_t	mailbox;	/* the owner's */
	uint32_t	mate;		/* 1 + index in the other side; 0: none */
	int16_t		zone;
	bool		dated;
	bool		known;		/* digest and canon */
};

struct pair_table {
	struct pair_row	*v;
	uint32_t	 n, cap;
	struct arena	 arena;
};

void	pair_fini(struct pair_table *);

/* Copy an item in. */
int	pair_put(struct pair_table *, const struct item *, uint32_t mailbox,
	    struct err *);

/* Copy a row in, with what it points to, and without its mate. */
int	pair_copy(struct pair_table *, const struct pair_row *, struct err *);

/*
 * Give mates to as many rows without one as can be: by digest, then by canon,
 * then by key; among equals those first that agree in date and flags, then
 * in date, then in flags, then the others in the order of date, flags and arrival.
 */
int	pair_match(struct pair_table *a, struct pair_table *b, struct err *);

#endif
