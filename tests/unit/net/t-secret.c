/* SPDX-License-Identifier: ISC */
/* Where passwords come from, and what is refused. */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "base/sys.h"
#include "net/secret.h"

#include "../base/scratch.h"

#define CONFIG	{ .fd = -1 }

/* Ask; the secret is checked and freed here. */
static void
check(const char *name, const struct secret_config *c, const char *want)
{
	struct err err = ERR_INIT;
	struct secret *s = secret_get(c, "alice", "mail.example.org", &err);

	if (s == NULL)
		fail_msg("%s: %s", name, err.msg);
	ROW_SPAN(name, secret_span(s), span_str(want));
	ROW_OK(name, secret_span(s).p[secret_span(s).n] == '\0');
	secret_free(s);
}

static void
check_refused(const char *name, const struct secret_config *c,
    enum status status, const char *says)
{
	struct err err = ERR_INIT;
	struct secret *s = secret_get(c, "alice", "mail.example.org", &err);

	ROW_OK(name, s == NULL);
	ROW_OK(name, err.scope == ERR_RUN);
	if (err.status != status || strstr(err.msg, says) == NULL)
		fail_msg("%s: %d, %s", name, (int)err.status, err.msg);
	ROW_OK(name, strstr(err.msg, "canary") == NULL);
	secret_free(s);
}

static void
lines(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
		const char	*want;		/* NULL: refused */
	} rows[] = {
		{ "line", { (const unsigned char *)"a b\n", 4 }, "a b" },
		{ "no line end", { (const unsigned char *)"a", 1 }, "a" },
		{ "CRLF", { (const unsigned char *)"a\r\n", 3 }, "a" },
		{ "blanks are part of it", { (const unsigned char *)" a \nx\n", 6 }, " a " },
		{ "8 bits", { (const unsigned char *)"\xff\n", 2 }, "\xff" },
		{ "empty", { (const unsigned char *)"", 0 }, NULL },
		{ "empty first line", { (const unsigned char *)"\ncanary\n", 8 }, NULL },
		{ "NUL", { (const unsigned char *)"canary\0x\n", 9 }, NULL },
	};
	struct secret_config c = CONFIG;
	size_t i;

	(void)state;
	c.file = "pw";
	for (i = 0; i < N(rows); i++) {
		scratch_file("pw", rows[i].in);
		if (rows[i].want != NULL)
			check(rows[i].name, &c, rows[i].want);
		else
			check_refused(rows[i].name, &c, STATUS_AUTH, "pw: ");
	}
}

static void
too_long(void **state)
{
	const size_t limit = (size_t)64 << 10;
	struct secret_config c = CONFIG;
	char *text = malloc(limit + 2);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', limit + 1);
	text[limit + 1] = '\0';
	c.file = "pw";
	scratch_file("pw", span_of(text, limit + 1));
	check_refused("one too many", &c, STATUS_AUTH, "too long");
	text[limit] = '\0';
	scratch_file("pw", span_of(text, limit));
	check("just so", &c, text);
	free(text);
}

static void
modes(void **state)
{
	static const struct {
		mode_t		 mode;
		const char	*says;		/* NULL: fine */
	} rows[] = {
		{ 0600, NULL }, { 0400, NULL }, { 0700, NULL },
		{ 0644, "0644" }, { 0640, "0640" }, { 0604, "0604" }, { 0620, "0620" },
	};
	struct secret_config file = CONFIG, netrc = CONFIG;
	size_t i;

	(void)state;
	file.file = "pw";
	netrc.netrc = "rc";
	scratch_file("pw", SPAN("canary\n"));
	scratch_file("rc", SPAN("default password canary\n"));
	for (i = 0; i < N(rows); i++) {
		assert_int_equal(chmod("pw", rows[i].mode), 0);
		assert_int_equal(chmod("rc", rows[i].mode), 0);
		if (rows[i].says == NULL) {
			check("file", &file, "canary");
			check("netrc", &netrc, "canary");
		} else {
			check_refused("file", &file, STATUS_AUTH, rows[i].says);
			check_refused("netrc", &netrc, STATUS_AUTH, rows[i].says);
		}
	}
	assert_int_equal(chmod("pw", 0600), 0);
	assert_int_equal(chmod("rc", 0600), 0);
	file.file = "none";
	check_refused("no file", &file, STATUS_NOINPUT, "none");
	netrc.netrc = "none";
	check_refused("no netrc", &netrc, STATUS_NOINPUT, "none");
}

