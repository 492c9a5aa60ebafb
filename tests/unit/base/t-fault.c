/* SPDX-License-Identifier: ISC */
/*
 * Every failure path of base/io.c: the module is compiled into this program
 * with its fault points, and each of them fails or kills in turn.
 */

#define MX_FAULT

#include "libcore/base/fault.c"
#include "libcore/base/io.c"

#include <signal.h>
#include <sys/wait.h>

#include "scratch.h"

/* ---- the plan ---- */

static void
plan_none(void)
{
	plan.mode = MODE_NONE;
	plan.at = 0;
	plan.sys = 0;
	plan.file = NULL;
	points = 0;
}

static void
plan_set(const char *text)
{
	plan_none();
	ROW_OK(text, parse(span_str(text)));
}

static void
plans_are_read(void **state)
{
	(void)state;
	plan_set("fail:17:ENOSPC");
	assert_int_equal(plan.mode, MODE_FAIL);
	assert_int_equal(plan.at, 17);
	assert_int_equal(plan.sys, ENOSPC);
	plan_set("kill:1");
	assert_int_equal(plan.mode, MODE_KILL);
	plan_set("short:2");
	assert_int_equal(plan.mode, MODE_SHORT);
	plan_none();
}

static void
wrong_plans_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "kill", "kill:", "kill:x", "kill:-1", "kill:1:EIO", "fail:1",
		"fail:1:", "fail:1:ENOSUCH", "short:1x", "count", "count:", "explode:1",
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		plan_none();
		ROW_OK(rows[i], !parse(span_str(rows[i])));
	}
	plan_none();
}

/* ---- one call each ---- */

static int	fd = -1;

static int
do_create(struct err *e)
{
	int f;
	const int rc = io_create("new", O_WRONLY | O_CREAT, &f, e);

	(void)io_close(&f, "new", NULL);
	return rc;
}

static int
do_write(struct err *e)
{
	return io_write(fd, SPAN("more"), "file", e);
}

static int
do_pwrite(struct err *e)
{
	return io_pwrite(fd, SPAN("WXYZ"), 1, "file", e);
}

static int
do_datasync(struct err *e)
{
	return io_datasync(fd, "file", e);
}

static int
do_sync(struct err *e)
{
	return io_sync(fd, "file", e);
}

static int
do_sync_dir(struct err *e)
{
	return io_sync_dir(".", e);
}

static int
do_truncate(struct err *e)
{
	return io_truncate(fd, 1, "file", e);
}

static int
do_rename(struct err *e)
{
	return io_rename("file", "moved", e);
}

static int
do_link(struct err *e)
{
	return io_link("file", "linked", e);
}

static int
do_unlink(struct err *e)
{
	return io_unlink("file", e);
}

static int
do_unlink_absent(struct err *e)
{
	return io_unlink("absent", e);
}

static int
do_mkdir(struct err *e)
{
	return io_mkdir("dir", e);
}

static int
do_mkdirs(struct err *e)
{
	return io_mkdirs("dir/sub", e);
}

static int
do_utime(struct err *e)
{
	return io_utime("file", 1, e);
}

static int
do_replace(struct err *e)
{
	return io_replace("file", SPAN("new text"), e);
}

static int
do_temp(struct err *e)
{
	int f;
	const int rc = io_temp(&f, e);

	(void)io_close(&f, "temporary", NULL);
	return rc;
}

static int
do_point(struct err *e)
{
	return io_point("index: commit", e);
}

