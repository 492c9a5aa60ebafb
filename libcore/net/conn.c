/* SPDX-License-Identifier: ISC */
/* Buffers and time limits over a socket, with TLS or not yet. */

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "net/conn.h"
#include "net/secret.h"
#include "net/sock.h"
#include "net/tls.h"

#define CONN_TIMEOUT	60			/* seconds, by default */
#define CONN_OUT	((size_t)64 << 10)	/* octets that wait to be sent */
#define CONN_IN		((size_t)128 << 10)	/* input storage at first */
#define CONN_IN_MAX	((size_t)16 << 20)	/* and at most */
#define CONN_PIECE	((size_t)16 << 10)	/* worth reading at once: a TLS record */

struct conn {
	int		 fd;
	struct tls	*tls;		/* NULL: plain */
	char		*host, *port, *ca_file;
	unsigned	 timeout;
	const struct sys *sys;
	unsigned char	*in;		/* in_at to in_n are not consumed */
	size_t		 in_at, in_n, in_cap;
	unsigned char	*out;		/* out_at to out_n are not sent */
	size_t		 out_at, out_n;
	bool		 ended;		/* the peer closed properly */
	bool		 lost;		/* nothing goes any more */
	uint64_t	 count_in, count_out;
};

/* Name the server in a failure, once. */
static int
fail(struct conn *c, struct err *err)
{
	c->lost = true;
	err_at(err, "%s:%s", c->host, c->port);
	return -1;
}

static int
is_lost(struct conn *c, struct err *err)
{
	if (!c->lost)
		return 0;
	(void)err_set(err, ERR_SESSION, STATUS_CONNECT,
	    "the connection was lost before");
	return fail(c, err);
}

/* Wait for what the last attempt wanted, and for `more` events. */
static int
await(struct conn *c, enum sock_io want, short more,
    const struct sock_limit *limit, struct err *err)
{
	const int events = (want == SOCK_WRITE ? POLLOUT : POLLIN) | more;
	const int ready = sock_wait(c->fd, (short)events, limit, err);

	if (ready == 0)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "nothing came within %u seconds", c->timeout);
	return ready == 1 ? 0 : -1;
}

/* ---- opening and closing ---- */

/* The whole of it has the time of one wait, so that drops cannot draw it out. */
static int
start_tls(struct conn *c, struct err *err)
{
	const struct sock_limit limit = sock_limit(c->sys, c->timeout);
	enum sock_io io;

	c->tls = tls_new(c->fd, c->host, c->ca_file, err);
	if (c->tls == NULL)
		return -1;
	while ((io = tls_handshake(c->tls, err)) != SOCK_MOVED) {
		if (io == SOCK_FAILED)
			return -1;
		if (io == SOCK_END)
			return err_set(err, ERR_SESSION, STATUS_CONNECT,
			    "the server ended the TLS handshake");
		if (await(c, io, 0, &limit, err) == -1) {
			err_at(err, "TLS handshake");
			return -1;
		}
	}
	return 0;
}

static struct conn *
conn_new(const struct conn_config *config)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = -1;
	c->sys = config->sys != NULL ? config->sys : &sys_real;
	c->timeout = config->timeout != 0 ? config->timeout : CONN_TIMEOUT;
	c->in_cap = CONN_IN;
	c->in = malloc(c->in_cap);
	c->out = malloc(CONN_OUT);
	c->host = span_dup(span_str(config->host));
	c->port = span_dup(span_str(config->port));
	if (config->ca_file != NULL)
		c->ca_file = span_dup(span_str(config->ca_file));
	if (c->in == NULL || c->out == NULL || c->host == NULL ||
	    c->port == NULL || (config->ca_file != NULL && c->ca_file == NULL)) {
		conn_close(c);
		return NULL;
	}
	return c;
}

struct conn *
conn_open(const struct conn_config *config, struct err *err)
{
	struct conn *c;

	if ((c = conn_new(config)) == NULL) {
		err_nomem(err);
		return NULL;
	}
	c->fd = sock_open(c->host, c->port, c->timeout, c->sys, err);
	if (c->fd == -1 ||
	    (config->tls == CONN_TLS && start_tls(c, err) == -1)) {
		(void)fail(c, err);
		conn_close(c);
		return NULL;
	}
	return c;
}

