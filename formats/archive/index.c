/* SPDX-License-Identifier: ISC */
/* The only file that knows LMDB. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/io.h"
#include "formats/archive/index.h"

#define MAP_MIN		((size_t)1 << 30)	/* address space, not memory */
#define MAP_SMALL	((size_t)64 << 20)	/* where that cannot be had */
#define READERS_MAX	512
#define LOCK_OCTETS	((off_t)64 << 10)	/* more than so many readers take */

static const char *const names[TABLES] = {
	[TABLE_META]		= "meta",
	[TABLE_SEGMENTS]	= "segments",
	[TABLE_BLOBS]		= "blobs",
	[TABLE_MAILBOXES]	= "mailboxes",
	[TABLE_NAMES]		= "names",
	[TABLE_SOURCES]		= "sources",
	[TABLE_ITEMS]		= "items",
	[TABLE_PLACES]		= "places",
	[TABLE_KEYS]		= "keys",
	[TABLE_GENERATIONS]	= "generations",
	[TABLE_CHANGES]		= "changes",
};

struct index {
	struct index		*next;		/* of those open in this process */
	unsigned		 users;
	dev_t			 dev;
	ino_t			 ino;
	char			*file;		/* its path, for messages */
	MDB_env			*env;
	MDB_dbi			 dbi[TABLES];
	pthread_rwlock_t	 map;		/* write: no transaction is open */
	bool			 full;		/* the last put found no room */
};

/* LMDB keeps its locks by process and file: see index.h. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct index *open_list;

const char *
index_table(enum table t)
{
	return names[t];
}

/* ---- errors ---- */

static bool
is_damage(int rc)
{
	return rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ||
	    rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH ||
	    rc == MDB_PANIC || rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE;
}

static int
failed(const char *file, const char *what, int rc, struct err *err)
{
	if (rc == ENOMEM)
		return err_nomem(err);
	if (is_damage(rc))
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: the index is damaged: %s: %s", file, what,
		    mdb_strerror(rc));
	if (rc > 0) {
		errno = rc;
		return err_sys(err, ERR_RUN, STATUS_IO, "%s: %s", file, what);
	}
	return err_set(err, ERR_RUN, STATUS_IO, "%s: %s: %s", file, what,
	    mdb_strerror(rc));
}

int
index_bad(enum table t, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_DATA,
	    "the index is damaged: a value of its table %s cannot be read",
	    names[t]);
}

/* ---- opening ---- */

static MDB_val
val_of(struct span s)
{
	union { const unsigned char *in; void *out; } u = { .in = s.p };

	return (MDB_val){ s.n, u.out };
}

static struct span
span_val(const MDB_val *v)
{
	return span_of(v->mv_data, v->mv_size);
}

static unsigned
env_flags(const struct index_config *c)
{
	return MDB_NOTLS | (c->nosync ? MDB_NOSYNC : 0u) |
	    (c->readonly ? MDB_RDONLY : 0u) |
	    (c->readonly || c->alone ? MDB_NOLOCK : 0u);
}

/* One attempt with a map of that many octets. */
static int
env_try(struct index *ix, const char *dir, const struct index_config *c,
    size_t map)
{
	int rc;

	if ((rc = mdb_env_create(&ix->env)) != 0)
		return rc;
	if ((rc = mdb_env_set_maxdbs(ix->env, TABLES)) == 0 &&
	    (rc = mdb_env_set_maxreaders(ix->env, READERS_MAX)) == 0 &&
	    (rc = mdb_env_set_mapsize(ix->env, map)) == 0 &&
	    (rc = mdb_env_open(ix->env, dir, env_flags(c), 0600)) == 0)
		return 0;
	mdb_env_close(ix->env);
	ix->env = NULL;
	return rc;
}

/*
 * LMDB maps its lock file and makes it without blocks: on a full disk a touch of
 * it would end the process (SIGBUS).  Nobody here has it open, so that closing it
 * loses no lock of LMDB's.
 */
static int
lock_prepare(const char *dir, struct err *err)
{
	char *path = io_path(dir, "lock.mdb");
	struct stat st;
	int fd = -1, rc = -1;

	if (path == NULL)
		return err_nomem(err);
	if (io_create(path, O_CREAT | O_RDWR, &fd, err) == -1)
		goto out;
	if (fstat(fd, &st) == -1)
		rc = err_sys(err, ERR_RUN, STATUS_IO, "%s", path);
	else if (st.st_size >= LOCK_OCTETS && st.st_blocks >= st.st_size / 512)
		rc = 0;
	else
		rc = io_allocate(fd, st.st_size > LOCK_OCTETS ? st.st_size :
		    LOCK_OCTETS, path, err);
	(void)io_close(&fd, path, NULL);
out:
	free(path);
	return rc;
}

