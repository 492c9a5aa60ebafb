/* SPDX-License-Identifier: ISC */
#ifndef IMAP_UTF7_H
#define IMAP_UTF7_H

#include "mail/utf7.h"

/*
 * A mailbox name from the wire into a name (mail/name.h): split at the delimiter (0: none),
 * components decoded (8-bit octets are taken as UTF-8; what cannot be decoded has its octets escaped as
 * %XX).  *exact is false where imap_name_wire() would not give the same octets back.
 */
bool	imap_name_parse(struct buf *name, struct span raw, char delimiter,
	    bool *exact);

/*
 * And back; false where a component holds the delimiter, so that the server could not hold it.
 */
bool	imap_name_wire(struct buf *raw, struct span name, char delimiter);

#endif
