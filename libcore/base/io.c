/* SPDX-License-Identifier: ISC */
/* Files: the only place that writes, syncs, renames or removes anything. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/io.h"
#include "base/sys.h"

/* The most that one read(2) or write(2) is asked for. */
#define PIECE	((size_t)1 << 30)

/* A file given as a pipe has no size: it is read in steps of at least this. */
#define STEP	((size_t)16 << 10)

static int
failed(const char *path, const char *what, struct err *err)
{
	return err_sys(err, ERR_RUN, STATUS_IO, "%s: cannot %s", path, what);
}

/* A numbered point before a call that writes no octets. */
static int
point(void)
{
	return fault_point(-1, SPAN_NONE, -1);
}

static size_t
piece(size_t n)
{
	return n < PIECE ? n : PIECE;
}

/*
 * After a read or write that failed: whether to try again.  Waits where the
 * descriptor was left non-blocking by someone who shares it.
 */
static bool
again(int fd, short events)
{
	struct pollfd pfd = { fd, events, 0 };

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return false;
	return poll(&pfd, 1, -1) != -1 || errno == EINTR;
}

/* ---- opening and closing ---- */

/* What is not there, or not for us, is a matter of the input given. */
static bool
is_absent(int sys)
{
	return sys == ENOENT || sys == ENOTDIR || sys == EACCES || sys == ELOOP;
}

static int
open_again(const char *path, int flags)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, 0600);
	while (fd == -1 && errno == EINTR);
	return fd;
}

int
io_open(const char *path, int *fd, struct err *err)
{
	if ((*fd = open_again(path, O_RDONLY)) != -1)
		return 0;
	return err_sys(err, ERR_RUN,
	    is_absent(errno) ? STATUS_NOINPUT : STATUS_IO, "%s", path);
}

int
io_create(const char *path, int flags, int *fd, struct err *err)
{
	*fd = -1;
	if (point() == 0 && (*fd = open_again(path, flags)) != -1)
		return 0;
	return err_sys(err, ERR_RUN, errno == ENOENT && (flags & O_CREAT) == 0 ?
	    STATUS_NOINPUT : STATUS_IO, "%s", path);
}

int
io_close(int *fd, const char *path, struct err *err)
{
	const int old = *fd;

	*fd = -1;
	/* After EINTR it is closed all the same, and not ours to close twice. */
	if (old == -1 || close(old) == 0 || errno == EINTR)
		return 0;
	return failed(path, "close", err);
}

int
io_temp(int *fd, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	unsigned char id[12];
	struct buf path = BUF_INIT;
	int rc = -1;

	*fd = -1;
	sys_random(&sys_real, id, N(id));
	buf_str(&path, dir != NULL && dir[0] != '\0' ? dir : "/tmp");
	buf_str(&path, "/mx-");
	buf_hex(&path, span_of(id, N(id)));
	(void)buf_cstr(&path);
	if (!buf_ok(&path)) {
		(void)err_nomem(err);
		goto out;
	}
	if (io_create(buf_cstr(&path), O_RDWR | O_CREAT | O_EXCL, fd, err) == -1)
		goto out;
	if (io_unlink(buf_cstr(&path), err) == -1) {
		(void)io_close(fd, buf_cstr(&path), NULL);
		goto out;
	}
	rc = 0;
out:
	buf_fini(&path);
	return rc;
}

/* ---- reading ---- */

ssize_t
io_read(int fd, void *p, size_t n, const char *path, struct err *err)
{
	ssize_t got;

	do
		got = read(fd, p, piece(n));
	while (got == -1 && again(fd, POLLIN));
	return got != -1 ? got : failed(path, "read", err);
}

ssize_t
io_pread(int fd, void *p, size_t n, off_t at, const char *path,
    struct err *err)
{
	unsigned char *to = p;
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pread(fd, to + done, piece(n - done), at + (off_t)done);
		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return failed(path, "read", err);
	}
	return (ssize_t)done;
}

/* How much to ask for next: all of a file at once, and one more to see its end. */
static size_t
slurp_step(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return STEP;
	return piece((size_t)st.st_size + 1);
}

