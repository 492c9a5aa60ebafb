/* SPDX-License-Identifier: ISC */
/*
 * A destination that is killed, or whose disk fails, at each of its steps:
 * what it told of is there, nothing is there in part or twice, and the next
 * run goes on from there.
 */

#define MX_FAULT

#include "libcore/base/fault.c"
#include "libcore/base/io.c"

#include <sys/wait.h>

#include "util.h"

/* Of sizes that tell one from the other, in a mailbox whose name is cut. */
static const char *const messages[] = {
	"Message-ID: <1@x>\n\none\n",
	"Message-ID: <2@x>\n\ntwo, which is longer\n",
	"Message-ID: <3@x>\n\nthree, which is the longest of them all\n",
};

static char long_name[300];

/* ---- the work ---- */

/* What was told of, also to the parent of this process. */
struct report_to {
	int	fd;
	bool	there[N(messages)];
};

static int
note_told(void *arg, const struct dest_outcome *o, struct err *err)
{
	struct report_to *r = arg;
	const unsigned char k = (unsigned char)o->cookie;

	(void)err;
	r->there[k] = true;
	return r->fd == -1 || write(r->fd, &k, 1) == 1 ? 0 : -1;
}

static int
note_there(void *arg, const struct dest_message *m, struct err *err)
{
	bool *there = arg;
	size_t i;

	(void)err;
	for (i = 0; i < N(messages); i++)
		if (m->size == strlen(messages[i]))
			there[i] = true;
	return 0;
}

/* Add what is not there yet.  0, or -1. */
static int
work(const char *path, struct report_to *r, struct err *err)
{
	struct mailbox m = { .name = span_str(long_name),
	    .status = MAILBOX_OPEN, .subscribed = true };
	struct item item = { .flags = SPAN("\\Seen Work"),
	    .date = { 1000000, 0, true } };
	struct dest_mailbox st = { .uidvalidity = 0 };
	bool there[N(messages)] = { false };
	struct body *body = body_new(err);
	struct dest *d = maildir_dest(path, &config, err);
	struct dest_conn *c = d == NULL ? NULL : d->ops->open(d, err);
	int rc = -1;
	size_t i;

	if (c == NULL || c->ops->open(c, &m, true, &st, err) != 1 ||
	    c->ops->scan(c, 0, note_there, there, err) == -1)
		goto out;
	for (i = 0; i < N(messages); i++) {
		if (there[i])
			continue;
		if (body_lend(body, span_str(messages[i]), NULL, err) == -1 ||
		    c->ops->append(c, &item, body, i, note_told, r, err) == -1)
			goto out;
	}
	rc = c->ops->settle(c, note_told, r, err);
out:
	if (c != NULL)
		c->ops->close(c);
	if (d != NULL)
		d->ops->close(d);
	body_free(body);
	return rc;
}

/* ---- what must hold ---- */

/* How often each message is there, all of it; false: something else is. */
static bool
count(const char *path, unsigned times[])
{
	struct dump d = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	struct source *s = maildir_source(path, &config, 0, &err);
	struct span rest, head;
	size_t i;
	bool ok = true;

	if (s == NULL)
		return err.status == STATUS_DATA || err.status == STATUS_NOINPUT;
	dump_source(s, &d);
	s->ops->close(s);
	rest = buf_span(&d.text);
	/* "= NAME", items, "." */
	ok = span_starts(rest, "= xxx");
	rest = span_from(rest, span_find(rest, '\n') + 1);
	while (ok && !span_is(rest, ".\n")) {
		for (i = 0; i < 4; i++)
			(void)span_next(&rest, '|', &head);
		for (i = 0; i < N(messages); i++)
			if (span_starts(rest, messages[i]))
				break;
		if ((ok = i < N(messages))) {
			times[i]++;
			rest = span_from(rest, strlen(messages[i]) + 1);
		}
	}
	buf_fini(&d.text);
	return ok;
}

