/* SPDX-License-Identifier: ISC */
#ifndef MAIL_FLAGS_H
#define MAIL_FLAGS_H

#include "base/bytes.h"

/*
 * Flags and keywords (RFC 9051 section 2.3.2) as one canonical text:
 * separated by single spaces; the system flags first, in their canonical
 * case and this order: \Answered \Deleted \Draft \Flagged \Seen; then all
 * others sorted without regard to ASCII case, each once (the first spelling
 * is kept).  \Recent is never among them.
 */

enum flag_bits {
	FLAG_ANSWERED	= 1 << 0,
	FLAG_DELETED	= 1 << 1,
	FLAG_DRAFT	= 1 << 2,
	FLAG_FLAGGED	= 1 << 3,
	FLAG_SEEN	= 1 << 4,
	FLAG_FORWARDED	= 1 << 5,	/* the keyword $Forwarded */
};

/* Append the canonical form of a space-separated list. */
void		flags_canon(struct buf *, struct span list);

/* Canonical lists: equal but for ASCII case. */
bool		flags_eq(struct span, struct span);

/* Whether the list has this flag; ASCII case is ignored. */
bool		flags_have(struct span list, struct span flag);

unsigned	flags_bits(struct span list);

/* Maildir letters of a list, in ASCII order, NUL-terminated: "DFPRST". */
void		flags_letters(struct span list, char out[8]);

/* The flag for a Maildir letter, NULL where there is none. */
const char	*flags_of_letter(char);

/*
 * One that may be sent as it is: "\" atom or atom of RFC 9051 section 9,
 * and not \Recent.
 */
bool		flags_valid(struct span flag);

#endif
