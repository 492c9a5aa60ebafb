/* SPDX-License-Identifier: ISC */
/*
 * Fetching bodies.  Each wanted message goes from WAIT through ASKED to DONE;
 * those that a command did not bring are asked for alone, once, then whether
 * they still exist; only then is the reader told that they cannot be had.
 *
 * The length of the literal is the truth; RFC822.SIZE only says how much to
 * ask for at a time.
 */

#include <stdio.h>
#include <stdlib.h>

#include "imap/bodies.h"

enum want_state {
	WANT_WAIT,
	WANT_ALONE,		/* to be asked for by a command of its own */
	WANT_CHECK,		/* to be asked whether it is still there */
	WANT_ASKED,
	WANT_HELD,		/* here, before its turn */
	WANT_LOST,
	WANT_DONE,
};

struct want {
	struct item	*item;
	enum want_state	 state;
	uint32_t	 tag;		/* of the command that asked last */
	bool		 checking;
	bool		 there;		/* the answer to that */
	unsigned	 tries, losses;
	struct body	*body;		/* held */
	struct span	 why;		/* the server's words, in the window */
};

struct asked {
	uint32_t	 tag;
	size_t		 first, last;
	uint64_t	 octets;
};

struct bodies {
	struct session	*s;
	struct meta	*meta;
	struct window	*win;
	deliver_fn	*deliver;
	void		*arg;
	bool		 refused;

	struct want	*v;		/* WINDOW_ITEMS of them */
	size_t		 n;
	size_t		 next;		/* the first that is not done */
	size_t		 scan;		/* none before it is to be asked for */
	bool		 careful;	/* after a loss: one message alone */

	struct asked	 flight[LIMIT_BODY_COMMANDS];
	size_t		 nflight;
	uint64_t	 octets;	/* hoped for in flight */

	struct body	*cur;		/* being read */
	bool		 full;		/* cur holds this response's BODY[] */
	struct body	*spare[LIMIT_HELD];
	size_t		 nspare, nheld;
	uint64_t	 held;

	struct fetched	 f;
	struct command	 cmd;
	struct buf	 set;
};

struct bodies *
bodies_new(struct err *err)
{
	struct bodies *b;

	if ((b = calloc(1, sizeof(*b))) == NULL ||
	    (b->v = calloc(WINDOW_ITEMS, sizeof(*b->v))) == NULL) {
		free(b);
		err_nomem(err);
		return NULL;
	}
	return b;
}

/* A body that is not needed now; it keeps its storage for the next. */
static void
give_back(struct bodies *b, struct body *body)
{
	if (body == NULL)
		return;
	body_reset(body);
	if (b->nspare < N(b->spare))
		b->spare[b->nspare++] = body;
	else
		body_free(body);
}

static void
release(struct bodies *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		give_back(b, b->v[i].body);
		b->v[i].body = NULL;
	}
	b->n = 0;
	b->nheld = 0;
	b->held = 0;
}

void
bodies_free(struct bodies *b)
{
	if (b == NULL)
		return;
	release(b);
	while (b->nspare > 0)
		body_free(b->spare[--b->nspare]);
	body_free(b->cur);
	fetch_fini(&b->f);
	command_fini(&b->cmd);
	buf_fini(&b->set);
	free(b->v);
	free(b);
}

bool
bodies_refused(const struct bodies *b)
{
	return b->refused;
}

void
bodies_begin(struct bodies *b, struct session *s, struct meta *meta,
    struct window *win, deliver_fn *deliver, void *arg)
{
	size_t i;

	release(b);
	b->s = s;
	b->meta = meta;
	b->win = win;
	b->deliver = deliver;
	b->arg = arg;
	b->refused = false;
	b->careful = false;
	b->next = b->scan = 0;
	b->nflight = 0;
	b->octets = 0;
	for (i = 0; i < win->n && b->n < WINDOW_ITEMS; i++)
		if (win->v[i].verdict == VERDICT_WANTED)
			b->v[b->n++] = (struct want){ .item = &win->v[i] };
}

