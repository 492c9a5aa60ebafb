/* SPDX-License-Identifier: ISC */
#ifndef CHECK_H
#define CHECK_H

/* Checks that name the row of a table in which they fail. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/bytes.h"

#define CHECK(row, cond)						\
	do {								\
		if (!(cond))						\
			fail_msg("%s: %s", (row), #cond);		\
	} while (0)

#define CHECK_INT(row, got, want)					\
	do {								\
		const int64_t got_ = (int64_t)(got);			\
		const int64_t want_ = (int64_t)(want);			\
		if (got_ != want_)					\
			fail_msg("%s: %s is %lld, not %lld", (row), #got, \
			    (long long)got_, (long long)want_);		\
	} while (0)

#define CHECK_SPAN(row, got, want)					\
	do {								\
		const struct span got_ = (got), want_ = (want);		\
		if (!span_eq(got_, want_))				\
			fail_msg("%s: %s is \"%.*s\", not \"%.*s\"",	\
			    (row), #got, SPAN_ARG(got_), SPAN_ARG(want_)); \
	} while (0)

/* A span for the initialiser of a static table. */
#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }

/* Repeatable numbers for random tests (xorshift64*). */
static inline uint64_t
check_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline size_t
check_below(uint64_t *state, size_t n)
{
	return (size_t)(check_random(state) >> 16) % n;
}

#endif
