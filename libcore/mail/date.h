/* SPDX-License-Identifier: ISC */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/bytes.h"

/*
 * Dates: an instant and the zone that it was written in.
 */

struct date {
	int64_t	sec;		/* since 1970, UTC */
	int16_t	zone;		/* minutes east; DATE_NO_ZONE where unknown */
	bool	known;		/* false: there is no date at all */
};

#define DATE_NO_ZONE	INT16_MIN

/*
 * INTERNALDATE (RFC 9051 section 9, date-time), as servers write it: with or
 * without the leading space or zero.  False where it is not one, or where it
 * names no day ("00-Jan-0000").
 */
bool	date_parse_imap(struct span, struct date *);

/* As "07-Feb-1994 22:43:04 -0800"; an unknown zone is written as +0000. */
void	date_put_imap(struct buf *, const struct date *);

/*
 * The Date field (RFC 5322 section 3.3 with its obsolete forms), leniently:
 * comments, missing weekday or seconds, two-digit years, named zones.
 */
bool	date_parse_header(struct span, struct date *);

/* RFC 3339 in UTC: "2026-11-22T08:00:00Z"; and its parser, any offset. */
void	date_put_rfc3339(struct buf *, int64_t sec);
bool	date_parse_rfc3339(struct span, struct date *);

/* The same instant; and the same zone too where both know theirs. */
bool	date_eq(const struct date *, const struct date *);
bool	date_zone_eq(const struct date *, const struct date *);

#endif
