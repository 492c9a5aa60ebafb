/* SPDX-License-Identifier: ISC */
/* Octets over a connection, plain and TLS: buffers, limits, and bad ends. */

#include <pthread.h>

#include "net/conn.h"

#include "../base/scratch.h"
#include "peer.h"

#define MIB	((size_t)1 << 20)

static struct cert ca, cert;

static int
begin(void **state)
{
	if (scratch_begin(state) == -1)
		return -1;
	cert_make(&ca, NULL, "the CA", NULL, DAY);
	cert_make(&cert, &ca, "server", "DNS:localhost", DAY);
	cert_write(&ca, "ca.pem");
	return 0;
}

static int
end(void **state)
{
	cert_free(&cert);
	cert_free(&ca);
	return scratch_end(state);
}

/* ---- a server that follows a script ---- */

struct side {
	int	 fd;
	SSL	*ssl;		/* NULL: plain */
};

struct script {
	bool	 tls;
	void	(*talk)(const struct side *);
};

static void
serve(int fd, const void *arg)
{
	const struct script *s = arg;
	const struct side side = {
		fd, s->tls ? peer_tls(fd, &cert, 0) : NULL
	};

	s->talk(&side);
	(void)sleep(30);
}

static void
say(const struct side *s, const void *p, size_t n)
{
	if (s->ssl == NULL)
		peer_say(s->fd, span_of(p, n));
	else if (n > 0 && SSL_write(s->ssl, p, (int)n) <= 0)
		_exit(1);
}

static size_t
hear(const struct side *s, void *p, size_t n)
{
	const ssize_t got = s->ssl != NULL ? SSL_read(s->ssl, p, (int)n) :
	    read(s->fd, p, n);

	if (got <= 0)
		_exit(1);
	return (size_t)got;
}

/* What stands at an offset of any long transfer. */
static unsigned char
octet_at(size_t at)
{
	return (unsigned char)((at >> 16) * 31 + (at >> 8) * 7 + at);
}

static void
say_pattern(const struct side *s, size_t n)
{
	unsigned char piece[5000];
	size_t at, i, some;

	for (at = 0; at < n; at += some) {
		some = n - at < N(piece) ? n - at : N(piece);
		for (i = 0; i < some; i++)
			piece[i] = octet_at(at + i);
		say(s, piece, some);
	}
}

static void
hear_pattern(const struct side *s, size_t n)
{
	static unsigned char piece[100000];
	size_t at, i, got;

	for (at = 0; at < n; at += got) {
		got = hear(s, piece, n - at < N(piece) ? n - at : N(piece));
		for (i = 0; i < got; i++) {
			if (piece[i] != octet_at(at + i))
				_exit(1);
		}
	}
}

/* ---- the client's side of it ---- */

struct link {
	struct peer	 peer;
	struct conn	*conn;
	struct err	 err;
	const char	*name;
};

static void
link_open(struct link *l, bool tls, void (*talk)(const struct side *),
    unsigned timeout)
{
	const struct script script = { tls, talk };
	const struct conn_config config = {
		.host = "localhost", .port = l->peer.port,
		.tls = tls ? CONN_TLS : CONN_STARTTLS, .ca_file = "ca.pem",
		.timeout = timeout, .sys = &sys_real,
	};

	err_clear(&l->err);
	l->name = tls ? "TLS" : "plain";
	peer_start(&l->peer, serve, &script);
	l->conn = conn_open(&config, &l->err);
	if (l->conn == NULL)
		fail_msg("%s", l->err.msg);
}

static void
link_close(struct link *l)
{
	conn_close(l->conn);
	peer_stop(&l->peer);
}

static void
check_lost(const struct link *l, int rc)
{
	ROW_OK(l->name, rc == -1);
	ROW_OK(l->name, l->err.scope == ERR_SESSION);
	ROW_OK(l->name, l->err.status == STATUS_CONNECT);
	ROW_OK(l->name, span_starts(span_str(l->err.msg), "localhost:"));
}

/* ---- transfers ---- */

static void
talk_echo(const struct side *s)
{
	char line[64];
	size_t n;

	for (;;) {
		n = hear(s, line, N(line));
		say(s, line, n);
	}
}

static void
echo(void **state)
{
	struct link l;
	uint64_t in, out;
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_echo, 10);
		ROW_OK(l.name, conn_put(l.conn, SPAN("hello "), &l.err) == 0);
		ROW_OK(l.name, conn_put(l.conn, SPAN("world"), &l.err) == 0);
		ROW_OK(l.name, conn_put(l.conn, SPAN_NONE, &l.err) == 0);
		ROW_OK(l.name, conn_input(l.conn).n == 0);
		ROW_OK(l.name, conn_flush(l.conn, &l.err) == 0);
		while (conn_input(l.conn).n < 11)
			ROW_OK(l.name, conn_fill(l.conn, &l.err) == 1);
		ROW_SPAN(l.name, conn_input(l.conn), SPAN("hello world"));
		conn_consume(l.conn, 6);
		ROW_SPAN(l.name, conn_input(l.conn), SPAN("world"));
		conn_consume(l.conn, 1000);
		ROW_OK(l.name, conn_input(l.conn).n == 0);
		conn_count(l.conn, &in, &out);
		ROW_OK(l.name, in == 11 && out == 11);
		link_close(&l);
	}
}

