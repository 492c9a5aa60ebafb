/* SPDX-License-Identifier: ISC */
/*
 * SHA-256 by OpenSSL.  A hash that fails half way can only be a broken
 * library or no memory inside it; a wrong digest must not leave this file,
 * so that ends the process.
 */

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

struct sha256 {
	EVP_MD_CTX	*ctx;
	EVP_MD		*md;
};

struct sha256 *
sha256_new(struct err *err)
{
	struct sha256 *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		goto nomem;
	if ((h->md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		goto nomem;
	if ((h->ctx = EVP_MD_CTX_new()) == NULL)
		goto nomem;
	sha256_reset(h);
	return h;
nomem:
	sha256_free(h);
	(void)err_nomem(err);
	return NULL;
}

void
sha256_free(struct sha256 *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

void
sha256_reset(struct sha256 *h)
{
	if (EVP_DigestInit_ex(h->ctx, h->md, NULL) != 1)
		abort();
}

void
sha256_add(struct sha256 *h, struct span s)
{
	if (s.n > 0 && EVP_DigestUpdate(h->ctx, s.p, s.n) != 1)
		abort();
}

void
sha256_end(struct sha256 *h, struct digest *out)
{
	unsigned n = 0;

	if (EVP_DigestFinal_ex(h->ctx, out->b, &n) != 1 || n != N(out->b))
		abort();
}

void
sha256_peek(const struct sha256 *h, struct digest *out)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned n = 0;

	if (copy == NULL || EVP_MD_CTX_copy_ex(copy, h->ctx) != 1 ||
	    EVP_DigestFinal_ex(copy, out->b, &n) != 1 || n != N(out->b))
		abort();
	EVP_MD_CTX_free(copy);
}

void
sha256_of(struct span s, struct digest *out)
{
	size_t n = 0;

	if (EVP_Q_digest(NULL, "SHA256", NULL, s.n > 0 ? s.p : out->b, s.n,
	    out->b, &n) != 1 || n != N(out->b))
		abort();
}

bool
digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, N(a->b)) == 0;
}

struct span
digest_span(const struct digest *d)
{
	return span_of(d->b, N(d->b));
}

void
digest_put(struct buf *b, const struct digest *d)
{
	buf_hex(b, digest_span(d));
}

bool
digest_parse(struct span hex, struct digest *out)
{
	return hex_decode(hex, out->b, N(out->b));
}
