/* SPDX-License-Identifier: ISC */
/*
 * APPEND with several under way.  What the server says of each is told in
 * the order of sending; what it says without being asked is not believed:
 * an APPENDUID counts only in the tagged answer to our own command.
 */

#include <stdlib.h>

#include "mail/flags.h"

#include "imap/append.h"

struct out {
	uint32_t	 tag;
	uint64_t	 cookie, octets;
	struct buf	 lost;		/* flags that were left out */
	bool		 asked;		/* for the octets: none leave unasked */
	bool		 ended;
	bool		 stored;
	bool		 put_off;	/* there is no outcome: to be sent again */
	bool		 lost_date;
	bool		 keywords;	/* were sent */
	bool		 for_flags;
	uint32_t	 uidvalidity, uid;
	struct err	 why;
};

struct append {
	struct session	*s;
	struct span	 raw;
	struct out	 ring[LIMIT_APPENDS];
	size_t		 head, n;
	uint64_t	 octets;	/* in flight */
	struct err	 stop;		/* what ends it, once all is told */
	bool		 cut;		/* nothing more may be read */
	struct command	 cmd;
	struct buf	 keep;
};

struct append *
append_new(struct err *err)
{
	struct append *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		err_nomem(err);
	return a;
}

void
append_free(struct append *a)
{
	size_t i;

	if (a == NULL)
		return;
	for (i = 0; i < N(a->ring); i++)
		buf_fini(&a->ring[i].lost);
	command_fini(&a->cmd);
	buf_fini(&a->keep);
	free(a);
}

void
append_begin(struct append *a, struct session *s, struct span raw)
{
	a->s = s;
	a->raw = raw;
	a->head = a->n = 0;
	a->octets = 0;
	a->cut = false;
	err_clear(&a->stop);
}

bool
append_is_settled(const struct append *a)
{
	return a->n == 0;
}

static struct out *
out_at(struct append *a, size_t i)
{
	return &a->ring[(a->head + i) % N(a->ring)];
}

/* ---- flags ---- */

static void
put_word(struct buf *list, struct span word)
{
	if (list->n > 0)
		buf_chr(list, ' ');
	buf_put(list, word);
}

/*
 * Without PERMANENTFLAGS all flags of the mailbox are permanent (RFC 9051
 * section 7.1), and those are the five and what FLAGS listed.
 */
static bool
is_kept(const struct selected *sel, struct span flag)
{
	const struct span listed = buf_span(sel->told_permanent ?
	    &sel->permanent : &sel->flags);
	const bool system = span_starts(flag, "\\");

	if (!flags_valid(flag))
		return false;
	if (flags_have(listed, flag))
		return true;
	if (system)
		return !sel->told_permanent && flags_bits(flag) != 0;
	return sel->any;
}

void
append_flags(const struct selected *sel, struct span wanted, struct buf *keep,
    struct buf *lost)
{
	struct span flag;

	buf_clear(keep);
	buf_clear(lost);
	while (span_next(&wanted, ' ', &flag)) {
		if (flag.n == 0)
			continue;
		put_word(is_kept(sel, flag) ? keep : lost, flag);
	}
}

/* ---- outcomes ---- */

/* "[APPENDUID uidvalidity uid]"; anything else tells nothing. */
static void
take_uid(struct out *o, const struct resp *r)
{
	struct span rest = r->args, a;
	uint32_t uidvalidity, uid;

	if (!span_iis(r->code, "APPENDUID") || !span_next(&rest, ' ', &a) ||
	    !span_u32(a, &uidvalidity) || !span_u32(rest, &uid) ||
	    uidvalidity == 0 || uid == 0)
		return;
	o->uidvalidity = uidvalidity;
	o->uid = uid;
}

/* What a refusal means for the rest: a.stop, or nothing. */
static void
take_refusal(struct append *a, struct out *o, const struct resp *r)
{
	struct err why = ERR_INIT;
	int64_t wait;

	resp_fail(&o->why, ERR_MESSAGE, r, "APPEND");
	if (span_iis(r->code, "TRYCREATE"))
		err_set(&why, ERR_MAILBOX, STATUS_PASSED,
		    "the mailbox is gone: %.*s",
		    SPAN_ARG(span_head(r->text, 300)));
	else if (o->why.scope != ERR_MESSAGE)
		why = o->why;
	o->for_flags = o->keywords &&
	    resp_class(r, &wait) == CLASS_OTHER;
	o->put_off = o->why.scope == ERR_SESSION;
	o->why.scope = ERR_MESSAGE;
	if (a->stop.scope == ERR_NONE && why.scope != ERR_NONE)
		a->stop = why;
}

