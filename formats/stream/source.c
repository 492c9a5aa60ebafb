/* SPDX-License-Identifier: ISC */
/*
 * The source that reads a stream.  Octets come once and in order, so a
 * window holds its items' octets: the small ones side by side in one piece
 * of memory, a large one alone.
 */

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "formats/stream/stream.h"
#include "formats/stream/unpack.h"

#define AHEAD	((size_t)4 << 20)	/* octets of a window, */
#define AHEAD_LEAST	((size_t)128 << 10)	/* and of the first one */
#define TOLD_MAX	1000000			/* mailboxes that logs may tell of, */
#define TOLD_OCTETS	((size_t)256 << 20)	/* and of their names */

/* What a log says of a mailbox at the source. */
struct told {
	struct span	mailbox;
	bool		complete;
};

struct stream_source {
	struct source		 source;
	int			 fd;
	const char		*name;
	const struct report	*report;
	struct unpack		*unpack;
	struct arena		 arena;		/* of what the head says */
	struct source_about	 about;
	bool			 taken;		/* a cursor reads it */

	select_fn		*select;
	void			*select_arg;
	struct buf		 asked;		/* the mailbox last asked about, */
	bool			 answer;	/* and what the answer was */

	struct unpack_entry	 entry;
	bool			 pending;	/* it was not used yet */
	bool			 over;		/* the end entry came, */
	bool			 done;		/* and the end of the file */
	struct err		 failure;	/* why nothing comes any more */
	struct stream_totals	 totals;	/* of what came */
	struct sha256		*hash;

	struct told		*told;
	size_t			 ntold, told_cap, told_octets;
	size_t			 committed;	/* of them */
};

struct stream_cursor {
	struct cursor		 cursor;
	struct stream_source	*source;	/* NULL: nothing is left for it */
	struct mailbox		 mailbox, state;
	bool			 open;		/* not read to its end */
	struct arena		 arena;		/* of both */
	struct identer		*identer;
	unsigned char		*octets;	/* of the window's small items */
	size_t			 used, room;
	bool			 short_of;	/* room, by the last window */
	struct body		*bodies[WINDOW_ITEMS];
	struct body		*large;
};

/* What came next. */
enum event {
	EVENT_FAILED,
	EVENT_END,
	EVENT_COMMIT,
	EVENT_MAILBOX,
	EVENT_ITEM,
};

static struct stream_source *
source_of(struct source *source)
{
	return (struct stream_source *)(void *)source;
}

static struct stream_cursor *
cursor_of(struct cursor *cursor)
{
	return (struct stream_cursor *)(void *)cursor;
}

/* ---- what the stream says of itself ---- */

