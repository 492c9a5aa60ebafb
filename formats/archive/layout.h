/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_LAYOUT_H
#define ARCHIVE_LAYOUT_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"

/*
 * The directory of an archive: which file is where.  Knows nothing of what is
 * in them.
 */

/* dir/name, dir/a/b; the caller frees them; NULL: out of memory. */
char	*layout_index(const char *dir);
char	*layout_segments(const char *dir);

/* segments/NNNNNNNN.tar.zst, with .part behind where it is being written. */
char	*layout_segment(const char *dir, uint64_t number, bool part);

/* Whether there is a directory segments/ in it. */
bool	 layout_is(const char *dir);

/*
 * Make what is missing of an archive: the directory (empty or absent, else STATUS_DATA),
 * segments/, README.
 */
int	 layout_create(const char *dir, struct err *);

/* Take the writer's lock.  1; 0: another has it; -1.  *fd is closed to release it. */
int	 layout_lock(const char *dir, int *fd, struct err *);

/* A segment file. */
struct segment_file {
	uint64_t	number;
	bool		part;
	uint64_t	size;
};

struct segment_files {
	struct segment_file	*v;
	size_t			 n, cap;
};

/*
 * The segment files, by number.  STATUS_DATA where one is missing between the first and
 * the last, or where one that is not the last is still being written.
 */
int	 layout_list(const char *dir, struct segment_files *, struct err *);
void	 segment_files_fini(struct segment_files *);

/* Open a segment, whether or not it is sealed meanwhile. */
int	 layout_open_segment(const char *dir, uint64_t number, int *fd,
	    struct err *);

/* SHA-256 of a whole file. */
int	 layout_hash(int fd, const char *path, struct digest *, struct err *);

/*
 * SHA256SUMS: what it says of a segment (1, 0: nothing, -1); and a line for
 * one that it does not have yet.
 */
int	 layout_sum(const char *dir, uint64_t number, struct digest *,
	    struct err *);
int	 layout_add_sum(const char *dir, uint64_t number, const struct digest *,
	    struct err *);

/*
 * Whether SHA256SUMS is there, and the highest number that it has a line for;
 * 0: none.  Ask before the files are listed: a writer adds the file first.
 */
int	 layout_sums(const char *dir, bool *there, uint64_t *highest, struct err *);

/*
 * Move the octets of the file from `from` on to lost+found/NNNNNNNN-TIME.tail and cut
 * it there; all of it: the file itself is moved.  *kept is the path, which the caller
 * frees.
 */
int	 layout_lose(const char *dir, uint64_t number, uint64_t from, int64_t now,
	    char **kept, struct err *);

/*
 * A new directory for an index of this process alone, in $TMPDIR or /tmp; the caller
 * frees the path.  NULL: failure.
 */
char	*layout_temp_index(struct err *);

/* Remove an index directory; absent is fine. */
int	 layout_remove_index(const char *path, struct err *);

#endif
