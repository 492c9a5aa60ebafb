/* SPDX-License-Identifier: ISC */
/*
 * Places in memory: a source, a sink that writes down what it is told, and
 * a destination whose connection can be lost.  All functions are inline, so
 * that each test takes what it needs.
 */
#ifndef FLOW_FAKE_H
#define FLOW_FAKE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "flow/receipt.h"
#include "mail/dest.h"
#include "mail/endpoint.h"
#include "mail/flags.h"
#include "mail/name.h"
#include "mail/report.h"

#define FAKE_BOXES	8
#define FAKE_MESSAGES	4096

/* ---- faults ---- */

/* The at-th call (from 1) of a name fails with a scope. */
struct fake_fault {
	const char	*call;
	unsigned	 at;
	_Atomic unsigned seen;
	enum err_scope	 scope;
	bool		 stop;		/* sets stop_flag instead */
};

static inline int
fake_fails(struct fake_fault *f, const char *call, struct err *err)
{
	if (f->call == NULL || strcmp(f->call, call) != 0 ||
	    ++f->seen != f->at)
		return 0;
	if (f->stop) {
		stop_flag = 1;
		return 0;
	}
	return err_set(err, f->scope, STATUS_IO, "fault in %s", call);
}

/* ---- time ---- */

struct fake_clock {
	int64_t	now;
	unsigned sleeps;
};

static inline int64_t
fake_now(void *arg)
{
	return ((struct fake_clock *)arg)->now;
}

static inline void
fake_sleep(void *arg, int64_t ns)
{
	struct fake_clock *c = arg;

	c->now += ns;
	c->sleeps++;
}

static inline struct sys
fake_sys(struct fake_clock *c)
{
	return (struct sys){
		.now = fake_now, .mono = fake_now, .sleep = fake_sleep,
		.random = sys_real.random, .arg = c,
	};
}

/* ---- messages ---- */

struct fake_message {
	const char	*text;
	const char	*flags;
	int64_t		 sec;
	const char	*src;		/* source mailbox; NULL: where it stands */
	uint32_t	 uid;		/* 0: by its place, from 1 */
	const char	*ref;		/* destination without UIDs */
};

struct fake_box {
	const char		*name;	/* one component */
	struct fake_message	 v[FAKE_MESSAGES];
	size_t			 n;
	uint32_t		 uidvalidity, uidnext;
	bool			 partial;
};

static inline void
fake_ident(const char *text, struct ident *out)
{
	struct identer *i = identer_new(NULL);

	assert_non_null(i);
	identer_add(i, span_str(text));
	identer_end(i, out);
	identer_free(i);
}

static inline struct body *
fake_body(const char *text)
{
	struct body *b = body_new(NULL);

	assert_non_null(b);
	assert_int_equal(body_begin(b, 0, NULL), 0);
	assert_int_equal(body_add(b, span_str(text), NULL), 0);
	assert_int_equal(body_end(b, NULL), 0);
	return b;
}

static inline void
fake_add(struct fake_box *b, const char *text)
{
	assert_true(b->n < FAKE_MESSAGES);
	b->v[b->n++] = (struct fake_message){ .text = text, .flags = "",
	    .sec = 1000 };
}

/* ---- the source ---- */

struct fake_source {
	struct source		 source;
	struct fake_box		*boxes[FAKE_BOXES];
	size_t			 n, next;
	bool			 no_list, incomplete;
	bool			 blind;		/* items have a key but no ident */
	size_t			 window;	/* items a window; 0: WINDOW_ITEMS */
	struct fake_fault	 fault;
	select_fn		*select;
	void			*select_arg;
	unsigned		 cursors;
	pthread_mutex_t		 lock;
};

struct fake_cursor {
	struct cursor		 cursor;
	struct fake_source	*s;
	struct fake_box		*box;
	size_t			 at;
	struct mailbox		 mailbox;
};

static inline struct mailbox
fake_mailbox(const struct fake_box *b)
{
	return (struct mailbox){ .name = span_str(b->name),
	    .uidvalidity = b->uidvalidity, .uidnext = (uint32_t)b->n + 1 };
}

