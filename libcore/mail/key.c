/* SPDX-License-Identifier: ISC */
/*
 * What a header claims to be.  Servers give the fields back refolded, with
 * NUL and 8-bit octets replaced; the key must not notice.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/date.h"
#include "mail/key.h"

#define MSGID_SHORT	8	/* octets that an id without "@" must have */
#define HEADERS_NEEDED	3

static const struct span field_names[KEY_FIELD_COUNT] = {
	[KEY_FIELD_MSGID] = LIT("message-id"),
	[KEY_FIELD_DATE] = LIT("date"),
	[KEY_FIELD_FROM] = LIT("from"),
	[KEY_FIELD_TO] = LIT("to"),
	[KEY_FIELD_SUBJECT] = LIT("subject"),
	[KEY_FIELD_CC] = LIT("cc"),
};

/* A text that is put together; never longer than what it is made of. */
struct text {
	unsigned char	p[KEY_VALUE_MAX];
	size_t		n;
};

static void
text_chr(struct text *t, unsigned char c)
{
	if (t->n < KEY_VALUE_MAX)
		t->p[t->n++] = c;
}

static struct span
text_span(const struct text *t)
{
	return span_of(t->p, t->n);
}

/* ---- values ---- */

void
key_reset(struct key_values *k)
{
	size_t i;

	for (i = 0; i < KEY_FIELD_COUNT; i++) {
		k->v[i].runs = (struct header_runs){ false, false };
		k->v[i].seen = false;
		k->v[i].n = 0;
	}
}

struct key_value *
key_begin(struct key_values *k, struct span name)
{
	size_t i;

	for (i = 0; i < KEY_FIELD_COUNT; i++)
		if (name.n == field_names[i].n && span_ieq(name, field_names[i]))
			break;
	if (i == KEY_FIELD_COUNT || k->v[i].seen)
		return NULL;
	k->v[i].seen = true;
	return &k->v[i];
}

void
key_add(struct key_value *v, struct span piece)
{
	struct span run;
	bool gap;
	size_t i;

	while (v->n < KEY_VALUE_MAX && header_run(&v->runs, &piece, &run, &gap)) {
		if (gap)
			v->text[v->n++] = ' ';
		for (i = 0; i < run.n && v->n < KEY_VALUE_MAX; i++)
			v->text[v->n++] = run.p[i] == 0 || run.p[i] >= 0x80 ?
			    '?' : run.p[i];
	}
}

static struct span
value_of(const struct key_values *k, enum key_field f)
{
	struct span s = span_of(k->v[f].text, k->v[f].n);

	/* The cut may have come behind a space. */
	return span_trim(s);
}

/* ---- the Message-ID ---- */

/* The first <...>, or all of it. */
static struct span
msgid_inner(struct span s)
{
	const size_t open = span_find(s, '<');

	if (open == s.n)
		return s;
	s = span_from(s, open + 1);
	return span_head(s, span_find(s, '>'));
}

/* Normalised; false where it can be nobody's. */
static bool
msgid_of(struct span value, struct text *out)
{
	const struct span s = msgid_inner(value);
	size_t i, at = SIZE_MAX;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == ' ')
			continue;
		if (s.p[i] == '@')
			at = out->n;
		text_chr(out, s.p[i]);
	}
	if (out->n == 0 || (at == SIZE_MAX && out->n < MSGID_SHORT))
		return false;
	for (i = at == SIZE_MAX ? out->n : at; i < out->n; i++)
		out->p[i] = ascii_lower(out->p[i]);
	return true;
}

/* ---- the From address ---- */

/*
 * Where the next of `stops` stands outside of quoted strings and comments;
 * the end where there is none.
 */
static size_t
find_bare(struct span s, size_t from, const char *stops)
{
	size_t i, depth = 0;
	bool quoted = false;

	for (i = from; i < s.n; i++) {
		const unsigned char c = s.p[i];

		if (c == '\\' && (quoted || depth > 0))
			i++;
		else if (quoted)
			quoted = c != '"';
		else if (c == '"' && depth == 0)
			quoted = true;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && c != 0 && strchr(stops, c) != NULL)
			return i;
	}
	return s.n;
}

/* addr-spec in lower case, without blanks and comments. */
static void
addr_put(struct text *out, struct span s)
{
	size_t i, depth = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && depth > 0)
			depth--;
		else if (depth == 0 && s.p[i] != ' ')
			text_chr(out, ascii_lower(s.p[i]));
	}
}