static int
tell(struct stream_source *s, const struct log_line *line, struct err *err)
{
	const size_t cap = s->told_cap == 0 ? 64 : s->told_cap * 2;
	struct told *v;

	if (s->ntold == TOLD_MAX ||
	    line->mailbox.n > TOLD_OCTETS - s->told_octets)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: octet %llu: scopes of more than %d mailboxes, or %zu octets of names",
		    s->name, (unsigned long long)s->entry.position, TOLD_MAX,
		    TOLD_OCTETS);
	s->told_octets += line->mailbox.n;
	if (s->ntold == s->told_cap) {
		if (cap > SIZE_MAX / sizeof(*v) ||
		    (v = realloc(s->told, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		s->told = v;
		s->told_cap = cap;
	}
	v = &s->told[s->ntold];
	v->complete = line->complete;
	if (!arena_span(&s->arena, line->mailbox, &v->mailbox))
		return err_nomem(err);
	s->ntold++;
	return 0;
}

static int
read_log(struct stream_source *s, struct err *err)
{
	struct span rest = s->entry.log, text;
	struct arena arena = { .head = NULL };
	struct log_line line;
	int rc = 0;

	while (rc == 0 && span_next(&rest, '\n', &text)) {
		arena_reset(&arena);
		if ((rc = log_parse(text, &arena, &line, err)) == -1)
			err_at(err, "%s", s->name);
		else if (line.kind == LOG_SCOPE)
			rc = tell(s, &line, err);
	}
	arena_fini(&arena);
	return rc;
}

bool
stream_scope(const struct source *source, struct span mailbox,
    enum scope *scope)
{
	const struct stream_source *s = (const struct stream_source *)
	    (const void *)source;
	size_t i;

	for (i = s->over ? s->committed : 0; i > 0; i--)
		if (span_eq(s->told[i - 1].mailbox, mailbox)) {
			*scope = s->told[i - 1].complete ? SCOPE_COMPLETE :
			    SCOPE_PARTIAL;
			return true;
		}
	return false;
}

/* A commit or the end: the same items must have come as were written. */
static int
check_totals(struct stream_source *s, struct err *err)
{
	const struct stream_totals *t = &s->entry.totals;

	sha256_peek(s->hash, &s->totals.hash);
	if (t->items != s->totals.items || t->bytes != s->totals.bytes ||
	    !digest_eq(&t->hash, &s->totals.hash))
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: octet %llu: %llu items should have come, and these are not they",
		    s->name, (unsigned long long)s->entry.position,
		    (unsigned long long)t->items);
	s->committed = s->ntold;
	return 0;
}

static int
read_end(struct stream_source *s, struct err *err)
{
	const struct stream_totals *t = &s->entry.totals;

	if (check_totals(s, err) == -1)
		return -1;
	s->over = true;
	s->about.complete = t->complete;
	if (!t->complete)
		report_note(s->report, "%s: the stream says of itself that it is "
		    "not complete: %.*s", s->name, SPAN_ARG(t->reason));
	return 0;
}

/* ---- going through ---- */

static bool
selected(struct stream_source *s, const struct mailbox *m)
{
	if (s->select == NULL)
		return true;
	if (s->asked.n > 0 && span_eq(buf_span(&s->asked), m->name))
		return s->answer;
	s->answer = s->select(s->select_arg, m);
	buf_clear(&s->asked);
	buf_put(&s->asked, m->name);
	if (!buf_ok(&s->asked))
		buf_clear(&s->asked);
	return s->answer;
}

static int
count_item(struct stream_source *s, struct err *err)
{
	const struct unpack_entry *e = &s->entry;

	if (e->link.n > 0)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: octet %llu: a link, which a stream cannot have",
		    s->name, (unsigned long long)e->position);
	s->totals.items++;
	s->totals.bytes += e->item.size;
	sha256_add(s->hash, digest_span(&e->digest));
	return 0;
}

/* The file is over: rightly, or it was cut. */
static enum event
ended(struct stream_source *s)
{
	err_clear(&s->failure);
	s->done = s->over;
	if (s->over)
		return EVENT_END;
	(void)err_set(&s->failure, ERR_RUN, STATUS_DATA,
	    "%s: the stream was cut after %llu items", s->name,
	    (unsigned long long)s->totals.items);
	return EVENT_FAILED;
}

/* What an entry is; EVENT_END also for what nobody has to know of. */
static int
use(struct stream_source *s, enum event *event, struct err *err)
{
	struct unpack_entry *e = &s->entry;

	*event = EVENT_END;
	switch (e->kind) {
	case UNPACK_HEAD:
		return 0;
	case UNPACK_MAILBOX:
		s->asked.n = 0;
		if (selected(s, &e->mailbox))
			*event = EVENT_MAILBOX;
		return 0;
	case UNPACK_ITEM:
		if (selected(s, &e->mailbox))
			*event = EVENT_ITEM;
		return count_item(s, err);
	case UNPACK_LOG:
		return read_log(s, err);
	case UNPACK_COMMIT:
		*event = EVENT_COMMIT;
		return check_totals(s, err);
	case UNPACK_END:
		return read_end(s, err);
	}
	return 0;
}

