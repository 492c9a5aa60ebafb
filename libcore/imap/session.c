/* SPDX-License-Identifier: ISC */
/*
 * One connection: greeting, TLS, login, what the server can do, and the
 * stream of responses.  What the data means is for those who asked for it.
 */

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/flags.h"

#include "imap/command.h"
#include "imap/login.h"

struct session *
session_new(struct account *acct, bool readonly, struct err *err)
{
	struct session *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	s->acct = acct;
	s->readonly = readonly;
	if ((s->wire = wire_new(err)) == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

static void
forget_capabilities(struct session *s)
{
	s->caps = 0;
	s->appendlimit = 0;
	buf_clear(&s->captext);
}

static void
forget_namespaces(struct session *s)
{
	size_t i;

	for (i = 0; i < s->nns; i++)
		buf_fini(&s->ns[i].prefix);
	s->nns = 0;
}

void
session_drop(struct session *s)
{
	conn_close(s->conn);
	s->conn = NULL;
	s->ready = false;
	s->selecting = false;
	s->sel.open = false;
	s->outstanding = 0;
	wire_reset(s->wire);
}

void
session_free(struct session *s)
{
	struct command c = { .text = BUF_INIT };

	if (s == NULL)
		return;
	if (session_alive(s) && command_begin(&c, s, VERB_LOGOUT, NULL) == 0 &&
	    command_send(&c, NULL, NULL) == 1)
		(void)conn_flush(s->conn, NULL);
	command_fini(&c);
	session_drop(s);
	forget_namespaces(s);
	wire_free(s->wire);
	buf_fini(&s->captext);
	buf_fini(&s->sel.flags);
	buf_fini(&s->sel.permanent);
	buf_fini(&s->sel.id);
	free(s);
}

void
session_trace(const struct session *s, char who, struct span line)
{
	struct buf out = BUF_INIT;
	FILE *f = s->acct->cfg.trace;

	if (f == NULL)
		return;
	buf_fmt(&out, "%u %c: ", s->number, who);
	safe_put(&out, span_head(line, LIMIT_TRACE));
	if (line.n > LIMIT_TRACE)
		buf_fmt(&out, " [%zu more]", line.n - LIMIT_TRACE);
	buf_chr(&out, '\n');
	if (buf_ok(&out))
		(void)fwrite(out.p, 1, out.n, f);
	buf_fini(&out);
}

/* ---- capabilities ---- */

static const char *const cap_names[] = {
#define X(id, name) [id] = name,
	CAP_TABLE(X)
#undef X
};

bool
session_offers(const struct session *s, const char *word)
{
	struct span rest = buf_span(&s->captext), w;

	while (span_next(&rest, ' ', &w))
		if (span_iis(w, word))
			return true;
	return false;
}

static void
set_capabilities(struct session *s, struct span list)
{
	const struct span limit = SPAN("APPENDLIMIT=");
	struct span w;
	size_t i;

	forget_capabilities(s);
	s->news = true;
	buf_put(&s->captext, list);
	while (span_next(&list, ' ', &w)) {
		for (i = 0; i < N(cap_names); i++)
			if (span_iis(w, cap_names[i]))
				s->caps |= UINT64_C(1) << i;
		if (span_istarts(w, "APPENDLIMIT="))
			(void)span_u64(span_from(w, limit.n), &s->appendlimit);
	}
	s->quirks |= quirks_of(SPAN_NONE, buf_span(&s->captext));
}

static bool
know_capabilities(const struct session *s)
{
	return s->captext.n > 0;
}

static int
ask_capabilities(struct session *s, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	if (know_capabilities(s))
		return 0;
	if (command_begin(&c, s, VERB_CAPABILITY, err) == -1 ||
	    command_run(&c, NULL, NULL, &end, err) == -1)
		goto out;
	if (end.cond != RESP_OK) {
		resp_fail(err, ERR_SESSION, &end, "CAPABILITY");
		goto out;
	}
	rc = 0;
out:
	command_fini(&c);
	return rc;
}

/* ---- responses ---- */

static int
on_literal(struct session *s, struct err *err)
{
	const uint64_t size = wire_literal(s->wire);
	int taken = 0;

	if (s->literal != NULL)
		taken = s->literal(s->literal_arg, s, wire_before(s->wire),
		    size, err);
	if (taken == -1)
		return -1;
	if (taken == 0)
		return wire_keep(s->wire, err);
	wire_take(s->wire);
	return 0;
}

/* Until the wire holds a complete response. */
static int
fill(struct session *s, struct err *err)
{
	enum wire_event event;
	size_t used;
	int rc;

	for (;;) {
		if (conn_input(s->conn).n == 0) {
			if (conn_flush(s->conn, err) == -1 ||
			    (rc = conn_fill(s->conn, err)) == -1)
				return -1;
			if (rc == 0)
				return err_set(err, ERR_SESSION, STATUS_CONNECT,
				    "the server closed the connection");
		}
		if (wire_feed(s->wire, conn_input(s->conn), &used, &event,
		    err) == -1)
			return -1;
		conn_consume(s->conn, used);
		if (event == WIRE_RESPONSE)
			return 0;
		if (event == WIRE_LITERAL && on_literal(s, err) == -1)
			return -1;
	}
}

static void
trace_response(struct session *s)
{
	struct tokens t;

	if (s->acct->cfg.trace == NULL)
		return;
	tokens_begin(&t, s->wire);
	session_trace(s, 'S', s->hush ? SPAN("[while logging in]") :
	    tokens_rest(&t));
}

/* "(\Seen \*)" as a canonical list. */
static void
take_flags(struct buf *out, struct span list, bool *any)
{
	struct buf sane = BUF_INIT;
	struct span flag;

	list = span_trim(list);
	if (list.n >= 2 && list.p[0] == '(' && list.p[list.n - 1] == ')')
		list = span_of(list.p + 1, list.n - 2);
	buf_clear(out);
	while (span_next(&list, ' ', &flag)) {
		if (span_is(flag, "\\*")) {
			if (any != NULL)
				*any = true;
			continue;
		}
		if (!flags_valid(flag))
			continue;
		if (sane.n > 0)
			buf_chr(&sane, ' ');
		buf_put(&sane, flag);
	}
	flags_canon(out, buf_span(&sane));
	buf_fini(&sane);
}

/*
 * Codes of untagged OK that belong to SELECT.  At other times they are not
 * believed: there are servers that send UIDNEXT in the middle of an APPEND.
 */
static void
note_selecting(struct session *s, const struct resp *r)
{
	struct span inner = r->args;

	if (span_iis(r->code, "UIDVALIDITY"))
		(void)span_u32(r->args, &s->sel.uidvalidity);
	else if (span_iis(r->code, "UIDNEXT"))
		(void)span_u32(r->args, &s->sel.uidnext);
	else if (span_iis(r->code, "HIGHESTMODSEQ"))
		(void)span_u64(r->args, &s->sel.modseq);
	else if (span_iis(r->code, "NOMODSEQ"))
		s->sel.modseq = 0;
	else if (span_iis(r->code, "CLOSED"))
		s->sel.told_exists = false;
	if (span_iis(r->code, "PERMANENTFLAGS")) {
		s->sel.told_permanent = true;
		s->sel.any = false;
		take_flags(&s->sel.permanent, r->args, &s->sel.any);
	}
	if (span_iis(r->code, "MAILBOXID")) {
		if (inner.n >= 2 && inner.p[0] == '(')
			inner = span_of(inner.p + 1, inner.n - 2);
		buf_clear(&s->sel.id);
		if (resp_is_objectid(inner))
			buf_put(&s->sel.id, inner);
	}
}

static int
note_bye(struct session *s, const struct resp *r, struct err *err)
{
	(void)resp_class(r, &s->wait);
	return err_set(err, ERR_SESSION, STATUS_CONNECT,
	    "the server ended the session: %.*s",
	    SPAN_ARG(span_head(r->text, 500)));
}

static int
note_status(struct session *s, const struct resp *r, struct err *err)
{
	int64_t wait = 0;

	if (r->type == RESP_STATUS && r->cond == RESP_BYE)
		return note_bye(s, r, err);
	if (span_iis(r->code, "ALERT"))
		report_note(s->acct->cfg.report, "the server says: %.*s",
		    SPAN_ARG(span_head(r->text, 500)));
	if (span_iis(r->code, "CAPABILITY") && r->cond == RESP_OK)
		set_capabilities(s, r->args);
	if (s->selecting && r->type == RESP_STATUS)
		note_selecting(s, r);
	if (r->type == RESP_TAGGED && r->cond != RESP_OK) {
		(void)resp_class(r, &wait);
		if (wait > 0)
			s->wait = wait;
	}
	return 0;
}

static void
note_data(struct session *s, const struct resp *r)
{
	struct tokens rest = r->rest;

	if (span_iis(r->keyword, "CAPABILITY"))
		set_capabilities(s, span_trim(tokens_rest(&rest)));
	if (!s->ready)
		return;		/* said before the login: not to be trusted */
	if (span_iis(r->keyword, "EXISTS")) {
		s->sel.told_exists = true;
		s->sel.exists = r->number;
	} else if (span_iis(r->keyword, "EXPUNGE") && s->sel.exists > 0)
		s->sel.exists--;
	else if (span_iis(r->keyword, "FLAGS") && s->selecting)
		take_flags(&s->sel.flags, tokens_rest(&rest), NULL);
}

int
session_read(struct session *s, struct resp *r, struct err *err)
{
	if (s->conn == NULL)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "not connected");
	if (fill(s, err) == -1 || resp_parse(s->wire, r, err) == -1)
		goto lost;
	trace_response(s);
	if (r->type == RESP_DATA) {
		note_data(s, r);
		return 0;
	}
	if (note_status(s, r, err) == -1)
		goto lost;
	if (r->type == RESP_TAGGED) {
		if (s->outstanding == 0) {
			err_set(err, ERR_SESSION, STATUS_CONNECT,
			    "the server ended a command that was not given");
			goto lost;
		}
		s->outstanding--;
	}
	return 0;
lost:
	session_drop(s);
	return -1;
}

int
session_drain(struct session *s, untagged_fn *fn, void *arg, struct err *err)
{
	struct resp r;

	while (s->outstanding > 0) {
		if (session_read(s, &r, err) == -1)
			return -1;
		if (r.type == RESP_DATA && fn != NULL &&
		    fn(arg, s, &r, err) == -1)
			return -1;
	}
	return 0;
}

int
session_skip(struct session *s, uint64_t size, struct err *err)
{
	unsigned char drop[8192];
	size_t got;
	int rc;

	while (size > 0) {
		rc = conn_read(s->conn, drop,
		    size < sizeof(drop) ? (size_t)size : sizeof(drop), &got,
		    err);
		if (rc == -1)
			return -1;
		if (rc == 0)
			return err_set(err, ERR_SESSION, STATUS_CONNECT,
			    "the server closed the connection within a literal");
		size -= got;
	}
	return 0;
}

static int
skip_literal(void *arg, struct session *s, struct span before, uint64_t size,
    struct err *err)
{
	(void)arg, (void)before;
	return session_skip(s, size, err) == -1 ? -1 : 1;
}

int
session_discard(struct session *s, struct err *err)
{
	literal_fn *const literal = s->literal;
	int rc;

	s->literal = skip_literal;
	rc = session_drain(s, NULL, NULL, err);
	s->literal = literal;
	return rc;
}

/* ---- connecting ---- */

static int
greet(struct session *s, struct err *err)
{
	struct resp r;

	if (session_read(s, &r, err) == -1)
		return -1;
	if (r.type != RESP_STATUS || (r.cond != RESP_OK &&
	    r.cond != RESP_PREAUTH))
		return err_set(err, ERR_RUN, STATUS_CONNECT,
		    "the server's greeting is not that of an IMAP server");
	if (r.cond == RESP_PREAUTH)
		return err_set(err, ERR_RUN, STATUS_TLS,
		    "the server says that it knows us already (PREAUTH), "
		    "which only a tunnel may");
	s->quirks |= quirks_of(r.text, SPAN_NONE);
	return 0;
}

static int
start_tls(struct session *s, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	if (ask_capabilities(s, err) == -1)
		goto out;
	if (!session_can(s, CAP_STARTTLS)) {
		err_set(err, ERR_RUN, STATUS_TLS,
		    "the server does not offer STARTTLS");
		goto out;
	}
	if (command_begin(&c, s, VERB_STARTTLS, err) == -1 ||
	    command_run(&c, NULL, NULL, &end, err) == -1)
		goto out;
	if (end.cond != RESP_OK) {
		err_set(err, ERR_RUN, STATUS_TLS,
		    "the server refused STARTTLS: %.*s",
		    SPAN_ARG(span_head(end.text, 500)));
		goto out;
	}
	if (conn_starttls(s->conn, err) == -1)
		goto out;
	wire_reset(s->wire);
	forget_capabilities(s);
	s->quirks = 0;
	rc = 0;
out:
	command_fini(&c);
	return rc;
}

/*
 * namespace = "NIL" / "(" 1*namespace-descr ")"; descr = "(" string SP
 * (QUOTED-CHAR / "NIL") *ext ")"
 */
static int
take_namespaces(struct session *s, enum namespace_kind kind, struct tokens *t,
    struct err *err)
{
	struct namespace *ns;
	struct token tok;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type != TOK_OPEN)
		return 0;
	for (;;) {
		if (tokens_next(t, &tok, err) == -1)
			return -1;
		if (tok.type != TOK_OPEN || s->nns == LIMIT_NAMESPACES)
			return 0;
		ns = &s->ns[s->nns++];
		*ns = (struct namespace){ .kind = kind };
		if (tokens_next(t, &tok, err) == -1)
			return -1;
		buf_put(&ns->prefix, tok.text);
		if (tokens_next(t, &tok, err) == -1)
			return -1;
		if (tok.type == TOK_QUOTED && tok.text.n == 1)
			ns->delimiter = (char)tok.text.p[0];
		do {
			if (tokens_next(t, &tok, err) == -1)
				return -1;
			if (tok.type == TOK_OPEN)
				return 0;	/* extensions: not for us */
		} while (tok.type != TOK_CLOSE && tok.type != TOK_END);
	}
}

