/* SPDX-License-Identifier: ISC */
/*
 * Rules as the filter of a copy: what the rules say of an item is put into
 * the item, and into the table of mailboxes that items go to.
 */

#include <stdlib.h>
#include <string.h>

#include "mail/name.h"
#include "tools/rulefilter.h"

/* What one thread of the copy holds. */
struct state {
	struct rulefilter	*filter;
	struct rules_eval	*eval;
	struct mailboxes	 to;	/* mailboxes made for items; reset by window */
	struct mailboxes	 own;	/* what the mailbox itself became */
	struct arena		 arena;	/* texts of items; reset by window */
	struct buf		 told;	/* the last mailbox that was told of */
};

static void *
state_open(void *arg, struct err *err)
{
	struct rulefilter *f = arg;
	struct state *st;

	if ((st = calloc(1, sizeof(*st))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	if ((st->eval = rules_eval_new(f->rules, f->now, err)) == NULL) {
		free(st);
		return NULL;
	}
	st->filter = f;
	return st;
}

static void
state_close(void *arg)
{
	struct state *st = arg;

	if (st == NULL)
		return;
	rules_eval_free(st->eval);
	mailboxes_fini(&st->to);
	mailboxes_fini(&st->own);
	arena_fini(&st->arena);
	buf_fini(&st->told);
	free(st);
}

/* The mailbox `name`, which is `from` where the name is the same. */
static int
target(struct mailboxes *list, const struct mailbox *from, struct span name,
    const struct mailbox **out, struct err *err)
{
	struct mailbox m;

	if (span_eq(name, from->name)) {
		*out = from;
		return 0;
	}
	if ((*out = mailboxes_get(list, name)) != NULL)
		return 0;
	m = *from;
	m.name = name;
	m.raw = SPAN_NONE;
	m.id = SPAN_NONE;
	m.uidvalidity = m.uidnext = 0;
	m.modseq = 0;
	m.counted = m.sized = false;
	if ((*out = mailboxes_put(list, &m)) == NULL)
		return err_nomem(err);
	return 0;
}

/*
 * Give the item what the rules made of it.  `was` gets a row when something
 * changed: the digest before, then the rules.
 */
static int
take(struct state *st, struct item *it, const struct rules_result *r,
    struct err *err)
{
	struct buf was = BUF_INIT;
	bool ok;

	ok = arena_span(&st->arena, r->flags, &it->flags);
	if (r->fired.n > 0) {
		if (it->was.n > 0)
			buf_put(&was, it->was);
		else if (it->ident != NULL)
			digest_put(&was, &it->ident->digest);
		buf_chr(&was, ' ');
		buf_put(&was, r->fired);
		ok = ok && buf_ok(&was) &&
		    arena_span(&st->arena, span_trim(buf_span(&was)), &it->was);
	}
	buf_fini(&was);
	return ok ? 0 : err_nomem(err);
}

/* A limit was hit: leave the item alone, but say so. */
static void
leave(struct state *st, const struct mailbox *from, struct item *it,
    struct err *err)
{
	struct buf what = BUF_INIT;

	item_put(&what, from->name, it);
	report_note(st->filter->report, "%s: left as it was: %s",
	    buf_cstr(&what), err->msg);
	buf_fini(&what);
	atomic_fetch_add(&st->filter->limited, 1);
	it->note = SPAN("rule-limit");
	err_clear(err);
}

static int
apply_one(struct state *st, const struct mailbox *from, struct item *it,
    const struct mailbox **to, struct err *err)
{
	struct rules_result r;

	*to = from;
	if (rules_apply(st->eval, from, it, &r, err) == -1) {
		if (err->scope != ERR_MESSAGE)
			return -1;
		leave(st, from, it, err);
		return 0;
	}
	if (r.dropped) {
		it->verdict = VERDICT_DROPPED;
		it->reason = "dropped-by-rule";
		*to = NULL;
		return arena_span(&st->arena, r.reason, &it->note) ? 0 :
		    err_nomem(err);
	}
	if (take(st, it, &r, err) == -1)
		return -1;
	return target(&st->to, from, r.mailbox, to, err);
}

/*
 * Two passes over the table of mailboxes would be needed if it moved while
 * growing; so the names are settled first and looked up at the end.
 */
static int
apply(void *arg, const struct mailbox *from, struct item *v, size_t n,
    const struct mailbox **to, struct err *err)
{
	struct state *st = arg;
	struct span *names;
	const struct mailbox *m;
	size_t i;
	int rc = -1;

	mailboxes_fini(&st->to);
	arena_reset(&st->arena);
	st->filter->from = from->name;
	if ((names = calloc(n, sizeof(*names))) == NULL)
		return err_nomem(err);
	for (i = 0; i < n; i++) {
		if (apply_one(st, from, &v[i], &m, err) == -1)
			goto out;
		to[i] = m == from ? from : NULL;
		names[i] = m == NULL || m == from ? SPAN_NONE : m->name;
	}
	for (i = 0; i < n; i++)
		if (names[i].n > 0)
			to[i] = mailboxes_get(&st->to, names[i]);
	rc = 0;
out:
	free(names);
	return rc;
}

/* Its name stays as well, so that what is left alone has a place. */
static int
leave_mailbox(struct state *st, const struct mailbox *from, struct err *err)
{
	struct buf name = BUF_INIT;

	if (!span_eq(buf_span(&st->told), from->name)) {
		name_put(&name, from->name);
		report_note(st->filter->report, "%s: left as it was: %s",
		    buf_cstr(&name), err->msg);
		buf_fini(&name);
		buf_clear(&st->told);
		buf_put(&st->told, from->name);
		if (!buf_ok(&st->told))
			return err_nomem(err);
	}
	atomic_fetch_add(&st->filter->limited, 1);
	err_clear(err);
	return 0;
}

static int
apply_mailbox(void *arg, const struct mailbox *from, const struct mailbox **to,
    struct err *err)
{
	struct state *st = arg;
	struct rules_result r;

	if (rules_mailbox(st->eval, from, &r, err) == -1) {
		if (err->scope != ERR_MAILBOX)
			return -1;
		*to = from;
		return leave_mailbox(st, from, err);
	}
	if (r.dropped) {
		*to = NULL;
		return 0;
	}
	mailboxes_fini(&st->own);
	return target(&st->own, from, r.mailbox, to, err);
}

void
rulefilter_init(struct rulefilter *f, const struct rules *rules, int64_t now,
    const struct report *report)
{
	f->filter = (struct filter){
		apply, apply_mailbox, state_open, state_close, f
	};
	f->rules = rules;
	f->now = now;
	f->report = report;
	f->from = SPAN_NONE;
	atomic_init(&f->limited, 0);
}
