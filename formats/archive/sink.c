/* SPDX-License-Identifier: ISC */
/*
 * The archive as a sink: a run of it is a generation.  Lanes pack and compress on
 * the threads of their callers; the one writer is behind them.
 *
 * Nothing here reads the index and writes at the same time: what is to be
 * written is gathered first.
 */

#include <pthread.h>
#include <stdlib.h>

#include "formats/archive/local.h"
#include "formats/archive/numset.h"
#include "formats/archive/writer.h"
#include "mail/date.h"
#include "mail/flags.h"
#include "mail/name.h"

#define ENDS_CHUNK	500		/* items looked for in one transaction */
#define KEYS_CHUNK	20000		/* keys passed in one */
#define ITEM_PATH	256		/* octets of an item's path behind its mailbox's */

struct asink {
	struct sink		 sink;
	struct archive		*a;
	bool			 dry;
	struct buf		 origin;
	uint64_t		 generation;
	struct writer		*writer;	/* NULL when dry */
	pthread_mutex_t		 lock;		/* of visited */
	struct nameset		 visited;	/* mailboxes met in this run */
};

struct alane {
	struct lane		 lane;
	struct asink		*s;
	struct framer		*framer;
	struct mailbox		 box;		/* that items go to */
	struct arena		 arena;		/* of box */
	bool			 boxed;

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
	l->boxed = true;
	return visit(l->s, m->name, err);
}

/* ---- ends ---- */

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
end_one(struct alane *l, struct asink *s, struct index_txn *t,
    struct ends *e, uint64_t number, struct arena *arena, struct err *err)
{
	struct row_item row;
	int rc;

