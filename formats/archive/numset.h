/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_NUMSET_H
#define ARCHIVE_NUMSET_H

#include "base/bytes.h"

/*
 * Sets of numbers in memory.  Zeroed storage is an empty set.  False from an
 * addition: out of memory.
 */

/* Names, by the first 64 bits of their SHA-256. */
struct nameset {
	uint64_t	*v;		/* 0: free */
	size_t		 n, cap;
};

void	nameset_fini(struct nameset *);
void	nameset_clear(struct nameset *);
bool	nameset_add(struct nameset *, struct span name);
bool	nameset_has(const struct nameset *, struct span name);

/* Item numbers, close to each other: a bit each, in blocks that are used. */
struct bitset {
	uint64_t	**block;
	size_t		  n;
};

void	bitset_fini(struct bitset *);
void	bitset_clear(struct bitset *);
bool	bitset_add(struct bitset *, uint64_t);
bool	bitset_has(const struct bitset *, uint64_t);

/* UIDs, mostly ascending: as ranges. */
struct rangeset {
	struct range {
		uint32_t	first, last;
	}	*v;
	size_t	 n, cap;
};

void	rangeset_fini(struct rangeset *);
void	rangeset_clear(struct rangeset *);
bool	rangeset_add(struct rangeset *, uint32_t);
bool	rangeset_has(const struct rangeset *, uint32_t);

#endif