/* The next thing; a mailbox or an item stays until `pending` is cleared. */
static enum event
next(struct stream_source *s)
{
	enum event event = EVENT_END;
	int more;

	if (s->failure.scope != ERR_NONE)
		return EVENT_FAILED;
	if (s->pending)
		return s->entry.kind == UNPACK_ITEM ? EVENT_ITEM : EVENT_MAILBOX;
	if (s->done)
		return EVENT_END;
	while (event == EVENT_END) {
		more = unpack_next(s->unpack, &s->entry, &s->failure);
		if (more == -1 && !unpack_cut(s->unpack))
			return EVENT_FAILED;
		if (more != 1)
			return ended(s);
		if (use(s, &event, &s->failure) == -1)
			return EVENT_FAILED;
	}
	s->pending = event == EVENT_ITEM || event == EVENT_MAILBOX;
	return event;
}

static int
failed(const struct stream_source *s, struct err *err)
{
	*err = s->failure;
	return -1;
}

/* ---- mailboxes ---- */

/* An item of a mailbox that the reader has left before its end. */
static bool
is_left(const struct stream_cursor *c, const struct unpack_entry *e)
{
	return c->open && span_eq(e->mailbox.name, c->mailbox.name);
}

static int
cursor_mailbox(struct cursor *cursor, const struct mailbox **out,
    struct err *err)
{
	struct stream_cursor *c = cursor_of(cursor);
	struct stream_source *s = c->source;
	enum event event;

	*out = NULL;
	if (s == NULL)
		return 0;
	while ((event = next(s)) == EVENT_COMMIT ||
	    (event == EVENT_ITEM && is_left(c, &s->entry)))
		s->pending = false;
	if (event == EVENT_FAILED)
		return failed(s, err);
	if (event == EVENT_END)
		return 0;
	arena_reset(&c->arena);
	if (!mailbox_copy(&c->arena, &s->entry.mailbox, &c->mailbox))
		return err_nomem(err);
	c->state = c->mailbox;
	c->open = true;
	if (event == EVENT_MAILBOX)
		s->pending = false;
	*out = &c->mailbox;
	return 1;
}

static int
cursor_finish(struct cursor *cursor, enum scope *scope,
    const struct mailbox **state, struct err *err)
{
	struct stream_cursor *c = cursor_of(cursor);

	(void)err;
	*scope = SCOPE_PARTIAL;
	*state = &c->state;
	return 0;
}

/* ---- windows ---- */

static struct body *
body_at(struct stream_cursor *c, size_t i, struct err *err)
{
	if (c->bodies[i] == NULL)
		c->bodies[i] = body_new(err);
	return c->bodies[i];
}

/* Into the window's memory, whose body the item then borrows. */
static int
read_small(struct stream_cursor *c, size_t i, struct item *item,
    struct ident *ident, struct err *err)
{
	unsigned char *p = c->octets + c->used;
	const struct span octets = span_of(p, (size_t)item->size);
	struct body *body;

	if ((body = body_at(c, i, err)) == NULL ||
	    unpack_read(c->source->unpack, p, err) == -1)
		return -1;
	identer_add(c->identer, octets);
	identer_end(c->identer, ident);
	c->used += octets.n;
	item->body = body;
	return body_lend(body, octets, &ident->digest, err);
}

/* One that is larger than a window's memory; it is spooled. */
static int
read_large(struct stream_cursor *c, struct item *item, struct ident *ident,
    struct err *err)
{
	struct span piece;
	int more;

	if (c->large == NULL && (c->large = body_new(err)) == NULL)
		return -1;
	c->used = c->room;
	if (unpack_body(c->source->unpack, c->large, err) == -1 &&
	    err->scope != ERR_MESSAGE)
		return -1;
	err_clear(err);
	body_rewind(c->large);
	while ((more = body_next(c->large, &piece, err)) == 1)
		identer_add(c->identer, piece);
	identer_end(c->identer, ident);
	body_rewind(c->large);
	item->body = c->large;
	return more;
}

