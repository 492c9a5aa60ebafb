/* SPDX-License-Identifier: ISC */
#ifndef FLOW_DIFF_H
#define FLOW_DIFF_H

#include "mail/endpoint.h"
#include "mail/report.h"

/*
 * Compare two sources, mailbox by mailbox, message by message.
 *
 * Messages are paired one to one within a mailbox: by digest where both sides have it, then by canon,
 * then by key; among equal candidates those that agree in date and flags come first, then
 * they are paired in order.  What is left is paired across mailboxes as
 * moved; the rest is missing (only in A) or extra (only in B).  Dates are compared where both
 * sides have one.
 *
 * Rows come mailbox by mailbox as these are over on both sides, in A's order; then what moved or is missing
 * in A's order, then what is extra in B's.  A mailbox that one side could not read is reported and
 * not compared.
 *
 * In memory: 150 octets a message with its ref, for the mailboxes that one side has had and the other
 * may still bring: with two sides that can list and have one order, one mailbox; of a stream, all.
 */

enum diff_kind {
	DIFF_MISSING	= 1 << 0,	/* in A, not in B */
	DIFF_EXTRA	= 1 << 1,	/* in B, not in A */
	DIFF_MOVED	= 1 << 2,	/* in another mailbox of B */
	DIFF_FLAGS	= 1 << 3,
	DIFF_DATE	= 1 << 4,	/* another instant */
	DIFF_ZONE	= 1 << 5,	/* the same instant in another zone (asked for only) */
	DIFF_BODY	= 1 << 6,	/* octets differ; where a side has only a size: sizes differ */
	DIFF_MAILBOX_MISSING = 1 << 7,	/* a mailbox that holds nothing: only in A ... */
	DIFF_MAILBOX_EXTRA = 1 << 8,	/* ... only in B */
};

struct diff_side {
	struct span	mailbox;
	uint32_t	uid;
	struct span	ref;
	struct span	flags;
	struct date	date;
	uint64_t	size;
	bool		has_digest;
	struct digest	digest;
};

/* A difference; lives until the callback returns. */
struct diff_row {
	unsigned		 kinds;		/* one, or several of FLAGS DATE ZONE BODY (and MOVED) */
	const struct diff_side	*a, *b;		/* NULL where there is none */
};

struct diff_stat {			/* per mailbox; moved counts at A's */
	struct span	mailbox;
	uint64_t	a, b, same, missing, extra, moved, flags, date, body;
};

struct diff_config {
	struct source	*a, *b;
	unsigned	 ignore;	/* of enum diff_kind */
	bool		 zone;		/* also compare zones where both know theirs */
	bool		 sizes;		/* where a side has no digest, compare sizes */
	select_fn	*select[2];	/* of a and of b; NULL: every mailbox */
	void		*select_arg[2];
	int		(*row)(void *, const struct diff_row *, struct err *);
	int		(*stat)(void *, const struct diff_stat *, struct err *);
	void		*arg;
	const struct report *report;
};

struct diff_result {
	uint64_t	same, differ;	/* messages */
	bool		complete;	/* both sides were read completely */
};

/*
 * 0, or -1: ERR_RUN, also STATUS_INTERRUPTED, or what a callback said.  What is ignored
 * counts as the same; missing and extra that are ignored count as neither.
 */
int	diff_run(const struct diff_config *, struct diff_result *, struct err *);

#endif
