/* SPDX-License-Identifier: ISC */
/*
 * TLS by OpenSSL.  Octets go through sock_recv() and sock_send() by a BIO of
 * our own: OpenSSL's writes without MSG_NOSIGNAL, and a peer that is gone
 * would end the process.
 */

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/io.h"

#include "net/tls.h"

/* What OpenSSL takes from the socket at once: four records of the largest size. */
#define TLS_AHEAD	((size_t)64 << 10)

struct tls {
	SSL_CTX		*ctx;
	SSL		*ssl;
	BIO_METHOD	*method;
	int		 fd;
	char		*host;
	bool		 up;		/* the handshake is done */
	bool		 broken;	/* nothing more may be sent */
	bool		 deaf;		/* tls_recv() has failed, as `why` tells */
	bool		 ended;		/* the socket is at its end */
	int		 sys;		/* errno of the socket, or 0 */
	struct err	 why;
	char		 subject[256];	/* of the certificate that failed */
	char		 names[256];	/* the server's certificate is for these */
};

/* ---- the socket as OpenSSL sees it ---- */

static int
bio_read(BIO *bio, char *to, int n)
{
	struct tls *t = BIO_get_data(bio);
	size_t got = 0;

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	switch (sock_recv(t->fd, to, (size_t)n, &got, NULL)) {
	case SOCK_MOVED:
		return (int)got;
	case SOCK_READ:
		BIO_set_retry_read(bio);
		return -1;
	case SOCK_END:
		t->ended = true;
		return 0;
	case SOCK_WRITE:
	case SOCK_FAILED:
		break;
	}
	t->sys = errno;
	return -1;
}

static int
bio_write(BIO *bio, const char *from, int n)
{
	struct tls *t = BIO_get_data(bio);
	size_t put = 0;

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	switch (sock_send(t->fd, span_of(from, (size_t)n), &put, NULL)) {
	case SOCK_MOVED:
		return (int)put;
	case SOCK_WRITE:
		BIO_set_retry_write(bio);
		return -1;
	case SOCK_READ:
	case SOCK_END:
	case SOCK_FAILED:
		break;
	}
	t->sys = errno;
	return -1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	const struct tls *t = BIO_get_data(bio);

	(void)number, (void)pointer;
	if (command == BIO_CTRL_EOF)
		return t->ended;
	return command == BIO_CTRL_FLUSH;
}

static int
open_bio(struct tls *t)
{
	BIO *bio;

	/* No type of its own: BIO_get_new_index() has only a hundred to give. */
	t->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sock");
	if (t->method == NULL ||
	    BIO_meth_set_read(t->method, bio_read) != 1 ||
	    BIO_meth_set_write(t->method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(t->method, bio_ctrl) != 1 ||
	    (bio = BIO_new(t->method)) == NULL)
		return -1;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);	/* it owns the BIO now */
	return 0;
}

/* ---- what is demanded ---- */

/* The names a certificate is for, as far as there is room. */
static void
note_names(struct tls *t, const X509 *cert)
{
	GENERAL_NAMES *all;
	const ASN1_STRING *name;
	size_t at = 0;
	int i, type, n;

	all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		name = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);
		if (type != GEN_DNS)
			continue;
		n = snprintf(t->names + at, sizeof(t->names) - at, "%s%.*s",
		    at > 0 ? ", " : "", ASN1_STRING_length(name),
		    (const char *)ASN1_STRING_get0_data(name));
		if (n < 0 || (size_t)n >= sizeof(t->names) - at)
			break;
		at += (size_t)n;
	}
	GENERAL_NAMES_free(all);
}

/* Asked about each certificate: changes nothing, only notes what failed. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	const X509 *cert = X509_STORE_CTX_get_current_cert(store);
	const X509 *leaf = X509_STORE_CTX_get0_cert(store);

	if (ok == 1 || t->subject[0] != '\0')
		return ok;
	if (cert != NULL)
		(void)X509_NAME_oneline(X509_get_subject_name(cert), t->subject,
		    (int)sizeof(t->subject));
	if (leaf != NULL)
		note_names(t, leaf);
	return ok;
}

static bool
is_address(const char *host)
{
	struct in6_addr a;

	return inet_pton(AF_INET, host, &a) == 1 ||
	    inet_pton(AF_INET6, host, &a) == 1;
}

/*
 * Who the server has to be (RFC 9525): an address is in the certificate as
 * an address; a name is a subjectAltName and never the subject's CN, with a
 * wildcard for a whole label only.
 */
static int
demand_host(struct tls *t)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	if (is_address(t->host))
		return X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1 ? 0 : -1;
	SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (SSL_set1_host(t->ssl, t->host) != 1 ||
	    SSL_set_tlsext_host_name(t->ssl, t->host) != 1)
		return -1;
	return 0;
}

