/* SPDX-License-Identifier: ISC */
#ifndef RULES_SUBST_H
#define RULES_SUBST_H

#include "rules/pool.h"
#include "rules/regex.h"
#include "rules/scan.h"

/*
 * Perl's s///: parsed once, then immutable.  Internal to rules/.
 *
 * The replacement is Perl's double-quoted string without variables: $1 ${1}
 * \1 $& ${&} $+{name}; \t \n \r \f \a \e \012 \o{12} \x0a \x{a} \N{U+0a} \cJ; \U \L \u \l \E;
 * and \ before whatever is no letter or digit.  Delimited by ' it is what
 * it is.
 */

/* What it is applied to. */
enum subst_kind {
	SUBST_NAME,	/* mail/name.h: UTF-8; "/" in the replacement is a NUL */
	SUBST_FLAGS,	/* mail/flags.h: octets */
};

struct subst;

/*
 * s->at is at the first delimiter; afterwards behind the flags.  The pool
 * owns the result.  NULL: the error is placed.
 */
struct subst	*subst_parse(struct scan *, struct pool *, enum subst_kind);

/*
 * Find matches in `subject` and append the result to *out, taking all octets that
 * come from the subject out of `shadow`, which is as long.  1 something matched, 0 nothing
 * did (*out is untouched), -1: ERR_MESSAGE: a limit was reached, or the result would be over
 * `max` octets.
 */
int		 subst_apply(const struct subst *, struct regex_run *,
		    struct span subject, struct span shadow, size_t max,
		    struct buf *out, struct err *);

/* The flags behind a regex, as "gi"; `allowed` may hold "g", which is not a regex's. */
int		 subst_flags(struct scan *, const char *allowed,
		    unsigned *regex_flags, bool *global);

#endif
