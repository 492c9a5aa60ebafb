/* SPDX-License-Identifier: ISC */
#ifndef IMAP_SOURCE_H
#define IMAP_SOURCE_H

#include "imap/account.h"

/*
 * imap_source() in two halves, so that a test can put a scripted peer
 * between (account.h: dial).  The source takes the account, which was made by malloc().
 */
struct source	*source_new(struct account *, unsigned need, struct err *);

#endif
