/* SPDX-License-Identifier: ISC */
/* Opening and closing an archive. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/archive/layout.h"
#include "formats/archive/local.h"
#include "formats/archive/repair.h"

/* How long a reader waits for a writer that builds the index. */
#define LOCK_TRIES	50
#define LOCK_PAUSE	INT64_C(100000000)	/* ns */

#define TARGET_MAX	128		/* octets of a receipt's name */

bool
archive_is(const char *dir)
{
	return layout_is(dir);
}

/* ---- the lock ---- */

static int
locked(const struct archive *a, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_LOCKED,
	    "%s: another command is writing to it", a->dir);
}

static void
unlock(struct archive *a)
{
	(void)io_close(&a->lock, a->dir, NULL);
}

/* 1, 0: another has it; a writer's handle has it already. */
static int
try_lock(struct archive *a, struct err *err)
{
	return a->lock != -1 ? 1 : layout_lock(a->dir, &a->lock, err);
}

/* ---- the index ---- */

/* On such a medium nobody writes beside us, and LMDB needs no locks. */
static bool
is_readonly(const char *dir)
{
	struct statvfs st;

	return statvfs(dir, &st) == 0 && (st.f_flag & ST_RDONLY) != 0;
}

static int
open_index(struct archive *a, const char **why, struct err *err)
{
	char *path = layout_index(a->dir);
	int rc;

	if (path == NULL)
		return err_nomem(err);
	rc = repair_open(a->dir, path, is_readonly(a->dir), buf_span(&a->id),
	    &a->index, why, err);
	free(path);
	return rc;
}

/* An index of our own, where the archive's directory cannot be written. */
static int
open_private(struct archive *a, struct err *err)
{
	const struct index_config config = { .alone = true };
	struct catchup c = { .dir = a->dir, .report = a->config.report };

	if ((a->private = layout_temp_index(err)) == NULL ||
	    repair_build(&c, a->private, err) == -1)
		return -1;
	a->index = index_open(a->private, &config, err);
	return a->index == NULL ? -1 : 0;
}

/* Worth a word only where there is something to be indexed. */
static void
note_rebuild(const struct archive *a, const char *why)
{
	struct segment_files files;

	if (layout_list(a->dir, &files, NULL) == 0 && files.n > 0)
		report_note(a->config.report, "%s: the index is built anew: %s",
		    a->dir, why);
	segment_files_fini(&files);
}

/* Build it anew and open it.  1; 0: another command holds the lock; -1. */
static int
rebuild(struct archive *a, const char *why, struct err *err)
{
	int rc;

	if ((rc = try_lock(a, err)) != 1)
		return rc;
	/* Perhaps somebody did it while we waited. */
	if ((rc = open_index(a, &why, err)) == 0) {
		note_rebuild(a, why);
		rc = repair_rebuild(a->dir, a->config.report, err);
		if (rc == 0)
			rc = open_index(a, &why, err);
		if (rc == 0)
			rc = err_set(err, ERR_RUN, STATUS_BUG,
			    "%s: the new index cannot be used: %s", a->dir, why);
	}
	if (a->mode == ARCHIVE_READ)
		unlock(a);
	return rc;
}

static int
rebuild_wait(struct archive *a, const char *why, struct err *err)
{
	int tries, rc;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if ((rc = rebuild(a, why, err)) != 0)
			return rc == 1 ? 0 : -1;
		sys_sleep(a->config.sys, LOCK_PAUSE);
	}
	return locked(a, err);
}

/* Index segments that are new, unless a writer is at work. */
static int
catch_up(struct archive *a, struct err *err)
{
	struct catchup c = {
		.dir = a->dir, .index = a->index, .report = a->config.report,
	};
	struct segment_files files = { .v = NULL };
	int rc;

	if (layout_list(a->dir, &files, err) == -1)
		return -1;
	rc = repair_needed(a->index, &files, err);
	if (rc == 1 && (rc = try_lock(a, err)) == 1) {
		/* Listed again under the lock: a writer may just have ended. */
		segment_files_fini(&files);
		rc = layout_list(a->dir, &files, err);
		if (rc == 0)
			rc = catchup_run(&c, &files, true, err);
		unlock(a);
	}
	segment_files_fini(&files);
	return rc == -1 ? -1 : 0;
}

