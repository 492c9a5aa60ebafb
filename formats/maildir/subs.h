/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_SUBS_H
#define MAILDIR_SUBS_H

#include "formats/maildir/tree.h"

/*
 * The file `subscriptions` at the root of a tree: a line for each mailbox,
 * with its path as the tree has it, but for Maildir++ without the first dot;
 * INBOX for the root.  Read also as Dovecot's version 2 has it: a line "V\t2",
 * and components separated by tabs.
 */

/* Set `subscribed` of the tree's mailboxes; no file is fine.  -1: ERR_RUN. */
int	subs_read(struct tree *, struct err *);

/* Add mailbox i, unless it is there; durable when this returns 0. */
int	subs_add(struct tree *, size_t i, struct err *);

#endif
