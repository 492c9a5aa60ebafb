/* SPDX-License-Identifier: ISC */
/* Whom a connection trusts: certificates, hosts, versions, STARTTLS. */

#include "net/conn.h"

#include "../base/scratch.h"
#include "peer.h"

static struct cert ca, other, certs[10];

enum { GOOD, WRONG, CN_ONLY, PARTIAL, WILD, DEEP, ADDRESS, EXPIRED, FOREIGN,
    ALONE, KINDS };

static const struct {
	const char	*cn, *san;
	long		 until;
} kinds[KINDS] = {
	[GOOD] = { "server", "DNS:localhost,IP:127.0.0.1", DAY },
	[WRONG] = { "localhost", "DNS:wrong.example,DNS:two.example", DAY },
	[CN_ONLY] = { "localhost", NULL, DAY },
	[PARTIAL] = { "server", "DNS:local*", DAY },
	[WILD] = { "server", "DNS:*.localhost", DAY },
	[DEEP] = { "server", "DNS:*", DAY },
	[ADDRESS] = { "server", "IP:127.0.0.1", DAY },
	[EXPIRED] = { "server", "DNS:localhost", -DAY },
	[FOREIGN] = { "server", "DNS:localhost", DAY },
	[ALONE] = { "myself", "DNS:localhost", DAY },
};

static int
begin(void **state)
{
	size_t i;

	if (scratch_begin(state) == -1)
		return -1;
	cert_make(&ca, NULL, "the CA", NULL, DAY);
	cert_make(&other, NULL, "another CA", NULL, DAY);
	cert_write(&ca, "ca.pem");
	for (i = 0; i < KINDS; i++)
		cert_make(&certs[i], i == FOREIGN ? &other : i == ALONE ? NULL : &ca,
		    kinds[i].cn, kinds[i].san, kinds[i].until);
	cert_write(&certs[ALONE], "alone.pem");
	scratch_file("empty.pem", SPAN("no certificate\n"));
	return 0;
}

static int
end(void **state)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		cert_free(&certs[i]);
	cert_free(&ca);
	cert_free(&other);
	return scratch_end(state);
}

/* ---- the handshake ---- */

struct server {
	size_t	cert;
	int	max_version;
};

static void
serve_tls(int fd, const void *arg)
{
	const struct server *s = arg;
	SSL *ssl = peer_tls(fd, &certs[s->cert], s->max_version);
	char c;

	(void)SSL_write(ssl, "* OK\r\n", 6);
	(void)SSL_read(ssl, &c, 1);
}

static const struct row {
	const char	*name, *host;
	size_t		 cert;
	int		 max_version;
	const char	*ca_file;
	enum status	 status;	/* STATUS_OK: it is trusted */
	const char	*says[2];	/* in the message */
} rows[] = {
	{ "right host", "localhost", GOOD, 0, "ca.pem", STATUS_OK, { "", "" } },
	{ "case", "LOCALHOST", GOOD, 0, "ca.pem", STATUS_OK, { "", "" } },
	{ "TLS 1.2", "localhost", GOOD, TLS1_2_VERSION, "ca.pem", STATUS_OK, { "", "" } },
	{ "TLS 1.1", "localhost", GOOD, TLS1_1_VERSION, "ca.pem", STATUS_TLS,
	    { "no TLS with this server", "version" } },
	{ "address in SAN", "127.0.0.1", ADDRESS, 0, "ca.pem", STATUS_OK, { "", "" } },
	{ "address not in SAN", "127.0.0.1", WRONG, 0, "ca.pem", STATUS_TLS,
	    { "not for 127.0.0.1", "wrong.example" } },
	{ "name, but only an address in SAN", "localhost", ADDRESS, 0, "ca.pem",
	    STATUS_TLS, { "not for localhost", "no host name" } },
	{ "wrong host", "localhost", WRONG, 0, "ca.pem", STATUS_TLS,
	    { "not for localhost", "wrong.example, two.example" } },
	{ "CN does not count", "localhost", CN_ONLY, 0, "ca.pem", STATUS_TLS,
	    { "not for localhost", "/CN=localhost" } },
	{ "partial wildcard", "localhost", PARTIAL, 0, "ca.pem", STATUS_TLS,
	    { "not for localhost", "local*" } },
	{ "wildcard of the wrong depth", "localhost", WILD, 0, "ca.pem", STATUS_TLS,
	    { "not for localhost", "*.localhost" } },
	{ "wildcard for all", "localhost", DEEP, 0, "ca.pem", STATUS_TLS,
	    { "not for localhost", "" } },
	{ "expired", "localhost", EXPIRED, 0, "ca.pem", STATUS_TLS,
	    { "localhost is not valid", "expired" } },
	{ "unknown CA", "localhost", FOREIGN, 0, "ca.pem", STATUS_TLS,
	    { "localhost is not valid", "--ca-file" } },
	{ "not in the system's store", "localhost", GOOD, 0, NULL, STATUS_TLS,
	    { "/CN=server", "--ca-file" } },
	{ "self-signed", "localhost", ALONE, 0, "ca.pem", STATUS_TLS,
	    { "/CN=myself", "--ca-file" } },
	{ "self-signed and named", "localhost", ALONE, 0, "alone.pem", STATUS_OK,
	    { "", "" } },
	{ "no such CA file", "localhost", GOOD, 0, "none.pem", STATUS_NOINPUT,
	    { "none.pem", "" } },
	{ "no CA in the file", "localhost", GOOD, 0, "empty.pem", STATUS_TLS,
	    { "empty.pem", "PEM" } },
};

