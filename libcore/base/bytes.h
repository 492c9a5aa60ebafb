/* SPDX-License-Identifier: ISC */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

/*
 * Mail is bytes: a borrowed span, an owned buffer, an arena of copies.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Hex digits of either case to octets: false unless `in` is exactly 2 * n of
 * them, and `out` is then not to be used.
 */
bool		 hex_decode(struct span in, unsigned char *out, size_t n);

#endif
