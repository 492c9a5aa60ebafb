/* SPDX-License-Identifier: ISC */
#ifndef IMAP_RESP_H
#define IMAP_RESP_H

#include "imap/wire.h"

/*
 * A response, told by its first words (RFC 9051 section 7), and what a
 * refusal means.
 */

enum resp_type {
	RESP_TAGGED,		/* the end of a command */
	RESP_MORE,		/* "+": go on */
	RESP_STATUS,		/* untagged OK, NO, BAD, BYE, PREAUTH */
	RESP_DATA,		/* any other untagged one */
};

enum resp_cond {
	RESP_OK,
	RESP_NO,
	RESP_BAD,
	RESP_BYE,
	RESP_PREAUTH,
};

/* Spans live until the next response is read. */
struct resp {
	enum resp_type	type;
	uint32_t	tag;		/* of RESP_TAGGED */
	enum resp_cond	cond;		/* of RESP_TAGGED and RESP_STATUS */
	struct span	code, args, text;	/* likewise, and text of RESP_MORE */
	struct span	keyword;	/* of RESP_DATA: "FETCH", "LIST" */
	uint64_t	number;		/* before the keyword, or 0 */
	struct tokens	rest;		/* behind the keyword */
};

/* Of the complete response in the wire.  -1: ERR_SESSION. */
int	resp_parse(struct wire *, struct resp *, struct err *);

/* An objectid of RFC 8474 section 4; servers were seen to send other octets. */
bool	resp_is_objectid(struct span);

const char	*resp_cond_name(enum resp_cond);

/* What a refusal is about, by its code or by what servers write. */
enum resp_class {
	CLASS_OTHER,
	CLASS_THROTTLE,		/* wait, connect again */
	CLASS_QUOTA,
	CLASS_TOO_BIG,
	CLASS_AUTH,		/* wrong user or password */
	CLASS_LATER,		/* temporary, by its own words */
	CLASS_ABSENT,		/* no such mailbox */
	CLASS_EXISTS,		/* the mailbox is there already */
};

/* *wait: nanoseconds that the server asks for, or 0. */
enum resp_class	resp_class(const struct resp *, int64_t *wait);

/*
 * Set the error for a NO, BAD or BYE: "what: TEXT".  Scope and status are as the class
 * says, else `scope`.  Returns -1.
 */
int	resp_fail(struct err *, enum err_scope scope, const struct resp *,
	    const char *what);

#endif