struct conn *
conn_attach(int fd, const struct conn_config *config, struct err *err)
{
	struct conn *c;
	int flags;

	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		err_sys(err, ERR_RUN, STATUS_IO, "fcntl");
		sock_close(fd);
		return NULL;
	}
	if ((c = conn_new(config)) == NULL) {
		err_nomem(err);
		sock_close(fd);
		return NULL;
	}
	c->fd = fd;
	return c;
}

void
conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	tls_free(c->tls);
	sock_close(c->fd);
	/* Passwords went through here. */
	if (c->out != NULL)
		secret_zero(c->out, CONN_OUT);
	free(c->in);
	free(c->out);
	free(c->host);
	free(c->port);
	free(c->ca_file);
	free(c);
}

int
conn_starttls(struct conn *c, struct err *err)
{
	if (is_lost(c, err) == -1)
		return -1;
	if (c->tls != NULL || c->out_at < c->out_n) {
		(void)err_set(err, ERR_RUN, STATUS_BUG,
		    "STARTTLS where it has no place");
		return fail(c, err);
	}
	if (c->in_at < c->in_n) {
		(void)err_set(err, ERR_RUN, STATUS_TLS,
		    "%zu octets came behind the answer to STARTTLS and before TLS: somebody may be meddling",
		    c->in_n - c->in_at);
		return fail(c, err);
	}
	return start_tls(c, err) == -1 ? fail(c, err) : 0;
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls != NULL;
}

/* ---- input ---- */

struct span
conn_input(const struct conn *c)
{
	return span_of(c->in + c->in_at, c->in_n - c->in_at);
}

void
conn_consume(struct conn *c, size_t n)
{
	c->in_at += n < c->in_n - c->in_at ? n : c->in_n - c->in_at;
	if (c->in_at == c->in_n)
		c->in_at = c->in_n = 0;
}

/* Have room for a piece behind the input. */
static int
make_room(struct conn *c, struct err *err)
{
	unsigned char *more;

	if (c->in_cap - c->in_n >= CONN_PIECE)
		return 0;
	memmove(c->in, c->in + c->in_at, c->in_n - c->in_at);
	c->in_n -= c->in_at;
	c->in_at = 0;
	if (c->in_n <= c->in_cap / 2)
		return 0;
	if (c->in_cap >= CONN_IN_MAX) {
		if (c->in_cap - c->in_n >= CONN_PIECE)
			return 0;
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server sent more than %zu octets that nobody asked for",
		    c->in_n);
	}
	if ((more = realloc(c->in, c->in_cap * 2)) == NULL)
		return err_nomem(err);
	c->in = more;
	c->in_cap *= 2;
	return 0;
}

/* One attempt to read. */
static enum sock_io
try_recv(struct conn *c, void *to, size_t n, size_t *got, struct err *err)
{
	enum sock_io io;

	*got = 0;
	if (c->ended)
		return SOCK_END;
	io = c->tls != NULL ? tls_recv(c->tls, to, n, got, err) :
	    sock_recv(c->fd, to, n, got, err);
	if (io == SOCK_MOVED)
		c->count_in += *got;
	if (io == SOCK_END)
		c->ended = true;
	return io;
}

/*
 * Read to `to`: at least one octet, and what can be had after that without
 * looking at the socket again.  1, 0 at the end, -1.
 */
static int
receive(struct conn *c, unsigned char *to, size_t n, size_t *got,
    struct err *err)
{
	const struct sock_limit limit = sock_limit(c->sys, c->timeout);
	enum sock_io io;
	size_t more;

	while ((io = try_recv(c, to, n, got, err)) != SOCK_MOVED) {
		if (io == SOCK_END)
			return 0;
		if (io == SOCK_FAILED || await(c, io, 0, &limit, err) == -1)
			return -1;
	}
	while (c->tls != NULL && *got < n && tls_pending(c->tls)) {
		/* A failure shows again at the next call. */
		if (try_recv(c, to + *got, n - *got, &more, NULL) != SOCK_MOVED)
			break;
		*got += more;
	}
	return 1;
}

int
conn_fill(struct conn *c, struct err *err)
{
	size_t got = 0;
	int rc;

	if (is_lost(c, err) == -1)
		return -1;
	if (make_room(c, err) == -1)
		return fail(c, err);
	rc = receive(c, c->in + c->in_n, c->in_cap - c->in_n, &got, err);
	c->in_n += got;
	return rc == -1 ? fail(c, err) : rc;
}

