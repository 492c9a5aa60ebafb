/* SPDX-License-Identifier: ISC */
/* Modified UTF-7. */

#include "mail/utf7.h"

#include "../base/row.h"

#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }

/* Both ways. */
static const struct pair {
	const char	*name;
	struct span	 wire, utf8;
} pairs[] = {
	{ "nothing", LIT(""), LIT("") },
	{ "ASCII", LIT("INBOX/a b~"), LIT("INBOX/a b~") },
	{ "ampersand", LIT("A&-B&-&-"), LIT("A&B&&") },
	{ "one unit", LIT("Entw&APw-rfe"), LIT("Entw\xc3\xbcrfe") },
	{ "two units", LIT("&ZeVnLIqe-"), LIT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e") },
	{ "RFC 3501", LIT("~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
	    LIT("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e") },
	{ "beyond 16 bits", LIT("&2D3eAA-"), LIT("\xf0\x9f\x98\x80") },
	{ "the last character", LIT("&2,,f,w-"), LIT("\xf4\x8f\xbf\xbf") },
	{ "ampersand behind a shift", LIT("&AOQ-&-"), LIT("\xc3\xa4&") },
	{ "minus behind a shift", LIT("&AOQ--"), LIT("\xc3\xa4-") },
	{ "controls", LIT("a&AAEAfw-"), LIT("a\x01\x7f") },
};

/* Not well-formed. */
static const struct pair broken[] = {
	{ "lone ampersand", LIT("a&b"), LIT("") },
	{ "at the end", LIT("a&"), LIT("") },
	{ "not closed", LIT("&AOQ"), LIT("") },
	{ "no digit", LIT("&A!-"), LIT("") },
	{ "slash is no digit", LIT("&U/BTFw-"), LIT("") },
	{ "a byte too few", LIT("&AO-"), LIT("") },
	{ "padding not zero", LIT("&AOR-"), LIT("") },
	{ "a digit too many", LIT("&AOQA-"), LIT("") },
	{ "printable ASCII", LIT("&AGE-"), LIT("") },
	{ "NUL", LIT("&AAA-"), LIT("") },
	{ "null shift", LIT("&AOQ-&APw-"), LIT("") },
	{ "first half", LIT("&2D0-"), LIT("") },
	{ "second half", LIT("&3gA-"), LIT("") },
	{ "first halves", LIT("&2D3YPQ-"), LIT("") },
	{ "first half, then else", LIT("&2D0A5A-"), LIT("") },
	{ "8 bits", LIT("\xc3\xa4"), LIT("") },
	{ "control", LIT("a\x01"), LIT("") },
};

static void
both_ways(void **state)
{
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(pairs); i++) {
		buf_clear(&b);
		buf_str(&b, "x");
		ROW_OK(pairs[i].name, utf7_decode(pairs[i].wire, &b));
		ROW_SPAN(pairs[i].name, span_from(buf_span(&b), 1), pairs[i].utf8);
		buf_clear(&b);
		buf_str(&b, "x");
		ROW_OK(pairs[i].name, utf7_encode(pairs[i].utf8, &b));
		ROW_SPAN(pairs[i].name, span_from(buf_span(&b), 1), pairs[i].wire);
	}
	buf_fini(&b);
}

static void
refused(void **state)
{
	static const struct pair no_utf8[] = {
		{ "cut", LIT(""), LIT("a\xc3") },
		{ "Latin-1", LIT(""), LIT("\xe4") },
		{ "half a pair", LIT(""), LIT("\xed\xa0\xbd") },
		{ "NUL", LIT(""), LIT("a\0") },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	buf_str(&b, "x");
	for (i = 0; i < N(broken); i++) {
		ROW_OK(broken[i].name, !utf7_decode(broken[i].wire, &b));
		ROW_SPAN(broken[i].name, buf_span(&b), SPAN("x"));
	}
	for (i = 0; i < N(no_utf8); i++) {
		ROW_OK(no_utf8[i].name, !utf7_encode(no_utf8[i].utf8, &b));
		ROW_SPAN(no_utf8[i].name, buf_span(&b), SPAN("x"));
	}
	buf_fini(&b);
}

/* Every character comes back, alone and between others. */
static void
every_character(void **state)
{
	struct buf utf8 = BUF_INIT, wire = BUF_INIT, back = BUF_INIT;
	uint32_t cp;
	char name[32];

	(void)state;
	for (cp = 1; cp <= 0x10ffff; cp += cp < 0x3000 ? 1 : 37) {
		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		(void)snprintf(name, N(name), "U+%04X", (unsigned)cp);
		buf_clear(&utf8);
		buf_clear(&wire);
		buf_clear(&back);
		buf_fmt(&utf8, "%c%c%c", 0xe2, 0x82, 0xac);
		if (cp < 0x80) {
			buf_chr(&utf8, (unsigned char)cp);
		} else if (cp < 0x800) {
			buf_fmt(&utf8, "%c%c", 0xc0 | cp >> 6, 0x80 | (cp & 63));
		} else if (cp < 0x10000) {
			buf_fmt(&utf8, "%c%c%c", 0xe0 | cp >> 12,
			    0x80 | (cp >> 6 & 63), 0x80 | (cp & 63));
		} else {
			buf_fmt(&utf8, "%c%c%c%c", 0xf0 | cp >> 18,
			    0x80 | (cp >> 12 & 63), 0x80 | (cp >> 6 & 63),
			    0x80 | (cp & 63));
		}
		ROW_OK(name, utf7_encode(buf_span(&utf8), &wire));
		ROW_OK(name, utf7_decode(buf_span(&wire), &back));
		ROW_SPAN(name, buf_span(&back), buf_span(&utf8));
	}
	buf_fini(&utf8);
	buf_fini(&wire);
	buf_fini(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(refused),
		cmocka_unit_test(every_character),
	};

	return cmocka_run_group_tests_name("utf7", tests, NULL, NULL);
}
