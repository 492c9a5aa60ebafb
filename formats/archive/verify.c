/* SPDX-License-Identifier: ISC */
/*
 * Verifying: a second index is built from the segments, which reads and
 * checks every octet of them, and compared with the one in use, row by row.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/archive/layout.h"
#include "formats/archive/local.h"
#include "formats/archive/indexmeta.h"
#include "formats/archive/repair.h"

#define TOLD_MAX	20		/* differing rows told of a table */

struct verify {
	struct archive	*a;
	int		(*fn)(void *, const struct archive_damage *,
			    struct err *);
	void		*arg;
	uint64_t	 damaged, unreadable, missing;
};

static int
tell(struct verify *v, const struct archive_damage *d, struct err *err)
{
	v->damaged++;
	return v->fn(v->arg, d, err);
}

static int
on_damage(void *arg, const struct archive_damage *d, struct err *err)
{
	return tell(arg, d, err);
}

/* ---- the two indexes ---- */

/* The smaller key, and which of them has it. */
static int
order(int more_a, struct span a, int more_b, struct span b)
{
	if (more_a == 1 && more_b == 1)
		return span_cmp(a, b);
	return more_a == 1 ? -1 : 1;
}

static int
differs(struct verify *v, enum table table, uint64_t *told, struct err *err)
{
	struct archive_damage d = { .segment = "index", .file = true };
	char what[128];

	(*told)++;
	if (*told > TOLD_MAX) {
		v->damaged++;
		return 0;
	}
	(void)snprintf(what, N(what),
	    "its table %s differs from what the segments say", index_table(table));
	d.what = what;
	return tell(v, &d, err);
}

/* Every row that is not of this machine alone is in both, and the same. */
static int
compare_table(struct verify *v, struct index_txn *a, struct index_txn *b,
    enum table table, struct err *err)
{
	struct index_walk wa = { NULL }, wb = { NULL };
	struct span ka, va, kb, vb;
	uint64_t told = 0;
	int ma, mb, rc = 0, cmp;

	ma = index_seek(a, table, &wa, SPAN_NONE, &ka, &va, err);
	mb = index_seek(b, table, &wb, SPAN_NONE, &kb, &vb, err);
	while (rc == 0 && ma != -1 && mb != -1 && (ma == 1 || mb == 1)) {
		cmp = order(ma, ka, mb, kb);
		if ((cmp != 0 || !span_eq(va, vb)) &&
		    !(table == TABLE_META && indexmeta_is_local(cmp > 0 ? kb : ka)))
			rc = differs(v, table, &told, err);
		if (cmp <= 0)
			ma = index_next(&wa, &ka, &va, err);
		if (cmp >= 0)
			mb = index_next(&wb, &kb, &vb, err);
	}
	index_walk_end(&wa);
	index_walk_end(&wb);
	return ma == -1 || mb == -1 ? -1 : rc;
}

static int
compare_indexes(struct verify *v, struct index *fresh, struct err *err)
{
	struct index_txn a, b;
	size_t i;
	int rc = 0;

	if (index_read(v->a->index, &a, err) == -1)
		return -1;
	if (index_read(fresh, &b, err) == -1) {
		index_end(&a);
		return -1;
	}
	for (i = 0; rc == 0 && i < TABLES; i++)
		rc = compare_table(v, &a, &b, (enum table)i, err);
	index_end(&b);
	index_end(&a);
	return rc;
}

/* ---- what damage means ---- */

/*
 * Name each item of the index whose octets the segments do not give any
 * more: those of damaged frames, and the ones that link to them.
 */
static int
name_item(struct verify *v, struct index_txn *mine, struct index_txn *fresh,
    const struct row_item *row, struct err *err)
{
	struct archive_damage d = {
		.what = "its octets cannot be read", .ref = row->item.ref,
	};
	struct row_mailbox home;
	struct row_blob blob = { .segment = 0 };
	char name[64];
	int rc;

	if ((rc = lookup_blob(fresh, &row->ident.digest, &blob, err)) != 0)
		return rc == 1 ? 0 : -1;
	if (lookup_blob(mine, &row->ident.digest, &blob, err) == -1 ||
	    (rc = lookup_mailbox(mine, row->home, &home, err)) == -1)
		return -1;
	(void)snprintf(name, N(name), "%08llu.tar.zst",
	    (unsigned long long)blob.segment);
	v->unreadable++;
	d.segment = name;
	d.frame = blob.frame;
	if (rc == 1)
		d.mailbox = home.m.name;
	return tell(v, &d, err);
}