/* ---- reading ---- */

static int
need_body(struct bodies *b, struct err *err)
{
	if (b->cur != NULL) {
		body_reset(b->cur);
		return 0;
	}
	if (b->nspare > 0) {
		b->cur = b->spare[--b->nspare];
		return 0;
	}
	return (b->cur = body_new(err)) != NULL ? 0 : -1;
}

/* A literal, from the socket to the body without a stop between. */
static int
read_literal(struct session *s, struct body *body, uint64_t size,
    struct err *err)
{
	unsigned char *room;
	size_t want, got;
	int rc;

	if (size > LIMIT_BODY)
		return err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "a message of %llu octets is over the limit of %llu",
		    (unsigned long long)size, (unsigned long long)LIMIT_BODY);
	if (body_begin(body, size, err) == -1)
		return -1;
	for (; size > 0; size -= got) {
		if ((room = body_room(body, (size_t)size, &want, err)) == NULL)
			return -1;
		if ((rc = conn_read(s->conn, room, want, &got, err)) == -1)
			return -1;
		if (rc == 0)
			return err_set(err, ERR_SESSION, STATUS_CONNECT,
			    "the server closed the connection within a message");
		if (body_added(body, got, err) == -1)
			return -1;
	}
	return body_end(body, err);
}

static int
on_literal(void *arg, struct session *s, struct span before, uint64_t size,
    struct err *err)
{
	struct bodies *b = arg;

	if (!fetch_is_body(before))
		return 0;
	if (b->full)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server sent two bodies in one response");
	if (need_body(b, err) == -1 || read_literal(s, b->cur, size, err) == -1)
		return -1;
	b->full = true;
	return 1;
}

static int
copy_text(struct body *body, struct span text, struct err *err)
{
	if (body_begin(body, text.n, err) == -1 ||
	    body_add(body, text, err) == -1)
		return -1;
	return body_end(body, err);
}

/* ---- delivering ---- */

static int
deliver(struct bodies *b, struct want *w, struct body *body,
    const struct err *why, struct err *err)
{
	w->state = WANT_DONE;
	b->careful = false;
	session_progress(b->s);
	if (b->deliver(b->arg, w->item, body, why, err) == -1) {
		b->refused = true;
		return -1;
	}
	return 0;
}

static int
deliver_lost(struct bodies *b, struct want *w, struct err *err)
{
	struct err why = ERR_INIT;

	if (w->losses >= LIMIT_SESSION_LOSSES)
		err_set(&why, ERR_MESSAGE, STATUS_PASSED,
		    "the server broke off whenever it was asked for this message");
	else if (w->item->size > LIMIT_BODY)
		err_set(&why, ERR_MESSAGE, STATUS_PASSED,
		    "a message of %llu octets is over the limit of %llu",
		    (unsigned long long)w->item->size,
		    (unsigned long long)LIMIT_BODY);
	else if (!w->there)
		err_set(&why, ERR_MESSAGE, STATUS_PASSED,
		    "expunged during the run");
	else if (w->why.n > 0)
		err_set(&why, ERR_MESSAGE, STATUS_PASSED,
		    "the server refused it: %.*s", SPAN_ARG(w->why));
	else
		err_set(&why, ERR_MESSAGE, STATUS_PASSED,
		    "the server gave no octets");
	return deliver(b, w, NULL, &why, err);
}

/* Everything whose turn has come. */
static int
deliver_due(struct bodies *b, struct err *err)
{
	struct want *w;
	int rc = 0;

	for (; b->next < b->n && rc == 0; b->next++) {
		w = &b->v[b->next];
		if (w->state == WANT_HELD) {
			b->nheld--;
			b->held -= body_size(w->body);
			rc = deliver(b, w, w->body, NULL, err);
			give_back(b, w->body);
			w->body = NULL;
		} else if (w->state == WANT_LOST) {
			rc = deliver_lost(b, w, err);
		} else if (w->state != WANT_DONE) {
			break;
		}
	}
	return rc;
}

