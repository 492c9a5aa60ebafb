/* SPDX-License-Identifier: ISC */
#ifndef IMAP_APPEND_H
#define IMAP_APPEND_H

#include "mail/dest.h"

#include "imap/command.h"

/*
 * APPEND (RFC 9051 section 6.3.12), several under way at a time: each is one
 * command, and outcomes come in the order of sending.
 */

struct append;

struct append	*append_new(struct err *);	/* NULL: out of memory */
void		 append_free(struct append *);

/* To this mailbox, open in the session, from now on; `raw` must stay. */
void		 append_begin(struct append *, struct session *, struct span raw);

/*
 * One message.  ERR_MESSAGE: nothing was sent, and there is no outcome; ERR_SESSION: the connection is lost, or
 * was closed because it cannot be trusted or is throttled, and what is out is unknown.  Other errors come after the outcomes of all that was sent.
 */
int		 append_put(struct append *, const struct item *, struct body *,
		    uint64_t cookie, dest_outcome_fn *, void *arg, struct err *);

/* Read until nothing is out. */
int		 append_settle(struct append *, dest_outcome_fn *, void *arg,
		    struct err *);

bool		 append_is_settled(const struct append *);

/*
 * Of the flags wanted, those that may be stored here (canonical, to `keep`), and those
 * that may not (to `lost`).
 */
void		 append_flags(const struct selected *, struct span wanted,
		    struct buf *keep, struct buf *lost);

#endif
