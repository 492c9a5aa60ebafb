/* SPDX-License-Identifier: ISC */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What comes in from outside: clocks, sleep, randomness.
 *
 * Passed by argument to whatever needs it, so that tests own time.
 */

struct sys {
	int64_t	(*now)(void *);			/* UTC, nanoseconds since 1970 */
	int64_t	(*mono)(void *);		/* steady, nanoseconds */
	void	(*sleep)(void *, int64_t ns);	/* ends early when stop is set */
	void	(*random)(void *, void *buf, size_t);	/* aborts if it has none */
	void	*arg;
};

extern const struct sys sys_real;

static inline int64_t
sys_now(const struct sys *s)
{
	return s->now(s->arg);
}

static inline int64_t
sys_mono(const struct sys *s)
{
	return s->mono(s->arg);
}

static inline void
sys_sleep(const struct sys *s, int64_t ns)
{
	s->sleep(s->arg, ns);
}

static inline void
sys_random(const struct sys *s, void *p, size_t n)
{
	s->random(s->arg, p, n);
}

/*
 * Set by SIGINT and SIGTERM (tools/tool.c): finish the message in hand,
 * commit, leave.  The one global that changes.
 */
extern volatile sig_atomic_t stop_flag;

#endif
