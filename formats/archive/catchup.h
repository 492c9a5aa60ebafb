/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_CATCHUP_H
#define ARCHIVE_CATCHUP_H

#include "formats/archive/archive.h"
#include "formats/archive/batch.h"
#include "formats/archive/layout.h"

/*
 * Reading segments into an index: the ones that it does not know, the rest of
 * those that it knows in part, or, for a new index, all.  Everything that is read is
 * verified: frames, digests, commits, the chain.
 *
 * What is damaged in a sealed segment is told and passed over; the rest of it
 * is indexed.  What stands behind the last valid commit of a .part is not looked at.
 */

/* What is at the end of a .part. */
struct catchup_tail {
	bool		present;
	uint64_t	number, generation;
	uint64_t	size;		/* of the file */
	uint64_t	good;		/* end of its last valid commit; 0: none */
	struct stream_totals totals;	/* there */
	bool		ended;		/* a valid end is behind it, and no more */
};

struct catchup {
	const char		*dir;
	struct index		*index;
	const struct report	*report;

	/* Where damage is told; NULL: to the report. */
	int	(*damage)(void *, const struct archive_damage *, struct err *);
	void			*arg;

	/* Results. */
	struct catchup_tail	 tail;
	struct archive_verify	 seen;
	bool			 stale;		/* the index has what no segment
						   has: build it anew */
};

/* Read what is new of these files; a .part only if `part`. */
int	catchup_run(struct catchup *, const struct segment_files *, bool part,
	    struct err *);

/*
 * The id and origin that the first segment claims, appended.  0 where there
 * is none that can be read.  1, 0, -1.
 */
int	catchup_id(const char *dir, struct buf *id, struct buf *origin,
	    struct err *);

#endif
