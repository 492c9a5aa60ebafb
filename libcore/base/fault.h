/* SPDX-License-Identifier: ISC */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <sys/types.h>

#include "base/span.h"

/*
 * Fault points, for base/io.c alone: what stands in base/io.h about MX_FAULT.
 * In a build without -DMX_FAULT nothing of this is left.
 */

/*
 * Before a call that changes what is on disk.  A write tells its octets, and
 * where they go (-1: at the file position), so that a half of them can be
 * written; every other call has a fd of -1.
 *
 * 0: go on.  -1: the call is to fail with the errno that is set.  It does not
 * return where the process is to die.
 */
#ifdef MX_FAULT
int	fault_point(int fd, struct span, off_t);
#else
static inline int
fault_point(int fd, struct span s, off_t at)
{
	(void)fd, (void)s, (void)at;
	return 0;
}
#endif

#endif
