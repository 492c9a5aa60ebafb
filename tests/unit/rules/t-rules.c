/* SPDX-License-Identifier: ISC */
/* Conditions, the order of rules, and what becomes of mailboxes themselves. */

#include <pthread.h>

#include "try.h"

/* ---- conditions ---- */

/* What they are asked of, unless a row says otherwise. */
#define DAY	INT64_C(86400)

static const struct {
	const char	*cond;
	const char	*mailbox, *flags;
	uint64_t	 size;
	int64_t		 age;		/* seconds; -1: there is no date */
	bool		 holds;
} conds[] = {
	{ "size > 45M",		"a", "", 45000001, 0, true },
	{ "size > 45M",		"a", "", 45000000, 0, false },
	{ "size >= 45M",	"a", "", 45000000, 0, true },
	{ "size < 1k",		"a", "", 999, 0, true },
	{ "size < 1Ki",		"a", "", 1024, 0, false },
	{ "size <= 1Ki",	"a", "", 1024, 0, true },
	{ "size == 2Mi",	"a", "", 2 << 20, 0, true },
	{ "size == 3Gi",		"a", "", UINT64_C(3) << 30, 0, true },
	{ "size != 0",		"a", "", 0, 0, false },
	{ "size > 9G",		"a", "", UINT64_MAX, 0, true },
	{ "age < 2d",		"a", "", 0, 2 * DAY - 1, true },
	{ "age < 2d",		"a", "", 0, 2 * DAY, false },
	{ "age >= 2d",		"a", "", 0, 2 * DAY, true },
	{ "age > 1w",		"a", "", 0, 7 * DAY + 1, true },
	{ "age > 90m",		"a", "", 0, 5401, true },
	{ "age <= 1h",		"a", "", 0, 3600, true },
	{ "age < 1s",		"a", "", 0, -DAY, true },	/* of tomorrow */
	{ "age > 0s or age <= 0s", "a", "", 0, -1, false },
	{ "not age < 2d",	"a", "", 0, -1, true },
	{ "date < 9999-01-01",	"a", "", 0, -1, false },
	{ "date == 2027-01-15",	"a", "", 0, 0, true },
	{ "date < 2027-01-15",	"a", "", 0, 0, false },
	{ "date < 2027-01-15",	"a", "", 0, 8 * 3600, false },
	{ "date < 2027-01-15",	"a", "", 0, 8 * 3600 + 1, true },
	{ "date > 2027-01-15",	"a", "", 0, -16 * 3600, true },
	{ "date < 1970-01-01",	"a", "", 0, TRY_NOW + 1, true },
	{ "date == 1969-12-31",	"a", "", 0, TRY_NOW + 1, true },
	{ "mailbox =~ /^a.b$/",	"a|b", "", 0, 0, true },
	{ "mailbox =~ /^a$/",	"a|b", "", 0, 0, false },
	{ "mailbox !~ /^a$/",	"a|b", "", 0, 0, true },
	{ "mailbox =~ /A/i",	"a|b", "", 0, 0, true },
	{ "mailbox =~ m{a/b}",	"a|b", "", 0, 0, true },
	{ "mailbox =~ /a\\/b/",	"a|b", "", 0, 0, true },
	{ "mailbox =~ /(?i)spam/", "Old|SPAM", "", 0, 0, true },
	{ "mailbox =~ /^Backups/ or mailbox =~ /(?i)spam/", "Backups", "",
	    0, 0, true },
	{ "mailbox == \"a/b\"",	"a|b", "", 0, 0, true },
	{ "mailbox == a/b",	"a/b", "", 0, 0, true },
	{ "mailbox == /a//b/",	"a|b", "", 0, 0, true },
	{ "mailbox == inbox",	"INBOX", "", 0, 0, true },
	{ "mailbox == A",	"a", "", 0, 0, false },
	{ "mailbox != A",	"a", "", 0, 0, true },
	{ "mailbox == ''",	"a", "", 0, 0, false },
	{ "mailbox =~ /\\xe9/",	"\xc3\xa9", "", 0, 0, true },
	{ "mailbox =~ /b/",	"\xff\xfe" "b", "", 0, 0, true },
	{ "mailbox =~ /./",	"\xff", "", 0, 0, false },
	{ "flag \\Seen",	"a", "\\Seen", 0, 0, true },
	{ "flag \\sEEN",	"a", "\\Flagged \\Seen", 0, 0, true },
	{ "flag See",		"a", "\\Seen See2", 0, 0, false },
	{ "flag $Label1",	"a", "$label1", 0, 0, true },
	{ "flag \"x\"",		"a", "", 0, 0, false },
	{ "flags =~ /^$/",	"a", "", 0, 0, true },
	{ "flags =~ /\\\\Seen x/", "a", "\\Seen x", 0, 0, true },
	{ "flags !~ /x/",	"a", "\\Seen x", 0, 0, false },
	{ "seen",		"a", "\\Seen", 0, 0, true },
	{ "seen",		"a", "seen", 0, 0, false },
	{ "unseen",		"a", "seen", 0, 0, true },
	{ "answered and not unanswered", "a", "\\Answered", 0, 0, true },
	{ "flagged and not unflagged", "a", "\\Flagged", 0, 0, true },
	{ "deleted and not undeleted", "a", "\\Deleted", 0, 0, true },
	{ "draft and not undraft", "a", "\\Draft", 0, 0, true },
	{ "answered or flagged or deleted or draft", "a", "\\Seen", 0, 0, false },

	/* how they join */
	{ "seen or draft and flagged", "a", "\\Seen", 0, 0, true },
	{ "(seen or draft) and flagged", "a", "\\Seen", 0, 0, false },
	{ "flagged and draft or seen", "a", "\\Seen", 0, 0, true },
	{ "flagged and (draft or seen)", "a", "\\Seen", 0, 0, false },
	{ "not seen or seen",	"a", "\\Seen", 0, 0, true },
	{ "not (seen or seen)",	"a", "\\Seen", 0, 0, false },
	{ "not not seen",	"a", "\\Seen", 0, 0, true },
	{ "not (not seen and draft) and seen", "a", "\\Seen", 0, 0, true },
	{ "draft or draft or seen", "a", "\\Seen", 0, 0, true },
	{ "seen and seen and draft", "a", "\\Seen", 0, 0, false },
	{ "((seen and not draft) or draft) and not (draft or flagged)",
	    "a", "\\Seen", 0, 0, true },

	/* what need not be asked is not: this one would hit a limit */
	{ "seen or mailbox =~ /^(a+)+$/",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "\\Seen", 0, 0, true },
	{ "draft and mailbox =~ /^(a+)+$/",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "\\Seen", 0, 0, false },
};

