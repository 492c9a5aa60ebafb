/* SPDX-License-Identifier: ISC */
/* Single messages out of an archive. */

#include "formats/archive/content.h"
#include "formats/archive/local.h"

/* Copy, since what content_get() lends ends with the content. */
static int
copy_body(struct body *from, struct body *to, struct err *err)
{
	struct span piece;
	int more;

	if (body_begin(to, body_size(from), err) == -1)
		return -1;
	body_rewind(from);
	while ((more = body_next(from, &piece, err)) == 1)
		if (body_add(to, piece, err) == -1)
			return -1;
	return more == -1 ? -1 : body_end(to, err);
}

static int
read_blob(struct archive *a, const struct row_blob *blob,
    const struct digest *digest, struct body *out, struct err *err)
{
	struct content *content = content_new(a->dir, err);
	struct body *lent = body_new(err);
	int rc = -1;

	if (content != NULL && lent != NULL &&
	    content_get(content, blob, digest, lent, err) == 0)
		rc = copy_body(lent, out, err);
	body_free(lent);
	content_free(content);
	return rc == -1 ? -1 : 1;
}

/* ---- by digest ---- */

static int
nibble(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The first digest with that prefix. */
static int
parse_prefix(struct span hex, struct digest *out, struct err *err)
{
	size_t i;
	int n;

	*out = (struct digest){ { 0 } };
	for (i = 0; i < hex.n && i < N(out->b) * 2; i++) {
		if ((n = nibble(hex.p[i])) == -1)
			break;
		out->b[i / 2] |= (unsigned char)(i % 2 == 0 ? n << 4 : n);
	}
	if (i == hex.n && i > 0)
		return 0;
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%.*s: is no digest, nor the start of one", SPAN_ARG(hex));
}

static bool
has_prefix(struct span key, const struct digest *prefix, size_t nibbles)
{
	return key.n == N(prefix->b) &&
	    span_eq(span_head(key, nibbles / 2),
	    span_of(prefix->b, nibbles / 2)) &&
	    (nibbles % 2 == 0 ||
	    key.p[nibbles / 2] >> 4 == prefix->b[nibbles / 2] >> 4);
}

/* 1, and digest and place; 0; -1. */
static int
find_prefix(struct index_txn *t, struct span hex, struct digest *digest,
    struct row_blob *blob, struct err *err)
{
	struct index_walk walk = { NULL };
	struct digest prefix;
	struct codec c;
	struct span key, v;
	int rc;

	if (parse_prefix(hex, &prefix, err) == -1)
		return -1;
	rc = index_seek(t, TABLE_BLOBS, &walk, digest_span(&prefix), &key, &v, err);
	if (rc == 1 && !has_prefix(key, &prefix, hex.n))
		rc = 0;
	if (rc == 1) {
		c = (struct codec){ key, false };
		codec_digest(&c, digest);
		if (!row_get_blob(v, blob))
			rc = index_bad(TABLE_BLOBS, err);
		else if (index_next(&walk, &key, &v, err) == 1 &&
		    has_prefix(key, &prefix, hex.n))
			rc = err_set(err, ERR_RUN, STATUS_USAGE,
			    "%.*s: more than one message begins so", SPAN_ARG(hex));
	}
	index_walk_end(&walk);
	return rc;
}

int
archive_read_digest(struct archive *a, struct span hex, struct body *out,
    struct err *err)
{
	struct index_txn t;
	struct digest digest;
	struct row_blob blob;
	int rc;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	rc = find_prefix(&t, hex, &digest, &blob, err);
	index_end(&t);
	return rc == 1 ? read_blob(a, &blob, &digest, out, err) : rc;
}

/* ---- by item ---- */

int
archive_read_number(struct archive *a, uint64_t number, struct body *out,
    struct err *err)
{
	struct index_txn t;
	struct row_blob blob;
	struct row_item row;
	int rc;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	if ((rc = lookup_item(&t, number, &row, err)) == 1 &&
	    (rc = lookup_blob(&t, &row.ident.digest, &blob, err)) == 0)
		rc = err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "%s: no segment holds the octets of item %llu", a->dir,
		    (unsigned long long)number);
	index_end(&t);
	return rc == 1 ? read_blob(a, &blob, &row.ident.digest, out, err) : rc;
}

/* The last item that was given that UID.  1, 0, -1. */
static int
find_place(struct index_txn *t, uint32_t box, uint32_t validity, uint32_t uid,
    uint64_t *number, struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey from = { .n = 0 };
	struct span key, v;
	int rc, found = 0;

	ikey_u32(&from, box);
	ikey_u32(&from, validity);
	ikey_u32(&from, uid);
	rc = index_seek(t, TABLE_PLACES, &walk, ikey_span(&from), &key, &v, err);
	while (rc == 1 && span_eq(span_head(key, from.n), ikey_span(&from))) {
		*number = ikey_get64(key, 12);
		found = 1;
		rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return rc == -1 ? -1 : found;
}

/* The next UIDVALIDITY of a mailbox, from *validity on.  1, 0, -1. */
static int
next_validity(struct index_txn *t, uint32_t box, uint32_t *validity,
    struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey from = { .n = 0 };
	struct span key, v;
	int rc;

	ikey_u32(&from, box);
	ikey_u32(&from, *validity);
	rc = index_seek(t, TABLE_PLACES, &walk, ikey_span(&from), &key, &v, err);
	if (rc == 1 && ikey_get32(key, 0) != box)
		rc = 0;
	if (rc == 1)
		*validity = ikey_get32(key, 4);
	index_walk_end(&walk);
	return rc;
}

/* Of the UIDVALIDITY that the mailbox has now, else of the highest that has the UID. */
static int
find_uid(struct index_txn *t, uint32_t box, uint32_t current, uint32_t uid,
    uint64_t *number, struct err *err)
{
	uint32_t validity = 0;
	int rc, found;

	if ((found = find_place(t, box, current, uid, number, err)) != 0)
		return found;
	while ((rc = next_validity(t, box, &validity, err)) == 1) {
		if ((rc = find_place(t, box, validity, uid, number, err)) == -1)
			break;
		found |= rc;
		if (validity++ == UINT32_MAX)
			break;
	}
	return rc == -1 ? -1 : found;
}

int
archive_read_uid(struct archive *a, struct span mailbox, uint32_t uid,
    struct body *out, struct err *err)
{
	struct row_mailbox row;
	struct index_txn t;
	uint64_t number = 0;
	uint32_t box;
	int rc;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	if ((rc = lookup_name(&t, mailbox, &box, err)) == 1 &&
	    (rc = lookup_mailbox(&t, box, &row, err)) == 1)
		rc = find_uid(&t, box, row.m.uidvalidity, uid, &number, err);
	index_end(&t);
	return rc == 1 ? archive_read_number(a, number, out, err) : rc;
}
