/* SPDX-License-Identifier: ISC */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/sys.h"

/*
 * A connection: TCP, and TLS by OpenSSL, with buffers and time limits.
 *
 * Verified always: chain, host name (RFC 9525; no partial wildcards), TLS 1.2 or later, SNI for names.
 * Errors: ERR_SESSION with STATUS_CONNECT for what may pass by itself (refused, reset,
 * timeout, unexpected end); ERR_RUN with STATUS_TLS for a certificate that does not verify,
 * with what is wrong with it, and for a server that does not speak TLS.
 */

enum conn_tls {
	CONN_TLS,		/* from the first octet (RFC 8314) */
	CONN_STARTTLS,		/* plain until conn_starttls() */
};

struct conn_config {
	const char	*host;		/* name or address literal, no brackets */
	const char	*port;		/* number */
	enum conn_tls	 tls;
	const char	*ca_file;	/* PEM; NULL: the system's */
	unsigned	 timeout;	/* seconds without an octet; 0: 60 */
	const struct sys *sys;
};

struct conn;

struct conn	*conn_open(const struct conn_config *, struct err *);

/*
 * The same over a connected socket, which becomes the connection's also on failure; no TLS.  Of
 * the configuration host and port only name it in messages.
 */
struct conn	*conn_attach(int fd, const struct conn_config *, struct err *);
void		 conn_close(struct conn *);	/* close_notify is tried, not awaited */

/*
 * Turn TLS on.  Fatal where octets are buffered from before (response
 * injection): the input must be empty.
 */
int		 conn_starttls(struct conn *, struct err *);
bool		 conn_is_tls(const struct conn *);

/*
 * What has come in and is not consumed; valid until the next call on conn.
 * It stays after a failure: a server may have said why before it hung up.
 */
struct span	 conn_input(const struct conn *);
void		 conn_consume(struct conn *, size_t);

/*
 * Wait for more input.  1: there is more; 0: the peer closed properly (within
 * a response that is an error all the same); -1: lost, nothing came within the
 * time limit, or over 16 MiB are not consumed.  A stop_flag does not end it.
 * After a failure of any call nothing goes over the connection any more.
 */
int		 conn_fill(struct conn *, struct err *);

/*
 * Read up to n octets to `to`, from the buffer first, else from the socket
 * without passing through it (where n is small, together with what follows);
 * blocks for at least one.  As conn_fill() else.
 */
int		 conn_read(struct conn *, void *to, size_t n, size_t *got,
		    struct err *);

/*
 * Queue octets for sending.  What is over 64 KiB is sent at once; input that comes meanwhile
 * is taken into the buffer, so that neither side waits for the other: at most 16 MiB,
 * then it fails.
 */
int		 conn_put(struct conn *, struct span, struct err *);
int		 conn_flush(struct conn *, struct err *);

/* Octets in and out so far, as the application sees them. */
void		 conn_count(const struct conn *, uint64_t *in, uint64_t *out);

#endif
