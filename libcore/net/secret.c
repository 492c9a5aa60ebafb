/* SPDX-License-Identifier: ISC */
/* Where a password comes from: a command, a file, a descriptor, netrc, a prompt. */

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/utf8.h"

#include "net/netrc.h"
#include "net/secret.h"
#include "net/tty.h"

extern char **environ;

#define SECRET_MAX	((size_t)64 << 10)	/* octets; tokens can be some KiB */
#define NETRC_MAX	((size_t)1 << 20)

struct secret {
	size_t		 n;
	unsigned char	 p[SECRET_MAX + 1];	/* NUL behind it */
};

/* Through volatile, so that the compiler does not see that nobody reads it. */
void
secret_zero(void *p, size_t n)
{
	volatile unsigned char *at = p;

	while (n-- > 0)
		*at++ = 0;
}

void
secret_wipe(struct buf *b)
{
	if (b->p != NULL)
		secret_zero(b->p, b->cap);
	buf_fini(b);
}

/* From here on this process leaves no image of its memory behind. */
static void
no_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	/* Neither can fail for these arguments. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int
refuse(struct err *err, const char *from, const char *what)
{
	return err_set(err, ERR_RUN, STATUS_AUTH, "%s: %s", from, what);
}

/* ---- one line ---- */

/*
 * The first line.  One octet at a time: the descriptor may be shared, and
 * what stands behind the line is somebody else's.
 */
static int
read_line(struct secret *s, int fd, const char *from, struct err *err)
{
	unsigned char c = 0;
	ssize_t got;

	while ((got = io_read(fd, &c, 1, from, err)) == 1 && c != '\n') {
		if (s->n == SECRET_MAX)
			return refuse(err, from, "the first line is too long for a password");
		if (c == '\0')
			return refuse(err, from, "a NUL in the password");
		s->p[s->n++] = c;
	}
	if (got == -1)
		return -1;
	if (s->n > 0 && s->p[s->n - 1] == '\r')
		s->n--;
	s->p[s->n] = '\0';
	return s->n > 0 ? 0 : refuse(err, from, "no password: its first line is empty");
}

/* Mail programs' oldest mistake.  A pipe is nobody else's whatever its mode. */
static int
check_mode(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, ERR_RUN, STATUS_IO, "%s", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    "%s: mode %04o lets others at the password; chmod 600 it",
		    path, (unsigned)(st.st_mode & 07777));
	return 0;
}

static int
from_file(struct secret *s, const char *path, struct err *err)
{
	int fd = -1, rc = -1;

	if (io_open(path, &fd, err) == -1)
		return -1;
	if (check_mode(fd, path, err) == 0 && read_line(s, fd, path, err) == 0)
		rc = 0;
	(void)io_close(&fd, path, NULL);
	return rc;
}

/* ---- a command ---- */

#define COMMAND	"password command"

/* /dev/null for its input: ours may be a stream of mail.  Signals as by default. */
static int
spawn(const char *command, int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, pipes;
	char sh[] = "sh", c[] = "-c";
	char *const line = span_dup(span_str(command));
	char *const argv[] = { sh, c, line, NULL };
	int rc;

	(void)sigemptyset(&none);
	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	if (line == NULL || posix_spawn_file_actions_init(&files) != 0) {
		free(line);
		return ENOMEM;
	}
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		free(line);
		return ENOMEM;
	}
	if ((rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO,
	    "/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&attr, &pipes)) == 0 &&
	    (rc = posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) == 0)
		rc = posix_spawn(pid, "/bin/sh", &files, &attr, argv, environ);

	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	free(line);
	return rc;
}

/* A pipe whose ends no other child gets, and neither is 0, 1 or 2. */
static int
open_pipe(int fds[2])
{
	int ends[2], i, rc = 0;

	if (pipe(ends) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		if ((fds[i] = fcntl(ends[i], F_DUPFD_CLOEXEC, 3)) == -1)
			rc = -1;
		(void)close(ends[i]);
	}
	return rc;
}

/*
 * What it still has to say is of no interest, but it would fail if nobody
 * listened.  One that never ends is cut off.
 */
static void
read_on(int fd)
{
	unsigned char rest[512];
	size_t pieces;

	for (pieces = 0; pieces < SECRET_MAX / sizeof(rest); pieces++) {
		if (io_read(fd, rest, sizeof(rest), COMMAND, NULL) <= 0)
			break;
	}
	secret_zero(rest, sizeof(rest));
}

/* Its end: 0 for exit status 0. */
static int
reap(pid_t pid, struct err *err)
{
	pid_t got;
	int how;

	do {
		got = waitpid(pid, &how, 0);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return err_sys(err, ERR_RUN, STATUS_AUTH, COMMAND);
	if (WIFSIGNALED(how))
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    COMMAND ": ended by signal %d", WTERMSIG(how));
	if (WEXITSTATUS(how) != 0)
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    COMMAND ": exit status %d", WEXITSTATUS(how));
	return 0;
}

