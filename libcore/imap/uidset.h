/* SPDX-License-Identifier: ISC */
#ifndef IMAP_UIDSET_H
#define IMAP_UIDSET_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * A set of UIDs as sorted ranges: a mailbox that nothing was deleted from
 * is one of them.  Zeroed storage is empty.
 */
struct uidrange {
	uint32_t	lo, hi;		/* both within */
};

struct uidset {
	struct uidrange	*v;
	size_t		 n, cap;
	uint64_t	 count;		/* UIDs in it */
};

void	uidset_fini(struct uidset *);
void	uidset_clear(struct uidset *);		/* keeps the storage */
int	uidset_add(struct uidset *, uint32_t uid, struct err *);
bool	uidset_has(const struct uidset *, uint32_t uid);

/*
 * The range that holds the next `most` UIDs of the set from `from` on.  False:
 * there is none.
 */
bool	uidset_next(const struct uidset *, uint32_t from, uint32_t most,
	    struct uidrange *out);

/* Into *out, cleared before: what is in `a` and not in `b`. */
int	uidset_minus(const struct uidset *a, const struct uidset *b,
	    struct uidset *out, struct err *);

/* As a sequence set of RFC 9051 section 9: "1:4,7". */
void	uidset_put(struct buf *, const struct uidset *);

#endif
