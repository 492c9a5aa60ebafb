/* SPDX-License-Identifier: ISC */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/bytes.h"

/*
 * The header of a message (RFC 5322 section 2.2), scanned as it is: lines
 * end in CRLF, LF, or a mixture; nothing is repaired and nothing is refused.
 */

/*
 * Length of the header with the empty line behind it; the whole span where
 * there is no empty line.
 */
size_t	header_length(struct span message);

struct field {
	struct span	name;	/* without the colon and blanks before it */
	struct span	value;	/* raw, folds and all, without the last line end */
	struct span	whole;	/* with its line ends */
};

/*
 * Take the next field off the front of *rest.  A line without a colon is a
 * field with an empty name, so nothing is lost.  False at the end or at the
 * empty line.
 */
bool	header_next(struct span *rest, struct field *);

/* The first field of that name; ASCII case is ignored.  False: none. */
bool	header_get(struct span header, const char *name, struct field *);

/*
 * Append a value unfolded and normalised for comparison: folds and runs of
 * blanks become one space, the ends are trimmed, NUL and octets from 0x80 on become "?".
 */
void	header_normal(struct buf *, struct span value);

#endif
