/* SPDX-License-Identifier: ISC */
/* Base64 (RFC 4648 section 4), as SASL exchanges are coded in. */

#include "net/sasl.h"

static const unsigned char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_put(struct buf *out, struct span in)
{
	uint32_t group;
	size_t i;

	for (; in.n > 0; in = span_from(in, 3)) {
		group = (uint32_t)in.p[0] << 16;
		if (in.n > 1)
			group |= (uint32_t)in.p[1] << 8;
		if (in.n > 2)
			group |= in.p[2];
		for (i = 0; i < 4; i++)
			buf_chr(out, i > in.n ? '=' :
			    alphabet[group >> (18 - 6 * i) & 63]);
	}
}

static int
digit_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(struct span in, struct buf *out)
{
	const size_t was = out->n;
	uint32_t bits = 0;
	unsigned nbits = 0, pad;
	int digit;

	if (in.n % 4 != 0)
		return false;
	for (pad = 0; pad < 2 && in.n > 0 && in.p[in.n - 1] == '='; pad++)
		in.n--;
	for (; in.n > 0 && (digit = digit_of(in.p[0])) != -1; in = span_from(in, 1)) {
		bits = (bits << 6 | (uint32_t)digit) & 0xffff;
		nbits += 6;
		if (nbits >= 8) {
			nbits -= 8;
			buf_chr(out, (unsigned char)(bits >> nbits & 0xff));
		}
	}
	/* The last digit may hold no more than the padding says. */
	if (in.n == 0 && nbits == 2 * pad && (bits & ((1U << nbits) - 1)) == 0)
		return true;
	out->n = was;
	return false;
}
