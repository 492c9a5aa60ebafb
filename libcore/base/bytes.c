/* SPDX-License-Identifier: ISC */
/* Octets written as hex digits, read back. */

#include "base/bytes.h"

/* The value of one digit, or -1. */
static int
digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_decode(struct span in, unsigned char *out, size_t n)
{
	size_t i;
	int hi, lo;

	if (in.n % 2 != 0 || in.n / 2 != n)
		return false;
	for (i = 0; i < n; i++) {
		hi = digit(in.p[2 * i]);
		lo = digit(in.p[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return false;
		out[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}
