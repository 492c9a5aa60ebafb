/* SPDX-License-Identifier: ISC */
#ifndef NET_SASL_H
#define NET_SASL_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * SASL mechanisms (RFC 4422), as rows of a table: PLAIN (RFC 4616) and LOGIN.
 */

struct sasl_account {
	struct span	user;		/* authcid */
	struct span	authzid;	/* or none */
	struct span	password;
};

struct sasl_mech {
	const char	*name;
	bool		 initial;	/* its first message comes from the client */

	/*
	 * The client's message in answer to the server's `challenge` (decoded), for
	 * step 0, 1, ...  ERR_RUN, STATUS_AUTH where the server asks too much.
	 */
	int	(*step)(const struct sasl_account *, unsigned step,
		    struct span challenge, struct buf *out, struct err *);
};

/* In order of preference. */
extern const struct sasl_mech	sasl_mechs[];
extern const size_t		sasl_mechs_n;

void	base64_put(struct buf *, struct span);
bool	base64_decode(struct span, struct buf *);

#endif
