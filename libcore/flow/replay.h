/* SPDX-License-Identifier: ISC */
#ifndef FLOW_REPLAY_H
#define FLOW_REPLAY_H

#include "base/sys.h"
#include "mail/dest.h"
#include "mail/endpoint.h"
#include "mail/report.h"

/*
 * Replay: a sink over a destination that adds only what is missing.
 *
 * Numbered invariants (DESIGN.md section 6):
 * 1. An intent is durable in the receipt before the first octet of a message leaves.
 * 2. An intent without an outcome is resolved by looking (UIDs from the remembered UIDNEXT on, by key,
 *    and by canon where the key cannot tell) before anything is appended again.
 * 3. An item that the receipt says is done is never appended again, whatever became of it there,
 *    unless its whole mailbox is gone, or redelivery is asked for.
 * 4. Items are matched one to one with what is there: afterwards a message is there as often as the
 *    larger of what was there and what the source has.
 * 5. Within a mailbox, appends keep the source's order; what is sent again without its
 *    keywords, which the destination refused, comes behind what was sent meanwhile.
 * 6. A key is a claim: where it cannot tell, octets are compared.
 *
 * Items need a key and an ident (NEED_KEY | NEED_IDENT); without them the run ends with STATUS_BUG.
 * Any number of lanes: a destination mailbox belongs to one at a time, others wait for it; so
 * a filter that merges mailboxes costs a scan for each turn.  A mailbox that the destination lists with its
 * UIDVALIDITY is not even opened where the receipt settles all that is offered.
 *
 * Reasons: "delivered" (the receipt says so), "present" (found there), "missing" (wanted),
 * "appended"; "refused", "connection-lost" (it was alone under way too often when the connection
 * went), "key-collision" (taken for present by its key, wrongly: the next run adds it),
 * "outcome-unknown" (the mailbox was left; the next run looks), "unavailable".
 *
 * A lane holds copies of what is under way, up to 8 MiB; bigger messages go alone.
 */

struct replay_config {
	struct dest		*dest;
	const char		*receipt;	/* path; NULL only when dry without one */
	struct span		 origin;	/* of what is replayed */
	bool			 dry;
	bool			 redeliver;	/* what was deleted there since comes back */
	const struct sys	*sys;
	const struct report	*report;
};

/*
 * The destination and the strings outlive the sink.  STATUS_LOCKED: the receipt is in use;
 * STATUS_DATA: the receipt is damaged (naming its line) or of another target.
 */
struct sink	*replay_sink(const struct replay_config *, struct err *);

#endif