static void
conditions(void **state)
{
	struct item item;
	struct buf rule = BUF_INIT;
	struct try t;
	size_t i;

	(void)state;
	for (i = 0; i < N(conds); i++) {
		item = (struct item){
			.flags = span_str(conds[i].flags),
			.size = conds[i].size,
			.date = { .sec = TRY_NOW - conds[i].age,
			    .zone = 0, .known = conds[i].age != -1 },
		};
		buf_clear(&rule);
		buf_fmt(&rule, "drop if %s", conds[i].cond);
		try_parse(&t, conds[i].cond, buf_span(&rule));
		try_apply(&t, conds[i].mailbox, &item);
		CHECK(conds[i].cond, t.rc == 0);
		CHECK(conds[i].cond, t.out.dropped == conds[i].holds);
		try_fini(&t);
	}
	buf_fini(&rule);
}

/* The size is the octets' where they were seen; the day is the zone's. */
static void
sources(void **state)
{
	const struct ident ident = { .size = 10 };
	struct item item = { .size = 99, .ident = &ident };
	struct try t;

	(void)state;
	try_parse(&t, "size", SPAN("drop if size == 10"));
	try_apply(&t, "a", &item);
	assert_true(t.out.dropped);
	try_fini(&t);

	item.date = (struct date){ .sec = 0, .zone = -60, .known = true };
	try_parse(&t, "zone", SPAN("drop if date == 1969-12-31"));
	try_apply(&t, "a", &item);
	assert_true(t.out.dropped);
	item.date.zone = DATE_NO_ZONE;
	try_apply(&t, "a", &item);
	assert_false(t.out.dropped);
	try_fini(&t);
}

/* ---- rules one after the other ---- */

