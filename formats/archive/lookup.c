/* SPDX-License-Identifier: ISC */
/* Rows of the index by key; what they point to lives as the transaction. */

#include "formats/archive/local.h"
#include "formats/archive/indexmeta.h"

static int
get64(struct index_txn *t, enum table table, uint64_t number, struct span *v,
    struct err *err)
{
	struct ikey key = { .n = 0 };

	ikey_u64(&key, number);
	return index_get(t, table, ikey_span(&key), v, err);
}

int
lookup_item(struct index_txn *t, uint64_t number, struct row_item *row,
    struct err *err)
{
	struct span v;
	int rc;

	if ((rc = get64(t, TABLE_ITEMS, number, &v, err)) != 1)
		return rc;
	if (!row_get_item(v, row))
		return index_bad(TABLE_ITEMS, err);
	row->item.number = number;
	return 1;
}

int
lookup_blob(struct index_txn *t, const struct digest *digest,
    struct row_blob *row, struct err *err)
{
	struct ikey key = { .n = 0 };
	struct span v;
	int rc;

	ikey_mem(&key, digest->b, N(digest->b));
	if ((rc = index_get(t, TABLE_BLOBS, ikey_span(&key), &v, err)) != 1)
		return rc;
	return row_get_blob(v, row) ? 1 : index_bad(TABLE_BLOBS, err);
}

int
lookup_mailbox(struct index_txn *t, uint32_t number, struct row_mailbox *row,
    struct err *err)
{
	struct ikey key = { .n = 0 };
	struct span v;
	int rc;

	ikey_u32(&key, number);
	if ((rc = index_get(t, TABLE_MAILBOXES, ikey_span(&key), &v, err)) != 1)
		return rc;
	return row_get_mailbox(v, row) ? 1 : index_bad(TABLE_MAILBOXES, err);
}

int
lookup_name(struct index_txn *t, struct span name, uint32_t *number,
    struct err *err)
{
	struct ikey key = { .n = 0 };
	struct digest digest;
	struct span v;
	int rc;

	sha256_of(name, &digest);
	ikey_mem(&key, digest.b, N(digest.b));
	if ((rc = index_get(t, TABLE_NAMES, ikey_span(&key), &v, err)) == 1)
		*number = ikey_get32(v, 0);
	return rc;
}

int
lookup_generation(struct index_txn *t, uint64_t *number,
    struct row_generation *row, struct err *err)
{
	struct index_walk walk = { NULL };
	struct span key, v;
	int rc;

	*number = 0;
	rc = index_last(t, TABLE_GENERATIONS, &walk, &key, &v, err);
	if (rc == 1) {
		*number = ikey_get64(key, 0);
		if (!row_get_generation(v, row))
			rc = index_bad(TABLE_GENERATIONS, err);
	}
	index_walk_end(&walk);
	return rc;
}

/* The newest change at or before the generation. */
static int
change_at(struct index_txn *t, uint64_t number, uint64_t generation,
    struct row_change *change, struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey key = { .n = 0 };
	struct span k, v;
	int rc;

	ikey_u64(&key, number);
	ikey_u64(&key, generation + 1);
	rc = index_seek(t, TABLE_CHANGES, &walk, ikey_span(&key), &k, &v, err);
	if (rc == 1)
		rc = index_prev(&walk, &k, &v, err);
	else if (rc == 0)
		rc = index_last(t, TABLE_CHANGES, &walk, &k, &v, err);
	if (rc == 1 && ikey_get64(k, 0) != number)
		rc = 0;
	if (rc == 1 && !row_get_change(v, change))
		rc = index_bad(TABLE_CHANGES, err);
	index_walk_end(&walk);
	return rc;
}

int
lookup_at(struct index_txn *t, uint64_t number, uint64_t generation,
    struct row_item *row, struct err *err)
{
	struct row_change change;
	int rc;

	if (row->born > generation)
		return 0;
	if (row->since <= generation)
		return 1;
	if ((rc = change_at(t, number, generation, &change, err)) != 1)
		return rc == 0 ? index_bad(TABLE_CHANGES, err) : -1;
	row->state = change.state;
	row->item.flags = change.flags;
	return 1;
}

/* What is known once never changes. */
static int
load_names(struct archive *a, struct index_txn *t, struct err *err)
{
	struct span v;
	int rc = 0;

	if (a->id.n == 0 && (rc = indexmeta_get(t, META_ARCHIVE, &v, err)) == 1)
		buf_put(&a->id, v);
	if (rc != -1 && a->origin.n == 0 &&
	    (rc = indexmeta_get(t, META_ORIGIN, &v, err)) == 1)
		buf_put(&a->origin, v);
	if (rc != -1 && a->maker.n == 0 &&
	    (rc = indexmeta_get(t, META_MAKER, &v, err)) == 1)
		buf_put(&a->maker, v);
	if (rc == -1)
		return -1;
	return buf_ok(&a->id) && buf_ok(&a->origin) && buf_ok(&a->maker) ? 0 :
	    err_nomem(err);
}

int
lookup_names(struct archive *a, struct err *err)
{
	struct index_txn t;
	int rc;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	(void)pthread_mutex_lock(&a->names);
	rc = load_names(a, &t, err);
	(void)pthread_mutex_unlock(&a->names);
	index_end(&t);
	return rc;
}
