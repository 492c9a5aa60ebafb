/* SPDX-License-Identifier: ISC */
/* The files of an archive. */

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/archive/layout.h"

#define NAME_MAX_OCTETS	64		/* of a segment's file name */
#define SUMS_MAX	((size_t)16 << 20)
#define PIECE		((size_t)256 << 10)
#define LIST_TRIES	5
#define LOSE_TRIES	1000		/* tails lost in the same second */

static const char readme[] =
    "This is a mail archive.  The messages are in segments/, in tar files that any\n"
    "tar with zstd extracts as Maildirs, without the program that wrote them:\n"
    "\n"
    "    mkdir mail\n"
    "    cat segments/*.tar.zst | zstd -dc | tar -C mail -ixf -\n"
    "    (cd segments && sha256sum -c SHA256SUMS)\n"
    "\n"
    "Each mailbox is a directory with cur/, new/ and tmp/; flags and dates are in the\n"
    "names and times of the files, and exactly in the tar's extended attributes\n"
    "(user.mx.*).  Changes of flags and what left the mailboxes later are in\n"
    ".mx/*.log.* in the order in which they came.  index/ can be deleted: it is\n"
    "built again from the segments.  mx-archive(5) and mx-stream(5) describe all of it.\n";

/* ---- paths ---- */

char *
layout_index(const char *dir)
{
	return io_path(dir, "index");
}

char *
layout_segments(const char *dir)
{
	return io_path(dir, "segments");
}

char *
layout_segment(const char *dir, uint64_t number, bool part)
{
	char name[NAME_MAX_OCTETS];

	(void)snprintf(name, N(name), "segments/%08llu.tar.zst%s",
	    (unsigned long long)number, part ? ".part" : "");
	return io_path(dir, name);
}

bool
layout_is(const char *dir)
{
	char *path = layout_segments(dir);
	struct stat st;
	bool is;

	is = path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	free(path);
	return is;
}

/* ---- making one ---- */

