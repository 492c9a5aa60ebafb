/* SPDX-License-Identifier: ISC */
/* Commands: put together, guarded, sent. */

#include "imap/command.h"

static const struct {
	const char	*text;
	bool		 reads;
} verbs[] = {
#define X(id, text, reads) [id] = { text, reads },
	VERB_TABLE(X)
#undef X
};

const char *
command_verb(enum verb v)
{
	return verbs[v].text;
}

bool
command_reads(enum verb v)
{
	return verbs[v].reads;
}

int
command_begin(struct command *c, struct session *s, enum verb verb,
    struct err *err)
{
	buf_clear(&c->text);
	c->s = s;
	c->verb = verb;
	c->nwaits = 0;
	c->shown = 0;
	c->bad = false;
	if (s->readonly && !verbs[verb].reads)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%s must not be sent to a source", verbs[verb].text);
	c->tag = ++s->tag;
	buf_fmt(&c->text, "A%u %s", (unsigned)c->tag, verbs[verb].text);
	return 0;
}

void
command_fini(struct command *c)
{
	buf_fini(&c->text);
}

void
command_text(struct command *c, const char *text)
{
	buf_chr(&c->text, ' ');
	buf_str(&c->text, text);
}

void
command_span(struct command *c, struct span text)
{
	buf_chr(&c->text, ' ');
	buf_put(&c->text, text);
}

void
command_secret(struct command *c)
{
	c->shown = c->text.n;
}

/* ---- strings ---- */

enum form {
	FORM_ATOM,
	FORM_QUOTED,
	FORM_LITERAL,
	FORM_NONE,		/* NUL: IMAP cannot carry it (CHAR8) */
};

/*
 * astring = 1*ASTRING-CHAR / string (RFC 9051 section 9).  "]" is an
 * ASTRING-CHAR too, but some servers think otherwise.
 */
static enum form
form_of(struct span s)
{
	const struct span specials = SPAN("(){%*\"\\]");
	enum form form = s.n > 0 ? FORM_ATOM : FORM_QUOTED;
	size_t i;

	for (i = 0; i < s.n; i++) {
		const unsigned char c = s.p[i];

		if (c == 0)
			return FORM_NONE;
		if (c < 0x20 || c >= 0x7f)
			form = FORM_LITERAL;
		else if (form == FORM_ATOM && (c == ' ' ||
		    span_find(specials, c) < specials.n))
			form = FORM_QUOTED;
	}
	if (form == FORM_ATOM && span_iis(s, "NIL"))
		form = FORM_QUOTED;
	if (form != FORM_LITERAL && s.n > LIMIT_QUOTED)
		form = FORM_LITERAL;
	return form;
}

bool
command_is_literal(struct span s)
{
	return form_of(s) == FORM_LITERAL;
}

static void
put_quoted(struct buf *out, struct span s)
{
	size_t i;

	buf_chr(out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_chr(out, '\\');
		buf_chr(out, s.p[i]);
	}
	buf_chr(out, '"');
}

bool
command_literal(const struct session *s, struct buf *out, uint64_t n,
    bool sync)
{
	const bool free_run = !sync && (session_can(s, CAP_LITERAL_PLUS) ||
	    (session_can(s, CAP_LITERAL_MINUS) && n <= LIMIT_LITERAL_MINUS));

	buf_chr(out, '{');
	buf_u64(out, n);
	buf_str(out, free_run ? "+}\r\n" : "}\r\n");
	return !free_run;
}

static void
put_literal(struct command *c, struct span s)
{
	if (command_literal(c->s, &c->text, s.n, false)) {
		if (c->nwaits == COMMAND_WAITS)
			c->bad = true;
		else
			c->wait[c->nwaits++] = c->text.n;
	}
	buf_put(&c->text, s);
}

void
command_string(struct command *c, struct span s)
{
	buf_chr(&c->text, ' ');
	switch (form_of(s)) {
	case FORM_ATOM:
		buf_put(&c->text, s);
		break;
	case FORM_QUOTED:
		put_quoted(&c->text, s);
		break;
	case FORM_LITERAL:
		put_literal(c, s);
		break;
	case FORM_NONE:
		c->bad = true;
		break;
	}
}

/* ---- sending ---- */

/*
 * The second guard of a read-only session: no FETCH sets \Seen, so BODY[ comes
 * with .PEEK and RFC822 with .SIZE (RFC 9051 section 6.4.5).
 */
static bool
peeks_only(struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++) {
		const struct span at = span_from(text, i);

		if (span_istarts(at, "BODY[") || span_istarts(at, "BINARY["))
			return false;
		if (span_istarts(at, "RFC822") &&
		    !span_istarts(at, "RFC822.SIZE"))
			return false;
	}
	return true;
}

static int
check(struct command *c, struct err *err)
{
	if (!buf_ok(&c->text))
		return err_nomem(err);
	if (c->bad)
		return err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "%s: a string that IMAP cannot carry",
		    verbs[c->verb].text);
	if (c->s->readonly && (!verbs[c->verb].reads ||
	    (c->verb == VERB_UID_FETCH && !peeks_only(buf_span(&c->text)))))
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%s must not be sent to a source", verbs[c->verb].text);
	if (c->s->conn == NULL)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "not connected");
	return 0;
}

static void
trace(const struct command *c)
{
	struct span text = buf_span(&c->text);

	if (c->s->acct->cfg.trace == NULL)
		return;
	if (c->shown > 0)
		text = span_head(text, c->shown);
	session_trace(c->s, 'C', text);
}

/* Wait for "+".  1: it came; 0: the command ended instead. */
static int
await(struct command *c, struct resp *end, struct err *err)
{
	for (;;) {
		if (session_read(c->s, end, err) == -1)
			return -1;
		if (end->type == RESP_MORE)
			return 1;
		if (end->type == RESP_TAGGED && end->tag == c->tag)
			return 0;
	}
}

int
command_send(struct command *c, struct resp *end, struct err *err)
{
	struct span text;
	size_t i, from = 0;
	int rc;

	if (check(c, err) == -1)
		return -1;
	trace(c);
	buf_str(&c->text, "\r\n");
	if (!buf_ok(&c->text))
		return err_nomem(err);
	text = buf_span(&c->text);
	c->s->outstanding++;
	for (i = 0; i < c->nwaits; i++) {
		if (conn_put(c->s->conn, span_head(span_from(text, from),
		    c->wait[i] - from), err) == -1)
			goto lost;
		from = c->wait[i];
		if ((rc = await(c, end, err)) != 1)
			return rc;
	}
	if (conn_put(c->s->conn, span_from(text, from), err) == -1)
		goto lost;
	return 1;
lost:
	session_drop(c->s);
	return -1;
}

int
command_run(struct command *c, untagged_fn *fn, void *arg, struct resp *end,
    struct err *err)
{
	int rc;

	if ((rc = command_send(c, end, err)) != 1)
		return rc;
	for (;;) {
		if (session_read(c->s, end, err) == -1)
			return -1;
		if (end->type == RESP_TAGGED && end->tag == c->tag)
			return 0;
		if (end->type == RESP_DATA && fn != NULL &&
		    fn(arg, c->s, end, err) == -1)
			return -1;
	}
}
