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
 * Two layouts: fs (A/B/cur, names as in mx-stream(5), so that an archive extracted by tar is
 * one) and Maildir++ (.A.B/cur, INBOX at the root, names in modified UTF-7 or UTF-8).  Both are
 * read, also side by side; fs is written where nothing is there yet, else what is there; a
 * Maildir without folders becomes Maildir++.  Flags are in the file names, keywords as Dovecot keeps
 * them (dovecot-keywords), INTERNALDATE is the mtime, to the second; a zone is not kept.  Octets are
 * the file's.  Subscriptions are in the file `subscriptions` at the root.
 *
 * An item's ref is the base name, before ":2,", with octets that are not UTF-8, blanks, controls
 * and "%" as %XX.  Where two files share a base name, the second has "cur/" or "new/" and its
 * whole name.  Items come in the order of delivery: by the seconds in the name, then by the rest.
 *
 * Links are not followed, and what is no regular file is no message.
 */

struct maildir_config {
	const struct sys	*sys;
	const struct report	*report;	/* NULL: nobody listens */
};

/*
 * need: NEED_KEY, NEED_IDENT read the files when enumerated.  A file that cannot be read
 * has neither, and fetch() delivers the reason; with NEED_IDENT its verdict is VERDICT_UNAVAILABLE
 * ("unreadable") from the start.  The tree is looked at once, here.
 * NULL: STATUS_NOINPUT (nothing there, or not ours to read), STATUS_DATA (no Maildir in it).
 */
struct source	*maildir_source(const char *path, const struct maildir_config *,
		    unsigned need, struct err *);

/*
 * Made where it is missing, when the first mailbox is.  A message is stored when its file and
 * the directory have reached the disk; outcomes come some dozens at a time.  Files that are there are never
 * changed or removed.  An outcome's ref is the one that a source would give.
 */
struct dest	*maildir_dest(const char *path, const struct maildir_config *,
		    struct err *);

/*
 * A directory that looks like a Maildir or a tree of them, by a bounded look
 * at three levels of it.
 */
bool		 maildir_is(const char *path);

#endif
