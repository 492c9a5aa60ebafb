/* SPDX-License-Identifier: ISC */
#ifndef MAIL_IDENT_H
#define MAIL_IDENT_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"

/*
 * The identities of a message (mx-archive(5), "Identity").
 *
 * digest	SHA-256 of the exact octets.
 * canon	SHA-256 of what is the same message after a trip through another
 *		kind of mailbox: line ends as LF, trailing blank lines cut, volatile
 *		header fields left out, values of the others unfolded and trimmed.
 * key		what the header claims to be: found without the body, so it can be
 *		had of a server that holds the message.
 */

enum key_kind {
	KEY_NONE,	/* no identity in the header: only canon tells */
	KEY_MSGID,	/* normalised Message-ID */
	KEY_HEADERS,	/* three or more of Date From To Subject Cc */
};

struct key {
	enum key_kind	kind;
	unsigned char	id[16];		/* of what kind says; zero for none */
	int64_t		date;		/* Date as an instant; INT64_MIN: none */
	unsigned char	from[8];	/* of the From address; zero: none */
};

/*
 * Whether two keys claim the same message: same kind and id; and for
 * KEY_MSGID, the same Date and From where both sides have them.  KEY_NONE matches nothing.
 */
bool	key_match(const struct key *, const struct key *);

/* The key of a header block (whole, or just the fields that KEY_FIELDS names). */
void	key_of(struct span header, struct key *);

#define KEY_FIELDS	"MESSAGE-ID DATE FROM TO SUBJECT CC"

/* What stands out in the octets; some servers refuse it. */
enum lint {
	LINT_NUL	= 1 << 0,
	LINT_BARE_LF	= 1 << 1,
	LINT_BARE_CR	= 1 << 2,
	LINT_NO_EOL	= 1 << 3,	/* the last line has no end */
	LINT_8BIT_HEADER = 1 << 4,
	LINT_NO_HEADER	= 1 << 5,	/* no field at the start, or empty */
};

struct ident {
	uint64_t	size;		/* octets */
	struct digest	digest;
	struct digest	canon;
	struct key	key;
	unsigned	lint;
	uint32_t	longest_line;	/* octets without the line end; saturates */
};

/*
 * Made by feeding the octets once, in pieces of any size.  The first MiB of
 * the header is looked at for the key.
 */
struct identer;

struct identer	*identer_new(struct err *);	/* NULL: out of memory */
void		 identer_free(struct identer *);
void		 identer_add(struct identer *, struct span);
void		 identer_end(struct identer *, struct ident *);	/* and reset */

/* The field is left out of the canon: added by stores and servers, not senders. */
bool		 ident_is_volatile(struct span field_name);

#endif
