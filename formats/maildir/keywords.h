/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_KEYWORDS_H
#define MAILDIR_KEYWORDS_H

#include "base/bytes.h"

/*
 * Keywords as Dovecot keeps them: a letter a to z in the name of a message, and the
 * file dovecot-keywords of the mailbox, which says "NUMBER KEYWORD" for each (0 for a).
 */

#define KEYWORDS_FILE	"dovecot-keywords"
#define KEYWORDS_MAX	26

struct keywords {
	struct span	name[KEYWORDS_MAX];	/* none: the letter is free */
	struct arena	arena;
};

void	keywords_fini(struct keywords *);	/* empty, as zeroed storage */

/*
 * Take in what a file says, in place of what was there.  Lines that say
 * nothing are passed over.  False: out of memory.
 */
bool	keywords_parse(struct keywords *, struct span text);
void	keywords_put(struct buf *, const struct keywords *);

/* The letter of a keyword; 0: it has none. */
char	keywords_letter(const struct keywords *, struct span keyword);

/* One for a keyword that has none; 0: no letter is free, or no memory. */
char	keywords_add(struct keywords *, struct span keyword);

/*
 * Append the flags that the letters of a name stand for, as flags_canon() has
 * them.  Letters that mean nothing are left out.
 */
void	keywords_flags(struct buf *, const struct keywords *,
	    struct span letters);

#endif
