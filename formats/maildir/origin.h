/* SPDX-License-Identifier: ISC */
#ifndef MAILDIR_ORIGIN_H
#define MAILDIR_ORIGIN_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Append "maildir:" and the path without links, dots or doubled slashes; the same
 * before and after what is missing of it was made.
 */
int	origin_put(struct buf *, const char *path, struct err *);

#endif
