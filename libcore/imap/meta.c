/* SPDX-License-Identifier: ISC */
/*
 * The metadata of a mailbox.  No message sequence number is ever kept: UIDs
 * are what responses are routed by.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap/meta.h"

enum chunk_state {
	CHUNK_PLANNED,		/* to be asked for (again) */
	CHUNK_ASKED,
	CHUNK_READY,
};

/* A window that is filling. */
struct chunk {
	struct window	 win;
	struct span	 mailbox;	/* in the window's arena */
	uint32_t	 lo, hi;
	uint32_t	 tag;
	enum chunk_state state;
	bool		 again;		/* NO was answered once */
};

enum stage {
	STAGE_PLAN,
	STAGE_PASS,		/* windows of the first pass */
	STAGE_VERIFY,
	STAGE_REPAIR,		/* windows of what was missing */
	STAGE_RECOUNT,
	STAGE_DONE,
};

struct meta {
	struct session	*s;
	struct buf	 mailbox;
	uint32_t	 first, limit, uidvalidity;
	uint64_t	 said;		/* to be: EXISTS when it was opened */
	bool		 count, complete;
	unsigned	 extras;
	enum stage	 stage;

	struct uidset	 listed;	/* what UID FETCH 1:* (UID) told */
	struct uidset	 seen;		/* handed out */
	struct uidset	 todo;		/* listed, but not seen */
	const struct uidset *plan;	/* NULL: all UIDs from next on */
	uint32_t	 next;		/* 0: all are planned */

	struct chunk	 ring[LIMIT_META_AHEAD];
	size_t		 head, n;
	struct fetched	 f;
	struct command	 cmd;
};

struct meta *
meta_new(struct err *err)
{
	struct meta *m;
	size_t i;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	for (i = 0; i < N(m->ring); i++) {
		if (window_init(&m->ring[i].win, err) == -1) {
			meta_free(m);
			return NULL;
		}
	}
	return m;
}

void
meta_free(struct meta *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < N(m->ring); i++)
		window_fini(&m->ring[i].win);
	uidset_fini(&m->listed);
	uidset_fini(&m->seen);
	uidset_fini(&m->todo);
	buf_fini(&m->mailbox);
	fetch_fini(&m->f);
	command_fini(&m->cmd);
	free(m);
}

int
meta_begin(struct meta *m, const struct meta_config *cfg, struct err *err)
{
	m->s = cfg->s;
	m->first = cfg->first > 0 ? cfg->first : 1;
	m->limit = cfg->limit;
	m->uidvalidity = cfg->s->sel.uidvalidity;
	m->said = cfg->s->sel.exists;
	m->count = cfg->count;
	m->complete = false;
	m->extras = fetch_extras(cfg->s, cfg->key);
	m->stage = STAGE_PLAN;
	m->head = m->n = 0;
	uidset_clear(&m->listed);
	uidset_clear(&m->seen);
	uidset_clear(&m->todo);
	buf_clear(&m->mailbox);
	buf_put(&m->mailbox, cfg->mailbox);
	return buf_ok(&m->mailbox) ? 0 : err_nomem(err);
}

bool
meta_over(const struct meta *m)
{
	return m->stage == STAGE_DONE;
}

bool
meta_complete(const struct meta *m)
{
	return m->stage == STAGE_DONE && m->complete;
}

void
meta_counts(const struct meta *m, uint64_t *told, uint64_t *said)
{
	*told = m->seen.count;
	*said = m->said;
}

/* ---- listing UIDs ---- */

static int
on_listed(void *arg, struct session *s, struct resp *r, struct err *err)
{
	struct meta *m = arg;

	(void)s;
	if (!span_iis(r->keyword, "FETCH"))
		return 0;
	if (fetch_parse(r, &m->f, err) == -1)
		return -1;
	/* "n:*" names the last message even where its UID is below n. */
	if (m->f.uid < m->first)
		return 0;
	return uidset_add(&m->listed, m->f.uid, err);
}

/* Every UID from `first` on.  New messages that have come are among them. */
static int
list_uids(struct meta *m, struct err *err)
{
	struct resp end;
	char set[32];

	uidset_clear(&m->listed);
	if (m->s->sel.exists == 0)
		return 0;	/* "1:*" of nothing is an error to some */
	(void)snprintf(set, sizeof(set), "%lu:*", (unsigned long)m->first);
	if (command_begin(&m->cmd, m->s, VERB_UID_FETCH, err) == -1)
		return -1;
	command_text(&m->cmd, set);
	command_text(&m->cmd, "(UID)");
	if (command_run(&m->cmd, on_listed, m, &end, err) == -1)
		return -1;
	if (end.cond != RESP_OK)
		return resp_fail(err, ERR_MAILBOX, &end, "UID FETCH");
	return 0;
}

