/* SPDX-License-Identifier: ISC */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/err.h"
#include "mail/item.h"

/*
 * Rules (mx-rules(5)): one a line, first to last, over an item's metadata.
 *
 * Parsed once, then read-only: several evaluators, each of one thread, may use them.
 */

struct rules;

struct rules	*rules_new(struct err *);
void		 rules_free(struct rules *);

/*
 * Add the rules of a text; `file` names it in errors ("-e" for the command line: the lines
 * of one -e after the other are counted on).
 * ERR_RUN, STATUS_USAGE: "FILE:LINE:COLUMN: what is wrong", and the line with a caret in *detail
 * (two lines, may be NULL; safe for a terminal).  What stood before the error was added.
 */
int		 rules_add(struct rules *, const char *file, struct span text,
		    struct buf *detail, struct err *);
size_t		 rules_count(const struct rules *);

struct rules_eval;

/* now: what ages count from, seconds UTC.  The rules outlive it. */
struct rules_eval *rules_eval_new(const struct rules *, int64_t now, struct err *);
void		 rules_eval_free(struct rules_eval *);

/* What the rules made of an item. */
struct rules_result {
	bool		dropped;
	struct span	reason;		/* "FILE:LINE" of the drop */
	struct span	mailbox;	/* a name (mail/name.h) */
	struct span	flags;		/* canonical */
	struct span	fired;		/* "FILE:LINE FILE:LINE" of those that changed it; or none;
					   blanks in FILE are "_" */
};

/*
 * Apply to one item of `mailbox`; what *out points to lives until the next call.
 * ERR_MESSAGE: a limit of the regex engine was hit; the item is to be passed over unchanged.
 */
int		 rules_apply(struct rules_eval *, const struct mailbox *mailbox,
		    const struct item *, struct rules_result *out, struct err *);

/*
 * What becomes of the mailbox itself, even an empty one: the rules whose condition asks
 * nothing that only an item has.  ERR_MAILBOX: a limit was hit.
 */
int		 rules_mailbox(struct rules_eval *, const struct mailbox *,
		    struct rules_result *out, struct err *);

/* ---- the same regexes elsewhere: --mailbox, --exclude ---- */

struct pattern;

/* PCRE2, UTF-8 names; ERR_RUN, STATUS_USAGE with the offset. */
struct pattern	*pattern_new(const char *regex, struct err *);
void		 pattern_free(struct pattern *);

/* Thread-safe.  Where a limit is hit, or memory has run out, it is no match. */
bool		 pattern_match(const struct pattern *, struct span);

#endif
