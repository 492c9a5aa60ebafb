/* SPDX-License-Identifier: ISC */
/* Borrowed bytes: comparing, cutting, and the numbers in them. */

#include <stdlib.h>
#include <string.h>

#include "base/span.h"

struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

struct span
span_str(const char *s)
{
	return s != NULL ? span_of(s, strlen(s)) : SPAN_NONE;
}

bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
span_ieq(struct span a, struct span b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
span_is(struct span s, const char *text)
{
	return span_eq(s, span_str(text));
}

bool
span_iis(struct span s, const char *text)
{
	return span_ieq(s, span_str(text));
}

bool
span_starts(struct span s, const char *text)
{
	const struct span start = span_str(text);

	return s.n >= start.n && span_eq(span_head(s, start.n), start);
}

bool
span_istarts(struct span s, const char *text)
{
	const struct span start = span_str(text);

	return s.n >= start.n && span_ieq(span_head(s, start.n), start);
}

int
span_cmp(struct span a, struct span b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (d != 0)
		return d < 0 ? -1 : 1;
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return 0;
}

struct span
span_from(struct span s, size_t off)
{
	if (off == 0)
		return s;
	if (off > s.n)
		off = s.n;
	return off > 0 ? span_of(s.p + off, s.n - off) : s;
}

struct span
span_head(struct span s, size_t n)
{
	if (s.n > n)
		s.n = n;
	return s;
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && ascii_is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && ascii_is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

size_t
span_find(struct span s, unsigned char c)
{
	const unsigned char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

bool
span_next(struct span *rest, unsigned char c, struct span *out)
{
	size_t n;

	*out = SPAN_NONE;
	if (rest->n == 0)
		return false;
	n = span_find(*rest, c);
	*out = span_head(*rest, n);
	*rest = span_from(*rest, n < rest->n ? n + 1 : n);
	return true;
}

char *
span_dup(struct span s)
{
	char *copy;

	if (s.n >= PTRDIFF_MAX || (copy = malloc(s.n + 1)) == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

bool
span_u64(struct span s, uint64_t *out)
{
	uint64_t v = 0;
	unsigned d;
	size_t i;

	if (s.n == 0)
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		d = (unsigned)(s.p[i] - '0');
		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

bool
span_u32(struct span s, uint32_t *out)
{
	uint64_t v;

	if (!span_u64(s, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}
