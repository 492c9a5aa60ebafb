/* SPDX-License-Identifier: ISC */
#ifndef FLOW_RECEIPT_H
#define FLOW_RECEIPT_H

#include "base/sys.h"
#include "mail/dest.h"

/*
 * The receipt of a replay to one target: mx-archive(5), "Receipts".  An append-only JSON Lines
 * file with a lock of its own: ledger, UID map and proof in one.  A torn last line (a crash) is cut
 * when it is opened for writing; damage elsewhere is an error.
 */

enum evidence {
	EVIDENCE_NONE,
	EVIDENCE_KEY,		/* headers agree */
	EVIDENCE_CANON,		/* fetched and compared */
	EVIDENCE_DIGEST,
	EVIDENCE_APPENDED,	/* the destination confirmed our append */
};

struct receipt;

struct receipt_target {
	struct span	url, target, origin;
};

/* dry: read only, absent is fine (an empty receipt). */
struct receipt	*receipt_open(const char *path, const struct receipt_target *,
		    bool dry, const struct sys *, struct err *);
void		 receipt_close(struct receipt *);

/* What is known of a source item. */
enum receipt_state {
	RECEIPT_UNKNOWN,	/* nothing */
	RECEIPT_INTENT,		/* meant to be sent, outcome unknown */
	RECEIPT_DONE,
	RECEIPT_REFUSED,
};

/*
 * State of an item by its src for a destination mailbox; *uid and *uidvalidity where it was done.
 * Rows of another UIDVALIDITY than `uidvalidity` (not 0) are void.
 */
enum receipt_state receipt_get(struct receipt *, struct span src_mailbox,
		    struct span ref, struct span mailbox, uint32_t uidvalidity,
		    uint32_t *uid);

/* An intent for items[0..n) of a mailbox; durable when this returns 0. */
int	receipt_intend(struct receipt *, struct span mailbox,
	    uint32_t uidvalidity, uint32_t uidnext, struct item *const *items,
	    size_t n, struct err *);

int	receipt_done(struct receipt *, struct span mailbox, const struct item *,
	    uint32_t uidvalidity, uint32_t uid, struct span ref, enum evidence,
	    struct err *);
int	receipt_refused(struct receipt *, struct span mailbox,
	    const struct item *, const char *reason, const char *text,
	    struct err *);

/* UIDs of done rows at the mailbox: calls back in no particular order. */
int	receipt_claimed(struct receipt *, struct span mailbox,
	    uint32_t uidvalidity, int (*)(void *, uint32_t uid), void *arg);

/* Lowest UIDNEXT of intents there without outcome; 0: there are none. */
uint32_t receipt_unresolved(struct receipt *, struct span mailbox,
	    uint32_t uidvalidity);

/* Make rows durable; and the last row of a run. */
int	receipt_sync(struct receipt *, struct err *);
int	receipt_end(struct receipt *, bool complete, struct err *);

const char *evidence_name(enum evidence);

#endif
