/* SPDX-License-Identifier: ISC */
/*
 * Pairing by sorting: in each round both sides' rows without a mate are
 * sorted by what the round goes by, and walked together.
 */

#include <stdlib.h>
#include <string.h>

#include "mail/flags.h"

#include "flow/pair.h"

#define ROWS_MAX	(UINT32_MAX / 2)

enum identity { BY_DIGEST, BY_CANON, BY_KEY };

/* What must agree beside the identity. */
enum tie { TIE_DATE = 1 << 0, TIE_FLAGS = 1 << 1 };

static const struct round {
	enum identity	identity;
	unsigned	ties;
} rounds[] = {
	{ BY_DIGEST,	TIE_DATE | TIE_FLAGS },
	{ BY_DIGEST,	TIE_DATE },
	{ BY_DIGEST,	TIE_FLAGS },
	{ BY_DIGEST,	0 },
	{ BY_CANON,	TIE_DATE | TIE_FLAGS },
	{ BY_CANON,	TIE_DATE },
	{ BY_CANON,	TIE_FLAGS },
	{ BY_CANON,	0 },
	{ BY_KEY,	TIE_DATE | TIE_FLAGS },
	{ BY_KEY,	TIE_DATE },
	{ BY_KEY,	TIE_FLAGS },
	{ BY_KEY,	0 },
};

/* ---- tables ---- */

void
pair_fini(struct pair_table *t)
{
	free(t->v);
	arena_fini(&t->arena);
	*t = (struct pair_table){ .v = NULL };
}

static struct pair_row *
row_add(struct pair_table *t, struct err *err)
{
	const uint32_t cap = t->cap == 0 ? 64 : t->cap * 2;
	struct pair_row *v;

	if (t->n == t->cap) {
		if (cap > ROWS_MAX) {
			(void)err_set(err, ERR_RUN, STATUS_DATA,
			    "more than %u messages", ROWS_MAX / 2);
			return NULL;
		}
		if ((v = realloc(t->v, cap * sizeof(*v))) == NULL) {
			(void)err_nomem(err);
			return NULL;
		}
		t->v = v;
		t->cap = cap;
	}
	return &t->v[t->n++];
}

/* Neighbours mostly have the same flags: they share them. */
static bool
copy_flags(struct pair_table *t, struct pair_row *row, struct span flags)
{
	if (t->n > 1 && span_eq(t->v[t->n - 2].flags, flags)) {
		row->flags = t->v[t->n - 2].flags;
		return true;
	}
	return arena_span(&t->arena, flags, &row->flags);
}

int
pair_put(struct pair_table *t, const struct item *item, uint32_t mailbox,
    struct err *err)
{
	const struct ident *ident = item->ident;
	struct pair_row *row = row_add(t, err);

	if (row == NULL)
		return -1;
	*row = (struct pair_row){
		.size = ident != NULL ? ident->size : item->size,
		.sec = item->date.known ? item->date.sec : 0,
		.zone = item->date.zone,
		.dated = item->date.known,
		.uid = item->uid,
		.mailbox = mailbox,
		.known = ident != NULL,
	};
	if (ident != NULL) {
		row->digest = ident->digest;
		memcpy(row->canon, ident->canon.b, N(row->canon));
		row->key = ident->key;
	}
	if (item->key != NULL)
		row->key = *item->key;
	if (!copy_flags(t, row, item->flags) ||
	    !arena_span(&t->arena, item->ref, &row->ref))
		return err_nomem(err);
	return 0;
}

int
pair_copy(struct pair_table *t, const struct pair_row *in, struct err *err)
{
	struct pair_row *row = row_add(t, err);

	if (row == NULL)
		return -1;
	*row = *in;
	row->mate = 0;
	if (!copy_flags(t, row, in->flags) ||
	    !arena_span(&t->arena, in->ref, &row->ref))
		return err_nomem(err);
	return 0;
}

/* ---- order ---- */

