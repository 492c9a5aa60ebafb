/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_LOCAL_H
#define ARCHIVE_LOCAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "formats/archive/archive.h"
#include "formats/archive/index.h"
#include "formats/archive/row.h"

/* An open archive, for the files of this module alone. */
struct archive {
	char			*dir;
	enum archive_mode	 mode;
	struct archive_config	 config;
	char			*program;
	char			*made_by;	/* config's maker; or NULL */
	int			 lock;		/* -1: not held */
	struct index		*index;
	char			*private;	/* directory of an index of our
						   own, removed at the end */
	pthread_mutex_t		 names;		/* of the three below */
	struct buf		 id, origin, maker; /* once set, they stay */
	bool			 hurt;		/* a segment is damaged or missing */
	uint64_t		 roll;		/* a segment's octets; 0: the usual */
	atomic_bool		 writing;	/* a sink is open */
};

/* Take id, origin and maker from the index, which a sink may have set meanwhile. */
int	lookup_names(struct archive *, struct err *);

/* ---- rows by key, for readers: 1 found, 0, -1 ---- */

int	lookup_item(struct index_txn *, uint64_t number, struct row_item *,
	    struct err *);
int	lookup_blob(struct index_txn *, const struct digest *, struct row_blob *,
	    struct err *);
int	lookup_mailbox(struct index_txn *, uint32_t number, struct row_mailbox *,
	    struct err *);
int	lookup_name(struct index_txn *, struct span name, uint32_t *number,
	    struct err *);

/* The newest generation; 0: none. */
int	lookup_generation(struct index_txn *, uint64_t *number,
	    struct row_generation *, struct err *);

/*
 * What an item was after a generation: state and flags of *row become those.
 * 1; 0: it was not born; -1.
 */
int	lookup_at(struct index_txn *, uint64_t number, uint64_t generation,
	    struct row_item *row, struct err *);

#endif
