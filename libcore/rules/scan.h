/* SPDX-License-Identifier: ISC */
#ifndef RULES_SCAN_H
#define RULES_SCAN_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * One line of rules, read from left to right.
 *
 * Nothing here knows an action or a condition: only blanks, comments, words,
 * quoted strings, numbers and delimited texts, and how to point at a place
 * that is wrong.  Internal to rules/.
 */

struct scan {
	const char	*file;		/* as errors name it */
	uint32_t	 line;		/* from 1 */
	struct span	 text;		/* without its end; valid UTF-8, no NUL */
	size_t		 at;		/* octets read */
	struct buf	*detail;	/* for the line and a caret; or NULL */
	struct err	*err;
};

/*
 * Fail at the octet `at`: ERR_RUN, STATUS_USAGE, "FILE:LINE:COLUMN: ..."; columns
 * count characters from 1.  Fills *detail.  Returns -1.
 */
int		 scan_fail(const struct scan *, size_t at, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));

/* The same for an error that is in s->err already, without its place. */
int		 scan_place(const struct scan *, size_t at);

void		 scan_blanks(struct scan *);

/* Past blanks: nothing follows but perhaps a comment. */
bool		 scan_end(struct scan *);

/*
 * Past blanks: a word of letters, digits and "_" that begins with a letter; empty
 * where none stands.
 */
struct span	 scan_ident(struct scan *);

/* Past blanks: take this word if it comes next. */
bool		 scan_keyword(struct scan *, const char *);

/* Past blanks: take this punctuation if it comes next. */
bool		 scan_mark(struct scan *, const char *);

/*
 * Past blanks: append a string in "" or '', in which \ takes what follows as it is;
 * or the octets up to the next blank or parenthesis.  1; 0 nothing stands there; -1.
 */
int		 scan_string(struct scan *, struct buf *out);

/*
 * A text between delimiters, as Perl finds them: s->at is at the opening one,
 * ([{< pair with )]}> and nest, any other ends at its next occurrence; a \ before a
 * delimiter hides it.  What was escaped keeps its \ where `keep` is set and the
 * delimiters are a pair; else that \ is gone.
 */
struct delimited {
	struct span	 text;		/* in the buffer that was given */
	size_t		 from;		/* where it began in the line */
	unsigned char	 open, close;
	bool		 kept;
};

int		 scan_delimited(struct scan *, bool keep, struct buf *,
		    struct delimited *);

/* Where an octet of the text stands in the line. */
size_t		 scan_source(const struct scan *, const struct delimited *,
		    size_t off);

/* ---- words that are not known ---- */

/* Known words; some may come twice in a row. */
struct words {
	const char *const *v;
	size_t		 n;
};

/*
 * Fail at `at`: `word` is not a `what`; names the nearest known word, or, where
 * none is near, all of them.
 */
int		 scan_unknown(const struct scan *, size_t at, const char *what,
		    struct span word, const struct words *);

/*
 * Fail at s->at, where `what` is wanted and none of these words stands; names the
 * one that was probably meant.
 */
int		 scan_wanted(struct scan *, const char *what,
		    const struct words *);

#endif
