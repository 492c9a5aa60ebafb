/* SPDX-License-Identifier: ISC */
/* Headers as they are: sane ones, and what is found in the wild. */

#include "mail/header.h"

#include "check.h"

static const struct row {
	const char	*name;
	struct span	 in;
	size_t		 header;	/* length, with the empty line */
	struct span	 shown;		/* "[name|value]" of each field */
} rows[] = {
	{ "empty",		LIT(""), 0, LIT("") },
	{ "CRLF",		LIT("A: b\r\nC: d\r\n\r\nbody"), 14,
	    LIT("[A| b][C| d]") },
	{ "LF",			LIT("A: b\nC: d\n\nbody"), 11,
	    LIT("[A| b][C| d]") },
	{ "mixed",		LIT("A: b\r\nC: d\n\r\n\n"), 13,
	    LIT("[A| b][C| d]") },
	{ "no body",		LIT("A: b\r\n"), 6, LIT("[A| b]") },
	{ "no line end",	LIT("A: b"), 4, LIT("[A| b]") },
	{ "body only",		LIT("\r\nA: b\r\n"), 2, LIT("") },
	{ "folded",		LIT("A: b\r\n c\r\n\td\r\nE: f\r\n\r\n"), 22,
	    LIT("[A| b\r\n c\r\n\td][E| f]") },
	{ "blank line folds",	LIT("A: b\r\n \r\nE: f\r\n\r\n"), 17,
	    LIT("[A| b\r\n ][E| f]") },
	{ "blank before colon",	LIT("A : b\nC\t: d\n"), 12,
	    LIT("[A| b][C| d]") },
	{ "no colon",		LIT("A: b\nnothing\nC: d\n"), 18,
	    LIT("[A| b][|nothing][C| d]") },
	{ "mbox line",		LIT("From a@b Mon Jan  1 10:00:00 2001\nA: b\n"), 39,
	    LIT("[|From a@b Mon Jan  1 10:00:00 2001][A| b]") },
	{ "starts with a blank", LIT(" A: b\nC: d\n"), 11,
	    LIT("[| A: b][C| d]") },
	{ "starts with a colon", LIT(": b\nC: d\n"), 9,
	    LIT("[|: b][C| d]") },
	{ "empty value",	LIT("A:\nB:  \nC:\r\n"), 12,
	    LIT("[A|][B|  ][C|]") },
	{ "CR alone",		LIT("A: b\rC: d\r\rbody"), 15,
	    LIT("[A| b\rC: d\r\rbody]") },
	{ "CR CR LF",		LIT("A: b\r\r\n\r\r\nC: d\n"), 15,
	    LIT("[A| b\r][|\r][C| d]") },
	{ "8-bit name",		LIT("\xc4: b\nC: d\n"), 10,
	    LIT("[|\xc4: b][C| d]") },
	{ "NUL",		LIT("A\0: b\nC: \0d\n"), 12,
	    LIT("[|A\0: b][C| \0d]") },
	{ "colon on the next line", LIT("A\n : b\n"), 7, LIT("[|A\n : b]") },
};

static void
fields_are_found(void **state)
{
	struct buf b = BUF_INIT;
	struct field f;
	struct span rest;
	size_t i, sum;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		rest = rows[i].in;
		for (sum = 0; header_next(&rest, &f); sum += f.whole.n) {
			buf_chr(&b, '[');
			buf_put(&b, f.name);
			buf_chr(&b, '|');
			buf_put(&b, f.value);
			buf_chr(&b, ']');
		}
		CHECK_SPAN(rows[i].name, buf_span(&b), rows[i].shown);
		CHECK_INT(rows[i].name, header_length(rows[i].in), rows[i].header);
		CHECK_INT(rows[i].name, sum + rest.n, rows[i].in.n);
		CHECK_INT(rows[i].name, header_length(rest),
		    rows[i].header - sum);
	}
	buf_fini(&b);
}

static void
name_length_is_bounded(void **state)
{
	struct buf b = BUF_INIT;
	struct span rest;
	struct field f;
	size_t i, n;

	(void)state;
	for (n = HEADER_NAME_MAX - 1; n <= HEADER_NAME_MAX + 1; n++) {
		buf_clear(&b);
		for (i = 0; i < n; i++)
			buf_chr(&b, 'x');
		buf_str(&b, ": y\n");
		rest = buf_span(&b);
		assert_true(header_next(&rest, &f));
		assert_int_equal(f.name.n, n <= HEADER_NAME_MAX ? n : 0);
	}
	buf_fini(&b);
}

static void
first_of_a_name(void **state)
{
	const struct span h = SPAN("Subject: a\nSUBJECT: b\n\nTo: c\n");
	struct field f;

	(void)state;
	assert_true(header_get(h, "subject", &f));
	CHECK_SPAN("first", f.value, SPAN(" a"));
	CHECK_SPAN("whole", f.whole, SPAN("Subject: a\n"));
	assert_false(header_get(h, "to", &f));
	assert_false(header_get(SPAN_NONE, "to", &f));
}

static const struct {
	const char	*name;
	struct span	 in, want;
} normal_rows[] = {
	{ "empty",	LIT(""),			LIT("") },
	{ "blanks",	LIT(" \t\r\n "),		LIT("") },
	{ "trimmed",	LIT("  a b  "),		LIT("a b") },
	{ "runs",	LIT("a \t b\t\tc"),		LIT("a b c") },
	{ "folds",	LIT(" a\r\n b\n\tc\r d"),	LIT("a b c d") },
	{ "8-bit",	LIT("k\xc3\xb6ln\0!"),		LIT("k??ln?!") },
};

static void
values_are_normalised(void **state)
{
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(normal_rows); i++) {
		buf_clear(&b);
		header_normal(&b, normal_rows[i].in);
		CHECK_SPAN(normal_rows[i].name, buf_span(&b), normal_rows[i].want);
	}
	buf_fini(&b);
}

/* Runs do not depend on where a value is cut. */
static void
runs_in_pieces(void **state)
{
	struct header_runs r;
	struct span in, piece[2], run;
	struct buf b = BUF_INIT;
	size_t i, cut, k;
	bool gap;

	(void)state;
	for (i = 0; i < N(normal_rows) - 1; i++) {
		in = normal_rows[i].in;
		for (cut = 0; cut <= in.n; cut++) {
			r = (struct header_runs){ false, false };
			piece[0] = span_head(in, cut);
			piece[1] = span_from(in, cut);
			buf_clear(&b);
			for (k = 0; k < 2; k++)
				while (header_run(&r, &piece[k], &run, &gap)) {
					buf_str(&b, gap ? " " : "");
					buf_put(&b, run);
				}
			CHECK_SPAN(normal_rows[i].name, buf_span(&b),
			    normal_rows[i].want);
		}
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(name_length_is_bounded),
		cmocka_unit_test(first_of_a_name),
		cmocka_unit_test(values_are_normalised),
		cmocka_unit_test(runs_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
