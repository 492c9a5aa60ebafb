/* SPDX-License-Identifier: ISC */
#ifndef STREAM_UNPACK_H
#define STREAM_UNPACK_H

#include "formats/stream/entry.h"

/*
 * Tar octets back into entries, through libarchive; plain tar or zstd
 * frames, on a pipe or in a file.
 *
 * Hostile input: nothing is extracted, a path is only ever a name; symlinks, devices
 * and foreign entries are passed over; each limit is in unpack.c.  The locale is as for pack.h.
 */

enum unpack_kind {
	UNPACK_HEAD,
	UNPACK_MAILBOX,
	UNPACK_ITEM,
	UNPACK_LOG,
	UNPACK_COMMIT,
	UNPACK_END,
};

/* Everything lives until the next unpack_next(). */
struct unpack_entry {
	enum unpack_kind	kind;
	uint64_t		position;	/* of the entry's header: octets
						   of tar before it */
	struct span		path;		/* of an item: as it was written */

	struct stream_head	head;
	struct mailbox		mailbox;	/* of an item: as declared last */
	struct item		item;		/* size is the entry's; ident NULL */
	struct digest		digest;		/* of an item, as it claims */
	struct span		link;		/* hardlink target, maybe with composed
						   characters; none: it has octets */
	struct span		log;		/* lines */
	struct stream_totals	totals;
};

struct unpack;

/*
 * Read from fd (not closed here) at its current offset up to `limit` octets
 * (UINT64_MAX: to the end).  A file that starts in the middle of a
 * stream, at a frame, has no head; `headless` allows that, and items of mailboxes
 * whose declaration may stand before that place: of these it gives the name only.
 * The first thing read must be the head; else STATUS_DATA, "not an mx stream".
 */
struct unpack	*unpack_open(int fd, const char *name, uint64_t limit,
		    bool headless, struct err *);
void		 unpack_close(struct unpack *);

/*
 * 1 and an entry; 0 at the end of the tar (whether an end entry came is for
 * the caller to know); -1: damaged or cut short there (STATUS_DATA, with the
 * octet), or reading failed; also where something but zeros stands behind the tar.
 */
int		 unpack_next(struct unpack *, struct unpack_entry *, struct err *);

/*
 * The octets of the item just given, once; its digest is checked against the claimed
 * one (ERR_MESSAGE, STATUS_DATA where they differ; the stream goes on).
 */
int		 unpack_body(struct unpack *, struct body *, struct err *);

/*
 * The same into memory at `p`, which has room for item.size octets; nothing is
 * checked: the caller compares the digest.
 */
int		 unpack_read(struct unpack *, unsigned char *p, struct err *);

/*
 * Where the octets of the item given last begin: the offset in the file of
 * the frame that holds them, and their offset in that frame; what
 * frame_read() takes as `at` and `off`.  Can be asked before or after the body was read.
 */
void		 unpack_data(const struct unpack *, uint64_t *frame,
		    uint64_t *inside);

/* After a failure: whether it was that the file ends too early. */
bool		 unpack_cut(const struct unpack *);

/* After a failure: offset of the frame that it was in; UINT64_MAX: in none. */
uint64_t	 unpack_failed_at(const struct unpack *);

/*
 * Where tar position `position` lies in the file: the offset of the frame that
 * holds it, and the position within that frame.  For positions at or after that of the
 * entry given last.  Plain tar: frame 0.
 */
void		 unpack_place(const struct unpack *, uint64_t position,
		    uint64_t *frame, uint64_t *inside);

/*
 * File offset behind the last octet of the frame that holds the entry given
 * last: where a writer may go on after a commit.
 */
uint64_t	 unpack_frame_end(const struct unpack *);

/* Octets of tar read so far, padding included: the next entry's position. */
uint64_t	 unpack_position(const struct unpack *);

#endif