static int
name_items(struct verify *v, struct index *fresh, struct err *err)
{
	struct index_walk walk = { NULL };
	struct index_txn a, b;
	struct row_item row;
	struct span key, val;
	int rc;

	if (index_read(v->a->index, &a, err) == -1)
		return -1;
	if (index_read(fresh, &b, err) == -1) {
		index_end(&a);
		return -1;
	}
	rc = index_seek(&a, TABLE_ITEMS, &walk, SPAN_NONE, &key, &val, err);
	while (rc == 1) {
		if (!row_get_item(val, &row))
			rc = index_bad(TABLE_ITEMS, err);
		else if (name_item(v, &a, &b, &row, err) == -1)
			rc = -1;
		else
			rc = index_next(&walk, &key, &val, err);
	}
	index_walk_end(&walk);
	index_end(&b);
	index_end(&a);
	return rc;
}

/* Items that segments say they had, and that nothing more is known of. */
static int
count_lost(struct index *fresh, uint64_t *lost, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_segment row;
	struct index_txn t;
	struct span key, val;
	int rc;

	*lost = 0;
	if (index_read(fresh, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_SEGMENTS, &walk, SPAN_NONE, &key, &val, err);
	while (rc == 1) {
		if (!row_get_segment(val, &row))
			rc = index_bad(TABLE_SEGMENTS, err);
		else
			rc = index_next(&walk, &key, &val, err);
		*lost += row.damage.lost;
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

/* ---- the list of segments ---- */

/*
 * Segments that SHA256SUMS lists and that are missing, and, where no writer may be about
 * to make it, a list that is missing.
 */
static int
check_list(struct verify *v, bool alone, struct err *err)
{
	struct archive_damage d = {
		.segment = "SHA256SUMS", .file = true, .what = "is missing",
	};
	struct segment_files files = { .v = NULL };
	uint64_t highest, n, told;
	bool there, sealed;
	char name[64];

	if (layout_sums(v->a->dir, &there, &highest, err) == -1 ||
	    layout_list(v->a->dir, &files, err) == -1)
		return -1;
	n = files.n;
	v->missing = highest > n ? highest - n : 0;
	sealed = n > 0 && !files.v[0].part;
	segment_files_fini(&files);
	if (alone && sealed && !there && tell(v, &d, err) == -1)
		return -1;
	if (highest <= n)
		return 0;
	d.segment = name;
	d.what = "is missing, but SHA256SUMS lists it";
	for (told = 0; n < highest && told < TOLD_MAX; told++) {
		(void)snprintf(name, N(name), "%08llu.tar.zst",
		    (unsigned long long)++n);
		if (tell(v, &d, err) == -1)
			return -1;
	}
	v->damaged += highest - n;
	return 0;
}

/* ---- the whole ---- */

/*
 * Alone with the archive, and the index up to date with a .part that no
 * writer has recovered yet.  1; 0: a writer is at work, so that the two indexes need not
 * agree; -1.
 */
static int
settle(struct archive *a, int *lock, struct err *err)
{
	struct catchup c = { .dir = a->dir, .index = a->index };
	struct segment_files files = { .v = NULL };
	int rc;

	if (a->private != NULL || access(a->dir, W_OK) == -1)
		return 1;
	if (a->lock == -1 && (rc = layout_lock(a->dir, lock, err)) != 1)
		return rc;
	if (atomic_load(&a->writing))
		return 0;
	if (layout_list(a->dir, &files, err) == -1)
		return -1;
	rc = catchup_run(&c, &files, true, err);
	segment_files_fini(&files);
	return rc == -1 ? -1 : 1;
}

int
archive_verify(struct archive *a,
    int (*fn)(void *, const struct archive_damage *, struct err *), void *arg,
    struct archive_verify *found, struct err *err)
{
	const struct index_config config = { .alone = true };
	struct verify v = { .a = a, .fn = fn, .arg = arg };
	struct catchup c = { .dir = a->dir, .damage = on_damage, .arg = &v };
	struct index *fresh = NULL;
	char *path = NULL;
	int lock = -1, alone, rc = -1;

	if ((alone = settle(a, &lock, err)) == -1 ||
	    (path = layout_temp_index(err)) == NULL)
		goto out;
	if (repair_build(&c, path, err) == -1 ||
	    (fresh = index_open(path, &config, err)) == NULL)
		goto out;
	if (v.damaged > 0)
		rc = name_items(&v, fresh, err);
	else
		rc = alone == 1 ? compare_indexes(&v, fresh, err) : 0;
	if (rc == 0)
		rc = check_list(&v, alone == 1, err);
	*found = c.seen;
	found->damaged = v.damaged;
	found->unreadable = v.unreadable;
	found->missing = v.missing;
	if (rc == 0)
		rc = count_lost(fresh, &found->lost, err);
out:
	index_close(fresh);
	if (path != NULL)
		(void)layout_remove_index(path, NULL);
	(void)io_close(&lock, a->dir, NULL);
	free(path);
	return rc;
}
