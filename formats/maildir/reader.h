/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_READER_H
#define MAILDIR_READER_H

#include "mail/body.h"
#include "mail/ident.h"

#include "formats/maildir/folder.h"

/*
 * Reading messages of a folder, with the memory that this takes.  Each call: 1;
 * 0: the message is gone; -1: ERR_MESSAGE (it cannot be read), or what ends the run.
 */

struct reader;

struct reader	*reader_new(struct err *);	/* NULL: out of memory */
void		 reader_free(struct reader *);

/* The key, of no more than the first MiB. */
int		 reader_key(struct reader *, struct folder *,
		    struct folder_entry *, struct key *, struct err *);

int		 reader_ident(struct reader *, struct folder *,
		    struct folder_entry *, struct ident *, struct err *);

/* All of it, and body_end(). */
int		 reader_body(struct reader *, struct folder *,
		    struct folder_entry *, struct body *, struct err *);

#endif