static const struct row {
	const char	*name;
	int		(*call)(struct err *);
	unsigned	 points;
	const char	*path;		/* what its message starts with */
	/* What the file may hold after the process was killed in it. */
	const char	*after[3];
} rows[] = {
	{ "create",	do_create,	1, "new: ",	{ "text" } },
	{ "write",	do_write,	1, "file: ",	{ "text", "textmo" } },
	{ "pwrite",	do_pwrite,	1, "file: ",	{ "text", "tWXt" } },
	{ "datasync",	do_datasync,	1, "file: ",	{ "text" } },
	{ "sync",	do_sync,	1, "file: ",	{ "text" } },
	{ "sync_dir",	do_sync_dir,	1, ".: ",	{ "text" } },
	{ "truncate",	do_truncate,	1, "file: ",	{ "text" } },
	{ "rename",	do_rename,	1, "file: ",	{ "text" } },
	{ "link",	do_link,	1, "file: ",	{ "text" } },
	{ "unlink",	do_unlink,	1, "file: ",	{ "text" } },
	{ "unlink absent", do_unlink_absent, 1, "absent: ", { "text" } },
	{ "mkdir",	do_mkdir,	1, "dir: ",	{ "text" } },
	{ "mkdirs",	do_mkdirs,	4, "",		{ "text" } },
	{ "utime",	do_utime,	1, "file: ",	{ "text" } },
	{ "replace",	do_replace,	5, "",		{ "text", "new text" } },
	{ "temp",	do_temp,	2, "",		{ "text" } },
	{ "point",	do_point,	1, "index: commit: ", { "text" } },
};

static void
fresh(void)
{
	plan_none();
	if (fd != -1)
		(void)close(fd);
	(void)rmdir("dir/sub");
	scratch_clear(".");
	scratch_file("file", SPAN("text"));
	fd = open("file", O_RDWR | O_APPEND);
	assert_int_not_equal(fd, -1);
	(void)fcntl(fd, F_SETFL, 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
}

static void
each_point_is_counted(void **state)
{
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		fresh();
		ROW_OK(rows[i].name, rows[i].call(&err) == 0);
		ROW_OK(rows[i].name, points == rows[i].points);
	}
}

static bool
is_after(const struct row *r)
{
	size_t i;

	for (i = 0; i < N(r->after) && r->after[i] != NULL; i++)
		if (scratch_holds("file", span_str(r->after[i])))
			return true;
	return false;
}

/* A failure is told once, with its errno, and leaves the old or the new. */
static void
each_point_fails(void **state)
{
	struct err err;
	char text[64];
	unsigned k;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		for (k = 1; k <= rows[i].points; k++) {
			fresh();
			(void)snprintf(text, N(text), "fail:%u:ENOSPC", k);
			plan_set(text);
			err_clear(&err);
			(void)snprintf(text, N(text), "%s at %u", rows[i].name, k);
			ROW_OK(text, rows[i].call(&err) == -1);
			ROW_OK(text, err.scope == ERR_RUN);
			ROW_OK(text, err.status == STATUS_IO);
			ROW_OK(text, err.sys == ENOSPC);
			ROW_OK(text, span_starts(span_str(err.msg), rows[i].path));
			ROW_OK(text, strstr(err.msg, ": No space left") != NULL);
			ROW_OK(text, is_after(&rows[i]));
			ROW_OK(text, !scratch_has("file.new"));
			ROW_OK(text, !scratch_has("moved") && !scratch_has("linked"));
		}
	}
}

/* Nobody asks for the error: cleaning up. */
static void
failures_without_an_err(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		fresh();
		plan_set("fail:1:EIO");
		ROW_OK(rows[i].name, rows[i].call(NULL) == -1);
	}
}

