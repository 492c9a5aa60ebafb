/* SPDX-License-Identifier: ISC */
/*
 * Comparing two sources.
 *
 * Both are walked in turns, a mailbox at a time, into tables.  A mailbox is
 * compared, and its tables are given back, as soon as neither side can bring
 * more of it: where both sides can list, when both have had it; a side that cannot list (a
 * stream) may bring a mailbox again, and is held to its end.  What has no
 * mate is kept for the end, to be looked for in other mailboxes.
 */

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "mail/flags.h"

#include "flow/diff.h"
#include "flow/pair.h"

enum { A, B, SIDES };

/* A mailbox of either side; its name is in diff.names at the same index. */
struct box {
	struct pair_table	 t[SIDES];
	bool			 there[SIDES];	/* the side has it */
	bool			 level[SIDES];	/* ... only as a level (\Noselect) */
	bool			 over[SIDES];	/* ... and can bring no more of it */
	bool			 compared, bad;
	struct diff_stat	 stat;
};

struct diff_reader {
	struct source	*source;
	struct cursor	*cursor;
	bool		 lists;		/* it told all of its mailboxes */
	bool		 over;
};

struct diff {
	const struct diff_config *c;
	struct diff_result	*result;
	struct diff_reader	 in[SIDES];
	struct window		 win;
	struct mailboxes	 names;
	struct box		*boxes;
	size_t			 cap;
	struct pair_table	 left[SIDES];	/* without a mate */
};

/* ---- mailboxes ---- */

/* The box of a name, made when missing; *number counts from 0. */
static int
box_get(struct diff *d, struct span name, uint32_t *number, struct err *err)
{
	const struct mailbox new = { .name = name };
	struct mailbox *m = mailboxes_get(&d->names, name);
	struct box *boxes;

	if (m == NULL && (m = mailboxes_put(&d->names, &new)) == NULL)
		return err_nomem(err);
	if (d->names.n > d->cap) {
		const size_t cap = d->names.cap;

		boxes = realloc(d->boxes, cap * sizeof(*boxes));
		if (boxes == NULL)
			return err_nomem(err);
		memset(boxes + d->cap, 0, (cap - d->cap) * sizeof(*boxes));
		d->boxes = boxes;
		d->cap = cap;
	}
	*number = (uint32_t)(m - d->names.v);
	d->boxes[*number].stat.mailbox = m->name;
	return 0;
}

static bool
is_chosen(const struct diff *d, int side, const struct mailbox *m)
{
	return m->status != MAILBOX_GONE && (d->c->select[side] == NULL ||
	    d->c->select[side](d->c->select_arg[side], m));
}

/* The side has this mailbox, or at least a level by that name. */
static void
note_mailbox(struct diff *d, int side, uint32_t number,
    const struct mailbox *m)
{
	if (m->status == MAILBOX_OPEN)
		d->boxes[number].there[side] = true;
	else
		d->boxes[number].level[side] = true;
}

/* Make a box for each mailbox that a side lists. */
static int
list_side(struct diff *d, int side, struct err *err)
{
	struct diff_reader *in = &d->in[side];
	struct mailboxes all = { .v = NULL };
	uint32_t number = 0;
	size_t i;
	int rc;

	if ((rc = in->source->ops->list(in->source, &all, err)) == -1)
		goto out;
	in->lists = rc == 1 && all.complete;
	rc = 0;
	for (i = 0; in->lists && i < all.n; i++) {
		if (!is_chosen(d, side, &all.v[i]))
			continue;
		if ((rc = box_get(d, all.v[i].name, &number, err)) == -1)
			goto out;
		note_mailbox(d, side, number, &all.v[i]);
	}
out:
	mailboxes_fini(&all);
	return rc;
}

/* ---- rows of the result ---- */

static void
side_of(const struct diff *d, const struct pair_row *row,
    struct diff_side *out)
{
	*out = (struct diff_side){
		.mailbox = d->names.v[row->mailbox].name,
		.uid = row->uid,
		.ref = row->ref,
		.flags = row->flags,
		.date = { row->sec, row->zone, row->dated },
		.size = row->size,
		.has_digest = row->known,
		.digest = row->digest,
	};
}