int
io_slurp(const char *path, size_t max, struct buf *out, struct err *err)
{
	const size_t before = out->n;
	size_t step;
	unsigned char *room;
	ssize_t got;
	int fd = -1, rc = -1;

	if (io_open(path, &fd, err) == -1)
		goto out;
	step = slurp_step(fd);
	for (;;) {
		/* One more than is allowed, to tell "just so" from "too big". */
		if (step > max - (out->n - before))
			step = max - (out->n - before) + 1;
		if ((room = buf_room(out, step)) == NULL) {
			(void)err_nomem(err);
			goto out;
		}
		if ((got = io_read(fd, room, step, path, err)) == -1)
			goto out;
		if (got == 0)
			break;
		out->n += (size_t)got;
		if (out->n - before > max) {
			(void)err_set(err, ERR_RUN, STATUS_DATA,
			    "%s: over the limit of %zu octets", path, max);
			goto out;
		}
		step = STEP;
	}
	rc = 0;
out:
	if (rc == -1)
		out->n = before;
	(void)io_close(&fd, path, NULL);
	return rc;
}

/* ---- writing ---- */

/* A write that failed, or took nothing, and would do so for ever. */
static int
stuck(ssize_t n, const char *path, struct err *err)
{
	if (n == 0)
		errno = EIO;
	return failed(path, "write", err);
}

int
io_write(int fd, struct span s, const char *path, struct err *err)
{
	ssize_t n;

	if (fault_point(fd, s, -1) == -1)
		return failed(path, "write", err);
	while (s.n > 0) {
		n = write(fd, s.p, piece(s.n));
		if (n > 0)
			s = span_from(s, (size_t)n);
		else if (n == 0 || !again(fd, POLLOUT))
			return stuck(n, path, err);
	}
	return 0;
}

int
io_pwrite(int fd, struct span s, off_t at, const char *path, struct err *err)
{
	ssize_t n;

	if (fault_point(fd, s, at) == -1)
		return failed(path, "write", err);
	while (s.n > 0) {
		n = pwrite(fd, s.p, piece(s.n), at);
		if (n > 0) {
			s = span_from(s, (size_t)n);
			at += n;
		} else if (n == 0 || errno != EINTR) {
			return stuck(n, path, err);
		}
	}
	return 0;
}

int
io_allocate(int fd, off_t size, const char *path, struct err *err)
{
	int rc;

	if (point() == -1)
		return failed(path, "allocate", err);
	do
		rc = posix_fallocate(fd, 0, size);
	while (rc == EINTR);
	/* Where the file system knows of no such thing, it is as it is. */
	if (rc == 0 || rc == EOPNOTSUPP || rc == EINVAL)
		return 0;
	errno = rc;
	return failed(path, "allocate", err);
}

int
io_truncate(int fd, off_t size, const char *path, struct err *err)
{
	int rc;

	if ((rc = point()) == 0)
		do
			rc = ftruncate(fd, size);
		while (rc == -1 && errno == EINTR);
	return rc == 0 ? 0 : failed(path, "truncate", err);
}

/* ---- to the disk ---- */

/*
 * A sync that was interrupted is tried again, one that failed never: what it
 * could not write may be marked clean by now, and the second call would lie.
 */
int
io_datasync(int fd, const char *path, struct err *err)
{
	int rc;

	if ((rc = point()) == 0)
		do
			rc = fdatasync(fd);
		while (rc == -1 && errno == EINTR);
	return rc == 0 ? 0 : failed(path, "sync", err);
}

int
io_sync(int fd, const char *path, struct err *err)
{
	int rc;

	if ((rc = point()) == 0)
		do
			rc = fsync(fd);
		while (rc == -1 && errno == EINTR);
	return rc == 0 ? 0 : failed(path, "sync", err);
}

int
io_sync_dir(const char *path, struct err *err)
{
	struct err why = ERR_INIT;
	int fd, rc;

	if ((fd = open_again(path, O_RDONLY | O_DIRECTORY)) == -1)
		return failed(path, "sync", err);
	rc = io_sync(fd, path, &why);
	(void)io_close(&fd, path, NULL);
	/* EINVAL: a file system that has no such thing for directories. */
	if (rc == 0 || why.sys == EINVAL)
		return 0;
	if (err != NULL)
		*err = why;
	return -1;
}

/* ---- names ---- */

