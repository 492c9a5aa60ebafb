/* SPDX-License-Identifier: ISC */
#ifndef IMAP_BODIES_H
#define IMAP_BODIES_H

#include "mail/endpoint.h"

#include "imap/meta.h"

/*
 * The octets of messages: read from the socket straight into bodies, with a
 * few commands under way, and delivered in the order of the window.
 */

struct bodies;

struct bodies	*bodies_new(struct err *);	/* NULL: out of memory */
void		 bodies_free(struct bodies *);

/*
 * What is wanted in the window, which must stay.  Responses that are
 * metadata go to `meta`.
 */
void		 bodies_begin(struct bodies *, struct session *, struct meta *,
		    struct window *, deliver_fn *, void *arg);

/*
 * Deliver all of it.  0; -1: ERR_SESSION: open the mailbox again, call bodies_resume(),
 * and go on; else ERR_MAILBOX, ERR_RUN, or what deliver returned.
 */
int		 bodies_run(struct bodies *, struct err *);
void		 bodies_resume(struct bodies *);

/* The error came out of the deliver function. */
bool		 bodies_refused(const struct bodies *);

/* One message alone, into `body`.  1; 0: the server has no octets for it. */
int		 bodies_one(struct session *, uint32_t uid, struct body *,
		    struct err *);

#endif
