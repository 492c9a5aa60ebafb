/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/sys.h"
#include "tools/opt.h"

/*
 * What every command does the same way: start, options, help, signals, the last line.
 */

#define MX_VERSION	"1.0"

struct tool {
	const char	*name;		/* "mx-dump" */
	const char	*synopsis;	/* behind the name in the usage line */
	const char	*about;		/* what it does, a sentence */
	bool		 quiet;		/* -q: errors only */
	bool		 verbose;	/* -v: each item */
	bool		 json;		/* --json */
	const char	*log;		/* --log FILE: what is said, with the time; also what -q leaves unsaid */
	FILE		*logfile;
	const char	*passed;	/* what exit 1 is called; NULL: PASSED_OVER */
	bool		 shared;	/* its terminal is another command's of the pipeline too */
	bool		 bare;		/* its output is one message: no -v, no --json */
};

/*
 * Locale, umask, SIGPIPE ignored, SIGINT and SIGTERM set stop_flag.  Parses argv with `own` groups and
 * the shared ones (-q -v --json --log); answers --help and --version and exits 0 then.  The
 * operands move to argv[1..]; fewer than min or more than max of them is a usage error.  Exits 64 on
 * a usage error.  The count of operands.
 */
int	tool_start(struct tool *, int argc, char *argv[],
	    const struct opt_group *own, size_t n, int min, int max);

/* Whether the standard output is a pipe: another command comes behind. */
bool	tool_is_piped(void);

/* "NAME: message" on stderr (and the log), made safe; err's text likewise. */
void	tool_say(struct tool *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	tool_error(struct tool *, const struct err *);

/* The same for what -q leaves unsaid; the log has it all the same. */
void	tool_note(struct tool *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/*
 * The end: the stable last line "NAME: COUNTS: exit N (NAME)" on stderr, unless quiet and all is well
 * (a usage error has no counts);
 * flushes stdout and fails with STATUS_IO where that fails.  Returns the exit status for main().
 */
int	tool_end(struct tool *, const char *counts, enum status);

/* "mx-dump 1.0", for heads. */
const char *tool_program(struct tool *);

/* rows of the shared connection options; see place.h for the struct */

#endif
