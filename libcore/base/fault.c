/* SPDX-License-Identifier: ISC */
/*
 * Fault points: this build breaks on demand.  Only in builds with -DMX_FAULT,
 * for tests; MX_FAULT in the environment is read once, before main().
 */

#include "base/fault.h"

#ifdef MX_FAULT

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

enum mode { MODE_NONE, MODE_COUNT, MODE_FAIL, MODE_KILL, MODE_SHORT };

static struct {
	enum mode	 mode;
	uint64_t	 at;		/* the point that it is about, from 1 */
	int		 sys;		/* MODE_FAIL: the errno */
	const char	*file;		/* MODE_COUNT */
} plan;

static _Atomic uint64_t points;

static const struct { const char *name; int sys; } errors[] = {
	{ "EACCES", EACCES }, { "EDQUOT", EDQUOT }, { "EEXIST", EEXIST },
	{ "EFBIG", EFBIG }, { "EIO", EIO }, { "EMFILE", EMFILE },
	{ "ENFILE", ENFILE }, { "ENOENT", ENOENT }, { "ENOMEM", ENOMEM },
	{ "ENOSPC", ENOSPC }, { "EPERM", EPERM }, { "EPIPE", EPIPE },
	{ "EROFS", EROFS }, { "ESTALE", ESTALE },
};

static void
write_count(void)
{
	FILE *f = fopen(plan.file, "w");

	if (f == NULL || fprintf(f, "%llu\n",
	    (unsigned long long)points) < 0 || fclose(f) != 0)
		_exit(70);
}

/* "17" or, for fail, "17:ENOSPC".  False where it is neither. */
static bool
parse_point(struct span s)
{
	struct span number;
	size_t i;

	if (!span_next(&s, ':', &number) || !span_u64(number, &plan.at))
		return false;
	if (plan.mode != MODE_FAIL)
		return s.n == 0;
	for (i = 0; i < N(errors); i++)
		if (span_is(s, errors[i].name))
			plan.sys = errors[i].sys;
	return plan.sys != 0;
}

static bool
parse(struct span s)
{
	struct span mode = SPAN_NONE;

	(void)span_next(&s, ':', &mode);
	if (span_is(mode, "count") && s.n > 0) {
		plan.mode = MODE_COUNT;
		plan.file = (const char *)s.p;	/* the environment's, with its NUL */
		return atexit(write_count) == 0;
	}
	if (span_is(mode, "fail"))
		plan.mode = MODE_FAIL;
	else if (span_is(mode, "kill"))
		plan.mode = MODE_KILL;
	else if (span_is(mode, "short"))
		plan.mode = MODE_SHORT;
	return plan.mode != MODE_NONE && parse_point(s);
}

/* A test that mistypes its plan must not pass because nothing broke. */
static void __attribute__((constructor))
begin(void)
{
	const char *text = getenv("MX_FAULT");

	if (text == NULL || parse(span_str(text)))
		return;
	(void)fprintf(stderr, "MX_FAULT=%s: not a plan\n", text);
	_exit(70);
}

static _Noreturn void
die(void)
{
	(void)raise(SIGKILL);
	_exit(70);		/* never reached */
}

/* Half of the octets, as well as it goes. */
static void
write_half(int fd, struct span s, off_t at)
{
	const size_t half = s.n / 2;
	size_t done = 0;
	ssize_t n;

	while (done < half) {
		n = at == -1 ? write(fd, s.p + done, half - done) :
		    pwrite(fd, s.p + done, half - done, at + (off_t)done);
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

int
fault_point(int fd, struct span s, off_t at)
{
	const uint64_t here = atomic_fetch_add(&points, 1) + 1;

	if (here != plan.at)
		return 0;
	switch (plan.mode) {
	case MODE_NONE:
	case MODE_COUNT:
		break;
	case MODE_FAIL:
		errno = plan.sys;
		return -1;
	case MODE_SHORT:
		if (fd != -1)
			write_half(fd, s, at);
		die();
	case MODE_KILL:
		die();
	}
	return 0;
}

#endif
