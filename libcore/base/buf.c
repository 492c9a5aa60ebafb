/* SPDX-License-Identifier: ISC */
/* An owned buffer that grows; out of memory is remembered, not returned. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { SMALLEST = 64 };

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT;
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->bad = false;
}

/* At least n octets beyond those in use; doubles, so that appending is cheap. */
static bool
grow(struct buf *b, size_t n)
{
	unsigned char *p;
	size_t cap;

	if (b->bad)
		return false;
	if (b->p != NULL && b->cap - b->n >= n)
		return true;
	b->bad = true;
	if (n > PTRDIFF_MAX - b->n)
		return false;	/* no object is that big */
	cap = b->cap > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : b->cap * 2;
	if (cap < SMALLEST)
		cap = SMALLEST;
	if (cap < b->n + n)
		cap = b->n + n;
	if ((p = realloc(b->p, cap)) == NULL)
		return false;
	b->p = p;
	b->cap = cap;
	b->bad = false;
	return true;
}

void
buf_mem(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !grow(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void
buf_put(struct buf *b, struct span s)
{
	buf_mem(b, s.p, s.n);
}

void
buf_str(struct buf *b, const char *s)
{
	buf_mem(b, s, strlen(s));
}

void
buf_chr(struct buf *b, unsigned char c)
{
	if (!grow(b, 1))
		return;
	b->p[b->n++] = c;
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int n;

	/* Once into the room that is there; again where it was too small. */
	if (!grow(b, 1))
		return;
	room = b->cap - b->n;
	va_start(ap, fmt);
	n = vsnprintf((char *)b->p + b->n, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->bad = true;
		return;
	}
	if ((size_t)n >= room) {
		if (!grow(b, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)n;
}

void
buf_u64(struct buf *b, uint64_t v)
{
	unsigned char digits[20];
	size_t at = 20;

	do {
		digits[--at] = (unsigned char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_mem(b, digits + at, 20 - at);
}

void
buf_hex(struct buf *b, struct span s)
{
	static const unsigned char digits[] = "0123456789abcdef";
	size_t i;

	if (s.n > PTRDIFF_MAX / 2) {
		b->bad = true;
		return;
	}
	if (!grow(b, s.n * 2))
		return;
	for (i = 0; i < s.n; i++) {
		b->p[b->n++] = digits[s.p[i] >> 4];
		b->p[b->n++] = digits[s.p[i] & 15];
	}
}

unsigned char *
buf_room(struct buf *b, size_t n)
{
	return grow(b, n) ? b->p + b->n : NULL;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

bool
buf_ok(const struct buf *b)
{
	return !b->bad;
}

struct span
buf_span(const struct buf *b)
{
	return span_of(b->p, b->n);
}

const char *
buf_cstr(struct buf *b)
{
	if (!grow(b, 1))
		return "";
	b->p[b->n] = '\0';
	return (const char *)b->p;
}
