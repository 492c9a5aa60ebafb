/* SPDX-License-Identifier: ISC */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include <stdio.h>

#include "base/sys.h"
#include "mail/dest.h"
#include "mail/endpoint.h"
#include "mail/report.h"
#include "net/conn.h"
#include "net/secret.h"
#include "net/url.h"

/*
 * An IMAP account (RFC 9051 and 3501) as a place: the source that reads it
 * and the destination that is appended to.
 */

struct imap_account {
	struct url		 url;		/* borrowed for the account's life */
	struct secret_config	 secret;
	const char		*ca_file;
	unsigned		 timeout;	/* seconds; 0: default */
	unsigned		 retries;	/* reconnects in a row; 0: default 5 */
	const struct sys	*sys;
	const struct report	*report;
	FILE			*trace;		/* protocol trace without secrets; or NULL */
};

/*
 * Read-only on the wire: EXAMINE, BODY.PEEK[], never SELECT, STORE, APPEND, EXPUNGE.  The
 * login happens here, so that its errors come first: STATUS_CONNECT, STATUS_TLS, STATUS_AUTH.
 * What cursors hand out and how failures are scoped is endpoint.h's contract; a lost connection
 * is made again with backoff and goes on where it was (UIDs are compared, UIDVALIDITY checked).
 * need: NEED_KEY fetches header fields with the metadata, and the octets of messages that those do not
 * tell from others; NEED_IDENT all octets.
 */
struct source	*imap_source(const struct imap_account *, unsigned need,
		    struct err *);

/* Sizes and counts of every mailbox without opening more than is needed. */
int		 imap_sizes(struct source *, struct mailboxes *, struct err *);

struct dest	*imap_dest(const struct imap_account *, struct err *);

#endif
