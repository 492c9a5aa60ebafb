/* SPDX-License-Identifier: ISC */
#ifndef T_SCRIPT_H
#define T_SCRIPT_H

/*
 * A server that follows a script, in a thread, over a socket pair.
 *
 * A step waits for a line that has `want` in it and answers with `say`; "$T" stands for
 * the line's tag, "$U" for that of the line before.  A non-synchronising literal is read with its
 * line.  A want of "" waits for nothing; DIAL ends a connection, what follows is for the next
 * one; OCTETS waits for the literal announced before.  HANGUP closes without a word.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../base/row.h"

#include "imap/account.h"
#include "mail/report.h"
#include "net/conn.h"

#define DIAL	"\001dial"
#define OCTETS	"\001octets"
#define HANGUP	"\001hangup"

struct step {
	const char	*want;
	const char	*say;
};

struct script {
	const struct step *steps;
	size_t		 n, at;
	pthread_t	 thread;
	bool		 running;
	int		 fd;		/* the server's end */
	struct buf	 in;		/* not used yet */
	struct buf	 log;		/* every line that came, and literals */
	char		 tag[32], before[32];
	uint64_t	 literal;	/* announced, not read */
	char		 wrong[512];	/* what went against the script */
	int64_t		 slept;		/* ns, by session backoff */
	unsigned	 naps;
	struct sys	 sys;
	struct report	 report;
	struct buf	 notes;
	struct account	*acct;
};

/* Have a whole line, or `n` octets, in ->in.  False: the client is gone. */
static inline bool
script_more(struct script *s)
{
	unsigned char *room = buf_room(&s->in, 65536);
	ssize_t got;

	if (room == NULL || (got = recv(s->fd, room, 65536, 0)) <= 0)
		return false;
	s->in.n += (size_t)got;
	return true;
}

static inline bool
script_octets(struct script *s, uint64_t n)
{
	while (s->in.n < n)
		if (!script_more(s))
			return false;
	buf_mem(&s->log, s->in.p, (size_t)n);
	buf_drop(&s->in, (size_t)n);
	return true;
}

/* "{12+}" or "{12}" at the end: its size. */
static inline bool
script_literal(struct span line, uint64_t *n, bool *sync)
{
	size_t i;

	if (line.n == 0 || line.p[line.n - 1] != '}')
		return false;
	line.n--;
	*sync = line.p[line.n - 1] != '+';
	if (!*sync)
		line.n--;
	for (i = line.n; i > 0 && line.p[i - 1] != '{'; i--)
		;
	return span_u64(span_from(line, i), n);
}

/* The next line, with its literals; it stands at the end of the log. */
static inline bool
script_line(struct script *s, struct span *line)
{
	const size_t start = s->log.n;
	size_t lf, from;
	uint64_t n;
	bool sync;

	for (;;) {
		from = s->log.n;
		while ((lf = span_find(buf_span(&s->in), '\n')) == s->in.n)
			if (!script_more(s))
				return false;
		if (!script_octets(s, lf + 1))
			return false;
		*line = span_from(buf_span(&s->log), from);
		line->n -= 2;
		if (!script_literal(*line, &n, &sync))
			break;
		if (sync) {
			s->literal = n;
			break;
		}
		if (!script_octets(s, n))
			return false;
	}
	*line = span_from(buf_span(&s->log), start);
	return true;
}

static inline bool
script_has(struct span text, const char *part)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (span_starts(span_from(text, i), part))
			return true;
	return *part == '\0';
}