static void
talk_pattern(const struct side *s)
{
	say_pattern(s, 9 * MIB + 77);
	if (s->ssl != NULL)
		(void)SSL_shutdown(s->ssl);
	(void)close(s->fd);
}

/* Reads of every size, from the buffer and past it. */
static void
large_reads(void **state)
{
	static const size_t sizes[] = { 1, 100, 16383, 16384, 70000, 3, 1000000 };
	unsigned char *to = malloc(MIB);
	struct link l;
	size_t at, i, got, turn;
	int tls, rc;

	(void)state;
	assert_non_null(to);
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_pattern, 10);
		ROW_OK(l.name, conn_read(l.conn, to, 0, &got, &l.err) == 1 && got == 0);
		for (at = turn = 0; ; at += got, turn++) {
			rc = conn_read(l.conn, to, sizes[turn % N(sizes)], &got, &l.err);
			if (rc != 1)
				break;
			ROW_OK(l.name, got > 0 && got <= sizes[turn % N(sizes)]);
			for (i = 0; i < got; i++) {
				if (to[i] != octet_at(at + i))
					fail_msg("%s: octet %zu", l.name, at + i);
			}
		}
		if (rc == -1)
			fail_msg("%s: %s", l.name, l.err.msg);
		ROW_OK(l.name, at == 9 * MIB + 77);
		/* The end stays the end. */
		ROW_OK(l.name, conn_fill(l.conn, &l.err) == 0);
		link_close(&l);
	}
	free(to);
}

/* Input that is not consumed grows in the buffer and stays whole. */
static void
large_fill(void **state)
{
	struct link l;
	struct span in;
	size_t i;
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_pattern, 10);
		while (conn_input(l.conn).n < 3 * MIB)
			ROW_OK(l.name, conn_fill(l.conn, &l.err) == 1);
		conn_consume(l.conn, MIB + 5);
		while (conn_input(l.conn).n < 3 * MIB)
			ROW_OK(l.name, conn_fill(l.conn, &l.err) == 1);
		in = conn_input(l.conn);
		for (i = 0; i < in.n; i++) {
			if (in.p[i] != octet_at(MIB + 5 + i))
				fail_msg("%s: octet %zu", l.name, i);
		}
		link_close(&l);
	}
}

/* A server that says all it has to say before it listens. */
static void
talk_first(const struct side *s)
{
	say_pattern(s, 12 * MIB);
	hear_pattern(s, 12 * MIB);
	say(s, "!", 1);
}

static void
put_pattern(struct link *l, size_t n)
{
	unsigned char piece[3000];
	size_t at, i;

	for (at = 0; at < n; at += N(piece)) {
		for (i = 0; i < N(piece); i++)
			piece[i] = octet_at(at + i);
		ROW_OK(l->err.msg, conn_put(l->conn, span_of(piece,
		    n - at < N(piece) ? n - at : N(piece)), &l->err) == 0);
	}
	ROW_OK(l->err.msg, conn_flush(l->conn, &l->err) == 0);
}

static void
both_write(void **state)
{
	struct link l;
	struct span in;
	size_t i;
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_first, 20);
		put_pattern(&l, 12 * MIB);
		while (conn_input(l.conn).n < 12 * MIB + 1) {
			if (conn_fill(l.conn, &l.err) != 1)
				fail_msg("%s: %s", l.name, l.err.msg);
		}
		in = conn_input(l.conn);
		for (i = 0; i < 12 * MIB; i++) {
			if (in.p[i] != octet_at(i))
				fail_msg("%s: octet %zu", l.name, i);
		}
		ROW_OK(l.name, in.p[12 * MIB] == '!');
		link_close(&l);
	}
}

/* ---- limits ---- */

static void
talk_flood(const struct side *s)
{
	say_pattern(s, 64 * MIB);
}

/* Nobody consumes: neither sending nor filling takes in without end. */
static void
input_limit(void **state)
{
	struct link l;
	int tls, rc;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_flood, 20);
		while ((rc = conn_put(l.conn, SPAN("0123456789abcdef"), &l.err)) == 0)
			;
		check_lost(&l, rc);
		ROW_OK(l.err.msg, strstr(l.err.msg, "sent more than") != NULL);
		ROW_OK(l.name, conn_input(l.conn).n <= 16 * MIB);
		link_close(&l);

		link_open(&l, tls, talk_flood, 20);
		while ((rc = conn_fill(l.conn, &l.err)) == 1)
			;
		check_lost(&l, rc);
		ROW_OK(l.name, conn_input(l.conn).n <= 16 * MIB);
		link_close(&l);
	}
}

static void
talk_nothing(const struct side *s)
{
	(void)s;
}

