/* SPDX-License-Identifier: ISC */
#ifndef NET_SECRET_H
#define NET_SECRET_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Where a password comes from.  Never from the command line or the
 * environment; wiped from memory when freed, and core dumps are off once one is held.
 */

struct secret_config {
	const char	*command;	/* run by /bin/sh; first line of its output */
	const char	*file;		/* first line; nobody else may read it */
	int		 fd;		/* first line; -1: none */
	bool		 prompt;	/* ask on the terminal as the last resort */
	const char	*netrc;		/* path; NULL: ~/.netrc; mode checked */
	const char	*account;	/* as the prompt names it; NULL: "user at host" */
};

/*
 * The password for user at host: command, file, fd, netrc, prompt: the first
 * that is set.  *out is NUL-terminated too.  ERR_RUN: STATUS_AUTH ("no password for ..."), STATUS_NOINPUT.
 */
struct secret;
struct secret	*secret_get(const struct secret_config *, const char *user,
		    const char *host, struct err *);
struct span	 secret_span(const struct secret *);
void		 secret_free(struct secret *);

/*
 * Wipe and free a buffer that a secret was put into.  Copies that it left
 * behind when it grew are not found: make room first (buf_room()).
 */
void		 secret_wipe(struct buf *);

/* Overwrite memory that held one. */
void		 secret_zero(void *, size_t);

#endif
