/* SPDX-License-Identifier: ISC */
/* LIST, LSUB and STATUS (RFC 9051 section 6.3.9, RFC 5258, 5819, 6154). */

#include <stdlib.h>
#include <string.h>

#include "imap/utf7.h"

#include "imap/list.h"

/* One LIST or LSUB response; spans live as the response. */
struct entry {
	char		delimiter;
	struct span	raw;
	struct buf	attributes;	/* sorted, without the next three */
	bool		subscribed, noselect;
};

struct listing {
	struct mailboxes *out;
	struct entry	 e;
	struct buf	 name, raw;
	char		 delimiters[LIMIT_DELIMITERS];
	size_t		 ndelimiters;
	bool		 doubtful;	/* a name that is two mailboxes */
};

static void
listing_fini(struct listing *l)
{
	buf_fini(&l->e.attributes);
	buf_fini(&l->name);
	buf_fini(&l->raw);
}

/* ---- one response ---- */

/* Insert a word into a sorted list, once. */
static void
put_attribute(struct buf *list, struct span word)
{
	struct buf next = BUF_INIT;
	struct span rest = buf_span(list), w;
	bool done = false;

	while (span_next(&rest, ' ', &w)) {
		if (!done && span_cmp(word, w) <= 0) {
			buf_put(&next, word);
			buf_chr(&next, ' ');
			done = true;
		}
		if (!span_eq(word, w)) {
			buf_put(&next, w);
			buf_chr(&next, ' ');
		}
	}
	if (!done) {
		buf_put(&next, word);
		buf_chr(&next, ' ');
	}
	if (next.n > 0)
		next.n--;
	if (next.bad)
		list->bad = true;
	buf_clear(list);
	buf_put(list, buf_span(&next));
	buf_fini(&next);
}

/*
 * \Subscribed has a field of its own; \Marked and \Unmarked say whether mail
 * has come since somebody looked, which is no property of the mailbox.
 */
static void
take_attribute(struct entry *e, struct span word)
{
	if (span_iis(word, "\\Subscribed")) {
		e->subscribed = true;
		return;
	}
	if (span_iis(word, "\\Marked") || span_iis(word, "\\Unmarked"))
		return;
	if (span_iis(word, "\\Noselect") || span_iis(word, "\\NonExistent"))
		e->noselect = true;
	if (e->attributes.n + word.n < LIMIT_ATTRIBUTES)
		put_attribute(&e->attributes, word);
}

/* mailbox-list = "(" [attributes] ")" SP (quoted / NIL) SP mailbox [ext] */
static int
parse_entry(struct entry *e, struct tokens *t, struct err *err)
{
	struct token tok;

	buf_clear(&e->attributes);
	e->subscribed = e->noselect = false;
	e->delimiter = 0;
	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type != TOK_OPEN)
		goto bad;
	for (;;) {
		if (tokens_next(t, &tok, err) == -1)
			return -1;
		if (tok.type == TOK_CLOSE)
			break;
		if (tok.type != TOK_ATOM)
			goto bad;
		take_attribute(e, tok.text);
	}
	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type == TOK_QUOTED && tok.text.n == 1)
		e->delimiter = (char)tok.text.p[0];
	else if (tok.type != TOK_ATOM || !span_iis(tok.text, "NIL"))
		goto bad;
	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type != TOK_ATOM && tok.type != TOK_QUOTED &&
	    tok.type != TOK_LITERAL)
		goto bad;
	e->raw = tok.text;
	return 0;
bad:
	return err_set(err, ERR_SESSION, STATUS_CONNECT,
	    "the server's LIST response makes no sense");
}

/* ---- a list of them ---- */

static void
know_delimiter(struct listing *l, char d)
{
	size_t i;

	for (i = 0; i < l->ndelimiters; i++)
		if (l->delimiters[i] == d)
			return;
	if (l->ndelimiters < LIMIT_DELIMITERS)
		l->delimiters[l->ndelimiters++] = d;
}

/* Whether it is listed already under these very octets. */
static bool
is_same(struct listing *l, const struct mailbox *mb, struct span raw)
{
	if (span_iis(raw, "INBOX") && span_is(mb->name, "INBOX"))
		return true;
	buf_clear(&l->raw);
	if (mb->raw.n > 0)
		return span_eq(mb->raw, raw);
	return imap_name_wire(&l->raw, mb->name, mb->delimiter) &&
	    span_eq(buf_span(&l->raw), raw);
}

