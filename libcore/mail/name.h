/* SPDX-License-Identifier: ISC */
#ifndef MAIL_NAME_H
#define MAIL_NAME_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Mailbox names.
 *
 * A name is its hierarchy components in UTF-8, joined by NUL octets, held in a
 * span or a buffer: {"Work","A/B"} is "Work\0A/B".  Components are not empty
 * and hold no NUL; any other octet may occur.  INBOX is "INBOX" in whatever
 * case it was written, where it is the first component.  Two names are the same
 * mailbox when their octets are equal.
 */

/* Append a component to the name in `name`.  False: it is empty or has NUL. */
bool	name_add(struct buf *name, struct span component);

/* For people and regexes: components joined by "/". */
void	name_put(struct buf *, struct span name);

/* Back from that: every "/" separates, empty components are dropped. */
void	name_split(struct buf *name, struct span shown);

/*
 * A JSON array of strings, and back; every name comes back as it was.  An octet
 * that is not UTF-8 stands there as the private character U+10FE00 + octet, and
 * one of U+10FE80 to U+10FEFF as four such, one for each of its octets.  False:
 * no array of one or more sane strings; nothing was appended then.
 */
void	name_json(struct buf *, struct span name);
bool	name_parse_json(struct buf *name, struct span json);

/*
 * The path of mx-stream(5): escaped components joined by "/".  Never absolute,
 * never with a component that starts with a dot, never over 255 octets a
 * component.
 */
void	name_path(struct buf *, struct span name);

/*
 * Append the name for such a path; false, and nothing appended, where a
 * component was cut, so that the path does not tell, or is empty, or where "%"
 * begins no escape.
 */
bool	name_parse_path(struct buf *name, struct span path);

/* Equal but for case (ASCII), as a case-insensitive server would see it. */
bool	name_ieq(struct span, struct span);

#endif
