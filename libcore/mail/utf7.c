/* SPDX-License-Identifier: ISC */
/* Modified UTF-7. */

#include "base/utf8.h"

#include "mail/utf7.h"

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

bool
utf7_shift(struct span *in, struct buf *out)
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
			if (!utf7_shift(&in, out))
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
