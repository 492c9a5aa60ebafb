/* SPDX-License-Identifier: ISC */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/command.h"

/* What a FETCH response says, and how it is asked for. */

/* Attributes beyond UID, FLAGS, INTERNALDATE and RFC822.SIZE. */
enum fetch_extra {
	FETCH_MODSEQ	= 1 << 0,
	FETCH_OBJECTID	= 1 << 1,
	FETCH_GMAIL	= 1 << 2,
	FETCH_KEY	= 1 << 3,	/* the header fields of mail/ident.h */
};

/* Those that this server can give; FETCH_KEY where `key` is set. */
unsigned	fetch_extras(const struct session *, bool key);

/* " (UID FLAGS ...)" */
void		fetch_put(struct command *, unsigned extras);

enum fetch_body {
	FETCH_ABSENT,
	FETCH_NIL,
	FETCH_TEXT,		/* quoted, or a literal that was kept */
	FETCH_TAKEN,		/* a literal that the session's hook took */
};

struct fetched {
	uint32_t	uid;		/* 0: not told */
	bool		has_flags, has_size, has_date, has_header;
	struct buf	flags;		/* canonical */
	uint64_t	size, modseq;
	struct date	date;
	struct span	emailid, threadid, gm_msgid, gm_thrid;
	struct buf	labels;		/* JSON array; empty: not told */
	struct span	header;
	enum fetch_body	body;		/* of BODY[] */
	struct span	text;		/* of FETCH_TEXT */
};

/* Spans live as the response.  Zeroed storage is good; used again and again. */
int		fetch_parse(struct resp *, struct fetched *, struct err *);
void		fetch_fini(struct fetched *);

/* Whether the literal behind this is a BODY[]. */
bool		fetch_is_body(struct span before);

#endif
