/* SPDX-License-Identifier: ISC */
#ifndef NET_TTY_H
#define NET_TTY_H

#include "base/bytes.h"
#include "base/err.h"

/* Asking at the terminal.  Internal to net/. */

/*
 * Ask, and read a line of up to n octets without echo.  The terminal is as it
 * was afterwards, also where a signal ended it (STATUS_INTERRUPTED).
 * ERR_RUN; STATUS_AUTH where there is no terminal.
 */
int	tty_ask(struct span question, unsigned char *line, size_t n,
	    size_t *got, struct err *);

#endif
