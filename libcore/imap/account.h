/* SPDX-License-Identifier: ISC */
#ifndef IMAP_ACCOUNT_H
#define IMAP_ACCOUNT_H

#include <pthread.h>

#include "imap/imap.h"

/*
 * What all sessions of one endpoint share.  Constant once it is open, but
 * for the number of connections, which the lock guards.
 */
struct account {
	struct imap_account	 cfg;
	struct secret		*secret;
	const struct sys	*sys;
	pthread_mutex_t		 lock;
	unsigned		 connections;	/* made so far, for the trace */

	/*
	 * Where connections come from.  NULL: conn_open(); tests put a
	 * scripted peer here, whose socket counts as one under TLS.
	 */
	struct conn	*(*dial)(void *arg, struct err *);
	void		*dial_arg;
};

/* Gets the password; what `cfg` points to is borrowed. */
int	account_init(struct account *, const struct imap_account *cfg,
	    struct err *);
void	account_fini(struct account *);

/* For threads: a number for a new connection, from 1. */
unsigned account_number(struct account *);

#endif
