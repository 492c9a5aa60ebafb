/* SPDX-License-Identifier: ISC */
/*
 * What the entries of a stream say, as text: paths and log lines.  Knows
 * nothing of tar.
 */

#include "base/utf8.h"
#include "formats/stream/entry.h"
#include "mail/flags.h"
#include "mail/name.h"

#define NAME_DIGEST	8	/* octets of the digest in a NAME */
#define NAME_REF	8	/* of the hash of a ref that is no UID */
#define NAME_SRC	4	/* of the hash of another source mailbox */
#define NAME_DIGITS	20	/* of a number that is taken as it is */

/* What the fields of a log line are, in order. */
enum log_field {
	FIELD_NONE,
	FIELD_MAILBOX,
	FIELD_REF,
	FIELD_TO_MAILBOX,
	FIELD_TO_REF,
	FIELD_FLAGS,
	FIELD_EXTENT,		/* complete or partial */
	FIELD_NUMBER,
};

#define FIELDS_MAX	4

static const struct log_row {
	const char	*word;
	enum log_kind	 kind;
	enum log_field	 fields[FIELDS_MAX];
} rows[] = {
	{ "flags",	LOG_FLAGS,
	    { FIELD_MAILBOX, FIELD_REF, FIELD_FLAGS, FIELD_NONE } },
	{ "expunged",	LOG_EXPUNGED,
	    { FIELD_MAILBOX, FIELD_REF, FIELD_NONE, FIELD_NONE } },
	{ "purged",	LOG_PURGED,
	    { FIELD_MAILBOX, FIELD_REF, FIELD_NONE, FIELD_NONE } },
	{ "moved",	LOG_MOVED,
	    { FIELD_MAILBOX, FIELD_REF, FIELD_TO_MAILBOX, FIELD_TO_REF } },
	{ "mailbox-gone", LOG_MAILBOX_GONE,
	    { FIELD_MAILBOX, FIELD_NONE, FIELD_NONE, FIELD_NONE } },
	{ "renamed",	LOG_RENAMED,
	    { FIELD_MAILBOX, FIELD_TO_MAILBOX, FIELD_NONE, FIELD_NONE } },
	{ "scope",	LOG_SCOPE,
	    { FIELD_MAILBOX, FIELD_EXTENT, FIELD_NONE, FIELD_NONE } },
	{ "generation",	LOG_GENERATION,
	    { FIELD_NUMBER, FIELD_EXTENT, FIELD_NONE, FIELD_NONE } },
};

/* ---- refs ---- */

void
entry_put_ref(struct buf *out, struct span ref)
{
	uint32_t cp;
	size_t n;

	for (; ref.n > 0; ref = span_from(ref, n)) {
		n = utf8_next(ref, &cp);
		if (n == 0 || cp < 0x20 || cp == 0x7f || cp == '%') {
			buf_fmt(out, "%%%02X", (unsigned)ref.p[0]);
			n = 1;
		} else {
			buf_put(out, span_head(ref, n));
		}
	}
}

bool
entry_parse_ref(struct buf *out, struct span text)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < text.n; i++) {
		c = text.p[i];
		if (c == '%') {
			if (!hex_decode(span_head(span_from(text, i + 1), 2), &c, 1))
				return false;
			i += 2;
		}
		buf_chr(out, c);
	}
	return text.n > 0;
}

/* ---- log lines ---- */

static void
put_field(struct buf *out, enum log_field field, const struct log_line *line)
{
	switch (field) {
	case FIELD_NONE:
		break;
	case FIELD_MAILBOX:
		name_json(out, line->mailbox);
		break;
	case FIELD_REF:
		entry_put_ref(out, line->ref);
		break;
	case FIELD_TO_MAILBOX:
		name_json(out, line->to_mailbox);
		break;
	case FIELD_TO_REF:
		entry_put_ref(out, line->to_ref);
		break;
	case FIELD_FLAGS:
		buf_put(out, line->flags);
		break;
	case FIELD_EXTENT:
		buf_str(out, line->complete ? "complete" : "partial");
		break;
	case FIELD_NUMBER:
		buf_u64(out, line->number);
		break;
	}
}

void
log_put(struct buf *out, const struct log_line *line)
{
	size_t i, k;

	for (i = 0; i < N(rows) && rows[i].kind != line->kind; i++)
		;
	if (i == N(rows))
		return;
	buf_str(out, rows[i].word);
	for (k = 0; k < FIELDS_MAX && rows[i].fields[k] != FIELD_NONE; k++) {
		buf_chr(out, '\t');
		put_field(out, rows[i].fields[k], line);
	}
	buf_chr(out, '\n');
}

/* Decode a field into the arena by way of `tmp`. */
static bool
decode(bool (*parse)(struct buf *, struct span), struct span text,
    struct buf *tmp, struct arena *arena, struct span *out)
{
	buf_clear(tmp);
	return parse(tmp, text) && buf_ok(tmp) &&
	    arena_span(arena, buf_span(tmp), out);
}

static bool
canon(struct buf *out, struct span text)
{
	flags_canon(out, text);
	return true;
}

static bool
parse_extent(struct span text, bool *complete)
{
	*complete = span_is(text, "complete");
	return *complete || span_is(text, "partial");
}