/* A map of twice the file, so that it seldom grows. */
static int
env_open(struct index *ix, const char *dir, const struct index_config *c,
    struct err *err)
{
	struct stat st;
	size_t map = c->map > 0 ? c->map : MAP_MIN;
	int rc;

	if (c->map == 0 && stat(ix->file, &st) == 0 &&
	    (uint64_t)st.st_size > MAP_MIN / 2 &&
	    (uint64_t)st.st_size < SIZE_MAX / 4)
		map = (size_t)st.st_size * 2;
	rc = env_try(ix, dir, c, map);
	if (rc == ENOMEM && c->map == 0)
		rc = env_try(ix, dir, c, MAP_SMALL);
	return rc == 0 ? 0 : failed(ix->file, "opening it", rc, err);
}

static int
env_stat(const struct index *ix, struct stat *st, struct err *err)
{
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(ix->env, &fd) != 0 || fstat(fd, st) == -1)
		return err_sys(err, ERR_RUN, STATUS_IO, "%s", ix->file);
	return 0;
}

/* Octets up to the end of its last page. */
static uint64_t
env_end(const struct index *ix)
{
	MDB_envinfo info;
	MDB_stat stat;

	(void)mdb_env_info(ix->env, &info);
	(void)mdb_env_stat(ix->env, &stat);
	return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

/*
 * A page beyond the end of the file would end the process when it is
 * touched (SIGBUS): such an index is not touched.
 */
static int
env_check(struct index *ix, struct err *err)
{
	struct stat st;

	if (env_stat(ix, &st, err) == -1)
		return -1;
	ix->dev = st.st_dev;
	ix->ino = st.st_ino;
	if ((uint64_t)st.st_size < env_end(ix))
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: the index is cut short: %lld octets of %llu", ix->file,
		    (long long)st.st_size, (unsigned long long)env_end(ix));
	return 0;
}

static int
tables_open(struct index *ix, bool create, struct err *err)
{
	MDB_txn *txn = NULL;
	size_t i;
	int rc;

	rc = mdb_txn_begin(ix->env, NULL, create ? 0 : MDB_RDONLY, &txn);
	for (i = 0; rc == 0 && i < TABLES; i++)
		rc = mdb_dbi_open(txn, names[i], create ? MDB_CREATE : 0,
		    &ix->dbi[i]);
	if (rc == 0) {
		if (create && io_point("index commit", err) == -1) {
			mdb_txn_abort(txn);
			return -1;
		}
		rc = mdb_txn_commit(txn);
	} else {
		mdb_txn_abort(txn);
	}
	return rc == 0 ? 0 : failed(ix->file, "opening its tables", rc, err);
}

static void
index_free(struct index *ix)
{
	if (ix == NULL)
		return;
	if (ix->env != NULL)
		mdb_env_close(ix->env);
	(void)pthread_rwlock_destroy(&ix->map);
	free(ix->file);
	free(ix);
}

static struct index *
index_new(const char *dir, const struct index_config *c, struct err *err)
{
	struct index *ix;
	int dead;

	if ((ix = calloc(1, sizeof(*ix))) == NULL)
		goto nomem;
	ix->users = 1;
	if (pthread_rwlock_init(&ix->map, NULL) != 0) {
		free(ix);
		goto nomem;
	}
	if ((ix->file = io_path(dir, "data.mdb")) == NULL) {
		index_free(ix);
		goto nomem;
	}
	if ((c->create && io_mkdir(dir, err) == -1) ||
	    (!c->readonly && !c->alone && lock_prepare(dir, err) == -1) ||
	    env_open(ix, dir, c, err) == -1 || env_check(ix, err) == -1 ||
	    tables_open(ix, c->create, err) == -1) {
		index_free(ix);
		return NULL;
	}
	if (!c->readonly && !c->alone)
		(void)mdb_reader_check(ix->env, &dead);
	return ix;
nomem:
	(void)err_nomem(err);
	return NULL;
}

