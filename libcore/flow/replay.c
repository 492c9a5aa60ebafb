/* SPDX-License-Identifier: ISC */
/*
 * Replay: lanes that add to a destination what is missing there.  The numbers
 * in the comments are those of the invariants in replay.h.
 *
 * A lane is at one mailbox.  An item goes: offer() looks into the receipt, then
 * into the have-table (match.h), then writes an intent; put() copies it into
 * the outbox and sends it; an outcome takes it out of there and into the
 * receipt.  When the connection is lost the outbox holds what is in doubt:
 * it is looked for, and what is not there is sent again before anything new.
 */

#include <pthread.h>
#include <stdlib.h>

#include "flow/match.h"
#include "flow/outbox.h"
#include "flow/receipt.h"
#include "flow/replay.h"
#include "mail/name.h"

/* In the outbox at most; a destination has less than half of it in flight. */
#define OUT_OCTETS	(UINT64_C(8) << 20)
#define OUT_ITEMS	2000

/* Connections lost in a row, with nothing achieved in between, before giving up. */
#define LOST_MAX	8

/* A message that was alone in flight so often when the connection went is refused. */
#define ALONE_MAX	3

/* Some servers store a message after the connection died: look again after this. */
#define SETTLE_NS	INT64_C(15000000000)

#define NOTED_MAX	16

struct replay {
	struct sink		 sink;
	struct replay_config	 cfg;
	struct receipt		*receipt;

	pthread_mutex_t		 lock;		/* over all that follows */
	pthread_cond_t		 left;		/* a lane left its mailbox */
	struct replay_lane	*lanes;
	size_t			 nlanes;
	bool			 asked;		/* for the list */
	struct mailboxes	 there;
	bool			 refused;	/* anything */
};

/* An item that was answered, as far as it may have to be told of again. */
struct answered {
	struct want	want;
	struct digest	src_digest;
	struct span	src_mailbox, ref;	/* in the lane's arena */
	uint64_t	number;
	uint32_t	row;			/* that it was taken for */
	bool		appended;
};

struct answers {
	struct answered	*v;
	size_t		 n, cap;
};

struct replay_lane {
	struct lane		 lane;
	struct replay		*r;
	struct dest_conn	*conn;
	struct body		*body;		/* lends what is sent again */
	struct replay_lane	*next;		/* replay.lock */
	struct buf		 at;		/* replay.lock: the mailbox that is ours */

	/* the mailbox */
	bool			 in;
	bool			 spoilt;	/* another UIDVALIDITY came up */
	struct arena		 arena;
	struct mailbox		 mailbox;
	bool			 open, absent;
	bool			 known;		/* uidvalidity is */
	bool			 answered;	/* by its uidvalidity */
	uint32_t		 uidvalidity;
	uint32_t		 uidnext;	/* before anything of ours */
	struct match		*match;
	bool			 loaded;	/* the match knows what is there */
	bool			 rewrites;
	struct answers		 unplaced;	/* done, but we do not know which UID */
	struct answers		 believed;	/* taken for present by the key alone */
	uint64_t		 noted[NOTED_MAX];	/* flags that were lost */
	size_t			 nnoted, ndates;

	/* what is under way */
	struct outbox		 out;
	uint64_t		 cookie;
	bool			 dirty;		/* since the last settle */
	bool			 doubt;		/* the outbox has to be looked for */
	unsigned		 lost;
};

static struct replay_lane *
lane_of(struct lane *lane)
{
	return (struct replay_lane *)lane;
}

static struct span
name_of(const struct replay_lane *l)
{
	return l->mailbox.name;
}

static void
note_refused(struct replay *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->refused = true;
	(void)pthread_mutex_unlock(&r->lock);
}

/* ---- one lane in a mailbox (4, 5) ---- */

static bool
is_taken(const struct replay *r, const struct replay_lane *me,
    struct span name)
{
	const struct replay_lane *l;

	for (l = r->lanes; l != NULL; l = l->next)
		if (l != me && l->at.n > 0 && span_eq(buf_span(&l->at), name))
			return true;
	return false;
}

/*
 * Wait until no other lane is at this mailbox, and take it.  Nobody waits who
 * holds one.
 */
static int
take_mailbox(struct replay_lane *l, struct span name, struct err *err)
{
	struct replay *r = l->r;
	bool ok;

	(void)pthread_mutex_lock(&r->lock);
	while (is_taken(r, l, name))
		(void)pthread_cond_wait(&r->left, &r->lock);
	buf_clear(&l->at);
	buf_put(&l->at, name);
	ok = buf_ok(&l->at);
	(void)pthread_mutex_unlock(&r->lock);
	return ok ? 0 : err_nomem(err);
}

static void
leave_mailbox(struct replay_lane *l)
{
	(void)pthread_mutex_lock(&l->r->lock);
	buf_clear(&l->at);
	(void)pthread_cond_broadcast(&l->r->left);
	(void)pthread_mutex_unlock(&l->r->lock);
}

