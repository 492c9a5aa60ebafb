/* SPDX-License-Identifier: ISC */
#ifndef IMAP_LIST_H
#define IMAP_LIST_H

#include "imap/command.h"

/* Which mailboxes there are, and how they stand. */

/*
 * Every mailbox the server shows, with what LIST-STATUS tells where it is offered, in one round
 * trip then.  out->complete is set where every command was answered with OK and each
 * name is one mailbox, and there is one; what is wrong goes to the report.
 * `sizes`: octets too where the server can tell (STATUS=SIZE).
 */
int	list_all(struct session *, bool sizes, struct mailboxes *out,
	    struct err *);

/* STATUS of one mailbox.  What the server does not tell stays 0. */
struct list_status {
	uint64_t	messages, modseq, octets;
	uint32_t	uidnext, uidvalidity;
	bool		counted, sized;
	bool		refused;	/* NO or BAD */
};

int	list_status(struct session *, struct span raw, const char *items,
	    struct list_status *, struct err *);

/* Whether LIST shows this very name, and with which delimiter.  1, 0, -1. */
int	list_has(struct session *, struct span raw, bool *noselect,
	    struct err *);

/* The hierarchy delimiter where no NAMESPACE tells: LIST "" "". */
int	list_delimiter(struct session *, char *, struct err *);

#endif
