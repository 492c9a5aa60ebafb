/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_WRITER_H
#define ARCHIVE_WRITER_H

#include "base/sys.h"
#include "formats/archive/batch.h"
#include "formats/stream/frame.h"
#include "mail/report.h"

/*
 * The one that writes an archive: appends frames to the segment, keeps what
 * they mean to the index until they are durable, seals.  Used by several
 * lanes at once.
 *
 * Nothing is written before there is something to write.  After a failure
 * everything else fails likewise, and nothing more is written: the next
 * writer recovers what was committed.
 */

struct writer_config {
	const char		*dir;
	struct index		*index;
	struct span		 id;		/* of the archive; none: it gets one */
	struct span		 origin, maker;
	const char		*program;
	uint64_t		 generation;
	uint64_t		 segment;	/* number of the next one */
	bool			 chained;
	struct digest		 previous;	/* of the one before, if chained */
	uint64_t		 roll;		/* octets; 0: SEGMENT_MAX */
	const struct sys	*sys;
	const struct report	*report;
};

struct writer;

/* What the spans and pointers of the config point to outlives the writer. */
struct writer	*writer_new(const struct writer_config *, struct err *);
void		 writer_free(struct writer *);		/* leaves a .part as it is */

/* Append a frame of items of `m`. */
int		 writer_frame(struct writer *, const struct mailbox *m,
		    struct frame *, struct err *);

/* With the next commit: the state of a mailbox, a line of the log. */
int		 writer_state(struct writer *, const struct mailbox *, struct err *);
int		 writer_line(struct writer *, const struct log_line *, struct err *);

/* The path of an entry with these octets that is not yet in the index.  1, 0. */
int		 writer_find(struct writer *, const struct digest *,
		    struct buf *path);

/* Make everything so far durable, then report it. */
int		 writer_commit(struct writer *, struct err *);

/*
 * End the generation: its line, a last commit, the seal.  Nothing at all where
 * nothing was written.
 */
int		 writer_end(struct writer *, bool complete, const char *reason,
		    struct err *);

#endif
