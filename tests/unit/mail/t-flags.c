/* SPDX-License-Identifier: ISC */
/* Flags: the one canonical text, and what may be sent. */

#include "mail/flags.h"

#include "check.h"

static const struct {
	const char	*in, *want;
	unsigned	 bits;
	const char	*letters;
} rows[] = {
	{ "",				"",		0, "" },
	{ "   ",			"",		0, "" },
	{ "\\Seen",			"\\Seen",	FLAG_SEEN, "S" },
	{ "\\seen \\SEEN",		"\\Seen",	FLAG_SEEN, "S" },
	{ "\\Recent",			"",		0, "" },
	{ "\\RECENT \\Seen",		"\\Seen",	FLAG_SEEN, "S" },
	{ "\\Seen \\Flagged \\Draft \\Deleted \\Answered",
	    "\\Answered \\Deleted \\Draft \\Flagged \\Seen",
	    FLAG_SEEN | FLAG_FLAGGED | FLAG_DRAFT | FLAG_DELETED | FLAG_ANSWERED,
	    "DFRST" },
	{ "$Forwarded \\Seen",		"\\Seen $Forwarded",
	    FLAG_SEEN | FLAG_FORWARDED, "PS" },
	{ "$forwarded",			"$forwarded",	FLAG_FORWARDED, "P" },
	{ "b A a B",			"A b",		0, "" },
	{ "work Work WORK",		"work",		0, "" },
	{ "  x   y ",			"x y",		0, "" },
	{ "NonJunk $Label1 Junk",	"$Label1 Junk NonJunk", 0, "" },
	{ "\\Other \\Seen",		"\\Seen \\Other", FLAG_SEEN, "S" },
	{ "ab a abc",			"a ab abc",	0, "" },
	{ "k\xc3\xb6 a",		"a k\xc3\xb6",	0, "" },
	{ "a\tb\r\nc",			"a b c",	0, "" },
};

static void
canonical_form(void **state)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		flags_canon(&b, span_str(rows[i].in));
		CHECK_SPAN(rows[i].in, buf_span(&b), span_str(rows[i].want));
		buf_clear(&again);
		flags_canon(&again, buf_span(&b));
		CHECK_SPAN(rows[i].in, buf_span(&again), buf_span(&b));
	}
	buf_clear(&b);
	buf_str(&b, "before:");
	flags_canon(&b, SPAN("x \\Seen"));
	CHECK_SPAN("appends", buf_span(&b), SPAN("before:\\Seen x"));
	buf_fini(&again);
	buf_fini(&b);
}

static void
bits_and_letters(void **state)
{
	char letters[8];
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		CHECK_INT(rows[i].in, flags_bits(span_str(rows[i].in)), rows[i].bits);
		flags_letters(span_str(rows[i].in), letters);
		CHECK_SPAN(rows[i].in, span_str(letters), span_str(rows[i].letters));
	}
	flags_letters(SPAN("$Forwarded \\Answered \\Seen \\Deleted \\Draft "
	    "\\Flagged $Forwarded"), letters);
	assert_string_equal(letters, "DFPRST");
}

static void
letters_name_flags(void **state)
{
	(void)state;
	assert_string_equal(flags_of_letter('D'), "\\Draft");
	assert_string_equal(flags_of_letter('F'), "\\Flagged");
	assert_string_equal(flags_of_letter('P'), "$Forwarded");
	assert_string_equal(flags_of_letter('R'), "\\Answered");
	assert_string_equal(flags_of_letter('S'), "\\Seen");
	assert_string_equal(flags_of_letter('T'), "\\Deleted");
	assert_null(flags_of_letter('a'));
	assert_null(flags_of_letter('\0'));
}

static void
having_and_sameness(void **state)
{
	(void)state;
	assert_true(flags_have(SPAN("\\Seen Work"), SPAN("work")));
	assert_true(flags_have(SPAN("\\Seen Work"), SPAN("\\SEEN")));
	assert_false(flags_have(SPAN("\\Seen Work"), SPAN("Wor")));
	assert_false(flags_have(SPAN("\\Seen Work"), SPAN("")));
	assert_false(flags_have(SPAN_NONE, SPAN("x")));
	assert_true(flags_eq(SPAN("\\Seen Work"), SPAN("\\Seen work")));
	assert_false(flags_eq(SPAN("\\Seen"), SPAN("\\Seen work")));
	assert_true(flags_eq(SPAN_NONE, SPAN("")));
}

static void
what_may_be_sent(void **state)
{
	static const struct {
		const char	*name;
		struct span	 flag;
		bool		 ok;
	} cases[] = {
		{ "system",	LIT("\\Seen"),		true },
		{ "extension",	LIT("\\Other"),	true },
		{ "keyword",	LIT("$Label1"),	true },
		{ "odd but atom", LIT("a+b-c[d:e"),	true },
		{ "recent",	LIT("\\recent"),	false },
		{ "wildcard",	LIT("\\*"),		false },
		{ "backslash",	LIT("\\"),		false },
		{ "two",	LIT("\\\\Seen"),	false },
		{ "empty",	LIT(""),		false },
		{ "space",	LIT("a b"),		false },
		{ "bracket",	LIT("a]"),		false },
		{ "parenthesis", LIT("a("),		false },
		{ "closing",	LIT("a)"),		false },
		{ "brace",	LIT("{3}"),		false },
		{ "percent",	LIT("a%"),		false },
		{ "quote",	LIT("a\"b"),		false },
		{ "line end",	LIT("a\r\nb"),		false },
		{ "NUL",	LIT("a\0b"),		false },
		{ "DEL",	LIT("a\x7f"),		false },
		{ "8-bit",	LIT("k\xc3\xb6"),	false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		CHECK_INT(cases[i].name, flags_valid(cases[i].flag), cases[i].ok);
}

/* A list that only an attacker would send takes no quadratic time. */
static void
many_keywords(void **state)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		buf_fmt(&in, "k%05d ", (i * 7919) % 100000);
	flags_canon(&out, buf_span(&in));
	assert_true(buf_ok(&out));
	assert_int_equal(out.n, in.n - 1);
	assert_true(span_starts(buf_span(&out), "k00000 k00001 k00002 "));
	buf_fini(&in);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_form),
		cmocka_unit_test(bits_and_letters),
		cmocka_unit_test(letters_name_flags),
		cmocka_unit_test(having_and_sameness),
		cmocka_unit_test(what_may_be_sent),
		cmocka_unit_test(many_keywords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
