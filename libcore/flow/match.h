/* SPDX-License-Identifier: ISC */
#ifndef FLOW_MATCH_H
#define FLOW_MATCH_H

#include "flow/receipt.h"
#include "mail/dest.h"

/*
 * What one mailbox of a destination holds, and which of it stands for which
 * source item: one to one.  Internal to the replay.
 *
 * Each message there can be claimed once.  A key is a claim, not a proof: octets are
 * fetched and compared by canon where
 *	(a) the item has no key;
 *	(b) source items of the mailbox share a key's id but not their canon;
 *	(c) the key agrees and the sizes do not;
 *	(d) nothing there has the key, but something has the same size and instant: servers see
 *	    malformed headers differently.
 * At a place that rewrites mail (c) says nothing, and where no canon agrees the key is believed.
 *
 * 72 octets a message there, 16 an item seen, and 64 a message fetched.
 */

struct match;

/* What is looked for: an item's identity, copied. */
struct want {
	struct key	key;
	struct digest	digest, canon;
	uint64_t	size;
	struct date	date;
};

/* The octets of a message there.  ERR_MESSAGE: it is not to be had. */
typedef int	match_fetch_fn(void *arg, uint32_t uid, struct span ref,
		    struct body *, struct err *);

struct match	*match_new(match_fetch_fn *, void *arg, struct err *);
void		 match_free(struct match *);

/* The place is known to rewrite mail; before anything is looked for. */
void		 match_rewrites(struct match *, bool);

/* False where the item's identity is not known. */
bool		 match_want(const struct item *, struct want *);

/* Messages there that are spoken for; before they are added. */
int		 match_claim_uid(struct match *, uint32_t uid, struct err *);
int		 match_claim_ref(struct match *, uint64_t ref_hash, struct err *);

/* Add what a scan tells of; between begin and add nothing else is called. */
int		 match_begin(struct match *, struct err *);
int		 match_add(struct match *, const struct dest_message *,
		    struct err *);

/*
 * Note that the source has this; before any of its window is looked for.  1: it
 * has just turned out that items share this key's id but not their canon; 0; -1.
 */
int		 match_seen(struct match *, const struct want *, struct err *);

/*
 * 1 and the message, not claimed yet; 0: nothing; -1: as the fetch said.  strict:
 * as in (b), whatever was seen.
 */
int		 match_find(struct match *, const struct want *, bool strict,
		    uint32_t *row, enum evidence *, struct err *);

/* Claim a message; or look at its octets: 1 it is that one, 0 it is not, and is free again; -1. */
void		 match_claim(struct match *, uint32_t row);
int		 match_verify(struct match *, uint32_t row, const struct want *,
		    struct err *);

/* The ids of two keys are the same, as far as match_seen() can tell. */
bool		 match_same_id(const struct want *, const struct want *);

/* Where it is; *ref lives as the match. */
void		 match_place(const struct match *, uint32_t row, uint32_t *uid,
		    struct span *ref);

#endif
