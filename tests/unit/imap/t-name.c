/* SPDX-License-Identifier: ISC */
/* Mailbox names between the wire and mail/name.h. */

#include "imap/utf7.h"

#include "../base/row.h"

#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }

static const struct name_row {
	const char	*name;
	struct span	 raw;
	char		 delimiter;
	bool		 ok, exact;
	struct span	 parsed;
} names[] = {
	{ "plain", LIT("Work/A"), '/', true, true, LIT("Work\0A") },
	{ "dots", LIT("INBOX.Sent"), '.', true, true, LIT("INBOX\0Sent") },
	{ "the other delimiter", LIT("a/b.c"), '.', true, true, LIT("a/b\0c") },
	{ "backslash", LIT("a\\b"), '\\', true, true, LIT("a\0b") },
	{ "flat", LIT("a/b.c"), 0, true, true, LIT("a/b.c") },
	{ "decoded", LIT("Entw&APw-rfe/&ZeU-"), '/', true, true,
	    LIT("Entw\xc3\xbcrfe\0\xe6\x97\xa5") },
	{ "inbox", LIT("inbox/a"), '/', true, false, LIT("INBOX\0a") },
	{ "inbox below", LIT("a/inbox"), '/', true, true, LIT("a\0inbox") },
	{ "trailing delimiter", LIT("a/b/"), '/', true, false, LIT("a\0b") },
	{ "leading delimiter", LIT("/a"), '/', true, false, LIT("a") },
	{ "doubled delimiter", LIT("a//b"), '/', true, false, LIT("a\0b") },
	{ "raw UTF-8", LIT("\xc3\xa4"), '/', true, false, LIT("\xc3\xa4") },
	{ "Latin-1", LIT("a\xe4/b"), '/', true, false, LIT("a%e4\0b") },
	{ "lone ampersand", LIT("A&B"), '/', true, false, LIT("A%26B") },
	{ "not canonical", LIT("&AGE-"), '/', true, false, LIT("%26AGE-") },
	{ "percent stays", LIT("100%25"), '/', true, true, LIT("100%25") },
	{ "NUL", LIT("a\0b"), '/', true, false, LIT("a%00b") },
	{ "dots are no path here", LIT("../x"), '/', true, true, LIT("..\0x") },
	{ "delimiter hidden by base64", LIT("&ZeU-.a"), '-', true, false,
	    LIT("%26ZeU\0.a") },
	{ "empty", LIT(""), '/', false, false, LIT("") },
	{ "delimiters only", LIT("//"), '/', false, false, LIT("") },
	{ "empty, flat", LIT(""), 0, false, false, LIT("") },
};

static void
parse_names(void **state)
{
	struct buf name = BUF_INIT, raw = BUF_INIT;
	bool exact;
	size_t i;

	(void)state;
	for (i = 0; i < N(names); i++) {
		const struct name_row *r = &names[i];

		buf_clear(&name);
		buf_clear(&raw);
		exact = !r->exact;
		ROW_OK(r->name, imap_name_parse(&name, r->raw, r->delimiter,
		    &exact) == r->ok);
		ROW_SPAN(r->name, buf_span(&name), r->parsed);
		ROW_OK(r->name, exact == r->exact);
		if (!r->ok || !r->exact)
			continue;
		ROW_OK(r->name, imap_name_wire(&raw, buf_span(&name), r->delimiter));
		ROW_SPAN(r->name, buf_span(&raw), r->raw);
	}
	buf_fini(&name);
	buf_fini(&raw);
}

static void
names_the_server_cannot_hold(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
		char		 delimiter;
	} rows[] = {
		{ "delimiter within", LIT("a\0b/c"), '/' },
		{ "hierarchy on a flat server", LIT("a\0b"), 0 },
		{ "no UTF-8", LIT("a\xe4"), '/' },
		{ "delimiter within base64", LIT("\xe5\x8f\xb0\xe5\x8c\x97"), ',' },
		{ "empty", LIT(""), '/' },
	};
	struct buf raw = BUF_INIT;
	size_t i;

	(void)state;
	buf_str(&raw, "x");
	for (i = 0; i < N(rows); i++) {
		ROW_OK(rows[i].name,
		    !imap_name_wire(&raw, rows[i].in, rows[i].delimiter));
		ROW_SPAN(rows[i].name, buf_span(&raw), SPAN("x"));
	}
	buf_fini(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_names),
		cmocka_unit_test(names_the_server_cannot_hold),
	};

	return cmocka_run_group_tests_name("imap names", tests, NULL, NULL);
}
