/* SPDX-License-Identifier: ISC */
#ifndef STREAM_FEED_H
#define STREAM_FEED_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * The tar octets of a file or pipe, plain or out of zstd frames (RFC 8878),
 * block by block, and where in the file each frame lies.  No block holds
 * octets of two frames, and a frame's last octet is not given before its
 * checksum was verified.
 *
 * "position" counts octets of tar from where reading began, "offset" counts
 * octets of the file.
 */

struct feed;

/* Read from fd, at its current offset, at most `limit` octets of the file. */
struct feed	*feed_open(int fd, const char *name, uint64_t limit,
		    struct err *);
void		 feed_close(struct feed *);

/*
 * 1 and a block that lives until the next call; 0 at the end; -1: STATUS_DATA where a
 * frame is damaged or ends too early, or reading failed.
 */
int		 feed_next(struct feed *, struct span *block, struct err *);

/* Whether there are no frames: a plain tar. */
bool		 feed_is_plain(const struct feed *);

/*
 * Whether the file ended; whether there was nothing in it; and whether it ended inside
 * a frame.
 */
bool		 feed_ended(const struct feed *);
bool		 feed_empty(const struct feed *);
bool		 feed_cut(const struct feed *);

/* Offset of the frame that is being read; UINT64_MAX: none is. */
uint64_t	 feed_at(const struct feed *);

/* A frame: its place in the file and in the tar. */
struct feed_frame {
	uint64_t	start, end;	/* positions; UINT64_MAX: not known yet */
	uint64_t	at, next;	/* offsets of it and behind it; as above */
};

/*
 * The frame that holds `position`: of those given so far and not forgotten, the last
 * that begins at or before it.  A plain tar is one frame without end.
 */
void		 feed_frame(const struct feed *, uint64_t position,
		    struct feed_frame *);

/* Nothing before `position` will be asked for again. */
void		 feed_forget(struct feed *, uint64_t position);

#endif