static int
noop(struct meta *m, struct err *err)
{
	struct resp end;

	if (command_begin(&m->cmd, m->s, VERB_NOOP, err) == -1)
		return -1;
	return command_run(&m->cmd, NULL, NULL, &end, err);
}

/* ---- stages ---- */

static int
plan(struct meta *m, struct err *err)
{
	const bool dense = m->count && m->limit > 0 &&
	    m->said >= (m->limit - 1) / LIMIT_SPARSE;

	m->plan = NULL;
	m->next = m->first;
	if (m->count && m->said == 0)
		m->next = 0;
	else if (!dense) {
		if (list_uids(m, err) == -1)
			return -1;
		m->plan = &m->listed;
		if (!m->count)
			m->said = m->listed.count;
	}
	if (m->limit > 0 && m->next >= m->limit)
		m->next = 0;
	m->stage = STAGE_PASS;
	return 0;
}

/*
 * The pass is over.  Where the numbers disagree (messages left or came, or
 * the server kept some to itself) the UIDs are listed, and what was not
 * seen is asked for: also from the limit on, since a UIDNEXT that was told
 * too low cannot be told from mail that has come.
 */
static int
verify(struct meta *m, struct err *err)
{
	if (m->seen.count == m->said) {
		m->complete = true;
		m->stage = STAGE_DONE;
		return 0;
	}
	m->limit = 0;
	if (noop(m, err) == -1 || list_uids(m, err) == -1 ||
	    uidset_minus(&m->listed, &m->seen, &m->todo, err) == -1)
		return -1;
	m->plan = &m->todo;
	m->next = m->todo.count > 0 ? m->first : 0;
	m->stage = STAGE_REPAIR;
	return 0;
}

/* Complete: all that is listed was seen, and it is as much as EXISTS says. */
static void
recount(struct meta *m)
{
	bool all = !m->count || m->listed.count == m->s->sel.exists;
	size_t i;
	uint32_t uid;

	for (i = 0; i < m->todo.n && all; i++) {
		for (uid = m->todo.v[i].lo; all; uid++) {
			all = uidset_has(&m->seen, uid);
			if (uid == m->todo.v[i].hi)
				break;
		}
	}
	m->complete = all;
	m->stage = STAGE_DONE;
}

/* ---- asking ---- */

static struct chunk *
chunk_at(struct meta *m, size_t i)
{
	return &m->ring[(m->head + i) % N(m->ring)];
}

static int
reset_chunk(struct meta *m, struct chunk *c, struct err *err)
{
	window_reset(&c->win);
	c->state = CHUNK_PLANNED;
	if (!arena_span(&c->win.arena, buf_span(&m->mailbox), &c->mailbox))
		return err_nomem(err);
	return 0;
}

/* The next range of at most WINDOW_ITEMS messages.  False: there is none. */
static bool
next_range(struct meta *m, struct uidrange *out)
{
	const uint32_t last = m->limit > 0 ? m->limit - 1 : UINT32_MAX;

	if (m->next == 0)
		return false;
	if (m->plan == NULL) {
		*out = (struct uidrange){ m->next, last };
		if (last - m->next >= WINDOW_ITEMS)
			out->hi = m->next + (WINDOW_ITEMS - 1);
	} else if (!uidset_next(m->plan, m->next, WINDOW_ITEMS, out) ||
	    out->lo > last) {
		m->next = 0;
		return false;
	}
	if (out->hi > last)
		out->hi = last;
	m->next = out->hi == last ? 0 : out->hi + 1;
	return true;
}

static int
ask(struct meta *m, struct chunk *c, struct err *err)
{
	char set[32];

	if (reset_chunk(m, c, err) == -1)
		return -1;
	(void)snprintf(set, sizeof(set), "%lu:%lu", (unsigned long)c->lo,
	    (unsigned long)c->hi);
	if (command_begin(&m->cmd, m->s, VERB_UID_FETCH, err) == -1)
		return -1;
	command_text(&m->cmd, set);
	fetch_put(&m->cmd, m->extras);
	if (command_send(&m->cmd, NULL, err) == -1)
		return -1;
	c->tag = m->cmd.tag;
	c->state = CHUNK_ASKED;
	return 0;
}

static int
top_up(struct meta *m, struct err *err)
{
	struct uidrange range;
	struct chunk *c;
	size_t i;

	for (i = 0; i < m->n; i++) {
		c = chunk_at(m, i);
		if (c->state == CHUNK_PLANNED && ask(m, c, err) == -1)
			return -1;
	}
	while (m->n < N(m->ring) && next_range(m, &range)) {
		c = chunk_at(m, m->n++);
		c->lo = range.lo;
		c->hi = range.hi;
		c->again = false;
		c->state = CHUNK_PLANNED;
		if (ask(m, c, err) == -1)
			return -1;
	}
	return 0;
}

