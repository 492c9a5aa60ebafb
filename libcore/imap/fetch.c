/* SPDX-License-Identifier: ISC */
/* FETCH responses (RFC 9051 section 7.5.2), in whatever order they come. */

#include "base/json.h"
#include "imap/utf7.h"
#include "mail/flags.h"
#include "mail/item.h"

#include "imap/fetch.h"

unsigned
fetch_extras(const struct session *s, bool key)
{
	unsigned extras = key ? FETCH_KEY : 0;

	if (session_can(s, CAP_CONDSTORE) || session_can(s, CAP_QRESYNC))
		extras |= FETCH_MODSEQ;
	if (session_can(s, CAP_OBJECTID))
		extras |= FETCH_OBJECTID;
	if (session_can(s, CAP_GMAIL))
		extras |= FETCH_GMAIL;
	return extras;
}

void
fetch_put(struct command *c, unsigned extras)
{
	command_text(c, "(UID FLAGS INTERNALDATE RFC822.SIZE");
	if ((extras & FETCH_MODSEQ) != 0)
		command_text(c, "MODSEQ");
	if ((extras & FETCH_OBJECTID) != 0)
		command_text(c, "EMAILID THREADID");
	if ((extras & FETCH_GMAIL) != 0)
		command_text(c, "X-GM-MSGID X-GM-THRID X-GM-LABELS");
	if ((extras & FETCH_KEY) != 0)
		command_text(c, "BODY.PEEK[HEADER.FIELDS (" KEY_FIELDS ")]");
	buf_chr(&c->text, ')');
}

void
fetch_fini(struct fetched *f)
{
	buf_fini(&f->flags);
	buf_fini(&f->labels);
	*f = (struct fetched){ .uid = 0 };
}

bool
fetch_is_body(struct span before)
{
	const struct span word = SPAN("BODY[]");

	before = span_trim(before);
	return before.n > word.n &&
	    span_ieq(span_from(before, before.n - word.n), word);
}

/* ---- values ---- */

/* "(" value ")", or a bare one; NIL is none. */
static int
take_wrapped(struct tokens *t, struct span *out, struct err *err)
{
	struct token tok;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type == TOK_OPEN) {
		if (tokens_next(t, &tok, err) == -1)
			return -1;
		*out = tok.text;
		return tokens_next(t, &tok, err);
	}
	*out = tok.type == TOK_ATOM && span_iis(tok.text, "NIL") ?
	    SPAN_NONE : tok.text;
	return 0;
}

static int
take_objectid(struct tokens *t, struct span *out, struct err *err)
{
	if (take_wrapped(t, out, err) == -1)
		return -1;
	/* Cyrus writes (NIL) for what RFC 8474 wants to be NIL. */
	if (!resp_is_objectid(*out) || span_iis(*out, "NIL"))
		*out = SPAN_NONE;
	return 0;
}

static int
take_flags(struct tokens *t, struct fetched *f, struct err *err)
{
	struct buf list = BUF_INIT;
	struct token tok;
	int rc = -1;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type != TOK_OPEN)
		return 0;
	for (;;) {
		if (tokens_next(t, &tok, err) == -1)
			goto out;
		if (tok.type != TOK_ATOM)
			break;
		if (list.n > 0)
			buf_chr(&list, ' ');
		buf_put(&list, tok.text);
	}
	buf_clear(&f->flags);
	flags_canon(&f->flags, buf_span(&list));
	f->has_flags = true;
	rc = buf_ok(&list) && buf_ok(&f->flags) ? 0 : err_nomem(err);
out:
	buf_fini(&list);
	return rc;
}

/* X-GM-LABELS: strings in modified UTF-7, to a JSON array of UTF-8. */
static int
take_labels(struct tokens *t, struct fetched *f, struct err *err)
{
	struct buf label = BUF_INIT;
	struct token tok;
	int rc = -1;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	if (tok.type != TOK_OPEN)
		return 0;
	buf_clear(&f->labels);
	json_open(&f->labels, '[');
	for (;;) {
		if (tokens_next(t, &tok, err) == -1)
			goto out;
		if (tok.type != TOK_ATOM && tok.type != TOK_QUOTED &&
		    tok.type != TOK_LITERAL)
			break;
		buf_clear(&label);
		if (utf7_decode(tok.text, &label))
			json_str(&f->labels, buf_span(&label));
		else
			json_str(&f->labels, tok.text);
	}
	json_close(&f->labels, ']');
	rc = buf_ok(&label) && buf_ok(&f->labels) ? 0 : err_nomem(err);
out:
	buf_fini(&label);
	return rc;
}