static int
load_ca(struct tls *t, const char *ca_file, struct err *err)
{
	int fd = -1;

	if (ca_file == NULL) {
		if (SSL_CTX_set_default_verify_paths(t->ctx) == 1)
			return 0;
		return err_set(err, ERR_RUN, STATUS_TLS,
		    "the system's CA certificates cannot be loaded");
	}
	if (io_open(ca_file, &fd, err) == -1 ||
	    io_close(&fd, ca_file, err) == -1)
		return -1;
	if (SSL_CTX_load_verify_file(t->ctx, ca_file) != 1)
		return err_set(err, ERR_RUN, STATUS_TLS,
		    "%s: no CA certificates in PEM", ca_file);
	/* What the user names is trusted, though it be no root. */
	(void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(t->ctx),
	    X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

static int
open_ctx(struct tls *t)
{
	if ((t->ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1)
		return -1;
	(void)SSL_CTX_set_options(t->ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, on_verify);
	SSL_CTX_set_read_ahead(t->ctx, 1);
	SSL_CTX_set_default_read_buffer_len(t->ctx, TLS_AHEAD);
	return 0;
}

static int
open_ssl(struct tls *t)
{
	if ((t->ssl = SSL_new(t->ctx)) == NULL ||
	    SSL_set_app_data(t->ssl, t) != 1)
		return -1;
	SSL_set_connect_state(t->ssl);
	return open_bio(t) == -1 || demand_host(t) == -1 ? -1 : 0;
}

static int
setup_failed(struct err *err)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return err_set(err, ERR_RUN, STATUS_TLS, "TLS cannot be set up: %s",
	    why != NULL ? why : "no reason known");
}

struct tls *
tls_new(int fd, const char *host, const char *ca_file, struct err *err)
{
	struct span name = span_str(host);
	struct tls *t = NULL;
	int rc = -1;

	ERR_clear_error();
	/* "example.org." is the same name, but not in certificates and SNI. */
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (t->host = span_dup(name)) == NULL) {
		err_nomem(err);
		goto out;
	}
	t->fd = fd;
	if (open_ctx(t) == -1) {
		setup_failed(err);
		goto out;
	}
	if (load_ca(t, ca_file, err) == -1)
		goto out;
	if (open_ssl(t) == -1) {
		setup_failed(err);
		goto out;
	}
	rc = 0;
out:
	if (rc == -1) {
		tls_free(t);
		t = NULL;
	}
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	ERR_clear_error();
	/* It is a courtesy: whether it arrives is not waited for. */
	if (t->up && !t->broken)
		(void)SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->method);
	free(t->host);
	free(t);
}

/* ---- what went wrong ---- */

/* The chain ends at somebody whom nobody here knows. */
static bool
is_unknown_ca(long code)
{
	return code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	    code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
	    code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	    code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	    code == X509_V_ERR_CERT_UNTRUSTED;
}

static enum sock_io
not_verified(const struct tls *t, long code, struct err *err)
{
	if (code == X509_V_ERR_HOSTNAME_MISMATCH ||
	    code == X509_V_ERR_IP_ADDRESS_MISMATCH)
		(void)err_set(err, ERR_RUN, STATUS_TLS,
		    "the server's certificate is not for %s, but for %s (subject %s)",
		    t->host, t->names[0] != '\0' ? t->names : "no host name",
		    t->subject);
	else
		(void)err_set(err, ERR_RUN, STATUS_TLS,
		    "the certificate of %s is not valid: %s (subject %s)%s",
		    t->host, X509_verify_cert_error_string(code), t->subject,
		    is_unknown_ca(code) ?
		    "; a private CA's certificate can be given by --ca-file" : "");
	return SOCK_FAILED;
}

/* OpenSSL says SSL_ERROR_SSL or SSL_ERROR_SYSCALL. */
static enum sock_io
tls_failed(struct tls *t, struct err *err)
{
	const unsigned long code = ERR_peek_error();
	const char *why = ERR_reason_error_string(code);
	const long verify = SSL_get_verify_result(t->ssl);

	t->broken = true;
	if (t->sys != 0) {
		errno = t->sys;
		(void)err_sys(err, ERR_SESSION, STATUS_CONNECT,
		    "the connection was lost");
	} else if (t->ended || code == 0) {
		(void)err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the connection was cut: it ended without TLS's goodbye");
	} else if (t->up) {
		(void)err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "TLS failed: %s", why != NULL ? why : "no reason known");
	} else if (verify != X509_V_OK) {
		return not_verified(t, verify, err);
	} else {
		(void)err_set(err, ERR_RUN, STATUS_TLS, "no TLS with this server: %s%s",
		    why != NULL ? why : "no reason known",
		    ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER ?
		    " (it may not speak TLS on this port)" : "");
	}
	return SOCK_FAILED;
}

static enum sock_io
outcome(struct tls *t, int rc, struct err *err)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_NONE:
		return SOCK_MOVED;
	case SSL_ERROR_WANT_READ:
		return SOCK_READ;
	case SSL_ERROR_WANT_WRITE:
		return SOCK_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return SOCK_END;
	default:
		return tls_failed(t, err);
	}
}

/* ---- octets ---- */

enum sock_io
tls_handshake(struct tls *t, struct err *err)
{
	enum sock_io io;

	ERR_clear_error();
	if ((io = outcome(t, SSL_do_handshake(t->ssl), err)) != SOCK_MOVED)
		return io;
	/* OpenSSL has seen to both; this is where a mistake would be seen. */
	if (SSL_get_verify_result(t->ssl) != X509_V_OK ||
	    SSL_get0_peer_certificate(t->ssl) == NULL) {
		t->broken = true;
		(void)err_set(err, ERR_RUN, STATUS_TLS,
		    "the server %s did not prove who it is", t->host);
		return SOCK_FAILED;
	}
	t->up = true;
	return SOCK_MOVED;
}

enum sock_io
tls_recv(struct tls *t, void *to, size_t n, size_t *got, struct err *err)
{
	enum sock_io io = SOCK_FAILED;

	ERR_clear_error();
	if (!t->deaf)
		io = outcome(t, SSL_read_ex(t->ssl, to, n, got), &t->why);
	t->deaf = io == SOCK_FAILED;
	if (t->deaf && err != NULL)
		*err = t->why;
	return io;
}

enum sock_io
tls_send(struct tls *t, struct span s, size_t *put, struct err *err)
{
	ERR_clear_error();
	return outcome(t, SSL_write_ex(t->ssl, s.p, s.n, put), err);
}

bool
tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1;
}
