/* SPDX-License-Identifier: ISC */
/* The world as it is: the system's clocks, its sleep, OpenSSL's randomness. */

#include <openssl/rand.h>

#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "base/sys.h"

#define SECOND	INT64_C(1000000000)

/*
 * A signal may arrive between the look at stop_flag and the sleep, or in
 * another thread: so nobody sleeps longer than this without looking again.
 */
#define SLICE	(SECOND / 10)

volatile sig_atomic_t stop_flag;

static int64_t
clock_of(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) == -1)
		abort();	/* only for a clock that does not exist */
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static int64_t
real_now(void *arg)
{
	(void)arg;
	return clock_of(CLOCK_REALTIME);
}

static int64_t
real_mono(void *arg)
{
	(void)arg;
	return clock_of(CLOCK_MONOTONIC);
}

static void
real_sleep(void *arg, int64_t ns)
{
	const int64_t start = real_mono(arg);
	struct timespec t = { 0, 0 };
	int64_t left = ns;

	while (left > 0 && stop_flag == 0) {
		t.tv_nsec = (long)(left < SLICE ? left : SLICE);
		/* EINTR: a signal; whether it means stop is seen above. */
		(void)nanosleep(&t, NULL);
		left = ns - (real_mono(arg) - start);
	}
}

static void
real_random(void *arg, void *p, size_t n)
{
	unsigned char *at = p;
	int some;

	(void)arg;
	while (n > 0) {
		some = n < INT_MAX ? (int)n : INT_MAX;
		if (RAND_bytes(at, some) != 1)
			abort();	/* nothing predictable may stand in */
		at += some;
		n -= (size_t)some;
	}
}

const struct sys sys_real = {
	real_now, real_mono, real_sleep, real_random, NULL
};
