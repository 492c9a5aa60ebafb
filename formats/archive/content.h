/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_CONTENT_H
#define ARCHIVE_CONTENT_H

#include "formats/archive/row.h"
#include "mail/body.h"

/*
 * Octets by where they are: the frames of a reader, the last few of them kept
 * decompressed.  For one thread.
 */

struct content;

struct content	*content_new(const char *dir, struct err *);
void		 content_free(struct content *);

/*
 * The octets of a message into *out, verified against their digest.  They are lent
 * and valid until the next call.  ERR_MESSAGE, STATUS_DATA where they are damaged; the text
 * names segment and frame.
 */
int		 content_get(struct content *, const struct row_blob *,
		    const struct digest *, struct body *out, struct err *);

#endif