/* The item cannot be had; fetch() says why. */
static int
spoil(struct stream_cursor *c, struct window *w, struct item *item,
    const char *why, struct err *err)
{
	struct err *kept;

	if ((kept = arena_alloc(&w->arena, sizeof(*kept))) == NULL)
		return err_nomem(err);
	err_clear(kept);
	(void)err_set(kept, ERR_MESSAGE, STATUS_DATA, "%s: octet %llu: %s",
	    c->source->name, (unsigned long long)c->source->entry.position, why);
	/* Whoever needs its identity passes it over; whoever asks hears why. */
	report_note(c->source->report, "%s", kept->msg);
	item->body = NULL;
	item->ident = NULL;
	item->key = NULL;
	item->own = kept;
	item->verdict = VERDICT_UNAVAILABLE;
	item->reason = "damaged";
	return 0;
}

static bool
fits(struct stream_cursor *c, const struct window *w)
{
	if (w->n == 0 || c->source->entry.item.size <= c->room - c->used)
		return true;
	c->short_of = true;
	return false;
}

/*
 * Room for at least n octets, AHEAD at most; only where nothing is lent: in
 * an empty window.
 */
static int
make_room(struct stream_cursor *c, size_t n, struct err *err)
{
	size_t room = c->room < AHEAD_LEAST ? AHEAD_LEAST : c->room;

	while (room < n)
		room *= 2;
	if (room == c->room)
		return 0;
	free(c->octets);
	c->room = 0;
	if ((c->octets = malloc(room)) == NULL)
		return err_nomem(err);
	c->room = room;
	return 0;
}

/* The item at hand into the window. */
static int
take_item(struct stream_cursor *c, struct window *w, struct err *err)
{
	const struct unpack_entry *e = &c->source->entry;
	struct ident *ident = arena_alloc(&w->arena, sizeof(*ident));
	const size_t i = w->n;
	struct item *item = window_add(w);
	int rc;

	if (ident == NULL || item == NULL ||
	    !entry_copy_item(&w->arena, &e->item, item)) {
		w->n = i;
		return err_nomem(err);
	}
	c->source->pending = false;
	if (i == 0 && make_room(c, item->size <= AHEAD ? (size_t)item->size : 0,
	    err) == -1) {
		w->n = i;
		return -1;
	}
	if (span_is(item->note, "unavailable"))
		return spoil(c, w, item, "its source would not give it", err);
	rc = item->size <= AHEAD ? read_small(c, i, item, ident, err) :
	    read_large(c, item, ident, err);
	if (rc == -1) {
		w->n = i;
		return -1;
	}
	if (!digest_eq(&ident->digest, &e->digest))
		return spoil(c, w, item,
		    "its octets do not agree with their digest", err);
	item->ident = ident;
	item->key = &ident->key;
	return 0;
}

/* One thing more.  1: the window goes on; 0: it ends here. */
static int
add_next(struct stream_cursor *c, struct window *w, struct err *err)
{
	struct stream_source *s = c->source;
	const enum event event = next(s);

	switch (event) {
	case EVENT_FAILED:
		return failed(s, err);
	case EVENT_END:
		return 0;
	case EVENT_COMMIT:
		return w->n == 0;	/* on a pipe, what follows may take long */
	case EVENT_MAILBOX:
		if (!span_eq(s->entry.mailbox.name, c->mailbox.name))
			return 0;
		s->pending = false;
		if (!mailbox_copy(&c->arena, &s->entry.mailbox, &c->state))
			return err_nomem(err);
		return 1;
	case EVENT_ITEM:
		if (!span_eq(s->entry.mailbox.name, c->mailbox.name) ||
		    !fits(c, w))
			return 0;
		if (take_item(c, w, &s->failure) == 0)
			return 1;
		if (unpack_cut(s->unpack)) {
			s->totals.items--;
			(void)ended(s);
		}
		return failed(s, err);
	}
	return 0;
}

