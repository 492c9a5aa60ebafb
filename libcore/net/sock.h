/* SPDX-License-Identifier: ISC */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/sys.h"

/*
 * TCP sockets that never block, and waiting for them.  Internal to net/.
 * Errors: ERR_SESSION with STATUS_CONNECT, unless said.
 */

/* What an attempt to move octets came to, here and in net/tls.h. */
enum sock_io {
	SOCK_MOVED,		/* some octets were moved */
	SOCK_READ,		/* none: try again when it can be read from */
	SOCK_WRITE,		/* none: try again when it can be written to */
	SOCK_END,		/* the peer sends no more */
	SOCK_FAILED,		/* err is set */
};

/* A point in time until which to wait. */
struct sock_limit {
	const struct sys *sys;
	int64_t		  at;		/* sys_mono() */
};

struct sock_limit sock_limit(const struct sys *, unsigned seconds);

/*
 * Connect to one address of the host after the other; each has `seconds`, but
 * no more than 20 where others follow.  ERR_RUN for a name that does not exist.
 */
int		 sock_open(const char *host, const char *port, unsigned seconds,
		    const struct sys *, struct err *);

/* 1 one of the events of poll(2), or an error, is there; 0 time is up; -1 failed. */
int		 sock_wait(int fd, short events, const struct sock_limit *,
		    struct err *);

enum sock_io	 sock_recv(int fd, void *, size_t, size_t *got, struct err *);
enum sock_io	 sock_send(int fd, struct span, size_t *put, struct err *);
void		 sock_close(int fd);		/* -1 is fine */

#endif
