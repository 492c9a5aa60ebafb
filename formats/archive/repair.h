/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_REPAIR_H
#define ARCHIVE_REPAIR_H

#include "formats/archive/catchup.h"
#include "formats/archive/index.h"

/*
 * Bringing index and segments together when an archive is opened.  Whoever
 * changes something holds the archive's lock.
 */

/*
 * Open the index in `path` if it can be trusted and no segment file is shorter than it
 * knows.  1; 0: it is to be built anew, and *why says why; -1: a segment is missing, or trouble.
 */
int	repair_open(const char *dir, const char *path, bool readonly,
	    struct span id, struct index **, const char **why, struct err *);

/*
 * A new index in `path` (removed before) from the segments, synced and closed again.
 */
int	repair_build(struct catchup *, const char *path, struct err *);

/* The same beside the archive's index, which it then replaces. */
int	repair_rebuild(const char *dir, const struct report *, struct err *);

/* Whether there are segments that the index does not know. */
int	repair_needed(struct index *, const struct segment_files *,
	    struct err *);

/*
 * For a writer: index what is new, move aside what a killed writer left
 * behind its last commit, and seal its segment.  0; 1: the index holds what no segment does:
 * build it anew and call again; -1.
 */
int	repair_recover(const char *dir, struct index *, int64_t now,
	    const struct report *, struct err *);

#endif