static inline void
script_say(struct script *s, const char *say)
{
	struct buf out = BUF_INIT;
	const char *p;
	size_t at = 0;

	for (p = say; *p != '\0'; p++) {
		if (p[0] == '$' && (p[1] == 'T' || p[1] == 'U'))
			buf_str(&out, *++p == 'T' ? s->tag : s->before);
		else
			buf_chr(&out, (unsigned char)*p);
	}
	while (at < out.n) {
		const ssize_t n = send(s->fd, out.p + at, out.n - at,
		    MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_fini(&out);
}

static inline bool
script_step(struct script *s, const struct step *step)
{
	struct span line, tag, rest;

	if (*step->want == '\0')
		return true;
	if (strcmp(step->want, OCTETS) == 0)
		return script_octets(s, s->literal + 2);
	if (!script_line(s, &line)) {
		(void)snprintf(s->wrong, sizeof(s->wrong),
		    "step %zu: the client left, want \"%s\"", s->at,
		    step->want);
		return false;
	}
	rest = line;
	if (span_next(&rest, ' ', &tag) && tag.n < sizeof(s->tag)) {
		(void)snprintf(s->before, sizeof(s->before), "%s", s->tag);
		(void)snprintf(s->tag, sizeof(s->tag), "%.*s", SPAN_ARG(tag));
	}
	if (script_has(line, step->want))
		return true;
	(void)snprintf(s->wrong, sizeof(s->wrong),
	    "step %zu: \"%.*s\", want \"%s\"", s->at,
	    SPAN_ARG(span_head(line, 200)), step->want);
	return false;
}

static inline void *
script_run(void *arg)
{
	struct script *s = arg;
	const struct step *step;

	for (; s->at < s->n; s->at++) {
		step = &s->steps[s->at];
		if (strcmp(step->want, DIAL) == 0 ||
		    strcmp(step->want, HANGUP) == 0) {
			s->at++;
			break;
		}
		if (!script_step(s, step))
			break;
		script_say(s, step->say);
	}
	(void)shutdown(s->fd, SHUT_WR);
	while (script_more(s))
		buf_clear(&s->in);
	return NULL;
}

static inline void
script_join(struct script *s)
{
	if (!s->running)
		return;
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
	s->running = false;
	buf_clear(&s->in);
}

/* account.h's dial: the next part of the script. */
static inline struct conn *
script_dial(void *arg, struct err *err)
{
	const struct conn_config how = {
		.host = "script", .port = "0", .timeout = 10,
	};
	const struct timeval limit = { 10, 0 };
	struct script *s = arg;
	int fds[2];

	script_join(s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	(void)setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit));
	s->fd = fds[1];
	s->tag[0] = s->before[0] = '\0';
	assert_int_equal(pthread_create(&s->thread, NULL, script_run, s), 0);
	s->running = true;
	return conn_attach(fds[0], &how, err);
}

static inline void
script_sleep(void *arg, int64_t ns)
{
	struct script *s = arg;

	s->slept += ns;
	s->naps++;
}

static inline int64_t
script_now(void *arg)
{
	(void)arg;
	return INT64_C(1700000000) * 1000000000;
}

static inline int64_t
script_clock(void *arg)
{
	(void)arg;
	return sys_real.mono(sys_real.arg);
}

static inline void
script_random(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static inline void	script_note(void *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static inline void
script_note(void *arg, const char *fmt, ...)
{
	struct script *s = arg;
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_str(&s->notes, line);
	buf_chr(&s->notes, '\n');
}

static inline void
script_mailbox(void *arg, struct span name, const struct err *why)
{
	script_note(arg, "%.*s: %s", SPAN_ARG(name), why->msg);
}

/* An account whose connections follow the script; the source or dest takes it. */
static inline struct account *
script_account(struct script *s, const struct step *steps, size_t n)
{
	static char user[] = "u", host[] = "script", port[] = "993";
	struct imap_account cfg = {
		.url = { .tls = true, .user = user, .host = host, .port = port },
		.retries = 4,
	};
	struct err err = ERR_INIT;
	int fds[2];

	*s = (struct script){ .steps = steps, .n = n, .fd = -1 };
	s->sys = (struct sys){ script_now, script_clock, script_sleep,
	    script_random, s };
	s->report = (struct report){ .note = script_note,
	    .mailbox = script_mailbox, .arg = s };
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "p\n", 2), 2);
	(void)close(fds[1]);
	cfg.secret.fd = fds[0];
	cfg.sys = &s->sys;
	cfg.report = &s->report;
	s->acct = calloc(1, sizeof(*s->acct));
	assert_non_null(s->acct);
	if (account_init(s->acct, &cfg, &err) == -1)
		fail_msg("account: %s", err.msg);
	(void)close(fds[0]);
	s->acct->dial = script_dial;
	s->acct->dial_arg = s;
	return s->acct;
}

/* After the source or dest was closed. */
static inline void
script_end(const char *row, struct script *s)
{
	script_join(s);
	if (s->wrong[0] != '\0')
		fail_msg("%s: %s", row, s->wrong);
	if (s->at < s->n)
		fail_msg("%s: ended before step %zu \"%s\"", row, s->at,
		    s->steps[s->at].want);
	buf_fini(&s->in);
	buf_fini(&s->log);
	buf_fini(&s->notes);
}

/* What nearly every connection starts with; caps as "LITERAL+ UIDPLUS". */
#define GREET		"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello\r\n"
#define LOGIN(caps)							\
	{ "", GREET },							\
	{ "AUTHENTICATE PLAIN AHUAcA==",				\
	    "$T OK [CAPABILITY IMAP4rev1 " caps "] in\r\n" }

#endif
