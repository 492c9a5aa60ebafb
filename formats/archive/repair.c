/* SPDX-License-Identifier: ISC */
/* Index and segments brought together; see the header. */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/archive/indexmeta.h"
#include "formats/archive/repair.h"
#include "formats/archive/row.h"
#include "formats/archive/seal.h"

/* ---- trust ---- */

/* Whether file and row are of one mind. */
static const char *
distrust(const struct row_segment *row, const struct segment_file *f)
{
	if (f->size < row->length)
		return "a segment is shorter than it knows";
	if (row->sealed && f->part)
		return "it knows a segment as sealed that is not";
	if (row->sealed && f->size != row->length)
		return "a sealed segment has grown";
	return NULL;
}

/*
 * Compare all rows with the files, which were listed after the snapshot was
 * taken: a writer at work may have added to them meanwhile.
 */
static int
check_segments(struct index_txn *t, const char *dir,
    const struct segment_files *files, const char **why, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_segment row;
	struct span key, v;
	uint64_t number;
	int more;

	more = index_seek(t, TABLE_SEGMENTS, &walk, SPAN_NONE, &key, &v, err);
	while (more == 1 && *why == NULL) {
		number = ikey_get64(key, 0);
		if (!row_get_segment(v, &row))
			more = index_bad(TABLE_SEGMENTS, err);
		else if (number == 0 || number > files->n)
			more = err_set(err, ERR_RUN, STATUS_DATA,
			    "%s/segments/%08llu.tar.zst: the segment is missing",
			    dir, (unsigned long long)number);
		else {
			*why = distrust(&row, &files->v[number - 1]);
			more = index_next(&walk, &key, &v, err);
		}
	}
	index_walk_end(&walk);
	return more == -1 ? -1 : *why == NULL;
}

static int
check(const char *dir, struct index *ix, struct span id, const char **why,
    struct err *err)
{
	struct segment_files files = { .v = NULL };
	struct index_txn t;
	int rc;

	if ((rc = indexmeta_trusted(ix, id, why, err)) != 1)
		return rc;
	if (index_read(ix, &t, err) == -1)
		return -1;
	rc = layout_list(dir, &files, err) == -1 ? -1 :
	    check_segments(&t, dir, &files, why, err);
	index_end(&t);
	segment_files_fini(&files);
	return rc;
}

int
repair_open(const char *dir, const char *path, bool readonly, struct span id,
    struct index **out, const char **why, struct err *err)
{
	const struct index_config config = { .readonly = readonly };
	char *data = io_path(path, "data.mdb");
	bool there;
	int rc;

	*out = NULL;
	*why = NULL;
	if (data == NULL)
		return err_nomem(err);
	there = access(data, F_OK) == 0;
	free(data);
	if (!there) {
		*why = "there is none";
		return 0;
	}
	if ((*out = index_open(path, &config, err)) == NULL) {
		if (err->status != STATUS_DATA)
			return -1;
		err_clear(err);
		*why = "it is damaged";
		return 0;
	}
	if ((rc = check(dir, *out, id, why, err)) == 1)
		return 1;
	index_close(*out);
	*out = NULL;
	return rc;
}

/* ---- building ---- */

int
repair_build(struct catchup *c, const char *path, struct err *err)
{
	const struct index_config config = {
		.create = true, .nosync = true, .alone = true,
	};
	struct segment_files files = { .v = NULL };
	struct index *ix = NULL;
	int rc = -1;

	if (layout_remove_index(path, err) == -1 ||
	    layout_list(c->dir, &files, err) == -1 ||
	    (ix = index_open(path, &config, err)) == NULL)
		goto out;
	c->index = ix;
	if (indexmeta_begin(ix, err) == 0 && catchup_run(c, &files, true, err) == 0)
		rc = index_sync(ix, err);
out:
	c->index = NULL;
	index_close(ix);
	segment_files_fini(&files);
	if (rc == -1)
		(void)layout_remove_index(path, NULL);
	return rc;
}

/*
 * index -> index.old, index.new -> index.  A crash between leaves no index:
 * the next one to open the archive builds it.
 */
static int
swap_in(const char *dir, const char *path, const char *fresh, const char *old,
    struct err *err)
{
	if (layout_remove_index(old, err) == -1)
		return -1;
	if (access(path, F_OK) == 0 && io_rename(path, old, err) == -1)
		return -1;
	if (io_rename(fresh, path, err) == -1 || io_sync_dir(dir, err) == -1)
		return -1;
	return layout_remove_index(old, err);
}