	if (l != NULL && bitset_has(&l->seen, number))
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
ends_gather(struct alane *l, struct asink *s, struct ends *e,
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
		if (end_one(l, s, &t, e, ikey_get64(key, 12), arena, err) == -1)
			rc = -1;
		else
			rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc == -1 ? -1 : 0;
}

/*
 * Log the ends of what a source mailbox held and was not seen; without a lane nothing
 * was.  Items of this very generation are not in question.
 */
static int
end_unseen(struct alane *l, struct asink *s, struct span from, bool *any,
    struct err *err)
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
		rc = ends_gather(l, s, e, &arena, err);
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
	if (whole && end_unseen(l, l->s, from, &l->changed, err) == -1)
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

static struct lane *
sink_open(struct sink *sink, struct err *err)
{
	struct asink *s = (struct asink *)sink;
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

/* ---- the end ---- */

/* Mailboxes of the source that are gone from it. */
static int
gather_gone(struct asink *s, const struct mailboxes *all, select_fn *chosen,
    void *arg, struct mailboxes *gone, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_mailbox row;
	struct index_txn t;
	struct span key, v;
	int rc;

	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_MAILBOXES, &walk, SPAN_NONE, &key, &v, err);
	for (; rc == 1; rc = index_next(&walk, &key, &v, err)) {
		if (!row_get_mailbox(v, &row)) {
			rc = index_bad(TABLE_MAILBOXES, err);
			break;
		}
		/* Only what was once enumerated as a mailbox of the source. */
		if (!row.scoped || row.m.status == MAILBOX_GONE ||
		    mailboxes_get(all, row.m.name) != NULL ||
		    nameset_has(&s->visited, row.m.name) ||
		    (chosen != NULL && !chosen(arg, &row.m)))
			continue;
		if (mailboxes_put(gone, &row.m) == NULL) {
			rc = err_nomem(err);
			break;
		}
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

static int
end_mailboxes(struct asink *s, const struct mailboxes *all, select_fn *chosen,
    void *arg, struct err *err)
{
	struct log_line line = { .kind = LOG_MAILBOX_GONE };
	struct mailboxes gone = { .v = NULL };
	bool any = false;
	size_t i;
	int rc;

	rc = gather_gone(s, all, chosen, arg, &gone, err);
	for (i = 0; rc == 0 && i < gone.n; i++) {
		/* Item by item first: one line for all would be one transaction. */
		line.mailbox = gone.v[i].name;
		rc = end_unseen(NULL, s, line.mailbox, &any, err);
		if (rc == 0)
			rc = writer_line(s->writer, &line, err);
	}
	mailboxes_fini(&gone);
	return rc;
}

static int
sink_end(struct sink *sink, const struct mailboxes *all, select_fn *chosen,
    void *arg, bool complete, const char *reason, struct err *err)
{
	struct asink *s = (struct asink *)sink;

	if (s->dry)
		return 0;
	if (all != NULL && all->complete &&
	    end_mailboxes(s, all, chosen, arg, err) == -1)
		return -1;
	return writer_end(s->writer, complete, reason, err);
}

static void
sink_close(struct sink *sink)
{
	struct asink *s = (struct asink *)sink;

	writer_free(s->writer);
	if (!s->dry)
		atomic_store(&s->a->writing, false);
	nameset_fini(&s->visited);
	buf_fini(&s->origin);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct sink_ops sink_ops = {
	.open = sink_open,
	.end = sink_end,
	.close = sink_close,
};

/* ---- beginning ---- */

/* Where the last generation and segment left off. */
static int
begin_after(struct asink *s, struct writer_config *c, struct err *err)
{
	struct row_generation generation;
	struct row_segment row = { .length = 0 };
	struct index_walk walk = { NULL };
	struct index_txn t;
	struct span key, v;
	int rc;

	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	rc = lookup_generation(&t, &s->generation, &generation, err);
	s->generation++;
	c->segment = 1;
	if (rc != -1)
		rc = index_last(&t, TABLE_SEGMENTS, &walk, &key, &v, err);
	if (rc == 1) {
		c->segment = ikey_get64(key, 0) + 1;
		if (!row_get_segment(v, &row))
			rc = index_bad(TABLE_SEGMENTS, err);
		else if (!row.sealed && !s->dry)
			rc = err_set(err, ERR_RUN, STATUS_BUG,
			    "%s: the last segment is not sealed", s->a->dir);
	}
	c->chained = rc == 1;
	c->previous = row.sha;
	index_walk_end(&walk);
	index_end(&t);
	return rc == -1 ? -1 : 0;
}

static int
begin(struct asink *s, struct err *err)
{
	struct writer_config c = {
		.dir = s->a->dir, .index = s->a->index,
		.id = buf_span(&s->a->id), .origin = buf_span(&s->origin),
		.program = s->a->program, .sys = s->a->config.sys,
		.roll = s->a->roll, .report = s->a->config.report,
	};

	if (begin_after(s, &c, err) == -1)
		return -1;
	c.generation = s->generation;
	if (s->dry)
		return 0;
	if (s->a->mode != ARCHIVE_WRITE || atomic_exchange(&s->a->writing, true))
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%s: not open for this writer", s->a->dir);
	if ((s->writer = writer_new(&c, err)) == NULL)
		atomic_store(&s->a->writing, false);
	return s->writer == NULL ? -1 : 0;
}

struct sink *
archive_sink(struct archive *a, const char *origin, bool dry, struct err *err)
{
	const struct span is = span_str(origin);
	struct span known;
	struct asink *s;

	if (lookup_names(a, err) == -1)
		return NULL;
	known = buf_span(&a->origin);
	if (known.n > 0 && is.n > 0 && !span_eq(known, is)) {
		(void)err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: is an archive of %.*s, not of %.*s", a->dir,
		    SPAN_ARG(known), SPAN_ARG(is));
		return NULL;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		(void)err_nomem(err);
		return NULL;
	}
	s->sink.ops = &sink_ops;
	s->a = a;
	s->dry = dry;
	buf_put(&s->origin, known.n > 0 ? known : is);
	if (!buf_ok(&s->origin)) {
		(void)err_nomem(err);
		s->dry = true;
		sink_close(&s->sink);
		return NULL;
	}
	if (begin(s, err) == -1) {
		s->dry = true;		/* the mark of a writer is not ours */
		sink_close(&s->sink);
		return NULL;
	}
	return &s->sink;
}