static int
from_command(struct secret *s, const char *command, struct err *err)
{
	struct err line = ERR_INIT;
	int fds[2] = { -1, -1 }, rc = -1, sys;
	pid_t pid = -1;

	if (open_pipe(fds) == -1) {
		(void)err_sys(err, ERR_RUN, STATUS_IO, COMMAND);
		goto out;
	}
	if ((sys = spawn(command, fds[1], &pid)) != 0) {
		errno = sys;
		(void)err_sys(err, ERR_RUN, STATUS_AUTH, COMMAND);
		goto out;
	}
	(void)io_close(&fds[1], COMMAND, NULL);
	rc = read_line(s, fds[0], COMMAND, &line);
	read_on(fds[0]);
	(void)io_close(&fds[0], COMMAND, NULL);
	/* That it failed explains an empty line, and not the other way round. */
	if (reap(pid, err) == -1)
		rc = -1;
	else if (rc == -1 && err != NULL)
		*err = line;
out:
	(void)io_close(&fds[0], COMMAND, NULL);
	(void)io_close(&fds[1], COMMAND, NULL);
	return rc;
}

/* ---- netrc ---- */

/* 1 it has a password for them, 0 it has none, -1. */
static int
search_netrc(struct secret *s, const char *path, const char *user,
    const char *host, struct err *err)
{
	struct buf text = BUF_INIT;
	struct span password;
	int fd = -1, rc = -1;

	if (io_open(path, &fd, err) == -1)
		return -1;
	/* Room for all at once: a buffer that grows leaves copies behind. */
	(void)buf_room(&text, 2 * NETRC_MAX);
	if (check_mode(fd, path, err) == -1 ||
	    io_slurp(path, NETRC_MAX, &text, err) == -1)
		goto out;
	rc = 0;
	if (!netrc_find(&text, span_str(user), span_str(host), &password))
		goto out;
	rc = -1;
	if (password.n > SECRET_MAX || span_find(password, '\0') < password.n) {
		(void)refuse(err, path, "what stands there is no password");
		goto out;
	}
	memcpy(s->p, password.p, password.n);
	s->n = password.n;
	s->p[s->n] = '\0';
	rc = 1;
out:
	(void)io_close(&fd, path, NULL);
	secret_wipe(&text);
	return rc;
}

/* ~/.netrc may be missing; one that was named may not. */
static int
from_netrc(struct secret *s, const char *named, const char *user,
    const char *host, struct err *err)
{
	const char *home = getenv("HOME");
	char *path = NULL;
	int rc;

	if (named != NULL)
		return search_netrc(s, named, user, host, err);
	if (home == NULL || home[0] == '\0')
		return 0;
	if ((path = io_path(home, ".netrc")) == NULL)
		return err_nomem(err);
	rc = access(path, F_OK) == 0 ?
	    search_netrc(s, path, user, host, err) : 0;
	free(path);
	return rc;
}

/* ---- a prompt ---- */

static int
from_prompt(struct secret *s, const char *account, const char *user,
    const char *host, struct err *err)
{
	struct buf question = BUF_INIT;
	int rc;

	buf_str(&question, "Password for ");
	if (account != NULL)
		safe_put(&question, span_str(account));
	else
		buf_fmt(&question, "%s at %s", user, host);
	buf_str(&question, ": ");
	rc = buf_ok(&question) ?
	    tty_ask(buf_span(&question), s->p, SECRET_MAX, &s->n, err) :
	    err_nomem(err);
	buf_fini(&question);
	s->p[s->n] = '\0';
	if (rc == 0 && s->n == 0)
		return refuse(err, "terminal", "no password was given");
	return rc;
}

/* ---- all of them ---- */

/* The first that is set.  1 there is one, 0 none is, -1. */
static int
choose(struct secret *s, const struct secret_config *c, const char *user,
    const char *host, struct err *err)
{
	int rc;

	if (c->command != NULL)
		return from_command(s, c->command, err) == -1 ? -1 : 1;
	if (c->file != NULL)
		return from_file(s, c->file, err) == -1 ? -1 : 1;
	if (c->fd != -1)
		return read_line(s, c->fd, "password descriptor", err) == -1 ? -1 : 1;
	if ((rc = from_netrc(s, c->netrc, user, host, err)) != 0)
		return rc;
	if (c->prompt)
		return from_prompt(s, c->account, user, host, err) == -1 ? -1 :
		    1;
	return 0;
}

struct secret *
secret_get(const struct secret_config *c, const char *user, const char *host,
    struct err *err)
{
	struct secret *s;
	int rc;

	no_dumps();
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	if ((rc = choose(s, c, user, host, err)) == 1)
		return s;
	if (rc == 0)
		(void)err_set(err, ERR_RUN, STATUS_AUTH,
		    "no password for %s at %s: give a command, a file or a descriptor to read it from, or a line in netrc",
		    user, host);
	secret_free(s);
	return NULL;
}

struct span
secret_span(const struct secret *s)
{
	return span_of(s->p, s->n);
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	secret_zero(s, sizeof(*s));
	free(s);
}
