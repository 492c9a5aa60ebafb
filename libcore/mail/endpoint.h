/* SPDX-License-Identifier: ISC */
#ifndef MAIL_ENDPOINT_H
#define MAIL_ENDPOINT_H

#include "base/err.h"
#include "mail/item.h"

/*
 * Places where mail rests, as the copy engine (flow/copy.h) sees them.
 *
 * A source is read through cursors, a sink written through lanes; each
 * cursor and each lane belongs to one thread, a source or sink may have
 * several at once.  One mailbox at a time: the cursor names it, then gives
 * its items in windows of metadata; the lane answers which it wants; the
 * cursor delivers those, in order; when the mailbox is over the lane is
 * told whether it was seen completely.  Only there does absence mean anything.
 *
 * Scopes of errors: ERR_MESSAGE spoils one item, ERR_MAILBOX the rest of the
 * mailbox, ERR_RUN everything.  A cursor or lane that talks to a server
 * reconnects and resumes by itself and says ERR_RUN when it gives up.
 */

/* How much of a mailbox was enumerated. */
enum scope {
	SCOPE_PARTIAL,		/* filtered, refused or interrupted */
	SCOPE_COMPLETE,		/* every item, and the count agreed */
};

/* ---- sources ---- */

/* What the reader wants to know of items beyond what costs nothing. */
enum need {
	NEED_KEY	= 1 << 0,	/* item.key */
	NEED_IDENT	= 1 << 1,	/* item.ident: costs the octets on a server */
};

struct source_about {
	struct span	origin;		/* URL without secrets */
	struct span	id;		/* UUID of the archive or stream; or none */
	uint64_t	generation;	/* 0: has none */
	uint64_t	left_out;	/* items that the view leaves out */
	bool		complete;	/* false: it ends incomplete; known at the end */
};

/* Whether a mailbox is to be read; `arg` is the chooser's. */
typedef bool	select_fn(void *arg, const struct mailbox *);

struct source;
struct cursor;

/* Takes one item's octets, or body NULL and why they could not be had. */
typedef int	deliver_fn(void *arg, struct item *, struct body *,
		    const struct err *why, struct err *);

struct source_ops {
	/*
	 * Every mailbox, selected or not.  1; 0: this place cannot tell before it
	 * is read (a stream); -1.
	 */
	int	(*list)(struct source *, struct mailboxes *, struct err *);

	/* Read only these; before the first cursor.  arg outlives the source. */
	void	(*select)(struct source *, select_fn *, void *arg);

	/* A reader of its own; threads may call this at once.  NULL: failure. */
	struct cursor *(*open)(struct source *, struct err *);

	/* Spans live as the source. */
	void	(*about)(struct source *, struct source_about *);

	/* Free everything; every cursor was closed before. */
	void	(*close)(struct source *);
};

struct source {
	const struct source_ops	*ops;
};

struct cursor_ops {
	/*
	 * Go to the next mailbox that no cursor has taken yet.  1 and *out, which
	 * lives until the next call; 0: none is left; -1: ERR_MAILBOX: this one
	 * cannot be opened (*out is set; go on with the next call), or ERR_RUN.
	 */
	int	(*mailbox)(struct cursor *, const struct mailbox **out,
		    struct err *);

	/*
	 * Fill the window, reset before, with the next items of the mailbox in
	 * its order.  1; 0: no more; -1: ERR_MAILBOX or ERR_RUN.
	 */
	int	(*window)(struct cursor *, struct window *, struct err *);

	/*
	 * Deliver every item of the window whose verdict is VERDICT_WANTED, in order,
	 * each exactly once.  -1: ERR_MAILBOX, ERR_RUN, or what deliver returned.
	 */
	int	(*fetch)(struct cursor *, struct window *, deliver_fn *,
		    void *arg, struct err *);

	/*
	 * The mailbox is over: how much of it was seen, and its last state (UIDNEXT,
	 * HIGHESTMODSEQ as they were before the enumeration).  SCOPE_COMPLETE claims
	 * that every item whose src_mailbox is this mailbox was given here: a source
	 * whose items may stand elsewhere than at their src says SCOPE_PARTIAL unless
	 * it knows that none does.
	 */
	int	(*finish)(struct cursor *, enum scope *,
		    const struct mailbox **state, struct err *);

	void	(*close)(struct cursor *);
};

struct cursor {
	const struct cursor_ops	*ops;
};

/* ---- sinks ---- */

struct sink;
struct lane;

struct sink_ops {
	struct lane *(*open)(struct sink *, struct err *);

	/*
	 * All is over, every lane closed.  `all` is the source's complete list or
	 * NULL; of the mailboxes that were `chosen` and are known here but not
	 * listed, absence may be concluded (chosen NULL: all were).  complete is false when the run was cut
	 * short or something was passed over; reason is then a word or two.
	 */
	int	(*end)(struct sink *, const struct mailboxes *all,
		    select_fn *chosen, void *arg, bool complete,
		    const char *reason, struct err *);

	void	(*close)(struct sink *);
};

struct sink {
	const struct sink_ops	*ops;
};

struct lane_ops {
	/* Items of this mailbox come next.  It is created where it is missing. */
	int	(*mailbox)(struct lane *, const struct mailbox *, struct err *);

	/*
	 * Answer v[0..n): set each verdict (WANTED, HAVE, CHANGED, REFUSED) and
	 * reason.  Items that were VERDICT_DROPPED before stay out of it, but were seen.
	 */
	int	(*offer)(struct lane *, struct item *v, size_t n, struct err *);

	/*
	 * Take one wanted item.  The lane may finish it later, but no later than in
	 * commit(); the outcome is counted by the lane's sink through its report.  The body
	 * is the caller's again when this returns.  ERR_MESSAGE: this item was refused.
	 */
	int	(*put)(struct lane *, struct item *, struct body *, struct err *);

	/* The source could not give a wanted item. */
	int	(*missed)(struct lane *, const struct item *, const struct err *why,
		    struct err *);

	/*
	 * The source's mailbox `from` (mail/name.h) is over.  `state` is its last state
	 * under the name that it has here: the same name, or where a filter sends
	 * it; items of it may have been offered under other names as well.  With
	 * SCOPE_COMPLETE absence means something for the items whose src_mailbox is
	 * `from`, wherever they stand here, and for no others: those that were not
	 * offered since the source's mailbox began are gone from the source.
	 * Called once for each source mailbox for which mailbox() was called.
	 */
	int	(*finish)(struct lane *, struct span from,
		    const struct mailbox *state, enum scope, struct err *);

	/* Make everything put so far durable. */
	int	(*commit)(struct lane *, struct err *);

	void	(*close)(struct lane *);
};

struct lane {
	const struct lane_ops	*ops;
};

#endif