/* ---- answers ---- */

static struct chunk *
chunk_of(struct meta *m, uint32_t uid)
{
	struct chunk *c;
	size_t i;

	for (i = 0; i < m->n; i++) {
		c = chunk_at(m, i);
		if (c->state != CHUNK_PLANNED && uid >= c->lo && uid <= c->hi)
			return c;
	}
	return NULL;
}

/* The last is the usual one; else it is a second answer for one message. */
static struct item *
item_of(struct chunk *c, uint32_t uid)
{
	size_t i = c->win.n;

	if (i > 0 && c->win.v[i - 1].uid < uid && c->state == CHUNK_ASKED &&
	    c->win.v[i - 1].mark == i)
		return NULL;
	while (i-- > 0)
		if (c->win.v[i].uid == uid)
			return &c->win.v[i];
	return NULL;
}

/* `mark` is i + 1 where the first i + 1 items ascend. */
static struct item *
add_item(struct chunk *c, uint32_t uid)
{
	const size_t at = c->win.n;
	struct item *item;

	if ((item = window_add(&c->win)) == NULL)
		return NULL;
	item->uid = uid;
	if (at == 0 || (c->win.v[at - 1].mark == at &&
	    c->win.v[at - 1].uid < uid))
		item->mark = at + 1;
	return item;
}

static bool
copy_told(struct arena *a, struct span told, struct span *out)
{
	return told.n == 0 || arena_span(a, told, out);
}

static bool
copy_ids(struct arena *a, const struct fetched *f, struct item *item)
{
	return copy_told(a, f->emailid, &item->emailid) &&
	    copy_told(a, f->threadid, &item->threadid) &&
	    copy_told(a, f->gm_msgid, &item->gm_msgid) &&
	    copy_told(a, f->gm_thrid, &item->gm_thrid) &&
	    copy_told(a, buf_span(&f->labels), &item->labels);
}

static bool
copy_key(struct arena *a, const struct fetched *f, struct item *item)
{
	struct key *key;

	if ((key = arena_alloc(a, sizeof(*key))) == NULL)
		return false;
	key_of(f->header, key);
	item->key = key;
	return true;
}

static bool
set_ref(struct meta *m, struct arena *a, struct item *item)
{
	char ref[32];

	(void)snprintf(ref, sizeof(ref), "%lu.%lu",
	    (unsigned long)m->uidvalidity, (unsigned long)item->uid);
	return arena_span(a, span_str(ref), &item->ref);
}

/* Flags are alike from one message to the next: share them. */
static bool
set_flags(struct chunk *c, struct span flags, struct item *item)
{
	const size_t i = (size_t)(item - c->win.v);

	if (i > 0 && span_eq(c->win.v[i - 1].flags, flags)) {
		item->flags = c->win.v[i - 1].flags;
		return true;
	}
	return arena_span(&c->win.arena, flags, &item->flags);
}

/*
 * An answer to the command tells size and date, if in two responses; a change
 * of flags does not.
 */
static bool
is_full(const struct fetched *f)
{
	return f->has_size || f->has_date;
}

static int
fill_item(struct meta *m, struct chunk *c, struct item *item,
    const struct fetched *f, struct err *err)
{
	struct arena *a = &c->win.arena;

	if (f->has_flags && !set_flags(c, buf_span(&f->flags), item))
		return err_nomem(err);
	if (f->modseq > item->modseq)
		item->modseq = f->modseq;
	if (!is_full(f))
		return 0;
	item->own = m;		/* told in full */
	item->uidvalidity = m->uidvalidity;
	item->src_mailbox = c->mailbox;
	if (f->has_size)
		item->size = f->size;
	if (f->has_date)
		item->date = f->date;
	if (!set_ref(m, a, item) || !copy_ids(a, f, item) ||
	    (f->has_header && !copy_key(a, f, item)))
		return err_nomem(err);
	return 0;
}

int
meta_fetched(struct meta *m, const struct fetched *f, struct err *err)
{
	struct chunk *c;
	struct item *item;

	if (f->uid == 0 || f->body != FETCH_ABSENT ||
	    (c = chunk_of(m, f->uid)) == NULL || uidset_has(&m->seen, f->uid))
		return 0;
	if ((item = item_of(c, f->uid)) == NULL) {
		if (c->state != CHUNK_ASKED ||
		    (item = add_item(c, f->uid)) == NULL)
			return 0;
	}
	return fill_item(m, c, item, f, err);
}