char *
io_path(const char *dir, const char *name)
{
	const struct span d = span_str(dir);
	struct buf path = BUF_INIT;

	buf_put(&path, d);
	if (d.n > 0 && d.p[d.n - 1] != '/')
		buf_chr(&path, '/');
	buf_str(&path, name);
	buf_chr(&path, '\0');
	if (!buf_ok(&path)) {
		buf_fini(&path);
		return NULL;
	}
	return (char *)path.p;
}

/* The directory that a path's last component stands in; to be freed. */
static char *
parent(const char *path)
{
	struct span s = span_str(path);

	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	while (s.n > 0 && s.p[s.n - 1] != '/')
		s.n--;
	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	return span_dup(s.n > 0 ? s : SPAN("."));
}

int
io_rename(const char *from, const char *to, struct err *err)
{
	if (point() == 0 && rename(from, to) == 0)
		return 0;
	return err_sys(err, ERR_RUN, STATUS_IO, "%s: cannot rename to %s", from,
	    to);
}

int
io_link(const char *from, const char *to, struct err *err)
{
	if (point() == 0 && link(from, to) == 0)
		return 0;
	return err_sys(err, ERR_RUN, STATUS_IO, "%s: cannot link to %s", from,
	    to);
}

int
io_unlink(const char *path, struct err *err)
{
	if (point() == 0 && (unlink(path) == 0 || errno == ENOENT))
		return 0;
	return failed(path, "remove", err);
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int
io_mkdir(const char *path, struct err *err)
{
	if (point() == 0 && mkdir(path, 0700) == 0)
		return 0;
	if (errno == EEXIST) {
		if (is_dir(path))
			return 0;
		errno = ENOTDIR;
	}
	return failed(path, "make the directory", err);
}

/* One level of io_mkdirs(), durable before anything is put into it. */
static int
mkdir_synced(const char *path, struct err *err)
{
	char *up = NULL;
	int rc = -1;

	if (is_dir(path))
		return 0;
	if (io_mkdir(path, err) == -1)
		goto out;
	if ((up = parent(path)) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	rc = io_sync_dir(up, err);
out:
	free(up);
	return rc;
}

int
io_mkdirs(const char *path, struct err *err)
{
	char *copy, *at;
	int rc = -1;

	if ((copy = span_dup(span_str(path))) == NULL)
		return err_nomem(err);
	for (at = copy; *at == '/'; at++)
		;
	while ((at = strchr(at, '/')) != NULL) {
		*at = '\0';
		if (mkdir_synced(copy, err) == -1)
			goto out;
		*at++ = '/';
		at += strspn(at, "/");
	}
	rc = mkdir_synced(copy, err);
out:
	free(copy);
	return rc;
}

int
io_utime(const char *path, int64_t sec, struct err *err)
{
	struct timespec t[2] = { { 0, UTIME_OMIT }, { 0, 0 } };

	t[1].tv_sec = (time_t)sec;
	if (point() == 0 && utimensat(AT_FDCWD, path, t, 0) == 0)
		return 0;
	return failed(path, "set the time", err);
}

/* ---- whole files ---- */

/* The octets into a file of that name, which may be left of a crash. */
static int
write_file(const char *path, struct span s, struct err *err)
{
	int fd = -1, rc = -1;

	if (io_create(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, &fd,
	    err) == -1)
		goto out;
	if (io_write(fd, s, path, err) == -1)
		goto out;
	if (io_sync(fd, path, err) == -1)
		goto out;
	rc = io_close(&fd, path, err);
out:
	(void)io_close(&fd, path, NULL);
	return rc;
}

int
io_replace(const char *path, struct span s, struct err *err)
{
	struct buf new = BUF_INIT;
	char *dir = NULL;
	int rc = -1;

	buf_str(&new, path);
	buf_str(&new, ".new");
	(void)buf_cstr(&new);
	if (!buf_ok(&new) || (dir = parent(path)) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	if (write_file(buf_cstr(&new), s, err) == -1 ||
	    io_rename(buf_cstr(&new), path, err) == -1) {
		(void)io_unlink(buf_cstr(&new), NULL);
		goto out;
	}
	rc = io_sync_dir(dir, err);
out:
	free(dir);
	buf_fini(&new);
	return rc;
}

int
io_point(const char *what, struct err *err)
{
	if (point() == 0)
		return 0;
	return err_sys(err, ERR_RUN, STATUS_IO, "%s", what);
}
