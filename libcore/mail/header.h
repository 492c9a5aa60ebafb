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

/* Longer names are none; RFC 5322 allows lines of 998. */
#define HEADER_NAME_MAX	255

/*
 * Take the next field off the front of *rest.  A name is printable ASCII
 * without blanks (RFC 5322 section 3.6.8, ftext), at most HEADER_NAME_MAX
 * octets, with a colon behind it on the same line, perhaps after SP or HT
 * (section 4.5).  A line that does not begin so ("From " of an mbox, say) is a
 * field with an empty name and itself as the value, so nothing is lost.  A line
 * that begins with SP or HT continues the one before.  False at the end or at
 * the empty line.
 */
bool	header_next(struct span *rest, struct field *);

/* The first field of that name; ASCII case is ignored.  False: none. */
bool	header_get(struct span header, const char *name, struct field *);

/*
 * Append a value unfolded and normalised for comparison: folds and runs of
 * blanks become one space, the ends are trimmed, NUL and octets from 0x80 on
 * become "?".
 */
void	header_normal(struct buf *, struct span value);

/*
 * The same in pieces.  Zeroed storage is the start of a value.  Takes the next
 * run of octets other than SP HT CR LF off the front of *rest; *gap says that a
 * space belongs before it.  False when *rest is used up; the value may then go
 * on with another piece, be it in the middle of a run.
 */
struct header_runs {
	bool	any;		/* a run was given */
	bool	blank;		/* blanks came after it */
};

bool	header_run(struct header_runs *, struct span *rest, struct span *run,
	    bool *gap);

/* ftext = %d33-57 / %d59-126, RFC 5322 section 3.6.8 */
static inline bool
header_is_ftext(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != ':';
}

#endif