static void
on_tagged(struct append *a, const struct resp *r)
{
	struct out *o;
	size_t i;

	for (i = 0; i < a->n; i++) {
		o = out_at(a, i);
		if (o->tag != r->tag || o->ended)
			continue;
		o->ended = true;
		o->stored = r->cond == RESP_OK;
		a->octets -= o->octets;
		if (o->stored)
			take_uid(o, r);
		else
			take_refusal(a, o, r);
		/*
		 * It may be reading the octets as commands by now, and they
		 * are a message from anybody.
		 */
		a->cut = r->cond == RESP_BAD && !o->asked;
		return;
	}
}

/* Tell of those at the front that are over. */
static int
tell(struct append *a, dest_outcome_fn *fn, void *arg, struct err *err)
{
	struct dest_outcome outcome;
	struct out *o;

	while (a->n > 0 && out_at(a, 0)->ended) {
		o = out_at(a, 0);
		a->head = (a->head + 1) % N(a->ring);
		a->n--;
		if (o->put_off)
			continue;
		outcome = (struct dest_outcome){
			.cookie = o->cookie,
			.stored = o->stored,
			.uidvalidity = o->uidvalidity,
			.uid = o->uid,
			.lost_flags = buf_span(&o->lost),
			.lost_date = o->lost_date,
			.for_flags = o->for_flags,
			.why = o->why,
		};
		session_progress(a->s);
		if (fn(arg, &outcome, err) == -1)
			return -1;
	}
	return 0;
}

/* The connection is lost: nothing more will be told. */
static int
lost(struct append *a)
{
	a->head = a->n = 0;
	a->octets = 0;
	a->cut = false;
	return -1;
}

/* Read one response.  1: it was "+". */
static int
read_one(struct append *a, dest_outcome_fn *fn, void *arg, struct err *err)
{
	struct resp r;

	if (session_read(a->s, &r, err) == -1)
		return lost(a);
	if (r.type == RESP_MORE)
		return 1;
	if (r.type != RESP_TAGGED)
		return 0;
	on_tagged(a, &r);
	if (tell(a, fn, arg, err) == -1)
		return -1;
	if (!a->cut)
		return 0;
	session_drop(a->s);
	err_set(err, ERR_SESSION, STATUS_CONNECT,
	    "the server found fault with an APPEND that had its octets with it");
	return lost(a);
}

int
append_settle(struct append *a, dest_outcome_fn *fn, void *arg,
    struct err *err)
{
	while (a->n > 0)
		if (read_one(a, fn, arg, err) == -1)
			return -1;
	if (a->stop.scope == ERR_NONE)
		return 0;
	if (a->stop.scope == ERR_SESSION)
		session_drop(a->s);
	if (err != NULL)
		*err = a->stop;
	err_clear(&a->stop);
	return -1;
}

/* ---- sending ---- */

/*
 * What a date-time can say (four digits of a year) and servers understand: of
 * what is before 1970, Cyrus says BAD and Dovecot makes a date to come.
 */
static bool
has_date(const struct date *d)
{
	return d->known && d->sec >= 0 && d->sec <= INT64_C(253402214399);
}

/* Cyrus takes 0 for no date, and Dovecot replaces dates to come. */
static bool
is_kept_date(const struct session *s, const struct date *d)
{
	const int64_t second = 1000000000;

	return has_date(d) && d->sec > 0 &&
	    d->sec <= sys_now(s->acct->sys) / second + 60;
}

/*
 * Whether a server may find fault with what stands before the literal.  Then
 * it must ask for the octets: Dovecot answers BAD and takes a literal
 * that comes unasked for commands, and that is a message from anybody.
 */
static bool
is_delicate(struct span flags)
{
	const struct span fine = SPAN("$_-.\\ ");
	size_t i;

	for (i = 0; i < flags.n; i++) {
		const unsigned char c = flags.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || span_find(fine, c) < fine.n))
			return true;
	}
	return flags.n > LIMIT_FLAGS_SURE;
}

static bool
has_keyword(struct span flags)
{
	struct span flag;

	while (span_next(&flags, ' ', &flag))
		if (flag.n > 0 && !span_starts(flag, "\\"))
			return true;
	return false;
}

