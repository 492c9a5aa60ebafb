/* SPDX-License-Identifier: ISC */
/*
 * The limit for a benchmark: fetches every message of an account over TLS,
 * all commands sent at once, and throws it away, or with -w writes it.  Says
 * on stderr how many there were.
 *
 *	raw [-w] HOST PORT CA USER PASSWORD-FILE
 */

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define IN_MAX		65536	/* of what was read and not yet taken */
#define OUT_MAX		131072	/* all commands: few enough that sending never waits */

struct peer {
	SSL		*ssl;
	char		 in[IN_MAX];
	size_t		 at, n;
	char		*out;
	size_t		 out_n;
	uint64_t	 messages, octets;
	bool		 write;
};

static _Noreturn void	die(const char *fmt, ...)
			    __attribute__((format(printf, 1, 2)));

static void
die(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("raw: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

static int
dial(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all, *a;
	int fd = -1, rc;

	if ((rc = getaddrinfo(host, port, &hints, &all)) != 0)
		die("%s: %s", host, gai_strerror(rc));
	for (a = all; a != NULL && fd == -1; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
		if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == -1) {
			(void)close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	if (fd == -1)
		die("%s:%s: %s", host, port, strerror(errno));
	return fd;
}

static void
secure(struct peer *p, int fd, char *host, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_load_verify_file(ctx, ca) != 1)
		die("%s: cannot be used", ca);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	p->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (p->ssl == NULL || SSL_set1_host(p->ssl, host) != 1 ||
	    SSL_set_tlsext_host_name(p->ssl, host) != 1 ||
	    SSL_set_fd(p->ssl, fd) != 1 || SSL_connect(p->ssl) != 1)
		die("TLS: %s", ERR_reason_error_string(ERR_get_error()));
}

/* ---- sending ---- */

static void
flush(struct peer *p)
{
	size_t done;

	if (p->out_n > 0 &&
	    SSL_write_ex(p->ssl, p->out, p->out_n, &done) != 1)
		die("the server does not take a command");
	p->out_n = 0;
}

static void		say(struct peer *, const char *fmt, ...)
			    __attribute__((format(printf, 2, 3)));

static void
say(struct peer *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->out + p->out_n, OUT_MAX - p->out_n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= OUT_MAX - p->out_n)
		die("too many mailboxes");
	p->out_n += (size_t)n;
}

/* ---- receiving ---- */

/* Read more, behind what is there. */
static void
more(struct peer *p)
{
	size_t done;

	if (p->at > 0) {
		memmove(p->in, p->in + p->at, p->n - p->at);
		p->n -= p->at;
		p->at = 0;
	}
	if (p->n == IN_MAX)
		die("a line of over %d octets", IN_MAX);
	errno = 0;
	if (SSL_read_ex(p->ssl, p->in + p->n, IN_MAX - p->n, &done) != 1)
		die("the server has gone after %" PRIu64 " messages (%d, %s)",
		    p->messages, SSL_get_error(p->ssl, 0), strerror(errno));
	p->n += done;
}

/* A line that ends in CRLF, which becomes NUL; good until the next call. */
static char *
line(struct peer *p, size_t *n)
{
	size_t seen = 0;
	char *begin, *lf;

	while ((lf = memchr(p->in + p->at + seen, '\n',
	    p->n - p->at - seen)) == NULL) {
		seen = p->n - p->at;
		more(p);
	}
	begin = p->in + p->at;
	p->at = (size_t)(lf - p->in) + 1;
	if (lf > begin && lf[-1] == '\r')
		lf--;
	*lf = '\0';
	*n = (size_t)(lf - begin);
	return begin;
}

/* The next `n` octets, which are a message's. */
static void
message(struct peer *p, uint64_t n)
{
	size_t part;

	p->messages++;
	p->octets += n;
	for (; n > 0; n -= part) {
		if (p->at == p->n)
			more(p);
		part = n < p->n - p->at ? (size_t)n : p->n - p->at;
		if (p->write && fwrite(p->in + p->at, 1, part, stdout) != part)
			die("standard output: %s", strerror(errno));
		p->at += part;
	}
}

/* Whether a literal follows the line, and of how many octets. */
static bool
literal(const char *s, size_t n, uint64_t *octets)
{
	const char *open;
	char *end;

	if (n == 0 || s[n - 1] != '}' || (open = strrchr(s, '{')) == NULL)
		return false;
	*octets = strtoumax(open + 1, &end, 10);
	return end == s + n - 1 && end > open + 1;
}

/* One response; of one that has a literal no more is told than that it is untagged. */
static const char *
response(struct peer *p)
{
	bool fetched = false;
	const char *s;
	uint64_t octets;
	size_t n;

	s = line(p, &n);
	while (literal(s, n, &octets)) {
		message(p, octets);
		s = line(p, &n);
		fetched = true;
	}
	return fetched ? "*" : s;
}

/* Up to the answer to `tag`, which must be OK; what comes before may be all. */
static void
wait_for(struct peer *p, const char *tag)
{
	const size_t n = strlen(tag);
	const char *s;

	for (;;) {
		s = response(p);
		if (strncmp(s, tag, n) == 0 && s[n] == ' ')
			break;
		if (s[0] != '*')
			die("the server says %s", s);
	}
	if (strncmp(s + n + 1, "OK", 2) != 0)
		die("the server says %s", s);
}

/* ---- the work ---- */

static void
login(struct peer *p, const char *user, const char *file)
{
	char pw[256], quoted[513];
	size_t i, n = 0;
	FILE *f;

	if ((f = fopen(file, "r")) == NULL || fgets(pw, 256, f) == NULL)
		die("%s: %s", file, strerror(errno));
	(void)fclose(f);
	for (i = 0; pw[i] != '\0' && pw[i] != '\n'; i++) {
		if (pw[i] == '"' || pw[i] == '\\')
			quoted[n++] = '\\';
		quoted[n++] = pw[i];
	}
	quoted[n] = '\0';
	(void)response(p);
	say(p, "a LOGIN %s \"%s\"\r\n", user, quoted);
	flush(p);
	wait_for(p, "a");
}

/* The name in '* LIST (\Has) "/" "name"', as it was written; NULL: none. */
static const char *
listed(const char *s)
{
	const char *name;

	if (strncmp(s, "* LIST (", 8) != 0 || strstr(s, "\\Noselect") != NULL ||
	    strstr(s, "\\NonExistent") != NULL)
		return NULL;
	if ((name = strstr(s, ") ")) == NULL)
		die("the server says %s", s);
	name += 2;
	name += strncmp(name, "NIL ", 4) == 0 ? 4 : 4 + (name[1] == '\\');
	return name;
}

/* EXAMINE and FETCH for every mailbox, into what is to be sent. */
static void
plan(struct peer *p)
{
	const char *s, *name;

	say(p, "b LIST \"\" \"*\"\r\n");
	flush(p);
	while (strncmp(s = response(p), "b ", 2) != 0) {
		if ((name = listed(s)) != NULL)
			say(p, "c EXAMINE %s\r\nd UID FETCH 1:* BODY.PEEK[]\r\n",
			    name);
	}
	say(p, "e NOOP\r\n");
}

/* Answers to all of it: each must be OK. */
static void
take(struct peer *p)
{
	const char *s;

	do {
		s = response(p);
		if (s[0] != '*' && strncmp(s + 1, " OK", 3) != 0)
			die("the server says %s", s);
	} while (s[0] != 'e');
}

int
main(int argc, char *argv[])
{
	static struct peer p;

	if (argc == 7 && strcmp(argv[1], "-w") == 0) {
		p.write = true;
		argv++;
	} else if (argc != 6) {
		die("usage: raw [-w] HOST PORT CA USER PASSWORD-FILE");
	}
	if ((p.out = malloc(OUT_MAX)) == NULL)
		die("no memory");
	secure(&p, dial(argv[1], argv[2]), argv[1], argv[3]);
	login(&p, argv[4], argv[5]);
	plan(&p);
	flush(&p);
	take(&p);
	(void)SSL_shutdown(p.ssl);
	SSL_free(p.ssl);
	free(p.out);
	if (fflush(stdout) != 0)
		die("standard output: %s", strerror(errno));
	(void)fprintf(stderr, "raw: %" PRIu64 " messages, %" PRIu64
	    " octets\n", p.messages, p.octets);
	return 0;
}
