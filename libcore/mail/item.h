/* SPDX-License-Identifier: ISC */
#ifndef MAIL_ITEM_H
#define MAIL_ITEM_H

#include "base/bytes.h"
#include "base/sha256.h"
#include "mail/body.h"
#include "mail/date.h"
#include "mail/ident.h"
#include "mail/mailbox.h"

/*
 * One occurrence of a message in a mailbox, and windows of them.
 */

/* What becomes of an item; set by a filter or by the sink's answer. */
enum verdict {
	VERDICT_NONE,		/* nobody has said yet */
	VERDICT_WANTED,		/* new: its octets are asked for */
	VERDICT_HAVE,		/* there already, the same */
	VERDICT_CHANGED,	/* there already; its flags were brought up to date */
	VERDICT_DROPPED,	/* a rule or an option left it out */
	VERDICT_REFUSED,	/* the destination would not take it */
	VERDICT_UNAVAILABLE,	/* the source would not give it */
	VERDICT_DONE,		/* wanted, and now it is there */
};

struct item {
	/* where it stands */
	uint64_t	number;		/* in an archive; else 0 */
	uint32_t	uid;		/* 0: the place has no UIDs */
	uint32_t	uidvalidity;
	uint64_t	modseq;		/* 0: unknown */

	/* where it came from, never rewritten: `src` of mx-stream(5) */
	struct span	src_mailbox;	/* mail/name.h */
	struct span	ref;		/* "UIDVALIDITY.UID" or what stands for it */

	/* what it is */
	struct span	flags;		/* mail/flags.h, canonical */
	struct date	date;		/* INTERNALDATE */
	uint64_t	size;		/* octets; a hint unless `ident` is there */
	const struct ident *ident;	/* NULL: not known before the octets */
	const struct key   *key;	/* NULL: not known; else as ident's */
	const struct digest *src_digest; /* the digest at the source; NULL: as ident's */
	struct span	emailid, threadid, gm_msgid, gm_thrid;
	struct span	labels;		/* JSON array */
	struct span	was, note;

	/* on its way */
	enum verdict	verdict;
	const char	*reason;	/* a stable code as "present"; constant storage */
	struct body	*body;		/* the octets, where they are in hand already */
	void		*own;		/* the source's */
	uint64_t	 mark;		/* the sink's */
};

/*
 * Up to WINDOW_ITEMS items of one mailbox.  Everything that an item points to
 * lives in the window's arena or longer, until the window is reset.
 */
#define WINDOW_ITEMS	1000

struct window {
	struct item	*v;		/* WINDOW_ITEMS of them */
	size_t		 n;
	struct arena	 arena;
};

int		 window_init(struct window *, struct err *);
void		 window_fini(struct window *);
void		 window_reset(struct window *);

/* A zeroed item at the end of the window; NULL when it is full. */
struct item	*window_add(struct window *);

/*
 * "INBOX/Archive: uid 4711" or "INBOX: ref 17.abc", for messages; safe_put().
 */
void		 item_put(struct buf *, struct span mailbox, const struct item *);

const char	*verdict_name(enum verdict);	/* "wanted", "have", ... */

#endif
