/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_BELOW_H
#define MAILDIR_BELOW_H

#include <sys/stat.h>

#include "base/bytes.h"
#include "base/err.h"

/*
 * Reading below a directory without following a link on the way: what someone
 * put into a tree cannot lead out of it.
 *
 * The calls that open give a descriptor that is the caller's, or -1 with errno.
 * ELOOP or ENOTDIR: a link stood in the way.
 */

/* A directory at a relative path; "" is another descriptor of `fd` itself. */
int	below_dir(int fd, struct span path);

/* A regular file in the directory; EINVAL: something else has the name. */
int	below_file(int fd, const char *name, struct stat *);

/* Whether the directory has a directory of that name. */
bool	below_is_dir(int fd, const char *name);

/*
 * All of a small file, appended.  1; 0: it is not there, or no regular file,
 * or over `max` octets; -1: it cannot be read.  `path` is for messages.
 */
int	below_slurp(int fd, const char *name, size_t max, struct buf *out,
	    const char *path, struct err *);

#endif
