/* SPDX-License-Identifier: ISC */
/*
 * The identities of a message, in one pass over octets that come in pieces.
 *
 * Three looks at each piece: the digest takes it as it is; lint looks at line
 * ends; the canon takes the header through a state machine and the body by the
 * stretch between two CRs, into a buffer before its hash.  Nothing is kept of
 * the message but that buffer and the beginnings of six fields.
 */

#include <stdlib.h>
#include <string.h>

#include "mail/header.h"
#include "mail/key.h"

#define OUT_SIZE	((size_t)64 << 10)

enum place {
	AT_LINE,		/* at the start of a line of the header */
	AT_LINE_CR,		/* behind a CR there */
	IN_NAME,
	BEHIND_NAME,		/* in blanks before a colon */
	IN_VALUE,
	IN_BODY,
};

struct identer {
	struct sha256	*digest, *canon;
	uint64_t	 size;
	unsigned	 lint;

	/* lines */
	uint64_t	 line;		/* octets of the current one */
	uint64_t	 longest;
	bool		 was_cr;	/* the last octet was one */

	/* the header */
	enum place	 place;
	bool		 field;		/* one has begun and not ended */
	bool		 first;		/* no field has ended yet */
	bool		 skip;		/* it stays out of the canon */
	struct header_runs runs;
	unsigned char	 name[HEADER_NAME_MAX];
	size_t		 name_n, blank_n;
	struct key_value *value;	/* where it goes for the key, or NULL */
	struct key_values key;

	/* the canon */
	bool		 held_cr;	/* a CR of the body, not written yet */
	uint64_t	 ends;		/* LFs, not written yet */
	size_t		 out_n;
	unsigned char	 out[OUT_SIZE];
};

/*
 * Fields that mail stores and their servers and clients add, change or drop:
 * mbox (UW, Dovecot, mutt), Mozilla, Gmail and Takeout, Outlook, mbsync,
 * offlineimap, Sylpheed, Evolution.
 */
static const struct span volatile_names[] = {
	LIT("content-length"),
	LIT("lines"),
	LIT("status"),
	LIT("x-evolution"),
	LIT("x-evolution-source"),
	LIT("x-gm-labels"),
	LIT("x-gm-msgid"),
	LIT("x-gm-thrid"),
	LIT("x-gmail-labels"),
	LIT("x-imap"),
	LIT("x-imapbase"),
	LIT("x-keywords"),
	LIT("x-label"),
	LIT("x-message-flag"),
	LIT("x-mozilla-keys"),
	LIT("x-mozilla-status"),
	LIT("x-mozilla-status2"),
	LIT("x-offlineimap"),
	LIT("x-status"),
	LIT("x-tuid"),
	LIT("x-uid"),
	LIT("x-uidl"),
};

bool
ident_is_volatile(struct span name)
{
	size_t i;

	for (i = 0; i < N(volatile_names); i++)
		if (name.n == volatile_names[i].n &&
		    span_ieq(name, volatile_names[i]))
			return true;
	return false;
}

/* ---- the canon's octets ---- */

static void
out_flush(struct identer *id)
{
	sha256_add(id->canon, span_of(id->out, id->out_n));
	id->out_n = 0;
}

/* A NUL counts as 0x80, which is what Dovecot stores in its place. */
static void
out_nuls(unsigned char *p, size_t n)
{
	unsigned char *end = p + n;

	while (p < end && (p = memchr(p, '\0', (size_t)(end - p))) != NULL)
		*p++ = 0x80;
}

static void
out_raw(struct identer *id, const unsigned char *p, size_t n)
{
	size_t part;

	for (; n > 0; p += part, n -= part) {
		if (id->out_n == OUT_SIZE)
			out_flush(id);
		/* Much that is as it should be need not be copied. */
		if (id->out_n == 0 && n >= OUT_SIZE &&
		    memchr(p, '\0', n) == NULL) {
			sha256_add(id->canon, span_of(p, n));
			return;
		}
		part = OUT_SIZE - id->out_n < n ? OUT_SIZE - id->out_n : n;
		memcpy(id->out + id->out_n, p, part);
		out_nuls(id->out + id->out_n, part);
		id->out_n += part;
	}
}