/* One that this process has open already. */
static struct index *
find_open(const char *dir)
{
	struct index *ix = NULL;
	char *file = io_path(dir, "data.mdb");
	struct stat st;

	if (file != NULL && stat(file, &st) == 0)
		for (ix = open_list; ix != NULL; ix = ix->next)
			if (ix->dev == st.st_dev && ix->ino == st.st_ino)
				break;
	free(file);
	return ix;
}

struct index *
index_open(const char *dir, const struct index_config *c, struct err *err)
{
	struct index *ix;

	(void)pthread_mutex_lock(&open_lock);
	if ((ix = find_open(dir)) != NULL) {
		ix->users++;
	} else if ((ix = index_new(dir, c, err)) != NULL) {
		ix->next = open_list;
		open_list = ix;
	}
	(void)pthread_mutex_unlock(&open_lock);
	return ix;
}

void
index_close(struct index *ix)
{
	struct index **at;

	if (ix == NULL)
		return;
	(void)pthread_mutex_lock(&open_lock);
	if (--ix->users == 0) {
		for (at = &open_list; *at != NULL && *at != ix;)
			at = &(*at)->next;
		if (*at != NULL)
			*at = ix->next;
		index_free(ix);
	}
	(void)pthread_mutex_unlock(&open_lock);
}

int
index_file(const struct index *ix, uint64_t *dev, uint64_t *ino, struct err *err)
{
	struct stat st;

	if (env_stat(ix, &st, err) == -1)
		return -1;
	*dev = (uint64_t)st.st_dev;
	*ino = (uint64_t)st.st_ino;
	return 0;
}

int
index_sync(struct index *ix, struct err *err)
{
	int rc;

	if (io_point("index sync", err) == -1)
		return -1;
	rc = mdb_env_sync(ix->env, 1);
	return rc == 0 ? 0 : failed(ix->file, "syncing it", rc, err);
}

/* ---- transactions ---- */

/* Alone in the process: take the size that another one has set, or grow. */
static int
remap(struct index *ix, bool grow, struct err *err)
{
	MDB_envinfo info;
	size_t size = 0;
	int rc;

	(void)pthread_rwlock_wrlock(&ix->map);
	(void)mdb_env_info(ix->env, &info);
	if (grow && info.me_mapsize <= SIZE_MAX / 2)
		size = info.me_mapsize * 2;
	rc = mdb_env_set_mapsize(ix->env, size);
	(void)pthread_rwlock_unlock(&ix->map);
	return rc == 0 ? 0 : failed(ix->file, "growing its map", rc, err);
}

static int
begin(struct index *ix, unsigned flags, struct index_txn *t, struct err *err)
{
	int rc;

	t->index = ix;
	t->txn = NULL;
	for (;;) {
		(void)pthread_rwlock_rdlock(&ix->map);
		rc = mdb_txn_begin(ix->env, NULL, flags, &t->txn);
		if (rc == 0)
			return 0;
		(void)pthread_rwlock_unlock(&ix->map);
		t->txn = NULL;
		if (rc != MDB_MAP_RESIZED)
			return failed(ix->file, "beginning to read it", rc, err);
		if (remap(ix, false, err) == -1)
			return -1;
	}
}

int
index_read(struct index *ix, struct index_txn *t, struct err *err)
{
	return begin(ix, MDB_RDONLY, t, err);
}

void
index_end(struct index_txn *t)
{
	if (t->txn == NULL)
		return;
	mdb_txn_abort(t->txn);
	t->txn = NULL;
	(void)pthread_rwlock_unlock(&t->index->map);
}

/*
 * LMDB does not write the pages that a transaction took and gave back, so
 * the file may end before its last page; env_check() of the next one to open
 * it must not take that for a cut.
 */
static int
pad(struct index *ix, struct err *err)
{
	const uint64_t end = env_end(ix);
	struct stat st;
	mdb_filehandle_t fd;

	if (env_stat(ix, &st, err) == -1)
		return -1;
	if ((uint64_t)st.st_size >= end || mdb_env_get_fd(ix->env, &fd) != 0)
		return 0;
	return io_truncate(fd, (off_t)end, ix->file, err);
}

