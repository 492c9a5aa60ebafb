/* SPDX-License-Identifier: ISC */
/*
 * What a batch does to the index, row by row.  The index follows from the
 * order of the entries alone: item and mailbox numbers are given here.
 */

#include <string.h>

#include "formats/archive/batch.h"
#include "formats/archive/indexmeta.h"
#include "mail/flags.h"

/* One mailbox row is held and written back when another is asked for. */
struct box {
	uint32_t		number;		/* 0: none */
	bool			dirty;
	struct row_mailbox	row;
	struct arena		arena;		/* what row points to */
};

struct apply {
	struct index_txn	*txn;
	struct batch		*batch;
	struct row_state	 state;
	struct row_generation	 generation;
	struct box		 box;
	struct buf		 value;
	struct buf		 name;		/* looked up last ... */
	uint32_t		 name_number;	/* ... and what it is */
};

static int
put_value(struct apply *a, enum table table, const struct ikey *key,
    struct err *err)
{
	if (!buf_ok(&a->value))
		return err_nomem(err);
	return index_put(a->txn, table, ikey_span(key), buf_span(&a->value), err);
}

static struct ikey
key32(uint32_t n)
{
	struct ikey k = { .n = 0 };

	ikey_u32(&k, n);
	return k;
}

static struct ikey
key64(uint64_t n)
{
	struct ikey k = { .n = 0 };

	ikey_u64(&k, n);
	return k;
}

/* ---- mailboxes ---- */

static int
box_flush(struct apply *a, struct err *err)
{
	const struct ikey key = key32(a->box.number);

	if (!a->box.dirty)
		return 0;
	buf_clear(&a->value);
	row_put_mailbox(&a->value, &a->box.row);
	a->box.dirty = false;
	return put_value(a, TABLE_MAILBOXES, &key, err);
}

/* Hold the row of that number. */
static struct row_mailbox *
box_at(struct apply *a, uint32_t number, struct err *err)
{
	const struct ikey key = key32(number);
	struct box *box = &a->box;
	struct row_mailbox row;
	struct span v;
	int rc;

	if (box->number == number)
		return &box->row;
	if (box_flush(a, err) == -1)
		return NULL;
	box->number = 0;
	if ((rc = index_get(a->txn, TABLE_MAILBOXES, ikey_span(&key), &v,
	    err)) == -1)
		return NULL;
	if (rc == 0 || !row_get_mailbox(v, &row)) {
		(void)index_bad(TABLE_MAILBOXES, err);
		return NULL;
	}
	arena_reset(&box->arena);
	box->row = row;
	if (!mailbox_copy(&box->arena, &row.m, &box->row.m)) {
		(void)err_nomem(err);
		return NULL;
	}
	box->number = number;
	return &box->row;
}

static int
box_new(struct apply *a, struct span name, const struct ikey *hash,
    struct err *err)
{
	struct row_mailbox row = {
		.m = { .name = name }, .first = a->batch->generation,
	};
	const struct ikey key = key32(a->state.next_mailbox);

	if (a->state.next_mailbox == UINT32_MAX)
		return err_set(err, ERR_RUN, STATUS_DATA, "too many mailboxes");
	buf_clear(&a->value);
	row_put_mailbox(&a->value, &row);
	if (put_value(a, TABLE_MAILBOXES, &key, err) == -1)
		return -1;
	a->state.next_mailbox++;
	return index_put(a->txn, TABLE_NAMES, ikey_span(hash), ikey_span(&key),
	    err);
}

