/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_FOLDER_H
#define MAILDIR_FOLDER_H

#include <sys/stat.h>
#include <sys/types.h>

#include "mail/report.h"

#include "formats/maildir/keywords.h"

/*
 * One Maildir, opened: which messages are in cur/ and new/, in a stable
 * order, and their octets.
 *
 * A message is known by its base name, before ":2,": whoever reads mail at the
 * same time changes what follows, or moves the file from new/ to cur/.  A file
 * that is not where it was is looked for once more.
 *
 * In memory a message is 8 octets and its file name.
 */

struct folder_entry {
	uint32_t	at;		/* of its name in the table */
	uint16_t	length;
	bool		is_new;		/* it is in new/ */
};

struct folder_table {
	struct buf		 names;		/* each with a NUL behind it */
	struct folder_entry	*v;		/* sorted */
	size_t			 n, cap;
	struct timespec		 changed[2];	/* of cur/ and new/, before */
	bool			 complete;	/* they did not change meanwhile */
};

struct folder {
	char			*path;		/* for messages */
	int			 dir, cur, new;	/* new: -1 where there is none */
	const struct report	*report;
	struct keywords		 keywords;
	struct folder_table	 table;
	struct folder_table	 fresh;		/* a second look */
};

/*
 * Open the Maildir at `path` below the tree's root and read its keywords, but
 * not yet what is in it.  -1: ERR_MAILBOX, or out of memory.
 */
int	folder_open(struct folder *, int root, const char *root_path,
	    struct span path, const struct report *, struct err *);
void	folder_close(struct folder *);	/* zeroed storage is fine */

/* Read its keywords again. */
int	folder_keywords(struct folder *, struct err *);

/* Read the directories into the table; -1: ERR_MAILBOX, or out of memory. */
int	folder_load(struct folder *, struct err *);

struct span	folder_name(const struct folder *, const struct folder_entry *);

/* Append what a message is known by for ever, and its flags. */
void	folder_ref(struct buf *, const struct folder *,
	    const struct folder_entry *);
void	folder_flags(struct buf *, const struct folder *,
	    const struct folder_entry *);

/* The entry that a ref is of, or NULL. */
struct folder_entry *folder_find(struct folder *, struct span ref);

/*
 * Its status, or its octets.  1; 0: it is gone, or no regular file; -1: ERR_MESSAGE, or out of memory.
 * The entry may have got another name after this.
 */
int	folder_stat(struct folder *, struct folder_entry *, struct stat *,
	    struct err *);
int	folder_octets(struct folder *, struct folder_entry *, int *fd,
	    struct stat *, struct err *);

/* Read of an opened file: as io_read(), but its failure is ERR_MESSAGE. */
ssize_t	folder_read(const struct folder *, const struct folder_entry *, int fd,
	    void *, size_t, struct err *);

#endif
