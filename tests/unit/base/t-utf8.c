/* SPDX-License-Identifier: ISC */
/* UTF-8: what is a character and what is not; text made safe to look at. */

#include "base/utf8.h"
#include "row.h"

static void
decode(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
		size_t		 n;
		uint32_t	 cp;
	} rows[] = {
		{ "nothing",		{ NULL, 0 },		0, 0 },
		{ "NUL",		LIT("\0"),		1, 0 },
		{ "A",			LIT("AB"),		1, 'A' },
		{ "DEL",		LIT("\x7f"),		1, 0x7f },
		{ "first of two",	LIT("\xc2\x80"),	2, 0x80 },
		{ "last of two",	LIT("\xdf\xbf"),	2, 0x7ff },
		{ "first of three",	LIT("\xe0\xa0\x80"),	3, 0x800 },
		{ "before surrogates",	LIT("\xed\x9f\xbf"),	3, 0xd7ff },
		{ "after surrogates",	LIT("\xee\x80\x80"),	3, 0xe000 },
		{ "last of three",	LIT("\xef\xbf\xbf"),	3, 0xffff },
		{ "first of four",	LIT("\xf0\x90\x80\x80"), 4, 0x10000 },
		{ "last of all",	LIT("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
		{ "continuation alone",	LIT("\x80"),		0, 0 },
		{ "overlong NUL",	LIT("\xc0\x80"),	0, 0 },
		{ "overlong DEL",	LIT("\xc1\xbf"),	0, 0 },
		{ "overlong of three",	LIT("\xe0\x9f\xbf"),	0, 0 },
		{ "overlong of four",	LIT("\xf0\x8f\xbf\xbf"), 0, 0 },
		{ "first surrogate",	LIT("\xed\xa0\x80"),	0, 0 },
		{ "last surrogate",	LIT("\xed\xbf\xbf"),	0, 0 },
		{ "beyond the last",	LIT("\xf4\x90\x80\x80"), 0, 0 },
		{ "F5",			LIT("\xf5\x80\x80\x80"), 0, 0 },
		{ "FF",			LIT("\xff"),		0, 0 },
		{ "cut after 1 of 2",	LIT("\xc3"),		0, 0 },
		{ "cut after 2 of 3",	LIT("\xe2\x82"),	0, 0 },
		{ "cut after 3 of 4",	LIT("\xf0\x9f\x98"),	0, 0 },
		{ "broken off by ASCII", LIT("\xe2\x82" "A"),	0, 0 },
		{ "third octet wrong",	LIT("\xe2\x82\xc0"),	0, 0 },
	};
	uint32_t cp;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		cp = 0;
		ROW_OK(rows[i].name, utf8_next(rows[i].in, &cp) == rows[i].n);
		ROW_OK(rows[i].name, rows[i].n == 0 || cp == rows[i].cp);
	}
	assert_true(utf8_valid(SPAN_NONE));
	assert_true(utf8_valid(SPAN("a\xc3\xa4\xf0\x9f\x98\x80\0z")));
	assert_false(utf8_valid(SPAN("a\xc3\xa4\xf0\x9f\x98")));
}

/* Every code point there and back. */
static void
round_trip(void **state)
{
	struct buf b = BUF_INIT;
	uint32_t cp, back;
	size_t n;

	(void)state;
	for (cp = 0; cp <= 0x10ffff; cp++) {
		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		buf_clear(&b);
		utf8_put(&b, cp);
		n = utf8_next(buf_span(&b), &back);
		if (n != b.n || back != cp)
			fail_msg("U+%04X", (unsigned)cp);
	}
	buf_clear(&b);
	utf8_put(&b, 0xd800);
	utf8_put(&b, 0xdfff);
	utf8_put(&b, 0x110000);
	utf8_put(&b, UINT32_MAX);
	ROW_SPAN("replaced", buf_span(&b),
	    SPAN("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
	buf_fini(&b);
}

static void
made_safe(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in, out;
	} rows[] = {
		{ "plain",	LIT("a \\ z~"),	LIT("a \\ z~") },
		{ "umlaut",	LIT("\xc3\xa4"),	LIT("\xc3\xa4") },
		{ "emoji",	LIT("\xf0\x9f\x98\x80"), LIT("\xf0\x9f\x98\x80") },
		{ "escape",	LIT("\x1b]0;x\a"),	LIT("\\x1b]0;x\\x07") },
		{ "lines",	LIT("a\r\n\tb"),	LIT("a\\x0d\\x0a\\x09b") },
		{ "NUL",	LIT("a\0b"),		LIT("a\\x00b") },
		{ "DEL",	LIT("\x7f"),		LIT("\\x7f") },
		{ "C1",		LIT("\xc2\x9b"),	LIT("\\xc2\\x9b") },
		{ "bare C1",	LIT("\x9b"),		LIT("\\x9b") },
		{ "no break space", LIT("\xc2\xa0"),	LIT("\xc2\xa0") },
		{ "Latin-1",	LIT("f\xfcr"),		LIT("f\\xfcr") },
		{ "cut",	LIT("\xe2\x82"),	LIT("\\xe2\\x82") },
		{ "overlong",	LIT("\xc0\x9b"),	LIT("\\xc0\\x9b") },
		{ "override",	LIT("\xe2\x80\xae"),	LIT("\\u{202E}") },
		{ "embedding",	LIT("\xe2\x80\xaa"),	LIT("\\u{202A}") },
		{ "line separator", LIT("\xe2\x80\xa8"), LIT("\\u{2028}") },
		{ "paragraph separator", LIT("\xe2\x80\xa9"), LIT("\\u{2029}") },
		{ "isolate",	LIT("\xe2\x81\xa6"),	LIT("\\u{2066}") },
		{ "pop isolate", LIT("\xe2\x81\xa9"),	LIT("\\u{2069}") },
		{ "LRM",	LIT("\xe2\x80\x8e"),	LIT("\\u{200E}") },
		{ "RLM",	LIT("\xe2\x80\x8f"),	LIT("\\u{200F}") },
		{ "ALM",	LIT("\xd8\x9c"),	LIT("\\u{061C}") },
		{ "dash before them", LIT("\xe2\x80\xa7"), LIT("\xe2\x80\xa7") },
		{ "space behind them", LIT("\xe2\x80\xaf"), LIT("\xe2\x80\xaf") },
		{ "nothing",	{ NULL, 0 },		{ NULL, 0 } },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		safe_put(&b, rows[i].in);
		ROW_SPAN(rows[i].name, buf_span(&b), rows[i].out);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(made_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
