/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_INDEX_H
#define ARCHIVE_INDEX_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * LMDB: an environment with the tables of mx-archive(5), transactions, and
 * walks in key order.  Knows nothing of what the values mean.
 *
 * LMDB forbids that a process opens a file twice: those who open the same one
 * share it.  A thread must not write while it reads: growing the map waits
 * for every transaction of the process to end.
 */

enum table {
	TABLE_META,
	TABLE_SEGMENTS,
	TABLE_BLOBS,
	TABLE_MAILBOXES,
	TABLE_NAMES,
	TABLE_SOURCES,
	TABLE_ITEMS,
	TABLE_PLACES,
	TABLE_KEYS,
	TABLE_GENERATIONS,
	TABLE_CHANGES,
	TABLES
};

const char	*index_table(enum table);	/* its name */

struct index;

struct index_config {
	bool	create;		/* make it, and its directory, where it is not there */
	bool	readonly;	/* on a medium that nobody can write: no locks */
	bool	alone;		/* only this process uses it: no locks */
	bool	nosync;		/* index_sync() when done */
	size_t	map;		/* octets of the map at first; 0: the default */
};

/*
 * NULL: STATUS_DATA where it is no index or shorter than its last page, and may be
 * built anew; STATUS_IO.
 */
struct index	*index_open(const char *dir, const struct index_config *,
		    struct err *);
void		 index_close(struct index *);

/* Device and inode of its file. */
int		 index_file(const struct index *, uint64_t *dev, uint64_t *ino,
		    struct err *);
int		 index_sync(struct index *, struct err *);

/* A transaction in the caller's storage. */
struct MDB_txn;
struct index_txn {
	struct index	*index;
	struct MDB_txn	*txn;		/* NULL: not open */
};

/* A snapshot; what was got from it is valid until index_end(), which may be repeated. */
int		 index_read(struct index *, struct index_txn *, struct err *);
void		 index_end(struct index_txn *);

/*
 * Run fn in a write transaction and commit it.  Where the map is full it is
 * grown and fn is called again, so fn changes nothing but the index.
 */
typedef int	index_fn(struct index_txn *, void *arg, struct err *);
int		 index_write(struct index *, index_fn *, void *arg, struct err *);

/* 1, 0: no such key, -1.  In a write transaction valid until the next put. */
int		 index_get(struct index_txn *, enum table, struct span key,
		    struct span *value, struct err *);
int		 index_put(struct index_txn *, enum table, struct span key,
		    struct span value, struct err *);
int		 index_del(struct index_txn *, enum table, struct span key,
		    struct err *);		/* absent is fine */
int		 index_count(struct index_txn *, enum table, uint64_t *, struct err *);

/*
 * Walks: each gives 1 with key and value, 0 when there is no more, -1.
 * Zeroed storage is a walk that was not begun; index_walk_end() before the
 * transaction ends.
 */
struct MDB_cursor;
struct index_walk {
	struct MDB_cursor *cursor;
};

/* The first key at or after `from`; none: the first of the table. */
int		 index_seek(struct index_txn *, enum table, struct index_walk *,
		    struct span from, struct span *key, struct span *value,
		    struct err *);
int		 index_next(struct index_walk *, struct span *key,
		    struct span *value, struct err *);
int		 index_prev(struct index_walk *, struct span *key,
		    struct span *value, struct err *);
int		 index_last(struct index_txn *, enum table, struct index_walk *,
		    struct span *key, struct span *value, struct err *);
void		 index_walk_end(struct index_walk *);

/* STATUS_DATA: a value that is none of its table's. */
int		 index_bad(enum table, struct err *);

#endif
