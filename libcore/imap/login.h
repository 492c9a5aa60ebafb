/* SPDX-License-Identifier: ISC */
#ifndef IMAP_LOGIN_H
#define IMAP_LOGIN_H

#include "imap/session.h"

/*
 * Prove who we are, by the best that is offered: a SASL mechanism of net/sasl.h, else
 * LOGIN.  What was refused is not tried again another way.  ERR_RUN, STATUS_AUTH
 * with the server's text.
 */
int	login_run(struct session *, struct err *);

#endif
