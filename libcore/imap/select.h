/* SPDX-License-Identifier: ISC */
#ifndef IMAP_SELECT_H
#define IMAP_SELECT_H

#include "imap/command.h"

/*
 * EXAMINE for a source, SELECT for a destination (RFC 9051 section 6.3.2); s->sel is what
 * came of it.  Commands still under way are read to their end before.
 * 0: *end tells how it went, and s->sel.open says whether it did.
 */
int	select_open(struct session *, struct span raw, struct resp *end,
	    struct err *);

/* The mailbox's name as it is on the wire; false: it has none there. */
bool	select_name(const struct mailbox *, struct buf *raw);

#endif
