/* SPDX-License-Identifier: ISC */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/bytes.h"
#include "base/err.h"

/* imaps://user@host[:port][/mailbox] (after RFC 5092) */

struct url {
	bool	 tls;		/* imaps: from the first octet; imap: STARTTLS */
	char	*user;		/* percent-decoded; NULL: none given */
	char	*host;		/* without brackets */
	char	*port;		/* "993", "143" by default */
	char	*mailbox;	/* UTF-8, "/" between components; NULL: none */
};

/* Whether the text starts like one. */
bool	url_is(const char *);

/*
 * ERR_RUN, STATUS_USAGE; a password in it is refused, and no message repeats
 * any part of the URL.  *url is given to url_fini(); after a failure it holds nothing.
 */
int	url_parse(const char *, struct url *, struct err *);
void	url_fini(struct url *);

/*
 * Without secrets and mailbox, in canonical form: "imaps://user@host:993",
 * the host in lower case.
 */
void	url_put(struct buf *, const struct url *);

#endif
