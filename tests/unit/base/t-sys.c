/* SPDX-License-Identifier: ISC */
/* The real clocks, sleep and randomness. */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "row.h"

#define MS	INT64_C(1000000)

static void
on_signal(int sig)
{
	stop_flag = sig;
}

static void
clocks_go_on(void **state)
{
	const int64_t mono = sys_mono(&sys_real);
	const int64_t sec = sys_now(&sys_real) / (1000 * MS);

	(void)state;
	assert_true(sys_mono(&sys_real) >= mono);
	assert_in_range(sec, time(NULL) - 2, time(NULL) + 2);
}

static void
sleeps_as_long_as_asked(void **state)
{
	const int64_t start = sys_mono(&sys_real);
	int64_t took;

	(void)state;
	sys_sleep(&sys_real, 0);
	sys_sleep(&sys_real, -5);
	sys_sleep(&sys_real, 250 * MS);
	took = sys_mono(&sys_real) - start;
	assert_true(took >= 250 * MS);
}

static void
does_not_sleep_when_stopped(void **state)
{
	const int64_t start = sys_mono(&sys_real);

	(void)state;
	stop_flag = 1;
	sys_sleep(&sys_real, 60000 * MS);
	stop_flag = 0;
	assert_true(sys_mono(&sys_real) - start < 10000 * MS);
}

/* A signal that sets the flag ends the sleep; another one does not. */
static void
wakes_early(void **state)
{
	const int64_t start = sys_mono(&sys_real);
	struct sigaction sa;
	pid_t child;

	(void)state;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	if ((child = fork()) == 0) {
		sys_sleep(&sys_real, 100 * MS);
		(void)kill(getppid(), SIGUSR1);
		_exit(0);
	}
	assert_true(child > 0);
	sys_sleep(&sys_real, 60000 * MS);
	assert_int_equal(stop_flag, SIGUSR1);
	stop_flag = 0;
	assert_true(sys_mono(&sys_real) - start < 10000 * MS);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
random_fills_all(void **state)
{
	unsigned char a[64], b[64], both[64];
	size_t i, round;

	(void)state;
	memset(both, 0, N(both));
	for (round = 0; round < 64; round++) {
		memset(a, 0, N(a));
		sys_random(&sys_real, a, N(a));
		for (i = 0; i < N(a); i++)
			both[i] |= a[i];
	}
	for (i = 0; i < N(both); i++)
		assert_int_not_equal(both[i], 0);
	sys_random(&sys_real, b, N(b));
	assert_memory_not_equal(a, b, N(a));
	sys_random(&sys_real, b, 0);
}

/* Whoever is given a struct sys asks it, and nothing else. */
static int64_t
fixed(void *arg)
{
	return *(int64_t *)arg;
}

static void
note(void *arg, int64_t ns)
{
	*(int64_t *)arg += ns;
}

static void
zero(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static void
tests_own_time(void **state)
{
	int64_t t = 5;
	const struct sys fake = { fixed, fixed, note, zero, &t };
	unsigned char one = 1;

	(void)state;
	sys_sleep(&fake, 7);
	assert_int_equal(sys_now(&fake), 12);
	assert_int_equal(sys_mono(&fake), 12);
	sys_random(&fake, &one, 1);
	assert_int_equal(one, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_go_on),
		cmocka_unit_test(sleeps_as_long_as_asked),
		cmocka_unit_test(does_not_sleep_when_stopped),
		cmocka_unit_test(wakes_early),
		cmocka_unit_test(random_fills_all),
		cmocka_unit_test(tests_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