static void
commands(void **state)
{
	static const struct {
		const char	*command, *want, *says;
	} rows[] = {
		{ "echo 'a  b'", "a  b", NULL },
		{ "printf 'one\\ntwo\\n'", "one", NULL },
		{ "printf x; cat", "x", NULL },		/* its input is empty */
		{ "seq 1 5000 | sed 's/^/x/'", "x1", NULL },
		{ "exit 3", NULL, "exit status 3" },
		{ "echo canary; exit 1", NULL, "exit status 1" },
		{ "kill -TERM $$", NULL, "signal 15" },
		{ "true", NULL, "empty" },
		{ "no-such-command-here 2>/dev/null", NULL, "exit status 127" },
		{ "exec yes canary", NULL, "signal 13" },	/* without end */
	};
	struct secret_config c = CONFIG;
	size_t i;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < N(rows); i++) {
		c.command = rows[i].command;
		if (rows[i].want != NULL)
			check(rows[i].command, &c, rows[i].want);
		else
			check_refused(rows[i].command, &c, STATUS_AUTH, rows[i].says);
	}
}

static void
descriptor(void **state)
{
	struct secret_config c = CONFIG;
	char rest[8];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "first\nrest", 10), 10);
	c.fd = ends[0];
	check("descriptor", &c, "first");
	assert_int_equal(read(ends[0], rest, N(rest)), 4);
	assert_memory_equal(rest, "rest", 4);
	(void)close(ends[0]);
	(void)close(ends[1]);
	check_refused("closed", &c, STATUS_IO, "descriptor");
}

static void
netrc(void **state)
{
	static const struct {
		const char	*name, *text, *want;
	} rows[] = {
		{ "one line", "machine mail.example.org login alice password pw", "pw" },
		{ "lines", "machine mail.example.org\n\tpassword pw\n\tlogin alice\n", "pw" },
		{ "no login", "machine mail.example.org password pw\n", "pw" },
		{ "case of the host", "machine MAIL.Example.org login alice password pw", "pw" },
		{ "another user", "machine mail.example.org login bob password no", NULL },
		{ "case of the user", "machine mail.example.org login Alice password no", NULL },
		{ "another machine", "machine example.org login alice password no", NULL },
		{ "the second user", "machine mail.example.org login bob password no\n"
		    "machine mail.example.org login alice password pw", "pw" },
		{ "the first of two", "machine mail.example.org login alice password pw\n"
		    "machine mail.example.org login alice password no", "pw" },
		{ "default", "machine x password no default login alice password pw", "pw" },
		{ "default of another", "default login bob password no", NULL },
		{ "quoted", "machine mail.example.org login \"alice\" "
		    "password \"a b\\\"\\\\c\"", "a b\"\\c" },
		{ "words as values", "machine mail.example.org login alice "
		    "password password", "password" },
		{ "machine as a password", "machine mail.example.org login alice "
		    "password machine account x", "machine" },
		{ "account", "machine mail.example.org account login login alice "
		    "password pw", "pw" },
		{ "comments", "# machine mail.example.org password no\n"
		    "machine mail.example.org # me\n login alice password #x\n", "#x" },
		{ "macro", "macdef init\nmachine mail.example.org password no\n\n"
		    "machine mail.example.org login alice password pw\n", "pw" },
		{ "macro to the end", "macdef init\nmachine mail.example.org password no\n", NULL },
		{ "no password", "machine mail.example.org login alice", NULL },
		{ "cut", "machine mail.example.org login alice password", NULL },
		{ "cut in quotes", "machine mail.example.org password \"pw\\", "pw\\" },
		{ "unknown words", "port 993 machine mail.example.org login alice "
		    "port 993 password pw", "pw" },
		{ "empty", "", NULL },
	};
	struct secret_config c = CONFIG;
	size_t i;

	(void)state;
	c.netrc = "rc";
	for (i = 0; i < N(rows); i++) {
		scratch_file("rc", span_str(rows[i].text));
		if (rows[i].want != NULL)
			check(rows[i].name, &c, rows[i].want);
		else
			check_refused(rows[i].name, &c, STATUS_AUTH,
			    "no password for alice at mail.example.org");
	}
}

