/* SPDX-License-Identifier: ISC */
#ifndef MAIL_DEST_H
#define MAIL_DEST_H

#include "base/err.h"
#include "mail/item.h"

/*
 * A destination: a place that messages are added to one by one and that has
 * a will of its own (a server, a Maildir).  flow/replay.h turns it into a sink, with dedup and receipt;
 * a destination only says what is there and adds what it is told to.
 *
 * A connection (struct dest_conn) belongs to one thread and has one mailbox
 * open at a time.  Errors: ERR_MESSAGE, ERR_MAILBOX; ERR_SESSION: the connection is
 * lost, and what becomes of appends under way is unknown: the caller opens
 * the mailbox again (dest_conn_ops.open reconnects, with backoff) and looks; ERR_RUN.
 */

struct dest;
struct dest_conn;

/* The state of an opened mailbox. */
struct dest_mailbox {
	uint32_t	uidvalidity;	/* 0: the place has none */
	uint32_t	uidnext;	/* before anything of ours; 0: unknown */
	uint64_t	messages;
	bool		keywords_any;	/* new keywords may be made ("\*") */
	struct span	flags;		/* PERMANENTFLAGS, canonical; lives as
					   long as the mailbox is open */
	bool		created;	/* was not there before */
	bool		rewrites;	/* known to change messages: neither size nor
					   octets tell whether one is there */
};

/* One message that is there. */
struct dest_message {
	uint32_t	uid;		/* 0: none */
	struct span	ref;		/* for places without UIDs */
	uint64_t	size;
	struct date	date;
	struct span	flags;
	struct key	key;
};

typedef int	dest_message_fn(void *arg, const struct dest_message *,
		    struct err *);

/* How an append ended. */
struct dest_outcome {
	uint64_t	cookie;		/* of dest_conn_ops.append */
	bool		stored;
	uint32_t	uidvalidity, uid;	/* 0: the place did not say */
	struct span	ref;		/* for places without UIDs */
	struct span	lost_flags;	/* flags that it would not keep, or none */
	bool		lost_date;	/* nor the date: not sent, or known to be changed */
	bool		for_flags;	/* not stored, perhaps for its flags: without
					   keywords it may be */
	struct err	why;		/* where it was not stored: ERR_MESSAGE */
};

typedef int	dest_outcome_fn(void *arg, const struct dest_outcome *,
		    struct err *);

struct dest_ops {
	/* Every mailbox that is there. */
	int	(*list)(struct dest *, struct mailboxes *, struct err *);
	struct dest_conn *(*open)(struct dest *, struct err *);

	/*
	 * Who it is, for the receipt: URL without secrets, and a stable text of
	 * user, host, port and login name that a target is recognised by.  Lives as the dest.
	 */
	struct span (*url)(struct dest *);
	struct span (*target)(struct dest *);
	bool	has_uids;
	bool	keeps_zone;	/* INTERNALDATE's zone survives */
	void	(*close)(struct dest *);
};

struct dest {
	const struct dest_ops	*ops;
};

struct dest_conn_ops {
	/*
	 * Open a mailbox, creating (and subscribing) it where it is missing and `create`
	 * is set; reconnects where the connection was lost.  1 open; 0 it is not there
	 * and create was not set; -1.  The struct comes zeroed.
	 */
	int	(*open)(struct dest_conn *, const struct mailbox *, bool create,
		    struct dest_mailbox *, struct err *);

	/* Tell of every message from uid `first` on (0: all), in order. */
	int	(*scan)(struct dest_conn *, uint32_t first, dest_message_fn *,
		    void *arg, struct err *);

	/* The octets of one message there, to be compared. */
	int	(*fetch)(struct dest_conn *, uint32_t uid, struct span ref,
		    struct body *, struct err *);

	/*
	 * Add a message.  The octets have left when this returns, the outcome may
	 * come in this call, a later one, or settle(); each cookie's comes once, unless the
	 * connection is lost.  Order of calls is order in the mailbox.
	 */
	int	(*append)(struct dest_conn *, const struct item *, struct body *,
		    uint64_t cookie, dest_outcome_fn *, void *arg, struct err *);

	/* Wait for every outcome that is still out, and make all durable. */
	int	(*settle)(struct dest_conn *, dest_outcome_fn *, void *arg,
		    struct err *);

	void	(*close)(struct dest_conn *);
};

struct dest_conn {
	const struct dest_conn_ops *ops;
};

#endif
