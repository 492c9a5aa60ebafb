/* SPDX-License-Identifier: ISC */
#ifndef FLOW_COPY_H
#define FLOW_COPY_H

#include "base/sys.h"
#include "mail/endpoint.h"
#include "mail/report.h"

/*
 * The copy engine: everything is a copy from a source to a sink.
 *
 * For each job a thread with a cursor and a lane of its own: the cursor's window goes through
 * the filter, is offered to the lane mailbox by mailbox, and what is wanted is delivered from
 * cursor to lane; a batch is committed after so many octets, items or seconds, at
 * the end of a mailbox with much in it, and at the end.  The first ERR_RUN ends all jobs after
 * their batch in hand is committed; so does stop_flag.
 */

/*
 * A filter stands between.  It sees a window's items (all of one mailbox), may set
 * VERDICT_DROPPED with a reason, change flags, and name another mailbox for each.
 */
struct filter {
	/*
	 * to[i] is where v[i] goes: NULL for dropped, `from` itself, or a mailbox
	 * that lives until the next call.  Threads call this at once, each with its own `state` of open().
	 */
	int	(*apply)(void *state, const struct mailbox *from, struct item *v,
		    size_t n, const struct mailbox **to, struct err *);

	/*
	 * Where a mailbox itself goes, even when empty; NULL: nowhere.  *to lives until
	 * the next call of the filter; asked again with the mailbox's last state.
	 */
	int	(*mailbox)(void *state, const struct mailbox *from,
		    const struct mailbox **to, struct err *);

	void	*(*open)(void *arg, struct err *);
	void	(*close)(void *state);
	void	*arg;
};

struct copy {
	struct source		*from;
	struct sink		*to;
	const struct filter	*filter;	/* NULL: none */
	select_fn		*select;	/* NULL: every mailbox */
	void			*select_arg;
	unsigned		 jobs;		/* 0: 1 */
	bool			 dry;		/* offer only; nothing is fetched or put;
						   WANTED items are reported as such; neither
						   commit() nor end() is called, and every
						   finish() says SCOPE_PARTIAL */
	const struct sys	*sys;
	const struct report	*report;
};

struct copy_result {
	bool		complete;	/* nothing was passed over or cut short, as far as the
					   engine sees: what a lane refuses after put()
					   returned comes through the report alone */
	bool		interrupted;	/* by stop_flag */
	uint64_t	mailboxes;
	uint64_t	passed_mailboxes;	/* could not be read or written */
	uint64_t	octets;		/* of what was put */
};

/*
 * 0 when the run came to its end, whatever was passed over (see the result and the
 * report), or was interrupted; -1 when it was broken off: ERR_RUN.  What was committed stays in
 * every case.  A mailbox is SCOPE_COMPLETE for the lane only where the cursor says so, nothing
 * was dropped or missed, and every item's src_mailbox was the mailbox itself.
 * sink_ops.end() gets the source's list where it is complete; with a filter, also the mailboxes
 * that things went to.  The caller closes source and sink.
 */
int	copy_run(const struct copy *, struct copy_result *, struct err *);

#endif