static int
on_namespace(void *arg, struct session *s, struct resp *r, struct err *err)
{
	static const enum namespace_kind kinds[] = {
		NAMESPACE_PERSONAL, NAMESPACE_OTHERS, NAMESPACE_SHARED,
	};
	size_t i;

	(void)arg;
	if (!span_iis(r->keyword, "NAMESPACE"))
		return 0;
	forget_namespaces(s);
	for (i = 0; i < N(kinds); i++)
		if (take_namespaces(s, kinds[i], &r->rest, err) == -1)
			return -1;
	return 0;
}

/* Say who we are and ask for namespaces, in one round trip. */
static int
introduce(struct session *s, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	int rc = -1;

	if (session_can(s, CAP_ID)) {
		if (command_begin(&c, s, VERB_ID, err) == -1)
			goto out;
		command_text(&c, "(\"name\" \"mx\")");
		if (command_send(&c, NULL, err) == -1)
			goto out;
	}
	if (session_can(s, CAP_NAMESPACE) &&
	    (s->quirks & QUIRK_NO_NAMESPACE) == 0) {
		if (command_begin(&c, s, VERB_NAMESPACE, err) == -1 ||
		    command_send(&c, NULL, err) == -1)
			goto out;
	}
	rc = session_drain(s, on_namespace, NULL, err);
out:
	command_fini(&c);
	return rc;
}

