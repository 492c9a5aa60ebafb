/* SPDX-License-Identifier: ISC */
/* JSON: what is read, what is refused, and that what is written reads back. */

#include <string.h>

#include "base/json.h"
#include "row.h"

static void
lookups(void **state)
{
	const struct span text = SPAN("{\"s\":\"a\\u0000b\",\"n\":7,\"neg\":-1,"
	    "\"r\":1.5,\"t\":true,\"f\":false,\"z\":null,\"a\":[1,\"x\",[]],"
	    "\"most\":9223372036854775807}");
	struct err err = ERR_INIT;
	struct json *j = json_parse(text, &err);
	uint64_t v = 99;

	(void)state;
	assert_non_null(j);
	ROW_SPAN("s", json_span(json_get(j, "s")), SPAN("a\0b"));
	assert_true(json_u64(json_get(j, "n"), &v));
	assert_int_equal(v, 7);
	assert_true(json_u64(json_get(j, "most"), &v));
	assert_true(v == INT64_MAX);
	assert_true(json_is_true(json_get(j, "t")));
	assert_int_equal(json_len(json_get(j, "a")), 3);
	ROW_SPAN("a[1]", json_span(json_at(json_get(j, "a"), 1)), SPAN("x"));
	assert_int_equal(json_len(json_at(json_get(j, "a"), 2)), 0);

	v = 99;
	assert_false(json_u64(json_get(j, "neg"), &v));
	assert_false(json_u64(json_get(j, "r"), &v));
	assert_false(json_u64(json_get(j, "s"), &v));
	assert_false(json_u64(NULL, &v));
	assert_int_equal(v, 99);
	assert_false(json_is_true(json_get(j, "f")));
	assert_false(json_is_true(json_get(j, "n")));
	assert_false(json_is_true(json_get(j, "z")));
	assert_false(json_is_true(NULL));
	assert_null(json_get(j, "absent"));
	assert_null(json_get(NULL, "s"));
	assert_null(json_get(json_get(j, "a"), "s"));
	assert_null(json_at(json_get(j, "a"), 3));
	assert_null(json_at(j, 0));
	assert_null(json_at(NULL, 0));
	assert_int_equal(json_len(j), 0);
	assert_int_equal(json_len(NULL), 0);
	ROW_SPAN("no string", json_span(json_get(j, "n")), SPAN_NONE);
	ROW_SPAN("nothing", json_span(NULL), SPAN_NONE);
	json_free(j);
	json_free(NULL);
}

static void
refused(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
	} rows[] = {
		{ "nothing",		{ NULL, 0 } },
		{ "blanks",		LIT("  ") },
		{ "cut",		LIT("{\"a\":") },
		{ "more behind it",	LIT("{}{}") },
		{ "NUL behind it",	LIT("{}\0") },
		{ "the same key twice",	LIT("{\"a\":1,\"a\":2}") },
		{ "not UTF-8",		LIT("\"\xff\"") },
		{ "raw newline",	LIT("\"a\nb\"") },
		{ "too big",		LIT("9223372036854775808") },
		{ "trailing comma",	LIT("[1,]") },
	};
	char deep[10000];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		err_clear(&err);
		ROW_OK(rows[i].name, json_parse(rows[i].in, &err) == NULL);
		ROW_OK(rows[i].name, err.scope == ERR_RUN);
		ROW_OK(rows[i].name, err.status == STATUS_DATA);
		ROW_OK(rows[i].name, strstr(err.msg, "column") != NULL);
	}
	memset(deep, '[', N(deep));
	assert_null(json_parse(span_of(deep, N(deep)), &err));
	assert_int_equal(err.status, STATUS_DATA);
}

static void
scalars(void **state)
{
	struct err err = ERR_INIT;
	struct json *j;

	(void)state;
	j = json_parse(SPAN(" \"x\" "), &err);
	ROW_SPAN("string", json_span(j), SPAN("x"));
	json_free(j);
	j = json_parse(SPAN("true"), &err);
	assert_true(json_is_true(j));
	json_free(j);
}

static void
commas(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	json_open(&b, '{');
	json_key(&b, "a");
	json_num(&b, 1);
	json_key(&b, "b");
	json_open(&b, '[');
	json_str(&b, SPAN("x"));
	json_int(&b, -1);
	json_bool(&b, true);
	json_bool(&b, false);
	json_open(&b, '[');
	json_close(&b, ']');
	json_open(&b, '{');
	json_close(&b, '}');
	json_close(&b, ']');
	json_key(&b, "c");
	json_str(&b, SPAN(","));
	json_key(&b, ":");
	json_str(&b, SPAN("["));
	json_close(&b, '}');
	buf_chr(&b, '\n');
	json_open(&b, '[');
	json_num(&b, UINT64_MAX);
	json_int(&b, INT64_MIN);
	json_int(&b, INT64_MAX);
	json_close(&b, ']');
	ROW_SPAN("text", buf_span(&b), SPAN(
	    "{\"a\":1,\"b\":[\"x\",-1,true,false,[],{}],\"c\":\",\",\":\":\"[\"}\n"
	    "[18446744073709551615,-9223372036854775808,9223372036854775807]"));
	buf_fini(&b);
}

static void
strings(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in, text, back;
	} rows[] = {
		{ "plain",	LIT("a/z"),	LIT("\"a/z\""), LIT("a/z") },
		{ "empty",	{ NULL, 0 },	LIT("\"\""),	LIT("") },
		{ "quote",	LIT("\"\\"),	LIT("\"\\\"\\\\\""), LIT("\"\\") },
		{ "lines",	LIT("\r\n\t"),	LIT("\"\\r\\n\\t\""), LIT("\r\n\t") },
		{ "controls",	LIT("\0\x1b\x7f"), LIT("\"\\u0000\\u001b\\u007f\""),
		    LIT("\0\x1b\x7f") },
		{ "C1",		LIT("\xc2\x9b"), LIT("\"\\u009b\""), LIT("\xc2\x9b") },
		{ "bidi",	LIT("\xe2\x80\xae"), LIT("\"\\u202e\""),
		    LIT("\xe2\x80\xae") },
		{ "emoji",	LIT("\xf0\x9f\x98\x80"), LIT("\"\xf0\x9f\x98\x80\""),
		    LIT("\xf0\x9f\x98\x80") },
		{ "Latin-1",	LIT("f\xfcr"),	LIT("\"f\xef\xbf\xbdr\""),
		    LIT("f\xef\xbf\xbdr") },
		{ "cut",	LIT("\xe2\x82"), LIT("\"\xef\xbf\xbd\xef\xbf\xbd\""),
		    LIT("\xef\xbf\xbd\xef\xbf\xbd") },
		{ "noncharacter", LIT("\xef\xbf\xbf"), LIT("\"\xef\xbf\xbf\""),
		    LIT("\xef\xbf\xbf") },
	};
	struct err err = ERR_INIT;
	struct buf b = BUF_INIT;
	struct json *j;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		json_str(&b, rows[i].in);
		ROW_SPAN(rows[i].name, buf_span(&b), rows[i].text);
		j = json_parse(buf_span(&b), &err);
		ROW_OK(rows[i].name, j != NULL);
		ROW_SPAN(rows[i].name, json_span(j), rows[i].back);
		json_free(j);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups),
		cmocka_unit_test(refused),
		cmocka_unit_test(scalars),
		cmocka_unit_test(commas),
		cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
