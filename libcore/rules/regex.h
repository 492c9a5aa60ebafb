/* SPDX-License-Identifier: ISC */
#ifndef RULES_REGEX_H
#define RULES_REGEX_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Regular expressions: all that this program knows of PCRE2.
 *
 * Perl's syntax, newline LF.  REGEX_UTF is for texts that are meant to be UTF-8: characters, Unicode properties
 * and case; octets that are none match nothing.  Without it every octet is a
 * character.  Internal to rules/.
 */

enum regex_flag {
	REGEX_UTF	= 1 << 0,
	REGEX_ICASE	= 1 << 1,	/* i */
	REGEX_MULTI	= 1 << 2,	/* m */
	REGEX_DOTALL	= 1 << 3,	/* s */
	REGEX_EXTENDED	= 1 << 4,	/* x */
};

struct regex;		/* immutable: any number of threads may use it */

/* NULL: ERR_RUN, STATUS_USAGE, and *at is the offset that it is about. */
struct regex	*regex_new(struct span pattern, unsigned flags, size_t *at,
		    struct err *);
void		 regex_free(struct regex *);
uint32_t	 regex_groups(const struct regex *);

/* The number of the group with this name; 0: there is none. */
uint32_t	 regex_named(const struct regex *, const char *name);

/*
 * What matching needs, for one thread: limits, and the result, of which the
 * first `groups` groups can be asked for.
 */
struct regex_run;

struct regex_run *regex_run_new(uint32_t groups, struct err *);	/* NULL: no memory */
void		 regex_run_free(struct regex_run *);

/*
 * Search from the octet `from` on; what stands before can be looked at.  `nonempty`: an
 * empty match at `from` does not count.  1 found, 0 not, -1: ERR_MESSAGE,
 * STATUS_DATA, when a limit was reached; ERR_RUN when memory was.
 */
int		 regex_exec(const struct regex *, struct regex_run *,
		    struct span subject, size_t from, bool nonempty,
		    struct err *);

/*
 * Of the last match: where group `i` stands, 0 being all of it.  False: it
 * took no part; both are 0 then.
 */
bool		 regex_group(const struct regex_run *, uint32_t i, size_t *from,
		    size_t *to);

/*
 * Append the text with all letters in upper case (`up`) or in lower case: of Unicode
 * where it is valid UTF-8 and `utf` is set, of ASCII else.  Letters that become several
 * (sharp s) stay.
 */
void		 regex_case(struct buf *, struct span, bool utf, bool up);

#endif
