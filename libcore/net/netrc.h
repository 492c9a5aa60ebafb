/* SPDX-License-Identifier: ISC */
#ifndef NET_NETRC_H
#define NET_NETRC_H

#include "base/bytes.h"

/*
 * The netrc format: machine, login, password, default, macdef; words in
 * double quotes may hold blanks and escapes (as for curl).  Internal to net/.
 */

/*
 * The password of the first entry that is for the host (or the default) and
 * for the user (or for nobody in particular).  *password points into `text`,
 * in which escapes are undone.  False: there is none.
 */
bool	netrc_find(struct buf *text, struct span user, struct span host,
	    struct span *password);

#endif