static void
check(const char *name, const char *path, const struct report_to *told,
    bool all)
{
	unsigned times[N(messages)] = { 0 };
	size_t i;

	ROW_OK(name, count(path, times));
	for (i = 0; i < N(messages); i++) {
		ROW_OK(name, times[i] <= 1);
		ROW_OK(name, times[i] == 1 || (!all && !told->there[i]));
	}
}

/* And the next run, with nothing in its way. */
static void
check_next(const char *name, const char *path)
{
	struct report_to r = { .fd = -1 };
	struct err err = ERR_INIT;
	struct dump d = { .text = BUF_INIT };
	struct source *s;

	plan.mode = MODE_NONE;
	if (work(path, &r, &err) == -1)
		fail_msg("%s: the next run: %s", name, err.msg);
	check(name, path, &r, true);
	s = maildir_source(path, &config, 0, &err);
	ROW_OK(name, s != NULL);
	dump_source(s, &d);
	s->ops->close(s);
	ROW_OK(name, strstr(buf_cstr(&d.text), "\\Seen Work|1000000|") != NULL);
	ROW_OK(name, span_starts(span_from(buf_span(&d.text), 2), long_name));
	ROW_OK(name, strstr(buf_cstr(&d.text), "xxx *\n") != NULL);
	buf_fini(&d.text);
}

/* ---- the faults ---- */

static uint64_t
steps(void)
{
	struct report_to r = { .fd = -1 };
	struct err err = ERR_INIT;

	plan.mode = MODE_NONE;
	points = 0;
	ROW_OK("without a fault", work("steps", &r, &err) == 0);
	check("without a fault", "steps", &r, true);
	return points;
}

static void
fails(void **state)
{
	static const int errors_of[] = { ENOSPC, EPERM, EEXIST };
	const uint64_t n = steps();
	struct report_to r;
	struct err err;
	char name[64], path[64];
	uint64_t k;
	size_t e;
	int rc;

	(void)state;
	ROW_OK("steps", n > 20);
	for (e = 0; e < N(errors_of); e++)
		for (k = 1; k <= n; k++) {
			(void)snprintf(path, N(path), "fail-%zu-%u", e, (unsigned)k);
			(void)snprintf(name, N(name), "errno %d at step %u",
			    errors_of[e], (unsigned)k);
			err_clear(&err);
			r = (struct report_to){ .fd = -1 };
			points = 0;
			plan.mode = MODE_FAIL;
			plan.sys = errors_of[e];
			plan.at = k;
			rc = work(path, &r, &err);
			plan.mode = MODE_NONE;
			ROW_OK(name, rc == 0 || (err.scope >= ERR_MAILBOX &&
			    err.msg[0] != '\0'));
			check(name, path, &r, rc == 0);
			check_next(name, path);
		}
}

static void
dies(uint64_t k, enum mode mode, const char *path, struct report_to *told)
{
	struct report_to r = { .fd = -1 };
	struct err err = ERR_INIT;
	unsigned char i;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		r.fd = fds[1];
		points = 0;
		plan.at = k;
		plan.mode = mode;
		(void)work(path, &r, &err);
		_exit(0);
	}
	(void)close(fds[1]);
	while (read(fds[0], &i, 1) == 1)
		told->there[i] = true;
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
kills(void **state)
{
	static const enum mode modes[] = { MODE_KILL, MODE_SHORT };
	struct report_to told;
	char name[64], path[64];
	uint64_t n, k;
	size_t i;

	(void)state;
	assert_int_equal(rename("steps", "steps-before"), 0);
	n = steps();
	for (i = 0; i < N(modes); i++)
		for (k = 1; k <= n; k++) {
			(void)snprintf(path, N(path), "kill-%zu-%u", i, (unsigned)k);
			(void)snprintf(name, N(name), "killed at step %u",
			    (unsigned)k);
			told = (struct report_to){ .fd = -1 };
			dies(k, modes[i], path, &told);
			check(name, path, &told, false);
			check_next(name, path);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails),
		cmocka_unit_test(kills),
	};

	memset(long_name, 'x', N(long_name) - 1);
	/* Nothing here asks the disk: a file system in memory will do. */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	return cmocka_run_group_tests_name("maildir crash", tests, work_begin,
	    work_end);
}