static inline int
fake_list(struct source *source, struct mailboxes *all, struct err *err)
{
	struct fake_source *s = (struct fake_source *)source;
	struct mailbox m;
	size_t i;

	if (fake_fails(&s->fault, "list", err) == -1)
		return -1;
	if (s->no_list)
		return 0;
	for (i = 0; i < s->n; i++) {
		m = fake_mailbox(s->boxes[i]);
		assert_non_null(mailboxes_put(all, &m));
	}
	all->complete = true;
	return 1;
}

static inline void
fake_select(struct source *source, select_fn *fn, void *arg)
{
	struct fake_source *s = (struct fake_source *)source;

	s->select = fn;
	s->select_arg = arg;
}

static inline int
fake_cursor_mailbox(struct cursor *cursor, const struct mailbox **out,
    struct err *err)
{
	struct fake_cursor *c = (struct fake_cursor *)cursor;
	struct fake_source *s = c->s;

	(void)pthread_mutex_lock(&s->lock);
	c->box = NULL;
	while (c->box == NULL && s->next < s->n) {
		c->box = s->boxes[s->next++];
		c->mailbox = fake_mailbox(c->box);
		if (s->select != NULL && !s->select(s->select_arg, &c->mailbox))
			c->box = NULL;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (c->box == NULL)
		return 0;
	c->at = 0;
	*out = &c->mailbox;
	return fake_fails(&s->fault, "mailbox", err) == -1 ? -1 : 1;
}

static inline void
fake_item(struct window *w, const struct fake_box *b, size_t i)
{
	const struct fake_message *m = &b->v[i];
	struct item *item = window_add(w);
	struct ident *ident = arena_alloc(&w->arena, sizeof(*ident));
	char ref[32];

	assert_non_null(item);
	assert_non_null(ident);
	fake_ident(m->text, ident);
	item->uid = m->uid != 0 ? m->uid : (uint32_t)i + 1;
	item->uidvalidity = 1;
	item->src_mailbox = span_str(m->src != NULL ? m->src : b->name);
	(void)snprintf(ref, sizeof(ref), "1.%u", item->uid);
	assert_true(arena_span(&w->arena, span_str(ref), &item->ref));
	item->flags = span_str(m->flags);
	item->date = (struct date){ m->sec, 0, true };
	item->size = ident->size;
	item->ident = ident;
	item->key = &ident->key;
	item->own = (void *)(uintptr_t)m;
}

static inline int
fake_window(struct cursor *cursor, struct window *w, struct err *err)
{
	struct fake_cursor *c = (struct fake_cursor *)cursor;
	const size_t most = c->s->window == 0 ? WINDOW_ITEMS : c->s->window;

	if (fake_fails(&c->s->fault, "window", err) == -1)
		return -1;
	while (c->at < c->box->n && w->n < most) {
		fake_item(w, c->box, c->at++);
		if (c->s->blind)
			w->v[w->n - 1].ident = NULL;
	}
	return w->n > 0;
}

static inline int
fake_fetch(struct cursor *cursor, struct window *w, deliver_fn *fn, void *arg,
    struct err *err)
{
	struct fake_cursor *c = (struct fake_cursor *)cursor;
	const struct fake_message *m;
	struct err why = ERR_INIT;
	struct body *body;
	size_t i;
	int rc = 0;

