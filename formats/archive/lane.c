/* SPDX-License-Identifier: ISC */
/*
 * A lane of the archive as a sink: answers offers from the index, packs and compresses
 * on the thread of its caller, and tells the writer what a mailbox was.
 */

#include <stdlib.h>

#include "formats/archive/run.h"
#include "mail/date.h"
#include "mail/flags.h"
#include "mail/name.h"

#define ITEM_PATH	256		/* octets of an item's path behind its mailbox's */

struct alane {
	struct lane		 lane;
	struct asink		*s;
	struct framer		*framer;
	struct mailbox		 box;		/* that items go to */
	struct arena		 arena;		/* of box */

	/* Since the source's mailbox began. */
	struct bitset		 seen;		/* items that are still there */
	struct rangeset		 wanted;	/* UIDs that were asked for ... */
	struct buf		 wanted_src;	/* ... of this mailbox ... */
	uint32_t		 wanted_validity; /* ... and UIDVALIDITY */
	bool			 partial, changed;

	struct buf		 src;		/* looked up last, and its number */
	uint32_t		 src_number;	/* 0: none */
	struct buf		 path, flags;
};

/* ---- offers ---- */

/* What the archive knows of an offered item. */
struct known {
	uint64_t	number;		/* the newest; 0: nothing */
	bool		differs;	/* its flags do, or it had ended */
	bool		ended;
};

/* 1; 0: no item ever came from it. */
static int
src_number(struct alane *l, struct index_txn *t, struct span src,
    uint32_t *number, struct err *err)
{
	int rc;

	if (l->src_number != 0 && span_eq(src, buf_span(&l->src))) {
		*number = l->src_number;
		return 1;
	}
	if ((rc = lookup_name(t, src, number, err)) != 1)
		return rc;
	buf_clear(&l->src);
	buf_put(&l->src, src);
	l->src_number = buf_ok(&l->src) ? *number : 0;
	return 1;
}

/* Look at one candidate; the ref may only look like ours. */
static int
compare(struct alane *l, struct index_txn *t, uint64_t number,
    const struct item *item, struct known *k, struct err *err)
{
	struct row_item row;
	int rc;

	if ((rc = lookup_item(t, number, &row, err)) != 1)
		return rc == 0 ? index_bad(TABLE_SOURCES, err) : -1;
	if (!span_eq(row.item.ref, item->ref))
		return 0;
	k->number = number;
	k->ended = row.state != ITEM_LIVE;
	k->differs = k->ended || !flags_eq(row.item.flags, buf_span(&l->flags));
	return bitset_add(&l->seen, number) ? 0 : err_nomem(err);
}

