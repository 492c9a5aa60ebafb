/* SPDX-License-Identifier: ISC */
/*
 * Errors as values.  Everything is formatted into a local array first, so
 * that an error's own message may be among the arguments.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"

/* Take over what vsnprintf() made; a text that is too long is cut. */
static void
fill(struct err *err, enum err_scope scope, enum status status, int sys,
    const char *msg)
{
	err->scope = scope;
	err->status = status;
	err->sys = sys;
	(void)snprintf(err->msg, N(err->msg), "%s", msg);
}

int
err_set(struct err *err, enum err_scope scope, enum status status,
    const char *fmt, ...)
{
	char msg[N(err->msg)];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(msg, N(msg), fmt, ap);
	va_end(ap);
	fill(err, scope, status, 0, msg);
	return -1;
}

int
err_sys(struct err *err, enum err_scope scope, enum status status,
    const char *fmt, ...)
{
	const int sys = errno;
	char msg[N(err->msg)], text[128];
	va_list ap;
	size_t n;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(msg, N(msg), fmt, ap);
	va_end(ap);

	/* The reason must survive a context that is too long. */
	if (strerror_r(sys, text, N(text)) != 0)
		(void)snprintf(text, N(text), "error %d", sys);
	if ((n = strlen(msg)) > N(msg) - strlen(text) - 3)
		n = N(msg) - strlen(text) - 3;
	(void)snprintf(msg + n, N(msg) - n, ": %s", text);
	fill(err, scope, status, sys, msg);
	return -1;
}

int
err_nomem(struct err *err)
{
	if (err != NULL)
		fill(err, ERR_RUN, STATUS_BUG, ENOMEM, "out of memory");
	return -1;
}

void
err_at(struct err *err, const char *fmt, ...)
{
	char msg[N(err->msg)], old[N(err->msg)];
	va_list ap;
	size_t n;

	if (err == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, N(msg), fmt, ap);
	va_end(ap);
	(void)snprintf(old, N(old), "%s", err->msg);

	n = strlen(msg);
	if (n > N(msg) - 1 - 2)
		n = N(msg) - 1 - 2;
	(void)snprintf(msg + n, N(msg) - n, ": ");
	n += 2;
	memcpy(err->msg, msg, n);
	(void)snprintf(err->msg + n, N(err->msg) - n, "%.*s",
	    (int)(N(err->msg) - n - 1), old);
}

void
err_clear(struct err *err)
{
	const struct err none = ERR_INIT;

	if (err != NULL)
		*err = none;
}