/* Run it once.  1: the map is too small. */
static int
write_once(struct index *ix, index_fn *fn, void *arg, struct err *err)
{
	struct index_txn t;
	int rc;

	if (begin(ix, 0, &t, err) == -1)
		return -1;
	ix->full = false;
	if (fn(&t, arg, err) == -1 || io_point("index commit", err) == -1) {
		rc = ix->full ? 1 : -1;
		index_end(&t);
		return rc;
	}
	rc = mdb_txn_commit(t.txn);
	t.txn = NULL;
	if (rc == 0 && pad(ix, err) == -1) {
		(void)pthread_rwlock_unlock(&ix->map);
		return -1;
	}
	(void)pthread_rwlock_unlock(&ix->map);
	if (rc == MDB_MAP_FULL)
		return 1;
	return rc == 0 ? 0 : failed(ix->file, "committing", rc, err);
}

int
index_write(struct index *ix, index_fn *fn, void *arg, struct err *err)
{
	int rc;

	while ((rc = write_once(ix, fn, arg, err)) == 1) {
		err_clear(err);
		if (remap(ix, true, err) == -1)
			return -1;
	}
	return rc;
}

/* ---- values ---- */

int
index_get(struct index_txn *t, enum table table, struct span key,
    struct span *value, struct err *err)
{
	MDB_val k = val_of(key), v;
	const int rc = mdb_get(t->txn, t->index->dbi[table], &k, &v);

	*value = SPAN_NONE;
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return failed(t->index->file, names[table], rc, err);
	*value = span_val(&v);
	return 1;
}

int
index_put(struct index_txn *t, enum table table, struct span key,
    struct span value, struct err *err)
{
	MDB_val k = val_of(key), v = val_of(value);
	const int rc = mdb_put(t->txn, t->index->dbi[table], &k, &v, 0);

	if (rc == MDB_MAP_FULL)
		t->index->full = true;
	return rc == 0 ? 0 : failed(t->index->file, names[table], rc, err);
}

int
index_del(struct index_txn *t, enum table table, struct span key,
    struct err *err)
{
	MDB_val k = val_of(key);
	const int rc = mdb_del(t->txn, t->index->dbi[table], &k, NULL);

	if (rc == MDB_MAP_FULL)
		t->index->full = true;
	return rc == 0 || rc == MDB_NOTFOUND ? 0 :
	    failed(t->index->file, names[table], rc, err);
}

int
index_count(struct index_txn *t, enum table table, uint64_t *n, struct err *err)
{
	MDB_stat stat;
	const int rc = mdb_stat(t->txn, t->index->dbi[table], &stat);

	if (rc != 0)
		return failed(t->index->file, names[table], rc, err);
	*n = stat.ms_entries;
	return 0;
}

/* ---- walks ---- */

static int
step(struct index_walk *w, MDB_cursor_op op, MDB_val *k, struct span *key,
    struct span *value, struct err *err)
{
	MDB_val v;
	const int rc = mdb_cursor_get(w->cursor, k, &v, op);

	*key = *value = SPAN_NONE;
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return failed("the index", "walking it", rc, err);
	*key = span_val(k);
	*value = span_val(&v);
	return 1;
}

static int
walk_open(struct index_txn *t, enum table table, struct index_walk *w,
    struct err *err)
{
	int rc;

	if (w->cursor != NULL)
		return 0;
	rc = mdb_cursor_open(t->txn, t->index->dbi[table], &w->cursor);
	return rc == 0 ? 0 : failed(t->index->file, names[table], rc, err);
}

int
index_seek(struct index_txn *t, enum table table, struct index_walk *w,
    struct span from, struct span *key, struct span *value, struct err *err)
{
	MDB_val k = val_of(from);

	if (walk_open(t, table, w, err) == -1)
		return -1;
	return step(w, from.n > 0 ? MDB_SET_RANGE : MDB_FIRST, &k, key, value,
	    err);
}

int
index_next(struct index_walk *w, struct span *key, struct span *value,
    struct err *err)
{
	MDB_val k;

	return step(w, MDB_NEXT, &k, key, value, err);
}

int
index_prev(struct index_walk *w, struct span *key, struct span *value,
    struct err *err)
{
	MDB_val k;

	return step(w, MDB_PREV, &k, key, value, err);
}

int
index_last(struct index_txn *t, enum table table, struct index_walk *w,
    struct span *key, struct span *value, struct err *err)
{
	MDB_val k;

	if (walk_open(t, table, w, err) == -1)
		return -1;
	return step(w, MDB_LAST, &k, key, value, err);
}

void
index_walk_end(struct index_walk *w)
{
	if (w->cursor != NULL)
		mdb_cursor_close(w->cursor);
	w->cursor = NULL;
}
