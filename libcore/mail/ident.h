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
 *
 * canon	SHA-256 of what is the same message after a trip through another
 *		kind of mailbox.  The octets that are hashed are made so:
 *
 *		1. A CR right before an LF, or at the very end, is dropped.
 *		   Other CRs are no line ends and stay.  A NUL is taken for
 *		   0x80, as which Dovecot stores it.
 *		2. The header is what stands before the first empty line; fields
 *		   are those of header_next() (mail/header.h).
 *		3. A first line that begins with "From" or ">From" and SP or HT,
 *		   and is no field, is left out, as are the fields of
 *		   ident_is_volatile(), each with the lines that continue it.
 *		4. A field becomes its name in lower case (A-Z), ":", then, if
 *		   it is not empty, a space and the value in which every run of
 *		   SP, HT, CR and LF is one space and none is at the ends; then
 *		   LF.  A line that is no field is treated as such a value,
 *		   without the name, the colon and the space.
 *		5. The empty line (LF) and the body follow as they are.
 *		6. All LFs at the very end are cut off.
 *
 * key		what the header claims to be: found without the body, so it can
 *		be had of a server that holds the message.  Of each of the
 *		fields in KEY_FIELDS the first one counts, but none with a blank
 *		before its colon, since not every server finds those; its value
 *		is normalised as by header_normal() and cut after KEY_VALUE_MAX
 *		octets.
 *
 *		KEY_MSGID: what stands in the first <...> of Message-ID (the
 *		whole value where there is none), blanks left out, what follows
 *		the last "@" in lower case; if it has an "@" or at least 8
 *		octets.
 *
 *		KEY_HEADERS: else, if three or more of Date From To Subject Cc
 *		are there and not empty: five lines in that order, "date:" and
 *		so on, each with the value and LF.  Date is the instant in
 *		decimal where it can be read, From the address in lower case
 *		where there is one.
 *
 *		id is the first 16 octets of the SHA-256 of that; from the first
 *		8 of the SHA-256 of the address in lower case.
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
 * Whether two keys claim the same message: same kind and id; and for KEY_MSGID,
 * the same Date and From where both sides have them.  KEY_NONE matches nothing.
 */
bool	key_match(const struct key *, const struct key *);

/*
 * The key of a header block: whole, or just the fields that KEY_FIELDS names,
 * in the order in which they stand in the message.  Both give the same.
 */
void	 key_of(struct span header, struct key *);

#define KEY_FIELDS	"MESSAGE-ID DATE FROM TO SUBJECT CC"
#define KEY_VALUE_MAX	2048	/* octets of a value, normalised */

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
 * Made by feeding the octets once, in pieces of any size, in constant memory
 * and linear time; the pieces make no difference.
 */
struct identer;

struct identer	*identer_new(struct err *);	/* NULL: out of memory */
void		 identer_free(struct identer *);
void		 identer_add(struct identer *, struct span);
void		 identer_end(struct identer *, struct ident *);	/* and reset */

/* The field is left out of the canon: added by stores and servers, not senders. */
bool		 ident_is_volatile(struct span field_name);

#endif
