/* SPDX-License-Identifier: ISC */
/* The source over a tree of Maildirs. */

#include <pthread.h>
#include <stdlib.h>


#include "formats/maildir/folder.h"
#include "formats/maildir/maildir.h"
#include "formats/maildir/origin.h"
#include "formats/maildir/reader.h"
#include "formats/maildir/subs.h"
#include "formats/maildir/tree.h"

/* A window ends where so much was read for it, to be seen to stop. */
#define WINDOW_OCTETS	(UINT64_C(64) << 20)

struct maildir_source {
	struct source		 source;
	char			*path;
	struct maildir_config	 config;
	unsigned		 need;
	struct buf		 origin;
	struct tree		 tree;
	select_fn		*select;
	void			*select_arg;
	pthread_mutex_t		 lock;		/* over what follows */
	size_t			 next;		/* mailbox that nobody has */
};

struct maildir_cursor {
	struct cursor		 cursor;
	struct maildir_source	*source;
	const struct mailbox	*mailbox;
	struct folder		 folder;
	size_t			 at;		/* in its table */
	struct reader		*reader;
	struct body		*body;
	struct buf		 text;
};

static struct maildir_source *
source_of(struct source *source)
{
	return (struct maildir_source *)(void *)source;
}

static struct maildir_cursor *
cursor_of(struct cursor *cursor)
{
	return (struct maildir_cursor *)(void *)cursor;
}

/* ---- mailboxes ---- */

/* The next that is wanted, or SIZE_MAX. */
static size_t
take_next(struct maildir_source *s)
{
	size_t i = SIZE_MAX;

	(void)pthread_mutex_lock(&s->lock);
	while (i == SIZE_MAX && s->next < s->tree.all.n) {
		if (s->select == NULL ||
		    s->select(s->select_arg, &s->tree.all.v[s->next]))
			i = s->next;
		s->next++;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return i;
}

static int
cursor_mailbox(struct cursor *cursor, const struct mailbox **out,
    struct err *err)
{
	struct maildir_cursor *c = cursor_of(cursor);
	struct maildir_source *s = c->source;
	const size_t i = take_next(s);

	*out = NULL;
	folder_close(&c->folder);
	if (i == SIZE_MAX)
		return 0;
	c->at = 0;
	c->mailbox = *out = &s->tree.all.v[i];
	if (folder_open(&c->folder, s->tree.fd, s->path, s->tree.paths[i],
	    s->config.report, err) == -1 || folder_load(&c->folder, err) == -1)
		return -1;
	return 1;
}

static int
cursor_finish(struct cursor *cursor, enum scope *scope,
    const struct mailbox **state, struct err *err)
{
	struct maildir_cursor *c = cursor_of(cursor);

	(void)err;
	*scope = c->folder.table.complete && c->at == c->folder.table.n ?
	    SCOPE_COMPLETE : SCOPE_PARTIAL;
	*state = c->mailbox;
	folder_close(&c->folder);
	return 0;
}

/* ---- windows ---- */

/* The octets tell more than the name, if that was asked for. */
static int
identify(struct maildir_cursor *c, struct window *w, struct item *item,
    struct folder_entry *e, struct err *err)
{
	struct ident *ident;
	struct key *key;
	int rc;

	if ((c->source->need & NEED_IDENT) != 0) {
		if ((ident = arena_alloc(&w->arena, sizeof(*ident))) == NULL)
			return err_nomem(err);
		if ((rc = reader_ident(c->reader, &c->folder, e, ident,
		    err)) != 1)
			return rc;
		item->ident = ident;
		item->key = &ident->key;
		item->size = ident->size;
		return 1;
	}
	if ((c->source->need & NEED_KEY) == 0)
		return 1;
	if ((key = arena_alloc(&w->arena, sizeof(*key))) == NULL)
		return err_nomem(err);
	if ((rc = reader_key(c->reader, &c->folder, e, key, err)) == 1)
		item->key = key;
	return rc;
}

/* What its name and its status tell. */
static int
describe(struct maildir_cursor *c, struct window *w, struct item *item,
    struct folder_entry *e, const struct stat *st, struct err *err)
{
	item->own = e;
	item->src_mailbox = c->mailbox->name;
	if (item->ident == NULL)
		item->size = (uint64_t)st->st_size;
	item->date = (struct date){ st->st_mtim.tv_sec, DATE_NO_ZONE, true };
	buf_clear(&c->text);
	folder_ref(&c->text, &c->folder, e);
	if (!buf_ok(&c->text) ||
	    !arena_span(&w->arena, buf_span(&c->text), &item->ref))
		return err_nomem(err);
	buf_clear(&c->text);
	folder_flags(&c->text, &c->folder, e);
	if (!buf_ok(&c->text) ||
	    !arena_span(&w->arena, buf_span(&c->text), &item->flags))
		return err_nomem(err);
	return 0;
}

/*
 * It cannot be read.  Where it should have been identified nobody can make
 * anything of it; else fetch() says so, to whoever wants it.
 */
static void
spoil(struct maildir_cursor *c, struct item *item, struct err *err)
{
	if ((c->source->need & NEED_IDENT) != 0) {
		report_note(c->source->config.report, "%s", err->msg);
		item->verdict = VERDICT_UNAVAILABLE;
		item->reason = "unreadable";
	}
	err_clear(err);
}

/* What is asked of one message: 1; 0: it is gone by now; -1. */
static int
look_at_entry(struct maildir_cursor *c, struct window *w, struct item *item,
    struct folder_entry *e, struct err *err)
{
	struct stat st = { .st_size = 0 };
	int rc;

	rc = folder_stat(&c->folder, e, &st, err);
	if (rc == 1)
		rc = identify(c, w, item, e, err);
	if (rc == 0 || (rc == -1 && err->scope != ERR_MESSAGE))
		return rc;
	if (rc == -1)
		spoil(c, item, err);
	return describe(c, w, item, e, &st, err) == 0 ? 1 : -1;
}

/* One message into the window, unless it is gone. */
static int
add_entry(struct maildir_cursor *c, struct window *w, struct folder_entry *e,
    struct err *err)
{
	const size_t was = w->n;
	struct item *item;
	int rc;

	if ((item = window_add(w)) == NULL)
		return err_set(err, ERR_RUN, STATUS_BUG, "the window is full");
	if ((rc = look_at_entry(c, w, item, e, err)) != 1)
		w->n = was;
	return rc == -1 ? -1 : 0;
}

static int
cursor_window(struct cursor *cursor, struct window *w, struct err *err)
{
	struct maildir_cursor *c = cursor_of(cursor);
	const struct folder_table *t = &c->folder.table;
	uint64_t octets = 0;
	size_t n;

	window_reset(w);
	while (c->at < t->n && w->n < WINDOW_ITEMS && octets < WINDOW_OCTETS) {
		n = w->n;
		if (add_entry(c, w, &t->v[c->at], err) == -1)
			return -1;
		c->at++;
		if (w->n > n && w->v[n].ident != NULL)
			octets += w->v[n].size;
	}
	return w->n > 0;
}

/* ---- octets ---- */

/* -1: ERR_MESSAGE where the message is spoilt. */
static int
read_item(struct maildir_cursor *c, const struct item *item, struct err *err)
{
	const int rc = reader_body(c->reader, &c->folder, item->own, c->body,
	    err);

	if (rc == 0)
		return err_set(err, ERR_MESSAGE, STATUS_PASSED,
		    "%s: the message is not there any more", c->folder.path);
	if (rc == 1 && item->ident != NULL &&
	    !digest_eq(&item->ident->digest, body_digest(c->body)))
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "%s: the message was changed while it was read",
		    c->folder.path);
	return rc;
}

