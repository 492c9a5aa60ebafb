/* SPDX-License-Identifier: ISC */
#ifndef MAIL_MAILBOX_H
#define MAIL_MAILBOX_H

#include "base/bytes.h"
#include "base/err.h"

/* A mailbox as a place tells of it, and lists of them. */

enum mailbox_status {
	MAILBOX_OPEN,		/* it can hold messages */
	MAILBOX_NOSELECT,	/* only a level of the hierarchy */
	MAILBOX_GONE,		/* it was there once */
};

struct mailbox {
	struct span	name;		/* mail/name.h */
	struct span	raw;		/* as on the wire, where that does not
					   round-trip; else none */
	char		delimiter;	/* 0 for none */
	struct span	attributes;	/* LIST's, space-separated, sorted */
	bool		subscribed;
	enum mailbox_status status;
	uint32_t	uidvalidity;	/* 0: has none */
	uint32_t	uidnext;	/* 0: unknown */
	uint64_t	modseq;		/* HIGHESTMODSEQ; 0: unknown */
	struct span	id;		/* MAILBOXID (RFC 8474) */
	bool		counted;	/* messages is known */
	uint64_t	messages;
	bool		sized;		/* octets is known */
	uint64_t	octets;
};

/*
 * A list that owns what its mailboxes point to, each name once.  Zeroed
 * storage is empty.  What stands in `v` may be changed, but for the names and
 * the order: the index goes by them.
 */
struct mailboxes {
	struct mailbox	*v;
	size_t		 n, cap;
	bool		 complete;	/* everything was listed; what is not
					   here does not exist */
	struct arena	 arena;
	uint32_t	*slots;		/* 1 + index, by hash of the name */
	size_t		 nslots;	/* a power of two */
};

void		 mailboxes_fini(struct mailboxes *);

/*
 * A deep copy goes in; it takes the place of one that has the name.  NULL:
 * out of memory; else valid until the next put.
 */
struct mailbox	*mailboxes_put(struct mailboxes *, const struct mailbox *);

/* By name, or NULL. */
struct mailbox	*mailboxes_get(const struct mailboxes *, struct span name);

/*
 * Sort by name: INBOX and what is below it first, a parent before its
 * children, and these before anything else.
 */
void		 mailboxes_sort(struct mailboxes *);

/* Deep copy of one into an arena.  False: out of memory. */
bool		 mailbox_copy(struct arena *, const struct mailbox *in,
		    struct mailbox *out);

const char	*mailbox_status_name(enum mailbox_status);	/* "open" ... */
bool		 mailbox_status_parse(struct span, enum mailbox_status *);

#endif
