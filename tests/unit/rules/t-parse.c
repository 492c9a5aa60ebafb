/* SPDX-License-Identifier: ISC */
/* What is a rule, what is none, and where exactly the error is. */

#include "try.h"

static const struct {
	const char	*text;
	size_t		 rules;
} good[] = {
	{ "", 0 },
	{ " \t", 0 },
	{ "# nothing", 0 },
	{ "\t# folder s/a", 0 },
	{ "\n\n\r\n", 0 },
	{ "\xef\xbb\xbf" "# as some editors begin a file", 0 },
	{ "drop", 1 },
	{ "  drop\t", 1 },
	{ "drop # all of it", 1 },
	{ "drop\r\ndrop\r\n", 2 },
	{ "drop\n\n# x\n drop", 2 },
	{ "keep if seen", 1 },
	{ "folder s/a/b/", 1 },
	{ "folder s#a#b#", 1 },
	{ "folder s#a#b# # and a comment", 1 },
	{ "folder\ts,a,b,g", 1 },
	{ "folder s/a/b/gimsx if unseen", 1 },
	{ "folder s{a}  {b}g", 1 },
	{ "folder prefix \"if\" if draft", 1 },
	{ "flags add \\Seen if flagged # x", 1 },
	{ "flags add a#b", 1 },
	{ "flags drop $Label1 \"if\" 'x'", 1 },
	{ "flags s/a/b/", 1 },
	{ "drop if size>45M", 1 },
	{ "drop if size > 0", 1 },
	{ "drop if size == 1k or size == 1M or size != 1G", 1 },
	{ "drop if size <= 1Ki or size >= 1Mi or size < 1Gi", 1 },
	{ "drop if age < 1s or age > 1m or age < 1h or age > 1d or age < 1w", 1 },
	{ "drop if date < 2026-11-22", 1 },
	{ "drop if mailbox=~/a/ and mailbox !~ m{b}imsx", 1 },
	{ "drop if mailbox =~ m,a/b,", 1 },
	{ "drop if mailbox == \"a b\" or mailbox != 'c \"'", 1 },
	{ "drop if mailbox == Trash", 1 },
	{ "drop if flag \\Seen and flag $x and flag \"y\"", 1 },
	{ "drop if flags =~ /\\\\Seen/ or flags !~ /x/i", 1 },
	{ "drop if not not (seen)", 1 },
	{ "drop if ((((seen))or(draft))and(flagged))", 1 },
	{ "drop if not(seen or draft)and not answered", 1 },
	{ "drop if undeleted and unanswered and unflagged and undraft", 1 },
};

static void
accepted(void **state)
{
	struct err err = ERR_INIT;
	struct rules *rules;
	size_t i;

	(void)state;
	for (i = 0; i < N(good); i++) {
		rules = rules_new(&err);
		assert_non_null(rules);
		if (rules_add(rules, "x", span_str(good[i].text), NULL,
		    &err) == -1)
			fail_msg("%s: %s", good[i].text, err.msg);
		CHECK(good[i].text, rules_count(rules) == good[i].rules);
		rules_free(rules);
	}
}

