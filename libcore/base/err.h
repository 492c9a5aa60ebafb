/* SPDX-License-Identifier: ISC */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/status.h"

/*
 * Errors as values.
 *
 * A function that can fail takes a `struct err *` as its last argument,
 * returns -1 or NULL, and fills it in exactly once, at the place where the
 * trouble was found.  Callers on the way up may put context in front of the
 * message with err_at(); they never reword it.  What is done about it is
 * decided by the scope alone.  The library prints nothing and exits nowhere.
 *
 * Cleaning up after a failure may fail too: where nobody wants to know, the
 * struct err * of any function is NULL.
 *
 * No function here allocates, so running out of memory can be reported.
 * Text from servers and files may stand in a message raw: whoever prints it
 * makes it safe (base/utf8.h).
 */

/* How much of the work is spoilt. */
enum err_scope {
	ERR_NONE,
	ERR_MESSAGE,	/* this message: count it, go on with the next */
	ERR_MAILBOX,	/* this mailbox: go on with the next one */
	ERR_SESSION,	/* this connection: back off, reconnect, resume */
	ERR_RUN,	/* everything: stop */
};

struct err {
	enum err_scope	scope;
	enum status	status;		/* the exit status if it ends the run */
	int		sys;		/* errno, or 0 where none applies */
	char		msg[1024];	/* no newline, no full stop */
};

#define ERR_INIT	{ ERR_NONE, STATUS_OK, 0, "" }

/* Record a failure.  Always returns -1, so callers can return it. */
int	err_set(struct err *, enum err_scope, enum status, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* The same, with ": " and the text of errno behind it; keeps errno in sys. */
int	err_sys(struct err *, enum err_scope, enum status, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* Out of memory: ERR_RUN, STATUS_BUG.  Returns -1. */
int	err_nomem(struct err *);

/* Put "context: " in front of the message.  Keeps the rest. */
void	err_at(struct err *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* Forget: back to ERR_INIT. */
void	err_clear(struct err *);

#endif
