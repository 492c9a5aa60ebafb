/* SPDX-License-Identifier: ISC */
#ifndef IMAP_COMMAND_H
#define IMAP_COMMAND_H

#include "imap/session.h"

/*
 * Commands, put together piece by piece.  Nothing reaches the wire but
 * through here, and what a read-only session may send is a column of this table.
 */
#define VERB_TABLE(X)							\
	X(VERB_CAPABILITY,	"CAPABILITY",	true)			\
	X(VERB_NOOP,		"NOOP",		true)			\
	X(VERB_LOGOUT,		"LOGOUT",	true)			\
	X(VERB_STARTTLS,	"STARTTLS",	true)			\
	X(VERB_AUTHENTICATE,	"AUTHENTICATE",	true)			\
	X(VERB_LOGIN,		"LOGIN",	true)			\
	X(VERB_ID,		"ID",		true)			\
	X(VERB_NAMESPACE,	"NAMESPACE",	true)			\
	X(VERB_LIST,		"LIST",		true)			\
	X(VERB_LSUB,		"LSUB",		true)			\
	X(VERB_STATUS,		"STATUS",	true)			\
	X(VERB_EXAMINE,		"EXAMINE",	true)			\
	X(VERB_UID_FETCH,	"UID FETCH",	true)			\
	X(VERB_SELECT,		"SELECT",	false)			\
	X(VERB_CREATE,		"CREATE",	false)			\
	X(VERB_SUBSCRIBE,	"SUBSCRIBE",	false)			\
	X(VERB_APPEND,		"APPEND",	false)

enum verb {
#define X(id, text, reads) id,
	VERB_TABLE(X)
#undef X
	VERB_COUNT,
};

const char	*command_verb(enum verb);
bool		 command_reads(enum verb);	/* allowed when read-only */

/* Where the server must ask for the literal before it is sent. */
enum { COMMAND_WAITS = 4 };

/* Zeroed storage is one without text. */
struct command {
	struct session	*s;
	enum verb	 verb;
	uint32_t	 tag;
	struct buf	 text;
	size_t		 wait[COMMAND_WAITS];
	size_t		 nwaits;
	size_t		 shown;		/* the rest is secret; 0: nothing is */
	bool		 bad;		/* a string that cannot be sent */
};

/*
 * Start one: the tag and the verb.  ERR_RUN, STATUS_BUG where a read-only session is to
 * send what it may not.  A command is used again by beginning it again.
 */
int		 command_begin(struct command *, struct session *, enum verb,
		    struct err *);
void		 command_fini(struct command *);

/* " text", as it is: constants and what was made of numbers. */
void		 command_text(struct command *, const char *);
void		 command_span(struct command *, struct span);

/* " string": as an atom, quoted, or a literal, whatever it takes. */
void		 command_string(struct command *, struct span);

bool		 command_is_literal(struct span);	/* what it would take */

/* What follows is not traced. */
void		 command_secret(struct command *);

/*
 * Queue it.  1: it is under way; 0: the server refused it instead of asking for a literal, and
 * *end (may be NULL where there is no literal) is its answer; -1: ERR_SESSION, or ERR_RUN for what a read-only
 * session may not send, or ERR_MAILBOX for a string with a NUL.
 */
int		 command_send(struct command *, struct resp *end, struct err *);

/*
 * Send it and read to its end, with nothing else under way; untagged data goes to `fn`,
 * which may be NULL.  0: *end tells how it went.
 */
int		 command_run(struct command *, untagged_fn *, void *arg,
		    struct resp *end, struct err *);

/*
 * "{n+}" where the server allows it and `sync` is not set, else "{n}"; true: it must
 * ask first.
 */
bool		 command_literal(const struct session *, struct buf *,
		    uint64_t n, bool sync);

#endif