static void
trust(void **state)
{
	struct err err;
	struct server server;
	struct peer peer;
	struct conn *conn;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		const struct row *r = &rows[i];
		struct conn_config config = {
			.host = r->host, .port = peer.port, .tls = CONN_TLS,
			.ca_file = r->ca_file, .timeout = 10, .sys = &sys_real,
		};

		err_clear(&err);
		server = (struct server){ r->cert, r->max_version };
		peer_start(&peer, serve_tls, &server);
		conn = conn_open(&config, &err);
		if (r->status == STATUS_OK) {
			if (conn == NULL)
				fail_msg("%s: %s", r->name, err.msg);
			ROW_OK(r->name, conn_is_tls(conn));
			ROW_OK(r->name, conn_fill(conn, &err) == 1);
			ROW_SPAN(r->name, conn_input(conn), SPAN("* OK\r\n"));
		} else {
			ROW_OK(r->name, conn == NULL);
			ROW_OK(r->name, err.scope == ERR_RUN);
			ROW_OK(r->name, err.status == r->status);
			if (strstr(err.msg, r->says[0]) == NULL ||
			    strstr(err.msg, r->says[1]) == NULL ||
			    strstr(err.msg, r->host) == NULL)
				fail_msg("%s: %s", r->name, err.msg);
		}
		conn_close(conn);
		peer_stop(&peer);
	}
}

/* ---- servers that are none ---- */

static void
serve_text(int fd, const void *arg)
{
	peer_say(fd, *(const struct span *)arg);
	(void)sleep(20);
}

static void
serve_end(int fd, const void *arg)
{
	(void)arg;
	(void)close(fd);
}

/* A record's head, and then an octet now and then. */
static void
serve_drops(int fd, const void *arg)
{
	(void)arg;
	peer_say(fd, SPAN("\x16\x03\x03\x40\x00"));
	for (;;) {
		peer_say(fd, SPAN("\x02"));
		peer_pause(200);
	}
}