/* The line ends that turned out not to be the last. */
static void
out_ends(struct identer *id)
{
	size_t n;

	while (id->ends > 0) {
		if (id->out_n == OUT_SIZE)
			out_flush(id);
		n = OUT_SIZE - id->out_n;
		if (n > id->ends)
			n = (size_t)id->ends;
		memset(id->out + id->out_n, '\n', n);
		id->out_n += n;
		id->ends -= n;
	}
}

/* Append; LFs at the end are held back, since they may be the last. */
static void
out_put(struct identer *id, const unsigned char *p, size_t n)
{
	size_t ends = 0;

	while (ends < n && p[n - 1 - ends] == '\n')
		ends++;
	if (ends < n) {
		if (id->ends > 0)
			out_ends(id);
		out_raw(id, p, n - ends);
	}
	id->ends += ends;
}

/* ---- lint ---- */

/* A CR among these octets is not the one before an LF. */
static void
lint_text(struct identer *id, const unsigned char *p, size_t n)
{
	if ((id->lint & LINT_BARE_CR) == 0 && n > 0 && memchr(p, '\r', n) != NULL)
		id->lint |= LINT_BARE_CR;
}

/* A line ends behind n more octets, the last of which may be its CR. */
static void
line_end(struct identer *id, const unsigned char *p, size_t n)
{
	const bool cr = n > 0 ? p[n - 1] == '\r' : id->was_cr;
	uint64_t line = id->line + n;

	if (cr)
		line--;
	else
		id->lint |= LINT_BARE_LF;
	lint_text(id, p, n > 0 && cr ? n - 1 : n);
	if (line > id->longest)
		id->longest = line;
	id->line = 0;
	id->was_cr = false;
}

/* Line lengths and ends that are no CRLF; LF by LF. */
static void
lint_add(struct identer *id, struct span s)
{
	const unsigned char *p = s.p, *end = s.p + s.n, *lf;

	if ((id->lint & LINT_NUL) == 0 && memchr(p, '\0', s.n) != NULL)
		id->lint |= LINT_NUL;
	if (id->was_cr && *p != '\n')
		id->lint |= LINT_BARE_CR;
	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		line_end(id, p, (size_t)(lf - p));
		p = lf + 1;
	}
	if (p == end)
		return;
	id->line += (uint64_t)(end - p);
	id->was_cr = end[-1] == '\r';
	lint_text(id, p, (size_t)(end - p) - (id->was_cr ? 1 : 0));
}

static void
lint_end(struct identer *id)
{
	if (id->was_cr)
		id->lint |= LINT_BARE_CR;
	if (id->line > 0)
		id->lint |= LINT_NO_EOL;
	if (id->line > id->longest)
		id->longest = id->line;
}

/* ---- the header ---- */

/* What an octet of a value becomes: blanks are spaces. */
static unsigned char
blank_to_space(unsigned char c)
{
	return c == '\t' || c == '\r' || c == '\n' ? ' ' : c;
}

/*
 * A piece of a value, at most half of the buffer: runs of blanks as one space,
 * but none at the start, and one at the end only when more text comes.
 * Without a branch in the loop, since most of small mail is header.
 */
static void
value_put(struct identer *id, struct span s)
{
	const bool any = id->runs.any;
	unsigned char *out, c;
	bool was_blank, blank;
	size_t i, n = 0;

	if (s.n + 1 > OUT_SIZE - id->out_n)
		out_flush(id);
	out = id->out + id->out_n;
	was_blank = !any || id->runs.blank;
	if (any && id->runs.blank)
		out[n++] = ' ';
	for (i = 0; i < s.n; i++) {
		c = blank_to_space(s.p[i]);
		blank = c == ' ';
		out[n] = c;
		n += (size_t)!(blank && was_blank);
		was_blank = blank;
	}
	if (was_blank && n > 0)
		n--;
	id->runs.blank = was_blank;
	id->runs.any = any || n > 0;
	out_nuls(out, n);
	id->out_n += n;
}