/* The number of a name; it gets one where it has none. */
static int
number_of(struct apply *a, struct span name, uint32_t *number, struct err *err)
{
	struct ikey hash = { .n = 0 };
	struct digest digest;
	struct span v;
	int rc;

	if (a->name_number != 0 && span_eq(name, buf_span(&a->name))) {
		*number = a->name_number;
		return 0;
	}
	sha256_of(name, &digest);
	ikey_mem(&hash, digest.b, N(digest.b));
	if ((rc = index_get(a->txn, TABLE_NAMES, ikey_span(&hash), &v,
	    err)) == -1)
		return -1;
	*number = rc == 1 ? ikey_get32(v, 0) : a->state.next_mailbox;
	if (rc == 0 && box_new(a, name, &hash, err) == -1)
		return -1;
	buf_clear(&a->name);
	buf_put(&a->name, name);
	a->name_number = buf_ok(&a->name) ? *number : 0;
	return 0;
}

static struct row_mailbox *
box_named(struct apply *a, struct span name, uint32_t *number, struct err *err)
{
	if (number_of(a, name, number, err) == -1)
		return NULL;
	return box_at(a, *number, err);
}

/* It stands in the archive as a mailbox now. */
static void
box_known(struct apply *a)
{
	struct row_mailbox *row = &a->box.row;

	if (!row->known)
		row->first = a->batch->generation;
	row->known = true;
	row->gone = 0;
	if (row->m.status == MAILBOX_GONE)
		row->m.status = MAILBOX_OPEN;
	a->box.dirty = true;
}

/*
 * A directory entry.  One without UIDNEXT or HIGHESTMODSEQ leaves what was there,
 * unless UIDVALIDITY changed: then it is void.
 */
static int
apply_mailbox(struct apply *a, const struct mailbox *m, struct err *err)
{
	struct row_mailbox *row;
	struct mailbox next = *m;
	uint32_t number;

	if ((row = box_named(a, m->name, &number, err)) == NULL)
		return -1;
	if (m->uidvalidity == row->m.uidvalidity) {
		if (next.uidnext == 0)
			next.uidnext = row->m.uidnext;
		if (next.modseq == 0)
			next.modseq = row->m.modseq;
	}
	next.counted = next.sized = false;
	next.messages = next.octets = 0;
	if (!mailbox_copy(&a->box.arena, &next, &row->m))
		return err_nomem(err);
	box_known(a);
	return 0;
}

/* ---- items ---- */

static int
put_item(struct apply *a, uint64_t number, const struct row_item *row,
    struct err *err)
{
	const struct ikey key = key64(number);

	buf_clear(&a->value);
	row_put_item(&a->value, row);
	return put_value(a, TABLE_ITEMS, &key, err);
}

/* The octets are in its entry: say where, unless they are known elsewhere. */
static int
put_blob(struct apply *a, const struct op_item *o, uint64_t number,
    struct err *err)
{
	const struct row_blob blob = {
		.segment = a->batch->segment, .frame = o->frame,
		.inside = o->inside, .length = o->ident.size, .item = number,
	};
	struct ikey key = { .n = 0 };
	struct span v;
	int rc;

	ikey_mem(&key, o->ident.digest.b, N(o->ident.digest.b));
	if ((rc = index_get(a->txn, TABLE_BLOBS, ikey_span(&key), &v, err)) != 0)
		return rc == 1 ? 0 : -1;
	buf_clear(&a->value);
	row_put_blob(&a->value, &blob);
	a->state.octets += o->ident.size;
	return put_value(a, TABLE_BLOBS, &key, err);
}

/* The keys that lead to an item. */
static int
put_ways(struct apply *a, const struct row_item *row, uint64_t number,
    struct err *err)
{
	struct ikey source = key32(row->src), place = key32(row->home);
	struct ikey key = { .n = 0 };
	unsigned char ref8[8];

	(void)row_ref8(row->item.ref, ref8);
	ikey_mem(&source, ref8, N(ref8));
	ikey_u64(&source, number);
	ikey_u32(&place, row->item.uid == 0 ? 0 : row->item.uidvalidity);
	ikey_u32(&place, row->item.uid);
	ikey_u64(&place, number);
	if (index_put(a->txn, TABLE_SOURCES, ikey_span(&source), SPAN_NONE,
	    err) == -1 ||
	    index_put(a->txn, TABLE_PLACES, ikey_span(&place), SPAN_NONE,
	    err) == -1)
		return -1;
	if (row->ident.key.kind == KEY_NONE)
		return 0;
	ikey_mem(&key, row->ident.key.id, N(row->ident.key.id));
	ikey_u64(&key, number);
	return index_put(a->txn, TABLE_KEYS, ikey_span(&key), SPAN_NONE, err);
}

