/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_NOWHERE_H
#define TOOLS_NOWHERE_H

#include "mail/endpoint.h"

/*
 * A sink for dry runs whose destination does not exist yet: it wants all that
 * it is offered and takes none of it.
 */
struct sink	*nowhere_sink(struct err *);	/* NULL: out of memory */

#endif
