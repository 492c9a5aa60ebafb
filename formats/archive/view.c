/* SPDX-License-Identifier: ISC */
/*
 * A view of the archive as a source.  Each window is one short read
 * transaction, out of which everything is copied; what a writer adds meanwhile is not in
 * the view.
 */

#include <pthread.h>
#include <stdlib.h>

#include "formats/archive/content.h"
#include "formats/archive/local.h"
#include "formats/archive/indexmeta.h"
#include "formats/stream/entry.h"

#define KEYS_CHUNK	20000		/* items passed in one transaction */

/* Items of a mailbox that the view leaves out. */
struct left {
	struct mailbox	m;
	uint64_t	n;
};

struct asource {
	struct source		 source;
	struct archive		*a;
	struct archive_select	 view;
	uint64_t		 generation;	/* of the newest item in it */
	uint64_t		 end;		/* number behind its last item */
	struct mailboxes	 boxes;
	struct left		*left;
	size_t			 nleft;
	struct arena		 arena;		/* of left */
	select_fn		*chosen;
	void			*arg;
	pthread_mutex_t		 lock;		/* of next */
	size_t			 next;		/* of boxes, for the next cursor */
};

struct acursor {
	struct cursor		 cursor;
	struct asource		*s;
	struct content		*content;
	struct body		*body;
	const struct mailbox	*box;		/* NULL: none */
	uint32_t		 number;
	struct ikey		 at;		/* of `places`: the last one passed */
	bool			 over;		/* all were given */
};

/* ---- what the view shows ---- */

/* Make *row what it is in the view.  1 shown, 0, -1. */
static int
shown(const struct asource *s, struct index_txn *t, uint64_t number,
    struct row_item *row, struct err *err)
{
	int rc;

	switch (s->view.view) {
	case VIEW_ALL:
		return 1;
	case VIEW_CURRENT:
		return item_state_shown(row->state) ? 1 : 0;
	case VIEW_AT:
		rc = lookup_at(t, number, s->view.generation, row, err);
		return rc == 1 ? item_state_shown(row->state) : rc;
	}
	return 0;
}

/* Items and octets of each mailbox at a past generation, by its number. */
struct count {
	uint64_t	items, octets;
};

