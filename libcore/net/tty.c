/* SPDX-License-Identifier: ISC */
/*
 * Asking at the terminal.  Signals that would end or stop the process are
 * held back while the echo is off and looked for ten times a second: so the
 * echo is on again before they do what they do.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>

#include "base/io.h"
#include "base/sys.h"

#include "net/tty.h"

#define TTY		"/dev/tty"
#define TTY_SLICE	100	/* ms */

static const int tty_signals[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP,
};

/* Has one of those arrived that mean the end? */
static bool
is_interrupted(void)
{
	sigset_t set;

	if (stop_flag != 0)
		return true;
	if (sigpending(&set) == -1)
		return false;
	return sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1 ||
	    sigismember(&set, SIGHUP) == 1 || sigismember(&set, SIGQUIT) == 1;
}

/* Wait for a line.  The terminal hands out whole lines only. */
static int
wait_line(int fd, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		if (is_interrupted())
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted while asking for a password");
		n = poll(&p, 1, TTY_SLICE);
	} while (n == 0 || (n == -1 && errno == EINTR));
	return n == -1 ? err_sys(err, ERR_RUN, STATUS_IO, TTY) : 0;
}

static int
read_line(int fd, unsigned char *line, size_t n, size_t *got, struct err *err)
{
	unsigned char c = 0;
	ssize_t some;

	while (wait_line(fd, err) == 0) {
		if ((some = io_read(fd, &c, 1, TTY, err)) == -1)
			return -1;
		if (some == 0 || c == '\n')
			return 0;
		if (*got == n)
			return err_set(err, ERR_RUN, STATUS_AUTH,
			    TTY ": too long for a password");
		line[(*got)++] = c;
	}
	return -1;
}

/* With the echo off.  The line end that was not shown is made up for. */
static int
ask(int fd, struct span question, unsigned char *line, size_t n, size_t *got,
    struct err *err)
{
	struct termios was, quiet;
	int rc = -1;

	if (tcgetattr(fd, &was) == -1)
		return err_sys(err, ERR_RUN, STATUS_IO, TTY);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) == -1)
		return err_sys(err, ERR_RUN, STATUS_IO, TTY);
	if (io_write(fd, question, TTY, err) == 0 &&
	    read_line(fd, line, n, got, err) == 0)
		rc = 0;
	(void)tcsetattr(fd, TCSAFLUSH, &was);
	(void)io_write(fd, SPAN("\n"), TTY, NULL);
	return rc;
}

int
tty_ask(struct span question, unsigned char *line, size_t n, size_t *got,
    struct err *err)
{
	sigset_t held, before;
	int fd = -1, rc;
	size_t i;

	*got = 0;
	if (io_create(TTY, O_RDWR | O_NOCTTY, &fd, NULL) == -1)
		return err_set(err, ERR_RUN, STATUS_AUTH,
		    "there is no terminal to ask for a password");
	(void)sigemptyset(&held);
	for (i = 0; i < N(tty_signals); i++)
		(void)sigaddset(&held, tty_signals[i]);
	(void)pthread_sigmask(SIG_BLOCK, &held, &before);
	rc = ask(fd, question, line, n, got, err);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)io_close(&fd, TTY, NULL);
	return rc;
}
