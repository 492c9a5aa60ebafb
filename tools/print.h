/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_PRINT_H
#define TOOLS_PRINT_H

#include <pthread.h>

#include "mail/endpoint.h"
#include "mail/report.h"
#include "tools/tool.h"

/*
 * The receiver of reports: counts, tells of what was passed over, prints
 * the plan of a dry run or each item in JSON, and keeps a progress line on a terminal: from the
 * first item on, and only the last command of a pipeline.
 */

#define PRINT_VERDICTS	8		/* of enum verdict */
#define PRINT_MAILBOXES	64		/* under way at once */

struct printer {
	struct report	 report;	/* give this to the library */
	struct tool	*tool;
	bool		 dry;		/* print every item as the plan */
	bool		 items_out;	/* JSON and plan lines may go to stdout */
	const struct span *from;	/* the mailbox that the items in hand stand in,
					   for the plan of a copy that moves them; or NULL */
	uint64_t	 total;		/* items that there are; 0: unknown */
	pthread_mutex_t	 lock;
	uint64_t	 count[PRINT_VERDICTS];
	uint64_t	 mailboxes_passed;
	bool		 incomplete;	/* the source lacks something */
	struct progress {		/* of a mailbox that is under way */
		uint64_t	 name, items, octets;
	}		 under_way[PRINT_MAILBOXES];
	size_t		 next;		/* of these, to be used again */
	uint64_t	 items, octets;	/* of the progress line */
	int64_t		 begun, shown;
	bool		 on_line;	/* a progress line is on the terminal */
};

void	printer_init(struct printer *, struct tool *, bool dry, bool items_out);
void	printer_fini(struct printer *);		/* ends the progress line */

uint64_t printer_passed(const struct printer *);	/* items and mailboxes passed over */

/* All of a source was read: remember whether it ended incomplete. */
void	printer_source(struct printer *, struct source *);

/*
 * STATUS_OK, STATUS_DATA where the source was incomplete, or STATUS_PASSED where something was
 * passed over; `err` of a run that broke off goes first, then an interruption.
 * Where the signal that was meant for all of a pipeline took its reader away
 * first, that is an interruption too.
 */
enum status printer_status(const struct printer *, int rc, bool interrupted,
	    const struct err *);

/* Append an array of what stands between the spaces. */
void	print_words(struct buf *json, struct span words);

#endif