int
conn_read(struct conn *c, void *to, size_t n, size_t *got, struct err *err)
{
	int rc;

	*got = 0;
	if (n == 0)
		return 1;
	/* What is small comes with what follows it, in one call of the system. */
	if (c->in_at == c->in_n && n < CONN_PIECE &&
	    (rc = conn_fill(c, err)) != 1)
		return rc;
	if (c->in_at < c->in_n) {
		*got = n < c->in_n - c->in_at ? n : c->in_n - c->in_at;
		memcpy(to, c->in + c->in_at, *got);
		conn_consume(c, *got);
		return 1;
	}
	if (is_lost(c, err) == -1)
		return -1;
	rc = receive(c, to, n, got, err);
	return rc == -1 ? fail(c, err) : rc;
}

/* ---- output ---- */

/*
 * Take in what has come, without waiting.  *got is the number of octets;
 * the result is what the last attempt came to.
 */
static enum sock_io
drain(struct conn *c, size_t *got, struct err *err)
{
	enum sock_io io;
	size_t more;

	*got = 0;
	do {
		if (make_room(c, err) == -1)
			return SOCK_FAILED;
		io = try_recv(c, c->in + c->in_n, c->in_cap - c->in_n, &more, err);
		c->in_n += more;
		*got += more;
	} while (io == SOCK_MOVED);
	return io;
}

static enum sock_io
try_send(struct conn *c, struct err *err)
{
	const struct span s = span_of(c->out + c->out_at, c->out_n - c->out_at);
	size_t put = 0, heard;
	enum sock_io io;

	io = c->tls != NULL ? tls_send(c->tls, s, &put, err) :
	    sock_send(c->fd, s, &put, err);
	c->out_at += put;
	c->count_out += put;
	if (io == SOCK_END)
		(void)err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server closed the connection");
	/* Before it was lost the server may have said why. */
	if (io == SOCK_END || io == SOCK_FAILED)
		(void)drain(c, &heard, NULL);
	return io == SOCK_END ? SOCK_FAILED : io;
}

/*
 * Sending has to wait.  A server that itself waits for us to read would never
 * go on, so read meanwhile; the time limit starts anew with each octet that comes.
 */
static int
await_send(struct conn *c, enum sock_io want, struct sock_limit *limit,
    struct err *err)
{
	enum sock_io io;
	size_t got;
	short more = 0;

	if ((io = drain(c, &got, err)) == SOCK_FAILED)
		return -1;
	if (got > 0)
		*limit = sock_limit(c->sys, c->timeout);
	if (want == SOCK_READ && got > 0)
		return 0;
	if (io == SOCK_END && want == SOCK_READ)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server closed the connection");
	if (io != SOCK_END)
		more = io == SOCK_WRITE ? POLLOUT : POLLIN;
	return await(c, want, more, limit, err);
}

int
conn_flush(struct conn *c, struct err *err)
{
	struct sock_limit limit;
	enum sock_io io;

	if (c->out_at == c->out_n)
		return 0;
	if (is_lost(c, err) == -1)
		return -1;
	limit = sock_limit(c->sys, c->timeout);
	while (c->out_at < c->out_n) {
		io = try_send(c, err);
		if (io == SOCK_MOVED) {
			limit = sock_limit(c->sys, c->timeout);
			continue;
		}
		if (io == SOCK_FAILED || await_send(c, io, &limit, err) == -1)
			return fail(c, err);
	}
	c->out_at = c->out_n = 0;
	return 0;
}

int
conn_put(struct conn *c, struct span s, struct err *err)
{
	size_t n;

	if (is_lost(c, err) == -1)
		return -1;
	while (s.n > 0) {
		n = s.n < CONN_OUT - c->out_n ? s.n : CONN_OUT - c->out_n;
		memcpy(c->out + c->out_n, s.p, n);
		c->out_n += n;
		s = span_from(s, n);
		if (c->out_n == CONN_OUT && conn_flush(c, err) == -1)
			return -1;
	}
	return 0;
}

void
conn_count(const struct conn *c, uint64_t *in, uint64_t *out)
{
	*in = c->count_in;
	*out = c->count_out;
}
