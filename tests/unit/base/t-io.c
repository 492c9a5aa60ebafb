/* SPDX-License-Identifier: ISC */
/* Files: what works, and what the system itself refuses.  See t-fault.c. */

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/io.h"
#include "scratch.h"

/* The error is one of this module's, about this path. */
static void
check_err(const char *row, const struct err *err, const char *path,
    enum status status, int sys)
{
	ROW_OK(row, err->scope == ERR_RUN);
	ROW_OK(row, err->status == status);
	ROW_OK(row, err->sys == sys);
	ROW_OK(row, span_starts(span_str(err->msg), path));
}

static void
write_and_read(void **state)
{
	struct err err = ERR_INIT;
	char text[16];
	int fd = -1;

	(void)state;
	assert_int_equal(io_create("f", O_RDWR | O_CREAT | O_EXCL, &fd, &err), 0);
	assert_int_equal(io_write(fd, SPAN("hello world"), "f", &err), 0);
	assert_int_equal(io_write(fd, SPAN_NONE, "f", &err), 0);
	assert_int_equal(io_pwrite(fd, SPAN("W"), 6, "f", &err), 0);
	assert_int_equal(io_datasync(fd, "f", &err), 0);
	assert_int_equal(io_sync(fd, "f", &err), 0);
	assert_int_equal(io_pread(fd, text, 5, 6, "f", &err), 5);
	assert_memory_equal(text, "World", 5);
	assert_int_equal(io_pread(fd, text, N(text), 6, "f", &err), 5);
	assert_int_equal(io_pread(fd, text, N(text), 11, "f", &err), 0);
	assert_int_equal(io_truncate(fd, 5, "f", &err), 0);
	assert_int_equal(io_close(&fd, "f", &err), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(io_close(&fd, "f", &err), 0);

	assert_int_equal(io_open("f", &fd, &err), 0);
	assert_int_equal(io_read(fd, text, 3, "f", &err), 3);
	assert_memory_equal(text, "hel", 3);
	assert_int_equal(io_read(fd, text, N(text), "f", &err), 2);
	assert_int_equal(io_read(fd, text, N(text), "f", &err), 0);
	assert_int_equal(io_close(&fd, "f", &err), 0);
	assert_int_equal(err.scope, ERR_NONE);
}

static void
modes_are_narrow(void **state)
{
	struct err err = ERR_INIT;
	struct stat st;
	int fd = -1;

	(void)state;
	assert_int_equal(io_create("m", O_WRONLY | O_CREAT, &fd, &err), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(io_close(&fd, "m", &err), 0);
	assert_int_equal(io_mkdir("md", &err), 0);
	assert_int_equal(stat("md", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void
opening_fails(void **state)
{
	static const struct {
		const char	*path;
		int		 flags;		/* -1: io_open() */
		enum status	 status;
		int		 sys;
	} rows[] = {
		{ "absent",	-1,	STATUS_NOINPUT,	ENOENT },
		{ "file/below",	-1,	STATUS_NOINPUT,	ENOTDIR },
		{ "loop",	-1,	STATUS_NOINPUT,	ELOOP },
		{ "absent",	O_WRONLY, STATUS_NOINPUT, ENOENT },
		{ "absent/new",	O_WRONLY | O_CREAT, STATUS_IO, ENOENT },
		{ "file",	O_WRONLY | O_CREAT | O_EXCL, STATUS_IO, EEXIST },
		{ "dir",	O_WRONLY, STATUS_IO,	EISDIR },
	};
	struct err err;
	size_t i;
	int fd, rc;

	(void)state;
	scratch_file("file", SPAN_NONE);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	for (i = 0; i < N(rows); i++) {
		err_clear(&err);
		fd = 99;
		rc = rows[i].flags == -1 ? io_open(rows[i].path, &fd, &err) :
		    io_create(rows[i].path, rows[i].flags, &fd, &err);
		ROW_OK(rows[i].path, rc == -1);
		ROW_OK(rows[i].path, fd == -1);
		check_err(rows[i].path, &err, rows[i].path, rows[i].status,
		    rows[i].sys);
	}
}

/* What a descriptor that cannot do it says. */
static void
descriptors_fail(void **state)
{
	struct err err = ERR_INIT;
	char c;
	int none = 987, dir = -1, full = -1, pipes[2];

	(void)state;
	assert_int_equal(io_open(".", &dir, &err), 0);
	assert_int_equal(io_create("/dev/full", O_WRONLY, &full, &err), 0);
	assert_int_equal(pipe(pipes), 0);

	assert_int_equal(io_read(dir, &c, 1, "p", &err), -1);
	check_err("read", &err, "p", STATUS_IO, EISDIR);
	assert_int_equal(io_pread(dir, &c, 1, 0, "p", &err), -1);
	check_err("pread", &err, "p", STATUS_IO, EISDIR);
	assert_int_equal(io_write(full, SPAN("x"), "p", &err), -1);
	check_err("write", &err, "p", STATUS_IO, ENOSPC);
	assert_int_equal(io_pwrite(pipes[1], SPAN("x"), 0, "p", &err), -1);
	check_err("pwrite", &err, "p", STATUS_IO, ESPIPE);
	assert_int_equal(io_sync(pipes[1], "p", &err), -1);
	check_err("sync", &err, "p", STATUS_IO, EINVAL);
	assert_int_equal(io_datasync(pipes[1], "p", &err), -1);
	check_err("datasync", &err, "p", STATUS_IO, EINVAL);
	assert_int_equal(io_truncate(pipes[1], 0, "p", &err), -1);
	check_err("truncate", &err, "p", STATUS_IO, EINVAL);
	assert_int_equal(io_close(&none, "p", &err), -1);
	check_err("close", &err, "p", STATUS_IO, EBADF);
	assert_int_equal(none, -1);

	(void)close(pipes[0]);
	(void)close(pipes[1]);
	(void)io_close(&full, "p", NULL);
	(void)io_close(&dir, "p", NULL);
}

static void
names_fail(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	scratch_file("there", SPAN("x"));
	assert_int_equal(io_rename("absent", "x", &err), -1);
	check_err("rename", &err, "absent", STATUS_IO, ENOENT);
	assert_int_equal(io_link("there", "there", &err), -1);
	check_err("link", &err, "there", STATUS_IO, EEXIST);
	assert_int_equal(io_unlink(".", &err), -1);
	check_err("unlink", &err, ".", STATUS_IO, EISDIR);
	assert_int_equal(io_mkdir("there", &err), -1);
	check_err("mkdir", &err, "there", STATUS_IO, ENOTDIR);
	assert_int_equal(io_mkdirs("there/below/it", &err), -1);
	check_err("mkdirs", &err, "there", STATUS_IO, ENOTDIR);
	assert_int_equal(io_utime("absent", 0, &err), -1);
	check_err("utime", &err, "absent", STATUS_IO, ENOENT);
	assert_int_equal(io_sync_dir("there", &err), -1);
	check_err("sync_dir", &err, "there", STATUS_IO, ENOTDIR);
	assert_int_equal(io_replace("absent/x", SPAN("x"), &err), -1);
	check_err("replace", &err, "absent/x", STATUS_IO, ENOENT);
	assert_true(scratch_holds("there", SPAN("x")));
}

static void
names_work(void **state)
{
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	scratch_file("one", SPAN("1"));
	assert_int_equal(io_link("one", "two", &err), 0);
	assert_int_equal(io_rename("one", "three", &err), 0);
	assert_false(scratch_has("one"));
	assert_true(scratch_holds("two", SPAN("1")));
	assert_true(scratch_holds("three", SPAN("1")));
	assert_int_equal(io_unlink("two", &err), 0);
	assert_int_equal(io_unlink("two", &err), 0);
	assert_false(scratch_has("two"));
	assert_int_equal(io_utime("three", 123456789, &err), 0);
	assert_int_equal(stat("three", &st), 0);
	assert_int_equal(st.st_mtime, 123456789);
	assert_int_equal(io_utime("three", -1, &err), 0);
	assert_int_equal(stat("three", &st), 0);
	assert_int_equal(st.st_mtime, -1);
	assert_int_equal(io_sync_dir(".", &err), 0);
	assert_int_equal(io_point("index: commit", &err), 0);
	assert_int_equal(err.scope, ERR_NONE);
}

static void
directories(void **state)
{
	static const char *const rows[] = {
		"d", "d/e/f", "d//e/g/", "d/./e", "../", ".", "/",
	};
	char here[512], full[600];
	struct err err = ERR_INIT;
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		ROW_OK(rows[i], io_mkdirs(rows[i], &err) == 0);
		ROW_OK(rows[i], stat(rows[i], &st) == 0 && S_ISDIR(st.st_mode));
		ROW_OK(rows[i], io_mkdirs(rows[i], &err) == 0);
	}
	assert_non_null(getcwd(here, N(here)));
	(void)snprintf(full, N(full), "%s/d/h/i", here);
	assert_int_equal(io_mkdirs(full, &err), 0);
	assert_true(scratch_has("d/h/i"));
	assert_int_equal(io_mkdir("d", &err), 0);
	assert_int_equal(err.scope, ERR_NONE);
	(void)rmdir("d/h/i"), (void)rmdir("d/h");
	(void)rmdir("d/e/f"), (void)rmdir("d/e/g"), (void)rmdir("d/e");
}

static void
paths(void **state)
{
	static const struct { const char *dir, *name, *want; } rows[] = {
		{ "a",	"b",	"a/b" },
		{ "a/",	"b",	"a/b" },
		{ "/",	"b",	"/b" },
		{ "",	"b",	"b" },
		{ "a",	"",	"a/" },
	};
	size_t i;
	char *p;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		p = io_path(rows[i].dir, rows[i].name);
		ROW_OK(rows[i].want, p != NULL && strcmp(p, rows[i].want) == 0);
		free(p);
	}
}

static void
slurp(void **state)
{
	struct err err = ERR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	scratch_file("s", SPAN("0123456789"));
	buf_str(&b, "x");
	assert_int_equal(io_slurp("s", 10, &b, &err), 0);
	ROW_SPAN("just so", buf_span(&b), SPAN("x0123456789"));
	assert_int_equal(io_slurp("s", SIZE_MAX, &b, &err), 0);
	ROW_SPAN("no limit", buf_span(&b), SPAN("x01234567890123456789"));
	buf_clear(&b);
	buf_str(&b, "x");
	assert_int_equal(io_slurp("s", 9, &b, &err), -1);
	check_err("too big", &err, "s", STATUS_DATA, 0);
	ROW_SPAN("too big", buf_span(&b), SPAN("x"));
	assert_int_equal(io_slurp("s", 0, &b, &err), -1);
	assert_int_equal(io_slurp("absent", 9, &b, &err), -1);
	check_err("absent", &err, "absent", STATUS_NOINPUT, ENOENT);
	assert_int_equal(io_slurp(".", 9, &b, &err), -1);
	check_err("a directory", &err, ".", STATUS_IO, EISDIR);
	scratch_file("s", SPAN_NONE);
	assert_int_equal(io_slurp("s", 0, &b, &err), 0);
	ROW_SPAN("in the end", buf_span(&b), SPAN("x"));
	/* Without a size to go by. */
	assert_int_equal(io_slurp("/dev/zero", 100000, &b, &err), -1);
	check_err("endless", &err, "/dev/zero", STATUS_DATA, 0);
	buf_fini(&b);
}

static void
replace(void **state)
{
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(io_replace("r", SPAN("first\0"), &err), 0);
	assert_true(scratch_holds("r", SPAN("first\0")));
	scratch_file("r.new", SPAN("left of a crash, and longer"));
	assert_int_equal(io_replace("./r", SPAN("2"), &err), 0);
	assert_true(scratch_holds("r", SPAN("2")));
	assert_false(scratch_has("r.new"));
	assert_int_equal(stat("r", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* Nobody leads the write astray by a link. */
	scratch_file("victim", SPAN("mine"));
	assert_int_equal(symlink("victim", "r.new"), 0);
	assert_int_equal(io_replace("r", SPAN("3"), &err), -1);
	check_err("link", &err, "r.new", STATUS_IO, ELOOP);
	assert_true(scratch_holds("victim", SPAN("mine")));
	assert_true(scratch_holds("r", SPAN("2")));
}

static void
temporary(void **state)
{
	char here[512], text[4];
	struct err err = ERR_INIT;
	const char *old = getenv("TMPDIR");
	struct stat st;
	int fd = -1;

	(void)state;
	old = old != NULL ? strdup(old) : NULL;
	assert_non_null(getcwd(here, N(here)));
	assert_int_equal(mkdir("tmp", 0700), 0);
	(void)snprintf(here + strlen(here), 8, "/tmp");
	assert_int_equal(setenv("TMPDIR", here, 1), 0);
	assert_int_equal(io_temp(&fd, &err), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(rmdir("tmp"), 0);	/* so it is empty */
	assert_int_equal(io_write(fd, SPAN("abcd"), "t", &err), 0);
	assert_int_equal(io_pread(fd, text, 4, 0, "t", &err), 4);
	assert_memory_equal(text, "abcd", 4);
	assert_int_equal(io_close(&fd, "t", &err), 0);
	assert_int_equal(io_temp(&fd, &err), -1);
	assert_int_equal(fd, -1);
	check_err("no such directory", &err, here, STATUS_IO, ENOENT);
	if (old != NULL)
		(void)setenv("TMPDIR", old, 1);
	else
		(void)unsetenv("TMPDIR");
	free((void *)(uintptr_t)old);
}

static void
nothing(int sig)
{
	(void)sig;
}

/* Octets that a slow child puts into, or takes out of, a pipe. */
static pid_t
slow_child(const int fds[2], bool writes)
{
	const struct timespec pause = { 0, 2000000 };
	const pid_t child = fork();
	const int fd = fds[writes ? 1 : 0];
	unsigned char piece[5000] = { 0 };
	int i;

	if (child != 0)
		return child;
	(void)close(fds[writes ? 0 : 1]);
	for (i = 0; i < 40; i++) {
		(void)kill(getppid(), SIGUSR1);
		(void)nanosleep(&pause, NULL);
		if (writes ? write(fd, piece, N(piece)) != (ssize_t)N(piece) :
		    read(fd, piece, N(piece)) <= 0)
			break;
	}
	if (!writes)
		while (read(fd, piece, N(piece)) > 0)
			;
	_exit(0);
}

/*
 * Signals, a full pipe, and a descriptor that somebody else has set to
 * non-blocking: the octets get through all the same.
 */
static void
interrupted(int flags)
{
	unsigned char *big = calloc(1, 400000);
	struct err err = ERR_INIT;
	struct sigaction sa;
	size_t sum = 0;
	ssize_t n;
	pid_t child;
	int fds[2];

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = nothing;	/* no SA_RESTART */
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);

	assert_int_equal(pipe(fds), 0);
	child = slow_child(fds, true);
	assert_true(child > 0);
	(void)close(fds[1]);
	assert_int_equal(fcntl(fds[0], F_SETFL, flags), 0);
	while ((n = io_read(fds[0], big, 400000, "pipe", &err)) > 0)
		sum += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(sum, 200000);
	(void)close(fds[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);

	assert_int_equal(pipe(fds), 0);
	child = slow_child(fds, false);
	assert_true(child > 0);
	(void)close(fds[0]);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_WRONLY | flags), 0);
	assert_int_equal(io_write(fds[1], span_of(big, 400000), "pipe", &err), 0);
	(void)close(fds[1]);
	while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
		;
	free(big);
}

static void
signals_and_full_pipes(void **state)
{
	(void)state;
	interrupted(0);
	interrupted(O_NONBLOCK);
}

static void
reader_is_gone(void **state)
{
	struct err err = ERR_INIT;
	int fds[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	(void)close(fds[0]);
	assert_int_equal(io_write(fds[1], SPAN("x"), "pipe", &err), -1);
	check_err("pipe", &err, "pipe", STATUS_IO, EPIPE);
	(void)close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_and_read),
		cmocka_unit_test(modes_are_narrow),
		cmocka_unit_test(opening_fails),
		cmocka_unit_test(descriptors_fail),
		cmocka_unit_test(names_fail),
		cmocka_unit_test(names_work),
		cmocka_unit_test(directories),
		cmocka_unit_test(paths),
		cmocka_unit_test(slurp),
		cmocka_unit_test(replace),
		cmocka_unit_test(temporary),
		cmocka_unit_test(signals_and_full_pipes),
		cmocka_unit_test(reader_is_gone),
	};

	return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
