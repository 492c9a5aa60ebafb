/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "base/sys.h"
#include "mail/endpoint.h"
#include "mail/report.h"

/*
 * The archive: a directory of sealed segments and an LMDB index that can be
 * built from them again.  Layout and invariants are in mx-archive(5).
 *
 * One writer at a time (flock), any number of readers, across processes.  A handle
 * may be used by several threads, cursors and lanes by one each.
 *
 * Opening finds the index short, foreign, of another version or missing:
 * it is built anew from the segments; segments that it does not know are
 * indexed; a writer also recovers what a killed one left (every committed batch is kept,
 * the rest goes to lost+found/).  Where the directory cannot be written, a reader
 * builds a private index in $TMPDIR that goes with the handle.
 */

struct archive;

enum archive_mode {
	ARCHIVE_READ,
	ARCHIVE_WRITE,		/* made if it is not there; STATUS_LOCKED if busy */
};

struct archive_config {
	const char		*program;	/* "mx-dump 1" */
	const struct sys	*sys;
	const struct report	*report;	/* recovery and rebuilds are noted */
	const char		*maker;		/* "mx-dump", "mx-transform RULES": only the
						   same one adds to an archive; NULL: any */
};

/*
 * Segments that are damaged or missing are noted at every opening; the sources of
 * such an archive are incomplete, and conclude nothing from absence.  None can be
 * written where a segment that SHA256SUMS lists is missing (STATUS_DATA).
 *
 * NULL: ERR_RUN; STATUS_NOINPUT, STATUS_DATA ("is no archive"), STATUS_LOCKED, STATUS_IO.
 */
struct archive	*archive_open(const char *dir, enum archive_mode,
		    const struct archive_config *, struct err *);
void		 archive_close(struct archive *);

/* Whether a directory is an archive: segments/ is there. */
bool		 archive_is(const char *dir);

/* What of it is read. */
enum archive_view {
	VIEW_CURRENT,		/* what the source holds, plus what was purged */
	VIEW_ALL,		/* everything ever seen */
	VIEW_AT,		/* as it stood after `generation` */
};

struct archive_select {
	enum archive_view	view;
	uint64_t		generation;
};

/* The newest generation at or before a time; 0: none. */
uint64_t	 archive_generation_at(struct archive *, int64_t sec);

/*
 * A clean source of a view: mailbox by mailbox, in the source's order.  Items come with
 * number, ident and key; octets are verified against their digest.
 * The archive must outlive it.
 */
struct source	*archive_source(struct archive *, const struct archive_select *,
		    struct err *);

/*
 * A sink that adds a generation: wants what the archive does not hold,
 * logs changes and ends within the scope.  Nothing is written where nothing
 * changed.  An archive has one origin; another is refused unless it has none yet
 * (STATUS_USAGE), and so is another maker.  dry: it only answers offers.  The archive (ARCHIVE_WRITE unless dry) outlives it.
 */
struct sink	*archive_sink(struct archive *, const char *origin, bool dry,
		    struct err *);

/* ---- looking in ---- */

struct archive_generation {
	uint64_t	number;
	int64_t		created;
	bool		complete;	/* false: partial */
	uint64_t	born, changed, ended;	/* items */
};

/* Calls back in order of number. */
int		 archive_generations(struct archive *,
		    int (*)(void *, const struct archive_generation *,
			struct err *), void *arg, struct err *);

struct archive_info {
	struct span	id, origin, maker;
	uint64_t	items, blobs, octets;	/* all; distinct messages and theirs */
	uint64_t	segments, stored;	/* files and their octets */
	uint64_t	generation;		/* newest */
};

int		 archive_info(struct archive *, struct archive_info *, struct err *);

/* Octets by digest (first `nibbles` hex digits); 1 found, 0 not, -1 (also: ambiguous). */
int		 archive_read_digest(struct archive *, struct span hex,
		    struct body *, struct err *);

/* Octets by mailbox and UID (the newest UIDVALIDITY), or by item number. */
int		 archive_read_uid(struct archive *, struct span mailbox,
		    uint32_t uid, struct body *, struct err *);
int		 archive_read_number(struct archive *, uint64_t number,
		    struct body *, struct err *);

/* ---- upkeep ---- */

struct archive_damage {
	const char	*segment;	/* file name */
	uint64_t	 frame;		/* offset */
	bool		 file;		/* it is about the file; frame says nothing */
	struct span	 mailbox;	/* of the item, or none */
	struct span	 ref;
	const char	*what;
};

struct archive_verify {
	uint64_t	segments, frames, items, octets;
	uint64_t	damaged;
	uint64_t	unreadable;	/* items of the index whose octets no segment has */
	uint64_t	lost;		/* items of damaged segments that cannot be read;
					   which they were only an older index knows */
	uint64_t	missing;	/* segments that SHA256SUMS lists */
};

/*
 * Verify every byte: SHA256SUMS and chain, every frame's checksum, every
 * digest, commits and ends, and that index and segments say the same.  Each finding is
 * told; -1 only where it cannot go on.
 */
int		 archive_verify(struct archive *,
		    int (*)(void *, const struct archive_damage *, struct err *),
		    void *arg, struct archive_verify *, struct err *);

/*
 * Build the index anew from the segments; the old one stays until the new is done.
 * The archive is not open elsewhere in this process.
 */
int		 archive_rebuild(const char *dir, const struct archive_config *,
		    struct err *);

/*
 * A dump of the index as text, table by table, in key order, so that two
 * can be compared; without what is of this machine (meta's device and inode).
 */
int		 archive_dump_index(struct archive *, struct buf *line,
		    int (*)(void *, struct span line, struct err *), void *arg,
		    struct err *);

/* Path of the receipt for a target (hex), made with its directory.  Caller frees. */
char		*archive_receipt_path(struct archive *, const char *target,
		    struct err *);

#endif