/* Two names of the server that read the same: the second cannot be told apart. */
static void
report_double(struct session *s, struct listing *l, struct span raw)
{
	struct err why = ERR_INIT;

	l->doubtful = true;
	err_set(&why, ERR_MAILBOX, STATUS_PASSED,
	    "the server has a second mailbox that reads as this name: \"%.*s\"",
	    SPAN_ARG(span_head(raw, 300)));
	report_mailbox(s->acct->cfg.report, buf_span(&l->name), &why);
}

static int
put_entry(struct session *s, struct listing *l, struct err *err)
{
	const struct entry *e = &l->e;
	struct mailbox mb = { .delimiter = e->delimiter }, *old;
	bool exact = true;

	buf_clear(&l->name);
	if (e->raw.n == 0 || span_find(e->raw, 0) < e->raw.n ||
	    !imap_name_parse(&l->name, e->raw, e->delimiter, &exact) ||
	    l->name.n == 0) {
		l->doubtful = true;
		report_note(s->acct->cfg.report,
		    "a mailbox whose name makes no sense is passed over: \"%.*s\"",
		    SPAN_ARG(span_head(e->raw, 300)));
		return 0;
	}
	know_delimiter(l, e->delimiter);
	if ((old = mailboxes_get(l->out, buf_span(&l->name))) != NULL) {
		if (!is_same(l, old, e->raw))
			report_double(s, l, e->raw);
		else if (e->subscribed)
			old->subscribed = true;
		return 0;
	}
	if (l->out->n == LIMIT_MAILBOXES)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "the server lists more than %d mailboxes", LIMIT_MAILBOXES);
	mb.name = buf_span(&l->name);
	mb.raw = exact ? SPAN_NONE : e->raw;
	mb.attributes = buf_span(&e->attributes);
	mb.subscribed = e->subscribed;
	mb.status = e->noselect ? MAILBOX_NOSELECT : MAILBOX_OPEN;
	if (!buf_ok(&l->name) || !buf_ok(&e->attributes) ||
	    mailboxes_put(l->out, &mb) == NULL)
		return err_nomem(err);
	return 0;
}

/* LSUB knows names that are gone; only what LIST knows counts. */
static void
put_subscribed(struct listing *l)
{
	struct mailbox *mb;
	bool exact;

	buf_clear(&l->name);
	if (!imap_name_parse(&l->name, l->e.raw, l->e.delimiter, &exact))
		return;
	mb = mailboxes_get(l->out, buf_span(&l->name));
	if (mb != NULL && !l->e.noselect)
		mb->subscribed = true;
}

/* ---- STATUS ---- */

/* status-att-list = status-att-val *(SP status-att-val) */
static int
parse_status(struct tokens *t, struct list_status *st, struct err *err)
{
	struct token name, val;

	if (tokens_next(t, &name, err) == -1)
		return -1;
	if (name.type != TOK_OPEN)
		return 0;
	for (;;) {
		if (tokens_next(t, &name, err) == -1)
			return -1;
		if (name.type != TOK_ATOM)
			return 0;
		if (tokens_next(t, &val, err) == -1)
			return -1;
		if (span_iis(name.text, "MESSAGES"))
			st->counted = span_u64(val.text, &st->messages);
		else if (span_iis(name.text, "UIDNEXT"))
			(void)span_u32(val.text, &st->uidnext);
		else if (span_iis(name.text, "UIDVALIDITY"))
			(void)span_u32(val.text, &st->uidvalidity);
		else if (span_iis(name.text, "HIGHESTMODSEQ"))
			(void)span_u64(val.text, &st->modseq);
		else if (span_iis(name.text, "SIZE"))
			st->sized = span_u64(val.text, &st->octets);
	}
}

