/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_TREE_H
#define MAILDIR_TREE_H

#include "mail/mailbox.h"
#include "mail/report.h"

#include "formats/maildir/mdname.h"

/*
 * The mailboxes of a tree and where they are.
 *
 * A directory with a cur/ is a mailbox.  The root is INBOX; what is below gets
 * its name from its path, a directory that begins with a dot as in Maildir++,
 * another one as in fs.  Links are not followed, `.mx` is passed over.
 * Two directories never share a name: the second is told apart by "~2".
 */

#define TREE_TRUE_NAME	".mxname"	/* in a mailbox whose path does not tell */

struct tree {
	const char	*root;		/* the caller's */
	int		 fd;		/* of it; -1: it is not there */
	struct mailboxes all;		/* sorted as they were found, then as added */
	struct span	*paths;		/* of each, below the root */
	size_t		 cap;
	struct arena	 arena;
	enum mdname_form form;		/* what new ones take */
	bool		 complete;	/* nothing was left unseen */
};

/*
 * Look at the whole tree; a root that is not there is an empty one.  -1: ERR_RUN: STATUS_NOINPUT
 * (no directory, or not ours to read), STATUS_DATA (too many mailboxes), STATUS_IO.
 */
int	tree_open(struct tree *, const char *root, const struct report *,
	    struct err *);
void	tree_close(struct tree *);

/* The index of a mailbox; SIZE_MAX: it is not there. */
size_t	tree_find(const struct tree *, struct span name);

/* Take one in that is new; its path is mdname_path().  -1: out of memory. */
int	tree_add(struct tree *, const struct mailbox *, struct err *);

/* Whether a Maildir is there, or not far below; a bounded look. */
bool	tree_is(const char *root);

#endif
