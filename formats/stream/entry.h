/* SPDX-License-Identifier: ISC */
#ifndef STREAM_ENTRY_H
#define STREAM_ENTRY_H

#include "base/err.h"
#include "mail/endpoint.h"

/*
 * The entries of a stream as values; mx-stream(5) has them to the byte.
 * pack.h turns them into tar octets, unpack.h back.
 */

#define STREAM_VERSION	1

/* What is beyond these is neither written nor read. */
#define ENTRY_PATH_MAX	((size_t)16 << 10)	/* octets of a path */
#define ENTRY_ITEM_MAX	UINT64_C(4294967295)	/* octets; IMAP's number */

/* .mx/NNNNNNNN.stream */
struct stream_head {
	uint64_t	number;		/* of the segment; 0 on a pipe */
	struct span	id;		/* UUID text */
	struct span	previous;	/* SHA-256 hex of the segment before; or none */
	struct span	origin;
	uint64_t	generation;
	int64_t		created;	/* seconds, UTC */
	struct span	program;
	struct span	maker;		/* of an archive: who alone writes it; or none */
};

/* .mx/NNNNNNNN.commit.K and .end: all so far in this file. */
struct stream_totals {
	uint64_t	items, bytes;
	struct digest	hash;		/* over the items' digests */
	bool		complete;	/* end only */
	struct span	reason;		/* end only, where not complete */
};

/* One line of .mx/NNNNNNNN.log.K */
enum log_kind {
	LOG_FLAGS,		/* mailbox ref text: flags */
	LOG_EXPUNGED,		/* mailbox ref */
	LOG_PURGED,		/* mailbox ref */
	LOG_MOVED,		/* mailbox ref to_mailbox to_ref */
	LOG_MAILBOX_GONE,	/* mailbox */
	LOG_RENAMED,		/* mailbox to_mailbox */
	LOG_SCOPE,		/* mailbox complete */
	LOG_GENERATION,		/* number complete */
};

struct log_line {
	enum log_kind	kind;
	struct span	mailbox, ref;
	struct span	to_mailbox, to_ref;
	struct span	flags;
	bool		complete;
	uint64_t	number;
};

/* The lines of one log entry are at most so many octets; a writer splits. */
#define LOG_MAX		((size_t)4 << 20)

/* Append one line, with its newline. */
void	log_put(struct buf *, const struct log_line *);

/*
 * Parse one line without its newline; names are decoded into `arena`.
 * ERR_RUN, STATUS_DATA on a line that is none.
 */
int	log_parse(struct span line, struct arena *, struct log_line *, struct err *);

/*
 * A ref as it stands in log lines and attributes, and back: control octets, "%" and what
 * is not UTF-8 are escaped as %XX.  False: an escape that is none, or nothing.
 */
void	entry_put_ref(struct buf *, struct span ref);
bool	entry_parse_ref(struct buf *, struct span text);

/* Append PATH/cur/NAME of an item's entry; see mx-stream(5). */
void	entry_item_path(struct buf *, struct span mailbox, const struct item *,
	    const struct digest *, uint64_t size);

/*
 * Copy an item with all that it points to, but for body and own, into an
 * arena.  False: out of memory.
 */
bool	entry_copy_item(struct arena *, const struct item *in, struct item *out);

#endif