static int
cursor_window(struct cursor *cursor, struct window *w, struct err *err)
{
	struct stream_cursor *c = cursor_of(cursor);
	int more = 1;

	window_reset(w);
	c->used = 0;
	if (c->short_of && c->room < AHEAD &&
	    make_room(c, c->room * 2, err) == -1)
		return -1;
	c->short_of = false;
	while (more == 1 && w->n < WINDOW_ITEMS)
		more = add_next(c, w, err);
	if (w->n == 0) {
		c->open = more != 0;
		return more;
	}
	if (more == -1) {
		/* First what came; it fails next time. */
		c->source->failure = *err;
		err_clear(err);
	}
	return 1;
}

static int
cursor_fetch(struct cursor *cursor, struct window *w, deliver_fn *deliver,
    void *arg, struct err *err)
{
	struct item *item;
	size_t i;
	int rc;

	(void)cursor;
	for (i = 0; i < w->n; i++) {
		item = &w->v[i];
		if (item->verdict != VERDICT_WANTED)
			continue;
		if (item->body != NULL)
			body_rewind(item->body);
		rc = deliver(arg, item, item->body, item->own, err);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static void
cursor_close(struct cursor *cursor)
{
	struct stream_cursor *c = cursor_of(cursor);
	size_t i;

	for (i = 0; i < N(c->bodies); i++)
		body_free(c->bodies[i]);
	body_free(c->large);
	identer_free(c->identer);
	free(c->octets);
	arena_fini(&c->arena);
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
source_list(struct source *source, struct mailboxes *all, struct err *err)
{
	(void)source;
	(void)all;
	(void)err;
	return 0;
}

static void
source_select(struct source *source, select_fn *fn, void *arg)
{
	struct stream_source *s = source_of(source);

	s->select = fn;
	s->select_arg = arg;
}

/* A stream has one end: a second cursor finds nothing left. */
static struct cursor *
source_open(struct source *source, struct err *err)
{
	struct stream_source *s = source_of(source);
	struct stream_cursor *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	c->cursor.ops = &cursor_ops;
	if (s->taken)
		return &c->cursor;
	if ((c->identer = identer_new(err)) == NULL) {
		cursor_close(&c->cursor);
		return NULL;
	}
	c->source = s;
	s->taken = true;
	return &c->cursor;
}

static void
source_about(struct source *source, struct source_about *out)
{
	*out = source_of(source)->about;
}

static void
source_close(struct source *source)
{
	struct stream_source *s = source_of(source);
	struct err late = ERR_INIT;

	unpack_close(s->unpack);
	(void)io_close(&s->fd, s->name, &late);
	sha256_free(s->hash);
	buf_fini(&s->asked);
	free(s->told);
	arena_fini(&s->arena);
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
read_head(struct stream_source *s, struct err *err)
{
	const struct stream_head *head = &s->entry.head;
	int more;

	if ((more = unpack_next(s->unpack, &s->entry, err)) == -1)
		return -1;
	if (more == 0)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: is no mx stream", s->name);
	if (head->number != 0)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: is segment %llu of an archive; name the archive's directory instead",
		    s->name, (unsigned long long)head->number);
	s->about.generation = head->generation;
	if (!arena_span(&s->arena, head->origin, &s->about.origin) ||
	    !arena_span(&s->arena, head->id, &s->about.id))
		return err_nomem(err);
	return 0;
}

struct source *
stream_source(int fd, const struct stream_config *config, unsigned need,
    struct err *err)
{
	struct stream_source *s;
	struct err late = ERR_INIT;

	(void)need;		/* the octets pass by: all is known of them */
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)io_close(&fd, config->name, &late);
		(void)err_nomem(err);
		return NULL;
	}
	s->source.ops = &source_ops;
	s->fd = fd;
	s->name = config->name;
	s->report = config->report;
	if ((s->hash = sha256_new(err)) == NULL ||
	    (s->unpack = unpack_open(fd, s->name, UINT64_MAX, false, err)) ==
	    NULL || read_head(s, err) == -1) {
		source_close(&s->source);
		return NULL;
	}
	return &s->source;
}