/* The mailbox that a STATUS response is about: it tells no delimiter. */
static struct mailbox *
find_raw(struct listing *l, struct span raw)
{
	struct mailbox *mb;
	bool exact;
	size_t i;

	for (i = 0; i < l->ndelimiters; i++) {
		buf_clear(&l->name);
		if (!imap_name_parse(&l->name, raw, l->delimiters[i], &exact))
			continue;
		mb = mailboxes_get(l->out, buf_span(&l->name));
		if (mb != NULL && mb->delimiter == l->delimiters[i] &&
		    is_same(l, mb, raw))
			return mb;
	}
	return NULL;
}

static int
put_status(struct listing *l, struct tokens *t, struct err *err)
{
	struct list_status st = { .messages = 0 };
	struct mailbox *mb;
	struct token tok;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if ((mb = find_raw(l, tok.text)) == NULL)
		return 0;
	if (parse_status(t, &st, err) == -1)
		return -1;
	mb->counted = st.counted;
	mb->messages = st.messages;
	mb->sized = st.sized;
	mb->octets = st.octets;
	mb->uidnext = st.uidnext;
	mb->uidvalidity = st.uidvalidity;
	mb->modseq = st.modseq;
	return 0;
}

static int
on_listed(void *arg, struct session *s, struct resp *r, struct err *err)
{
	struct listing *l = arg;

	if (span_iis(r->keyword, "STATUS"))
		return put_status(l, &r->rest, err);
	if (!span_iis(r->keyword, "LIST") && !span_iis(r->keyword, "LSUB"))
		return 0;
	if (parse_entry(&l->e, &r->rest, err) == -1)
		return -1;
	if (span_iis(r->keyword, "LIST"))
		return put_entry(s, l, err);
	put_subscribed(l);
	return 0;
}

/* ---- commands ---- */

/*
 * MAILBOXID is not among them: Cyrus 3.6 puts octets from anywhere into this
 * response.  SELECT tells it too.
 */
static void
put_return(struct session *s, bool sizes, struct command *c)
{
	command_text(c, "RETURN (SUBSCRIBED CHILDREN");
	if (session_can(s, CAP_SPECIAL_USE))
		command_text(c, "SPECIAL-USE");
	if (session_can(s, CAP_LIST_STATUS)) {
		command_text(c, "STATUS (MESSAGES UIDNEXT UIDVALIDITY");
		if (session_can(s, CAP_CONDSTORE) ||
		    session_can(s, CAP_QRESYNC))
			command_text(c, "HIGHESTMODSEQ");
		if (sizes && session_can(s, CAP_STATUS_SIZE))
			command_text(c, "SIZE");
		buf_chr(&c->text, ')');
	}
	buf_chr(&c->text, ')');
}

/* One LIST or LSUB of `pattern`: 1 OK, 0 refused. */
static int
ask(struct session *s, struct listing *l, enum verb verb, struct span pattern,
    bool extended, bool sizes, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	if (command_begin(&c, s, verb, err) == -1)
		goto out;
	command_text(&c, "\"\"");
	command_string(&c, pattern);
	if (extended)
		put_return(s, sizes, &c);
	if (command_run(&c, on_listed, l, &end, err) == -1)
		goto out;
	rc = end.cond == RESP_OK;
out:
	command_fini(&c);
	return rc;
}

static bool
any_below(const struct mailboxes *boxes, struct span prefix, char delimiter)
{
	struct buf name = BUF_INIT;
	bool exact, found = false;
	size_t i;

	if (!imap_name_parse(&name, prefix, delimiter, &exact))
		found = true;
	for (i = 0; i < boxes->n && !found; i++) {
		const struct span n = boxes->v[i].name;

		found = span_eq(span_head(n, name.n), buf_span(&name)) &&
		    (n.n == name.n || n.p[name.n] == '\0');
	}
	buf_fini(&name);
	return found;
}

/* Namespaces that LIST "" "*" kept to itself. */
static int
ask_namespaces(struct session *s, struct listing *l, bool extended, bool sizes,
    struct err *err)
{
	struct buf pattern = BUF_INIT;
	size_t i;
	int rc = 1;

	for (i = 0; i < s->nns && rc == 1; i++) {
		const struct span prefix = buf_span(&s->ns[i].prefix);

		if (prefix.n == 0 || any_below(l->out, prefix,
		    s->ns[i].delimiter))
			continue;
		buf_clear(&pattern);
		buf_put(&pattern, prefix);
		buf_chr(&pattern, '*');
		rc = buf_ok(&pattern) ? ask(s, l, VERB_LIST,
		    buf_span(&pattern), extended, sizes, err) : err_nomem(err);
	}
	buf_fini(&pattern);
	return rc;
}