static int
build(struct append *a, struct out *o, const struct item *item, uint64_t size,
    bool *sync, struct err *err)
{
	struct buf *text = &a->cmd.text;

	append_flags(&a->s->sel, item->flags, &a->keep, &o->lost);
	if (command_begin(&a->cmd, a->s, VERB_APPEND, err) == -1)
		return -1;
	command_string(&a->cmd, a->raw);
	if (a->keep.n > 0) {
		buf_str(text, " (");
		buf_put(text, buf_span(&a->keep));
		buf_chr(text, ')');
	}
	if (has_date(&item->date)) {
		buf_str(text, " \"");
		date_put_imap(text, &item->date);
		buf_chr(text, '"');
	}
	buf_chr(text, ' ');
	*sync = command_literal(a->s, text, size,
	    is_delicate(buf_span(&a->keep)));
	if (text->n >= 2)
		text->n -= 2;	/* the line's end is put by command_send() */
	if (!buf_ok(&a->keep) || !buf_ok(&o->lost))
		return err_nomem(err);
	return 0;
}

/* The octets, exactly as they are, and the end of the command. */
static int
send_octets(struct append *a, struct body *body, struct err *err)
{
	struct span piece;
	int rc;

	body_rewind(body);
	while ((rc = body_next(body, &piece, err)) == 1)
		if (conn_put(a->s->conn, piece, err) == -1)
			goto lost;
	if (rc == -1)
		goto lost;
	if (conn_put(a->s->conn, SPAN("\r\n"), err) == -1 ||
	    conn_flush(a->s->conn, err) == -1)
		goto lost;
	return 0;
lost:
	/* Also where reading the body failed: a literal cannot be taken back. */
	session_drop(a->s);
	return lost(a);
}

/* Until the server asks for the octets, or refuses.  1, 0, -1. */
static int
wait_more(struct append *a, const struct out *o, dest_outcome_fn *fn,
    void *arg, struct err *err)
{
	const uint32_t tag = o->tag;
	size_t i;
	int rc;

	for (;;) {
		if ((rc = read_one(a, fn, arg, err)) != 0)
			return rc;
		for (i = 0; i < a->n; i++)
			if (out_at(a, i)->tag == tag && !out_at(a, i)->ended)
				break;
		if (i == a->n)
			return 0;
	}
}

static int
refuse_early(const struct append *a, uint64_t size, struct err *err)
{
	if (size == 0)
		return err_set(err, ERR_MESSAGE, STATUS_PASSED,
		    "an empty message cannot be appended");
	if (a->s->appendlimit > 0 && size > a->s->appendlimit)
		return err_set(err, ERR_MESSAGE, STATUS_PASSED,
		    "%llu octets are over the server's limit of %llu",
		    (unsigned long long)size,
		    (unsigned long long)a->s->appendlimit);
	return 0;
}

static bool
has_room(const struct append *a, uint64_t size)
{
	return a->n == 0 || (a->n < N(a->ring) && a->octets + size <=
	    LIMIT_APPEND_FLIGHT);
}

int
append_put(struct append *a, const struct item *item, struct body *body,
    uint64_t cookie, dest_outcome_fn *fn, void *arg, struct err *err)
{
	const uint64_t size = body_size(body);
	struct resp end;
	struct out *o;
	bool sync = false;
	int rc;

	if (a->s->conn == NULL)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the connection was lost");
	if (refuse_early(a, size, err) == -1)
		return -1;
	while (!has_room(a, size))
		if (read_one(a, fn, arg, err) == -1)
			return -1;
	/* A name that is a literal waits for "+": nothing else may be out. */
	if ((a->stop.scope != ERR_NONE || command_is_literal(a->raw)) &&
	    append_settle(a, fn, arg, err) == -1)
		return -1;

	o = out_at(a, a->n);
	if (build(a, o, item, size, &sync, err) == -1)
		return -1;
	*o = (struct out){
		.tag = a->cmd.tag, .cookie = cookie, .octets = size,
		.asked = sync,
		.lost_date = item->date.known &&
		    !is_kept_date(a->s, &item->date),
		.keywords = has_keyword(buf_span(&a->keep)),
		.lost = o->lost,
	};
	if ((rc = command_send(&a->cmd, &end, err)) == -1)
		return lost(a);
	if (rc == 0)
		return resp_fail(err, ERR_MESSAGE, &end, "APPEND");
	a->n++;
	a->octets += size;
	if (sync && (rc = wait_more(a, o, fn, arg, err)) != 1)
		return rc;
	return send_octets(a, body, err);
}
