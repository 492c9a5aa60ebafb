/* SPDX-License-Identifier: ISC */
/* TCP sockets that never block. */

#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include "net/sock.h"

#define SECOND		INT64_C(1000000000)
#define MILLISECOND	INT64_C(1000000)

/* Seconds for an address when there are others to try. */
#define SOCK_ADDRESS	20

struct sock_limit
sock_limit(const struct sys *sys, unsigned seconds)
{
	return (struct sock_limit){ sys, sys_mono(sys) + seconds * SECOND };
}

int
sock_wait(int fd, short events, const struct sock_limit *limit,
    struct err *err)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = limit->at - sys_mono(limit->sys);
		if (left <= 0)
			return 0;
		left = (left + MILLISECOND - 1) / MILLISECOND;
		n = poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_sys(err, ERR_SESSION, STATUS_CONNECT, "poll");
	return n;
}

/* ---- connecting ---- */

static int
resolve(const char *host, const char *port, struct addrinfo **out,
    struct err *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	enum err_scope scope = ERR_RUN;
	int rc;

	if ((rc = getaddrinfo(host, port, &hints, out)) == 0)
		return 0;
	if (rc == EAI_SYSTEM)
		return err_sys(err, ERR_SESSION, STATUS_CONNECT,
		    "the name cannot be looked up");
	if (rc == EAI_MEMORY)
		return err_nomem(err);
	if (rc == EAI_AGAIN || rc == EAI_FAIL)
		scope = ERR_SESSION;
	return err_set(err, scope, STATUS_CONNECT,
	    "the name cannot be looked up: %s", gai_strerror(rc));
}

/* Wait for the outcome of connect(): 0, or -1 with errno. */
static int
finish(int fd, const struct sock_limit *limit)
{
	int sys = 0, ready;
	socklen_t n = sizeof(sys);

	if ((ready = sock_wait(fd, POLLOUT, limit, NULL)) == -1)
		return -1;
	if (ready == 0)
		sys = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &n) == -1)
		sys = errno;
	errno = sys;
	return sys == 0 ? 0 : -1;
}

static int
connect_one(const struct addrinfo *a, const struct sock_limit *limit,
    struct err *err)
{
	const int on = 1;
	int fd;

	fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    a->ai_protocol);
	if (fd == -1)
		return err_sys(err, ERR_SESSION, STATUS_CONNECT, "socket");
	/* Without either the connection works as well, if not as smoothly. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));

	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	if (errno != EINPROGRESS && errno != EINTR)
		goto fail;
	if (finish(fd, limit) == 0)
		return fd;
fail:
	(void)err_sys(err, ERR_SESSION, STATUS_CONNECT, "cannot connect");
	sock_close(fd);
	return -1;
}

int
sock_open(const char *host, const char *port, unsigned seconds,
    const struct sys *sys, struct err *err)
{
	struct addrinfo *all = NULL;
	const struct addrinfo *a;
	struct sock_limit limit;
	int fd = -1;

	if (resolve(host, port, &all, err) == -1)
		return -1;
	for (a = all; a != NULL && fd == -1; a = a->ai_next) {
		limit = sock_limit(sys, a->ai_next != NULL &&
		    seconds > SOCK_ADDRESS ? SOCK_ADDRESS : seconds);
		/* Of several failures the last one is told. */
		err_clear(err);
		fd = connect_one(a, &limit, err);
	}
	freeaddrinfo(all);
	return fd;
}

void
sock_close(int fd)
{
	if (fd != -1)
		(void)close(fd);
}

/* ---- octets ---- */

enum sock_io
sock_recv(int fd, void *to, size_t n, size_t *got, struct err *err)
{
	ssize_t some;

	do {
		some = recv(fd, to, n, 0);
	} while (some == -1 && errno == EINTR);
	if (some > 0) {
		*got = (size_t)some;
		return SOCK_MOVED;
	}
	if (some == 0)
		return SOCK_END;
	if (errno == EAGAIN)
		return SOCK_READ;
	(void)err_sys(err, ERR_SESSION, STATUS_CONNECT, "the connection was lost");
	return SOCK_FAILED;
}

enum sock_io
sock_send(int fd, struct span s, size_t *put, struct err *err)
{
	ssize_t some;

	do {
		some = send(fd, s.p, s.n, MSG_NOSIGNAL);
	} while (some == -1 && errno == EINTR);
	if (some >= 0) {
		*put = (size_t)some;
		return SOCK_MOVED;
	}
	if (errno == EAGAIN)
		return SOCK_WRITE;
	(void)err_sys(err, ERR_SESSION, STATUS_CONNECT, "the connection was lost");
	return SOCK_FAILED;
}