static int
take_body(struct tokens *t, struct fetched *f, struct err *err)
{
	struct token tok;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	f->text = tok.text;
	switch (tok.type) {
	case TOK_TAKEN:
		f->body = FETCH_TAKEN;
		break;
	case TOK_QUOTED:
	case TOK_LITERAL:
		f->body = FETCH_TEXT;
		break;
	case TOK_ATOM:
	case TOK_OPEN:
	case TOK_CLOSE:
	case TOK_END:
		f->body = FETCH_NIL;
		break;
	}
	return 0;
}

static int
take_header(struct tokens *t, struct fetched *f, struct err *err)
{
	struct token tok;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	f->has_header = tok.type == TOK_QUOTED || tok.type == TOK_LITERAL;
	f->header = tok.text;
	return 0;
}

static int
take_text(struct tokens *t, struct span *out, struct err *err)
{
	struct token tok;

	if (tokens_next(t, &tok, err) == -1)
		return -1;
	*out = tok.text;
	return 0;
}

/* ---- the response ---- */

enum att {
	ATT_UID, ATT_FLAGS, ATT_DATE, ATT_SIZE, ATT_MODSEQ, ATT_EMAILID,
	ATT_THREADID, ATT_GM_MSGID, ATT_GM_THRID, ATT_GM_LABELS, ATT_BODY,
};

static const struct {
	const char	*name;
	enum att	 att;
} atts[] = {
	{ "UID",		ATT_UID },
	{ "FLAGS",		ATT_FLAGS },
	{ "INTERNALDATE",	ATT_DATE },
	{ "RFC822.SIZE",	ATT_SIZE },
	{ "MODSEQ",		ATT_MODSEQ },
	{ "EMAILID",		ATT_EMAILID },
	{ "THREADID",		ATT_THREADID },
	{ "X-GM-MSGID",		ATT_GM_MSGID },
	{ "X-GM-THRID",		ATT_GM_THRID },
	{ "X-GM-LABELS",	ATT_GM_LABELS },
	{ "BODY[]",		ATT_BODY },
};

static int
take_att(enum att att, struct tokens *t, struct fetched *f, struct err *err)
{
	struct span text = SPAN_NONE;

	switch (att) {
	case ATT_FLAGS:
		return take_flags(t, f, err);
	case ATT_GM_LABELS:
		return take_labels(t, f, err);
	case ATT_BODY:
		return take_body(t, f, err);
	case ATT_EMAILID:
		return take_objectid(t, &f->emailid, err);
	case ATT_THREADID:
		return take_objectid(t, &f->threadid, err);
	case ATT_GM_MSGID:
		return take_text(t, &f->gm_msgid, err);
	case ATT_GM_THRID:
		return take_text(t, &f->gm_thrid, err);
	case ATT_MODSEQ:
		if (take_wrapped(t, &text, err) == -1)
			return -1;
		(void)span_u64(text, &f->modseq);
		return 0;
	case ATT_UID:
		if (take_text(t, &text, err) == -1)
			return -1;
		(void)span_u32(text, &f->uid);
		return 0;
	case ATT_SIZE:
		if (take_text(t, &text, err) == -1)
			return -1;
		f->has_size = span_u64(text, &f->size);
		return 0;
	case ATT_DATE:
		if (take_text(t, &text, err) == -1)
			return -1;
		f->has_date = true;
		if (!date_parse_imap(text, &f->date))
			f->date = (struct date){ .known = false };
		return 0;
	}
	return 0;
}

static void
begin(struct fetched *f)
{
	const struct buf flags = f->flags, labels = f->labels;

	*f = (struct fetched){ .flags = flags, .labels = labels };
	buf_clear(&f->flags);
	buf_clear(&f->labels);
}

/* msg-att = "(" name SP value *(SP name SP value) ")" */
int
fetch_parse(struct resp *r, struct fetched *f, struct err *err)
{
	struct tokens *t = &r->rest;
	struct token name;
	size_t i;
	int rc;

	begin(f);
	if (tokens_next(t, &name, err) == -1)
		return -1;
	if (name.type != TOK_OPEN)
		return 0;
	for (;;) {
		if (tokens_next(t, &name, err) == -1)
			return -1;
		if (name.type != TOK_ATOM)
			return 0;
		for (i = 0; i < N(atts); i++)
			if (span_iis(name.text, atts[i].name))
				break;
		if (i < N(atts))
			rc = take_att(atts[i].att, t, f, err);
		else if (span_istarts(name.text, "BODY[HEADER.FIELDS"))
			rc = take_header(t, f, err);
		else
			rc = tokens_skip(t, err);
		if (rc == -1)
			return -1;
	}
}