static int
int_cmp(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static int
flags_cmp(struct span a, struct span b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	size_t i;

	for (i = 0; i < n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return lower(a.p[i]) < lower(b.p[i]) ? -1 : 1;
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
date_cmp(const struct pair_row *a, const struct pair_row *b)
{
	if (a->dated != b->dated)
		return a->dated ? 1 : -1;
	return int_cmp(a->sec, b->sec);
}

static int
identity_cmp(const struct pair_row *a, const struct pair_row *b,
    enum identity by)
{
	switch (by) {
	case BY_DIGEST:
		return memcmp(a->digest.b, b->digest.b, N(a->digest.b));
	case BY_CANON:
		return memcmp(a->canon, b->canon, N(a->canon));
	case BY_KEY:
		if (a->key.kind != b->key.kind)
			return a->key.kind < b->key.kind ? -1 : 1;
		return memcmp(a->key.id, b->key.id, N(a->key.id));
	}
	return 0;
}

/* The identity and what the round ties to it. */
static int
round_cmp(const struct pair_row *a, const struct pair_row *b,
    const struct round *r)
{
	int c = identity_cmp(a, b, r->identity);

	if (c == 0 && (r->ties & TIE_DATE) != 0)
		c = date_cmp(a, b);
	if (c == 0 && (r->ties & TIE_FLAGS) != 0)
		c = flags_cmp(a->flags, b->flags);
	return c;
}

/* Rows of one array: arrival, which is their address, comes last. */
static int
order_cmp(const struct pair_row *a, const struct pair_row *b,
    const struct round *r)
{
	int c = round_cmp(a, b, r);

	if (c == 0)
		c = date_cmp(a, b);
	if (c == 0)
		c = flags_cmp(a->flags, b->flags);
	return c != 0 ? c : a < b ? -1 : a > b;
}

/* What is sorted; each names its round, since qsort() cannot. */
struct ref {
	struct pair_row		*row;
	const struct round	*round;
};

static int
ref_order(const void *va, const void *vb)
{
	const struct ref *a = va, *b = vb;

	return order_cmp(a->row, b->row, a->round);
}

/* ---- rounds ---- */

static bool
takes_part(const struct pair_row *row, const struct round *r)
{
	if (row->mate != 0)
		return false;
	return r->identity == BY_KEY ? row->key.kind != KEY_NONE : row->known;
}

/* Rows of a table that take part, sorted.  The caller frees *out. */
static int
gather(const struct pair_table *t, const struct round *r, struct ref **out,
    size_t *n, struct err *err)
{
	uint32_t i;

	*n = 0;
	for (i = 0; i < t->n; i++)
		*n += takes_part(&t->v[i], r);
	*out = NULL;
	if (*n == 0)
		return 0;
	if ((*out = calloc(*n, sizeof(**out))) == NULL)
		return err_nomem(err);
	*n = 0;
	for (i = 0; i < t->n; i++)
		if (takes_part(&t->v[i], r))
			(*out)[(*n)++] = (struct ref){ &t->v[i], r };
	qsort(*out, *n, sizeof(**out), ref_order);
	return 0;
}

/* How many from the first on are the same to the round. */
static size_t
group_size(const struct ref *v, size_t n, const struct round *r)
{
	size_t k = 1;

	while (k < n && round_cmp(v[0].row, v[k].row, r) == 0)
		k++;
	return k;
}

static bool
agree(const struct pair_row *a, const struct pair_row *b,
    const struct round *r)
{
	return r->identity != BY_KEY || key_match(&a->key, &b->key);
}

/* Pair two groups in their order. */
static void
group_match(const struct pair_table *ta, const struct pair_table *tb,
    const struct ref *a, size_t na, const struct ref *b, size_t nb,
    const struct round *r)
{
	size_t i, k, first = 0;

	for (i = 0; i < na && first < nb; i++) {
		for (k = first; k < nb; k++)
			if (b[k].row->mate == 0 &&
			    agree(a[i].row, b[k].row, r))
				break;
		if (k == nb)
			continue;
		a[i].row->mate = (uint32_t)(b[k].row - tb->v) + 1;
		b[k].row->mate = (uint32_t)(a[i].row - ta->v) + 1;
		while (first < nb && b[first].row->mate != 0)
			first++;
	}
}

static int
round_match(struct pair_table *ta, struct pair_table *tb,
    const struct round *r, struct err *err)
{
	struct ref *a = NULL, *b = NULL;
	size_t na, nb, i = 0, k = 0, ga, gb;
	int c, rc = -1;

	if (gather(ta, r, &a, &na, err) == -1 ||
	    gather(tb, r, &b, &nb, err) == -1)
		goto out;
	while (i < na && k < nb) {
		c = round_cmp(a[i].row, b[k].row, r);
		ga = c <= 0 ? group_size(a + i, na - i, r) : 0;
		gb = c >= 0 ? group_size(b + k, nb - k, r) : 0;
		if (c == 0)
			group_match(ta, tb, a + i, ga, b + k, gb, r);
		i += ga;
		k += gb;
	}
	rc = 0;
out:
	free(a);
	free(b);
	return rc;
}

int
pair_match(struct pair_table *a, struct pair_table *b, struct err *err)
{
	size_t i;

	for (i = 0; i < N(rounds); i++)
		if (round_match(a, b, &rounds[i], err) == -1)
			return -1;
	return 0;
}
