/* SPDX-License-Identifier: ISC */
#ifndef IMAP_LIMITS_H
#define IMAP_LIMITS_H

/*
 * Every number that this module chose, with its reason.
 */

enum {
	/* UID sets: what all servers but the oldest take in one line. */
	LIMIT_LINE		= 8000,
	LIMIT_LINE_SHORT	= 1000,

	/* A window of metadata is small; a few of them hide the round trip. */
	LIMIT_META_AHEAD	= 4,

	/* Below one message in so many UIDs, UIDs are asked for first. */
	LIMIT_SPARSE		= 8,

	LIMIT_BODY_COMMANDS	= 4,
	LIMIT_HELD		= 64,		/* bodies out of turn */
	LIMIT_SESSION_LOSSES	= 3,		/* with one message alone */

	LIMIT_APPENDS		= 32,
	LIMIT_LITERAL_MINUS	= 4096,		/* RFC 7888 section 5 */
	LIMIT_FLAGS_SURE	= 1000,		/* octets; longer ones may be too much for a line */
	LIMIT_QUOTED		= 1000,		/* longer strings are literals */

	LIMIT_NAMESPACES	= 16,
	LIMIT_DELIMITERS	= 4,		/* different ones in one LIST */
	LIMIT_ATTRIBUTES	= 2000,		/* octets of a mailbox's; more are left out */
	LIMIT_MAILBOXES		= 1000000,	/* of one account */
	LIMIT_RETRIES		= 5,		/* the default */
	LIMIT_BACKOFF_FIRST	= 1,		/* seconds; doubles */
	LIMIT_BACKOFF_MOST	= 60,
	LIMIT_THROTTLE_MOST	= 3600,		/* seconds that a server may ask for */
	LIMIT_SASL_STEPS	= 8,
	LIMIT_TRACE		= 2000,		/* octets of a traced line */
};

#define LIMIT_BODY_COMMAND	((uint64_t)4 << 20)
#define LIMIT_BODY_FLIGHT	((uint64_t)16 << 20)
#define LIMIT_HELD_OCTETS	((uint64_t)16 << 20)
#define LIMIT_BODY		((uint64_t)2 << 30)	/* of one message */
#define LIMIT_APPEND_FLIGHT	((uint64_t)4 << 20)

#endif
