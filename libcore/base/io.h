/* SPDX-License-Identifier: ISC */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

/*
 * Files.  Every create, write, sync, rename, link, unlink and truncate of the
 * program goes through this module, and each such call is a numbered point
 * at which a test build can make it fail or kill the process; EINTR and
 * short counts are handled here and nowhere else.
 *
 * Errors: ERR_RUN with STATUS_IO (opening something absent that is not to be
 * created, or not ours to read: STATUS_NOINPUT); the message starts with the
 * path given.  -1 on failure, 0 else, unless said.
 *
 * In a build with -DMX_FAULT the variable MX_FAULT=MODE:K acts at the K-th
 * point, counted from 1: fail:K:ENOSPC makes the call fail with that errno,
 * kill:K kills the process before it, short:K after half of the octets of a
 * write.  MX_FAULT=count:FILE writes the number of points to FILE at exit.
 */

/* Open for reading; *fd is the caller's. */
int	io_open(const char *path, int *fd, struct err *);

/* Open for writing: flags as open(2), mode 0600 & ~umask; always O_CLOEXEC. */
int	io_create(const char *path, int flags, int *fd, struct err *);

/* Close and report what it says; *fd becomes -1.  A *fd of -1 is fine. */
int	io_close(int *fd, const char *path, struct err *);

int	io_write(int fd, struct span, const char *path, struct err *);
int	io_pwrite(int fd, struct span, off_t, const char *path, struct err *);

/*
 * Up to n octets; the count, 0 at the end, -1.  io_read() returns what one
 * read(2) gave, which from a pipe may be fewer; io_pread() gives fewer only at
 * the end of the file.
 */
ssize_t	io_read(int fd, void *, size_t n, const char *path, struct err *);
ssize_t	io_pread(int fd, void *, size_t n, off_t, const char *path, struct err *);

/* The whole file into *out (appended); files over `max` octets are refused. */
int	io_slurp(const char *path, size_t max, struct buf *out, struct err *);

int	io_datasync(int fd, const char *path, struct err *);
int	io_sync(int fd, const char *path, struct err *);
int	io_sync_dir(const char *path, struct err *);
int	io_allocate(int fd, off_t size, const char *path, struct err *);	/* blocks for so much */
int	io_truncate(int fd, off_t, const char *path, struct err *);
int	io_rename(const char *from, const char *to, struct err *);
int	io_link(const char *from, const char *to, struct err *);
int	io_unlink(const char *path, struct err *);	/* absent is fine */
int	io_mkdir(const char *path, struct err *);	/* present is fine; 0700 */

/* With its parents; each that was made is durable when this returns. */
int	io_mkdirs(const char *path, struct err *);
int	io_utime(const char *path, int64_t sec, struct err *);	/* mtime */

/*
 * Replace `path` by these octets so that a crash leaves the old or the new:
 * path.new, fsync, rename, fsync of the directory.  One writer at a time.
 */
int	io_replace(const char *path, struct span, struct err *);

/* An unlinked file in $TMPDIR (or /tmp) for spooling. */
int	io_temp(int *fd, struct err *);

/* A numbered point that is not a call of this module: LMDB's commit. */
int	io_point(const char *what, struct err *);

/* "dir/name" as a string that the caller frees; NULL when out of memory. */
char	*io_path(const char *dir, const char *name);

#endif