static const struct {
	const char	*text;
	size_t		 column;
	const char	*message;	/* its beginning */
} bad[] = {
	/* words */
	{ "fodler s/a/b/", 1, "\"fodler\" is no action; did you mean \"folder\"?" },
	{ "Drop", 1, "\"Drop\" is no action; did you mean \"drop\"?" },
	{ "frobnicate", 1, "\"frobnicate\" is no action; there are: folder "
	    "flags drop keep" },
	{ "/x/", 1, "an action is wanted here" },
	{ "folder", 7, "a verb is wanted here: s prefix" },
	{ "folder perfix x", 8, "\"perfix\" is no verb; did you mean \"prefix\"?" },
	{ "flags dorp a", 7, "\"dorp\" is no verb; did you mean \"drop\"?" },
	{ "flags prefix a", 7, "\"prefix\" is no verb; there are: s add drop "
	    "only" },
	{ "drop if seeen", 9, "\"seeen\" is no condition; did you mean \"seen\"?" },
	{ "drop if unansvered", 9, "\"unansvered\" is no condition; did you mean "
	    "\"unanswered\"?" },
	{ "drop if nto seen", 9, "\"nto\" is no condition; did you mean \"not\"?" },
	{ "drop if", 8, "a condition is wanted here" },
	{ "drop if seen and", 17, "a condition is wanted here" },
	{ "drop if seen or # x", 17, "a condition is wanted here" },
	{ "drop if not", 12, "a condition is wanted here" },
	{ "drop if ()", 10, "a condition is wanted here" },

	/* how they follow each other */
	{ "drop iff seen", 6, "\"if\", or the end of the rule, is wanted here; "
	    "did you mean \"if\"?" },
	{ "drop#x", 5, "\"if\", or the end of the rule, is wanted here" },
	{ "drop )", 6, "\"if\", or the end of the rule, is wanted here" },
	{ "keep", 5, "\"if\" is wanted here" },
	{ "keep # x", 6, "\"if\" is wanted here" },
	{ "drop if seen adn draft", 14, "\"and\", \"or\", or the end of the "
	    "rule, is wanted here; did you mean \"and\"?" },
	{ "drop if seen draft", 14, "\"and\", \"or\", or the end of the rule, is" },
	{ "drop if (seen", 9, "this ( is not closed" },
	{ "drop if not (seen or (draft)", 13, "this ( is not closed" },
	{ "drop if seen)", 13, "this ) closes nothing" },
	{ "drop if (seen))", 15, "this ) closes nothing" },

	/* numbers and days */
	{ "drop if size", 13, "one of < <= > >= == != is wanted here" },
	{ "drop if size =~ /x/", 14, "one of < <= > >= == != is wanted here" },
	{ "drop if size = 1", 14, "one of < <= > >= == != is wanted here" },
	{ "drop if size >", 15, "a number is wanted here" },
	{ "drop if size > 45x", 18, "a number is wanted here" },
	{ "drop if size > 4.5M", 17, "a number is wanted here" },
	{ "drop if size > -1", 16, "a number is wanted here" },
	{ "drop if size > 99999999999999999999", 16, "the number is too big" },
	{ "drop if size > 9223372036855M", 16, "the number is too big" },
	{ "drop if age < 2", 16, "a number is wanted here, as in 2d" },
	{ "drop if age < 2D", 16, "a number is wanted here, as in 2d" },
	{ "drop if age < 15250284452472w", 15, "the number is too big" },
	{ "drop if date > 2026-13-01", 16, "a day is wanted here" },
	{ "drop if date > 2026-1-1", 16, "a day is wanted here" },
	{ "drop if date > 2026-01-01T00:00:00Z", 16, "a day is wanted here" },
	{ "drop if date ~ 2026-01-01", 14, "one of < <= > >= == != is wanted" },

	/* names, flags, strings */
	{ "drop if mailbox", 16, "one of =~ !~ == != is wanted here" },
	{ "drop if mailbox > x", 17, "one of =~ !~ == != is wanted here" },
	{ "drop if mailbox ==", 19, "the name of a mailbox is wanted here" },
	{ "drop if mailbox == \"x", 20, "the string has no closing \"" },
	{ "drop if mailbox == 'x\\'", 20, "the string has no closing '" },
	{ "drop if mailbox == Sent Items", 25, "\"and\", \"or\", or the end" },
	{ "drop if flag", 13, "a flag is wanted here" },
	{ "drop if flag (x)", 14, "a flag is wanted here" },
	{ "drop if flag \"a b\"", 14, "a flag is wanted here" },
	{ "drop if flags == x", 15, "one of =~ !~ is wanted here" },
	{ "flags add", 10, "a flag is wanted here" },
	{ "flags add if seen", 11, "a flag is wanted here" },
	{ "flags add seen", 11, "did you mean \\Seen?" },
	{ "flags only a DRAFT", 14, "did you mean \\Draft?" },
	{ "flags add \\Recent", 11, "no flag is written so" },
	{ "flags add a(b)", 12, "no flag is written so" },
	{ "flags add \xc3\xa9", 11, "no flag is written so" },
	{ "folder prefix", 14, "the name of a mailbox is wanted here" },
	{ "folder prefix //", 15, "the name of a mailbox is wanted here" },
	{ "folder prefix a b", 17, "\"if\", or the end of the rule, is" },

	/* regexes and what replaces them */
	{ "drop if mailbox =~ x", 20, "a regex is wanted here" },
	{ "drop if mailbox =~ /x", 20, "no closing / is found" },
	{ "drop if mailbox =~ m{x{}", 21, "no closing } is found" },
	{ "drop if mailbox =~ /x/g", 23, "this is no flag of a regex; there are: "
	    "imsx" },
	{ "drop if mailbox =~ //", 21, "the regex is empty" },
	{ "drop if mailbox =~ /a(b/", 24, "missing closing parenthesis" },
	{ "folder s", 9, "a delimiter is wanted here" },
	{ "folder s /a/b/", 9, "a delimiter is wanted here" },
	{ "folder s\\a\\b\\", 9, "a delimiter is wanted here" },
	{ "folder s\xc3\xa9" "a\xc3\xa9" "b\xc3\xa9", 9, "a delimiter is wanted" },
	{ "folder s/a", 9, "no closing / is found" },
	{ "folder s/a/b", 11, "no closing / is found" },
	{ "folder s/a/b\\/", 11, "no closing / is found" },
	{ "folder s{a}{b", 12, "no closing } is found" },
	{ "folder s{a}", 12, "a delimiter is wanted here" },
	{ "folder s/a/b/q", 14, "this is no flag of a regex; there are: gimsx" },
	{ "folder s/a/b/e", 14, "this is no flag of a regex" },
	{ "folder s/a/b/ x", 15, "\"if\", or the end of the rule, is wanted" },
	{ "folder s//b/", 10, "the regex is empty" },
	{ "folder s/a)/b/", 11, "unmatched closing parenthesis" },
	{ "folder s,a\\,b\\,),b,", 16, "unmatched closing parenthesis" },
	{ "folder s{a\\}b)}{b}", 14, "unmatched closing parenthesis" },
	{ "folder s/\xc3\xa9\xe2\x82\xac)/b/", 12, "unmatched closing parenthesis" },
	{ "folder s/\\C/b/", 12, "using \\C is disabled" },
	{ "flags s/(*UTF)a/b/", 15, "using UTF is disabled" },
	{ "folder s/a/$x/", 12, "there are no variables here" },
	{ "folder s/a/b$/", 13, "there are no variables here" },
	{ "folder s/a/${x}/", 12, "there are no variables here" },
	{ "folder s/a/$0/", 12, "there are no variables here" },
	{ "folder s/a/$1/", 12, "there is no group 1; the regex has 0" },
	{ "folder s/(a)/\\2/", 14, "there is no group 2; the regex has 1" },
	{ "folder s/(a)/$12/", 14, "there is no group 12; the regex has 1" },
	{ "folder s/(a)/\\10/", 14, "a group is ${10}" },
	{ "folder s/(a)/${1/", 14, "a group is written as ${1}" },
	{ "folder s/(a)/$1[0]/", 14, "Perl would look into a variable here; "
	    "write ${1}" },
	{ "folder s/(a)/$+{x}/", 14, "there is no group of that name" },
	{ "folder s/a/b\\q/", 13, "\\q stands for nothing" },
	{ "folder s,a\\,b,\\,\\q,", 17, "\\q stands for nothing" },
	{ "folder s/a/\\0/", 12, "a NUL can stand neither" },
	{ "folder s/a/\\x/", 12, "a NUL can stand neither" },
	{ "folder s/a/\\x{110000}/", 12, "there is no such character" },
	{ "folder s/a/\\x{d800}/", 12, "there is no such character" },
	{ "folder s/a/\\x{41/", 12, "the number of a character is wanted" },
	{ "folder s/a/\\N{SPACE}/", 12, "the number of a character is wanted" },
	{ "folder s/a/\\o12/", 12, "the number of a character is wanted" },
	{ "flags s/a/\\x{100}/", 11, "flags are octets" },

	/* what is no text */
	{ "drop\xff", 5, "this is not UTF-8" },
	{ "\xc3\xa9\xc3", 2, "this is not UTF-8" },
};