/*
 * A medium that nobody can write: the index that lies on it will do, if it
 * is complete.  It was made on another file system, most likely, so it is seldom
 * trusted.
 */
static int
open_readonly(struct archive *a, struct err *err)
{
	struct segment_files files = { .v = NULL };
	const char *why = NULL;
	int rc;

	if ((rc = open_index(a, &why, err)) == -1)
		return -1;
	if (rc == 1) {
		if (layout_list(a->dir, &files, err) == -1)
			return -1;
		rc = repair_needed(a->index, &files, err);
		segment_files_fini(&files);
		if (rc != 1)
			return rc;
		index_close(a->index);
		a->index = NULL;
	}
	return open_private(a, err);
}

static bool
is_refused(int sys)
{
	return sys == EACCES || sys == EPERM || sys == EROFS;
}

static int
open_reader(struct archive *a, struct err *err)
{
	const char *why = NULL;
	int rc;

	if (is_readonly(a->dir))
		return open_readonly(a, err);
	/* Without LMDB's lock file an index that is written cannot be read. */
	if (access(a->dir, W_OK) == -1)
		return open_private(a, err);
	rc = open_index(a, &why, err);
	if (rc == 0)
		rc = rebuild_wait(a, why, err);
	if (rc != -1)
		rc = catch_up(a, err);
	if (rc != -1 || !is_refused(err->sys))
		return rc == -1 ? -1 : 0;
	/* The directory is ours to write, but not all in it is. */
	err_clear(err);
	index_close(a->index);
	a->index = NULL;
	return open_private(a, err);
}

static int
open_writer(struct archive *a, struct err *err)
{
	const int64_t now = sys_now(a->config.sys) / 1000000000;
	const char *why = NULL;
	int rc;

	if ((rc = try_lock(a, err)) != 1)
		return rc == 0 ? locked(a, err) : -1;
	if ((rc = open_index(a, &why, err)) == -1 ||
	    (rc == 0 && rebuild(a, why, err) == -1))
		return -1;
	rc = repair_recover(a->dir, a->index, now, a->config.report, err);
	if (rc != 1)
		return rc;
	report_note(a->config.report,
	    "%s: the index is built anew: it holds what no segment does", a->dir);
	index_close(a->index);
	a->index = NULL;
	if (repair_rebuild(a->dir, a->config.report, err) == -1 ||
	    (rc = open_index(a, &why, err)) == -1)
		return -1;
	if (rc == 1)
		rc = repair_recover(a->dir, a->index, now, a->config.report, err);
	return rc == 0 ? 0 : rc == -1 ? -1 : err_set(err, ERR_RUN, STATUS_BUG,
	    "%s: the new index cannot be used", a->dir);
}

/* ---- what is lost ---- */

static void
note_damage(const struct archive *a, uint64_t number, const struct row_damage *d)
{
	report_note(a->config.report, "%s: segment %08llu is damaged: %llu %s cannot "
	    "be read, the first at %llu; %s%llu items are lost", a->dir,
	    (unsigned long long)number, (unsigned long long)d->places,
	    d->places == 1 ? "place" : "places", (unsigned long long)d->first,
	    d->unsure ? "at least " : "", (unsigned long long)d->lost);
}

static int
find_damage(struct archive *a, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_segment row;
	struct index_txn t;
	struct span key, v;
	int rc;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_SEGMENTS, &walk, SPAN_NONE, &key, &v, err);
	while (rc == 1) {
		if (!row_get_segment(v, &row)) {
			rc = index_bad(TABLE_SEGMENTS, err);
			break;
		}
		if (row.damage.places > 0) {
			a->hurt = true;
			note_damage(a, ikey_get64(key, 0), &row.damage);
		}
		rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

/*
 * Segments behind the last one that SHA256SUMS lists.  To write would give
 * one of their numbers to another.
 */
static int
find_missing(struct archive *a, struct err *err)
{
	struct segment_files files = { .v = NULL };
	uint64_t highest, n;
	bool there;

	if (layout_sums(a->dir, &there, &highest, err) == -1 ||
	    layout_list(a->dir, &files, err) == -1)
		return -1;
	n = files.n;
	segment_files_fini(&files);
	if (highest <= n)
		return 0;
	if (a->mode == ARCHIVE_WRITE)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s/segments/%08llu.tar.zst: the segment is missing, but "
		    "SHA256SUMS lists it: put it back, or take its line out",
		    a->dir, (unsigned long long)n + 1);
	a->hurt = true;
	report_note(a->config.report, "%s: SHA256SUMS lists %llu segments that are "
	    "missing, from %08llu on", a->dir, (unsigned long long)(highest - n),
	    (unsigned long long)n + 1);
	return 0;
}