static int
tell(struct diff *d, unsigned kinds, const struct pair_row *a,
    const struct pair_row *b, struct err *err)
{
	struct diff_side sa, sb;
	const struct diff_row row = {
		.kinds = kinds,
		.a = a != NULL ? &sa : NULL,
		.b = b != NULL ? &sb : NULL,
	};

	if (a != NULL)
		side_of(d, a, &sa);
	if (b != NULL)
		side_of(d, b, &sb);
	d->result->differ++;
	return d->c->row == NULL ? 0 : d->c->row(d->c->arg, &row, err);
}

static bool
body_differs(const struct diff *d, const struct pair_row *a,
    const struct pair_row *b)
{
	if (a->known && b->known)
		return !digest_eq(&a->digest, &b->digest);
	return d->c->sizes && a->size != b->size;
}

/* What differs in a pair, of what is asked for. */
static unsigned
pair_kinds(const struct diff *d, const struct pair_row *a,
    const struct pair_row *b)
{
	const struct date da = { a->sec, a->zone, a->dated };
	const struct date db = { b->sec, b->zone, b->dated };
	unsigned kinds = 0;

	if (!flags_eq(a->flags, b->flags))
		kinds |= DIFF_FLAGS;
	if (a->dated && b->dated && a->sec != b->sec)
		kinds |= DIFF_DATE;
	else if (d->c->zone && a->dated && b->dated && !date_zone_eq(&da, &db))
		kinds |= DIFF_ZONE;
	if (body_differs(d, a, b))
		kinds |= DIFF_BODY;
	return kinds & ~d->c->ignore;
}

static void
count_kinds(struct diff_stat *stat, unsigned kinds)
{
	stat->flags += (kinds & DIFF_FLAGS) != 0;
	stat->date += (kinds & (DIFF_DATE | DIFF_ZONE)) != 0;
	stat->body += (kinds & DIFF_BODY) != 0;
	stat->moved += (kinds & DIFF_MOVED) != 0;
}

static int
tell_pair(struct diff *d, unsigned moved, const struct pair_row *a,
    const struct pair_row *b, struct err *err)
{
	struct diff_stat *stat = &d->boxes[a->mailbox].stat;
	const unsigned kinds = pair_kinds(d, a, b) | (moved & ~d->c->ignore);

	if (kinds == 0) {
		stat->same++;
		d->result->same++;
		return 0;
	}
	count_kinds(stat, kinds);
	return tell(d, kinds, a, b, err);
}

/* ---- comparing ---- */

/*
 * A mailbox that holds nothing, and that one side lacks.  Some servers make a
 * mailbox of each level of the hierarchy: where the other side has the level,
 * nothing is lacking.
 */
static int
tell_mailbox(struct diff *d, uint32_t number, struct err *err)
{
	const struct box *box = &d->boxes[number];
	const struct diff_side side = {
		.mailbox = d->names.v[number].name,
		.date = { 0, DATE_NO_ZONE, false },
	};
	const unsigned kind = box->there[A] ?
	    DIFF_MAILBOX_MISSING : DIFF_MAILBOX_EXTRA;
	const struct diff_row row = {
		.kinds = kind,
		.a = box->there[A] ? &side : NULL,
		.b = box->there[B] ? &side : NULL,
	};

	if (box->there[A] == box->there[B] || (d->c->ignore & kind) != 0 ||
	    (box->there[A] ? box->level[B] : box->level[A]) ||
	    box->t[A].n + box->t[B].n > 0)
		return 0;
	d->result->differ++;
	return d->c->row == NULL ? 0 : d->c->row(d->c->arg, &row, err);
}

static int
keep_left(struct diff *d, const struct box *box, struct err *err)
{
	uint32_t i;
	int side;

	for (side = 0; side < SIDES; side++)
		for (i = 0; i < box->t[side].n; i++)
			if (box->t[side].v[i].mate == 0 &&
			    pair_copy(&d->left[side], &box->t[side].v[i],
			    err) == -1)
				return -1;
	return 0;
}