	for (i = 0; i < w->n && rc == 0; i++) {
		if (w->v[i].verdict != VERDICT_WANTED)
			continue;
		if (fake_fails(&c->s->fault, "fetch", &why) == -1) {
			if (why.scope != ERR_MESSAGE) {
				*err = why;
				return -1;
			}
			rc = fn(arg, &w->v[i], NULL, &why, err);
			continue;
		}
		m = w->v[i].own;
		body = fake_body(m->text);
		rc = fn(arg, &w->v[i], body, NULL, err);
		body_free(body);
	}
	return rc;
}

static inline int
fake_finish(struct cursor *cursor, enum scope *scope,
    const struct mailbox **state, struct err *err)
{
	struct fake_cursor *c = (struct fake_cursor *)cursor;

	if (fake_fails(&c->s->fault, "finish", err) == -1)
		return -1;
	*scope = c->box->partial ? SCOPE_PARTIAL : SCOPE_COMPLETE;
	*state = &c->mailbox;
	return 0;
}

static inline void
fake_cursor_close(struct cursor *cursor)
{
	struct fake_cursor *c = (struct fake_cursor *)cursor;

	(void)pthread_mutex_lock(&c->s->lock);
	c->s->cursors--;
	(void)pthread_mutex_unlock(&c->s->lock);
	free(c);
}

static inline struct cursor *
fake_open(struct source *source, struct err *err)
{
	static const struct cursor_ops ops = {
		.mailbox = fake_cursor_mailbox, .window = fake_window,
		.fetch = fake_fetch, .finish = fake_finish,
		.close = fake_cursor_close,
	};
	struct fake_source *s = (struct fake_source *)source;
	struct fake_cursor *c;

	if (fake_fails(&s->fault, "open", err) == -1)
		return NULL;
	c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->cursor.ops = &ops;
	c->s = s;
	(void)pthread_mutex_lock(&s->lock);
	s->cursors++;
	(void)pthread_mutex_unlock(&s->lock);
	return &c->cursor;
}

static inline void
fake_about(struct source *source, struct source_about *about)
{
	struct fake_source *s = (struct fake_source *)source;

	*about = (struct source_about){ .complete = !s->incomplete };
}

static inline void
fake_source_init(struct fake_source *s)
{
	static const struct source_ops ops = {
		.list = fake_list, .select = fake_select, .open = fake_open,
		.about = fake_about,
	};

	*s = (struct fake_source){ .source = { &ops } };
	(void)pthread_mutex_init(&s->lock, NULL);
}

static inline struct fake_box *
fake_source_box(struct fake_source *s, const char *name)
{
	struct fake_box *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_true(s->n < FAKE_BOXES);
	b->name = name;
	b->uidvalidity = 1;
	s->boxes[s->n++] = b;
	return b;
}

static inline void
fake_source_fini(struct fake_source *s)
{
	size_t i;

	assert_int_equal(s->cursors, 0);
	for (i = 0; i < s->n; i++)
		free(s->boxes[i]);
	(void)pthread_mutex_destroy(&s->lock);
}

/* ---- the destination ---- */

enum fake_drop {
	DROP_NEVER,
	DROP_BEFORE,		/* the connection goes, the message is not stored */
	DROP_AFTER,		/* it is stored, and nobody is told */
	DROP_LATE,		/* it is stored when the mailbox was looked at once */
	DROP_REFUSE,		/* NO */
};

struct fake_dest {
	struct dest	 dest;
	struct fake_box	*boxes[FAKE_BOXES];
	size_t		 n;
	size_t		 depth;		/* appends under way; 0: one at a time */
	bool		 no_uidplus, no_uids, no_list;
	bool		 rewrites;
	unsigned	 drop_at;	/* which append, from 1, of all */
	enum fake_drop	 drop;
	bool		 poison;	/* every append of drop_text loses the connection */
	const char	*drop_text;
	const char	*refused_flag;	/* NO to what has it */
	bool		 forget_outcomes;	/* once */
	bool		 new_uidvalidity;	/* at the next reconnect */
	struct fake_fault fault;
	unsigned	 appends, opens, scans, fetches, settles;
	const char	*target;
	char		 refs[FAKE_MESSAGES][16];
	size_t		 nrefs;
};

struct fake_conn {
	struct dest_conn	 conn;
	struct fake_dest	*d;
	struct fake_box		*box;
	bool			 lost;
	struct fake_queued {
		uint64_t	 cookie;
		char		*text, *flags;
		int64_t		 sec;
	}			 queue[FAKE_MESSAGES];
	size_t			 nqueue;
	const char		*late_text;
	int			 late;
};

/* Texts that a destination holds live until the program ends, each once. */
static inline const char *
fake_keep(const char *s)
{
	static char *kept[1024];
	static size_t n;
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(kept[i], s) == 0)
			return kept[i];
	assert_true(n < 1024);
	kept[n] = strdup(s);
	assert_non_null(kept[n]);
	return kept[n++];
}