static int
by_uid(const void *va, const void *vb)
{
	const struct item *a = va, *b = vb;

	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* All answers are in: leave out what was only hinted at, and sort. */
static void
finish_chunk(struct chunk *c)
{
	struct window *w = &c->win;
	bool sorted = true;
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		if (w->v[i].own == NULL)
			continue;
		if (n != i)
			w->v[n] = w->v[i];
		w->v[n].own = NULL;
		w->v[n].mark = 0;
		if (n > 0 && w->v[n].uid < w->v[n - 1].uid)
			sorted = false;
		n++;
	}
	w->n = n;
	if (!sorted)
		qsort(w->v, n, sizeof(*w->v), by_uid);
	c->state = CHUNK_READY;
}

/*
 * BAD: an attribute that the server offers and does not know.  Leave them
 * out one by one, those first that matter least.
 */
static bool
ask_for_less(struct meta *m)
{
	static const enum fetch_extra order[] = {
		FETCH_OBJECTID, FETCH_GMAIL, FETCH_MODSEQ,
	};
	size_t i;

	for (i = 0; i < N(order); i++) {
		if ((m->extras & order[i]) != 0) {
			m->extras &= ~(unsigned)order[i];
			return true;
		}
	}
	return false;
}

int
meta_tagged(struct meta *m, const struct resp *r, struct err *err)
{
	struct chunk *c = NULL;
	int64_t wait;
	size_t i;

	for (i = 0; i < m->n && c == NULL; i++)
		if (chunk_at(m, i)->state == CHUNK_ASKED &&
		    chunk_at(m, i)->tag == r->tag)
			c = chunk_at(m, i);
	if (c == NULL || r->cond == RESP_OK) {
		if (c != NULL)
			finish_chunk(c);
		return 0;
	}
	if (resp_class(r, &wait) == CLASS_THROTTLE) {
		resp_fail(err, ERR_SESSION, r, "UID FETCH");
		session_drop(m->s);
		return -1;
	}
	if (r->cond == RESP_BAD && !ask_for_less(m))
		return resp_fail(err, ERR_MAILBOX, r, "UID FETCH");
	if (r->cond == RESP_BAD || !c->again) {
		c->again = r->cond != RESP_BAD;
		c->state = CHUNK_PLANNED;
		return 0;
	}
	/* Refused twice: what came counts, and the count will tell. */
	finish_chunk(c);
	return 0;
}

/* ---- windows ---- */

static int
read_one(struct meta *m, struct err *err)
{
	struct resp r;

	if (session_read(m->s, &r, err) == -1)
		return -1;
	if (r.type == RESP_TAGGED)
		return meta_tagged(m, &r, err);
	if (r.type != RESP_DATA || !span_iis(r.keyword, "FETCH"))
		return 0;
	if (fetch_parse(&r, &m->f, err) == -1)
		return -1;
	return meta_fetched(m, &m->f, err);
}

/* Give the first chunk away: storage is exchanged, nothing is copied. */
static int
hand_out(struct meta *m, struct window *out, struct err *err)
{
	struct chunk *c = chunk_at(m, 0);
	const struct window w = c->win;
	size_t i;

	for (i = 0; i < w.n; i++)
		if (uidset_add(&m->seen, w.v[i].uid, err) == -1)
			return -1;
	c->win = *out;
	*out = w;
	m->head = (m->head + 1) % N(m->ring);
	m->n--;
	return out->n > 0;
}

/* The next window of a pass; 0: the pass is over. */
static int
pass(struct meta *m, struct window *out, struct err *err)
{
	int rc;

	for (;;) {
		if (top_up(m, err) == -1)
			return -1;
		if (m->n == 0)
			return 0;
		if (chunk_at(m, 0)->state != CHUNK_READY) {
			if (read_one(m, err) == -1)
				return -1;
			continue;
		}
		if ((rc = hand_out(m, out, err)) != 0)
			return rc;
	}
}

int
meta_window(struct meta *m, struct window *out, struct err *err)
{
	int rc;

	for (;;) {
		switch (m->stage) {
		case STAGE_PLAN:
			if (plan(m, err) == -1)
				return -1;
			break;
		case STAGE_PASS:
		case STAGE_REPAIR:
			if ((rc = pass(m, out, err)) != 0)
				return rc;
			m->stage = m->stage == STAGE_PASS ? STAGE_VERIFY :
			    STAGE_RECOUNT;
			break;
		case STAGE_VERIFY:
			if (verify(m, err) == -1)
				return -1;
			break;
		case STAGE_RECOUNT:
			recount(m);
			break;
		case STAGE_DONE:
			window_reset(out);
			return 0;
		}
	}
}

void
meta_resume(struct meta *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (chunk_at(m, i)->state == CHUNK_ASKED)
			chunk_at(m, i)->state = CHUNK_PLANNED;
}