int
repair_rebuild(const char *dir, const struct report *report, struct err *err)
{
	struct catchup c = { .dir = dir, .report = report };
	char *path = layout_index(dir), *fresh = io_path(dir, "index.new");
	char *old = io_path(dir, "index.old");
	int rc = -1;

	if (path == NULL || fresh == NULL || old == NULL)
		(void)err_nomem(err);
	else if (repair_build(&c, fresh, err) == 0)
		rc = swap_in(dir, path, fresh, old, err);
	free(path);
	free(fresh);
	free(old);
	return rc;
}

/* ---- segments that came from elsewhere ---- */

int
repair_needed(struct index *ix, const struct segment_files *files,
    struct err *err)
{
	struct row_segment row;
	struct index_txn t;
	struct span v;
	size_t i;
	int rc = 1, needed = 0;

	if (index_read(ix, &t, err) == -1)
		return -1;
	for (i = 0; rc != -1 && needed == 0 && i < files->n; i++) {
		struct ikey key = { .n = 0 };

		ikey_u64(&key, files->v[i].number);
		rc = index_get(&t, TABLE_SEGMENTS, ikey_span(&key), &v, err);
		if (rc == 0)
			needed = 1;
		else if (rc == 1 && !row_get_segment(v, &row))
			rc = index_bad(TABLE_SEGMENTS, err);
		else if (rc == 1 && !row.sealed && !files->v[i].part)
			needed = 1;
	}
	index_end(&t);
	return rc == -1 ? -1 : needed;
}

/* ---- recovery ---- */

static int
cut_tail(const char *dir, const struct catchup_tail *tail, int64_t now,
    const struct report *report, struct err *err)
{
	char *kept = NULL;

	if (layout_lose(dir, tail->number, tail->good, now, &kept, err) == -1)
		return -1;
	report_note(report, "%s: the last run was killed: %llu octets behind its "
	    "last commit were moved to %s", dir,
	    (unsigned long long)(tail->size - tail->good), kept);
	free(kept);
	return 0;
}

static int
seal_tail(const char *dir, struct index *ix, const struct catchup_tail *tail,
    int64_t now, struct err *err)
{
	struct seal seal = {
		.dir = dir, .index = ix, .number = tail->number,
		.generation = tail->generation, .length = tail->good,
		.totals = tail->totals, .ended = tail->ended, .now = now,
	};
	char *path = layout_segment(dir, tail->number, true);
	struct digest sha;
	int fd = -1, rc = -1;

	if (path == NULL)
		return err_nomem(err);
	seal.totals.complete = false;
	seal.totals.reason = SPAN("interrupted");
	if (io_create(path, O_RDWR | O_APPEND, &fd, err) == 0)
		rc = seal_segment(&seal, fd, &sha, err);
	if (io_close(&fd, path, rc == 0 ? err : NULL) == -1)
		rc = -1;
	free(path);
	return rc;
}

/* A crash between sealing and its line left SHA256SUMS behind. */
static int
complete_sums(const char *dir, struct index *ix,
    const struct segment_files *files, struct err *err)
{
	struct row_segment row;
	struct index_txn t;
	struct digest known;
	struct span v;
	size_t i;
	int rc;

	for (i = 0; i < files->n; i++) {
		struct ikey key = { .n = 0 };

		if ((rc = layout_sum(dir, files->v[i].number, &known, err)) == -1)
			return -1;
		if (rc == 1)
			continue;
		ikey_u64(&key, files->v[i].number);
		if (index_read(ix, &t, err) == -1)
			return -1;
		rc = index_get(&t, TABLE_SEGMENTS, ikey_span(&key), &v, err);
		if (rc == 1 && !row_get_segment(v, &row))
			rc = index_bad(TABLE_SEGMENTS, err);
		index_end(&t);
		if (rc == -1 || (rc == 1 && row.sealed && layout_add_sum(dir,
		    files->v[i].number, &row.sha, err) == -1))
			return -1;
	}
	return 0;
}

int
repair_recover(const char *dir, struct index *ix, int64_t now,
    const struct report *report, struct err *err)
{
	struct catchup c = { .dir = dir, .index = ix, .report = report };
	struct segment_files files = { .v = NULL };
	const struct catchup_tail *tail = &c.tail;
	int rc = -1;

	if (layout_list(dir, &files, err) == -1)
		return -1;
	if (catchup_run(&c, &files, true, err) == -1)
		goto out;
	if (c.stale) {
		rc = 1;
		goto out;
	}
	if (tail->present && !tail->ended && tail->size > tail->good &&
	    cut_tail(dir, tail, now, report, err) == -1)
		goto out;
	if (tail->present && tail->good == 0 && tail->size == 0 &&
	    cut_tail(dir, tail, now, report, err) == -1)
		goto out;
	if (tail->present && tail->good > 0 &&
	    seal_tail(dir, ix, tail, now, err) == -1)
		goto out;
	rc = complete_sums(dir, ix, &files, err);
out:
	segment_files_fini(&files);
	return rc;
}