static int
dial(struct session *s, struct err *err)
{
	const struct imap_account *cfg = &s->acct->cfg;
	const struct conn_config how = {
		.host = cfg->url.host,
		.port = cfg->url.port,
		.tls = cfg->url.tls ? CONN_TLS : CONN_STARTTLS,
		.ca_file = cfg->ca_file,
		.timeout = cfg->timeout,
		.sys = s->acct->sys,
	};

	s->number = account_number(s->acct);
	s->conn = s->acct->dial != NULL ?
	    s->acct->dial(s->acct->dial_arg, err) : conn_open(&how, err);
	return s->conn != NULL ? 0 : -1;
}

static int
log_in(struct session *s, struct err *err)
{
	int rc;

	if (greet(s, err) == -1)
		return -1;
	if (!s->acct->cfg.url.tls && start_tls(s, err) == -1)
		return -1;
	if (ask_capabilities(s, err) == -1)
		return -1;
	s->hush = true;
	s->news = false;
	rc = login_run(s, err);
	s->hush = false;
	if (rc == 0 && !s->news)
		forget_capabilities(s);
	return rc;
}

int
session_connect(struct session *s, struct err *err)
{
	session_drop(s);
	forget_capabilities(s);
	forget_namespaces(s);
	s->quirks = 0;
	s->wait = 0;
	if (dial(s, err) == -1)
		return -1;
	if (log_in(s, err) == -1)
		goto fail;
	s->ready = true;
	if (ask_capabilities(s, err) == -1 || introduce(s, err) == -1)
		goto fail;
	return 0;
fail:
	session_drop(s);
	return -1;
}