static inline struct fake_box *
fake_dest_box(struct fake_dest *d, const char *name, bool create)
{
	struct fake_box *b;
	size_t i;

	for (i = 0; i < d->n; i++)
		if (strcmp(d->boxes[i]->name, name) == 0)
			return d->boxes[i];
	if (!create)
		return NULL;
	b = calloc(1, sizeof(*b));
	assert_non_null(b);
	assert_true(d->n < FAKE_BOXES);
	b->name = fake_keep(name);
	b->uidvalidity = d->no_uids ? 0 : 700;
	b->uidnext = 1;
	d->boxes[d->n++] = b;
	return b;
}

static inline struct fake_message *
fake_store(struct fake_dest *d, struct fake_box *b, const char *text,
    int64_t sec)
{
	struct fake_message *m = &b->v[b->n++];

	assert_true(b->n <= FAKE_MESSAGES);
	*m = (struct fake_message){ .text = fake_keep(text), .flags = "",
	    .sec = sec };
	if (d->no_uids) {
		(void)snprintf(d->refs[d->nrefs], sizeof(d->refs[0]), "r%zu",
		    d->nrefs);
		m->ref = d->refs[d->nrefs++];
	} else {
		m->uid = b->uidnext++;
	}
	return m;
}

static inline int
fake_lost(struct fake_conn *c, struct err *err)
{
	size_t i;

	for (i = 0; i < c->nqueue; i++) {
		free(c->queue[i].text);
		free(c->queue[i].flags);
	}
	c->nqueue = 0;
	c->lost = true;
	return err_set(err, ERR_SESSION, STATUS_CONNECT, "connection lost");
}

static inline int
fake_dest_fails(struct fake_conn *c, const char *call, struct err *err)
{
	struct err why = ERR_INIT;

	if (c->lost)
		return err_set(err, ERR_SESSION, STATUS_CONNECT, "no connection");
	if (fake_fails(&c->d->fault, call, &why) == 0)
		return 0;
	if (why.scope == ERR_SESSION)
		(void)fake_lost(c, NULL);
	*err = why;
	return -1;
}

static inline int
fake_dest_open_box(struct dest_conn *conn, const struct mailbox *m, bool create,
    struct dest_mailbox *st, struct err *err)
{
	struct fake_conn *c = (struct fake_conn *)conn;
	const bool was_lost = c->lost;
	char name[64];

	(void)fake_lost(c, NULL);	/* what is still under way goes nowhere */
	c->lost = false;
	if (fake_dest_fails(c, "open", err) == -1)
		return -1;
	(void)snprintf(name, sizeof(name), "%.*s", SPAN_ARG(m->name));
	c->d->opens++;
	if ((c->box = fake_dest_box(c->d, name, create)) == NULL)
		return 0;
	if (was_lost && c->d->new_uidvalidity)
		c->box->uidvalidity++;
	st->uidvalidity = c->box->uidvalidity;
	st->uidnext = c->d->no_uids ? 0 : c->box->uidnext;
	st->messages = c->box->n;
	st->rewrites = c->d->rewrites;
	return 1;
}

static inline int
fake_scan(struct dest_conn *conn, uint32_t first, dest_message_fn *fn,
    void *arg, struct err *err)
{
	struct fake_conn *c = (struct fake_conn *)conn;
	struct dest_message m;
	size_t i;

	if (fake_dest_fails(c, "scan", err) == -1)
		return -1;
	c->d->scans++;
	for (i = 0; i < c->box->n; i++) {
		const struct fake_message *f = &c->box->v[i];

		if (f->uid < first)
			continue;
		m = (struct dest_message){ .uid = f->uid,
		    .ref = span_str(f->ref), .size = strlen(f->text),
		    .date = { f->sec, 0, true } };
		key_of(span_str(f->text), &m.key);
		if (fn(arg, &m, err) == -1)
			return -1;
	}
	if (c->late == 1)
		(void)fake_store(c->d, c->box, c->late_text, 1000);
	c->late = 0;
	return 0;
}