/* Count it where it stands and where it came from. */
static int
count_item(struct apply *a, const struct row_item *row, struct err *err)
{
	struct row_mailbox *box;

	if (row->src != row->home) {
		if ((box = box_at(a, row->src, err)) == NULL)
			return -1;
		box->strays++;
		a->box.dirty = true;
	}
	if ((box = box_at(a, row->home, err)) == NULL)
		return -1;
	box_known(a);
	box->items++;
	box->octets += row->ident.size;
	box->live++;
	box->live_octets += row->ident.size;
	a->generation.born++;
	return 0;
}

/* ---- changes ---- */

static int
put_change(struct apply *a, uint64_t number, uint64_t generation,
    enum item_state state, struct span flags, struct err *err)
{
	const struct row_change change = { state, flags };
	struct ikey key = key64(number);

	ikey_u64(&key, generation);
	buf_clear(&a->value);
	row_put_change(&a->value, &change);
	return put_value(a, TABLE_CHANGES, &key, err);
}

/*
 * Changes hold what an item was from each generation on, its birth included;
 * an item that never changed since the generation it was born in has none.
 */
static int
put_history(struct apply *a, uint64_t number, const struct row_item *row,
    enum item_state state, struct span flags, struct err *err)
{
	const uint64_t now = a->batch->generation;

	if (row->since == row->born && now > row->since &&
	    put_change(a, number, row->born, row->state, row->item.flags,
	    err) == -1)
		return -1;
	if (now == row->born)
		return 0;
	return put_change(a, number, now, state, flags, err);
}

static int
count_change(struct apply *a, const struct row_item *row, enum item_state next,
    struct err *err)
{
	const bool before = item_state_shown(row->state);
	const bool after = item_state_shown(next);
	struct row_mailbox *box;

	if (next == ITEM_LIVE)
		a->generation.changed++;
	else
		a->generation.ended++;
	if (before == after)
		return 0;
	if ((box = box_at(a, row->home, err)) == NULL)
		return -1;
	box->live = after ? box->live + 1 : box->live - 1;
	box->live_octets = after ? box->live_octets + row->ident.size :
	    box->live_octets - row->ident.size;
	a->box.dirty = true;
	return 0;
}

/* What a line says of one item. */
struct change {
	enum item_state	state;
	bool		flagged;	/* it says the flags, and that the item is there */
	struct span	flags;
};

/* Whether there is anything to change: only what lives can end. */
static bool
changes(const struct row_item *row, const struct change *c)
{
	if (c->flagged)
		return row->state != ITEM_LIVE ||
		    !span_eq(row->item.flags, c->flags);
	return row->state == ITEM_LIVE;
}

static int
change_item(struct apply *a, uint64_t number, const struct change *c,
    struct err *err)
{
	const struct ikey key = key64(number);
	struct buf kept = BUF_INIT;
	struct row_item row;
	struct span v, flags;
	int rc;

	if ((rc = index_get(a->txn, TABLE_ITEMS, ikey_span(&key), &v,
	    err)) == -1)
		return -1;
	/* Puts move what a value points to: work on a copy of it. */
	buf_put(&kept, v);
	rc = -1;
	if (!buf_ok(&kept)) {
		(void)err_nomem(err);
		goto out;
	}
	if (!row_get_item(buf_span(&kept), &row)) {
		(void)index_bad(TABLE_ITEMS, err);
		goto out;
	}
	rc = 0;
	if (!changes(&row, c))
		goto out;
	flags = c->flagged ? c->flags : row.item.flags;
	rc = -1;
	if (put_history(a, number, &row, c->state, flags, err) == -1 ||
	    count_change(a, &row, c->state, err) == -1)
		goto out;
	row.state = c->state;
	row.item.flags = flags;
	row.since = a->batch->generation;
	rc = put_item(a, number, &row, err);
out:
	buf_fini(&kept);
	return rc;
}

