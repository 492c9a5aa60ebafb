/* SPDX-License-Identifier: ISC */
/* What a read-only session may send, how strings are sent, sets of UIDs. */

#include "script.h"

#include "imap/command.h"
#include "imap/resp.h"
#include "imap/uidset.h"

/* Every verb that changes something is refused to a source. */
static void
read_only(void **state)
{
	static const enum verb reads[] = {
		VERB_CAPABILITY, VERB_NOOP, VERB_LOGOUT, VERB_STARTTLS,
		VERB_AUTHENTICATE, VERB_LOGIN, VERB_ID, VERB_NAMESPACE,
		VERB_LIST, VERB_LSUB, VERB_STATUS, VERB_EXAMINE,
		VERB_UID_FETCH,
	};
	struct session s = { .readonly = true };
	struct command c = { .text = BUF_INIT };
	size_t i, v;

	(void)state;
	for (v = 0; v < VERB_COUNT; v++) {
		struct err err = ERR_INIT;
		bool may = false;

		for (i = 0; i < N(reads); i++)
			may = may || reads[i] == (enum verb)v;
		ROW_OK(command_verb((enum verb)v),
		    command_reads((enum verb)v) == may);
		ROW_OK(command_verb((enum verb)v),
		    command_begin(&c, &s, (enum verb)v, &err) ==
		    (may ? 0 : -1));
		if (!may)
			ROW_OK(command_verb((enum verb)v),
			    err.scope == ERR_RUN && err.status == STATUS_BUG);
	}
	command_fini(&c);
}

/* No FETCH of a source may set \Seen. */
static void
peeking(void **state)
{
	static const struct {
		const char *atts;
		bool fine;
	} rows[] = {
		{ "1 (UID BODY.PEEK[])", true },
		{ "1 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE)])", true },
		{ "1 (UID BODY[])", false },
		{ "1 (UID body[TEXT])", false },
		{ "1 (RFC822)", false },
		{ "1 (RFC822.TEXT)", false },
		{ "1 (BINARY[])", false },
	};
	struct account acct = { .connections = 0 };
	struct session s = { .readonly = true, .acct = &acct };
	struct command c = { .text = BUF_INIT };
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		struct err err = ERR_INIT;

		ROW_OK(rows[i].atts,
		    command_begin(&c, &s, VERB_UID_FETCH, &err) == 0);
		command_text(&c, rows[i].atts);
		/* There is no connection: what passes the guard fails there. */
		ROW_OK(rows[i].atts, command_send(&c, NULL, &err) == -1);
		ROW_OK(rows[i].atts, err.scope ==
		    (rows[i].fine ? ERR_SESSION : ERR_RUN));
	}
	command_fini(&c);
}

static void
strings(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
		const char	*plus, *sync;
	} rows[] = {
		{ "atom", LIT("INBOX/a.b"), "INBOX/a.b", "INBOX/a.b" },
		{ "empty", LIT(""), "\"\"", "\"\"" },
		{ "blank", LIT("a b"), "\"a b\"", "\"a b\"" },
		{ "quotes", LIT("a\"b\\"), "\"a\\\"b\\\\\"",
		    "\"a\\\"b\\\\\"" },
		{ "wildcards", LIT("*%"), "\"*%\"", "\"*%\"" },
		{ "NIL", LIT("nil"), "\"nil\"", "\"nil\"" },
		{ "brace", LIT("a{1}"), "\"a{1}\"", "\"a{1}\"" },
		{ "bracket", LIT("[Gmail]"), "\"[Gmail]\"", "\"[Gmail]\"" },
		{ "CR LF", LIT("a\r\nb"), "{4+}\r\na\r\nb", "{4}\r\na\r\nb" },
		{ "8-bit", LIT("\303\244"), "{2+}\r\n\303\244",
		    "{2}\r\n\303\244" },
		{ "tab", LIT("a\tb"), "{3+}\r\na\tb", "{3}\r\na\tb" },
	};
	struct session plus = { .caps = UINT64_C(1) << CAP_LITERAL_PLUS };
	struct session sync = { .caps = 0 };
	struct command c = { .text = BUF_INIT };
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		assert_int_equal(command_begin(&c, &plus, VERB_NOOP, NULL), 0);
		buf_clear(&c.text);
		command_string(&c, rows[i].in);
		ROW_SPAN(rows[i].name, span_from(buf_span(&c.text), 1),
		    span_str(rows[i].plus));
		ROW_OK(rows[i].name, c.nwaits == 0 && !c.bad);
		assert_int_equal(command_begin(&c, &sync, VERB_NOOP, NULL), 0);
		buf_clear(&c.text);
		command_string(&c, rows[i].in);
		ROW_SPAN(rows[i].name, span_from(buf_span(&c.text), 1),
		    span_str(rows[i].sync));
		ROW_OK(rows[i].name, c.nwaits ==
		    (rows[i].sync[0] == '{' ? 1 : 0));
	}
	command_string(&c, SPAN("a\0b"));
	assert_true(c.bad);
	command_fini(&c);
}