/* One transaction's worth.  1: there is more; 0; -1. */
static int
count_chunk(struct asource *s, uint64_t *from, struct count *v, size_t n,
    struct err *err)
{
	struct index_walk walk = { NULL };
	struct ikey key = { .n = 0 };
	struct row_item row;
	struct index_txn t;
	struct span k, val;
	size_t passed = 0;
	int rc, see;

	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	ikey_u64(&key, *from);
	rc = index_seek(&t, TABLE_ITEMS, &walk, ikey_span(&key), &k, &val, err);
	for (; rc == 1 && passed < KEYS_CHUNK; passed++) {
		*from = ikey_get64(k, 0) + 1;
		if (!row_get_item(val, &row) || row.home >= n) {
			rc = index_bad(TABLE_ITEMS, err);
			break;
		}
		see = *from > s->end ? 0 : shown(s, &t, *from - 1, &row, err);
		if (see == 1) {
			v[row.home].items++;
			v[row.home].octets += row.ident.size;
		}
		rc = see == -1 ? -1 : index_next(&walk, &k, &val, err);
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

static struct count *
count_at(struct asource *s, size_t n, struct err *err)
{
	struct count *v = calloc(n, sizeof(*v));
	uint64_t from = 0;
	int rc;

	if (v == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	while ((rc = count_chunk(s, &from, v, n, err)) == 1)
		;
	if (rc == 0)
		return v;
	free(v);
	return NULL;
}

/* ---- the list ---- */

/* How much of a mailbox the view shows. */
static struct count
count_of(const struct asource *s, const struct row_mailbox *row,
    const struct count *at)
{
	switch (s->view.view) {
	case VIEW_ALL:
		return (struct count){ row->items, row->octets };
	case VIEW_CURRENT:
		return (struct count){ row->live, row->live_octets };
	case VIEW_AT:
		break;
	}
	return *at;
}

/* Whether it stands in the view, be it empty. */
static bool
is_listed(const struct asource *s, const struct row_mailbox *row,
    uint64_t items)
{
	if (!row->known)
		return false;
	if (items > 0)
		return true;
	if (s->view.view == VIEW_AT)
		return row->first <= s->view.generation &&
		    (row->gone == 0 || row->gone > s->view.generation);
	return row->m.status != MAILBOX_GONE;
}

static int
add_left(struct asource *s, const struct mailbox *m, uint64_t n, size_t max,
    struct err *err)
{
	if (n == 0)
		return 0;
	if (s->left == NULL &&
	    (s->left = calloc(max, sizeof(*s->left))) == NULL)
		return err_nomem(err);
	if (s->nleft == max)
		return 0;
	if (!mailbox_copy(&s->arena, m, &s->left[s->nleft].m))
		return err_nomem(err);
	s->left[s->nleft++].n = n;
	return 0;
}

static int
add_box(struct asource *s, const struct row_mailbox *row,
    const struct count *at, size_t max, struct err *err)
{
	const struct count n = count_of(s, row, at);
	struct mailbox m = row->m;

	if (add_left(s, &m, row->items > n.items ? row->items - n.items : 0, max,
	    err) == -1)
		return -1;
	if (!is_listed(s, row, n.items))
		return 0;
	if (m.status == MAILBOX_GONE)
		m.status = MAILBOX_OPEN;	/* in the view it is there */
	m.counted = m.sized = true;
	m.messages = n.items;
	m.octets = n.octets;
	return mailboxes_put(&s->boxes, &m) != NULL ? 0 : err_nomem(err);
}

static int
add_boxes(struct asource *s, struct index_txn *t, const struct count *at,
    size_t max, struct err *err)
{
	static const struct count none;
	struct index_walk walk = { NULL };
	struct row_mailbox row;
	struct span key, v;
	uint32_t number;
	int rc;

	rc = index_seek(t, TABLE_MAILBOXES, &walk, SPAN_NONE, &key, &v, err);
	while (rc == 1) {
		number = ikey_get32(key, 0);
		if (!row_get_mailbox(v, &row))
			rc = index_bad(TABLE_MAILBOXES, err);
		else if (add_box(s, &row, at != NULL && number < max ?
		    &at[number] : &none, max, err) == -1)
			rc = -1;
		else
			rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return rc;
}

static int
note_partial(const struct asource *s, struct index_txn *t, struct err *err)
{
	struct row_generation row;
	uint64_t number;
	int rc;

	if ((rc = lookup_generation(t, &number, &row, err)) == -1)
		return -1;
	if (rc == 1 && !row.complete && s->view.view != VIEW_AT)
		report_note(s->a->config.report,
		    "%s: generation %llu, the newest, is partial", s->a->dir,
		    (unsigned long long)number);
	return 0;
}

/* Everything about the view that is known at once. */
static int
look(struct asource *s, struct err *err)
{
	struct row_generation generation;
	struct count *at = NULL;
	struct row_state state;
	struct index_txn t;
	int rc;

	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	rc = indexmeta_state(&t, &state, err);
	if (rc == 0 && lookup_generation(&t, &s->generation, &generation,
	    err) == -1)
		rc = -1;
	index_end(&t);
	if (rc == -1)
		return -1;
	s->end = state.next_item;
	if (s->view.view == VIEW_AT) {
		if (s->view.generation < s->generation)
			s->generation = s->view.generation;
		if ((at = count_at(s, (size_t)state.next_mailbox + 1, err)) == NULL)
			return -1;
	}
	rc = index_read(s->a->index, &t, err);
	if (rc == 0) {
		rc = add_boxes(s, &t, at, (size_t)state.next_mailbox + 1, err);
		if (rc == 0)
			rc = note_partial(s, &t, err);
		index_end(&t);
	}
	free(at);
	mailboxes_sort(&s->boxes);
	s->boxes.complete = !s->a->hurt;
	return rc;
}

static int
source_list(struct source *source, struct mailboxes *out, struct err *err)
{
	const struct asource *s = (const struct asource *)source;
	size_t i;

	for (i = 0; i < s->boxes.n; i++)
		if (mailboxes_put(out, &s->boxes.v[i]) == NULL)
			return err_nomem(err);
	out->complete = s->boxes.complete;
	return 1;
}

static void
source_select(struct source *source, select_fn *chosen, void *arg)
{
	struct asource *s = (struct asource *)source;

	s->chosen = chosen;
	s->arg = arg;
}

static bool
is_chosen(const struct asource *s, const struct mailbox *m)
{
	return s->chosen == NULL || s->chosen(s->arg, m);
}

static void
source_about(struct source *source, struct source_about *about)
{
	const struct asource *s = (const struct asource *)source;
	size_t i;

	*about = (struct source_about){
		.origin = buf_span(&s->a->origin), .id = buf_span(&s->a->id),
		.generation = s->generation, .complete = !s->a->hurt,
	};
	for (i = 0; i < s->nleft; i++)
		if (is_chosen(s, &s->left[i].m))
			about->left_out += s->left[i].n;
}

static void
source_close(struct source *source)
{
	struct asource *s = (struct asource *)source;

	mailboxes_fini(&s->boxes);
	free(s->left);
	arena_fini(&s->arena);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- cursors ---- */

/* The next one that is chosen; nothing is read of one that holds no mail. */
static const struct mailbox *
take_next(struct asource *s)
{
	const struct mailbox *m, *found = NULL;

	(void)pthread_mutex_lock(&s->lock);
	while (found == NULL && s->next < s->boxes.n) {
		m = &s->boxes.v[s->next++];
		if ((m->status == MAILBOX_OPEN || m->messages > 0) &&
		    is_chosen(s, m))
			found = m;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

static int
cursor_mailbox(struct cursor *cursor, const struct mailbox **out,
    struct err *err)
{
	struct acursor *c = (struct acursor *)cursor;
	struct index_txn t;
	int rc;

	if ((c->box = *out = take_next(c->s)) == NULL)
		return 0;
	if (index_read(c->s->a->index, &t, err) == -1)
		return -1;
	rc = lookup_name(&t, c->box->name, &c->number, err);
	index_end(&t);
	if (rc != 1)
		return rc == -1 ? -1 : index_bad(TABLE_NAMES, err);
	ikey_clear(&c->at);
	ikey_u32(&c->at, c->number);
	c->over = false;
	return 1;
}

/* Copy an item out of the transaction. */
static int
add_item(struct acursor *c, struct index_txn *t, struct window *w,
    struct row_item *row, struct err *err)
{
	struct row_mailbox src;
	struct item *item;
	int rc;

	row->item.src_mailbox = c->box->name;
	if (row->src != c->number) {
		if ((rc = lookup_mailbox(t, row->src, &src, err)) != 1)
			return rc == 0 ? index_bad(TABLE_ITEMS, err) : -1;
		row->item.src_mailbox = src.m.name;
	}
	row->item.ident = &row->ident;
	if (row->altered)
		row->item.src_digest = &row->src_digest;
	if ((item = window_add(w)) == NULL ||
	    !entry_copy_item(&w->arena, &row->item, item))
		return err_nomem(err);
	return 0;
}

/* Some of the mailbox in one transaction.  1: there is more of it; 0; -1. */
static int
fill(struct acursor *c, struct window *w, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_item row;
	struct index_txn t;
	struct span key, v;
	size_t passed = 0;
	uint64_t number;
	int rc, see;

	if (index_read(c->s->a->index, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_PLACES, &walk, ikey_span(&c->at), &key, &v, err);
	if (rc == 1 && span_eq(key, ikey_span(&c->at)))
		rc = index_next(&walk, &key, &v, err);
	while (rc == 1 && w->n < WINDOW_ITEMS && passed++ < KEYS_CHUNK) {
		if (ikey_get32(key, 0) != c->number) {
			rc = 0;
			break;
		}
		ikey_clear(&c->at);
		ikey_mem(&c->at, key.p, key.n);
		number = ikey_get64(key, 12);
		if ((rc = lookup_item(&t, number, &row, err)) == 0)
			rc = index_bad(TABLE_PLACES, err);
		see = rc == -1 ? -1 : number >= c->s->end ? 0 :
		    shown(c->s, &t, number, &row, err);
		if (see == 1)
			see = add_item(c, &t, w, &row, err);
		rc = see == -1 ? -1 : index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

static int
cursor_window(struct cursor *cursor, struct window *w, struct err *err)
{
	struct acursor *c = (struct acursor *)cursor;
	int rc;

	while (!c->over && w->n == 0) {
		if ((rc = fill(c, w, err)) == -1)
			return -1;
		c->over = rc == 0;
	}
	return w->n > 0 ? 1 : 0;
}

/* The octets of one item.  -1: also ERR_MESSAGE. */
static int
get_body(struct acursor *c, const struct item *item, struct err *err)
{
	struct row_blob blob;
	struct index_txn t;
	int rc;

	if (index_read(c->s->a->index, &t, err) == -1)
		return -1;
	rc = lookup_blob(&t, &item->ident->digest, &blob, err);
	index_end(&t);
	if (rc == 0)
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "%s: no segment holds the octets of item %llu",
		    c->s->a->dir, (unsigned long long)item->number);
	if (rc == -1)
		return -1;
	return content_get(c->content, &blob, &item->ident->digest, c->body, err);
}

static int
cursor_fetch(struct cursor *cursor, struct window *w, deliver_fn *deliver,
    void *arg, struct err *err)
{
	struct acursor *c = (struct acursor *)cursor;
	struct err why;
	size_t i;
	int rc;

	for (i = 0; i < w->n; i++) {
		if (w->v[i].verdict != VERDICT_WANTED)
			continue;
		err_clear(&why);
		if (get_body(c, &w->v[i], &why) == 0) {
			rc = deliver(arg, &w->v[i], c->body, NULL, err);
		} else if (why.scope == ERR_MESSAGE) {
			rc = deliver(arg, &w->v[i], NULL, &why, err);
		} else {
			*err = why;
			rc = -1;
		}
		if (rc == -1)
			return -1;
	}
	return 0;
}

/*
 * Absence means something where the mailbox was enumerated completely, as
 * late as what is shown of it, and everything that came from it stands in it;
 * never where a segment is lost in part.
 */
static int
cursor_finish(struct cursor *cursor, enum scope *scope,
    const struct mailbox **state, struct err *err)
{
	struct acursor *c = (struct acursor *)cursor;
	struct row_mailbox row;
	struct index_txn t;
	int rc;

	*scope = SCOPE_PARTIAL;
	*state = c->box;
	if (index_read(c->s->a->index, &t, err) == -1)
		return -1;
	rc = lookup_mailbox(&t, c->number, &row, err);
	index_end(&t);
	if (rc == 1 && c->over && !c->s->a->hurt && row.scoped && row.complete &&
	    row.strays == 0 && row.scope <= c->s->generation)
		*scope = SCOPE_COMPLETE;
	return rc == -1 ? -1 : 0;
}

static void
cursor_close(struct cursor *cursor)
{
	struct acursor *c = (struct acursor *)cursor;

	body_free(c->body);
	content_free(c->content);
	free(c);
}

static const struct cursor_ops cursor_ops = {
	.mailbox = cursor_mailbox,
	.window = cursor_window,
	.fetch = cursor_fetch,
	.finish = cursor_finish,
	.close = cursor_close,
};

static struct cursor *
source_open(struct source *source, struct err *err)
{
	struct asource *s = (struct asource *)source;
	struct acursor *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	c->cursor.ops = &cursor_ops;
	c->s = s;
	if ((c->content = content_new(s->a->dir, err)) == NULL ||
	    (c->body = body_new(err)) == NULL) {
		cursor_close(&c->cursor);
		return NULL;
	}
	return &c->cursor;
}

static const struct source_ops source_ops = {
	.list = source_list,
	.select = source_select,
	.open = source_open,
	.about = source_about,
	.close = source_close,
};

struct source *
archive_source(struct archive *a, const struct archive_select *view,
    struct err *err)
{
	struct asource *s;

	if (lookup_names(a, err) == -1)
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		(void)err_nomem(err);
		return NULL;
	}
	s->source.ops = &source_ops;
	s->a = a;
	s->view = *view;
	if (look(s, err) == -1) {
		source_close(&s->source);
		return NULL;
	}
	return &s->source;
}
