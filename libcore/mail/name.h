/* SPDX-License-Identifier: ISC */
#ifndef MAIL_NAME_H
#define MAIL_NAME_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Mailbox names.
 *
 * A name is its hierarchy components in UTF-8, joined by NUL octets, held
 * in a span or a buffer: {"Work","A/B"} is "Work\0A/B".  Components are not
 * empty and hold no NUL; any other octet may occur.  INBOX is "INBOX" in
 * whatever case it was written, where it is the first component.  Two names are the
 * same mailbox when their octets are equal.
 */

/* Append a component to the name in `name`.  False: it is empty or has NUL. */
bool	name_add(struct buf *name, struct span component);

/* For people and regexes: components joined by "/". */
void	name_put(struct buf *, struct span name);

/* Back from that: every "/" separates, empty components are dropped. */
void	name_split(struct buf *name, struct span shown);

/* A JSON array of strings, and back.  False: no array of sane strings. */
void	name_json(struct buf *, struct span name);
bool	name_parse_json(struct buf *name, struct span json);

/*
 * The path of mx-stream(5): escaped components joined by "/".  Never absolute,
 * never with a component that starts with a dot, never over 255 octets a component.
 */
void	name_path(struct buf *, struct span name);

/*
 * The name for such a path; false where a component was cut, so that the
 * path does not tell.
 */
bool	name_parse_path(struct buf *name, struct span path);

/* Equal but for case (ASCII), as a case-insensitive server would see it. */
bool	name_ieq(struct span, struct span);

#endif