static void
no_tls(void **state)
{
	static const struct span greeting = { (const unsigned char *)"* OK hello\r\n", 12 };
	static const struct span none = { NULL, 0 };
	static const struct {
		const char	*name;
		peer_fn		*serve;
		const void	*arg;
		enum err_scope	 scope;
		enum status	 status;
		const char	*says;
	} servers[] = {
		{ "plain text", serve_text, &greeting, ERR_RUN, STATUS_TLS,
		    "may not speak TLS" },
		{ "silent", serve_text, &none, ERR_SESSION, STATUS_CONNECT,
		    "handshake: nothing came within 1 s" },
		{ "drops", serve_drops, NULL, ERR_SESSION, STATUS_CONNECT, "" },
		{ "closes", serve_end, NULL, ERR_SESSION, STATUS_CONNECT, "" },
	};
	struct peer peer;
	struct conn_config config = {
		.host = "localhost", .port = peer.port, .tls = CONN_TLS,
		.ca_file = "ca.pem", .timeout = 1, .sys = &sys_real,
	};
	struct err err;
	int64_t start;
	size_t i;

	(void)state;
	for (i = 0; i < N(servers); i++) {
		err_clear(&err);
		peer_start(&peer, servers[i].serve, servers[i].arg);
		start = sys_mono(&sys_real);
		ROW_OK(servers[i].name, conn_open(&config, &err) == NULL);
		ROW_OK(servers[i].name,
		    sys_mono(&sys_real) - start < INT64_C(5000000000));
		ROW_OK(servers[i].name, err.scope == servers[i].scope);
		ROW_OK(servers[i].name, err.status == servers[i].status);
		if (strstr(err.msg, servers[i].says) == NULL)
			fail_msg("%s: %s", servers[i].name, err.msg);
		peer_stop(&peer);
	}
}

/* ---- STARTTLS ---- */

static void
serve_starttls(int fd, const void *arg)
{
	const struct span *answer = arg;
	SSL *ssl;
	char c;

	peer_say(fd, SPAN("* OK\r\n"));
	peer_line(fd);
	peer_say(fd, *answer);
	ssl = peer_tls(fd, &certs[GOOD], 0);
	(void)SSL_write(ssl, "a", 1);
	(void)SSL_read(ssl, &c, 1);
}

/* Up to the server's answer to STARTTLS, which is consumed. */
static struct conn *
ask_starttls(const struct conn_config *config, struct err *err)
{
	struct conn *conn = conn_open(config, err);

	assert_non_null(conn);
	assert_false(conn_is_tls(conn));
	assert_int_equal(conn_fill(conn, err), 1);
	ROW_SPAN("greeting", conn_input(conn), SPAN("* OK\r\n"));
	conn_consume(conn, 6);
	assert_int_equal(conn_put(conn, SPAN("x STARTTLS\r\n"), err), 0);
	assert_int_equal(conn_flush(conn, err), 0);
	assert_int_equal(conn_fill(conn, err), 1);
	conn_consume(conn, 6);
	return conn;
}

static void
starttls(void **state)
{
	static const struct {
		const char	*name;
		struct span	 answer;
		bool		 ok;
	} cases[] = {
		{ "clean", { (const unsigned char *)"x OK\r\n", 6 }, true },
		{ "injected", { (const unsigned char *)
		    "x OK\r\n* CAPABILITY IMAP4rev1\r\n", 30 }, false },
		{ "one octet", { (const unsigned char *)"x OK\r\n\n", 7 }, false },
	};
	struct peer peer;
	struct conn_config config = {
		.host = "localhost", .port = peer.port, .tls = CONN_STARTTLS,
		.ca_file = "ca.pem", .timeout = 10, .sys = &sys_real,
	};
	struct err err;
	struct conn *conn;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		err_clear(&err);
		peer_start(&peer, serve_starttls, &cases[i].answer);
		conn = ask_starttls(&config, &err);
		if (cases[i].ok) {
			ROW_OK(err.msg, conn_starttls(conn, &err) == 0);
			ROW_OK(cases[i].name, conn_is_tls(conn));
			ROW_OK(cases[i].name, conn_fill(conn, &err) == 1);
			ROW_SPAN(cases[i].name, conn_input(conn), SPAN("a"));
		} else {
			ROW_OK(cases[i].name, conn_starttls(conn, &err) == -1);
			ROW_OK(cases[i].name, err.scope == ERR_RUN &&
			    err.status == STATUS_TLS);
			/* And nothing goes over it any more. */
			ROW_OK(cases[i].name, conn_put(conn, SPAN("x"), &err) == -1);
		}
		conn_close(conn);
		peer_stop(&peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trust),
		cmocka_unit_test(no_tls),
		cmocka_unit_test(starttls),
	};

	return cmocka_run_group_tests_name("tls", tests, begin, end);
}
