/* SPDX-License-Identifier: ISC */
/*
 * An account to be read.  Each cursor has a connection; mailboxes are dealt
 * out from one list.  A lost connection is made again here, and only here.
 */

#include <stdlib.h>

#include "imap/utf7.h"

#include "imap/bodies.h"
#include "imap/list.h"
#include "imap/select.h"
#include "imap/source.h"

struct imap_source {
	struct source	 base;
	struct account	*acct;
	unsigned	 need;
	struct buf	 url;
	select_fn	*select;
	void		*select_arg;

	pthread_mutex_t	 lock;		/* for all below */
	struct session	*first;		/* waits for its cursor; or NULL */
	bool		 listed;
	struct mailboxes list;
	size_t		 next;		/* of the list, not dealt out yet */
};

struct imap_cursor {
	struct cursor	 base;
	struct imap_source *src;
	struct session	*s;
	struct meta	*meta;
	struct bodies	*bodies;

	struct mailbox	 mb;		/* the one in hand */
	struct arena	 arena;		/* that it lives in */
	struct buf	 raw;
	bool		 open;		/* it was examined; else it has no items */

	struct identer	*identer;
	struct window	*win;		/* whose items are being identified */
};

static void
lock(struct imap_source *src)
{
	(void)pthread_mutex_lock(&src->lock);
}

static void
unlock(struct imap_source *src)
{
	(void)pthread_mutex_unlock(&src->lock);
}

/* ---- the list ---- */

/* Each mailbox's octets, message by message, where STATUS does not tell. */
static int
on_size(void *arg, struct session *s, struct resp *r, struct err *err)
{
	struct mailbox *mb = arg;
	struct fetched f = { .uid = 0 };
	int rc;

	(void)s;
	if (!span_iis(r->keyword, "FETCH"))
		return 0;
	rc = fetch_parse(r, &f, err);
	if (rc == 0 && f.has_size && mb->octets <= UINT64_MAX - f.size)
		mb->octets += f.size;
	fetch_fini(&f);
	return rc;
}

static int
add_up(struct session *s, struct span raw, struct mailbox *mb, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	if (select_open(s, raw, &end, err) == -1)
		return -1;
	if (!s->sel.open)
		return 0;
	mb->counted = true;
	mb->messages = s->sel.exists;
	mb->uidvalidity = s->sel.uidvalidity;
	mb->uidnext = s->sel.uidnext;
	mb->octets = 0;
	mb->sized = s->sel.exists == 0;
	if (mb->sized)
		return 0;
	if (command_begin(&c, s, VERB_UID_FETCH, err) == -1)
		goto out;
	command_text(&c, "1:* (UID RFC822.SIZE)");
	if (command_run(&c, on_size, mb, &end, err) == -1)
		goto out;
	mb->sized = end.cond == RESP_OK;
	rc = 0;
out:
	command_fini(&c);
	return rc;
}

static int
status_of(struct session *s, struct span raw, struct mailbox *mb,
    struct err *err)
{
	struct list_status st;
	const bool size = session_can(s, CAP_STATUS_SIZE);

	if (list_status(s, raw, size ? "(MESSAGES UIDNEXT UIDVALIDITY SIZE)" :
	    "(MESSAGES UIDNEXT UIDVALIDITY)", &st, err) == -1)
		return -1;
	if (st.refused)
		return 0;
	mb->counted = st.counted;
	mb->messages = st.messages;
	mb->uidnext = st.uidnext;
	mb->uidvalidity = st.uidvalidity;
	mb->sized = st.sized || (st.counted && st.messages == 0);
	mb->octets = st.octets;
	return 0;
}

/* What the list did not tell of counts and sizes. */
static int
ask_sizes(struct session *s, struct mailboxes *list, struct err *err)
{
	struct buf raw = BUF_INIT;
	struct mailbox *mb;
	size_t i;
	int rc = 0;

	for (i = 0; i < list->n && rc == 0; i++) {
		mb = &list->v[i];
		if (mb->status != MAILBOX_OPEN || mb->sized ||
		    !select_name(mb, &raw))
			continue;
		if (!mb->counted || session_can(s, CAP_STATUS_SIZE))
			rc = status_of(s, buf_span(&raw), mb, err);
		if (rc == 0 && mb->counted && mb->messages == 0)
			mb->sized = true;
		if (rc == 0 && !mb->sized)
			rc = add_up(s, buf_span(&raw), mb, err);
	}
	buf_fini(&raw);
	return rc;
}

/*
 * A list, over as many connections as it takes.  Asked for under the lock:
 * whoever needs it too waits for it.
 */
static int
list_safely(struct session *s, bool sizes, struct mailboxes *out,
    struct err *err)
{
	struct err why = ERR_INIT;

