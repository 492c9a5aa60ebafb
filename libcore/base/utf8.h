/* SPDX-License-Identifier: ISC */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* UTF-8 (RFC 3629), and text made safe for people to look at. */

/*
 * Decode the character at the front.  Its length in octets (1 to 4) and the
 * code point; 0 where the octets are not valid UTF-8 or the span is empty.
 */
size_t	utf8_next(struct span, uint32_t *cp);

bool	utf8_valid(struct span);

/* What is no character is written as U+FFFD. */
void	utf8_put(struct buf *, uint32_t cp);

/* Not one of those that safe_put() below escapes. */
bool	utf8_is_plain(uint32_t cp);

/*
 * Append `in` so that no terminal obeys it and no log line breaks: C0, C1,
 * DEL and invalid octets as \xNN for each octet, bidi controls (U+202A-202E, 2066-2069,
 * 200E, 200F, 061C) and line separators as \u{NNNN}; all else as it is.
 */
void	safe_put(struct buf *, struct span in);

#endif
