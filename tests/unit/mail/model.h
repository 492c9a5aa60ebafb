/* SPDX-License-Identifier: ISC */
#ifndef MODEL_H
#define MODEL_H

/*
 * The identities of a message as mail/ident.h words them, computed the slow
 * and obvious way over the whole of it: what the identer is compared with.
 */

#include "mail/header.h"
#include "mail/ident.h"

#include "check.h"

static inline void
model_canon_value(struct buf *out, struct span value, bool space)
{
	bool gap = false, any = false;
	size_t i;

	for (i = 0; i < value.n; i++) {
		if (value.p[i] == ' ' || value.p[i] == '\t' ||
		    value.p[i] == '\r' || value.p[i] == '\n') {
			gap = true;
			continue;
		}
		if (any ? gap : space)
			buf_chr(out, ' ');
		buf_chr(out, value.p[i] == 0 ? 0x80 : value.p[i]);
		gap = false;
		any = true;
	}
	buf_chr(out, '\n');
}

static inline bool
model_is_mbox_line(struct span s)
{
	return span_starts(s, "From ") || span_starts(s, "From\t") ||
	    span_starts(s, ">From ") || span_starts(s, ">From\t");
}

static inline void
model_canon(struct buf *out, struct span message)
{
	struct span rest = message;
	bool first = true;
	struct field f;
	size_t i;

	for (; header_next(&rest, &f); first = false) {
		if (ident_is_volatile(f.name) ||
		    (first && f.name.n == 0 && model_is_mbox_line(f.whole)))
			continue;
		for (i = 0; i < f.name.n; i++)
			buf_chr(out, f.name.p[i] >= 'A' && f.name.p[i] <= 'Z' ?
			    (unsigned char)(f.name.p[i] + 32) : f.name.p[i]);
		if (f.name.n > 0)
			buf_chr(out, ':');
		model_canon_value(out, f.value, f.name.n > 0);
	}
	for (i = 0; i < rest.n; i++)
		if (rest.p[i] != '\r' || (i + 1 < rest.n && rest.p[i + 1] != '\n'))
			buf_chr(out, rest.p[i] == 0 ? 0x80 : rest.p[i]);
	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
}

static inline unsigned
model_lint(struct span m)
{
	const size_t header = header_length(m);
	struct span rest = m;
	struct field f;
	unsigned lint = 0;
	size_t i;

	for (i = 0; i < m.n; i++) {
		if (m.p[i] == 0)
			lint |= LINT_NUL;
		if (m.p[i] == '\n' && (i == 0 || m.p[i - 1] != '\r'))
			lint |= LINT_BARE_LF;
		if (m.p[i] == '\r' && (i + 1 == m.n || m.p[i + 1] != '\n'))
			lint |= LINT_BARE_CR;
		if (m.p[i] >= 0x80 && i < header)
			lint |= LINT_8BIT_HEADER;
	}
	if (m.n > 0 && m.p[m.n - 1] != '\n')
		lint |= LINT_NO_EOL;
	if (!header_next(&rest, &f) || f.name.n == 0)
		lint |= LINT_NO_HEADER;
	return lint;
}

static inline uint32_t
model_longest(struct span m)
{
	struct span line;
	size_t longest = 0;
	bool ended;

	while (m.n > 0) {
		ended = span_find(m, '\n') < m.n;
		(void)span_next(&m, '\n', &line);
		if (ended && line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > longest)
			longest = line.n;
	}
	return (uint32_t)longest;
}

static inline void
model_ident(struct span message, struct ident *out)
{
	struct buf canon = BUF_INIT;

	*out = (struct ident){ .size = message.n };
	model_canon(&canon, message);
	assert_true(buf_ok(&canon));
	sha256_of(message, &out->digest);
	sha256_of(buf_span(&canon), &out->canon);
	key_of(message, &out->key);
	out->lint = model_lint(message);
	out->longest_line = model_longest(message);
	buf_fini(&canon);
}

static inline void
model_key_eq(const char *row, const struct key *a, const struct key *b)
{
	CHECK_INT(row, a->kind, b->kind);
	CHECK_INT(row, a->date, b->date);
	CHECK_SPAN(row, span_of(a->id, 16), span_of(b->id, 16));
	CHECK_SPAN(row, span_of(a->from, 8), span_of(b->from, 8));
}

static inline void
model_eq(const char *row, const struct ident *a, const struct ident *b)
{
	CHECK_INT(row, a->size, b->size);
	CHECK(row, digest_eq(&a->digest, &b->digest));
	CHECK_INT(row, a->lint, b->lint);
	CHECK_INT(row, a->longest_line, b->longest_line);
	CHECK(row, digest_eq(&a->canon, &b->canon));
	model_key_eq(row, &a->key, &b->key);
}

#endif