static void
refused(void **state)
{
	struct buf want = BUF_INIT, detail = BUF_INIT;
	struct rules *rules;
	struct err err;
	size_t i, k;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		err = (struct err)ERR_INIT;
		rules = rules_new(&err);
		buf_clear(&detail);
		CHECK(bad[i].text, rules_add(rules, "my rules",
		    span_str(bad[i].text), &detail, &err) == -1);
		CHECK(bad[i].text, err.scope == ERR_RUN);
		CHECK(bad[i].text, err.status == STATUS_USAGE);
		buf_clear(&want);
		buf_fmt(&want, "my rules:1:%zu: %s", bad[i].column,
		    bad[i].message);
		CHECK_SPAN(bad[i].text, span_head(span_str(err.msg), want.n),
		    buf_span(&want));

		buf_clear(&want);
		if (utf8_valid(span_str(bad[i].text)))
			buf_fmt(&want, "%s\n", bad[i].text);
		else
			buf_put(&want, span_head(buf_span(&detail),
			    span_find(buf_span(&detail), '\n') + 1));
		for (k = 1; k < bad[i].column; k++)
			buf_chr(&want, ' ');
		buf_str(&want, "^\n");
		CHECK_SPAN(bad[i].text, buf_span(&detail), buf_span(&want));
		rules_free(rules);
	}
	buf_fini(&want);
	buf_fini(&detail);
}