	for (;;) {
		err_clear(&why);
		if (list_all(s, sizes, out, &why) == 0 &&
		    (!sizes || ask_sizes(s, out, &why) == 0))
			return 0;
		mailboxes_fini(out);
		if (why.scope != ERR_SESSION) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		session_drop(s);
		if (session_again(s, &why, err) == -1)
			return -1;
	}
}

/* Under the lock: the list that mailboxes are dealt from, made once. */
static int
list_once(struct imap_source *src, struct session *s, struct err *err)
{
	if (!src->listed && list_safely(s, false, &src->list, err) == -1)
		return -1;
	src->listed = true;
	return 0;
}

static int
copy_list(const struct mailboxes *from, struct mailboxes *to, struct err *err)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (mailboxes_put(to, &from->v[i]) == NULL)
			return err_nomem(err);
	to->complete = from->complete;
	return 0;
}

/* A new connection. */
static struct session *
new_session(struct imap_source *src, struct err *err)
{
	struct err why = ERR_INIT;
	struct session *s;

	if ((s = session_new(src->acct, true, err)) == NULL)
		return NULL;
	if (session_connect(s, &why) == 0)
		return s;
	if (why.scope == ERR_SESSION) {
		if (session_again(s, &why, err) == 0)
			return s;
	} else if (err != NULL) {
		*err = why;
	}
	session_free(s);
	return NULL;
}

static int
give_list(struct imap_source *src, bool sizes, struct mailboxes *out,
    struct err *err)
{
	struct session *own = NULL, *s;
	int rc = -1;

	lock(src);
	s = src->first;
	if (s == NULL && (sizes || !src->listed) &&
	    (s = own = new_session(src, err)) == NULL)
		goto out;
	if (sizes)
		rc = list_safely(s, true, out, err);
	else if (list_once(src, s, err) == 0)
		rc = copy_list(&src->list, out, err);
out:
	unlock(src);
	session_free(own);
	return rc;
}

static int
source_list(struct source *base, struct mailboxes *out, struct err *err)
{
	return give_list((struct imap_source *)base, false, out, err) == 0 ?
	    1 : -1;
}

int
imap_sizes(struct source *base, struct mailboxes *out, struct err *err)
{
	return give_list((struct imap_source *)base, true, out, err);
}

/* ---- cursors: connections ---- */

/*
 * The connection was lost: make it again and open the mailbox again.
 * ERR_MAILBOX where it is not the same mailbox any more.
 */
static int
again(struct imap_cursor *c, const struct err *lost, struct err *err)
{
	struct err why = *lost;
	struct resp end;

	while (why.scope == ERR_SESSION) {
		session_drop(c->s);
		if (session_again(c->s, &why, err) == -1)
			return -1;
		if (!c->open)
			return 0;
		err_clear(&why);
		if (select_open(c->s, buf_span(&c->raw), &end, &why) == -1)
			continue;
		if (!c->s->sel.open)
			resp_fail(&why, ERR_MAILBOX, &end, "EXAMINE");
		else if (c->s->sel.uidvalidity != c->mb.uidvalidity)
			err_set(&why, ERR_MAILBOX, STATUS_PASSED,
			    "UIDVALIDITY changed during the run");
		else {
			meta_resume(c->meta);
			return 0;
		}
	}
	if (err != NULL)
		*err = why;
	return -1;
}

/*
 * What failed: 0 and it is to be tried again on a new connection, or -1
 * with *err.
 */
static int
recover(struct imap_cursor *c, const struct err *why, struct err *err)
{
	if (why->scope == ERR_SESSION)
		return again(c, why, err);
	if (err != NULL)
		*err = *why;
	return -1;
}

/* ---- cursors: mailboxes ---- */

/* The next of the list that is selected.  1, 0, -1. */
static int
deal(struct imap_cursor *c, struct err *err)
{
	struct imap_source *src = c->src;
	const struct mailbox *mb;
	int rc;

	lock(src);
	rc = list_once(src, c->s, err);
	while (rc == 0 && src->next < src->list.n) {
		mb = &src->list.v[src->next++];
		if (src->select != NULL && !src->select(src->select_arg, mb))
			continue;
		arena_reset(&c->arena);
		rc = mailbox_copy(&c->arena, mb, &c->mb) ? 1 : err_nomem(err);
	}
	unlock(src);
	return rc;
}

