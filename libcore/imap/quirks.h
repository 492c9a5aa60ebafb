/* SPDX-License-Identifier: ISC */
#ifndef IMAP_QUIRKS_H
#define IMAP_QUIRKS_H

#include "base/bytes.h"

/* What particular servers need: one table of fingerprints and effects. */

enum quirk {
	QUIRK_SHORT_LINES	= 1 << 0,	/* lines of 1,000 octets at most */
	QUIRK_NO_NAMESPACE	= 1 << 1,	/* NAMESPACE kills the connection */
	QUIRK_REWRITES		= 1 << 2,	/* messages come back changed, sizes are estimates */
};

/* The effects for this greeting and list of capabilities. */
unsigned	quirks_of(struct span greeting, struct span capabilities);

#endif