static void
literal_minus(void **state)
{
	const struct session s = { .caps = UINT64_C(1) << CAP_LITERAL_MINUS };
	struct buf b = BUF_INIT;

	(void)state;
	assert_false(command_literal(&s, &b, 4096, false));
	assert_true(command_literal(&s, &b, 4097, false));
	assert_true(command_literal(&s, &b, 1, true));
	ROW_SPAN("sizes", buf_span(&b),
	    SPAN("{4096+}\r\n{4097}\r\n{1}\r\n"));
	buf_fini(&b);
}

static void
classes(void **state)
{
	static const struct {
		const char *code, *text;
		enum resp_class class;
		int64_t ms;
	} rows[] = {
		{ "", "Request is throttled. Suggested Backoff Time: 299961 "
		    "milliseconds", CLASS_THROTTLE, 299961 },
		{ "", "Suggested Backoff Time: 99999999999999 milliseconds",
		    CLASS_THROTTLE, 3600000 },
		{ "LIMIT", "UID FETCH Rate limit hit.", CLASS_THROTTLE, 0 },
		{ "OVERQUOTA", "Account exceeded command or bandwidth limits",
		    CLASS_THROTTLE, 0 },
		{ "OVERQUOTA", "Quota exceeded", CLASS_QUOTA, 0 },
		{ "", "Over quota", CLASS_QUOTA, 0 },
		{ "TOOBIG", "x", CLASS_TOO_BIG, 0 },
		{ "", "Mailbox already exists", CLASS_EXISTS, 0 },
		{ "", "Mailbox doesn't exist: a", CLASS_ABSENT, 0 },
		{ "SERVERBUG", "oops", CLASS_OTHER, 0 },
		{ "", "", CLASS_OTHER, 0 },
	};
	int64_t wait;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		const struct resp r = { .cond = RESP_NO,
		    .code = span_str(rows[i].code),
		    .text = span_str(rows[i].text) };

		ROW_OK(rows[i].text, resp_class(&r, &wait) == rows[i].class);
		ROW_OK(rows[i].text, wait == rows[i].ms * 1000000);
	}
}

static void
uidsets(void **state)
{
	static const uint32_t in[] = {
		5, 3, 4, 4, 1, 10, 4294967295u, 9, 11, 2, 4294967294u, 0, 20,
	};
	struct uidset a = { .v = NULL }, b = { .v = NULL }, c = { .v = NULL };
	struct uidrange r;
	struct buf text = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(in); i++)
		assert_int_equal(uidset_add(&a, in[i], NULL), 0);
	assert_int_equal(a.count, 11);
	uidset_put(&text, &a);
	ROW_SPAN("all", buf_span(&text),
	    SPAN("1:5,9:11,20,4294967294:4294967295"));
	assert_true(uidset_has(&a, 4294967295u));
	assert_false(uidset_has(&a, 0));
	assert_false(uidset_has(&a, 6));
	assert_true(uidset_next(&a, 1, 5, &r) && r.lo == 1 && r.hi == 5);
	assert_true(uidset_next(&a, 2, 5, &r) && r.lo == 2 && r.hi == 9);
	assert_true(uidset_next(&a, 12, 9, &r) && r.lo == 20 &&
	    r.hi == 4294967295u);
	assert_int_equal(uidset_add(&b, 4, NULL), 0);
	assert_int_equal(uidset_add(&b, 20, NULL), 0);
	assert_int_equal(uidset_minus(&a, &b, &c, NULL), 0);
	buf_clear(&text);
	uidset_put(&text, &c);
	ROW_SPAN("minus", buf_span(&text), SPAN("1:3,5,9:11,4294967294:4294967295"));
	uidset_fini(&a);
	uidset_fini(&b);
	uidset_fini(&c);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_only),
		cmocka_unit_test(peeking),
		cmocka_unit_test(strings),
		cmocka_unit_test(literal_minus),
		cmocka_unit_test(classes),
		cmocka_unit_test(uidsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