/* The state as it is before the enumeration: what finish() tells. */
static int
take_state(struct imap_cursor *c, struct err *err)
{
	const struct selected *sel = &c->s->sel;

	c->mb.uidvalidity = sel->uidvalidity;
	c->mb.uidnext = sel->uidnext;
	c->mb.modseq = sel->modseq;
	c->mb.counted = true;
	c->mb.messages = sel->exists;
	if (sel->id.n > 0 &&
	    !arena_span(&c->arena, buf_span(&sel->id), &c->mb.id))
		return err_nomem(err);
	return 0;
}

/* EXAMINE the mailbox in hand, over as many connections as it takes. */
static int
examine(struct imap_cursor *c, struct err *err)
{
	struct err why = ERR_INIT;
	struct resp end;

	for (;;) {
		err_clear(&why);
		if (!session_alive(c->s))
			err_set(&why, ERR_SESSION, STATUS_CONNECT,
			    "the connection was lost");
		else if (select_open(c->s, buf_span(&c->raw), &end, &why) == 0) {
			if (c->s->sel.open)
				return take_state(c, err);
			resp_fail(&why, ERR_MAILBOX, &end, "EXAMINE");
		}
		if (recover(c, &why, err) == -1)
			return -1;
	}
}

static int
cursor_mailbox(struct cursor *base, const struct mailbox **out,
    struct err *err)
{
	struct imap_cursor *c = (struct imap_cursor *)base;
	struct meta_config cfg = { .first = 1, .count = true };
	int rc;

	c->open = false;
	if ((rc = deal(c, err)) != 1)
		return rc;
	*out = &c->mb;
	if (c->mb.status != MAILBOX_OPEN)
		return 1;
	if (!select_name(&c->mb, &c->raw))
		return err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "its name cannot be sent to the server");
	if (examine(c, err) == -1)
		return -1;
	cfg.s = c->s;
	cfg.mailbox = c->mb.name;
	cfg.limit = c->mb.uidnext;
	cfg.key = (c->src->need & NEED_KEY) != 0;
	if (meta_begin(c->meta, &cfg, err) == -1)
		return -1;
	c->open = true;
	return 1;
}

static int
next_window(struct imap_cursor *c, struct window *win, struct err *err)
{
	struct err why = ERR_INIT;
	int rc;

	for (;;) {
		err_clear(&why);
		if ((rc = meta_window(c->meta, win, &why)) != -1) {
			session_progress(c->s);
			return rc;
		}
		if (recover(c, &why, err) == -1)
			return -1;
	}
}

static int
cursor_fetch(struct cursor *base, struct window *win, deliver_fn *deliver,
    void *arg, struct err *err)
{
	struct imap_cursor *c = (struct imap_cursor *)base;
	struct err why = ERR_INIT;

	if (!c->open)
		return 0;
	bodies_begin(c->bodies, c->s, c->meta, win, deliver, arg);
	for (;;) {
		err_clear(&why);
		if (bodies_run(c->bodies, &why) == 0)
			return 0;
		if (bodies_refused(c->bodies)) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		if (recover(c, &why, err) == -1)
			return -1;
		bodies_resume(c->bodies);
	}
}

/* ---- identities ---- */

/* deliver_fn: what the octets are; one that cannot be had keeps what it has. */
static int
identify(void *arg, struct item *item, struct body *body,
    const struct err *why, struct err *err)
{
	struct imap_cursor *c = arg;
	struct ident *ident;
	struct span piece;
	int more;

	item->verdict = body == NULL ? VERDICT_UNAVAILABLE : VERDICT_NONE;
	if (body == NULL) {
		report_item(c->src->acct->cfg.report, c->mb.name, item, why);
		item->verdict = VERDICT_NONE;
		return 0;
	}
	if ((ident = arena_alloc(&c->win->arena, sizeof(*ident))) == NULL)
		return err_nomem(err);
	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		identer_add(c->identer, piece);
	identer_end(c->identer, ident);
	if (more == -1)
		return -1;
	item->ident = ident;
	item->key = &ident->key;
	item->size = ident->size;
	return 0;
}

/*
 * NEED_IDENT asks for all octets; NEED_KEY for those of messages whose header
 * says nothing that they could be known by.
 */
static bool
is_to_be_identified(const struct imap_cursor *c, const struct item *item)
{
	if ((c->src->need & NEED_IDENT) != 0)
		return true;
	return (c->src->need & NEED_KEY) != 0 &&
	    (item->key == NULL || item->key->kind == KEY_NONE);
}

static int
cursor_window(struct cursor *base, struct window *win, struct err *err)
{
	struct imap_cursor *c = (struct imap_cursor *)base;
	bool any = false;
	size_t i;
	int rc;

	if (!c->open)
		return 0;
	if ((rc = next_window(c, win, err)) != 1)
		return rc;
	for (i = 0; i < win->n; i++) {
		if (!is_to_be_identified(c, &win->v[i]))
			continue;
		win->v[i].verdict = VERDICT_WANTED;
		any = true;
	}
	c->win = win;
	if (any && cursor_fetch(base, win, identify, c, err) == -1)
		return -1;
	return 1;
}

