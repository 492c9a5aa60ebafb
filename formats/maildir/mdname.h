/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_MDNAME_H
#define MAILDIR_MDNAME_H

#include "base/bytes.h"

/* Mailbox names (mail/name.h) and the directories that stand for them. */

enum mdname_form {
	MDNAME_FS,		/* A/B, components as name_path() has them */
	MDNAME_PLUS,		/* .A.B in modified UTF-7 */
	MDNAME_PLUS_UTF8,	/* .A.B as it is */
};

/*
 * The path below the root, "" for the root itself.  What the form cannot say
 * (a dot in Maildir++, a component that is too long) becomes a path that
 * mdname_add_fs() and mdname_add_plus() do not give the name for; the path is
 * of that name alone all the same.
 */
void	mdname_path(struct buf *out, struct span name, enum mdname_form);

/*
 * Append what a directory at the end of a path adds to the name: one
 * component, or for Maildir++ (with its leading dot) any number.  What is not
 * as the form has it is taken as it stands.  False: out of memory.
 */
bool	mdname_add_fs(struct buf *name, struct span dir);
bool	mdname_add_plus(struct buf *name, struct span dir);

#endif
