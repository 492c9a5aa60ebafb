/* SPDX-License-Identifier: ISC */
#ifndef FLOW_OUTBOX_H
#define FLOW_OUTBOX_H

#include "flow/match.h"
#include "mail/item.h"

/*
 * Messages that were sent and of which nobody knows yet what became: copies,
 * so that they can be sent again, in order.  Internal to the replay.
 *
 * A body over BODY_IN_MEMORY is not copied but borrowed: its sender sees to it
 * that it is gone from here before he gives it back.
 */

struct sent {
	struct sent	*next;
	uint64_t	 cookie;
	struct item	 item;		/* all that it points to is here */
	struct want	 want;
	bool		 in_flight;	/* since the connection was opened */
	bool		 bare;		/* its keywords were taken off */
	bool		 alone;		/* with nothing else in flight */
	unsigned	 lost;		/* how often the connection went while it was alone */

	struct ident	 ident;
	struct key	 key;
	struct digest	 src_digest, digest;
	struct buf	 octets;
	struct body	*borrowed;
	struct arena	 arena;
};

struct outbox {
	struct sent	*head, **tail;
	struct sent	*pool;		/* to be used again */
	size_t		 n;
	uint64_t	 octets;
};

void		 outbox_init(struct outbox *);
void		 outbox_fini(struct outbox *);

/* At the end; the item has an ident.  NULL on failure. */
struct sent	*outbox_put(struct outbox *, const struct item *,
		    struct body *, struct err *);

struct sent	*outbox_get(const struct outbox *, uint64_t cookie);
void		 outbox_drop(struct outbox *, struct sent *);

/* The octets, in `room` where they are not borrowed. */
struct body	*outbox_body(const struct sent *, struct body *room,
		    struct err *);

#endif