/* ---- answers ---- */

static struct want *
want_of(struct bodies *b, uint32_t uid)
{
	size_t lo = 0, hi = b->n;

	if (b->next < b->n && b->v[b->next].item->uid == uid)
		return &b->v[b->next];
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (b->v[mid].item->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->n && b->v[lo].item->uid == uid ? &b->v[lo] : NULL;
}

/* Ask again, alone; the second time, only whether it is there. */
static void
missed(struct bodies *b, struct want *w)
{
	w->state = w->tries++ == 0 ? WANT_ALONE : WANT_CHECK;
	if ((size_t)(w - b->v) < b->scan)
		b->scan = (size_t)(w - b->v);
}

/*
 * Out of turn: keep it if there is room, else ask for it alone.  Asked for in
 * bulk, it would come out of turn again.
 */
static void
hold(struct bodies *b, struct want *w)
{
	const uint64_t size = body_size(b->cur);

	if (b->nheld == LIMIT_HELD || size > LIMIT_HELD_OCTETS - b->held) {
		w->state = WANT_ALONE;
		if ((size_t)(w - b->v) < b->scan)
			b->scan = (size_t)(w - b->v);
		return;
	}
	w->state = WANT_HELD;
	w->body = b->cur;
	b->cur = NULL;
	b->nheld++;
	b->held += size;
}

static int
take_body(struct bodies *b, struct want *w, struct err *err)
{
	if (b->f.body == FETCH_TEXT && (need_body(b, err) == -1 ||
	    copy_text(b->cur, b->f.text, err) == -1))
		return -1;
	/* No octets for a message that has some is a defect, not a message. */
	if (body_size(b->cur) == 0 && w->item->size > 0) {
		missed(b, w);
		return 0;
	}
	if (w != &b->v[b->next]) {
		hold(b, w);
		return 0;
	}
	b->next++;
	return deliver(b, w, b->cur, NULL, err);
}

static int
on_fetch(struct bodies *b, struct resp *r, struct err *err)
{
	struct want *w;

	if (fetch_parse(r, &b->f, err) == -1)
		return -1;
	w = b->f.uid != 0 ? want_of(b, b->f.uid) : NULL;
	if (w != NULL && w->state == WANT_ASKED && w->checking)
		w->there = true;
	if (b->f.body == FETCH_ABSENT)
		return b->meta != NULL ?
		    meta_fetched(b->meta, &b->f, err) : 0;
	if (b->f.body == FETCH_NIL || w == NULL || w->state != WANT_ASKED)
		return 0;
	if (b->f.body == FETCH_TAKEN && !b->full)
		return 0;
	return take_body(b, w, err);
}

static void
keep_words(struct bodies *b, struct want *w, const struct resp *r)
{
	if (r->cond != RESP_OK) {
		(void)arena_span(&b->win->arena, span_head(r->text, 300),
		    &w->why);
		w->there = true;	/* as far as can be known */
	} else if (!w->checking) {
		w->why = SPAN_NONE;
		w->there = false;
	}
}

/* A command is over: what it did not bring is to be asked for otherwise. */
static int
end_command(struct bodies *b, size_t at, const struct resp *r, struct err *err)
{
	const struct asked a = b->flight[at];
	struct want *w;
	int64_t wait;
	size_t i;

	b->flight[at] = b->flight[--b->nflight];
	b->octets -= a.octets;
	if (r->cond != RESP_OK && resp_class(r, &wait) == CLASS_THROTTLE) {
		resp_fail(err, ERR_SESSION, r, "UID FETCH");
		session_drop(b->s);
		return -1;
	}
	for (i = a.first; i <= a.last; i++) {
		w = &b->v[i];
		if (w->state != WANT_ASKED || w->tag != a.tag)
			continue;
		keep_words(b, w, r);
		if (w->checking)
			w->state = WANT_LOST;
		else
			missed(b, w);
	}
	return 0;
}

static int
on_tagged(struct bodies *b, const struct resp *r, struct err *err)
{
	size_t i;

	for (i = 0; i < b->nflight; i++)
		if (b->flight[i].tag == r->tag)
			return end_command(b, i, r, err);
	return b->meta != NULL ? meta_tagged(b->meta, r, err) : 0;
}

/* ---- asking ---- */

static int
send_set(struct bodies *b, size_t first, size_t last, uint64_t octets,
    const char *what, struct err *err)
{
	size_t i;

	if (command_begin(&b->cmd, b->s, VERB_UID_FETCH, err) == -1)
		return -1;
	command_span(&b->cmd, buf_span(&b->set));
	command_text(&b->cmd, what);
	if (command_send(&b->cmd, NULL, err) == -1)
		return -1;
	for (i = first; i <= last; i++) {
		if (b->v[i].state != WANT_WAIT && i != first)
			continue;
		b->v[i].state = WANT_ASKED;
		b->v[i].tag = b->cmd.tag;
	}
	b->flight[b->nflight++] = (struct asked){
		.tag = b->cmd.tag, .first = first, .last = last,
		.octets = octets,
	};
	b->octets += octets;
	return 0;
}

static int
ask_one(struct bodies *b, size_t i, struct err *err)
{
	struct want *w = &b->v[i];

	w->checking = w->state == WANT_CHECK;
	buf_clear(&b->set);
	buf_u64(&b->set, w->item->uid);
	return send_set(b, i, i, w->checking ? 0 : w->item->size,
	    w->checking ? "(UID)" : "(UID BODY.PEEK[])", err);
}

/* "1:4,7": runs of UIDs that follow on each other are one range. */
static void
put_run(struct buf *set, uint32_t lo, uint32_t hi)
{
	if (set->n > 0)
		buf_chr(set, ',');
	buf_u64(set, lo);
	if (hi > lo) {
		buf_chr(set, ':');
		buf_u64(set, hi);
	}
}

/*
 * From i on, as many as one command should ask for.  A range covers UIDs
 * that follow on each other in number, so nothing else can be in it.
 */
static int
ask_many(struct bodies *b, size_t i, struct err *err)
{
	const size_t most = (b->s->quirks & QUIRK_SHORT_LINES) != 0 ?
	    LIMIT_LINE_SHORT : LIMIT_LINE;
	const size_t first = i;
	uint64_t octets = 0;
	uint32_t lo = b->v[i].item->uid, hi = lo;

	buf_clear(&b->set);
	for (; i < b->n && b->v[i].state == WANT_WAIT; i++) {
		const struct item *item = b->v[i].item;

		if (i > first && (item->size > LIMIT_BODY_COMMAND - octets ||
		    b->set.n + 64 > most))
			break;
		octets += item->size;
		if (octets > LIMIT_BODY_COMMAND)
			octets = LIMIT_BODY_COMMAND;
		if (i > first && item->uid != hi + 1) {
			put_run(&b->set, lo, hi);
			lo = item->uid;
		}
		hi = item->uid;
	}
	put_run(&b->set, lo, hi);
	return send_set(b, first, i - 1, octets, "(UID BODY.PEEK[])", err);
}

static int
ask(struct bodies *b, size_t i, struct err *err)
{
	struct want *w = &b->v[i];

	if (w->item->size > LIMIT_BODY || w->losses >= LIMIT_SESSION_LOSSES) {
		w->state = WANT_LOST;
		return 0;
	}
	if (w->state == WANT_WAIT && !b->careful)
		return ask_many(b, i, err);
	return ask_one(b, i, err);
}

static bool
to_be_asked(const struct want *w)
{
	return w->state == WANT_WAIT || w->state == WANT_ALONE ||
	    w->state == WANT_CHECK;
}

static int
ask_more(struct bodies *b, struct err *err)
{
	while (b->scan < b->n && b->nflight < N(b->flight) &&
	    (b->octets < LIMIT_BODY_FLIGHT || b->nflight == 0)) {
		if (!to_be_asked(&b->v[b->scan])) {
			b->scan++;
			continue;
		}
		if (b->careful && b->nflight > 0)
			break;
		if (stop_flag)
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted");
		if (ask(b, b->scan, err) == -1)
			return -1;
	}
	return 0;
}

static int
read_one(struct bodies *b, struct err *err)
{
	struct resp r;
	int rc;

	b->full = false;
	b->s->literal = on_literal;
	b->s->literal_arg = b;
	rc = session_read(b->s, &r, err);
	b->s->literal = NULL;
	if (rc == -1)
		return -1;
	if (r.type == RESP_TAGGED)
		return on_tagged(b, &r, err);
	if (r.type == RESP_DATA && span_iis(r.keyword, "FETCH"))
		return on_fetch(b, &r, err);
	return 0;
}

int
bodies_run(struct bodies *b, struct err *err)
{
	for (;;) {
		if (deliver_due(b, err) == -1)
			return -1;
		if (b->next == b->n)
			return 0;
		if (ask_more(b, err) == -1)
			return -1;
		if (b->v[b->next].state == WANT_LOST)
			continue;
		if (read_one(b, err) == -1)
			return -1;
	}
}

/* What was under way is to be asked for again, the first of it alone. */
void
bodies_resume(struct bodies *b)
{
	size_t i;

	if (b->nflight == 1 && b->flight[0].first == b->flight[0].last)
		b->v[b->flight[0].first].losses++;
	for (i = b->next; i < b->n; i++)
		if (b->v[i].state == WANT_ASKED)
			b->v[i].state = b->v[i].checking ? WANT_CHECK :
			    b->v[i].tries > 0 ? WANT_ALONE : WANT_WAIT;
	b->nflight = 0;
	b->octets = 0;
	b->scan = b->next;
	b->careful = true;
}

/* ---- one message ---- */

struct one {
	struct body	*body;
	uint32_t	 uid;
	bool		 full, got;
	struct fetched	 f;
};

static int
one_literal(void *arg, struct session *s, struct span before, uint64_t size,
    struct err *err)
{
	struct one *o = arg;

	if (!fetch_is_body(before))
		return 0;
	if (o->got || o->full)
		return session_skip(s, size, err) == -1 ? -1 : 1;
	body_reset(o->body);
	if (read_literal(s, o->body, size, err) == -1)
		return -1;
	o->full = true;
	return 1;
}

static int
one_fetched(void *arg, struct session *s, struct resp *r, struct err *err)
{
	struct one *o = arg;
	const bool full = o->full;

	(void)s;
	o->full = false;
	if (!span_iis(r->keyword, "FETCH"))
		return 0;
	if (fetch_parse(r, &o->f, err) == -1)
		return -1;
	if (o->f.uid != o->uid || o->got)
		return 0;
	if (o->f.body == FETCH_TEXT) {
		body_reset(o->body);
		if (copy_text(o->body, o->f.text, err) == -1)
			return -1;
		o->got = true;
	}
	if (o->f.body == FETCH_TAKEN && full)
		o->got = true;
	return 0;
}

int
bodies_one(struct session *s, uint32_t uid, struct body *body,
    struct err *err)
{
	struct one o = { .body = body, .uid = uid };
	struct command c = { .text = BUF_INIT };
	struct resp end;
	char set[32];
	int rc = -1;

	(void)snprintf(set, sizeof(set), "%lu", (unsigned long)uid);
	if (command_begin(&c, s, VERB_UID_FETCH, err) == -1)
		goto out;
	command_text(&c, set);
	command_text(&c, "(UID BODY.PEEK[])");
	s->literal = one_literal;
	s->literal_arg = &o;
	rc = command_run(&c, one_fetched, &o, &end, err);
	s->literal = NULL;
	if (rc == 0 && end.cond != RESP_OK && !o.got)
		rc = resp_fail(err, ERR_MESSAGE, &end, "UID FETCH");
	else if (rc == 0)
		rc = o.got;
out:
	fetch_fini(&o.f);
	command_fini(&c);
	return rc;
}