static bool
parse_field(enum log_field field, struct span text, struct buf *tmp,
    struct arena *arena, struct log_line *line)
{
	switch (field) {
	case FIELD_NONE:
		return false;
	case FIELD_MAILBOX:
		return decode(name_parse_json, text, tmp, arena, &line->mailbox);
	case FIELD_REF:
		return decode(entry_parse_ref, text, tmp, arena, &line->ref);
	case FIELD_TO_MAILBOX:
		return decode(name_parse_json, text, tmp, arena,
		    &line->to_mailbox);
	case FIELD_TO_REF:
		return decode(entry_parse_ref, text, tmp, arena, &line->to_ref);
	case FIELD_FLAGS:
		return decode(canon, text, tmp, arena, &line->flags);
	case FIELD_EXTENT:
		return parse_extent(text, &line->complete);
	case FIELD_NUMBER:
		return span_u64(text, &line->number);
	}
	return false;
}

/* The fields after the word; the line ends with the last of them. */
static bool
parse_fields(const struct log_row *row, struct span rest, struct arena *arena,
    struct log_line *line)
{
	struct buf tmp = BUF_INIT;
	struct span text;
	size_t end, k;
	bool ok = true;

	for (k = 0; ok && k < FIELDS_MAX && row->fields[k] != FIELD_NONE; k++) {
		if (!(ok = rest.n > 0 && rest.p[0] == '\t'))
			break;
		rest = span_from(rest, 1);
		end = span_find(rest, '\t');
		text = span_head(rest, end);
		rest = span_from(rest, end);
		ok = parse_field(row->fields[k], text, &tmp, arena, line);
	}
	buf_fini(&tmp);
	return ok && rest.n == 0;
}

int
log_parse(struct span text, struct arena *arena, struct log_line *line,
    struct err *err)
{
	const size_t end = span_find(text, '\t');
	const struct span word = span_head(text, end);
	size_t i;

	*line = (struct log_line){ .kind = LOG_FLAGS };
	for (i = 0; i < N(rows); i++)
		if (span_is(word, rows[i].word))
			break;
	if (i == N(rows) ||
	    !parse_fields(&rows[i], span_from(text, end), arena, line))
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "not a line of a log: %.*s", SPAN_ARG(span_head(text, 200)));
	line->kind = rows[i].kind;
	return 0;
}

/* ---- paths ---- */

static bool
is_number(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0 && s.n <= NAME_DIGITS;
}

static void
put_hash(struct buf *out, char letter, struct span of, size_t octets)
{
	struct digest digest;

	sha256_of(of, &digest);
	buf_chr(out, (unsigned char)letter);
	buf_hex(out, span_head(digest_span(&digest), octets));
}

/* VuidvalidityUuid, or a hash of what stands for it. */
static void
put_source(struct buf *out, struct span ref)
{
	const size_t dot = span_find(ref, '.');
	const struct span validity = span_head(ref, dot);
	const struct span uid = span_from(ref, dot < ref.n ? dot + 1 : dot);

	if (!is_number(validity) || !is_number(uid)) {
		put_hash(out, 'R', ref, NAME_REF);
		return;
	}
	buf_chr(out, 'V');
	buf_put(out, validity);
	buf_chr(out, 'U');
	buf_put(out, uid);
}

void
entry_item_path(struct buf *out, struct span mailbox, const struct item *item,
    const struct digest *digest, uint64_t size)
{
	char letters[8];

	name_path(out, mailbox);
	buf_fmt(out, "/cur/%lld.", item->date.known ?
	    (long long)item->date.sec : 0LL);
	buf_hex(out, span_head(digest_span(digest), NAME_DIGEST));
	buf_chr(out, '.');
	put_source(out, item->ref);
	if (item->src_mailbox.n > 0 && !span_eq(item->src_mailbox, mailbox))
		put_hash(out, 'M', item->src_mailbox, NAME_SRC);
	buf_str(out, ",S=");
	buf_u64(out, size);
	flags_letters(item->flags, letters);
	buf_fmt(out, ":2,%s", letters);
}

/* ---- copies ---- */

static bool
copy_ident(struct arena *arena, const struct item *in, struct item *out)
{
	struct ident *ident;
	struct key *key;
	struct digest *digest;

	if (in->ident != NULL) {
		if ((ident = arena_alloc(arena, sizeof(*ident))) == NULL)
			return false;
		*ident = *in->ident;
		out->ident = ident;
		out->key = &ident->key;
	}
	if (in->key != NULL && (in->ident == NULL || in->key != &in->ident->key)) {
		if ((key = arena_alloc(arena, sizeof(*key))) == NULL)
			return false;
		*key = *in->key;
		out->key = key;
	}
	if (in->src_digest != NULL) {
		if ((digest = arena_alloc(arena, sizeof(*digest))) == NULL)
			return false;
		*digest = *in->src_digest;
		out->src_digest = digest;
	}
	return true;
}

bool
entry_copy_item(struct arena *arena, const struct item *in, struct item *out)
{
	*out = *in;
	out->body = NULL;
	out->own = NULL;
	return arena_span(arena, in->src_mailbox, &out->src_mailbox) &&
	    arena_span(arena, in->ref, &out->ref) &&
	    arena_span(arena, in->flags, &out->flags) &&
	    arena_span(arena, in->emailid, &out->emailid) &&
	    arena_span(arena, in->threadid, &out->threadid) &&
	    arena_span(arena, in->gm_msgid, &out->gm_msgid) &&
	    arena_span(arena, in->gm_thrid, &out->gm_thrid) &&
	    arena_span(arena, in->labels, &out->labels) &&
	    arena_span(arena, in->was, &out->was) &&
	    arena_span(arena, in->note, &out->note) &&
	    copy_ident(arena, in, out);
}