static int
find_known(struct alane *l, struct index_txn *t, struct span src,
    const struct item *item, struct known *k, struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey prefix = { .n = 0 };
	unsigned char ref8[8];
	struct span key, v;
	uint32_t number;
	int rc;

	*k = (struct known){ .number = 0 };
	if ((rc = src_number(l, t, src, &number, err)) != 1)
		return rc;
	(void)row_ref8(item->ref, ref8);
	ikey_u32(&prefix, number);
	ikey_mem(&prefix, ref8, N(ref8));
	rc = index_seek(t, TABLE_SOURCES, &walk, ikey_span(&prefix), &key, &v,
	    err);
	while (rc == 1 && span_eq(span_head(key, prefix.n), ikey_span(&prefix))) {
		if (compare(l, t, ikey_get64(key, 12), item, k, err) == -1)
			rc = -1;
		else
			rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return rc == -1 ? -1 : 0;
}

/*
 * Whether a new item was asked for already in this pass: a source that lists
 * a UID twice must not make two items of it.
 */
static int
asked_before(struct alane *l, struct span src, const struct item *item,
    struct err *err)
{
	unsigned char ref8[8];
	struct span key;
	uint32_t validity, uid;

	if (!row_ref8(item->ref, ref8))
		return 0;
	key = span_of(ref8, N(ref8));
	validity = ikey_get32(key, 0);
	uid = ikey_get32(key, 4);
	if (l->wanted.n == 0) {
		buf_clear(&l->wanted_src);
		buf_put(&l->wanted_src, src);
		l->wanted_validity = validity;
	}
	if (validity != l->wanted_validity || !buf_ok(&l->wanted_src) ||
	    !span_eq(src, buf_span(&l->wanted_src)))
		return 0;
	if (rangeset_has(&l->wanted, uid))
		return 1;
	return rangeset_add(&l->wanted, uid) ? 0 : err_nomem(err);
}

static int
answer(struct alane *l, struct index_txn *t, struct item *item,
    struct err *err)
{
	const struct span src = item->src_mailbox.n > 0 ? item->src_mailbox :
	    l->box.name;
	struct known k;
	int rc;

	if (item->ref.n == 0)
		return err_set(err, ERR_RUN, STATUS_BUG, "an item without a ref");
	buf_clear(&l->flags);
	flags_canon(&l->flags, item->flags);
	if (!buf_ok(&l->flags))
		return err_nomem(err);
	if (find_known(l, t, src, item, &k, err) == -1)
		return -1;
	if (item->verdict == VERDICT_DROPPED)
		return 0;
	if (k.number == 0) {
		if ((rc = asked_before(l, src, item, err)) == -1)
			return -1;
		item->verdict = rc == 1 ? VERDICT_HAVE : VERDICT_WANTED;
		item->reason = rc == 1 ? "present" : "new";
	} else {
		item->verdict = k.differs ? VERDICT_CHANGED : VERDICT_HAVE;
		item->reason = k.ended ? "returned" : k.differs ? "flags" :
		    "present";
	}
	return 0;
}

/* The line that brings an item's flags up to date; it also revives one that had ended. */
static int
put_flags(struct alane *l, const struct item *item, struct err *err)
{
	struct log_line line = {
		.kind = LOG_FLAGS, .ref = item->ref,
		.mailbox = item->src_mailbox.n > 0 ? item->src_mailbox :
		    l->box.name,
	};

	buf_clear(&l->flags);
	flags_canon(&l->flags, item->flags);
	if (!buf_ok(&l->flags))
		return err_nomem(err);
	line.flags = buf_span(&l->flags);
	l->changed = true;
	return writer_line(l->s->writer, &line, err);
}

static int
lane_offer(struct lane *lane, struct item *v, size_t n, struct err *err)
{
	struct alane *l = (struct alane *)lane;
	struct index_txn t;
	size_t i;
	int rc = 0;

	if (index_read(l->s->a->index, &t, err) == -1)
		return -1;
	for (i = 0; rc == 0 && i < n; i++)
		rc = answer(l, &t, &v[i], err);
	index_end(&t);
	for (i = 0; rc == 0 && !l->s->dry && i < n; i++)
		if (v[i].verdict == VERDICT_CHANGED)
			rc = put_flags(l, &v[i], err);
	return rc;
}

/* ---- items ---- */

/* The path of the entry that holds a blob of the index.  1; 0: none to link to. */
static int
blob_path(struct alane *l, const struct digest *digest, struct err *err)
{
	struct row_mailbox home, src;
	struct row_blob blob;
	struct row_item row;
	struct index_txn t;
	int rc;

	if (index_read(l->s->a->index, &t, err) == -1)
		return -1;
	rc = lookup_blob(&t, digest, &blob, err);
	if (rc == 1)
		rc = lookup_item(&t, blob.item, &row, err);
	if (rc == 1)
		rc = lookup_mailbox(&t, row.home, &home, err);
	if (rc == 1)
		rc = lookup_mailbox(&t, row.src, &src, err);
	if (rc == 1 && (home.renamed || src.renamed))
		rc = 0;
	if (rc == 1)
		row_item_path(&l->path, home.m.name, src.m.name, &row);
	index_end(&t);
	return rc;
}

/*
 * A link is made only to what stands before it in the segments for certain:
 * in the frame at hand, in one that was appended, in the index.  What another lane
 * still holds is stored again, which costs only room.
 */
static int
find_link(struct alane *l, const struct digest *digest, struct err *err)
{
	const char *near = framer_find(l->framer, digest);
	int rc = 1;

	buf_clear(&l->path);
	if (near != NULL)
		buf_str(&l->path, near);
	else if ((rc = writer_find(l->s->writer, digest, &l->path)) == 0)
		rc = blob_path(l, digest, err);
	if (rc != -1 && !buf_ok(&l->path))
		return err_nomem(err);
	return rc;
}

/* The date as it will be read back from the segment: none, or one within its calendar. */
static void
settle_date(struct buf *tmp, struct date *date)
{
	struct date back = { .known = false };

	buf_clear(tmp);
	if (date->known) {
		date_put_imap(tmp, date);
		if (!date_parse_imap(buf_span(tmp), &back))
			back = (struct date){ .known = false };
		else if (date->zone == DATE_NO_ZONE)
			back.zone = DATE_NO_ZONE;
	}
	*date = back;
}

static int
lane_put(struct lane *lane, struct item *in, struct body *body, struct err *err)
{
	struct alane *l = (struct alane *)lane;
	struct item item = *in;
	int link;

	if (l->s->dry)
		return 0;
	if (item.src_mailbox.n == 0)
		item.src_mailbox = l->box.name;
	settle_date(&l->path, &item.date);
	buf_clear(&l->flags);
	flags_canon(&l->flags, in->flags);
	if (!buf_ok(&l->flags) || !buf_ok(&l->path))
		return err_nomem(err);
	item.flags = buf_span(&l->flags);
	item.number = 0;
	item.size = body_size(body);

	if ((link = find_link(l, body_digest(body), err)) == -1)
		return -1;
	l->changed = true;
	if (framer_add(l->framer, l->box.name, &item, body,
	    link == 1 ? buf_cstr(&l->path) : NULL, err) == -1) {
		l->partial = true;
		return -1;
	}
	return 0;
}

static int
lane_missed(struct lane *lane, const struct item *item, const struct err *why,
    struct err *err)
{
	struct alane *l = (struct alane *)lane;

	(void)item, (void)why, (void)err;
	l->partial = true;
	return 0;
}

static int
on_frame(void *arg, struct frame *frame, struct err *err)
{
	struct alane *l = arg;

	return writer_frame(l->s->writer, &l->box, frame, err);
}

static int
lane_flush(struct alane *l, struct err *err)
{
	return l->s->dry ? 0 : framer_flush(l->framer, err);
}

static int
lane_commit(struct lane *lane, struct err *err)
{
	struct alane *l = (struct alane *)lane;

	if (l->s->dry)
		return 0;
	if (lane_flush(l, err) == -1)
		return -1;
	return writer_commit(l->s->writer, err);
}

/* ---- mailboxes ---- */

static int
visit(struct asink *s, struct span name, struct err *err)
{
	bool ok;

	(void)pthread_mutex_lock(&s->lock);
	ok = nameset_add(&s->visited, name);
	(void)pthread_mutex_unlock(&s->lock);
	return ok ? 0 : err_nomem(err);
}

/* One with a path that no entry can have must not end the run. */
static int
check_path(struct alane *l, struct span name, struct err *err)
{
	buf_clear(&l->path);
	name_path(&l->path, name);
	if (!buf_ok(&l->path))
		return err_nomem(err);
	if (l->path.n <= ENTRY_PATH_MAX - ITEM_PATH)
		return 0;
	return err_set(err, ERR_MAILBOX, STATUS_DATA,
	    "its path would have %zu octets, more than an archive can hold",
	    l->path.n);
}

static int
lane_mailbox(struct lane *lane, const struct mailbox *m, struct err *err)
{
	struct alane *l = (struct alane *)lane;

	if (check_path(l, m->name, err) == -1)
		return -1;
	/* What was begun belongs to the mailbox before. */
	if (lane_flush(l, err) == -1)
		return -1;
	arena_reset(&l->arena);
	if (!mailbox_copy(&l->arena, m, &l->box))
		return err_nomem(err);
	return visit(l->s, m->name, err);
}

/* ---- the end of a mailbox ---- */

/* Whether the row says all that the mailbox does; its state only if `whole`. */
static bool
same_mailbox(const struct row_mailbox *row, const struct mailbox *m, bool whole)
{
	if (!row->known || row->m.status != m->status ||
	    row->m.delimiter != m->delimiter ||
	    row->m.subscribed != m->subscribed ||
	    row->m.uidvalidity != m->uidvalidity ||
	    !span_eq(row->m.raw, m->raw) ||
	    !span_eq(row->m.attributes, m->attributes) ||
	    !span_eq(row->m.id, m->id))
		return false;
	return !whole || ((m->uidnext == 0 || row->m.uidnext == m->uidnext) &&
	    (m->modseq == 0 || row->m.modseq == m->modseq));
}

/* What the index says of the mailbox and of the one it came from. */
struct before {
	bool	same;		/* the state is what it was */
	bool	scoped, complete;
};

static int
look_before(struct asink *s, struct span from, const struct mailbox *state,
    bool whole, struct before *b, struct err *err)
{
	struct row_mailbox row;
	struct index_txn t;
	uint32_t number;
	int rc;

	*b = (struct before){ .same = false };
	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	if ((rc = lookup_name(&t, state->name, &number, err)) == 1 &&
	    (rc = lookup_mailbox(&t, number, &row, err)) == 1)
		b->same = same_mailbox(&row, state, whole);
	if (rc != -1 && (rc = lookup_name(&t, from, &number, err)) == 1 &&
	    (rc = lookup_mailbox(&t, number, &row, err)) == 1) {
		b->scoped = row.scoped && row.m.status != MAILBOX_GONE;
		b->complete = row.complete;
	}
	index_end(&t);
	return rc == -1 ? -1 : 0;
}

static int
put_scope(struct alane *l, struct span from, bool whole,
    const struct before *b, struct err *err)
{
	const struct log_line line = {
		.kind = LOG_SCOPE, .mailbox = from, .complete = whole,
	};

	/* A partial look that changes nothing leaves what was known before. */
	if (b->scoped && (whole ? b->complete && !l->changed :
	    !b->complete || !l->changed))
		return 0;
	return writer_line(l->s->writer, &line, err);
}

/*
 * UIDNEXT and HIGHESTMODSEQ move only when all of the pass is in: the
 * frames stand before them in the segment, and a pass that was not complete
 * leaves them alone.
 */
static int
finish(struct alane *l, struct span from, const struct mailbox *state,
    bool whole, struct err *err)
{
	struct mailbox entry = *state;
	struct before b;

	if (lane_flush(l, err) == -1 || visit(l->s, from, err) == -1 ||
	    check_path(l, state->name, err) == -1)
		return -1;
	if (whole && ends_log(l->s, &l->seen, from, &l->changed, err) == -1)
		return -1;
	if (look_before(l->s, from, state, whole, &b, err) == -1)
		return -1;
	if (!whole) {
		entry.uidnext = 0;
		entry.modseq = 0;
	}
	if (!b.same) {
		l->changed = true;
		if (writer_state(l->s->writer, &entry, err) == -1)
			return -1;
	}
	return put_scope(l, from, whole, &b, err);
}

static int
lane_finish(struct lane *lane, struct span from, const struct mailbox *state,
    enum scope scope, struct err *err)
{
	struct alane *l = (struct alane *)lane;
	int rc = 0;

	if (!l->s->dry)
		rc = finish(l, from, state,
		    scope == SCOPE_COMPLETE && !l->partial, err);
	bitset_clear(&l->seen);
	rangeset_clear(&l->wanted);
	l->partial = l->changed = false;
	return rc;
}

/* ---- lanes ---- */

static void
lane_close(struct lane *lane)
{
	struct alane *l = (struct alane *)lane;

	framer_free(l->framer);
	arena_fini(&l->arena);
	bitset_fini(&l->seen);
	rangeset_fini(&l->wanted);
	buf_fini(&l->wanted_src);
	buf_fini(&l->src);
	buf_fini(&l->path);
	buf_fini(&l->flags);
	free(l);
}

static const struct lane_ops lane_ops = {
	.mailbox = lane_mailbox,
	.offer = lane_offer,
	.put = lane_put,
	.missed = lane_missed,
	.finish = lane_finish,
	.commit = lane_commit,
	.close = lane_close,
};

struct lane *
lane_new(struct asink *s, struct err *err)
{
	struct alane *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	l->lane.ops = &lane_ops;
	l->s = s;
	if (!s->dry && (l->framer = framer_new(SEGMENT_LEVEL, on_frame, l,
	    err)) == NULL) {
		lane_close(&l->lane);
		return NULL;
	}
	return &l->lane;
}