static int
compare_box(struct diff *d, uint32_t number, struct err *err)
{
	struct box *box = &d->boxes[number];
	const struct pair_row *a;
	uint32_t i;
	int rc = -1;

	box->compared = true;
	if (box->bad) {
		rc = 0;
		goto out;
	}
	box->stat.a += box->t[A].n;
	box->stat.b += box->t[B].n;
	if (tell_mailbox(d, number, err) == -1 ||
	    pair_match(&box->t[A], &box->t[B], err) == -1)
		goto out;
	for (i = 0; i < box->t[A].n; i++) {
		a = &box->t[A].v[i];
		if (a->mate != 0 && tell_pair(d, 0, a,
		    &box->t[B].v[a->mate - 1], err) == -1)
			goto out;
	}
	if (keep_left(d, box, err) == -1)
		goto out;
	rc = 0;
out:
	pair_fini(&box->t[A]);
	pair_fini(&box->t[B]);
	return rc;
}

/* Whether a side may still bring something of a box. */
static bool
may_bring(const struct diff *d, const struct box *box, int side)
{
	const struct diff_reader *in = &d->in[side];

	if (in->over || box->over[side])
		return false;
	return !in->lists || box->there[side];
}

static int
compare_ready(struct diff *d, uint32_t number, struct err *err)
{
	const struct box *box = &d->boxes[number];

	if (box->compared || may_bring(d, box, A) || may_bring(d, box, B))
		return 0;
	return compare_box(d, number, err);
}

/* ---- reading ---- */

static int
read_items(struct diff *d, int side, uint32_t number, struct err *err)
{
	struct cursor *cursor = d->in[side].cursor;
	const struct mailbox *state;
	enum scope scope;
	size_t i;
	int more;

	for (;;) {
		if (stop_flag != 0)
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted");
		window_reset(&d->win);
		more = cursor->ops->window(cursor, &d->win, err);
		if (more == -1)
			return -1;
		if (more == 0)
			break;
		for (i = 0; i < d->win.n; i++)
			if (pair_put(&d->boxes[number].t[side], &d->win.v[i],
			    number, err) == -1)
				return -1;
	}
	/*
	 * The scope speaks of what may be concluded about the place that mail came
	 * from long ago; a side that could not be read whole has said so by now.
	 */
	return cursor->ops->finish(cursor, &scope, &state, err);
}

/* One mailbox of a side. */
static int
read_mailbox(struct diff *d, int side, struct err *err)
{
	struct diff_reader *in = &d->in[side];
	const struct mailbox *m = NULL;
	uint32_t number = 0;
	int rc;

	rc = in->cursor->ops->mailbox(in->cursor, &m, err);
	if (rc == 0) {
		in->over = true;
		return 0;
	}
	if (m == NULL || (rc == -1 && err->scope != ERR_MAILBOX))
		return -1;
	if (rc == 1 && !is_chosen(d, side, m))
		return 0;
	if (box_get(d, m->name, &number, err) == -1)
		return -1;
	note_mailbox(d, side, number, m);
	d->boxes[number].compared = false;	/* one that was not listed */
	if (rc == 1)
		rc = read_items(d, side, number, err) == -1 ? -1 : 0;
	if (rc == -1) {
		if (err->scope != ERR_MAILBOX)
			return -1;
		report_mailbox(d->c->report, d->names.v[number].name, err);
		err_clear(err);
		d->boxes[number].bad = true;
		d->result->complete = false;
	}
	d->boxes[number].over[side] = in->lists;
	return compare_ready(d, number, err);
}

/* In turns, so that sides of the same order meet early. */
static int
read_both(struct diff *d, struct err *err)
{
	uint32_t i;
	int side;

	while (!d->in[A].over || !d->in[B].over)
		for (side = 0; side < SIDES; side++)
			if (!d->in[side].over &&
			    read_mailbox(d, side, err) == -1)
				return -1;
	for (i = 0; i < d->names.n; i++)
		if (compare_ready(d, i, err) == -1)
			return -1;
	return 0;
}

