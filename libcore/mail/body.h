/* SPDX-License-Identifier: ISC */
#ifndef MAIL_BODY_H
#define MAIL_BODY_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"

/*
 * The octets of a message on their way: held once in memory up to
 * BODY_IN_MEMORY, in an unlinked file beyond; or borrowed.  Its size and digest
 * are known before the first octet is read back.  A body is reused:
 * body_reset() keeps its storage (but gives back what grew beyond
 * BODY_IN_MEMORY / 4).
 */

#define BODY_IN_MEMORY	((size_t)4 << 20)

struct body;

struct body	*body_new(struct err *);	/* NULL: out of memory */
void		 body_free(struct body *);
void		 body_reset(struct body *);

/* Fill: append pieces, then body_end() once.  `expect` octets, or 0: unknown. */
int		 body_begin(struct body *, uint64_t expect, struct err *);
int		 body_add(struct body *, struct span, struct err *);
int		 body_end(struct body *, struct err *);

/*
 * Where the next octets may be written in place, at least 1 and at most `want`
 * of them; then body_added().  For reading a literal from the socket without a
 * copy.  NULL on failure.
 */
unsigned char	*body_room(struct body *, size_t want, size_t *got, struct err *);
int		 body_added(struct body *, size_t, struct err *);

/*
 * Lend octets that outlive the body's use instead of copying them.  `digest`
 * is theirs where the caller has just verified it; NULL: it is computed.
 */
int		 body_lend(struct body *, struct span, const struct digest *,
		    struct err *);

uint64_t		 body_size(const struct body *);
const struct digest	*body_digest(const struct body *);

/*
 * Read it back from the start, in pieces: body_rewind(), then body_next() until
 * it gives 0.  1 a piece that lives until the next call, 0 the end, -1.
 * A body in memory comes in one piece.
 */
void		 body_rewind(struct body *);
int		 body_next(struct body *, struct span *, struct err *);

/* The first octets, at most n, without moving the reading place. */
int		 body_head(struct body *, size_t n, struct span *, struct err *);

#endif