/* The first address of a From value; nothing where there is none. */
static void
addr_of(struct span value, struct text *out)
{
	size_t open = find_bare(value, 0, "<"), colon;
	struct span s;

	if (open == value.n)
		open = span_find(value, '<');
	if (open == value.n) {
		s = span_head(value, find_bare(value, 0, ",;"));
	} else {
		s = span_from(value, open + 1);
		s = span_head(s, span_find(s, '>'));
		/* obs-route: "@a,@b:user@c" */
		if (s.n > 0 && s.p[0] == '@' && (colon = span_find(s, ':')) < s.n)
			s = span_from(s, colon + 1);
	}
	addr_put(out, s);
}

/* ---- the key ---- */

static void
hash_text(struct span s, unsigned char *out, size_t n)
{
	struct digest digest;

	sha256_of(s, &digest);
	memcpy(out, digest.b, n);
}

/* The five lines of KEY_HEADERS. */
struct lines {
	unsigned char	p[KEY_FIELD_COUNT * (KEY_VALUE_MAX + 16)];
	size_t		n;
};

static void
lines_add(struct lines *l, struct span name, struct span value)
{
	memcpy(l->p + l->n, name.p, name.n);
	l->n += name.n;
	l->p[l->n++] = ':';
	if (value.n > 0)
		memcpy(l->p + l->n, value.p, value.n);
	l->n += value.n;
	l->p[l->n++] = '\n';
}

/* False where too few fields are there. */
static bool
headers_of(const struct key_values *k, struct span addr, struct key *out)
{
	char date[32];
	struct lines lines;
	struct span value;
	size_t i, present = 0;

	lines.n = 0;
	for (i = KEY_FIELD_DATE; i < KEY_FIELD_COUNT; i++) {
		value = value_of(k, (enum key_field)i);
		present += value.n > 0 ? 1 : 0;
		if (i == KEY_FIELD_FROM && addr.n > 0)
			value = addr;
		if (i == KEY_FIELD_DATE && out->date != INT64_MIN) {
			(void)snprintf(date, sizeof(date), "%" PRId64, out->date);
			value = span_str(date);
		}
		lines_add(&lines, field_names[i], value);
	}
	if (present < HEADERS_NEEDED)
		return false;
	hash_text(span_of(lines.p, lines.n), out->id, N(out->id));
	return true;
}

void
key_end(const struct key_values *k, struct key *out)
{
	struct text msgid, addr;
	struct date date;

	msgid.n = addr.n = 0;
	*out = (struct key){ .kind = KEY_NONE, .date = INT64_MIN };
	if (date_parse_header(value_of(k, KEY_FIELD_DATE), &date))
		out->date = date.sec;
	addr_of(value_of(k, KEY_FIELD_FROM), &addr);
	if (addr.n > 0)
		hash_text(text_span(&addr), out->from, N(out->from));
	if (msgid_of(value_of(k, KEY_FIELD_MSGID), &msgid)) {
		out->kind = KEY_MSGID;
		hash_text(text_span(&msgid), out->id, N(out->id));
	} else if (headers_of(k, text_span(&addr), out)) {
		out->kind = KEY_HEADERS;
	}
}

void
key_of(struct span header, struct key *out)
{
	struct key_values k;
	struct key_value *v;
	struct field f;

	key_reset(&k);
	while (header_next(&header, &f)) {
		if (f.name.n == 0 || f.whole.p[f.name.n] != ':')
			continue;
		if ((v = key_begin(&k, f.name)) != NULL)
			key_add(v, f.value);
	}
	key_end(&k, out);
}

bool
key_match(const struct key *a, const struct key *b)
{
	static const unsigned char none[N(a->from)];

	if (a->kind == KEY_NONE || a->kind != b->kind ||
	    memcmp(a->id, b->id, N(a->id)) != 0)
		return false;
	if (a->kind != KEY_MSGID)
		return true;
	if (a->date != INT64_MIN && b->date != INT64_MIN && a->date != b->date)
		return false;
	return memcmp(a->from, none, N(none)) == 0 ||
	    memcmp(b->from, none, N(none)) == 0 ||
	    memcmp(a->from, b->from, N(none)) == 0;
}