/* ---- the connection ---- */

/* One more connection is lost.  -1: that was one too many. */
static int
count_lost(struct replay_lane *l, struct err *err)
{
	struct sent *s;

	l->open = false;
	for (s = l->out.head; s != NULL; s = s->next) {
		if (s->in_flight && s->alone)
			s->lost++;
		s->in_flight = s->alone = false;
		l->doubt = true;
	}
	if (++l->lost <= LOST_MAX) {
		err_clear(err);
		return 0;
	}
	err->scope = ERR_RUN;
	if (err->status == STATUS_OK)
		err->status = STATUS_CONNECT;
	return -1;
}

/* What an opened mailbox says about itself.  A new UIDVALIDITY voids all. */
static int
take_state(struct replay_lane *l, const struct dest_mailbox *st,
    struct err *err)
{
	if (l->known && l->uidvalidity != st->uidvalidity &&
	    (l->answered || l->out.n > 0 || l->loaded)) {
		l->spoilt = true;
		return err_set(err, ERR_MAILBOX, STATUS_DATA,
		    "UIDVALIDITY changed from %u to %u under way",
		    l->uidvalidity, st->uidvalidity);
	}
	if (!l->loaded)
		l->uidnext = st->uidnext;
	l->uidvalidity = st->uidvalidity;
	l->known = true;
	l->rewrites = st->rewrites;
	l->open = true;
	return 0;
}

/* 1, 0: it is not there, -1; connecting again where that helps. */
static int
try_open(struct replay_lane *l, bool create, struct dest_mailbox *st,
    struct err *err)
{
	int rc;

	for (;;) {
		*st = (struct dest_mailbox){ .uidvalidity = 0 };
		rc = l->conn->ops->open(l->conn, &l->mailbox, create, st, err);
		if (rc != -1)
			return rc;
		if (err->scope != ERR_SESSION || count_lost(l, err) == -1)
			return -1;
	}
}

/*
 * Open the mailbox, or open it again.  In a dry run it may be absent.  One that
 * the receipt knows and that is gone took with it what was done there: that is
 * put down before the mailbox is made again (3).
 */
static int
open_mailbox(struct replay_lane *l, struct err *err)
{
	const bool create = !l->r->cfg.dry && !l->loaded && l->out.n == 0;
	const bool known = receipt_has(l->r->receipt, name_of(l));
	struct dest_mailbox st;
	int rc;

	if (l->open || l->absent)
		return 0;
	rc = try_open(l, create && !known, &st, err);
	if (rc == 0 && known && !l->loaded && l->out.n == 0) {
		if (receipt_void(l->r->receipt, name_of(l), err) == -1)
			return -1;
		if (create)
			rc = try_open(l, true, &st, err);
	}
	if (rc == -1)
		return -1;
	if (rc == 1)
		return take_state(l, &st, err);
	if (!l->r->cfg.dry)
		return err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "the mailbox is not there any more");
	l->absent = true;
	return 0;
}

/*
 * After a failed call: 0 if it is to be tried again, the mailbox being open;
 * -1 with the error else.
 */
static int
reopen(struct replay_lane *l, struct err *err)
{
	if (err->scope != ERR_SESSION || count_lost(l, err) == -1)
		return -1;
	return open_mailbox(l, err);
}

/* match_fetch_fn */
static int
fetch(void *arg, uint32_t uid, struct span ref, struct body *body,
    struct err *err)
{
	struct replay_lane *l = arg;

	while (l->conn->ops->fetch(l->conn, uid, ref, body, err) == -1) {
		/* What is in doubt by now is resolved when matching is over. */
		if (reopen(l, err) == -1)
			return -1;
		body_reset(body);
	}
	l->lost = 0;
	return 0;
}

/* ---- what is there ---- */

