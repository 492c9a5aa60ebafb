/* SPDX-License-Identifier: ISC */
#ifndef T_PEER_H
#define T_PEER_H

/* The other side of a connection: a child process that serves one client, with certificates of any kind. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "../base/row.h"

#define DAY	(24 * 3600L)

/* ---- certificates ---- */

struct cert {
	X509		*x509;
	EVP_PKEY	*key;
};

static inline void
cert_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&ctx);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* `ca` signs it; NULL: it signs itself and is a CA. */
static inline void
cert_make(struct cert *c, const struct cert *ca, const char *cn,
    const char *san, long until)
{
	static long serial;
	X509_NAME *name;

	c->key = EVP_EC_gen("P-256");
	c->x509 = X509_new();
	assert_non_null(c->key);
	assert_int_equal(X509_set_version(c->x509, X509_VERSION_3), 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(c->x509), ++serial);
	(void)X509_gmtime_adj(X509_getm_notBefore(c->x509), -2 * DAY);
	(void)X509_gmtime_adj(X509_getm_notAfter(c->x509), until);
	(void)X509_set_pubkey(c->x509, c->key);
	name = X509_get_subject_name(c->x509);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	(void)X509_set_issuer_name(c->x509,
	    X509_get_subject_name(ca != NULL ? ca->x509 : c->x509));
	if (ca == NULL)
		cert_extension(c->x509, NID_basic_constraints, "critical,CA:TRUE");
	if (san != NULL)
		cert_extension(c->x509, NID_subject_alt_name, san);
	assert_true(X509_sign(c->x509, ca != NULL ? ca->key : c->key,
	    EVP_sha256()) > 0);
}

static inline void
cert_free(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
}

static inline void
cert_write(const struct cert *c, const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->x509), 1);
	assert_int_equal(fclose(f), 0);
}

/* ---- the process ---- */

struct peer {
	pid_t	pid;
	char	port[8];
};

typedef void	peer_fn(int fd, const void *arg);

static inline void
peer_start(struct peer *p, peer_fn *serve, const void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd, client;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	(void)snprintf(p->port, N(p->port), "%u", (unsigned)ntohs(a.sin_port));
	if ((p->pid = fork()) == 0) {
		(void)alarm(60);
		(void)signal(SIGPIPE, SIG_IGN);
		if ((client = accept(fd, NULL, NULL)) != -1)
			serve(client, arg);
		_exit(0);
	}
	assert_true(p->pid > 0);
	(void)close(fd);
}

static inline void
peer_stop(struct peer *p)
{
	int how;

	(void)kill(p->pid, SIGKILL);
	assert_int_equal(waitpid(p->pid, &how, 0), p->pid);
}

static inline void
peer_pause(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static inline void
peer_say(int fd, struct span s)
{
	ssize_t n;

	while (s.n > 0 && (n = write(fd, s.p, s.n)) > 0)
		s = span_from(s, (size_t)n);
}

/* Read up to and with an LF. */
static inline void
peer_line(int fd)
{
	char c = 0;

	while (c != '\n' && read(fd, &c, 1) == 1)
		;
}

static inline SSL *
peer_tls(int fd, const struct cert *c, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	(void)SSL_CTX_set_max_proto_version(ctx, max_version);
	if (SSL_CTX_use_certificate(ctx, c->x509) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, c->key) != 1)
		_exit(1);
	ssl = SSL_new(ctx);
	(void)SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) != 1)
		_exit(1);
	return ssl;
}

#endif
