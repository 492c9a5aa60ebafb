/* SPDX-License-Identifier: ISC */
#ifndef FLOW_RECEIPT_H
#define FLOW_RECEIPT_H

#include "base/sys.h"
#include "mail/dest.h"

/*
 * The receipt of a replay to one target: mx-archive(5), "Receipts".  An append-only JSON Lines
 * file with a lock of its own: ledger, UID map and proof in one.  A torn last line (a crash) is cut
 * when it is opened for writing; damage elsewhere is an error that names the line.
 *
 *	{"type":"target","version":1,"url":"imaps://…","target":"…","origin":"…"}
 *	{"type":"intent","batch":7,"mailbox":["Sent"],"uidvalidity":1702,"uidnext":118,
 *	    "src":[{"mailbox":["Sent"],"refs":["1699.42","1699.43"]}]}
 *	{"type":"done","item":501,"src":{"mailbox":["Sent"],"ref":"1699.42","digest":"…"},
 *	    "digest":"…","mailbox":["Sent"],"uidvalidity":1702,"uid":118,"evidence":"appended"}
 *	{"type":"refused","item":503,"src":{…},"mailbox":["Sent"],"reason":"too-big","text":"…"}
 *	{"type":"void","mailbox":["Sent"]}
 *	{"type":"end","complete":true,"counts":{"appended":1,"present":0,"refused":1},"hash":"…"}
 *
 * The target row is the first.  Members that would be 0 or empty are left out.  A place without UIDs has
 * "ref" for "uid".  A ref that is not UTF-8 is {"hex":"…"}.  An intent row groups runs of items by
 * source mailbox.  A later row for the same item and mailbox supersedes.  "hash" is the SHA-256 of
 * the file's octets from the end row before it on (or from the start) up to this row, and is
 * verified when the file is read.
 *
 * In memory an item is 28 octets and its slot: found by the first 96 bits of the SHA-256 of
 * (source mailbox, ref, mailbox), so that among 10^9 items two are confused with a
 * probability of 10^-11; verifying would mean to keep every ref.
 *
 * A handle may be used by several threads at once.
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

/*
 * dry: read only, absent is fine (an empty receipt), path may be NULL, and no lock
 * is taken.  NULL: STATUS_LOCKED; STATUS_DATA (damaged, or of another target or origin); STATUS_IO.
 */
struct receipt	*receipt_open(const char *path, const struct receipt_target *,
		    bool dry, const struct sys *, struct err *);

/* NULL is fine.  Rows that were not synced are written, but perhaps not durable. */
void		 receipt_close(struct receipt *);

/* What is known of a source item. */
enum receipt_state {
	RECEIPT_UNKNOWN,	/* nothing */
	RECEIPT_INTENT,		/* meant to be sent, outcome unknown */
	RECEIPT_DONE,
	RECEIPT_REFUSED,
};

/*
 * State of an item by its src for a destination mailbox; *uid where it was done, 0 where
 * it is not known (or the place has none).  Rows of another UIDVALIDITY than
 * `uidvalidity` are void, but for refusals.
 */
enum receipt_state receipt_get(struct receipt *, struct span src_mailbox,
		    struct span ref, struct span mailbox, uint32_t uidvalidity,
		    uint32_t *uid);

/*
 * Whether a message there was taken for this item by its key, and was found to be another
 * (it was refused as "key-collision"), and it is not done since.
 */
bool	receipt_collided(struct receipt *, struct span src_mailbox,
	    struct span ref, struct span mailbox);

/* Whether a done item's place there is known: a UID or a ref was given. */
bool	receipt_placed(struct receipt *, struct span src_mailbox,
	    struct span ref, struct span mailbox, uint32_t uidvalidity);

/*
 * An intent for items[0..n) of a mailbox; durable when this returns 0.  uidnext 0:
 * unknown.
 */
int	receipt_intend(struct receipt *, struct span mailbox,
	    uint32_t uidvalidity, uint32_t uidnext, struct item *const *items,
	    size_t n, struct err *);

/* Outcomes; written when this returns, durable after receipt_sync(). */
int	receipt_done(struct receipt *, struct span mailbox, const struct item *,
	    uint32_t uidvalidity, uint32_t uid, struct span ref, enum evidence,
	    struct err *);
int	receipt_refused(struct receipt *, struct span mailbox,
	    const struct item *, const char *reason, const char *text,
	    struct err *);

/*
 * UIDs of done rows at the mailbox: calls back in no particular order, until that
 * does not return 0, which is then returned.  The receipt is locked meanwhile: no calls from there.
 */
int	receipt_claimed(struct receipt *, struct span mailbox,
	    uint32_t uidvalidity, int (*)(void *, uint32_t uid), void *arg);

/* The same for places without UIDs, as receipt_ref_hash() of each ref. */
int	receipt_claimed_refs(struct receipt *, struct span mailbox,
	    int (*)(void *, uint64_t), void *arg);
uint64_t receipt_ref_hash(struct span ref);

/*
 * Lowest UIDNEXT of intents there without outcome, 1 where it was not known; 0:
 * there are none.
 */
uint32_t receipt_unresolved(struct receipt *, struct span mailbox,
	    uint32_t uidvalidity);

/*
 * Forget, for this run, what was done: what is still there is recognised again
 * by looking, and the rest is wanted again.
 */
void	receipt_forget(struct receipt *);

/* Whether anything was done there, or may have been. */
bool	receipt_has(struct receipt *, struct span mailbox);

/*
 * The mailbox was found to be gone, and with it all that was done in it: its
 * rows are void, now and for later runs.  Durable when this returns 0, and to
 * be called before the mailbox is made again: afterwards nobody could tell.
 */
int	receipt_void(struct receipt *, struct span mailbox, struct err *);

/* Make rows durable; and the last row of a run, durable too. */
int	receipt_sync(struct receipt *, struct err *);
int	receipt_end(struct receipt *, bool complete, struct err *);

const char *evidence_name(enum evidence);

#endif