/* ---- connecting again ---- */

/* 1 s, doubling to 60 s, with a quarter of it either way by chance. */
static int64_t
backoff(const struct session *s)
{
	const int64_t second = 1000000000;
	int64_t ns = LIMIT_BACKOFF_FIRST * second;
	uint32_t chance;
	unsigned i;

	for (i = 1; i < s->failures && ns < LIMIT_BACKOFF_MOST * second; i++)
		ns *= 2;
	if (ns > LIMIT_BACKOFF_MOST * second)
		ns = LIMIT_BACKOFF_MOST * second;
	sys_random(s->acct->sys, &chance, sizeof(chance));
	ns += (int64_t)(chance % 1000) * (ns / 2) / 1000 - ns / 4;
	if (s->wait > 0 && s->wait + s->wait / 20 > ns)
		ns = s->wait + s->wait / 20;
	return ns;
}

void
session_progress(struct session *s)
{
	s->failures = 0;
}

int
session_again(struct session *s, const struct err *why, struct err *err)
{
	const unsigned most = s->acct->cfg.retries > 0 ?
	    s->acct->cfg.retries : LIMIT_RETRIES;
	struct err last = *why;

	while (s->failures++ < most) {
		const int64_t ns = backoff(s);

		report_note(s->acct->cfg.report,
		    "%s; connecting again in %lld s", last.msg,
		    (long long)((ns + 500000000) / 1000000000));
		sys_sleep(s->acct->sys, ns);
		if (stop_flag)
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted");
		err_clear(&last);
		if (session_connect(s, &last) == 0)
			return 0;
		if (last.scope != ERR_SESSION) {
			if (err != NULL)
				*err = last;
			return -1;
		}
	}
	return err_set(err, ERR_RUN, STATUS_CONNECT,
	    "%s (given up after %u tries)", last.msg, most);
}