/* 1 everything was answered, 0 something was refused. */
static int
ask_all(struct session *s, struct listing *l, bool extended, bool sizes,
    struct err *err)
{
	int rc;

	if ((rc = ask(s, l, VERB_LIST, SPAN("*"), extended, sizes, err)) != 1 ||
	    (rc = ask_namespaces(s, l, extended, sizes, err)) != 1)
		return rc;
	if (!extended && ask(s, l, VERB_LSUB, SPAN("*"), false, false,
	    err) == -1)
		return -1;
	return 1;
}

int
list_all(struct session *s, bool sizes, struct mailboxes *out,
    struct err *err)
{
	struct listing l = { .out = out };
	bool extended = session_can(s, CAP_LIST_EXTENDED);
	int rc;

	mailboxes_fini(out);
	rc = ask_all(s, &l, extended, sizes, err);
	if (rc == 0 && extended) {
		mailboxes_fini(out);
		l.doubtful = false;
		rc = ask_all(s, &l, false, sizes, err);
	}
	if (rc == 0 && out->n == 0)
		rc = err_set(err, ERR_RUN, STATUS_CONNECT,
		    "the server refuses to list its mailboxes");
	if (rc == 0)
		report_note(s->acct->cfg.report,
		    "the server refused a part of the list of mailboxes");
	if (rc != -1) {
		/* Not even INBOX: no reason to take all mailboxes for gone. */
		out->complete = rc == 1 && !l.doubtful && out->n > 0;
		mailboxes_sort(out);
		rc = 0;
	}
	listing_fini(&l);
	return rc;
}

static int
on_status(void *arg, struct session *s, struct resp *r, struct err *err)
{
	struct list_status *st = arg;

	(void)s;
	if (!span_iis(r->keyword, "STATUS"))
		return 0;
	if (tokens_skip(&r->rest, err) == -1)
		return -1;
	return parse_status(&r->rest, st, err);
}

int
list_status(struct session *s, struct span raw, const char *items,
    struct list_status *st, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	*st = (struct list_status){ .messages = 0 };
	if (command_begin(&c, s, VERB_STATUS, err) == -1)
		goto out;
	command_string(&c, raw);
	command_text(&c, items);
	if (command_run(&c, on_status, st, &end, err) == -1)
		goto out;
	st->refused = end.cond != RESP_OK;
	rc = 0;
out:
	command_fini(&c);
	return rc;
}

/* ---- single questions ---- */

struct question {
	struct entry	 e;
	struct span	 raw;		/* none: any */
	bool		 found, noselect;
	char		 delimiter;
};

static int
on_question(void *arg, struct session *s, struct resp *r, struct err *err)
{
	struct question *q = arg;

	(void)s;
	if (!span_iis(r->keyword, "LIST"))
		return 0;
	if (parse_entry(&q->e, &r->rest, err) == -1)
		return -1;
	q->delimiter = q->e.delimiter;
	if (span_eq(q->e.raw, q->raw)) {
		q->found = true;
		q->noselect = q->e.noselect;
	}
	return 0;
}

static int
question(struct session *s, struct span pattern, struct question *q,
    struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	q->raw = pattern;
	if (command_begin(&c, s, VERB_LIST, err) == -1)
		goto out;
	command_text(&c, "\"\"");
	command_string(&c, pattern);
	if (command_run(&c, on_question, q, &end, err) == -1)
		goto out;
	rc = 0;
out:
	buf_fini(&q->e.attributes);
	command_fini(&c);
	return rc;
}

int
list_has(struct session *s, struct span raw, bool *noselect, struct err *err)
{
	struct question q = { .delimiter = 0 };

	if (question(s, raw, &q, err) == -1)
		return -1;
	*noselect = q.noselect;
	return q.found;
}

int
list_delimiter(struct session *s, char *delimiter, struct err *err)
{
	struct question q = { .delimiter = 0 };

	if (question(s, SPAN_NONE, &q, err) == -1)
		return -1;
	*delimiter = q.delimiter;
	return 0;
}
