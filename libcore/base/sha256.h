/* SPDX-License-Identifier: ISC */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * SHA-256 (FIPS 180-4), by OpenSSL.  Should OpenSSL fail half way, the process
 * is aborted: nothing can go on with a digest that may be wrong.
 */

struct digest {
	unsigned char	b[32];
};

struct sha256;		/* a running hash; reusable after sha256_reset() */

struct sha256	*sha256_new(struct err *);	/* NULL: out of memory */
void		 sha256_free(struct sha256 *);
void		 sha256_reset(struct sha256 *);
void		 sha256_add(struct sha256 *, struct span);

/* The digest of what was added; call sha256_reset() before the next use. */
void		 sha256_end(struct sha256 *, struct digest *);

/* The digest of what was added so far; adding may go on. */
void		 sha256_peek(const struct sha256 *, struct digest *);

void		 sha256_of(struct span, struct digest *);
bool		 digest_eq(const struct digest *, const struct digest *);
struct span	 digest_span(const struct digest *);
void		 digest_put(struct buf *, const struct digest *);	/* hex */
bool		 digest_parse(struct span hex, struct digest *);

#endif