/* An item of 100 octets, ten days old. */
static const struct {
	const char	*name, *rules;
	const char	*mailbox, *flags;
	const char	*to, *to_flags;		/* to NULL: dropped */
	const char	*said;			/* what fired; or the reason */
	const char	*itself;		/* the mailbox: NULL: dropped */
} rows[] = {
	{ "no rules", "# none\n", "a", "x", "a", "x", "", "a" },
	{ "first to last", "folder s/a/b/\nfolder s/b/c/", "a", "",
	    "c", "", "-e:1 -e:2", "c" },
	{ "a condition sees what was changed",
	    "folder s/a/b/\nfolder s/b/c/ if mailbox == a", "a", "",
	    "b", "", "-e:1", "b" },
	{ "flags too", "flags add x\nflags add y if flag x", "a", "",
	    "a", "x y", "-e:1 -e:2", "a" },
	{ "there and back is told", "flags add x\nflags drop x", "a", "",
	    "a", "", "-e:1 -e:2", "a" },
	{ "only what changed is told",
	    "flags add x\n\n# z\nfolder s/q/r/\nflags drop q\nfolder s/a/a/\n"
	    "folder prefix p", "a", "x", "p|a", "x", "-e:7", "p|a" },
	{ "drop ends it", "drop if flag x\nfolder s/a/b/", "a", "x",
	    NULL, "", "-e:1", "b" },
	{ "a rule that does not hold", "drop if flag y", "a", "x",
	    "a", "x", "", "a" },
	{ "drop", "drop", "a", "", NULL, "", "-e:1", NULL },
	{ "drop a mailbox", "drop if mailbox =~ /^a/", "a|b", "",
	    NULL, "", "-e:1", NULL },
	{ "drop another mailbox", "drop if mailbox =~ /^b/", "a|b", "",
	    "a|b", "", "", "a|b" },
	{ "drop big ones", "drop if size > 50", "a", "", NULL, "", "-e:1", "a" },
	{ "drop big ones of a mailbox", "drop if mailbox == a and size > 50",
	    "a", "", NULL, "", "-e:1", "a" },
	{ "drop big ones or a mailbox", "drop if mailbox == a or size > 500",
	    "a", "", NULL, "", "-e:1", "a" },
	{ "keep", "keep if flag x", "a", "x", "a", "x", "", "a" },
	{ "keep others", "keep if flag y", "a", "x", NULL, "", "-e:1", "a" },
	{ "keep a mailbox", "keep if mailbox == a", "a", "", "a", "", "", "a" },
	{ "keep another mailbox", "keep if mailbox == b", "a", "",
	    NULL, "", "-e:1", NULL },
	{ "keep twice is both", "keep if flag x\nkeep if size > 50", "a", "x",
	    "a", "x", "", "a" },
	{ "keep twice is not one", "keep if flag x\nkeep if size > 500", "a",
	    "x", NULL, "", "-e:2", "a" },
	{ "some items move", "folder s/a/b/ if age > 9d", "a", "",
	    "b", "", "-e:1", "a" },
	{ "some items stay", "folder s/a/b/ if age > 11d", "a", "",
	    "a", "", "", "a" },
	{ "two into one", "folder s/^(Spam|Junk Mail)$/Junk/", "Junk Mail", "",
	    "Junk", "", "-e:1", "Junk" },
	{ "flags of a mailbox", "flags add x\nfolder s/a/b/", "a", "",
	    "b", "x", "-e:1 -e:2", "b" },
	{ "by flag into a mailbox", "folder prefix Todo if flagged", "a|b",
	    "\\Flagged", "Todo|a|b", "\\Flagged", "-e:1", "a|b" },
};

static void
order(void **state)
{
	struct item item = {
		.size = 100,
		.date = { .sec = TRY_NOW - 10 * DAY, .zone = 0, .known = true },
	};
	struct try t;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		item.flags = span_str(rows[i].flags);
		try_parse(&t, rows[i].name, span_str(rows[i].rules));
		try_apply(&t, rows[i].mailbox, &item);
		CHECK(rows[i].name, t.rc == 0);
		CHECK(rows[i].name, t.out.dropped == (rows[i].to == NULL));
		if (t.out.dropped) {
			CHECK_SPAN(rows[i].name, t.out.reason,
			    span_str(rows[i].said));
		} else {
			CHECK_SPAN(rows[i].name, buf_span(&t.shown),
			    span_str(rows[i].to));
			CHECK_SPAN(rows[i].name, t.out.flags,
			    span_str(rows[i].to_flags));
			CHECK_SPAN(rows[i].name, t.out.fired,
			    span_str(rows[i].said));
		}
		try_apply(&t, rows[i].mailbox, NULL);
		CHECK(rows[i].name, t.rc == 0);
		CHECK(rows[i].name, t.out.dropped == (rows[i].itself == NULL));
		if (rows[i].itself != NULL)
			CHECK_SPAN(rows[i].name, buf_span(&t.shown),
			    span_str(rows[i].itself));
		try_fini(&t);
	}
}