/* Run the call in a child with this plan; how the child ended. */
static int
in_child(const struct row *r, const char *text)
{
	struct err err = ERR_INIT;
	pid_t child;
	int status = -1;

	if ((child = fork()) == 0) {
		plan_none();
		if (!parse(span_str(text)))
			_exit(2);
		_exit(r->call(&err) == 0 ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
die_at_each(const char *mode)
{
	char plan_text[32], text[96];
	unsigned k;
	size_t i;
	int status;

	for (i = 0; i < N(rows); i++) {
		for (k = 1; k <= rows[i].points + 1; k++) {
			fresh();
			(void)snprintf(plan_text, N(plan_text), "%s:%u", mode, k);
			(void)snprintf(text, N(text), "%s in %s", plan_text,
			    rows[i].name);
			status = in_child(&rows[i], plan_text);
			if (k > rows[i].points) {
				ROW_OK(text, WIFEXITED(status) &&
				    WEXITSTATUS(status) == 0);
				continue;
			}
			ROW_OK(text, WIFSIGNALED(status) &&
			    WTERMSIG(status) == SIGKILL);
			ROW_OK(text, is_after(&rows[i]));
		}
	}
}

static void
killed_at_each(void **state)
{
	(void)state;
	die_at_each("kill");
}

static void
cut_short_at_each(void **state)
{
	(void)state;
	die_at_each("short");
}

/* Half of it is there, at the right place, and no more. */
static void
short_writes_a_half(void **state)
{
	static const struct {
		const char	*name;
		int		(*call)(struct err *);
		struct span	 want;
	} halves[] = {
		{ "write",	do_write,	LIT("textmo") },
		{ "pwrite",	do_pwrite,	LIT("tWXt") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(halves); i++) {
		const struct row r = { halves[i].name, halves[i].call, 1, "", { NULL } };

		fresh();
		ROW_OK(r.name, WIFSIGNALED(in_child(&r, "short:1")));
		ROW_OK(r.name, scratch_holds("file", halves[i].want));
	}
}

/* A killed replacement does not stand in the way of the next. */
static void
replace_after_a_crash(void **state)
{
	struct err err = ERR_INIT;
	const struct row r = { "replace", do_replace, 5, "", { NULL } };
	char text[16];
	unsigned k;

	(void)state;
	for (k = 1; k <= r.points; k++) {
		fresh();
		(void)snprintf(text, N(text), "short:%u", k);
		ROW_OK(text, WIFSIGNALED(in_child(&r, text)));
		ROW_OK(text, io_replace("file", SPAN("next"), &err) == 0);
		ROW_OK(text, scratch_holds("file", SPAN("next")));
		ROW_OK(text, !scratch_has("file.new"));
	}
}

/* ---- by the environment, in a process of its own ---- */

static const char *self;

static int
by_environment(const char *text)
{
	pid_t child;
	int null, status = -1;

	if ((child = fork()) == 0) {
		if ((null = open("/dev/null", O_WRONLY)) != -1)
			(void)dup2(null, 2);
		(void)setenv("MX_FAULT", text, 1);
		(void)execl(self, self, "replace", (char *)NULL);
		_exit(99);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
environment(void **state)
{
	int status;

	(void)state;
	fresh();
	status = by_environment("count:points");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(scratch_holds("points", SPAN("5\n")));
	assert_true(scratch_holds("file", SPAN("new text")));

	fresh();
	status = by_environment("kill:4");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(scratch_holds("file", SPAN("text")));
	assert_true(scratch_holds("file.new", SPAN("new text")));

	fresh();
	status = by_environment("fail:2:ENOSPC");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);

	status = by_environment("explode");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 70);
	status = by_environment("count:/absent/points");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 70);
}

static int
end(void **state)
{
	(void)close(fd);
	(void)rmdir("dir/sub");
	return scratch_end(state);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_read),
		cmocka_unit_test(wrong_plans_are_refused),
		cmocka_unit_test(each_point_is_counted),
		cmocka_unit_test(each_point_fails),
		cmocka_unit_test(failures_without_an_err),
		cmocka_unit_test(killed_at_each),
		cmocka_unit_test(cut_short_at_each),
		cmocka_unit_test(short_writes_a_half),
		cmocka_unit_test(replace_after_a_crash),
		cmocka_unit_test(environment),
	};
	static char path[4096];

	if (argc > 1)
		return do_replace(NULL) == 0 ? 0 : 1;
	if (realpath(argv[0], path) == NULL)
		return 1;
	self = path;
	return cmocka_run_group_tests(tests, scratch_begin, end);
}