static int
cursor_finish(struct cursor *base, enum scope *scope,
    const struct mailbox **state, struct err *err)
{
	struct imap_cursor *c = (struct imap_cursor *)base;
	struct err why = ERR_INIT;
	uint64_t told, said;

	(void)err;
	*state = &c->mb;
	*scope = !c->open || meta_complete(c->meta) ? SCOPE_COMPLETE :
	    SCOPE_PARTIAL;
	if (*scope == SCOPE_PARTIAL && meta_over(c->meta)) {
		meta_counts(c->meta, &told, &said);
		err_set(&why, ERR_MAILBOX, STATUS_PASSED,
		    "the server told of %llu messages out of %llu",
		    (unsigned long long)told, (unsigned long long)said);
		report_mailbox(c->src->acct->cfg.report, c->mb.name, &why);
	}
	return 0;
}

static void
cursor_close(struct cursor *base)
{
	struct imap_cursor *c = (struct imap_cursor *)base;

	if (c == NULL)
		return;
	session_free(c->s);
	meta_free(c->meta);
	bodies_free(c->bodies);
	identer_free(c->identer);
	arena_fini(&c->arena);
	buf_fini(&c->raw);
	free(c);
}

static const struct cursor_ops cursor_ops = {
	.mailbox = cursor_mailbox,
	.window = cursor_window,
	.fetch = cursor_fetch,
	.finish = cursor_finish,
	.close = cursor_close,
};

/* ---- the source ---- */

/* The connection that imap_source() made, or a new one. */
static struct session *
take_session(struct imap_source *src, struct err *err)
{
	struct session *s;

	lock(src);
	s = src->first;
	src->first = NULL;
	unlock(src);
	return s != NULL ? s : new_session(src, err);
}

static struct cursor *
source_open(struct source *base, struct err *err)
{
	struct imap_source *src = (struct imap_source *)base;
	struct imap_cursor *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	c->base.ops = &cursor_ops;
	c->src = src;
	if ((c->meta = meta_new(err)) == NULL ||
	    (c->bodies = bodies_new(err)) == NULL ||
	    (c->identer = identer_new(err)) == NULL ||
	    (c->s = take_session(src, err)) == NULL) {
		cursor_close(&c->base);
		return NULL;
	}
	return &c->base;
}

static void
source_select(struct source *base, select_fn *fn, void *arg)
{
	struct imap_source *src = (struct imap_source *)base;

	src->select = fn;
	src->select_arg = arg;
}

static void
source_about(struct source *base, struct source_about *about)
{
	struct imap_source *src = (struct imap_source *)base;

	*about = (struct source_about){
		.origin = buf_span(&src->url),
		.complete = true,
	};
}

static void
source_close(struct source *base)
{
	struct imap_source *src = (struct imap_source *)base;

	if (src == NULL)
		return;
	session_free(src->first);
	mailboxes_fini(&src->list);
	buf_fini(&src->url);
	(void)pthread_mutex_destroy(&src->lock);
	account_fini(src->acct);
	free(src->acct);
	free(src);
}

static const struct source_ops source_ops = {
	.list = source_list,
	.select = source_select,
	.open = source_open,
	.about = source_about,
	.close = source_close,
};

struct source *
source_new(struct account *acct, unsigned need, struct err *err)
{
	struct imap_source *src;
	struct err why = ERR_INIT;

	if ((src = calloc(1, sizeof(*src))) == NULL ||
	    pthread_mutex_init(&src->lock, NULL) != 0) {
		free(src);
		account_fini(acct);
		free(acct);
		err_nomem(err);
		return NULL;
	}
	src->base.ops = &source_ops;
	src->acct = acct;
	src->need = need;
	url_put(&src->url, &acct->cfg.url);
	if (!buf_ok(&src->url))
		err_nomem(&why);
	else if ((src->first = session_new(acct, true, &why)) != NULL &&
	    session_connect(src->first, &why) == 0)
		return &src->base;
	/* What may pass by itself is for the caller to try again. */
	if (why.scope == ERR_SESSION)
		why.scope = ERR_RUN;
	if (err != NULL)
		*err = why;
	source_close(&src->base);
	return NULL;
}

struct source *
imap_source(const struct imap_account *cfg, unsigned need, struct err *err)
{
	struct account *acct;

	if ((acct = calloc(1, sizeof(*acct))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	if (account_init(acct, cfg, err) == -1) {
		free(acct);
		return NULL;
	}
	return source_new(acct, need, err);
}
