/* SPDX-License-Identifier: ISC */
/* Keys: what a header claims to be, however a server gives it back. */

#include <string.h>

#include "mail/header.h"
#include "mail/ident.h"

#include "check.h"

/* Two headers, and whether they claim the same message. */
static const struct row {
	const char	*name;
	struct span	 a, b;
	bool		 match;
} rows[] = {
	{ "same id", LIT("Message-ID: <a@b>\r\n\r\n"),
	    LIT("Message-ID: <a@b>\r\n\r\n"), true },
	{ "other id", LIT("Message-ID: <a@b>\r\n"),
	    LIT("Message-ID: <c@b>\r\n"), false },
	{ "case of the name", LIT("message-id: <a@b>\n"),
	    LIT("MESSAGE-ID: <a@b>\n"), true },
	{ "case of the domain", LIT("Message-ID: <a@B.Example>\n"),
	    LIT("Message-ID: <a@b.example>\n"), true },
	{ "case of the left side", LIT("Message-ID: <A@b>\n"),
	    LIT("Message-ID: <a@b>\n"), false },
	{ "two at signs", LIT("Message-ID: <A@B@C>\n"),
	    LIT("Message-ID: <A@B@c>\n"), true },
	{ "two at signs, left", LIT("Message-ID: <A@B@C>\n"),
	    LIT("Message-ID: <A@b@c>\n"), false },
	{ "folded", LIT("Message-ID:\r\n <a@b>\r\n"),
	    LIT("Message-ID: <a@b>\r\n"), true },
	{ "blanks inside", LIT("Message-ID: < a@\n\tb >\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "comment around", LIT("Message-ID: (x) <a@b> (y)\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "no brackets", LIT("Message-ID: a@b\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "bracket not closed", LIT("Message-ID: <a@b\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "blank before the colon", LIT("Message-ID : <a@b>\n"),
	    LIT("Message-ID : <a@b>\n"), false },
	{ "such a one first", LIT("Message-ID\t: <c@d>\nMessage-ID: <a@b>\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "the first field counts", LIT("Message-ID: <a@b>\nMessage-ID: <c@d>\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "NUL became 0x80", LIT("Message-ID: <a\0@b>\n"),
	    LIT("Message-ID: <a\x80@b>\n"), true },
	{ "8-bit became ?", LIT("Message-ID: <\xfc@b>\n"),
	    LIT("Message-ID: <?@b>\n"), true },
	{ "long without at", LIT("Message-ID: <12345678>\n"),
	    LIT("Message-ID: <12345678>\n"), true },
	{ "short without at", LIT("Message-ID: <1234567>\n"),
	    LIT("Message-ID: <1234567>\n"), false },
	{ "empty id", LIT("Message-ID: <>\n"), LIT("Message-ID: <>\n"), false },
	{ "no fields", LIT(""), LIT(""), false },

	{ "same date", LIT("Message-ID: <a@b>\nDate: 2 Jan 2006 15:04:05 GMT\n"),
	    LIT("Message-ID: <a@b>\nDate: Mon, 2 Jan 2006 16:04:05 +0100\n"), true },
	{ "other date", LIT("Message-ID: <a@b>\nDate: 2 Jan 2006 15:04:05 GMT\n"),
	    LIT("Message-ID: <a@b>\nDate: 2 Jan 2006 15:04:06 GMT\n"), false },
	{ "one date", LIT("Message-ID: <a@b>\nDate: 2 Jan 2006 15:04:05 GMT\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "one unreadable date", LIT("Message-ID: <a@b>\nDate: soon\n"),
	    LIT("Message-ID: <a@b>\nDate: 2 Jan 2006 15:04:05 GMT\n"), true },
	{ "same address", LIT("Message-ID: <a@b>\nFrom: \"X, <Y>\" <J@K.example>\n"),
	    LIT("Message-ID: <a@b>\nFrom: j@k.Example (Z)\n"), true },
	{ "other address", LIT("Message-ID: <a@b>\nFrom: j@k\n"),
	    LIT("Message-ID: <a@b>\nFrom: i@k\n"), false },
	{ "one address", LIT("Message-ID: <a@b>\nFrom: j@k\n"),
	    LIT("Message-ID: <a@b>\n"), true },
	{ "first of two", LIT("Message-ID: <a@b>\nFrom: j@k, l@m\n"),
	    LIT("Message-ID: <a@b>\nFrom: J <j@k>, l@m\n"), true },
	{ "route", LIT("Message-ID: <a@b>\nFrom: <@x,@y:j@k>\n"),
	    LIT("Message-ID: <a@b>\nFrom: j@k\n"), true },
	{ "quote not closed", LIT("Message-ID: <a@b>\nFrom: \"J <j@k>\n"),
	    LIT("Message-ID: <a@b>\nFrom: j@k\n"), true },
	{ "comment not closed", LIT("Message-ID: <a@b>\nFrom: (J <j@k>\n"),
	    LIT("Message-ID: <a@b>\nFrom: j@k\n"), true },

	{ "three headers", LIT("Date: 2 Jan 2006 15:04:05 GMT\nFrom: a@b\nTo: c\n"),
	    LIT("To: c\nFrom: A@B\nDate: 2 Jan 2006 15:04:05 +0000\n"), true },
	{ "two headers", LIT("From: a@b\nTo: c\n"), LIT("From: a@b\nTo: c\n"), false },
	{ "one of three empty", LIT("From: a@b\nTo: c\nSubject:  \n"),
	    LIT("From: a@b\nTo: c\nSubject:  \n"), false },
	{ "other subject", LIT("From: a@b\nTo: c\nSubject: d\n"),
	    LIT("From: a@b\nTo: c\nSubject: e\n"), false },
	{ "value in another field", LIT("From: a@b\nTo: c\nSubject: d\nCc: e\n"),
	    LIT("From: a@b\nTo: c\nSubject: d\n"), false },
	{ "subject is not Cc", LIT("From: a@b\nTo: c\nSubject: d\n"),
	    LIT("From: a@b\nTo: c\nCc: d\n"), false },
	{ "refolded", LIT("From: a@b\nTo: c,\n d\nSubject: d  e\n"),
	    LIT("From: a@b\r\nTo: c, d\r\nSubject:\td e \r\n"), true },
	{ "unreadable date is text", LIT("Date: soon\nFrom: a@b\nTo: c\n"),
	    LIT("Date: later\nFrom: a@b\nTo: c\n"), false },
	{ "insane id, same headers", LIT("Message-ID: <>\nFrom: a\nTo: c\nCc: d\n"),
	    LIT("From: a\nTo: c\nCc: d\n"), true },
	{ "id against headers", LIT("Message-ID: <a@b>\nFrom: a\nTo: c\nCc: d\n"),
	    LIT("From: a\nTo: c\nCc: d\n"), false },
	{ "only before the empty line", LIT("X: y\n\nMessage-ID: <a@b>\n"),
	    LIT("Message-ID: <a@b>\n"), false },
	{ "From of an mbox", LIT("From x@y Mon Jan  2 15:04:05 2006\n"
	    "From: a@b\nTo: c\nSubject: d\n"),
	    LIT("From: a@b\nTo: c\nSubject: d\n"), true },
};

static void
claims(void **state)
{
	struct key a, b;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		key_of(rows[i].a, &a);
		key_of(rows[i].b, &b);
		CHECK_INT(rows[i].name, key_match(&a, &b), rows[i].match);
		CHECK_INT(rows[i].name, key_match(&b, &a), rows[i].match);
	}
}

static void
kinds(void **state)
{
	static const struct {
		const char	*name;
		struct span	 header;
		enum key_kind	 kind;
	} cases[] = {
		{ "nothing",	LIT(""),			KEY_NONE },
		{ "empty line",	LIT("\r\nMessage-ID: <a@b>\r\n"), KEY_NONE },
		{ "id",		LIT("Message-ID: <a@b>\n"),	KEY_MSGID },
		{ "headers",	LIT("From: a\nTo: b\nCc: c\n"),	KEY_HEADERS },
		{ "two headers", LIT("From: a\nTo: b\n"),	KEY_NONE },
		{ "CR only",	LIT("From: a\rTo: b\rMessage-ID: <a@b>\r\r"), KEY_NONE },
		{ "second field sane", LIT("Message-ID:\nMessage-ID: <a@b>\n"), KEY_NONE },
	};
	struct key k;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		key_of(cases[i].header, &k);
		CHECK_INT(cases[i].name, k.kind, cases[i].kind);
	}
}

/* What mx-archive(5) says, to the octet: others must be able to compute it. */
static void
octets_are_fixed(void **state)
{
	struct digest d;
	struct key k;

	(void)state;
	key_of(SPAN("Message-ID: <A@B>\nFrom: X <J@K>\n"
	    "Date: Thu, 1 Jan 1970 01:00:07 +0100\n"), &k);
	sha256_of(SPAN("A@b"), &d);
	assert_memory_equal(k.id, d.b, 16);
	sha256_of(SPAN("j@k"), &d);
	assert_memory_equal(k.from, d.b, 8);
	assert_int_equal(k.date, 7);

	key_of(SPAN("From: X <J@K>\nDate: Thu, 1 Jan 1970 01:00:07 +0100\n"
	    "Subject: \xc3\xbc  b\n"), &k);
	sha256_of(SPAN("date:7\nfrom:j@k\nto:\nsubject:?? b\ncc:\n"), &d);
	assert_int_equal(k.kind, KEY_HEADERS);
	assert_memory_equal(k.id, d.b, 16);

	key_of(SPAN("To: a\nSubject: b\nCc: c\n"), &k);
	assert_true(k.date == INT64_MIN);
	assert_memory_equal(k.from, "\0\0\0\0\0\0\0\0", 8);
}

/* Values beyond the limit count up to it, however they are folded. */
static void
long_values(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct key ka, kb;
	size_t i;

	(void)state;
	buf_str(&a, "From: a@b\r\nSubject: s\r\nTo: ");
	buf_str(&b, "From: a@b\nSubject: s\nTo:");
	for (i = 0; i < 100000; i++) {
		buf_str(&a, "someone@example.org,\r\n\t");
		buf_str(&b, " someone@example.org,");
	}
	key_of(buf_span(&a), &ka);
	key_of(buf_span(&b), &kb);
	assert_int_equal(ka.kind, KEY_HEADERS);
	assert_true(key_match(&ka, &kb));
	buf_str(&b, " beyond");
	key_of(buf_span(&b), &kb);
	assert_true(key_match(&ka, &kb));
	buf_fini(&a);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims),
		cmocka_unit_test(kinds),
		cmocka_unit_test(octets_are_fixed),
		cmocka_unit_test(long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
