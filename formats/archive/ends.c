/* SPDX-License-Identifier: ISC */
/* What left a mailbox of the source: found by what was not seen of it. */

#include <stdlib.h>

#include "formats/archive/run.h"

#define ENDS_CHUNK	500		/* items looked for in one transaction */
#define KEYS_CHUNK	20000		/* keys passed in one */

/* A place in `sources`, and what was found behind it. */
struct ends {
	uint32_t	src;
	struct ikey	at;		/* go on behind this key */
	bool		more;
	struct span	ref[ENDS_CHUNK];
	size_t		n;
};

/* An item of the source that was there and was not seen: keep its ref. */
static int
end_one(struct asink *s, const struct bitset *seen, struct index_txn *t,
    struct ends *e, uint64_t number, struct arena *arena, struct err *err)
{
	struct row_item row;
	int rc;

	if (seen != NULL && bitset_has(seen, number))
		return 0;
	if ((rc = lookup_item(t, number, &row, err)) != 1)
		return rc == 0 ? index_bad(TABLE_SOURCES, err) : -1;
	if (row.state != ITEM_LIVE || row.born >= s->generation)
		return 0;
	return arena_span(arena, row.item.ref, &e->ref[e->n++]) ? 0 :
	    err_nomem(err);
}

/* Gather some in one transaction. */
static int
gather(struct asink *s, const struct bitset *seen, struct ends *e,
    struct arena *arena, struct err *err)
{
	struct index_walk walk = { NULL };
	struct index_txn t;
	struct span key, v;
	size_t passed = 0;
	int rc;

	e->n = 0;
	e->more = false;
	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_SOURCES, &walk, ikey_span(&e->at), &key, &v,
	    err);
	if (rc == 1 && span_eq(key, ikey_span(&e->at)))
		rc = index_next(&walk, &key, &v, err);
	while (rc == 1 && ikey_get32(key, 0) == e->src) {
		if (e->n == ENDS_CHUNK || passed++ == KEYS_CHUNK) {
			e->more = true;
			break;
		}
		ikey_clear(&e->at);
		ikey_mem(&e->at, key.p, key.n);
		if (end_one(s, seen, &t, e, ikey_get64(key, 12), arena, err) == -1)
			rc = -1;
		else
			rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc == -1 ? -1 : 0;
}

int
ends_log(struct asink *s, const struct bitset *seen, struct span from,
    bool *any, struct err *err)
{
	struct log_line line = { .kind = LOG_EXPUNGED, .mailbox = from };
	struct arena arena = { .head = NULL };
	struct ends *e = calloc(1, sizeof(*e));
	struct index_txn t;
	size_t i;
	int rc = -1;

	if (e == NULL)
		return err_nomem(err);
	if (index_read(s->a->index, &t, err) == -1)
		goto out;
	rc = lookup_name(&t, from, &e->src, err);
	index_end(&t);
	e->more = rc == 1;
	ikey_u32(&e->at, e->src);
	while (rc != -1 && e->more) {
		arena_reset(&arena);
		rc = gather(s, seen, e, &arena, err);
		for (i = 0; rc != -1 && i < e->n; i++) {
			line.ref = e->ref[i];
			*any = true;
			rc = writer_line(s->writer, &line, err);
		}
	}
out:
	arena_fini(&arena);
	free(e);
	return rc == -1 ? -1 : 0;
}
