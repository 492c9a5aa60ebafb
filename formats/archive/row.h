/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_ROW_H
#define ARCHIVE_ROW_H

#include "formats/archive/codec.h"
#include "mail/endpoint.h"

/*
 * The values of the index's tables; mx-archive(5) has them to the octet.
 * Putting appends to a buffer; getting gives spans into the value that was read.
 * False: it is no such value.
 */

/* What could not be read of a sealed segment. */
struct row_damage {
	uint64_t	places;		/* that could not be; 0: it is whole */
	uint64_t	first;		/* offset of the first of them */
	uint64_t	lost;		/* items that are in no row because of it */
	bool		unsure;		/* its end is lost too: perhaps more */
};

/* `segments`: by number. */
struct row_segment {
	uint64_t	length;		/* octets of the file that are indexed */
	uint64_t	generation;
	uint64_t	items, bytes;	/* as in its last commit */
	bool		sealed;
	struct digest	sha;		/* of the file, where it is sealed */
	struct row_damage damage;	/* of a sealed one */
};

/* `blobs`: by digest; where the octets of a message are. */
struct row_blob {
	uint64_t	segment, frame, inside, length;
	uint64_t	item;		/* whose entry holds them */
};

/* `mailboxes`: by number. */
struct row_mailbox {
	struct mailbox	m;		/* the state that was last seen */
	bool		known;		/* false: only a name in some item's src */
	bool		renamed;	/* older entries of it have another path */
	bool		scoped;		/* enumerated as a source ... */
	bool		complete;	/* ... the last time completely */
	uint64_t	scope;		/* generation of that */
	uint64_t	first;		/* generation that it came with */
	uint64_t	gone;		/* that it went with; 0: it did not */
	uint64_t	strays;		/* items of it that stand elsewhere */
	uint64_t	items, octets;	/* ever seen in it */
	uint64_t	live, live_octets; /* of those, in the current view */
};

/* What became of an item. */
enum item_state {
	ITEM_LIVE,
	ITEM_EXPUNGED,
	ITEM_PURGED,
	ITEM_MOVED,
};

/* The current view shows it. */
static inline bool
item_state_shown(enum item_state s)
{
	return s == ITEM_LIVE || s == ITEM_PURGED;
}

/* `items`: by number. */
struct row_item {
	uint32_t	home, src;	/* mailbox numbers */
	uint64_t	born;		/* generation */
	uint64_t	since;		/* generation of its newest change, or born */
	enum item_state	state;
	unsigned	letters;	/* flags_bits() when it was born */
	struct item	item;		/* number and key are not in the value */
	struct ident	ident;
	bool		altered;	/* src_digest is another than the digest */
	struct digest	src_digest;
};

/* `generations`: by number. */
struct row_generation {
	int64_t		created;
	bool		complete;
	uint64_t	born, changed, ended;
};

/* `changes`: by item and generation. */
struct row_change {
	enum item_state	state;
	struct span	flags;
};

/* `meta`, "state". */
struct row_state {
	uint64_t	next_item;
	uint32_t	next_mailbox;
	uint64_t	octets;		/* of all blobs */
};

void	row_put_segment(struct buf *, const struct row_segment *);
bool	row_get_segment(struct span, struct row_segment *);
void	row_put_blob(struct buf *, const struct row_blob *);
bool	row_get_blob(struct span, struct row_blob *);
void	row_put_mailbox(struct buf *, const struct row_mailbox *);
bool	row_get_mailbox(struct span, struct row_mailbox *);
void	row_put_item(struct buf *, const struct row_item *);
bool	row_get_item(struct span, struct row_item *);
void	row_put_generation(struct buf *, const struct row_generation *);
bool	row_get_generation(struct span, struct row_generation *);
void	row_put_change(struct buf *, const struct row_change *);
bool	row_get_change(struct span, struct row_change *);
void	row_put_state(struct buf *, const struct row_state *);
bool	row_get_state(struct span, struct row_state *);

/*
 * The first 8 octets of the key of `sources` behind the mailbox: UIDVALIDITY and UID
 * where the ref is "UIDVALIDITY.UID", else the head of the ref's SHA-256.
 * True where it is the former, and so tells the ref for certain.
 */
bool	row_ref8(struct span ref, unsigned char out[8]);

/* The path of an item's entry. */
void	row_item_path(struct buf *, struct span home, struct span src,
	    const struct row_item *);

#endif
