/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_OPT_H
#define TOOLS_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/*
 * Options as tables: one row gives the parsing, the help and the usage line.
 * A command has several groups of rows; the shared ones stand in tool.h.
 */

enum opt_type {
	OPT_FLAG,	/* bool */
	OPT_STR,	/* const char *, borrowed from argv */
	OPT_LIST,	/* struct opt_list: as often as wanted, in order */
	OPT_COUNT,	/* uint32_t, 1 or more */
	OPT_FD,		/* int, 0 or more */
};

struct opt {
	char		 letter;	/* 0: none */
	const char	*name;		/* long form, without dashes */
	enum opt_type	 type;
	void		*to;
	const char	*arg;		/* what its argument is called; NULL: none */
	const char	*help;		/* one clause, small first letter, no full stop */
};

struct opt_group {
	const char	 *title;	/* over its rows in --help */
	const char	 *prefix;	/* "a-": the names become --a-NAME, letters go; or NULL */
	const struct opt *v;
	size_t		  n;
};

/* Arguments of an OPT_LIST, and which row each came from. */
struct opt_list {
	const char	**v;
	const struct opt **from;
	size_t		  n;
};

void	opt_list_fini(struct opt_list *);

/*
 * Parse argv[1..argc); "--" ends the options, "-" is an operand, and options
 * and operands may be mixed.  The operands are moved to argv[1..]; their count is the result.
 * -1: STATUS_USAGE, the text names the option.  `*help` or `*version` is set for those.
 */
int	opt_parse(int argc, char *argv[], const struct opt_group *, size_t n,
	    bool *help, bool *version, struct err *);

/* Append the help: title lines, one row an option; HELP_WIDTH columns at most. */
#define HELP_WIDTH	80
void	opt_help(struct buf *, const struct opt_group *, size_t n);

/*
 * Append a text, broken between words, from `column` on, where the line is already; a newline in it
 * begins a new line.  Ends with one.
 */
void	opt_wrap(struct buf *, const char *text, int column);

#endif