/* ---- the end ---- */

/* What has no mate anywhere is missing or extra, what has one elsewhere moved. */
static int
tell_left(struct diff *d, struct err *err)
{
	struct pair_table *left = d->left;
	const struct pair_row *row;
	struct diff_stat *stat;
	uint32_t i;

	if (pair_match(&left[A], &left[B], err) == -1)
		return -1;
	for (i = 0; i < left[A].n; i++) {
		row = &left[A].v[i];
		if (row->mate != 0) {
			if (tell_pair(d, DIFF_MOVED, row,
			    &left[B].v[row->mate - 1], err) == -1)
				return -1;
			continue;
		}
		stat = &d->boxes[row->mailbox].stat;
		stat->missing++;
		if ((d->c->ignore & DIFF_MISSING) == 0 &&
		    tell(d, DIFF_MISSING, row, NULL, err) == -1)
			return -1;
	}
	for (i = 0; i < left[B].n; i++) {
		row = &left[B].v[i];
		if (row->mate != 0)
			continue;
		stat = &d->boxes[row->mailbox].stat;
		stat->extra++;
		if ((d->c->ignore & DIFF_EXTRA) == 0 &&
		    tell(d, DIFF_EXTRA, NULL, row, err) == -1)
			return -1;
	}
	return 0;
}

static int
tell_stats(struct diff *d, struct err *err)
{
	size_t i;

	if (d->c->stat == NULL)
		return 0;
	for (i = 0; i < d->names.n; i++) {
		if (d->boxes[i].bad ||
		    (!d->boxes[i].there[A] && !d->boxes[i].there[B]))
			continue;
		d->boxes[i].stat.mailbox = d->names.v[i].name;
		if (d->c->stat(d->c->arg, &d->boxes[i].stat, err) == -1)
			return -1;
	}
	return 0;
}

static void
ask_complete(struct diff *d)
{
	struct source_about about;
	int side;

	for (side = 0; side < SIDES; side++) {
		about = (struct source_about){ .complete = true };
		d->in[side].source->ops->about(d->in[side].source, &about);
		if (!about.complete)
			d->result->complete = false;
	}
}

static int
open_sides(struct diff *d, struct err *err)
{
	struct source *s;
	int side;

	for (side = 0; side < SIDES; side++) {
		s = d->in[side].source;
		if (d->c->select[side] != NULL)
			s->ops->select(s, d->c->select[side],
			    d->c->select_arg[side]);
		if (list_side(d, side, err) == -1 ||
		    (d->in[side].cursor = s->ops->open(s, err)) == NULL)
			return -1;
	}
	return 0;
}

static void
diff_fini(struct diff *d)
{
	size_t i;
	int side;

	for (side = 0; side < SIDES; side++) {
		if (d->in[side].cursor != NULL)
			d->in[side].cursor->ops->close(d->in[side].cursor);
		for (i = 0; i < d->cap; i++)
			pair_fini(&d->boxes[i].t[side]);
		pair_fini(&d->left[side]);
	}
	free(d->boxes);
	mailboxes_fini(&d->names);
	window_fini(&d->win);
}

int
diff_run(const struct diff_config *c, struct diff_result *result,
    struct err *err)
{
	struct diff d = { .c = c, .result = result };
	int rc = -1;

	*result = (struct diff_result){ .complete = true };
	d.in[A].source = c->a;
	d.in[B].source = c->b;
	if (window_init(&d.win, err) == -1 || open_sides(&d, err) == -1)
		goto out;
	if (read_both(&d, err) == -1 || tell_left(&d, err) == -1 ||
	    tell_stats(&d, err) == -1)
		goto out;
	ask_complete(&d);
	rc = 0;
out:
	if (rc == -1)
		result->complete = false;
	diff_fini(&d);
	return rc;
}
