/* SPDX-License-Identifier: ISC */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include "base/err.h"
#include "mail/item.h"

/*
 * How the library tells what it did; the tools print it.  Calls may come
 * from any thread that works; the receiver locks.
 */

struct report {
	/*
	 * One item's end: verdict and reason; why is NULL where there is nothing to say.
	 * HAVE and DONE are reported too: whoever only counts, counts here.
	 */
	void	(*item)(void *, struct span mailbox, const struct item *,
		    const struct err *why);

	/* A mailbox was passed over or left early. */
	void	(*mailbox)(void *, struct span mailbox, const struct err *why);

	/* Something that a person may want to know; one line. */
	void	(*note)(void *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

	/* Progress: items and octets done, of how many as far as is known. */
	void	(*progress)(void *, struct span mailbox, uint64_t items,
		    uint64_t octets);
	void	*arg;
};

/* NULL-safe callers. */
void	report_item(const struct report *, struct span mailbox,
	    const struct item *, const struct err *why);
void	report_mailbox(const struct report *, struct span mailbox,
	    const struct err *why);
#define report_note(r, ...)						\
	do {								\
		if ((r) != NULL && (r)->note != NULL)			\
			(r)->note((r)->arg, __VA_ARGS__);		\
	} while (0)
void	report_progress(const struct report *, struct span mailbox,
	    uint64_t items, uint64_t octets);

#endif
