/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/sock.h"

/*
 * TLS over a socket, as a client, by OpenSSL; what is demanded of the server
 * stands in net/conn.h.  Internal to net/.
 *
 * No call blocks; each can want the socket to be readable or writable.
 * The socket stays the caller's.
 */

struct tls;

/* `host` is who the server has to be; ca_file as in net/conn.h. */
struct tls	*tls_new(int fd, const char *host, const char *ca_file,
		    struct err *);

/* Say goodbye where that does not block, and free.  NULL is fine. */
void		 tls_free(struct tls *);

/* SOCK_MOVED: the connection is up, and the server is who it should be. */
enum sock_io	 tls_handshake(struct tls *, struct err *);

/*
 * SOCK_END: the peer said goodbye.  An end without that is a failure; a
 * failure comes again at every later call.
 */
enum sock_io	 tls_recv(struct tls *, void *, size_t, size_t *got,
		    struct err *);

/*
 * After SOCK_READ or SOCK_WRITE the next call must offer the same octets
 * again, perhaps with more behind them; where they are does not matter.
 */
enum sock_io	 tls_send(struct tls *, struct span, size_t *put, struct err *);

/* Whether octets may be had without a look at the socket. */
bool		 tls_pending(const struct tls *);

#endif
