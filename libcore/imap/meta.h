/* SPDX-License-Identifier: ISC */
#ifndef IMAP_META_H
#define IMAP_META_H

#include "mail/item.h"

#include "imap/fetch.h"
#include "imap/uidset.h"

/*
 * The metadata of a whole mailbox, window by window, with a few commands
 * under way ahead of what is used.
 *
 * Every UID is told once.  A mailbox with few messages for its UIDs has its UIDs asked for first; else
 * ranges of UIDs are asked for as they are.  At the end the number of messages is compared with what the
 * server said there were; what is missing is looked for once more.
 */

struct meta;

struct meta_config {
	struct session	*s;
	struct span	 mailbox;	/* name for the items; copied */
	uint32_t	 first;		/* UIDs from here on; at least 1 */
	uint32_t	 limit;		/* and below this; 0: all there are */
	bool		 count;		/* compare with EXISTS: first is 1 */
	bool		 key;
};

struct meta	*meta_new(struct err *);	/* NULL: out of memory */
void		 meta_free(struct meta *);

/* Start on the mailbox that is open in the session. */
int		 meta_begin(struct meta *, const struct meta_config *,
		    struct err *);

/*
 * The next window, sorted by UID.  1; 0: no more.  -1: ERR_SESSION: open the mailbox again, call
 * meta_resume(), and go on; else ERR_MAILBOX, ERR_RUN.
 */
int		 meta_window(struct meta *, struct window *, struct err *);
void		 meta_resume(struct meta *);

/* The last window was given. */
bool		 meta_over(const struct meta *);

/* After the last window: nothing is missing, by all that can be known. */
bool		 meta_complete(const struct meta *);

/* How many messages were told, and how many the server said there were. */
void		 meta_counts(const struct meta *, uint64_t *told, uint64_t *said);

/*
 * While others read the session: a FETCH response that is not theirs, and
 * the end of a command.
 */
int		 meta_fetched(struct meta *, const struct fetched *, struct err *);
int		 meta_tagged(struct meta *, const struct resp *, struct err *);

#endif
