/* SPDX-License-Identifier: ISC */
/* Keys and values of the index as octets.  Knows nothing of what they mean. */

#include <string.h>

#include "formats/archive/codec.h"

/* ---- keys ---- */

void
ikey_clear(struct ikey *k)
{
	k->n = 0;
}

void
ikey_mem(struct ikey *k, const void *p, size_t n)
{
	if (n > KEY_MAX - k->n)
		n = KEY_MAX - k->n;
	memcpy(k->b + k->n, p, n);
	k->n += n;
}

static void
put_be(struct ikey *k, uint64_t v, size_t n)
{
	unsigned char b[8];
	size_t i;

	for (i = 0; i < n; i++)
		b[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
	ikey_mem(k, b, n);
}

void
ikey_u32(struct ikey *k, uint32_t v)
{
	put_be(k, v, 4);
}

void
ikey_u64(struct ikey *k, uint64_t v)
{
	put_be(k, v, 8);
}

struct span
ikey_span(const struct ikey *k)
{
	return span_of(k->b, k->n);
}

static uint64_t
get_be(struct span key, size_t off, size_t n)
{
	uint64_t v = 0;
	size_t i;

	if (off > key.n || key.n - off < n)
		return 0;
	for (i = 0; i < n; i++)
		v = v << 8 | key.p[off + i];
	return v;
}

uint32_t
ikey_get32(struct span key, size_t off)
{
	return (uint32_t)get_be(key, off, 4);
}

uint64_t
ikey_get64(struct span key, size_t off)
{
	return get_be(key, off, 8);
}

/* ---- values ---- */

void
codec_put_num(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		buf_chr(b, (unsigned char)(0x80 | (v & 0x7f)));
		v >>= 7;
	}
	buf_chr(b, (unsigned char)v);
}

void
codec_put_int(struct buf *b, int64_t v)
{
	const uint64_t u = (uint64_t)v << 1;

	codec_put_num(b, v < 0 ? ~u : u);
}

void
codec_put_text(struct buf *b, struct span s)
{
	codec_put_num(b, s.n);
	buf_put(b, s);
}

void
codec_put_digest(struct buf *b, const struct digest *d)
{
	buf_put(b, digest_span(d));
}

uint64_t
codec_num(struct codec *c)
{
	uint64_t v = 0;
	unsigned shift;
	unsigned char o;

	for (shift = 0; !c->bad && c->rest.n > 0 && shift < 64; shift += 7) {
		o = c->rest.p[0];
		c->rest = span_from(c->rest, 1);
		if (shift == 63 && o > 1)
			break;
		v |= (uint64_t)(o & 0x7f) << shift;
		if ((o & 0x80) == 0)
			return v;
	}
	c->bad = true;
	return 0;
}

uint32_t
codec_u32(struct codec *c)
{
	const uint64_t v = codec_num(c);

	if (v > UINT32_MAX)
		c->bad = true;
	return c->bad ? 0 : (uint32_t)v;
}

int64_t
codec_int(struct codec *c)
{
	const uint64_t v = codec_num(c);

	return (v & 1) != 0 ? -(int64_t)(v >> 1) - 1 : (int64_t)(v >> 1);
}

struct span
codec_text(struct codec *c)
{
	const uint64_t n = codec_num(c);
	struct span s;

	if (c->bad || n > c->rest.n) {
		c->bad = true;
		return SPAN_NONE;
	}
	s = span_head(c->rest, (size_t)n);
	c->rest = span_from(c->rest, (size_t)n);
	return s;
}

void
codec_raw(struct codec *c, void *out, size_t n)
{
	if (c->bad || n > c->rest.n) {
		c->bad = true;
		memset(out, 0, n);
		return;
	}
	memcpy(out, c->rest.p, n);
	c->rest = span_from(c->rest, n);
}

void
codec_digest(struct codec *c, struct digest *d)
{
	codec_raw(c, d->b, N(d->b));
}

bool
codec_done(const struct codec *c)
{
	return !c->bad && c->rest.n == 0;
}
