/* SPDX-License-Identifier: ISC */
#ifndef STREAM_FRAME_H
#define STREAM_FRAME_H

#include "base/sha256.h"
#include "formats/stream/pack.h"

/*
 * Frames: runs of whole entries, about FRAME_TARGET octets before
 * compression, holding items of one mailbox.
 *
 * A framer belongs to one thread and is the part of a lane that does the
 * heavy work: it packs items, compresses the full frame (or, for a pipe, leaves it as
 * it is) and hands it over with what an index needs to know of the items
 * in it.  A message too large for a frame is a frame of its own.
 */

#define FRAME_TARGET	((size_t)1 << 20)

struct frame_item {
	struct item	item;		/* its spans live in the frame's arena */
	struct ident	ident;
	size_t		data;		/* offset of the octets in the frame, raw */
	bool		link;		/* a hardlink entry: no octets here */
	struct span	path;		/* of its entry */
};

struct frame {
	struct span		 mailbox;	/* mail/name.h; all items are of it */
	struct body		*octets;	/* compressed, or raw on a pipe;
						   its digest is not computed */
	uint64_t		 raw;		/* octets before compression */
	struct frame_item	*v;
	size_t			 n;
	struct arena		 arena;
};

/*
 * Takes a finished frame, borrowed until it returns.  Called on the framer's thread.
 */
typedef int	frame_fn(void *arg, struct frame *, struct err *);

struct framer;

/* level: zstd's, or 0 for raw. */
struct framer	*framer_new(int level, frame_fn *, void *arg, struct err *);
void		 framer_free(struct framer *);	/* what is unfinished is dropped */

/*
 * Add an item of `mailbox`; another mailbox than before, or a full frame,
 * emits what is there first.  The item's ident is computed here from the
 * body where item->ident is NULL.  `link`: path of an entry with the same octets that
 * stands earlier in the archive, or NULL.
 */
int		 framer_add(struct framer *, struct span mailbox,
		    const struct item *, struct body *, const char *link,
		    struct err *);

/*
 * The path of an item in the unfinished frame with that digest, that a link may
 * point to; or NULL.
 */
const char	*framer_find(const struct framer *, const struct digest *);

/* Emit the unfinished frame, if there is anything in it. */
int		 framer_flush(struct framer *, struct err *);

/* One frame of these octets (commit, log, head entries), compressed. */
int		 frame_wrap(int level, struct span raw, struct buf *out,
		    struct err *);

/*
 * Reading at random: decompress `len` octets at `off` of the frame that
 * starts at file offset `at` of fd, into *out (body_begin to body_end are
 * done here).  The frame's checksum is verified when its end is read, which is
 * when off + len is.  STATUS_DATA where it is damaged.
 */
struct frame_reader;

struct frame_reader *frame_reader_new(struct err *);
void		 frame_reader_free(struct frame_reader *);
int		 frame_read(struct frame_reader *, int fd, const char *path,
		    uint64_t at, uint64_t off, uint64_t len, struct body *out,
		    struct err *);

/*
 * The whole frame at `at`, appended to *out; refused above `max` raw octets
 * (returns 0 then, 1 when done, -1).  *next becomes the offset behind the frame.
 */
int		 frame_read_all(struct frame_reader *, int fd, const char *path,
		    uint64_t at, size_t max, struct buf *out, uint64_t *next,
		    struct err *);

#endif
