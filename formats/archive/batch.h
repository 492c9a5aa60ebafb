/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_BATCH_H
#define ARCHIVE_BATCH_H

#include "formats/archive/index.h"
#include "formats/archive/row.h"
#include "formats/stream/entry.h"

/*
 * What a run of entries of one segment means to the index: kept in memory
 * until the segment is synced, then applied in one transaction.  The writer
 * makes batches of what it appends and catchup.c of what it reads, in the same
 * order; the index follows from the batches alone, so that both build the
 * same one.
 */

#define SEGMENT_MAX	(UINT64_C(256) << 20)	/* octets after which one is sealed */
#define SEGMENT_LEVEL	3			/* zstd's */

struct op_item {
	struct item	item;		/* number is set by batch_apply() */
	struct ident	ident;
	struct span	home;
	struct span	path;		/* of its entry, NUL behind it */
	uint64_t	frame, inside;
	bool		link;
};

enum op_kind {
	OP_MAILBOX,
	OP_ITEM,
	OP_LINE,
};

struct op {
	enum op_kind	kind;
	union {
		struct mailbox	*mailbox;
		struct op_item	*item;
		struct log_line	*line;
	} u;
};

/* Applied in this order, which is that of the entries in the segment. */
enum batch_part {
	BATCH_FRAMES,		/* mailboxes and items */
	BATCH_STATES,		/* mailboxes, at the end of a batch */
	BATCH_LINES,		/* the log */
	BATCH_PARTS
};

struct op_list {
	struct op	*v;
	size_t		 n, cap;
};

struct batch {
	uint64_t	segment, generation;
	bool		headed;		/* the segment's head is part of it */
	int64_t		created;
	struct span	id, origin, maker;
	struct op_list	part[BATCH_PARTS];

	uint64_t	length;		/* of the segment that is indexed then */
	uint64_t	items, bytes;	/* as its commit entry says */
	bool		sealed;
	struct digest	sha;
	struct row_damage damage;	/* of a sealed one */

	struct arena	arena;
	uint32_t	*slots;		/* 1 + index in part[BATCH_FRAMES], by digest */
	size_t		 nslots;	/* a power of two */
	size_t		 used;
};

/* Zeroed storage is an empty batch. */
void	batch_fini(struct batch *);
void	batch_clear(struct batch *);
size_t	batch_size(const struct batch *);	/* things in it */

/* Everything is copied.  -1: out of memory. */
int	batch_head(struct batch *, const struct stream_head *, struct err *);
int	batch_mailbox(struct batch *, enum batch_part, const struct mailbox *,
	    struct err *);
int	batch_line(struct batch *, enum batch_part, const struct log_line *,
	    struct err *);
struct op_item *batch_item(struct batch *, const struct item *,
	    const struct ident *, struct span home, struct span path,
	    struct err *);

/* It holds the octets (link is false): let batch_find() find it. */
int	batch_holds(struct batch *, struct err *);	/* the item put last */
const struct op_item *batch_find(const struct batch *, const struct digest *);

/* Into the index, in one transaction.  The batch stays as it is. */
int	batch_apply(struct index *, struct batch *, struct err *);

#endif