/* One evaluator serves many items, and none leaves a trace for the next. */
static void
many(void **state)
{
	struct item item = { .uid = 1 };
	struct buf name = BUF_INIT;
	struct try t;
	size_t i;

	(void)state;
	try_parse(&t, "many", SPAN("folder s/(\\d)/<$1>/g\nfolder prefix P\n"
	    "flags add x if mailbox =~ /<7>/\nflags s/^/y /"));
	for (i = 0; i < 1000; i++) {
		buf_clear(&name);
		buf_fmt(&name, "m%zu", i % 10);
		item.flags = i % 3 == 0 ? SPAN("\\Seen") : SPAN_NONE;
		try_apply(&t, buf_cstr(&name), &item);
		assert_int_equal(t.rc, 0);
		buf_clear(&name);
		buf_fmt(&name, "P|m<%zu>", i % 10);
		CHECK_SPAN("many", buf_span(&t.shown), buf_span(&name));
		buf_clear(&name);
		buf_fmt(&name, "%s%sy", i % 3 == 0 ? "\\Seen " : "",
		    i % 10 == 7 ? "x " : "");
		CHECK_SPAN("many", t.out.flags, buf_span(&name));
	}
	try_fini(&t);
	buf_fini(&name);
}

static void
file_names(void **state)
{
	struct err err = ERR_INIT;
	struct item item = { .uid = 1 };
	struct try t;

	(void)state;
	try_parse(&t, "none", SPAN(""));
	assert_int_equal(rules_add(t.rules, "my rules", SPAN("\nflags add x"),
	    NULL, &err), 0);
	assert_int_equal(rules_add(t.rules, "b", SPAN("flags add y"),
	    NULL, &err), 0);
	try_apply(&t, "a", &item);
	CHECK_SPAN("blank", t.out.fired, SPAN("my_rules:2 b:1"));
	try_fini(&t);
}

/* ---- patterns ---- */

static const struct {
	const char	*regex;
	struct span	 text;
	bool		 yes;
} patterns[] = {
	{ "^Backups",		LIT("Backups/2020"),	true },
	{ "^Backups",		LIT("Old/Backups"),	false },
	{ "Backups",		LIT("Old/Backups"),	true },
	{ "(?i)spam",		LIT("My SPAM"),		true },
	{ "(a)(b)(c)",		LIT("xabcx"),		true },
	{ "",			LIT("a"),		true },
	{ "^$",			LIT(""),		true },
	{ "^.$",		LIT("\xc3\xa9"),	true },
	{ "b",			LIT("\xff" "b"),	true },
	{ "^(a+)+$",		LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
							false },
};

static void *
match_all(void *arg)
{
	struct pattern *const *v = arg;
	size_t i, k;

	for (k = 0; k < 50; k++)
		for (i = 0; i + 1 < N(patterns); i++)
			if (pattern_match(v[i], patterns[i].text) !=
			    patterns[i].yes)
				return arg;
	return NULL;
}

static void
pattern_rows(void **state)
{
	struct pattern *v[N(patterns)];
	struct err err = ERR_INIT;
	pthread_t threads[4];
	void *bad;
	size_t i;

	(void)state;
	for (i = 0; i < N(patterns); i++) {
		v[i] = pattern_new(patterns[i].regex, &err);
		assert_non_null(v[i]);
		CHECK(patterns[i].regex, pattern_match(v[i],
		    patterns[i].text) == patterns[i].yes);
	}
	for (i = 0; i < N(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, match_all,
		    v), 0);
	for (i = 0; i < N(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	for (i = 0; i < N(patterns); i++)
		pattern_free(v[i]);

	assert_null(pattern_new("a(b", &err));
	assert_int_equal(err.status, STATUS_USAGE);
	assert_string_equal(err.msg, "offset 3: missing closing parenthesis");
	pattern_free(NULL);
	rules_free(NULL);
	rules_eval_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(sources),
		cmocka_unit_test(order),
		cmocka_unit_test(many),
		cmocka_unit_test(file_names),
		cmocka_unit_test(pattern_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