/* Remember an item. */
static int
answers_put(struct replay_lane *l, struct answers *a, const struct item *item,
    const struct answered *what, struct err *err)
{
	const size_t cap = a->cap == 0 ? 64 : a->cap * 2;
	struct answered *v, *new;

	if (a->n == a->cap) {
		if ((v = realloc(a->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		a->v = v;
		a->cap = cap;
	}
	new = &a->v[a->n];
	*new = *what;
	new->number = item->number;
	new->src_digest = item->src_digest != NULL ?
	    *item->src_digest : what->want.digest;
	if (a->n > 0 && span_eq(new[-1].src_mailbox, item->src_mailbox))
		new->src_mailbox = new[-1].src_mailbox;
	else if (!arena_span(&l->arena, item->src_mailbox, &new->src_mailbox))
		return err_nomem(err);
	if (!arena_span(&l->arena, item->ref, &new->ref))
		return err_nomem(err);
	a->n++;
	return 0;
}

static struct item
answered_item(const struct answered *a)
{
	return (struct item){
		.number = a->number,
		.src_mailbox = a->src_mailbox,
		.ref = a->ref,
		.date = a->want.date,
		.size = a->want.size,
		.src_digest = &a->src_digest,
	};
}

/* Now it is known which message there it is: the receipt says so, too. */
static int
place(struct replay_lane *l, const struct answered *a, uint32_t row,
    enum evidence evidence, struct err *err)
{
	const struct ident ident = { .digest = a->want.digest };
	struct item item = answered_item(a);
	struct span ref;
	uint32_t uid;

	item.ident = &ident;
	match_claim(l->match, row);
	if (l->r->cfg.dry)
		return 0;
	match_place(l->match, row, &uid, &ref);
	return receipt_done(l->r->receipt, name_of(l), &item, l->uidvalidity,
	    uid, ref, a->appended ? EVIDENCE_APPENDED : evidence, err);
}

/*
 * Messages that are done, but at a place that gave no UID, are taken out of
 * what others may be matched with (4).
 */
static int
claim_unplaced(struct replay_lane *l, struct err *err)
{
	enum evidence evidence;
	uint32_t row;
	size_t i;
	int rc;

	for (i = 0; i < l->unplaced.n; i++) {
		rc = match_find(l->match, &l->unplaced.v[i].want, false, &row,
		    &evidence, err);
		if (rc == -1 || (rc == 1 && place(l, &l->unplaced.v[i], row,
		    evidence, err) == -1))
			return -1;
	}
	l->unplaced.n = 0;
	return 0;
}

static int
claim_uid(void *arg, uint32_t uid)
{
	return match_claim_uid(arg, uid, NULL);
}

static int
claim_ref(void *arg, uint64_t ref_hash)
{
	return match_claim_ref(arg, ref_hash, NULL);
}

static int
scan_one(void *arg, const struct dest_message *m, struct err *err)
{
	return match_add(arg, m, err);
}

/* Add to the have-table what is there from uid `first` on. */
static int
scan(struct replay_lane *l, uint32_t first, struct err *err)
{
	struct receipt *receipt = l->r->receipt;

	if (receipt_claimed(receipt, name_of(l), l->uidvalidity, claim_uid,
	    l->match) != 0 || receipt_claimed_refs(receipt, name_of(l),
	    claim_ref, l->match) != 0)
		return err_nomem(err);
	for (;;) {
		if (match_begin(l->match, err) == -1)
			return -1;
		if (l->conn->ops->scan(l->conn, first, scan_one, l->match,
		    err) == 0)
			break;
		if (reopen(l, err) == -1)
			return -1;
	}
	return claim_unplaced(l, err);
}

/* Load the have-table, once. */
static int
load(struct replay_lane *l, struct err *err)
{
	if (l->loaded)
		return 0;
	if (open_mailbox(l, err) == -1)
		return -1;
	match_rewrites(l->match, l->rewrites);
	if (l->absent)
		return 0;
	if (scan(l, 0, err) == -1)
		return -1;
	l->loaded = true;
	return 0;
}

/* ---- outcomes ---- */

static uint64_t
flags_hash(struct span flags)
{
	return receipt_ref_hash(flags);
}

/* Once for each set of flags that a mailbox would not keep. */
static void
note_flags(struct replay_lane *l, struct span flags)
{
	const uint64_t h = flags_hash(flags);
	struct buf name = BUF_INIT;
	size_t i;

	for (i = 0; i < l->nnoted; i++)
		if (l->noted[i] == h)
			return;
	if (l->nnoted < NOTED_MAX)
		l->noted[l->nnoted++] = h;
	name_put(&name, name_of(l));
	report_note(l->r->cfg.report, "%s: flags are not kept there: %.*s",
	    buf_cstr(&name), SPAN_ARG(flags));
	buf_fini(&name);
}

static void
note_date(struct replay_lane *l, const struct item *item)
{
	struct buf text = BUF_INIT;

	if (l->ndates++ >= NOTED_MAX)
		return;
	item_put(&text, name_of(l), item);
	buf_str(&text, ": the date is not kept there: ");
	date_put_imap(&text, &item->date);
	if (l->ndates == NOTED_MAX)
		buf_str(&text, " (no more of these are told of)");
	report_note(l->r->cfg.report, "%s", buf_cstr(&text));
	buf_fini(&text);
}

/*
 * Refused, perhaps for its keywords (too long, too many, an odd octet): a message is
 * worth more than they are.  False: they were off already, or there are none.
 */
static bool
take_off_keywords(struct replay_lane *l, struct sent *s)
{
	struct span rest = s->item.flags, flag;
	struct buf keep = BUF_INIT, lost = BUF_INIT;
	bool ok;

	while (span_next(&rest, ' ', &flag)) {
		struct buf *to = span_starts(flag, "\\") ? &keep : &lost;

		if (flag.n == 0)
			continue;
		if (to->n > 0)
			buf_chr(to, ' ');
		buf_put(to, flag);
	}
	ok = !s->bare && lost.n > 0 && buf_ok(&lost) && buf_ok(&keep) &&
	    arena_span(&s->arena, buf_span(&keep), &s->item.flags);
	if (ok) {
		s->bare = true;
		s->in_flight = s->alone = false;
		note_flags(l, buf_span(&lost));
	}
	buf_fini(&keep);
	buf_fini(&lost);
	return ok;
}

/* It is there: into the receipt, out of the outbox. */
static int
sent_done(struct replay_lane *l, struct sent *s, uint32_t uid,
    struct span ref, enum evidence evidence, struct err *err)
{
	l->lost = 0;
	if (receipt_done(l->r->receipt, name_of(l), &s->item, l->uidvalidity,
	    uid, ref, evidence, err) == -1)
		return -1;
	if (uid == 0 && ref.n == 0 && answers_put(l, &l->unplaced, &s->item,
	    &(struct answered){ .want = s->want, .appended = true }, err) == -1)
		return -1;
	s->item.verdict = VERDICT_DONE;
	s->item.reason = "appended";
	report_item(l->r->cfg.report, name_of(l), &s->item, NULL);
	outbox_drop(&l->out, s);
	return 0;
}

static int
sent_refused(struct replay_lane *l, struct sent *s, const char *reason,
    const struct err *why, struct err *err)
{
	l->lost = 0;
	note_refused(l->r);
	if (receipt_refused(l->r->receipt, name_of(l), &s->item, reason,
	    why->msg, err) == -1)
		return -1;
	s->item.verdict = VERDICT_REFUSED;
	s->item.reason = reason;
	report_item(l->r->cfg.report, name_of(l), &s->item, why);
	outbox_drop(&l->out, s);
	return 0;
}

/* dest_outcome_fn */
static int
outcome(void *arg, const struct dest_outcome *o, struct err *err)
{
	struct replay_lane *l = arg;
	struct sent *s = outbox_get(&l->out, o->cookie);
	bool known;

	if (s == NULL)
		return 0;
	if (!o->stored && o->for_flags && take_off_keywords(l, s))
		return 0;	/* settle() sends it again */
	if (!o->stored)
		return sent_refused(l, s, "refused", &o->why, err);
	if (o->lost_flags.n > 0)
		note_flags(l, o->lost_flags);
	if (o->lost_date)
		note_date(l, &s->item);
	/* A UID of another UIDVALIDITY than ours names nothing that we know. */
	known = o->uidvalidity == 0 || o->uidvalidity == l->uidvalidity;
	return sent_done(l, s, known ? o->uid : 0, o->ref, EVIDENCE_APPENDED,
	    err);
}

/* ---- sending ---- */

static int
send_one(struct replay_lane *l, struct sent *s, struct err *err)
{
	struct body *body = outbox_body(s, l->body, err);
	const struct sent *other;

	if (body == NULL)
		return -1;
	other = l->out.head;
	while (other != NULL && (other == s || !other->in_flight))
		other = other->next;
	s->alone = other == NULL;
	s->cookie = ++l->cookie;
	s->in_flight = true;
	l->dirty = true;
	body_rewind(body);
	return l->conn->ops->append(l->conn, &s->item, body, s->cookie, outcome,
	    l, err);
}

/* One by one, so that it shows which message a server chokes on. */
static int
settle_one(struct replay_lane *l, struct err *err)
{
	return l->conn->ops->settle(l->conn, outcome, l, err);
}

static struct sent *
next_unsent(const struct replay_lane *l)
{
	struct sent *s;

	for (s = l->out.head; s != NULL; s = s->next)
		if (!s->in_flight)
			return s;
	return NULL;
}

/*
 * Send again what is left in the outbox, in order (5).  0: all has left, or
 * the connection is lost once more and there is a new doubt.
 */
static int
send_again(struct replay_lane *l, struct err *err)
{
	struct err why = ERR_INIT;
	struct sent *s;
	uint64_t cookie;
	int rc;

	while ((s = next_unsent(l)) != NULL) {
		if (s->lost >= ALONE_MAX) {
			(void)err_set(&why, ERR_MESSAGE, STATUS_PASSED,
			    "the connection was lost %u times over it", s->lost);
			if (sent_refused(l, s, "connection-lost", &why,
			    err) == -1)
				return -1;
			continue;
		}
		rc = send_one(l, s, err);
		cookie = l->cookie;
		if (rc == 0)
			rc = settle_one(l, err);
		if (rc == 0 || (err->scope == ERR_MESSAGE &&
		    (s = outbox_get(&l->out, cookie)) == NULL)) {
			err_clear(err);
			continue;
		}
		if (err->scope != ERR_MESSAGE)
			return reopen(l, err);
		why = *err;
		err_clear(err);
		if (sent_refused(l, s, "refused", &why, err) == -1)
			return -1;
	}
	return 0;
}

/* Look for what is in the outbox among what is new there (2). */
static int
look_for_sent(struct replay_lane *l, struct err *err)
{
	struct sent *s, *next;
	enum evidence evidence;
	struct span ref;
	uint32_t row, uid;
	int rc;

	if (scan(l, l->uidnext, err) == -1)
		return -1;
	for (s = l->out.head; s != NULL; s = next) {
		next = s->next;
		rc = match_find(l->match, &s->want, s->item.mark != 0, &row,
		    &evidence, err);
		if (rc == -1)
			return -1;
		if (rc == 0)
			continue;
		match_claim(l->match, row);
		match_place(l->match, row, &uid, &ref);
		if (sent_done(l, s, uid, ref, evidence, err) == -1)
			return -1;
	}
	return 0;
}

/* Until nothing is in doubt any more (2). */
static int
resolve(struct replay_lane *l, struct err *err)
{
	bool waited;

	while (l->doubt) {
		for (waited = false;; waited = true) {
			l->doubt = false;
			if (open_mailbox(l, err) == -1 ||
			    look_for_sent(l, err) == -1)
				return -1;
			if (l->doubt || l->out.n == 0 || waited)
				break;
			sys_sleep(l->r->cfg.sys, SETTLE_NS);
			l->open = false;	/* select it again, to see it anew */
		}
		if (!l->doubt && send_again(l, err) == -1)
			return -1;
	}
	return 0;
}

/* Wait for all outcomes, whatever it takes; then the outbox is empty. */
static int
settle(struct replay_lane *l, struct err *err)
{
	for (;;) {
		if (resolve(l, err) == -1)
			return -1;
		if (!l->dirty && l->out.n == 0)
			return 0;
		if (l->conn->ops->settle(l->conn, outcome, l, err) == -1) {
			if (reopen(l, err) == -1)
				return -1;
			continue;
		}
		l->dirty = false;
		if (l->out.n == 0)
			return 0;
		if (next_unsent(l) != NULL) {
			if (send_again(l, err) == -1)
				return -1;
			continue;
		}
		/* It forgot some: as good as lost. */
		(void)err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "%zu appends without an answer", l->out.n);
		if (reopen(l, err) == -1)
			return -1;
	}
}

/* ---- the mailbox ---- */

/*
 * What is in doubt stays so: the receipt has the intents, and the next run
 * will look.
 */
static void
abandon(struct replay_lane *l, const struct err *why)
{
	struct sent *s;

	while ((s = l->out.head) != NULL) {
		s->item.verdict = VERDICT_REFUSED;
		s->item.reason = "outcome-unknown";
		report_item(l->r->cfg.report, name_of(l), &s->item, why);
		outbox_drop(&l->out, s);
		note_refused(l->r);
	}
	l->doubt = l->dirty = false;
}

/*
 * After a failure that spoils the mailbox: what was sent before it may still
 * have its outcome.
 */
static int
give_up(struct replay_lane *l, struct err *err)
{
	struct err late = ERR_INIT;

	if (err->scope != ERR_MAILBOX || l->out.n == 0)
		return -1;
	if (l->spoilt || settle(l, &late) == -1)
		abandon(l, err);
	if (late.scope == ERR_RUN)
		*err = late;
	return -1;
}

/*
 * Whoever comes to this mailbox next knows nothing of what we did: unless it
 * knows which messages are spoken for, it would take them for its own.
 */
static int
find_unplaced(struct replay_lane *l, struct err *err)
{
	if (l->unplaced.n == 0 || l->spoilt || l->r->cfg.dry)
		return 0;
	return l->loaded ? scan(l, l->uidnext, err) : load(l, err);
}

static int
leave(struct replay_lane *l, struct err *err)
{
	int rc;

	if (!l->in)
		return 0;
	if ((rc = settle(l, err)) == -1 || (rc = find_unplaced(l, err)) == -1)
		abandon(l, err);
	match_free(l->match);
	l->match = NULL;
	l->in = l->open = l->loaded = l->absent = false;
	l->known = l->answered = l->rewrites = l->spoilt = false;
	l->uidvalidity = l->uidnext = 0;
	l->unplaced.n = 0;
	l->believed.n = 0;
	l->nnoted = l->ndates = 0;
	l->lost = 0;
	leave_mailbox(l);
	return rc;
}

/* A listed mailbox need not be opened for what the receipt settles. */
static bool
take_listed(struct replay_lane *l)
{
	const struct mailbox *m;

	(void)pthread_mutex_lock(&l->r->lock);
	m = mailboxes_get(&l->r->there, name_of(l));
	if (m != NULL && m->status == MAILBOX_OPEN && m->uidvalidity != 0) {
		l->known = true;
		l->uidvalidity = m->uidvalidity;
	}
	(void)pthread_mutex_unlock(&l->r->lock);
	return l->known;
}

static int
lane_mailbox(struct lane *lane, const struct mailbox *m, struct err *err)
{
	struct replay_lane *l = lane_of(lane);

	if (l->in && !l->spoilt && span_eq(name_of(l), m->name))
		return 0;
	if (leave(l, err) == -1) {
		if (err->scope != ERR_MAILBOX)
			return -1;
		/* It is the one that is left that failed, not this one. */
		note_refused(l->r);
		report_mailbox(l->r->cfg.report, name_of(l), err);
		err_clear(err);
	}
	arena_reset(&l->arena);
	if (!mailbox_copy(&l->arena, m, &l->mailbox))
		return err_nomem(err);
	if (take_mailbox(l, m->name, err) == -1)
		return -1;
	l->in = true;
	if ((l->match = match_new(fetch, l, err)) == NULL)
		return -1;
	if (m->status != MAILBOX_OPEN || take_listed(l))
		return 0;
	return open_mailbox(l, err);
}

/* ---- offers ---- */

/*
 * What the receipt says of each, into `mark`; how many it does not settle, and
 * whether one of them may be under way.  Of an item that is answered, `mark`
 * is whether only its octets tell it from others.
 */
static int
ask_receipt(struct replay_lane *l, struct item *v, size_t n, size_t *open,
    bool *sent, struct err *err)
{
	struct want want;
	uint32_t uid;
	size_t i;

	*open = 0;
	*sent = false;
	for (i = 0; i < n; i++) {
		if (v[i].verdict != VERDICT_NONE)
			continue;
		if (!match_want(&v[i], &want))
			return err_set(err, ERR_RUN, STATUS_BUG,
			    "an item without identity was offered");
		v[i].mark = (uint64_t)receipt_get(l->r->receipt,
		    v[i].src_mailbox, v[i].ref, name_of(l), l->uidvalidity,
		    &uid);
		if (v[i].mark != RECEIPT_DONE)
			++*open;
		if (v[i].mark == RECEIPT_INTENT && l->out.n > 0)
			*sent = true;
	}
	return 0;
}

/*
 * It was taken for present, and what is there is another message: it counts as
 * refused, and the next run, which compares octets of such, will append it.
 */
static int
believed_wrongly(struct replay_lane *l, const struct answered *b,
    struct err *err)
{
	struct err why = ERR_INIT;
	struct item item = answered_item(b);

	item.verdict = VERDICT_REFUSED;
	item.reason = "key-collision";
	(void)err_set(&why, ERR_MESSAGE, STATUS_PASSED,
	    "another message there has its key: run again to add it");
	note_refused(l->r);
	report_item(l->r->cfg.report, name_of(l), &item, &why);
	return receipt_refused(l->r->receipt, name_of(l), &item, item.reason,
	    why.msg, err);
}

/* A key turned out to tell nothing: look at what was believed for it (6). */
static int
verify_believed(struct replay_lane *l, const struct want *want,
    struct err *err)
{
	struct answers *a = &l->believed;
	size_t i = 0;
	int rc;

	while (i < a->n) {
		if (!match_same_id(&a->v[i].want, want)) {
			i++;
			continue;
		}
		rc = match_verify(l->match, a->v[i].row, &a->v[i].want, err);
		if (rc == -1 || (rc == 0 &&
		    believed_wrongly(l, &a->v[i], err) == -1))
			return -1;
		a->v[i] = a->v[--a->n];
	}
	return 0;
}

/* Note what the source has, so that (6) is seen before anything is matched. */
static int
note_seen(struct replay_lane *l, const struct item *v, size_t n,
    struct err *err)
{
	struct want want;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		if (v[i].verdict != VERDICT_NONE || !match_want(&v[i], &want))
			continue;
		if ((rc = match_seen(l->match, &want, err)) == -1)
			return -1;
		if (rc == 1 && verify_believed(l, &want, err) == -1)
			return -1;
	}
	return 0;
}

/* (3); where we do not know which message there is this one, it is looked for. */
static int
answer_done(struct replay_lane *l, struct item *item, struct err *err)
{
	struct answered what = { .appended = false };

	item->verdict = VERDICT_HAVE;
	item->reason = "delivered";
	l->answered = true;
	if (receipt_placed(l->r->receipt, item->src_mailbox, item->ref,
	    name_of(l), l->uidvalidity))
		return 0;
	(void)match_want(item, &what.want);
	if (answers_put(l, &l->unplaced, item, &what, err) == -1)
		return -1;
	return l->loaded ? claim_unplaced(l, err) : 0;
}

static int
answer_open(struct replay_lane *l, struct item *item, struct err *err)
{
	enum evidence evidence = EVIDENCE_NONE;
	struct want want;
	struct span ref;
	uint32_t row, uid;
	int rc = 0;

	(void)match_want(item, &want);
	item->mark = item->mark == RECEIPT_REFUSED ||
	    (item->mark == RECEIPT_INTENT && receipt_collided(l->r->receipt,
	    item->src_mailbox, item->ref, name_of(l)));
	if (l->loaded && (rc = match_find(l->match, &want, item->mark != 0,
	    &row, &evidence, err)) == -1)
		return -1;
	if (rc == 0) {
		item->verdict = VERDICT_WANTED;
		item->reason = "missing";
		return 0;
	}
	match_claim(l->match, row);
	item->verdict = VERDICT_HAVE;
	item->reason = "present";
	if (l->r->cfg.dry)
		return 0;
	if (evidence == EVIDENCE_KEY &&
	    answers_put(l, &l->believed, item, &(struct answered){
	    .want = want, .row = row }, err) == -1)
		return -1;
	match_place(l->match, row, &uid, &ref);
	return receipt_done(l->r->receipt, name_of(l), item, l->uidvalidity,
	    uid, ref, evidence, err);
}

/* Intents of what will be sent, durable before any of it leaves (1). */
static int
intend(struct replay_lane *l, struct item *v, size_t n, struct err *err)
{
	struct item **wanted;
	size_t i, k = 0;
	int rc;

	if (l->r->cfg.dry || n == 0)
		return 0;
	if ((wanted = calloc(n, sizeof(*wanted))) == NULL)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		if (v[i].verdict == VERDICT_WANTED)
			wanted[k++] = &v[i];
	rc = receipt_intend(l->r->receipt, name_of(l), l->uidvalidity,
	    l->uidnext, wanted, k, err);
	free(wanted);
	return rc;
}

static int
answer(struct replay_lane *l, struct item *v, size_t n, struct err *err)
{
	size_t i, open = 0;
	bool sent = false;
	int rc;

	if (!l->known && open_mailbox(l, err) == -1)
		return -1;
	if (ask_receipt(l, v, n, &open, &sent, err) == -1)
		return -1;
	/* Offered once more, while it is under way from the first time. */
	if (sent && (settle(l, err) == -1 ||
	    ask_receipt(l, v, n, &open, &sent, err) == -1))
		return -1;
	if (open > 0 && !l->loaded) {
		/* Opening may show another UIDVALIDITY than the list said. */
		if (load(l, err) == -1 ||
		    ask_receipt(l, v, n, &open, &sent, err) == -1)
			return -1;
	}
	if (note_seen(l, v, n, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (v[i].verdict != VERDICT_NONE)
			continue;
		if (v[i].mark == RECEIPT_DONE)
			rc = answer_done(l, &v[i], err);
		else
			rc = answer_open(l, &v[i], err);
		if (rc == -1)
			return -1;
	}
	if (resolve(l, err) == -1)
		return -1;
	return intend(l, v, n, err);
}

static int
lane_offer(struct lane *lane, struct item *v, size_t n, struct err *err)
{
	struct replay_lane *l = lane_of(lane);

	return answer(l, v, n, err) == 0 ? 0 : give_up(l, err);
}

/* ---- puts ---- */

/* Room in the outbox; a body that is borrowed has it for itself. */
static int
make_room(struct replay_lane *l, uint64_t octets, struct err *err)
{
	if (l->doubt && resolve(l, err) == -1)
		return -1;
	if (l->out.n == 0)
		return 0;
	if (octets <= BODY_IN_MEMORY && l->out.n < OUT_ITEMS &&
	    l->out.octets + octets <= OUT_OCTETS)
		return 0;
	return settle(l, err);
}

/* The destination would not even take it: the engine tells of it. */
static int
put_refused(struct replay_lane *l, struct sent *s, struct item *item,
    struct err *err)
{
	struct err late = ERR_INIT;

	if (s != NULL)
		outbox_drop(&l->out, s);
	note_refused(l->r);
	if (item->reason == NULL || item->verdict == VERDICT_WANTED)
		item->reason = "refused";
	if (receipt_refused(l->r->receipt, name_of(l), item, item->reason,
	    err->msg, &late) == -1)
		*err = late;
	return -1;
}

/* Send it; lost connections are seen to. */
static int
put(struct replay_lane *l, struct item *item, struct body *body,
    struct err *err)
{
	struct sent *s;

	if (make_room(l, body_size(body), err) == -1)
		return -1;
	if ((s = outbox_put(&l->out, item, body, err)) == NULL)
		return -1;
	if (send_one(l, s, err) == -1) {
		if (err->scope == ERR_MESSAGE)
			return put_refused(l, outbox_get(&l->out, l->cookie),
			    item, err);
		if (reopen(l, err) == -1 || resolve(l, err) == -1)
			return -1;
	}
	return body_size(body) > BODY_IN_MEMORY ? settle(l, err) : 0;
}

static int
lane_put(struct lane *lane, struct item *item, struct body *body,
    struct err *err)
{
	struct replay_lane *l = lane_of(lane);

	if (put(l, item, body, err) == 0)
		return 0;
	(void)give_up(l, err);
	/* A borrowed body goes back to its owner. */
	if (body_size(body) > BODY_IN_MEMORY && l->out.n > 0)
		abandon(l, err);
	return -1;
}

static int
lane_missed(struct lane *lane, const struct item *item,
    const struct err *why, struct err *err)
{
	struct replay_lane *l = lane_of(lane);

	note_refused(l->r);
	return receipt_refused(l->r->receipt, name_of(l), item, "unavailable",
	    why != NULL ? why->msg : "", err);
}

/* ---- ends ---- */

/*
 * With one lane the mailbox is kept: the next of the source may go to the same
 * one.  With several, another may wait for it.
 */
static int
lane_finish(struct lane *lane, struct span from, const struct mailbox *state,
    enum scope scope, struct err *err)
{
	struct replay_lane *l = lane_of(lane);
	bool alone;

	(void)from, (void)state, (void)scope;
	(void)pthread_mutex_lock(&l->r->lock);
	alone = l->r->nlanes == 1;
	(void)pthread_mutex_unlock(&l->r->lock);
	return alone ? 0 : leave(l, err);
}

static int
lane_commit(struct lane *lane, struct err *err)
{
	struct replay_lane *l = lane_of(lane);

	if (l->in && settle(l, err) == -1) {
		if (err->scope == ERR_MAILBOX)
			abandon(l, err);
		return -1;
	}
	return receipt_sync(l->r->receipt, err);
}

static void
lane_close(struct lane *lane)
{
	struct replay_lane *l = lane_of(lane), **at;
	struct replay *r = l->r;

	/* After a failure: outcomes that are on their way are worth having. */
	if (l->open && l->out.n > 0 && !l->doubt)
		(void)l->conn->ops->settle(l->conn, outcome, l, NULL);
	if (l->in)
		leave_mailbox(l);
	(void)pthread_mutex_lock(&r->lock);
	for (at = &r->lanes; *at != NULL; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			r->nlanes--;
			break;
		}
	(void)pthread_mutex_unlock(&r->lock);
	if (l->conn != NULL)
		l->conn->ops->close(l->conn);
	match_free(l->match);
	outbox_fini(&l->out);
	body_free(l->body);
	buf_fini(&l->at);
	arena_fini(&l->arena);
	free(l->unplaced.v);
	free(l->believed.v);
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

/* ---- the sink ---- */

/* What the destination lists, once; without it every mailbox is opened. */
static int
ask_list(struct replay *r, struct err *err)
{
	struct dest *dest = r->cfg.dest;

	if (r->asked || !dest->ops->has_uids)
		return 0;
	r->asked = true;
	if (dest->ops->list(dest, &r->there, err) != -1)
		return 0;
	if (err->scope == ERR_RUN)
		return -1;
	err_clear(err);
	mailboxes_fini(&r->there);
	return 0;
}

static struct lane *
sink_open(struct sink *sink, struct err *err)
{
	struct replay *r = (struct replay *)sink;
	struct replay_lane *l;
	int rc;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	l->lane.ops = &lane_ops;
	l->r = r;
	outbox_init(&l->out);

	(void)pthread_mutex_lock(&r->lock);
	rc = ask_list(r, err);
	l->next = r->lanes;
	r->lanes = l;
	r->nlanes++;
	(void)pthread_mutex_unlock(&r->lock);

	if (rc == -1 || (l->body = body_new(err)) == NULL ||
	    (l->conn = r->cfg.dest->ops->open(r->cfg.dest, err)) == NULL) {
		lane_close(&l->lane);
		return NULL;
	}
	return &l->lane;
}

static int
sink_end(struct sink *sink, const struct mailboxes *all, select_fn *chosen,
    void *arg, bool complete, const char *reason, struct err *err)
{
	struct replay *r = (struct replay *)sink;

	(void)all, (void)chosen, (void)arg, (void)reason;
	return receipt_end(r->receipt, complete && !r->refused, err);
}

static void
sink_close(struct sink *sink)
{
	struct replay *r = (struct replay *)sink;

	receipt_close(r->receipt);
	mailboxes_fini(&r->there);
	(void)pthread_cond_destroy(&r->left);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

static const struct sink_ops sink_ops = {
	.open = sink_open,
	.end = sink_end,
	.close = sink_close,
};

struct sink *
replay_sink(const struct replay_config *cfg, struct err *err)
{
	const struct receipt_target target = {
		.url = cfg->dest->ops->url(cfg->dest),
		.target = cfg->dest->ops->target(cfg->dest),
		.origin = cfg->origin,
	};
	struct receipt *receipt;
	struct replay *r;

	receipt = receipt_open(cfg->receipt, &target, cfg->dry, cfg->sys, err);
	if (receipt == NULL)
		return NULL;
	if (cfg->redeliver)
		receipt_forget(receipt);
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		(void)err_nomem(err);
		receipt_close(receipt);
		return NULL;
	}
	r->sink.ops = &sink_ops;
	r->cfg = *cfg;
	r->receipt = receipt;
	if (pthread_mutex_init(&r->lock, NULL) != 0 ||
	    pthread_cond_init(&r->left, NULL) != 0) {
		(void)err_nomem(err);
		receipt_close(receipt);
		free(r);
		return NULL;
	}
	return &r->sink;
}