static void
silence(void **state)
{
	struct link l;
	char c;
	size_t got;
	int tls, rc;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_nothing, 1);
		check_lost(&l, conn_fill(l.conn, &l.err));
		ROW_OK(l.err.msg, strstr(l.err.msg, "nothing came within 1 s") != NULL);
		/* Lost is lost. */
		err_clear(&l.err);
		check_lost(&l, conn_read(l.conn, &c, 1, &got, &l.err));
		link_close(&l);

		/* Nor does it listen. */
		link_open(&l, tls, talk_nothing, 1);
		while ((rc = conn_put(l.conn, SPAN("0123456789abcdef"), &l.err)) == 0)
			;
		check_lost(&l, rc);
		link_close(&l);
	}
}

static void
on_signal(int number)
{
	(void)number;
}

static void *
interrupt(void *arg)
{
	const pthread_t main_thread = *(const pthread_t *)arg;
	int i;

	for (i = 0; i < 20; i++) {
		peer_pause(20);
		(void)pthread_kill(main_thread, SIGUSR1);
	}
	return NULL;
}

static void
talk_late(const struct side *s)
{
	(void)sleep(1);
	say(s, "late", 4);
}

static void
signals_do_not_end_a_wait(void **state)
{
	const struct sigaction action = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), other;
	struct link l;
	int tls;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_late, 10);
		assert_int_equal(pthread_create(&other, NULL, interrupt, &self), 0);
		ROW_OK(l.name, conn_fill(l.conn, &l.err) == 1);
		ROW_SPAN(l.name, conn_input(l.conn), SPAN("late"));
		assert_int_equal(pthread_join(other, NULL), 0);
		link_close(&l);
	}
}

/* ---- bad ends ---- */

static void
talk_cut(const struct side *s)
{
	say(s, "abc", 3);
	(void)close(s->fd);
}

static void
talk_reset(const struct side *s)
{
	const struct linger now = { 1, 0 };

	say(s, "abc", 3);
	peer_pause(100);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(s->fd);
}

static void
talk_garbage(const struct side *s)
{
	say(s, "abc", 3);
	peer_say(s->fd, SPAN("\x17\x03\x03\x00\x20" "0123456789abcdef0123456789abcdef"));
}

static void
bad_ends(void **state)
{
	static const struct {
		const char	*name;
		void		(*talk)(const struct side *);
		bool		 tls;
		int		 rc;
	} ends[] = {
		{ "plain, closed", talk_cut, false, 0 },
		{ "TLS without its goodbye", talk_cut, true, -1 },
		{ "plain, reset", talk_reset, false, -1 },
		{ "TLS, reset", talk_reset, true, -1 },
		{ "TLS, no record of the key", talk_garbage, true, -1 },
	};
	struct link l;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < N(ends); i++) {
		link_open(&l, ends[i].tls, ends[i].talk, 10);
		l.name = ends[i].name;
		while ((rc = conn_fill(l.conn, &l.err)) == 1)
			;
		/* What came before is there all the same. */
		ROW_SPAN(l.name, conn_input(l.conn), SPAN("abc"));
		ROW_OK(l.name, rc == ends[i].rc);
		if (rc == -1)
			check_lost(&l, rc);
		link_close(&l);
	}
}

static void
talk_bye(const struct side *s)
{
	say(s, "* BYE\r\n", 7);
	if (s->ssl != NULL)
		(void)SSL_shutdown(s->ssl);
	peer_pause(100);
	(void)close(s->fd);
}

/* Sending fails, and what the server said before can still be read. */
static void
last_words(void **state)
{
	struct link l;
	int tls, rc;

	(void)state;
	(void)signal(SIGPIPE, SIG_DFL);		/* it is not raised */
	for (tls = 0; tls < 2; tls++) {
		link_open(&l, tls, talk_bye, 10);
		do {
			peer_pause(1);
			(void)conn_put(l.conn, SPAN("x APPEND"), &l.err);
			rc = conn_flush(l.conn, &l.err);
		} while (rc == 0);
		check_lost(&l, rc);
		ROW_SPAN(l.name, conn_input(l.conn), SPAN("* BYE\r\n"));
		link_close(&l);
	}
}

static void
refused(void **state)
{
	struct link l = { .name = "refused" };
	struct conn_config config = {
		.host = "localhost", .port = l.peer.port, .sys = &sys_real,
	};

	(void)state;
	peer_start(&l.peer, serve, NULL);
	peer_stop(&l.peer);
	check_lost(&l, conn_open(&config, &l.err) == NULL ? -1 : 0);
	ROW_OK(l.err.msg, strstr(l.err.msg, "cannot connect") != NULL);

	/* A host that cannot be: no retry helps. */
	config.host = "256.256.256.256.";
	config.port = "no port";
	assert_null(conn_open(&config, &l.err));
	assert_int_equal(l.err.status, STATUS_CONNECT);
	conn_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo),
		cmocka_unit_test(large_reads),
		cmocka_unit_test(large_fill),
		cmocka_unit_test(both_write),
		cmocka_unit_test(input_limit),
		cmocka_unit_test(silence),
		cmocka_unit_test(signals_do_not_end_a_wait),
		cmocka_unit_test(bad_ends),
		cmocka_unit_test(last_words),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("conn", tests, begin, end);
}