static inline int
fake_dest_fetch(struct dest_conn *conn, uint32_t uid, struct span ref,
    struct body *body, struct err *err)
{
	struct fake_conn *c = (struct fake_conn *)conn;
	size_t i;

	if (fake_dest_fails(c, "fetch", err) == -1)
		return -1;
	c->d->fetches++;
	for (i = 0; i < c->box->n; i++) {
		const struct fake_message *f = &c->box->v[i];

		if (f->uid != uid || (uid == 0 && !span_is(ref, f->ref)))
			continue;
		assert_int_equal(body_begin(body, 0, NULL), 0);
		assert_int_equal(body_add(body, span_str(f->text), NULL), 0);
		assert_int_equal(body_end(body, NULL), 0);
		return 0;
	}
	return err_set(err, ERR_MESSAGE, STATUS_PASSED, "no such message");
}

/* The server works on the oldest append. */
static inline int
fake_work(struct fake_conn *c, dest_outcome_fn *fn, void *arg, struct err *err)
{
	struct fake_dest *d = c->d;
	struct fake_queued q = c->queue[0];
	enum fake_drop drop = DROP_NEVER;
	struct dest_outcome o;
	struct fake_message *m;
	int rc;

	memmove(&c->queue[0], &c->queue[1], --c->nqueue * sizeof(q));
	if (++d->appends == d->drop_at || (d->poison &&
	    strcmp(q.text, d->drop_text) == 0))
		drop = d->drop;
	else if (d->refused_flag != NULL &&
	    strstr(q.flags, d->refused_flag) != NULL)
		drop = DROP_REFUSE;
	o = (struct dest_outcome){ .cookie = q.cookie, .why = ERR_INIT };
	if (drop == DROP_NEVER || drop == DROP_AFTER) {
		m = fake_store(d, c->box, q.text, q.sec);
		m->flags = fake_keep(q.flags);
		o.stored = true;
		if (!d->no_uidplus) {
			o.uid = m->uid;
			o.uidvalidity = c->box->uidvalidity;
			o.ref = span_str(m->ref);
		}
	} else if (drop == DROP_REFUSE) {
		(void)err_set(&o.why, ERR_MESSAGE, STATUS_PASSED, "NO too big");
		o.for_flags = d->refused_flag != NULL;
	} else if (drop == DROP_LATE) {
		c->late = 1;
		c->late_text = fake_keep(q.text);
	}
	free(q.text);
	free(q.flags);
	if (drop == DROP_BEFORE || drop == DROP_AFTER || drop == DROP_LATE)
		return fake_lost(c, err);
	if (d->forget_outcomes) {
		d->forget_outcomes = false;
		return 0;
	}
	rc = fn(arg, &o, err);
	return rc;
}

static inline int
fake_append(struct dest_conn *conn, const struct item *item,
    struct body *body, uint64_t cookie, dest_outcome_fn *fn, void *arg,
    struct err *err)
{
	struct fake_conn *c = (struct fake_conn *)conn;
	struct fake_queued *q;
	struct buf text = BUF_INIT;
	struct span piece;

	if (fake_dest_fails(c, "append", err) == -1)
		return -1;
	while (body_next(body, &piece, NULL) == 1)
		buf_put(&text, piece);
	q = &c->queue[c->nqueue++];
	*q = (struct fake_queued){ .cookie = cookie, .sec = item->date.sec };
	q->text = span_dup(buf_span(&text));
	q->flags = span_dup(item->flags);
	buf_fini(&text);
	while (c->nqueue > c->d->depth)
		if (fake_work(c, fn, arg, err) == -1)
			return -1;
	return 0;
}

