/* SPDX-License-Identifier: ISC */
/* UTF-8, and text that no terminal obeys. */

#include "base/utf8.h"

/*
 * RFC 3629 section 4, as rows of the first octet and the bounds of the second;
 * every later octet is 80-BF.  This leaves out overlong forms, surrogates
 * and what lies above U+10FFFF.
 */
static const struct row {
	unsigned char	first, last;	/* of the first octet */
	unsigned char	lo, hi;		/* of the second */
	unsigned char	n;
	unsigned char	mask;		/* value bits of the first */
} rows[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1, 0x7f },
	{ 0xc2, 0xdf, 0x80, 0xbf, 2, 0x1f },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3, 0x0f },
	{ 0xe1, 0xec, 0x80, 0xbf, 3, 0x0f },
	{ 0xed, 0xed, 0x80, 0x9f, 3, 0x0f },
	{ 0xee, 0xef, 0x80, 0xbf, 3, 0x0f },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4, 0x07 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4, 0x07 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4, 0x07 },
};

static const struct row *
row_of(unsigned char c)
{
	size_t i;

	for (i = 0; i < N(rows); i++)
		if (c >= rows[i].first && c <= rows[i].last)
			return &rows[i];
	return NULL;
}

size_t
utf8_next(struct span s, uint32_t *cp)
{
	const struct row *r;
	uint32_t v;
	size_t i;

	if (s.n == 0 || (r = row_of(s.p[0])) == NULL || s.n < r->n)
		return 0;
	v = s.p[0] & r->mask;
	for (i = 1; i < r->n; i++) {
		const unsigned char lo = i == 1 ? r->lo : 0x80;
		const unsigned char hi = i == 1 ? r->hi : 0xbf;

		if (s.p[i] < lo || s.p[i] > hi)
			return 0;
		v = v << 6 | (s.p[i] & 0x3fu);
	}
	*cp = v;
	return r->n;
}

bool
utf8_valid(struct span s)
{
	uint32_t cp;
	size_t n;

	for (; s.n > 0; s = span_from(s, n))
		if ((n = utf8_next(s, &cp)) == 0)
			return false;
	return true;
}

/* The lowest six bits of v as an octet that continues a character. */
static unsigned char
more(uint32_t v)
{
	return (unsigned char)(0x80 | (v & 0x3f));
}

void
utf8_put(struct buf *b, uint32_t cp)
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x80) {
		buf_chr(b, (unsigned char)cp);
	} else if (cp < 0x800) {
		buf_chr(b, (unsigned char)(0xc0 | cp >> 6));
		buf_chr(b, more(cp));
	} else if (cp < 0x10000) {
		buf_chr(b, (unsigned char)(0xe0 | cp >> 12));
		buf_chr(b, more(cp >> 6));
		buf_chr(b, more(cp));
	} else {
		buf_chr(b, (unsigned char)(0xf0 | cp >> 18));
		buf_chr(b, more(cp >> 12));
		buf_chr(b, more(cp >> 6));
		buf_chr(b, more(cp));
	}
}

static bool
is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f);
}

/* Not a control, but it turns the text around or ends the line. */
static bool
is_trick(uint32_t cp)
{
	return cp == 0x061c || cp == 0x200e || cp == 0x200f ||
	    (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

bool
utf8_is_plain(uint32_t cp)
{
	return !is_control(cp) && !is_trick(cp);
}

void
safe_put(struct buf *b, struct span in)
{
	uint32_t cp;
	size_t n, i;

	for (; in.n > 0; in = span_from(in, n)) {
		if ((n = utf8_next(in, &cp)) > 0 && utf8_is_plain(cp)) {
			buf_put(b, span_head(in, n));
		} else if (n > 0 && is_trick(cp)) {
			buf_fmt(b, "\\u{%04X}", (unsigned)cp);
		} else {
			n = n > 0 ? n : 1;
			for (i = 0; i < n; i++)
				buf_fmt(b, "\\x%02x", (unsigned)in.p[i]);
		}
	}
}
