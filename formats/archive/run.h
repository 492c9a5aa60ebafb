/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_RUN_H
#define ARCHIVE_RUN_H

#include <pthread.h>

#include "formats/archive/local.h"
#include "formats/archive/numset.h"
#include "formats/archive/writer.h"

/*
 * A run of the archive as a sink, for sink.c (its beginning and end), lane.c and
 * ends.c.
 *
 * Nothing in these reads the index and writes at the same time: what is to be
 * written is gathered first.
 */

struct asink {
	struct sink		 sink;
	struct archive		*a;
	bool			 dry;
	struct buf		 origin;
	uint64_t		 generation;
	struct writer		*writer;	/* NULL when dry */
	pthread_mutex_t		 lock;		/* of visited */
	struct nameset		 visited;	/* mailboxes met in this run */
};

/* A lane of the run; NULL: out of memory. */
struct lane	*lane_new(struct asink *, struct err *);

/*
 * Log the ends of what a source mailbox held and is not in `seen` (NULL: nothing
 * is); *any is set if there was any.  Items of this very generation are not in question.
 */
int		 ends_log(struct asink *, const struct bitset *seen, struct span from,
		    bool *any, struct err *);

#endif
