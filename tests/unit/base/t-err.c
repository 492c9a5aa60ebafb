/* SPDX-License-Identifier: ISC */
/* Errors as values, and the table of exit statuses that they carry. */

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "row.h"

static void
set_fills_everything(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err.sys = 7;
	assert_int_equal(err_set(&err, ERR_MAILBOX, STATUS_DATA, "uid %d: %s",
	    4711, "odd"), -1);
	assert_int_equal(err.scope, ERR_MAILBOX);
	assert_int_equal(err.status, STATUS_DATA);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.msg, "uid 4711: odd");
}

static void
sys_keeps_errno_and_its_text(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_sys(&err, ERR_RUN, STATUS_IO, "%s", "a/b"), -1);
	assert_int_equal(err.sys, ENOSPC);
	assert_int_equal(err.status, STATUS_IO);
	assert_string_equal(err.msg, "a/b: No space left on device");
}

static void
context_goes_in_front(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	(void)err_set(&err, ERR_MESSAGE, STATUS_PASSED, "too big");
	err_at(&err, "uid %d", 3);
	err_at(&err, "%s", "INBOX");
	assert_string_equal(err.msg, "INBOX: uid 3: too big");
	assert_int_equal(err.scope, ERR_MESSAGE);
	assert_int_equal(err.status, STATUS_PASSED);
}

static void
own_message_as_argument(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	(void)err_set(&err, ERR_RUN, STATUS_IO, "inner");
	(void)err_set(&err, ERR_RUN, STATUS_IO, "outer (%s)", err.msg);
	assert_string_equal(err.msg, "outer (inner)");
	err_at(&err, "%s", err.msg);
	assert_string_equal(err.msg, "outer (inner): outer (inner)");
}

/* Texts around the size of msg, which has to end in a NUL whatever comes. */
static void
long_texts_are_cut(void **state)
{
	struct err err = ERR_INIT;
	char text[N(err.msg) + 8];
	size_t n, len;

	(void)state;
	for (n = N(err.msg) - 40; n < N(text); n++) {
		memset(text, 'x', n);
		text[n] = '\0';

		(void)err_set(&err, ERR_RUN, STATUS_IO, "%s", text);
		assert_int_equal(strlen(err.msg),
		    n < N(err.msg) ? n : N(err.msg) - 1);
		err_at(&err, "context");
		assert_memory_equal(err.msg, "context: xxx", 12);

		/* The reason outlives a context that is too long. */
		errno = EIO;
		(void)err_sys(&err, ERR_RUN, STATUS_IO, "%s", text);
		len = strlen(err.msg);
		assert_true(len < N(err.msg));
		assert_string_equal(err.msg + len - strlen(": Input/output error"),
		    ": Input/output error");

		(void)err_set(&err, ERR_RUN, STATUS_IO, "why");
		err_at(&err, "%s", text);
		assert_true(strlen(err.msg) < N(err.msg));
		assert_int_equal(err.msg[0], 'x');
	}
}

static void
no_memory(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_nomem(&err), -1);
	assert_int_equal(err.scope, ERR_RUN);
	assert_int_equal(err.status, STATUS_BUG);
	assert_string_equal(err.msg, "out of memory");
	err_clear(&err);
	assert_int_equal(err.scope, ERR_NONE);
	assert_int_equal(err.status, STATUS_OK);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.msg, "");
}

static void
nobody_wants_to_know(void **state)
{
	(void)state;
	errno = EIO;
	assert_int_equal(err_set(NULL, ERR_RUN, STATUS_IO, "x"), -1);
	assert_int_equal(err_sys(NULL, ERR_RUN, STATUS_IO, "x"), -1);
	assert_int_equal(err_nomem(NULL), -1);
	err_at(NULL, "x");
}

static void
every_status_has_a_name(void **state)
{
	static const struct { enum status status; int number; const char *name; }
	rows[] = {
#define X(id, number, name, text) { id, number, name },
		STATUS_TABLE(X)
#undef X
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		ROW_OK(rows[i].name, (int)rows[i].status == rows[i].number);
		ROW_OK(rows[i].name,
		    strcmp(status_name(rows[i].status), rows[i].name) == 0);
		ROW_OK(rows[i].name, status_text(rows[i].status)[0] != '\0');
		ROW_OK(rows[i].name, strchr(status_text(rows[i].status), '.') == NULL);
		for (k = 0; k < i; k++)
			ROW_OK(rows[i].name, rows[k].number != rows[i].number);
	}
	assert_string_equal(status_name((enum status)99), "UNKNOWN");
	assert_non_null(status_text((enum status)99));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_everything),
		cmocka_unit_test(sys_keeps_errno_and_its_text),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(own_message_as_argument),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(nobody_wants_to_know),
		cmocka_unit_test(every_status_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
