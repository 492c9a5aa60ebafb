/* SPDX-License-Identifier: ISC */
/* Reading below a directory without following a link on the way. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

#include "formats/maildir/below.h"

#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* O_NONBLOCK: a FIFO must not hold us up before it is seen to be one. */
#define FILE_FLAGS	(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

static int
open_at(int fd, const char *name, int flags)
{
	int got;

	do
		got = openat(fd, name, flags);
	while (got == -1 && errno == EINTR);
	return got;
}

/* Close, keeping errno. */
static void
drop(int fd)
{
	const int keep = errno;

	(void)io_close(&fd, "", NULL);
	errno = keep;
}

int
below_dir(int fd, struct span path)
{
	struct span component;
	int at, next;
	char *name;

	if ((at = open_at(fd, ".", DIR_FLAGS)) == -1)
		return -1;
	while (span_next(&path, '/', &component)) {
		if ((name = span_dup(component)) == NULL) {
			errno = ENOMEM;
			next = -1;
		} else {
			next = open_at(at, name, DIR_FLAGS);
		}
		drop(at);
		free(name);
		if ((at = next) == -1)
			return -1;
	}
	return at;
}

int
below_file(int fd, const char *name, struct stat *st)
{
	int got;

	if ((got = open_at(fd, name, FILE_FLAGS)) == -1)
		return -1;
	if (fstat(got, st) == -1) {
		drop(got);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		drop(got);
		errno = EINVAL;
		return -1;
	}
	return got;
}

bool
below_is_dir(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

static bool
is_absent(int sys)
{
	return sys == ENOENT || sys == ELOOP || sys == EINVAL || sys == ENXIO;
}

int
below_slurp(int fd, const char *name, size_t max, struct buf *out,
    const char *path, struct err *err)
{
	const size_t was = out->n;
	unsigned char *room;
	struct stat st;
	ssize_t n;
	int at;

	if ((at = below_file(fd, name, &st)) == -1)
		return is_absent(errno) ? 0 : err_sys(err, ERR_MAILBOX,
		    STATUS_IO, "%s", path);
	for (;;) {
		if ((room = buf_room(out, 4096)) == NULL) {
			drop(at);
			return err_nomem(err);
		}
		if ((n = io_read(at, room, 4096, path, err)) <= 0)
			break;
		out->n += (size_t)n;
		if (out->n - was > max)
			break;
	}
	drop(at);
	if (n == 0)
		return 1;
	out->n = was;
	return n == -1 ? -1 : 0;
}