/* Whether one octet is beyond ASCII; eight at a time. */
static bool
is_8bit(struct span s)
{
	uint64_t all = 0, eight;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&eight, s.p + i, 8);
		all |= eight;
	}
	for (; i < s.n; i++)
		all |= s.p[i];
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

/* A piece of the field's value. */
static void
value_add(struct identer *id, struct span s)
{
	struct span piece;

	if (is_8bit(s))
		id->lint |= LINT_8BIT_HEADER;
	if (id->value != NULL)
		key_add(id->value, s);
	for (; s.n > 0 && blank_to_space(s.p[0]) == ' '; s = span_from(s, 1))
		id->runs.blank = true;
	if (id->skip || s.n == 0)
		return;
	out_ends(id);
	for (; s.n > 0; s = span_from(s, piece.n)) {
		piece = span_head(s, OUT_SIZE / 2);
		value_put(id, piece);
	}
}

static void
field_end(struct identer *id)
{
	if (id->field && !id->skip)
		out_put(id, (const unsigned char *)"\n", 1);
	if (id->field)
		id->first = false;
	id->field = id->skip = false;
	id->value = NULL;
}

static void
field_begin(struct identer *id)
{
	field_end(id);
	id->field = true;
	id->runs = (struct header_runs){ false, false };
	id->name_n = id->blank_n = 0;
}

/* The colon has come. */
static void
field_named(struct identer *id)
{
	const struct span name = span_of(id->name, id->name_n);
	size_t i;

	id->place = IN_VALUE;
	if (id->first)
		id->lint &= ~(unsigned)LINT_NO_HEADER;
	id->value = id->blank_n > 0 ? NULL : key_begin(&id->key, name);
	id->skip = ident_is_volatile(name);
	if (id->skip)
		return;
	for (i = 0; i < id->name_n; i++)
		id->name[i] = ascii_lower(id->name[i]);
	out_put(id, id->name, id->name_n);
	out_put(id, (const unsigned char *)":", 1);

	/* The value is set off by a space, so there is a gap before its first run. */
	id->runs = (struct header_runs){ true, true };
}

/* What came is no name: it and what follows is a value without one. */
static void
field_nameless(struct identer *id)
{
	const struct span name = span_of(id->name, id->name_n);

	id->place = IN_VALUE;
	if (id->first && id->blank_n > 0)
		id->skip = span_is(name, "From") || span_is(name, ">From");
	value_add(id, name);
	if (id->blank_n > 0)
		value_add(id, SPAN(" "));
}

static void
header_end(struct identer *id)
{
	field_end(id);
	id->place = IN_BODY;
	out_put(id, (const unsigned char *)"\n", 1);
}

/* At the start of a line.  Whether the octet is done with. */
static bool
line_octet(struct identer *id, unsigned char c)
{
	if (c == '\n') {
		header_end(id);
		return true;
	}
	if (c == '\r' && id->place == AT_LINE) {
		id->place = AT_LINE_CR;
		return true;
	}
	if ((c == ' ' || c == '\t') && id->place == AT_LINE && id->field) {
		id->place = IN_VALUE;
		return false;
	}
	field_begin(id);
	if (id->place == AT_LINE && header_is_ftext(c)) {
		id->place = IN_NAME;
		return false;
	}
	field_nameless(id);
	return false;
}

