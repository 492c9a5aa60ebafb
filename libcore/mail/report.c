/* SPDX-License-Identifier: ISC */
/* Callers of a report that may be absent, whole or in part. */

#include "mail/report.h"

void
report_item(const struct report *r, struct span mailbox,
    const struct item *item, const struct err *why)
{
	if (r != NULL && r->item != NULL)
		r->item(r->arg, mailbox, item, why);
}

void
report_mailbox(const struct report *r, struct span mailbox,
    const struct err *why)
{
	if (r != NULL && r->mailbox != NULL)
		r->mailbox(r->arg, mailbox, why);
}

void
report_progress(const struct report *r, struct span mailbox, uint64_t items,
    uint64_t octets)
{
	if (r != NULL && r->progress != NULL)
		r->progress(r->arg, mailbox, items, octets);
}