/* The line number, and a line that could not be shown as it is. */
static void
places(void **state)
{
	static const struct {
		struct span	 text;
		const char	*place, *detail;
	} rows[] = {
		{ LIT("# a\n\ndrop\r\ndrop x\ndrop y\n"), "f:4:6: ",
		    "drop x\n     ^\n" },
		{ LIT("\tdrop\tx"), "f:1:7: ", " drop x\n      ^\n" },
		{ LIT("drop \x1b[1m"), "f:1:6: ", "drop \\x1b[1m\n     ^\n" },
		{ LIT("drop \0"), "f:1:6: a NUL ", NULL },
		{ LIT("\xef\xbb\xbf" "dro"), "f:1:1: ", "dro\n^\n" },
	};
	struct buf detail = BUF_INIT;
	struct rules *rules;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		err = (struct err)ERR_INIT;
		rules = rules_new(&err);
		buf_clear(&detail);
		CHECK(rows[i].place, rules_add(rules, "f", rows[i].text,
		    &detail, &err) == -1);
		CHECK_SPAN(rows[i].place, span_head(span_str(err.msg),
		    strlen(rows[i].place)), span_str(rows[i].place));
		if (rows[i].detail != NULL)
			CHECK_SPAN(rows[i].place, buf_span(&detail),
			    span_str(rows[i].detail));
		rules_free(rules);
	}
	buf_fini(&detail);
}

/* -e after -e goes on counting; a file begins anew. */
static void
expressions(void **state)
{
	struct err err = ERR_INIT;
	struct rules *rules = rules_new(&err);

	(void)state;
	assert_int_equal(rules_add(rules, "-e", SPAN("drop"), NULL, &err), 0);
	assert_int_equal(rules_add(rules, "a", SPAN("drop\ndrop"), NULL, &err), 0);
	assert_int_equal(rules_add(rules, "-e", SPAN(""), NULL, &err), 0);
	assert_int_equal(rules_add(rules, "-e", SPAN("x"), NULL, &err), -1);
	assert_memory_equal(err.msg, "-e:3:1: ", 8);
	err_clear(&err);
	assert_int_equal(rules_add(rules, "a", SPAN("x"), NULL, &err), -1);
	assert_memory_equal(err.msg, "a:1:1: ", 7);
	assert_int_equal(rules_count(rules), 3);
	rules_free(rules);
}

