/* SPDX-License-Identifier: ISC */
#ifndef T_ROW_H
#define T_ROW_H

/* cmocka, with the name of a table's row in front of what failed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"

#define ROW_OK(row, cond)						\
	do {								\
		if (!(cond))						\
			fail_msg("%s: not so: %s", (row), #cond);	\
	} while (0)

#define ROW_SPAN(row, is, want)						\
	do {								\
		const struct span is_ = (is), want_ = (want);		\
		if (!span_eq(is_, want_))				\
			fail_msg("%s: %s is \"%.*s\" (%zu), want \"%.*s\" (%zu)", \
			    (row), #is, SPAN_ARG(is_), is_.n,		\
			    SPAN_ARG(want_), want_.n);			\
	} while (0)

#endif
