/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_INDEXMETA_H
#define ARCHIVE_INDEXMETA_H

#include "formats/archive/index.h"
#include "formats/archive/row.h"

/*
 * The table `meta`: what index this is, and the numbers to give next.
 */

#define INDEX_VERSION	2

enum meta {
	META_VERSION,
	META_ARCHIVE,		/* id of the archive; absent before its first segment */
	META_ORIGIN,
	META_MAKER,
	META_MACHINE,		/* SHA-256 of the machine's id */
	META_FILE,		/* device and inode of the index */
	META_STATE,		/* struct row_state */
	METAS
};

struct span	indexmeta_key(enum meta);

/* Whether a key is of this machine alone, and so never compared. */
bool		indexmeta_is_local(struct span key);

int		indexmeta_get(struct index_txn *, enum meta, struct span *, struct err *);
int		indexmeta_put(struct index_txn *, enum meta, struct span, struct err *);

/* A new index: version, machine and file. */
int		indexmeta_begin(struct index *, struct err *);

/*
 * 1: it was made here, in this version, and is not known to be of another archive
 * than `id` (none: not known); 0: it is not to be trusted, and *why says so; -1.
 */
int		indexmeta_trusted(struct index *, struct span id, const char **why,
		    struct err *);

int		indexmeta_state(struct index_txn *, struct row_state *, struct err *);
int		indexmeta_state_put(struct index_txn *, const struct row_state *,
		    struct err *);

#endif
