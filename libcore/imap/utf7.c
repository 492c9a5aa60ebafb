/* SPDX-License-Identifier: ISC */
/* Modified UTF-7, and mailbox names between the wire and mail/name.h. */

#include "base/utf8.h"
#include "mail/name.h"

#include "imap/utf7.h"

static const unsigned char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int
digit_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

static bool
is_printable(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* ---- decoding ---- */

/*
 * Add one UTF-16 unit.  *high is the first half of a pair that waits for its
 * second, or 0.  False for what may not stand there: half pairs, NUL, and
 * printable ASCII, which has to represent itself.
 */
static bool
add_unit(struct buf *out, uint32_t unit, uint32_t *high)
{
	if (unit >= 0xdc00 && unit <= 0xdfff) {
		if (*high == 0)
			return false;
		utf8_put(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return true;
	}
	if (*high != 0 || unit == 0 || is_printable(unit))
		return false;
	if (unit >= 0xd800 && unit <= 0xdbff)
		*high = unit;
	else
		utf8_put(out, unit);
	return true;
}

/*
 * Decode one shifted sequence at the front of *in, from its "&" to its "-",
 * and take it off.  False, and *in as it was, where it is not well-formed;
 * `out` may then hold a part of it.
 */
static bool
take_shift(struct span *in, struct buf *out)
{
	struct span s = span_from(*in, 1);
	uint32_t bits = 0, high = 0;
	unsigned nbits = 0;
	int digit;

	if (span_starts(s, "-")) {
		buf_chr(out, '&');
		*in = span_from(s, 1);
		return true;
	}
	for (; s.n > 0 && (digit = digit_of(s.p[0])) != -1; s = span_from(s, 1)) {
		bits = (bits << 6 | (uint32_t)digit) & 0x3fffff;
		nbits += 6;
		if (nbits < 16)
			continue;
		nbits -= 16;
		if (!add_unit(out, bits >> nbits & 0xffff, &high))
			return false;
	}
	/* What pads the last digit is less than a digit, and zeros. */
	if (!span_starts(s, "-") || high != 0 || nbits >= 6 ||
	    (bits & ((UINT32_C(1) << nbits) - 1)) != 0)
		return false;
	s = span_from(s, 1);
	/* "null shifts are not permitted": two sequences must be one. */
	if (s.n >= 2 && s.p[0] == '&' && s.p[1] != '-')
		return false;
	*in = s;
	return true;
}

bool
utf7_decode(struct span in, struct buf *out)
{
	const size_t was = out->n;

	while (in.n > 0) {
		if (in.p[0] == '&') {
			if (!take_shift(&in, out))
				break;
			continue;
		}
		if (!is_printable(in.p[0]))
			break;
		buf_chr(out, in.p[0]);
		in = span_from(in, 1);
	}
	if (in.n > 0)
		out->n = was;
	return in.n == 0;
}

/* ---- encoding ---- */

/* Bits that wait to become a digit. */
struct shift {
	uint32_t	bits;
	unsigned	nbits;
	bool		on;
};

static void
put_unit(struct shift *s, struct buf *out, uint32_t unit)
{
	if (!s->on) {
		buf_chr(out, '&');
		*s = (struct shift){ 0, 0, true };
	}
	s->bits = (s->bits << 16 | unit) & 0x3fffff;
	for (s->nbits += 16; s->nbits >= 6; s->nbits -= 6)
		buf_chr(out, alphabet[s->bits >> (s->nbits - 6) & 63]);
}

static void
end_shift(struct shift *s, struct buf *out)
{
	if (!s->on)
		return;
	if (s->nbits > 0)
		buf_chr(out, alphabet[s->bits << (6 - s->nbits) & 63]);
	buf_chr(out, '-');
	s->on = false;
}

static void
put_char(struct shift *s, struct buf *out, uint32_t cp)
{
	if (is_printable(cp)) {
		end_shift(s, out);
		buf_chr(out, (unsigned char)cp);
		if (cp == '&')
			buf_chr(out, '-');
	} else if (cp >= 0x10000) {
		put_unit(s, out, 0xd800 + ((cp - 0x10000) >> 10));
		put_unit(s, out, 0xdc00 + ((cp - 0x10000) & 0x3ff));
	} else {
		put_unit(s, out, cp);
	}
}

bool
utf7_encode(struct span in, struct buf *out)
{
	const size_t was = out->n;
	struct shift shift = { 0, 0, false };
	uint32_t cp;
	size_t n;

	while (in.n > 0) {
		if ((n = utf8_next(in, &cp)) == 0 || cp == 0) {
			out->n = was;
			return false;
		}
		put_char(&shift, out, cp);
		in = span_from(in, n);
	}
	end_shift(&shift, out);
	return true;
}

/* ---- mailbox names ---- */

/* What an octet that means nothing is shown as. */
static void
put_escaped(struct buf *out, unsigned char c)
{
	buf_chr(out, '%');
	buf_hex(out, span_of(&c, 1));
}

/* Decode a component; never fails, escapes instead. */
static void
decode_component(struct span in, struct buf *out)
{
	uint32_t cp;
	size_t n, was;

	while (in.n > 0) {
		was = out->n;
		if (in.p[0] == '&') {
			if (take_shift(&in, out))
				continue;
			out->n = was;
			put_escaped(out, '&');
			in = span_from(in, 1);
		} else if ((n = utf8_next(in, &cp)) == 0 || cp == 0) {
			put_escaped(out, in.p[0]);
			in = span_from(in, 1);
		} else {
			buf_put(out, span_head(in, n));
			in = span_from(in, n);
		}
	}
}

bool
imap_name_parse(struct buf *name, struct span raw, char delimiter, bool *exact)
{
	struct buf text = BUF_INIT, whole = BUF_INIT, again = BUF_INIT;
	struct span rest = raw, component;
	bool ok;

	if (delimiter == '\0') {
		decode_component(raw, &text);
		(void)name_add(&whole, buf_span(&text));
	}
	while (delimiter != '\0' &&
	    span_next(&rest, (unsigned char)delimiter, &component)) {
		buf_clear(&text);
		decode_component(component, &text);
		/* An empty component is left out; *exact then says so. */
		(void)name_add(&whole, buf_span(&text));
	}
	*exact = imap_name_wire(&again, buf_span(&whole), delimiter) &&
	    span_eq(buf_span(&again), raw);
	ok = buf_ok(&text) && buf_ok(&again) && buf_ok(&whole) && whole.n > 0;
	if (ok)
		buf_put(name, buf_span(&whole));

	buf_fini(&text);
	buf_fini(&whole);
	buf_fini(&again);
	return ok;
}

bool
imap_name_wire(struct buf *raw, struct span name, char delimiter)
{
	const size_t was = raw->n;
	struct span component, coded;
	size_t start;
	bool ok = name.n > 0;

	while (ok && span_next(&name, '\0', &component)) {
		if (raw->n > was) {
			ok = delimiter != '\0';
			buf_chr(raw, (unsigned char)delimiter);
		}
		start = raw->n;
		ok = ok && utf7_encode(component, raw) && buf_ok(raw);
		if (!ok || delimiter == '\0')
			continue;
		coded = span_from(buf_span(raw), start);
		ok = span_find(coded, (unsigned char)delimiter) == coded.n;
	}
	if (!ok)
		raw->n = was;
	return ok;
}
