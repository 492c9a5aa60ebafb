/* SPDX-License-Identifier: ISC */
#ifndef STREAM_PACK_H
#define STREAM_PACK_H

#include "formats/stream/entry.h"

/*
 * Entries into tar octets, through libarchive.
 *
 * A pack appends to the caller's buffer; what it appends begins and ends at
 * an entry boundary and does not depend on what was packed before, so
 * pieces of several packs may be put in any order into one stream.
 *
 * The program has called setlocale(LC_CTYPE, "C.UTF-8"): libarchive converts
 * paths by the locale, and refuses what is not ASCII without it.
 */

struct pack;

struct pack	*pack_new(struct err *);
void		 pack_free(struct pack *);

/* The .mx entries.  `number` is the segment's, `k` counts within the file. */
int	pack_head(struct pack *, struct buf *out, const struct stream_head *,
	    struct err *);
int	pack_log(struct pack *, struct buf *out, uint64_t number, uint64_t k,
	    int64_t now, struct span lines, struct err *);
int	pack_commit(struct pack *, struct buf *out, uint64_t number, uint64_t k,
	    int64_t now, const struct stream_totals *, struct err *);
int	pack_end(struct pack *, struct buf *out, uint64_t number, int64_t now,
	    const struct stream_totals *, struct err *);
void	pack_trailer(struct buf *out);		/* two zero blocks */

/*
 * PATH/ with its attributes, and PATH/cur/, new/, tmp/ where it can hold
 * messages.  ERR_RUN, STATUS_DATA: attributes or a path beyond what can be read.
 */
int	pack_mailbox(struct pack *, struct buf *out, const struct mailbox *,
	    int64_t now, struct err *);

/*
 * The header part of an item: everything before its octets.  The octets
 * follow, then zeros up to a multiple of 512.  item->ident must be there.
 * `link` is the path of an earlier entry with the same octets (then nothing
 * follows), or NULL.  ERR_MESSAGE: more attributes than a tar can hold, or a path or
 * octets beyond the limits of entry.h.
 */
int	pack_item(struct pack *, struct buf *out, struct span mailbox,
	    const struct item *, const char *link, struct err *);

/* How many zeros follow that many octets. */
size_t	pack_padding(uint64_t size);

#endif