/* Depth and length have an end, and what is below it works. */
static void
bounds(void **state)
{
	static const struct {
		const char	*name, *head, *unit, *middle, *tail;
		size_t		 times;
		bool		 ok;
	} rows[] = {
		{ "100 parentheses", "drop if ", "(", "seen", ")", 100, true },
		{ "101 parentheses", "drop if ", "(", "seen", ")", 101, false },
		{ "100 nots", "drop if ", "not ", "seen", "", 100, true },
		{ "101 nots", "drop if ", "not ", "seen", "", 101, false },
		{ "100 of each join", "drop if ", "seen or draft and (", "seen",
		    ")", 100, true },
		{ "5000 ands", "drop if ", "seen and ", "seen", "", 5000, true },
		{ "60000 blanks", "drop", " ", "", "", 60000, true },
		{ "70000 blanks", "drop", " ", "", "", 70000, false },
		{ "250 groups", "folder s/", "(", "a", ")", 251, false },
	};
	struct err err = ERR_INIT;
	struct buf b = BUF_INIT;
	struct rules *rules;
	size_t i, k;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		buf_str(&b, rows[i].head);
		for (k = 0; k < rows[i].times; k++)
			buf_str(&b, rows[i].unit);
		buf_str(&b, rows[i].middle);
		for (k = 0; k < rows[i].times; k++)
			buf_str(&b, rows[i].tail);
		rules = rules_new(&err);
		CHECK(rows[i].name, (rules_add(rules, "f", buf_span(&b), NULL,
		    &err) == 0) == rows[i].ok);
		rules_free(rules);
		err_clear(&err);
	}
	buf_fini(&b);
}

/* A text with some octets taken out, put in, doubled or cut off. */
static void
spoil(struct buf *out, struct span s, uint64_t *seed)
{
	static const char odd[] = "/\\${}()[]<>\"'#=~!*+?|^.\n\t 0a\xff\xc3";
	size_t i, at;

	buf_clear(out);
	buf_put(out, s);
	for (i = try_random(seed) % 4; i > 0 && out->n > 0; i--) {
		at = try_random(seed) % out->n;
		switch (try_random(seed) % 4) {
		case 0:
			out->n = at;
			break;
		case 1:
			memmove(out->p + at, out->p + at + 1, out->n - at - 1);
			out->n--;
			break;
		default:
			out->p[at] = (unsigned char)
			    odd[try_random(seed) % (sizeof(odd) - 1)];
		}
	}
}

/*
 * Whatever the text: it is parsed, or refused with a place in it; and what was
 * parsed can be applied.
 */
static void
spoilt(void **state)
{
	struct buf text = BUF_INIT, detail = BUF_INIT;
	struct item item = { .flags = SPAN("\\Seen $x"), .size = 5 };
	uint64_t seed = 815;
	struct span source;
	struct try t;
	size_t i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		source = span_str(i % 2 == 0 ? good[i / 2 % N(good)].text :
		    bad[i / 2 % N(bad)].text);
		spoil(&text, source, &seed);
		t = (struct try){ .err = ERR_INIT };
		t.rules = rules_new(&t.err);
		buf_clear(&detail);
		if (rules_add(t.rules, "f", buf_span(&text), &detail,
		    &t.err) == -1) {
			CHECK("refused", t.err.status == STATUS_USAGE);
			CHECK("refused", strncmp(t.err.msg, "f:", 2) == 0);
			CHECK("refused", utf8_valid(buf_span(&detail)));
		}
		t.eval = rules_eval_new(t.rules, TRY_NOW, &t.err);
		try_apply(&t, "A/B|Trash|x", &item);
		CHECK("applied", t.rc == 0 || t.err.scope == ERR_MESSAGE);
		CHECK("applied", t.rc == -1 || t.out.mailbox.n > 0);
		try_fini(&t);
	}
	buf_fini(&text);
	buf_fini(&detail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(places),
		cmocka_unit_test(expressions),
		cmocka_unit_test(bounds),
		cmocka_unit_test(spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
