/* SPDX-License-Identifier: ISC */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/*
 * The exit statuses of every command, in one table.
 *
 * A failure carries the status that it leads to should it end the run.
 */

#define STATUS_TABLE(X)							\
	X(STATUS_OK,		0,	"OK",		"all was done; for mx-diff: the same") \
	X(STATUS_PASSED,	1,	"PASSED_OVER",	"finished, but some items were passed over and listed; for mx-diff: they differ") \
	X(STATUS_CONNECT,	10,	"CONNECTION",	"the server could not be reached, or the connection was lost for good") \
	X(STATUS_TLS,		12,	"TLS",		"no safe TLS connection could be had") \
	X(STATUS_AUTH,		16,	"AUTHENTICATION", "the server refused the login") \
	X(STATUS_USAGE,		64,	"USAGE",	"the command line or a rule is wrong") \
	X(STATUS_DATA,		65,	"DAMAGED",	"the input is damaged, cut short, or not what it should be") \
	X(STATUS_NOINPUT,	66,	"NO_INPUT",	"the input does not exist or cannot be read") \
	X(STATUS_BUG,		70,	"BUG",		"a fault of the program itself, or no memory was left") \
	X(STATUS_IO,		74,	"IO",		"reading or writing failed, or the disk is full") \
	X(STATUS_LOCKED,	75,	"LOCKED",	"another command is writing there") \
	X(STATUS_QUOTA,		113,	"QUOTA",	"the destination has no room left") \
	X(STATUS_BUDGET,	118,	"BUDGET",	"the limit set for this run was reached") \
	X(STATUS_INTERRUPTED,	130,	"INTERRUPTED",	"interrupted; run it again to go on")

enum status {
#define X(id, number, name, text) id = number,
	STATUS_TABLE(X)
#undef X
};

/* The name as the last line of a command prints it, as "PASSED_OVER". */
const char	*status_name(enum status);

/* What it means, one clause without a full stop. */
const char	*status_text(enum status);

#endif
