/* SPDX-License-Identifier: ISC */
#ifndef MAIL_UTF7_H
#define MAIL_UTF7_H

#include "base/bytes.h"

/* Modified UTF-7 (RFC 3501 section 5.1.3). */

/*
 * Decode the shifted sequence at the front of *in, from its "&" to its "-", append
 * it and take it off.  False, and *in as it was, where it is not well-formed; a part
 * of it may then have been appended.
 */
bool	utf7_shift(struct span *in, struct buf *);

/* Append the UTF-8 for it.  False where it is not well-formed. */
bool	utf7_decode(struct span, struct buf *);

/* Append the modified UTF-7 for valid UTF-8.  False where it is not valid. */
bool	utf7_encode(struct span, struct buf *);

#endif
