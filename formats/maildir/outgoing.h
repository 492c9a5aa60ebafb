/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_OUTGOING_H
#define MAILDIR_OUTGOING_H

#include "base/sys.h"
#include "mail/body.h"
#include "mail/dest.h"

/*
 * Messages on their way into one Maildir: written to tmp/, and some dozens of
 * them at a time made durable and linked into cur/.
 *
 * The order is: octets, mtime, fsync of the file; link into cur/; fsync of cur/; only then the
 * outcome.  A crash before the link leaves a file in tmp/, which is no message; one before the last fsync
 * leaves messages that nobody was told of.
 */

#define OUTGOING_MAX	48	/* open files */

struct outgoing;

/* Makes names nobody else makes; shared by all who write, with a lock. */
struct namer;

struct namer	*namer_new(const struct sys *, struct err *);
void		 namer_free(struct namer *);

/* `path` is the Maildir's, and outlives it.  NULL: out of memory. */
struct outgoing	*outgoing_new(const char *path, struct namer *, struct err *);

/* What was not told of is taken back, as far as it is not in cur/. */
void		 outgoing_free(struct outgoing *);

/* One more, with the letters of its flags; ERR_RUN. */
int		 outgoing_put(struct outgoing *, struct body *,
		    const struct date *, struct span letters,
		    struct span lost_flags, uint64_t cookie, struct err *);

bool		 outgoing_full(const struct outgoing *);

/* Store all, and tell of each in order.  After a failure nothing is left. */
int		 outgoing_flush(struct outgoing *, dest_outcome_fn *, void *arg,
		    struct err *);

#endif