static inline int
fake_settle(struct dest_conn *conn, dest_outcome_fn *fn, void *arg,
    struct err *err)
{
	struct fake_conn *c = (struct fake_conn *)conn;

	if (fake_dest_fails(c, "settle", err) == -1)
		return -1;
	c->d->settles++;
	while (c->nqueue > 0)
		if (fake_work(c, fn, arg, err) == -1)
			return -1;
	return 0;
}

static inline void
fake_conn_close(struct dest_conn *conn)
{
	struct fake_conn *c = (struct fake_conn *)conn;

	(void)fake_lost(c, NULL);
	free(c);
}

static inline struct dest_conn *
fake_dest_open(struct dest *dest, struct err *err)
{
	static const struct dest_conn_ops ops = {
		.open = fake_dest_open_box, .scan = fake_scan,
		.fetch = fake_dest_fetch, .append = fake_append,
		.settle = fake_settle, .close = fake_conn_close,
	};
	struct fake_conn *c = calloc(1, sizeof(*c));

	(void)err;
	assert_non_null(c);
	c->conn.ops = &ops;
	c->d = (struct fake_dest *)dest;
	return &c->conn;
}

static inline int
fake_dest_list(struct dest *dest, struct mailboxes *all, struct err *err)
{
	struct fake_dest *d = (struct fake_dest *)dest;
	struct mailbox m;
	size_t i;

	(void)err;
	for (i = 0; !d->no_list && i < d->n; i++) {
		m = fake_mailbox(d->boxes[i]);
		assert_non_null(mailboxes_put(all, &m));
	}
	return 0;
}

static inline struct span
fake_target(struct dest *dest)
{
	struct fake_dest *d = (struct fake_dest *)dest;

	return span_str(d->target);
}

static inline void
fake_dest_init(struct fake_dest *d, bool uids)
{
	static const struct dest_ops with = {
		.list = fake_dest_list, .open = fake_dest_open,
		.url = fake_target, .target = fake_target, .has_uids = true,
	};
	static const struct dest_ops without = {
		.list = fake_dest_list, .open = fake_dest_open,
		.url = fake_target, .target = fake_target, .has_uids = false,
	};

	*d = (struct fake_dest){ .dest = { uids ? &with : &without },
	    .no_uids = !uids, .target = "fake" };
}

static inline void
fake_dest_fini(struct fake_dest *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		free(d->boxes[i]);
}

/* How often a text is in a mailbox. */
static inline size_t
fake_count(struct fake_dest *d, const char *name, const char *text)
{
	const struct fake_box *b = fake_dest_box(d, name, false);
	size_t i, n = 0;

	for (i = 0; b != NULL && i < b->n; i++)
		n += strcmp(b->v[i].text, text) == 0;
	return n;
}

/* ---- the report ---- */

struct fake_report {
	struct report	 report;
	pthread_mutex_t	 lock;
	unsigned	 items[8];	/* by verdict */
	unsigned	 mailboxes, notes;
};

static inline void
fake_report_item(void *arg, struct span mailbox, const struct item *item,
    const struct err *why)
{
	struct fake_report *r = arg;

	(void)mailbox, (void)why;
	(void)pthread_mutex_lock(&r->lock);
	r->items[item->verdict]++;
	(void)pthread_mutex_unlock(&r->lock);
}

static inline void
fake_report_mailbox(void *arg, struct span mailbox, const struct err *why)
{
	struct fake_report *r = arg;

	(void)mailbox, (void)why;
	(void)pthread_mutex_lock(&r->lock);
	r->mailboxes++;
	(void)pthread_mutex_unlock(&r->lock);
}

static inline void
fake_report_init(struct fake_report *r)
{
	*r = (struct fake_report){ .report = { .item = fake_report_item,
	    .mailbox = fake_report_mailbox } };
	r->report.arg = r;
	(void)pthread_mutex_init(&r->lock, NULL);
}

#define ROW_OK(name, ok)						\
	do {								\
		if (!(ok))						\
			fail_msg("%s: %s", (name), #ok);		\
	} while (0)

#endif