/* ~/.netrc, and that what comes first is not passed over. */
static void
order(void **state)
{
	struct secret_config c = CONFIG;

	(void)state;
	assert_int_equal(setenv("HOME", ".", 1), 0);
	check_refused("nothing", &c, STATUS_AUTH, "no password for alice");
	scratch_file(".netrc", SPAN("default password rc\n"));
	check("home", &c, "rc");
	scratch_file("pw", SPAN("file\n"));
	c.file = "pw";
	check("file", &c, "file");
	c.command = "echo command";
	check("command", &c, "command");
	c.command = "exit 1";
	check_refused("no way round", &c, STATUS_AUTH, "exit status 1");
	assert_int_equal(unlink(".netrc"), 0);
}

static void
no_dumps(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

/* ---- a prompt, on a terminal of its own ---- */

/* In a child whose terminal is `path`: 0 the password was "typed". */
static void
ask(const char *path)
{
	struct secret_config c = { .fd = -1, .prompt = true };
	struct err err = ERR_INIT;
	struct secret *s;

	(void)setenv("HOME", "/nonexistent", 1);
	if (setsid() == -1 || open(path, O_RDWR) == -1)
		_exit(100);
	(void)signal(SIGINT, SIG_IGN);	/* held back, and then ignored */
	s = secret_get(&c, "alice", "mail.example.org", &err);
	if (s == NULL)
		_exit((int)err.status);
	_exit(span_is(secret_span(s), "typed") ? 0 : 101);
}

static bool
has_echo(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0 && (t.c_lflag & ECHO) != 0;
}

/* Type this when asked; the child's exit status. */
static int
run_prompt(const char *name, const char *typed, int number)
{
	const struct timespec slice = { 0, 10000000 };
	const int master = posix_openpt(O_RDWR | O_NOCTTY);
	char shown[256];
	ssize_t n;
	pid_t pid;
	int how, slave, i;

	ROW_OK(name, master != -1 && grantpt(master) == 0 &&
	    unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ROW_OK(name, slave != -1 && has_echo(slave));
	if ((pid = fork()) == 0)
		ask(ptsname(master));
	for (i = 0; i < 500 && has_echo(slave); i++)
		(void)nanosleep(&slice, NULL);
	n = read(master, shown, N(shown));
	ROW_OK(name, n > 0 && memcmp(shown, "Password for alice", 18) == 0);
	if (number != 0)
		ROW_OK(name, kill(pid, number) == 0);
	else
		ROW_OK(name, write(master, typed, strlen(typed)) > 0);
	ROW_OK(name, waitpid(pid, &how, 0) == pid);
	ROW_OK(name, has_echo(slave));
	n = read(master, shown, N(shown));
	ROW_OK(name, n == 2 && memcmp(shown, "\r\n", 2) == 0);
	(void)close(slave);
	(void)close(master);
	return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

static void
prompt(void **state)
{
	(void)state;
	assert_int_equal(run_prompt("typed", "typed\n", 0), 0);
	assert_int_equal(run_prompt("edited", "tyx\x7fped\n", 0), 0);
	assert_int_equal(run_prompt("wrong", "type\n", 0), 101);
	assert_int_equal(run_prompt("empty", "\n", 0), STATUS_AUTH);
	assert_int_equal(run_prompt("end of file", "\x04", 0), STATUS_AUTH);
	/* The echo is back before the signal does what it does. */
	assert_int_equal(run_prompt("killed", NULL, SIGTERM), 1000 + SIGTERM);
	assert_int_equal(run_prompt("hangup", NULL, SIGHUP), 1000 + SIGHUP);
}

static void
no_terminal(void **state)
{
	struct secret_config c = { .fd = -1, .prompt = true };
	struct err err = ERR_INIT;
	pid_t pid;
	int how;

	(void)state;
	if ((pid = fork()) == 0) {
		(void)setsid();
		if (secret_get(&c, "alice", "mail.example.org", &err) != NULL ||
		    strstr(err.msg, "no terminal") == NULL)
			_exit(100);
		_exit((int)err.status);
	}
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), STATUS_AUTH);
}

static void
wipe(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	secret_wipe(&b);
	buf_str(&b, "canary");
	secret_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
	secret_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(too_long),
		cmocka_unit_test(modes),
		cmocka_unit_test(commands),
		cmocka_unit_test(descriptor),
		cmocka_unit_test(netrc),
		cmocka_unit_test(order),
		cmocka_unit_test(no_dumps),
		cmocka_unit_test(prompt),
		cmocka_unit_test(no_terminal),
		cmocka_unit_test(wipe),
	};

	return cmocka_run_group_tests_name("secret", tests, scratch_begin,
	    scratch_end);
}