/* In a name or behind it.  How many octets it took. */
static size_t
name_octets(struct identer *id, struct span s)
{
	size_t i = 0;

	if (id->place == IN_NAME)
		while (i < s.n && header_is_ftext(s.p[i]) &&
		    id->name_n < HEADER_NAME_MAX)
			id->name[id->name_n++] = s.p[i++];
	if (i == s.n)
		return i;
	if (s.p[i] == ':' && id->name_n > 0) {
		field_named(id);
		return i + 1;
	}
	if (s.p[i] == ' ' || s.p[i] == '\t') {
		id->place = BEHIND_NAME;
		id->blank_n++;
		return i + 1;
	}
	field_nameless(id);
	return i;
}

/* The rest of a line of a value.  How many octets it took. */
static size_t
value_octets(struct identer *id, struct span s)
{
	const size_t n = span_find(s, '\n');

	value_add(id, span_head(s, n));
	if (n == s.n)
		return n;
	id->place = AT_LINE;
	return n + 1;
}

/* Up to the end of the header.  How many octets it took. */
static size_t
header_add(struct identer *id, struct span s)
{
	size_t i = 0;

	while (i < s.n && id->place != IN_BODY) {
		switch (id->place) {
		case AT_LINE:
		case AT_LINE_CR:
			i += line_octet(id, s.p[i]) ? 1 : 0;
			break;
		case IN_NAME:
		case BEHIND_NAME:
			i += name_octets(id, span_from(s, i));
			break;
		case IN_VALUE:
			i += value_octets(id, span_from(s, i));
			break;
		case IN_BODY:
			break;
		}
	}
	return i;
}

/* ---- the body ---- */

static void
body_add_canon(struct identer *id, struct span s)
{
	const unsigned char *p = s.p, *end = s.p + s.n, *cr;

	if (s.n == 0)
		return;
	if (id->held_cr && *p != '\n')
		out_put(id, (const unsigned char *)"\r", 1);
	id->held_cr = false;
	while ((cr = memchr(p, '\r', (size_t)(end - p))) != NULL) {
		out_put(id, p, (size_t)(cr - p));
		p = cr + 1;
		if (p == end)
			id->held_cr = true;
		else if (*p != '\n')
			out_put(id, cr, 1);
	}
	out_put(id, p, (size_t)(end - p));
}

/* ---- all of it ---- */

static void
reset(struct identer *id)
{
	sha256_reset(id->digest);
	sha256_reset(id->canon);
	id->size = id->line = id->longest = id->ends = 0;
	id->lint = LINT_NO_HEADER;
	id->was_cr = id->held_cr = id->field = id->skip = false;
	id->first = true;
	id->place = AT_LINE;
	id->runs = (struct header_runs){ false, false };
	id->name_n = id->blank_n = id->out_n = 0;
	id->value = NULL;
	key_reset(&id->key);
}

struct identer *
identer_new(struct err *err)
{
	struct identer *id;

	if ((id = calloc(1, sizeof(*id))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	if ((id->digest = sha256_new(err)) == NULL ||
	    (id->canon = sha256_new(err)) == NULL) {
		identer_free(id);
		return NULL;
	}
	reset(id);
	return id;
}

void
identer_free(struct identer *id)
{
	if (id == NULL)
		return;
	sha256_free(id->digest);
	sha256_free(id->canon);
	free(id);
}

void
identer_add(struct identer *id, struct span s)
{
	if (s.n == 0)
		return;
	id->size += s.n;
	sha256_add(id->digest, s);
	lint_add(id, s);
	if (id->place != IN_BODY)
		s = span_from(s, header_add(id, s));
	body_add_canon(id, s);
}

void
identer_end(struct identer *id, struct ident *out)
{
	if (id->place == IN_NAME || id->place == BEHIND_NAME)
		field_nameless(id);
	field_end(id);
	out_flush(id);		/* without a CR that is held back */
	lint_end(id);

	*out = (struct ident){ .size = id->size, .lint = id->lint };
	sha256_end(id->digest, &out->digest);
	sha256_end(id->canon, &out->canon);
	key_end(&id->key, &out->key);
	out->longest_line = id->longest > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)id->longest;
	reset(id);
}
