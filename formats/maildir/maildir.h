/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_MAILDIR_H
#define MAILDIR_MAILDIR_H

#include "base/sys.h"
#include "mail/dest.h"
#include "mail/endpoint.h"
#include "mail/report.h"

/*
 * Trees of Maildirs as places.
 *
 * Two layouts are read: fs (A/B/cur, names as in mx-stream(5)) and Maildir++ (.A.B/cur, INBOX at the
 * root, names in modified UTF-7 or UTF-8); fs is written where nothing is there yet, else what is there.
 * Flags are in the file names, keywords as Dovecot keeps them (dovecot-keywords), INTERNALDATE is the mtime;
 * a zone is not kept.  An item's ref is the base name, before ":2,".
 */

struct maildir_config {
	const struct sys	*sys;
	const struct report	*report;
};

/* need: NEED_KEY, NEED_IDENT read the files when enumerated. */
struct source	*maildir_source(const char *path, const struct maildir_config *,
		    unsigned need, struct err *);

/* Made where it is missing. */
struct dest	*maildir_dest(const char *path, const struct maildir_config *,
		    struct err *);

/* A directory that looks like a Maildir or a tree of them. */
bool		 maildir_is(const char *path);

#endif
