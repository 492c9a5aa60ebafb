/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/span.h"

/*
 * An owned buffer that grows.  Running out of memory sets `bad`, every
 * later addition is then a no-op, and the one who uses the result asks once
 * with buf_ok().  Zeroed storage is an empty buffer.
 *
 * What is added must not be part of the buffer itself: it may move.
 */
struct buf {
	unsigned char	*p;
	size_t		 n, cap;
	bool		 bad;
};

#define BUF_INIT	{ NULL, 0, 0, false }

void		 buf_fini(struct buf *);		/* empty as after BUF_INIT */
void		 buf_clear(struct buf *);		/* keeps the storage; not bad any more */
void		 buf_put(struct buf *, struct span);
void		 buf_mem(struct buf *, const void *, size_t);
void		 buf_str(struct buf *, const char *);
void		 buf_chr(struct buf *, unsigned char);
void		 buf_fmt(struct buf *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 buf_u64(struct buf *, uint64_t);	/* decimal */
void		 buf_hex(struct buf *, struct span);	/* lower case */

/* Room for n more octets, to be filled by the caller, who then adds to ->n. */
unsigned char	*buf_room(struct buf *, size_t n);	/* NULL when bad */
void		 buf_drop(struct buf *, size_t n);	/* from the front; at most all */
bool		 buf_ok(const struct buf *);

/* What it holds, valid until the buffer changes; when bad, what it held then. */
struct span	 buf_span(const struct buf *);

/* NUL-terminated view, valid until the buffer changes; "" when bad. */
const char	*buf_cstr(struct buf *);

#endif
