/* SPDX-License-Identifier: ISC */
#ifndef IMAP_DEST_H
#define IMAP_DEST_H

#include "imap/account.h"

/* As source.h, for imap_dest(). */
struct dest	*dest_new(struct account *, struct err *);

#endif