/* ---- items that come ---- */

/*
 * The same message of the same source in an earlier generation: a sink never writes it
 * twice, unless the segment that has it was damaged or not there yet, and is
 * whole again.  1 and its number, 0, -1.
 */
static int
find_twin(struct apply *a, const struct row_item *row, uint64_t *number,
    struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey prefix = key32(row->src), at;
	struct row_item twin;
	unsigned char ref8[8];
	struct span key, v;
	int more, rc, found = 0;

	(void)row_ref8(row->item.ref, ref8);
	ikey_mem(&prefix, ref8, N(ref8));
	more = index_seek(a->txn, TABLE_SOURCES, &walk, ikey_span(&prefix), &key,
	    &v, err);
	while (more == 1 && found == 0 && span_eq(span_head(key, prefix.n),
	    ikey_span(&prefix))) {
		*number = ikey_get64(key, 12);
		at = key64(*number);
		rc = index_get(a->txn, TABLE_ITEMS, ikey_span(&at), &v, err);
		if (rc == 0 || (rc == 1 && !row_get_item(v, &twin)))
			rc = index_bad(TABLE_ITEMS, err);
		found = rc == 1 && twin.born < row->born &&
		    twin.home == row->home &&
		    span_eq(twin.item.ref, row->item.ref) &&
		    digest_eq(&twin.ident.digest, &row->ident.digest);
		more = rc == -1 ? -1 : index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return more == -1 ? -1 : found;
}

static int
add_item(struct apply *a, struct op_item *o, const struct row_item *row,
    struct err *err)
{
	o->item.number = a->state.next_item++;
	if (put_item(a, o->item.number, row, err) == -1 ||
	    put_ways(a, row, o->item.number, err) == -1 ||
	    (!o->link && put_blob(a, o, o->item.number, err) == -1))
		return -1;
	return count_item(a, row, err);
}

static int
apply_item(struct apply *a, struct op_item *o, struct err *err)
{
	struct row_item row = {
		.born = a->batch->generation, .since = a->batch->generation,
		.state = ITEM_LIVE, .letters = flags_bits(o->item.flags),
		.item = o->item, .ident = o->ident,
	};
	const struct change seen = {
		.state = ITEM_LIVE, .flagged = true, .flags = o->item.flags,
	};
	int rc;

	if (number_of(a, o->home, &row.home, err) == -1 ||
	    number_of(a, o->item.src_mailbox, &row.src, err) == -1)
		return -1;
	if (o->item.src_digest != NULL &&
	    !digest_eq(o->item.src_digest, &o->ident.digest)) {
		row.altered = true;
		row.src_digest = *o->item.src_digest;
	}
	if ((rc = find_twin(a, &row, &o->item.number, err)) == -1)
		return -1;
	return rc == 1 ? change_item(a, o->item.number, &seen, err) :
	    add_item(a, o, &row, err);
}

/* ---- changes of a source ---- */

/* Whether the item has exactly that ref; none matches every one. */
static int
has_ref(struct apply *a, uint64_t number, struct span ref, struct err *err)
{
	const struct ikey key = key64(number);
	struct row_item row;
	struct span v;
	int rc;

	if (ref.n == 0)
		return 1;
	if ((rc = index_get(a->txn, TABLE_ITEMS, ikey_span(&key), &v,
	    err)) == -1)
		return -1;
	if (rc == 0 || !row_get_item(v, &row))
		return index_bad(TABLE_ITEMS, err);
	return span_eq(row.item.ref, ref) ? 1 : 0;
}

/*
 * Change every item of a source mailbox with that ref; none: all of them.
 * `sources` itself is not written meanwhile, so its keys stay where they are.
 */
static int
change_source(struct apply *a, struct span mailbox, struct span ref,
    const struct change *c, struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey prefix = { .n = 0 };
	unsigned char ref8[8];
	struct span key, v;
	uint32_t number;
	int more, rc;

	if (number_of(a, mailbox, &number, err) == -1)
		return -1;
	ikey_u32(&prefix, number);
	if (ref.n > 0) {
		(void)row_ref8(ref, ref8);
		ikey_mem(&prefix, ref8, N(ref8));
	}
	more = index_seek(a->txn, TABLE_SOURCES, &walk, ikey_span(&prefix), &key,
	    &v, err);
	while (more == 1 && span_eq(span_head(key, prefix.n),
	    ikey_span(&prefix))) {
		const uint64_t item = ikey_get64(key, 12);

		rc = has_ref(a, item, ref, err);
		if (rc == -1 || (rc == 1 && change_item(a, item, c, err) == -1)) {
			more = -1;
			break;
		}
		more = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return more == -1 ? -1 : 0;
}

/* ---- log lines ---- */

static int
apply_scope(struct apply *a, const struct log_line *l, struct err *err)
{
	struct row_mailbox *box;
	uint32_t number;

	if ((box = box_named(a, l->mailbox, &number, err)) == NULL)
		return -1;
	box->scoped = true;
	box->complete = l->complete;
	box->scope = a->batch->generation;
	box->gone = 0;
	if (box->m.status == MAILBOX_GONE)
		box->m.status = MAILBOX_OPEN;
	a->box.dirty = true;
	return 0;
}

static int
apply_gone(struct apply *a, const struct log_line *l, struct err *err)
{
	const struct change c = { .state = ITEM_EXPUNGED };
	struct row_mailbox *box;
	uint32_t number;

	if (change_source(a, l->mailbox, SPAN_NONE, &c, err) == -1 ||
	    (box = box_named(a, l->mailbox, &number, err)) == NULL)
		return -1;
	box->m.status = MAILBOX_GONE;
	box->gone = a->batch->generation;
	a->box.dirty = true;
	return 0;
}

/* A new name for the same number; not where that has a number of its own. */
static int
apply_renamed(struct apply *a, const struct log_line *l, struct err *err)
{
	struct ikey from = { .n = 0 }, to = { .n = 0 }, key;
	struct row_mailbox *box;
	struct digest digest;
	uint32_t number;
	struct span v;
	int rc;

	if ((box = box_named(a, l->mailbox, &number, err)) == NULL)
		return -1;
	sha256_of(l->mailbox, &digest);
	ikey_mem(&from, digest.b, N(digest.b));
	sha256_of(l->to_mailbox, &digest);
	ikey_mem(&to, digest.b, N(digest.b));
	key = key32(number);
	if ((rc = index_get(a->txn, TABLE_NAMES, ikey_span(&to), &v, err)) != 0)
		return rc == 1 ? 0 : -1;
	a->name_number = 0;
	box->m.name = l->to_mailbox;	/* lives as the batch, which is longer */
	box->renamed = true;
	a->box.dirty = true;
	if (index_del(a->txn, TABLE_NAMES, ikey_span(&from), err) == -1)
		return -1;
	return index_put(a->txn, TABLE_NAMES, ikey_span(&to), ikey_span(&key),
	    err);
}

static int
apply_line(struct apply *a, const struct log_line *l, struct err *err)
{
	struct change c = { .state = ITEM_LIVE };

	switch (l->kind) {
	case LOG_FLAGS:
		c.flagged = true;
		c.flags = l->flags;
		break;
	case LOG_EXPUNGED:
		c.state = ITEM_EXPUNGED;
		break;
	case LOG_PURGED:
		c.state = ITEM_PURGED;
		break;
	case LOG_MOVED:
		c.state = ITEM_MOVED;
		break;
	case LOG_MAILBOX_GONE:
		return apply_gone(a, l, err);
	case LOG_RENAMED:
		return apply_renamed(a, l, err);
	case LOG_SCOPE:
		return apply_scope(a, l, err);
	case LOG_GENERATION:
		if (l->number == a->batch->generation)
			a->generation.complete = l->complete;
		return 0;
	}
	return l->ref.n == 0 ? 0 : change_source(a, l->mailbox, l->ref, &c, err);
}

/* ---- the batch ---- */

/* What the first head says that says it. */
static int
put_first(struct apply *a, enum meta m, struct span value, struct err *err)
{
	struct span v;
	int rc;

	if (value.n == 0)
		return 0;
	if ((rc = indexmeta_get(a->txn, m, &v, err)) != 0)
		return rc == 1 ? 0 : -1;
	return indexmeta_put(a->txn, m, value, err);
}

static int
apply_head(struct apply *a, struct err *err)
{
	const struct batch *b = a->batch;

	if (!b->headed)
		return 0;
	if (put_first(a, META_ARCHIVE, b->id, err) == -1 ||
	    put_first(a, META_ORIGIN, b->origin, err) == -1)
		return -1;
	return put_first(a, META_MAKER, b->maker, err);
}

/* The generation's row, made with its first segment. */
static int
load_generation(struct apply *a, struct err *err)
{
	const struct ikey key = key64(a->batch->generation);
	struct span v;
	int rc;

	if ((rc = index_get(a->txn, TABLE_GENERATIONS, ikey_span(&key), &v,
	    err)) == -1)
		return -1;
	a->generation = (struct row_generation){ .created = a->batch->created };
	if (rc == 1 && !row_get_generation(v, &a->generation))
		return index_bad(TABLE_GENERATIONS, err);
	return 0;
}

static int
store_rows(struct apply *a, struct err *err)
{
	const struct batch *b = a->batch;
	const struct row_segment row = {
		.length = b->length, .generation = b->generation,
		.items = b->items, .bytes = b->bytes,
		.sealed = b->sealed, .sha = b->sha, .damage = b->damage,
	};
	struct ikey key = key64(b->generation);

	if (box_flush(a, err) == -1)
		return -1;
	buf_clear(&a->value);
	row_put_generation(&a->value, &a->generation);
	if (put_value(a, TABLE_GENERATIONS, &key, err) == -1)
		return -1;
	key = key64(b->segment);
	buf_clear(&a->value);
	row_put_segment(&a->value, &row);
	if (put_value(a, TABLE_SEGMENTS, &key, err) == -1)
		return -1;
	return indexmeta_state_put(a->txn, &a->state, err);
}

static int
apply_part(struct apply *a, struct op_list *list, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < list->n; i++)
		switch (list->v[i].kind) {
		case OP_MAILBOX:
			rc = apply_mailbox(a, list->v[i].u.mailbox, err);
			break;
		case OP_ITEM:
			rc = apply_item(a, list->v[i].u.item, err);
			break;
		case OP_LINE:
			rc = apply_line(a, list->v[i].u.line, err);
			break;
		}
	return rc;
}

static int
apply(struct index_txn *txn, void *arg, struct err *err)
{
	struct apply a = { .txn = txn, .batch = arg };
	size_t i;
	int rc;

	rc = indexmeta_state(txn, &a.state, err);
	if (rc == 0)
		rc = apply_head(&a, err);
	if (rc == 0)
		rc = load_generation(&a, err);
	for (i = 0; rc == 0 && i < BATCH_PARTS; i++)
		rc = apply_part(&a, &a.batch->part[i], err);
	if (rc == 0)
		rc = store_rows(&a, err);
	buf_fini(&a.value);
	buf_fini(&a.name);
	arena_fini(&a.box.arena);
	return rc;
}

int
batch_apply(struct index *ix, struct batch *b, struct err *err)
{
	return index_write(ix, apply, b, err);
}