/* Nothing in it; an absent directory is empty too. */
static int
check_empty(const char *dir, struct err *err)
{
	struct dirent *e;
	bool empty = true;
	int rc = 0;
	DIR *d;

	if ((d = opendir(dir)) == NULL) {
		if (errno == ENOENT)
			return 0;
		return err_sys(err, ERR_RUN, STATUS_IO, "%s", dir);
	}
	while (empty && (errno = 0, e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0;
	if (empty && errno != 0)
		rc = err_sys(err, ERR_RUN, STATUS_IO, "%s", dir);
	(void)closedir(d);
	if (!empty)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: is no archive, and not empty", dir);
	return rc;
}

static int
make_readme(const char *dir, struct err *err)
{
	char *path = io_path(dir, "README");
	int rc = 0;

	if (path == NULL)
		return err_nomem(err);
	if (access(path, F_OK) == -1)
		rc = io_replace(path, span_of(readme, N(readme) - 1), err);
	free(path);
	return rc;
}

/*
 * segments/ comes first, since it is what tells an archive: a crash behind
 * it leaves one that the next writer completes.
 */
int
layout_create(const char *dir, struct err *err)
{
	char *segments = NULL;
	int rc = -1;

	if (!layout_is(dir) && check_empty(dir, err) == -1)
		return -1;
	if ((segments = layout_segments(dir)) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	if (!layout_is(dir) && (io_mkdirs(dir, err) == -1 ||
	    io_mkdir(segments, err) == -1 || io_sync_dir(dir, err) == -1))
		goto out;
	rc = make_readme(dir, err);
out:
	free(segments);
	return rc;
}

int
layout_lock(const char *dir, int *fd, struct err *err)
{
	char *path = io_path(dir, "lock");
	int rc = -1;

	*fd = -1;
	if (path == NULL)
		return err_nomem(err);
	if (io_create(path, O_CREAT | O_RDWR, fd, err) == -1)
		goto out;
	do
		rc = flock(*fd, LOCK_EX | LOCK_NB);
	while (rc == -1 && errno == EINTR);
	if (rc == 0) {
		rc = 1;
	} else if (errno == EWOULDBLOCK) {
		rc = io_close(fd, path, err);
	} else {
		rc = err_sys(err, ERR_RUN, STATUS_IO, "%s", path);
		(void)io_close(fd, path, NULL);
	}
out:
	free(path);
	return rc;
}

/* ---- segment files ---- */

/* NNNNNNNN.tar.zst or NNNNNNNN.tar.zst.part; the number has 8 digits or more. */
static bool
parse_name(const char *name, uint64_t *number, bool *part)
{
	const struct span s = span_str(name);
	const size_t dot = span_find(s, '.');

	*part = span_is(span_from(s, dot), ".tar.zst.part");
	return dot >= 8 && span_u64(span_head(s, dot), number) && *number > 0 &&
	    (*part || span_is(span_from(s, dot), ".tar.zst"));
}

static int
add_file(struct segment_files *f, const struct segment_file *one,
    struct err *err)
{
	struct segment_file *v;
	size_t cap;

	if (f->n == f->cap) {
		cap = f->cap == 0 ? 64 : f->cap * 2;
		if (cap > SIZE_MAX / sizeof(*v) ||
		    (v = realloc(f->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n++] = *one;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct segment_file *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (int)x->part - (int)y->part;
}

/* What a directory entry is; one that vanishes meanwhile was renamed. */
static int
list_one(int dirfd_, const char *name, struct segment_files *f, struct err *err)
{
	struct segment_file one;
	struct stat st;

	if (!parse_name(name, &one.number, &one.part))
		return 0;
	if (fstatat(dirfd_, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return 1;
		return err_sys(err, ERR_RUN, STATUS_IO, "segments/%s", name);
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	one.size = (uint64_t)st.st_size;
	return add_file(f, &one, err);
}

/* 1: something vanished, look again. */
static int
list_once(const char *path, struct segment_files *f, struct err *err)
{
	struct dirent *e;
	DIR *d;
	int rc = 0;

	f->n = 0;
	if ((d = opendir(path)) == NULL)
		return err_sys(err, ERR_RUN,
		    errno == ENOENT ? STATUS_NOINPUT : STATUS_IO, "%s", path);
	/* A list cut short would give a number to two segments. */
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL)
		rc = list_one(dirfd(d), e->d_name, f, err);
	if (rc == 0 && errno != 0)
		rc = err_sys(err, ERR_RUN, STATUS_IO, "%s", path);
	(void)closedir(d);
	return rc;
}

/*
 * A file that is renamed while the directory is read may show under both
 * names or none: the sealed name counts.
 */
static int
check_files(const char *path, struct segment_files *f, struct err *err)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		if (n == 0 || f->v[n - 1].number != f->v[i].number)
			f->v[n++] = f->v[i];
	f->n = n;
	for (i = 0; i < f->n; i++) {
		if (f->v[i].number != i + 1)
			return err_set(err, ERR_RUN, STATUS_DATA,
			    "%s/%08zu.tar.zst: the segment is missing", path, i + 1);
		if (f->v[i].part && i + 1 < f->n)
			return err_set(err, ERR_RUN, STATUS_DATA,
			    "%s/%08zu.tar.zst.part: is not sealed, but others follow",
			    path, i + 1);
	}
	return 0;
}

int
layout_list(const char *dir, struct segment_files *f, struct err *err)
{
	char *path = layout_segments(dir);
	int tries, rc = 1;

	*f = (struct segment_files){ .v = NULL };
	if (path == NULL)
		return err_nomem(err);
	/* A gap may be a file that was renamed while the directory was read. */
	for (tries = 0; rc != 0 && tries < LIST_TRIES; tries++) {
		err_clear(err);
		if ((rc = list_once(path, f, err)) != 0)
			continue;
		if (f->n > 0)
			qsort(f->v, f->n, sizeof(*f->v), by_number);
		rc = check_files(path, f, err);
	}
	if (rc == 1)
		rc = err_set(err, ERR_RUN, STATUS_IO, "%s: changes all the time",
		    path);
	if (rc == -1)
		segment_files_fini(f);
	free(path);
	return rc;
}

void
segment_files_fini(struct segment_files *f)
{
	free(f->v);
	*f = (struct segment_files){ .v = NULL };
}

int
layout_open_segment(const char *dir, uint64_t number, int *fd, struct err *err)
{
	/* It is renamed once, from the second to the first. */
	static const bool part[] = { false, true, false };
	char *path;
	size_t i;
	int rc = -1;

	for (i = 0; rc == -1 && i < N(part); i++) {
		if ((path = layout_segment(dir, number, part[i])) == NULL)
			return err_nomem(err);
		err_clear(err);
		rc = io_open(path, fd, err);
		free(path);
		if (rc == -1 && err->sys != ENOENT)
			return -1;
	}
	return rc;
}

int
layout_hash(int fd, const char *path, struct digest *out, struct err *err)
{
	unsigned char *piece = malloc(PIECE);
	struct sha256 *sha = sha256_new(err);
	off_t at = 0;
	ssize_t n = -1;

	if (piece == NULL)
		(void)err_nomem(err);
	if (piece == NULL || sha == NULL)
		goto out;
	while ((n = io_pread(fd, piece, PIECE, at, path, err)) > 0) {
		sha256_add(sha, span_of(piece, (size_t)n));
		at += n;
	}
	sha256_end(sha, out);
out:
	sha256_free(sha);
	free(piece);
	return n == 0 ? 0 : -1;
}

/* ---- SHA256SUMS ---- */

static int
sums_read(const char *path, struct buf *text, struct err *err)
{
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return 0;
	return io_slurp(path, SUMS_MAX, text, err);
}

/* The digest in the line of that segment: 64 hex digits, two spaces, its name. */
static bool
sums_find(struct span text, uint64_t number, struct digest *out)
{
	char name[NAME_MAX_OCTETS];
	struct span line;

	(void)snprintf(name, N(name), "  %08llu.tar.zst",
	    (unsigned long long)number);
	while (span_next(&text, '\n', &line))
		if (span_is(span_from(line, 64), name) &&
		    digest_parse(span_head(line, 64), out))
			return true;
	return false;
}

int
layout_sum(const char *dir, uint64_t number, struct digest *out,
    struct err *err)
{
	char *path = io_path(dir, "segments/SHA256SUMS");
	struct buf text = BUF_INIT;
	int rc = -1;

	if (path == NULL)
		return err_nomem(err);
	if (sums_read(path, &text, err) == 0)
		rc = sums_find(buf_span(&text), number, out) ? 1 : 0;
	buf_fini(&text);
	free(path);
	return rc;
}

/* The number in a line that sums_find() would find; 0: it is none. */
static uint64_t
sums_number(struct span line)
{
	struct digest sum;
	uint64_t number;
	bool part;
	char name[NAME_MAX_OCTETS];
	const struct span is = span_from(line, 66);

	if (is.n == 0 || is.n >= N(name) ||
	    !digest_parse(span_head(line, 64), &sum))
		return 0;
	memcpy(name, is.p, is.n);
	name[is.n] = '\0';
	return parse_name(name, &number, &part) && !part ? number : 0;
}

int
layout_sums(const char *dir, bool *there, uint64_t *highest, struct err *err)
{
	char *path = io_path(dir, "segments/SHA256SUMS");
	struct buf text = BUF_INIT;
	struct span rest, line;
	uint64_t number;
	int rc;

	*highest = 0;
	if (path == NULL)
		return err_nomem(err);
	*there = access(path, F_OK) == 0;
	rc = sums_read(path, &text, err);
	for (rest = buf_span(&text); span_next(&rest, '\n', &line);)
		if ((number = sums_number(line)) > *highest)
			*highest = number;
	buf_fini(&text);
	free(path);
	return rc;
}

int
layout_add_sum(const char *dir, uint64_t number, const struct digest *sha,
    struct err *err)
{
	char *path = io_path(dir, "segments/SHA256SUMS");
	struct buf text = BUF_INIT;
	struct digest known;
	int rc = -1;

	if (path == NULL)
		return err_nomem(err);
	if (sums_read(path, &text, err) == -1)
		goto out;
	rc = 0;
	if (sums_find(buf_span(&text), number, &known))
		goto out;
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_chr(&text, '\n');
	digest_put(&text, sha);
	buf_fmt(&text, "  %08llu.tar.zst\n", (unsigned long long)number);
	rc = buf_ok(&text) ? io_replace(path, buf_span(&text), err) :
	    err_nomem(err);
out:
	buf_fini(&text);
	free(path);
	return rc;
}

/* ---- lost+found ---- */

/* A path that is not taken: NNNNNNNN-TIME.tail, or with a count behind. */
static char *
lost_path(const char *lost, uint64_t number, int64_t now, unsigned count)
{
	struct tm tm = { .tm_mday = 1 };
	const time_t t = (time_t)now;
	char name[NAME_MAX_OCTETS], when[32] = "0", more[16] = "";

	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(when, N(when), "%Y%m%dT%H%M%SZ", &tm);
	if (count > 0)
		(void)snprintf(more, N(more), ".%u", count);
	(void)snprintf(name, N(name), "%08llu-%s%s.tail",
	    (unsigned long long)number, when, more);
	return io_path(lost, name);
}

static int
lost_create(const char *lost, uint64_t number, int64_t now, char **path, int *fd,
    struct err *err)
{
	unsigned count;

	for (count = 0; count < LOSE_TRIES; count++) {
		if ((*path = lost_path(lost, number, now, count)) == NULL)
			return err_nomem(err);
		err_clear(err);
		if (io_create(*path, O_CREAT | O_EXCL | O_WRONLY, fd, err) == 0)
			return 0;
		free(*path);
		*path = NULL;
		if (err->sys != EEXIST)
			break;
	}
	return -1;
}

static int
copy_tail(int from, off_t at, const char *from_path, int to,
    const char *to_path, struct err *err)
{
	unsigned char *piece = malloc(PIECE);
	ssize_t n;

	if (piece == NULL)
		return err_nomem(err);
	while ((n = io_pread(from, piece, PIECE, at, from_path, err)) > 0) {
		if (io_write(to, span_of(piece, (size_t)n), to_path, err) == -1) {
			n = -1;
			break;
		}
		at += n;
	}
	free(piece);
	return n == 0 ? 0 : -1;
}

/*
 * The copy and its directory are durable before the segment is cut: a crash
 * between leaves the octets twice, never nowhere.
 */
static int
lose_tail(const char *lost, const char *path, int part, uint64_t number,
    uint64_t from, int64_t now, char **kept, struct err *err)
{
	int fd = -1, rc = -1;

	if (lost_create(lost, number, now, kept, &fd, err) == -1)
		return -1;
	if (copy_tail(part, (off_t)from, path, fd, *kept, err) == 0 &&
	    io_sync(fd, *kept, err) == 0 && io_sync_dir(lost, err) == 0 &&
	    io_truncate(part, (off_t)from, path, err) == 0)
		rc = io_sync(part, path, err);
	if (io_close(&fd, *kept, rc == 0 ? err : NULL) == -1)
		rc = -1;
	return rc;
}

/* The name is reserved by an empty file, which the rename replaces. */
static int
lose_all(const char *dir, const char *lost, const char *path, uint64_t number,
    int64_t now, char **kept, struct err *err)
{
	char *segments = layout_segments(dir);
	int fd = -1, rc = -1;

	if (segments == NULL)
		return err_nomem(err);
	if (lost_create(lost, number, now, kept, &fd, err) == 0 &&
	    io_close(&fd, *kept, err) == 0 &&
	    io_rename(path, *kept, err) == 0 && io_sync_dir(lost, err) == 0)
		rc = io_sync_dir(segments, err);
	free(segments);
	return rc;
}

int
layout_lose(const char *dir, uint64_t number, uint64_t from, int64_t now,
    char **kept, struct err *err)
{
	char *lost = io_path(dir, "lost+found");
	char *path = layout_segment(dir, number, true);
	int fd = -1, rc = -1;

	*kept = NULL;
	if (lost == NULL || path == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	if (io_mkdir(lost, err) == -1 || io_sync_dir(dir, err) == -1)
		goto out;
	if (from == 0) {
		rc = lose_all(dir, lost, path, number, now, kept, err);
		goto out;
	}
	if (io_create(path, O_RDWR, &fd, err) == -1)
		goto out;
	rc = lose_tail(lost, path, fd, number, from, now, kept, err);
	if (io_close(&fd, path, rc == 0 ? err : NULL) == -1)
		rc = -1;
out:
	if (rc == -1) {
		free(*kept);
		*kept = NULL;
	}
	free(lost);
	free(path);
	return rc;
}

/* ---- the index's directory ---- */

char *
layout_temp_index(struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	path = io_path(tmp != NULL && tmp[0] == '/' ? tmp : "/tmp",
	    "mx-index-XXXXXX");
	if (path == NULL) {
		(void)err_nomem(err);
	} else if (mkdtemp(path) == NULL) {
		(void)err_sys(err, ERR_RUN, STATUS_IO, "%s", path);
		free(path);
		path = NULL;
	}
	return path;
}

int
layout_remove_index(const char *path, struct err *err)
{
	char *data = io_path(path, "data.mdb"), *lock = io_path(path, "lock.mdb");
	int rc = -1;

	if (data == NULL || lock == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	if (access(path, F_OK) == -1 && errno == ENOENT) {
		rc = 0;
		goto out;
	}
	if (io_unlink(data, err) == -1 || io_unlink(lock, err) == -1)
		goto out;
	/* Only a name goes here, and the index can be built again. */
	rc = rmdir(path);
	if (rc == -1)
		(void)err_sys(err, ERR_RUN, STATUS_IO, "%s", path);
out:
	free(data);
	free(lock);
	return rc;
}