static int
cursor_fetch(struct cursor *cursor, struct window *w, deliver_fn *deliver,
    void *arg, struct err *err)
{
	struct maildir_cursor *c = cursor_of(cursor);
	struct err why = ERR_INIT;
	size_t i;
	int rc;

	for (i = 0; i < w->n; i++) {
		if (w->v[i].verdict != VERDICT_WANTED)
			continue;
		err_clear(&why);
		rc = read_item(c, &w->v[i], &why);
		if (rc == -1 && why.scope != ERR_MESSAGE) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		if (rc == -1)
			rc = deliver(arg, &w->v[i], NULL, &why, err);
		else
			rc = deliver(arg, &w->v[i], c->body, NULL, err);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static void
cursor_close(struct cursor *cursor)
{
	struct maildir_cursor *c = cursor_of(cursor);

	folder_close(&c->folder);
	reader_free(c->reader);
	body_free(c->body);
	buf_fini(&c->text);
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

static int
source_list(struct source *source, struct mailboxes *out, struct err *err)
{
	const struct mailboxes *all = &source_of(source)->tree.all;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (mailboxes_put(out, &all->v[i]) == NULL)
			return err_nomem(err);
	out->complete = all->complete;
	return 1;
}

static void
source_select(struct source *source, select_fn *fn, void *arg)
{
	struct maildir_source *s = source_of(source);

	s->select = fn;
	s->select_arg = arg;
}

static struct cursor *
source_open(struct source *source, struct err *err)
{
	struct maildir_cursor *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	c->cursor.ops = &cursor_ops;
	c->source = source_of(source);
	if ((c->reader = reader_new(err)) == NULL ||
	    (c->body = body_new(err)) == NULL) {
		cursor_close(&c->cursor);
		return NULL;
	}
	return &c->cursor;
}

static void
source_about(struct source *source, struct source_about *out)
{
	const struct maildir_source *s = source_of(source);

	*out = (struct source_about){ .origin = buf_span(&s->origin),
	    .complete = s->tree.complete };
}

static void
source_close(struct source *source)
{
	struct maildir_source *s = source_of(source);

	(void)pthread_mutex_destroy(&s->lock);
	tree_close(&s->tree);
	buf_fini(&s->origin);
	free(s->path);
	free(s);
}

static const struct source_ops source_ops = {
	.list = source_list,
	.select = source_select,
	.open = source_open,
	.about = source_about,
	.close = source_close,
};

static int
read_tree(struct maildir_source *s, struct err *err)
{
	if (tree_open(&s->tree, s->path, s->config.report, err) == -1)
		return -1;
	if (s->tree.fd == -1)
		return err_set(err, ERR_RUN, STATUS_NOINPUT,
		    "%s: no such directory", s->path);
	if (s->tree.all.n == 0)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: holds no Maildir", s->path);
	if (subs_read(&s->tree, err) == -1)
		return -1;
	return origin_put(&s->origin, s->path, err);
}

struct source *
maildir_source(const char *path, const struct maildir_config *config,
    unsigned need, struct err *err)
{
	struct maildir_source *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	s->source.ops = &source_ops;
	s->config = *config;
	s->need = need;
	s->tree.fd = -1;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		(void)err_nomem(err);
		free(s);
		return NULL;
	}
	if ((s->path = span_dup(span_str(path))) == NULL)
		(void)err_nomem(err);
	else if (read_tree(s, err) == 0)
		return &s->source;
	source_close(&s->source);
	return NULL;
}