/* ---- open and close ---- */

static int
check_dir(const char *dir, struct err *err)
{
	struct stat st;

	if (layout_is(dir))
		return 0;
	if (stat(dir, &st) == -1)
		return err_sys(err, ERR_RUN,
		    errno == ENOENT ? STATUS_NOINPUT : STATUS_IO, "%s", dir);
	return err_set(err, ERR_RUN, STATUS_DATA, "%s: is no archive", dir);
}

static struct archive *
archive_new(const char *dir, enum archive_mode mode,
    const struct archive_config *c, struct err *err)
{
	struct archive *a = calloc(1, sizeof(*a));

	if (a == NULL || pthread_mutex_init(&a->names, NULL) != 0) {
		free(a);
		(void)err_nomem(err);
		return NULL;
	}
	a->mode = mode;
	a->config = *c;
	a->lock = -1;
	a->dir = span_dup(span_str(dir));
	a->program = span_dup(c->program != NULL ? span_str(c->program) :
	    SPAN("mx"));
	if (c->maker != NULL)
		a->made_by = span_dup(span_str(c->maker));
	if (a->dir == NULL || a->program == NULL ||
	    (c->maker != NULL && a->made_by == NULL)) {
		(void)err_nomem(err);
		archive_close(a);
		return NULL;
	}
	return a;
}

struct archive *
archive_open(const char *dir, enum archive_mode mode,
    const struct archive_config *config, struct err *err)
{
	struct archive *a;
	int rc;

	if ((a = archive_new(dir, mode, config, err)) == NULL)
		return NULL;
	if (mode == ARCHIVE_WRITE)
		rc = layout_create(dir, err);
	else
		rc = check_dir(dir, err);
	if (rc == 0 && catchup_id(dir, &a->id, &a->origin, err) == -1)
		rc = -1;
	if (rc == 0)
		rc = find_missing(a, err);
	if (rc == 0)
		rc = mode == ARCHIVE_WRITE ? open_writer(a, err) :
		    open_reader(a, err);
	if (rc == 0)
		rc = find_damage(a, err);
	if (rc == 0) {
		/* Read from the file so far: what counts is in the index. */
		buf_clear(&a->id);
		buf_clear(&a->origin);
		rc = lookup_names(a, err);
	}
	if (rc == -1) {
		archive_close(a);
		return NULL;
	}
	return a;
}

void
archive_close(struct archive *a)
{
	if (a == NULL)
		return;
	index_close(a->index);
	if (a->private != NULL)
		(void)layout_remove_index(a->private, NULL);
	unlock(a);
	free(a->private);
	(void)pthread_mutex_destroy(&a->names);
	buf_fini(&a->id);
	buf_fini(&a->origin);
	buf_fini(&a->maker);
	free(a->made_by);
	free(a->program);
	free(a->dir);
	free(a);
}

int
archive_rebuild(const char *dir, const struct archive_config *config,
    struct err *err)
{
	int lock = -1, rc;

	if (check_dir(dir, err) == -1)
		return -1;
	if ((rc = layout_lock(dir, &lock, err)) == 1)
		rc = repair_rebuild(dir, config->report, err);
	else if (rc == 0)
		rc = err_set(err, ERR_RUN, STATUS_LOCKED,
		    "%s: another command is writing to it", dir);
	(void)io_close(&lock, dir, NULL);
	return rc;
}

char *
archive_receipt_path(struct archive *a, const char *target, struct err *err)
{
	char *dir = io_path(a->dir, "receipts"), *path = NULL;
	struct buf name = BUF_INIT;

	if (dir == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	buf_put(&name, span_head(span_str(target), TARGET_MAX));
	buf_str(&name, ".jsonl");
	if (io_mkdir(dir, err) == 0 && io_sync_dir(a->dir, err) == 0) {
		path = buf_ok(&name) ? io_path(dir, buf_cstr(&name)) : NULL;
		if (path == NULL)
			(void)err_nomem(err);
	}
	buf_fini(&name);
	free(dir);
	return path;
}
