/* SPDX-License-Identifier: ISC */
/* Mailbox names: for people, as JSON, as paths; and each way back. */

#include <stdlib.h>
#include <string.h>

#include "mail/name.h"

#include "check.h"

/* From "a|b" to the name of the components a and b. */
static void
name_of(struct buf *name, struct span piped)
{
	struct span component;

	buf_clear(name);
	while (span_next(&piped, '|', &component))
		assert_true(name_add(name, component));
}

static void
components(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_false(name_add(&b, SPAN("")));
	assert_false(name_add(&b, SPAN("a\0b")));
	assert_int_equal(b.n, 0);
	assert_true(name_add(&b, SPAN("iNbOx")));
	assert_true(name_add(&b, SPAN("inbox")));
	CHECK_SPAN("INBOX", buf_span(&b), SPAN("INBOX\0inbox"));
	buf_clear(&b);
	assert_true(name_add(&b, SPAN("Work")));
	assert_true(name_add(&b, SPAN("A/B")));
	CHECK_SPAN("two", buf_span(&b), SPAN("Work\0A/B"));
	buf_fini(&b);
}

static void
shown(void **state)
{
	struct buf name = BUF_INIT, b = BUF_INIT;

	(void)state;
	name_of(&name, SPAN("Work|A/B|c"));
	name_put(&b, buf_span(&name));
	CHECK_SPAN("shown", buf_span(&b), SPAN("Work/A/B/c"));
	buf_clear(&name);
	name_split(&name, SPAN("//inbox//A/ b/"));
	CHECK_SPAN("split", buf_span(&name), SPAN("INBOX\0A\0 b"));
	buf_clear(&name);
	name_split(&name, SPAN("///"));
	CHECK_SPAN("none", buf_span(&name), SPAN(""));
	buf_fini(&name);
	buf_fini(&b);
}

static const struct {
	const char	*what;
	struct span	 name;		/* with "|" between components */
	struct span	 json;
} json_rows[] = {
	{ "one",	LIT("INBOX"),		LIT("[\"INBOX\"]") },
	{ "two",	LIT("Work|A/B"),	LIT("[\"Work\",\"A/B\"]") },
	{ "quote",	LIT("a\"b\\c"),		LIT("[\"a\\\"b\\\\c\"]") },
	{ "UTF-8",	LIT("Entw\xc3\xbcrfe"),	LIT("[\"Entw\xc3\xbcrfe\"]") },
	{ "Latin-1",	LIT("Entw\xfcrfe"),	LIT("[\"Entw\xf4\x8f\xbb\xbcrfe\"]") },
	{ "private",	LIT("\xf4\x8f\xbb\xbc"),
	    LIT("[\"\xf4\x8f\xbb\xb4\xf4\x8f\xba\x8f\xf4\x8f\xba\xbb\xf4\x8f\xba\xbc\"]") },
};

static void
as_json(void **state)
{
	struct buf name = BUF_INIT, b = BUF_INIT, back = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(json_rows); i++) {
		name_of(&name, json_rows[i].name);
		buf_clear(&b);
		name_json(&b, buf_span(&name));
		CHECK_SPAN(json_rows[i].what, buf_span(&b), json_rows[i].json);
		buf_clear(&back);
		CHECK(json_rows[i].what, name_parse_json(&back, buf_span(&b)));
		CHECK_SPAN(json_rows[i].what, buf_span(&back), buf_span(&name));
	}
	buf_fini(&back);
	buf_fini(&name);
	buf_fini(&b);
}

static void
no_json(void **state)
{
	static const struct {
		const char	*what;
		struct span	 json;
	} rows[] = {
		{ "nothing",	LIT("") },
		{ "no array",	LIT("\"a\"") },
		{ "object",	LIT("{\"a\":\"b\"}") },
		{ "empty",	LIT("[]") },
		{ "empty name",	LIT("[\"a\",\"\"]") },
		{ "number",	LIT("[\"a\",1]") },
		{ "nested",	LIT("[[\"a\"]]") },
		{ "NUL",	LIT("[\"a\\u0000b\"]") },
		{ "cut",	LIT("[\"a\"") },
		{ "more",	LIT("[\"a\"]x") },
		{ "not UTF-8",	LIT("[\"\xff\"]") },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		CHECK(rows[i].what, !name_parse_json(&b, rows[i].json));
		CHECK_INT(rows[i].what, b.n, 0);
	}
	assert_true(name_parse_json(&b, SPAN(" [ \"inbox\" , \"b\" ] ")));
	CHECK_SPAN("blanks", buf_span(&b), SPAN("INBOX\0b"));
	buf_fini(&b);
}

static const struct {
	const char	*what;
	struct span	 name;		/* with "|" between components */
	struct span	 path;
} path_rows[] = {
	{ "plain",		LIT("Work|Projects"),	LIT("Work/Projects") },
	{ "INBOX",		LIT("inbox"),		LIT("INBOX") },
	{ "slash",		LIT("A/B"),		LIT("A%2FB") },
	{ "percent",		LIT("100%"),		LIT("100%25") },
	{ "escape as such",	LIT("A%2FB"),		LIT("A%252FB") },
	{ "controls",		LIT("a\x01\x1f\x7f""b"), LIT("a%01%1F%7Fb") },
	{ "line end",		LIT("a\r\nb"),		LIT("a%0D%0Ab") },
	{ "leading dot",	LIT(".mx"),		LIT("%2Emx") },
	{ "dot",		LIT("."),		LIT("%2E") },
	{ "dots",		LIT(".."),		LIT("%2E%2E") },
	{ "dots below",		LIT("a|..|b"),		LIT("a/%2E%2E/b") },
	{ "inner dot",		LIT("a.b"),		LIT("a.b") },
	{ "trailing dot",	LIT("a.."),		LIT("a.%2E") },
	{ "trailing space",	LIT("a  "),		LIT("a %20") },
	{ "space",		LIT(" "),		LIT("%20") },
	{ "leading space",	LIT(" a"),		LIT(" a") },
	{ "tilde",		LIT("~root"),		LIT("%7Eroot") },
	{ "inner tilde",	LIT("a~"),		LIT("a~") },
	{ "cur",		LIT("cur"),		LIT("%63ur") },
	{ "new",		LIT("a|new"),		LIT("a/%6Eew") },
	{ "tmp",		LIT("tmp|a"),		LIT("%74mp/a") },
	{ "not cur",		LIT("Cur|curl|xcur"),	LIT("Cur/curl/xcur") },
	{ "UTF-8",		LIT("Entw\xc3\xbcrfe"),	LIT("Entw\xc3\xbcrfe") },
	{ "Latin-1",		LIT("Entw\xfcrfe"),	LIT("Entw%FCrfe") },
	{ "cut UTF-8",		LIT("\xe2\x82"),	LIT("%E2%82") },
	{ "overlong",		LIT("\xc0\xaf"),	LIT("%C0%AF") },
	{ "surrogate",		LIT("\xed\xa0\x80"),	LIT("%ED%A0%80") },
	{ "backslash, colon",	LIT("a\\b:c"),		LIT("a\\b:c") },
	{ "hash mark as such",	LIT("a%~0123456789abcdef"),
	    LIT("a%25~0123456789abcdef") },
};

static void
as_path(void **state)
{
	struct buf name = BUF_INIT, b = BUF_INIT, back = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(path_rows); i++) {
		name_of(&name, path_rows[i].name);
		buf_clear(&b);
		name_path(&b, buf_span(&name));
		CHECK_SPAN(path_rows[i].what, buf_span(&b), path_rows[i].path);
		buf_clear(&back);
		CHECK(path_rows[i].what, name_parse_path(&back, buf_span(&b)));
		CHECK_SPAN(path_rows[i].what, buf_span(&back), buf_span(&name));
	}
	buf_fini(&back);
	buf_fini(&name);
	buf_fini(&b);
}

/* What the parser must not take for the path of a name. */
static void
no_path(void **state)
{
	static const struct {
		const char	*what;
		struct span	 path;
	} rows[] = {
		{ "nothing",	LIT("") },
		{ "absolute",	LIT("/a") },
		{ "empty",	LIT("a//b") },
		{ "ends in /",	LIT("a/") },
		{ "cut",	LIT("a%~0123456789abcdef") },
		{ "cut below",	LIT("b/a%~0123456789abcdef/c") },
		{ "bad escape",	LIT("a%zz") },
		{ "short",	LIT("a%2") },
		{ "lower case",	LIT("a%2f") },
		{ "NUL",	LIT("a%00") },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		CHECK(rows[i].what, !name_parse_path(&b, rows[i].path));
		CHECK_INT(rows[i].what, b.n, 0);
	}
	buf_fini(&b);
}

/* n times c, then the rest. */
static void
long_path(struct buf *out, size_t n, const char *c, const char *rest)
{
	struct buf name = BUF_INIT;

	while (n-- > 0)
		buf_str(&name, c);
	buf_str(&name, rest);
	buf_clear(out);
	name_path(out, buf_span(&name));
	buf_fini(&name);
}

static void
long_components_are_cut(void **state)
{
	static const struct {
		const char	*what;
		size_t		 n;
		const char	*c, *rest;
		size_t		 kept;	/* octets before the hash; 0: not cut */
	} rows[] = {
		{ "fits",		200, "x", "", 0 },
		{ "one too many",	201, "x", "", 200 },
		{ "far too many",	5000, "x", "", 200 },
		{ "at a character",	199, "x", "\xc3\xbc", 199 },
		{ "a character fits",	198, "x", "\xc3\xbc", 0 },
		{ "characters of 3",	67, "\xe2\x82\xac", "", 198 },
		{ "an escape fits",	197, "x", "/", 0 },
		{ "at an escape",	198, "x", "/", 198 },
		{ "in an escape",	199, "x", "/", 199 },
		{ "escapes",		67, "/", "", 198 },
		{ "trailing dot",	200, "x", ".", 200 },
		{ "escaped dot",	198, "x", ".", 198 },
	};
	struct buf b = BUF_INIT, name = BUF_INIT;
	struct span path;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		long_path(&b, rows[i].n, rows[i].c, rows[i].rest);
		path = buf_span(&b);
		CHECK(rows[i].what, path.n <= 255);
		CHECK_INT(rows[i].what, name_parse_path(&name, path),
		    rows[i].kept == 0);
		if (rows[i].kept == 0)
			continue;
		CHECK_INT(rows[i].what, path.n, rows[i].kept + 18);
		CHECK_SPAN(rows[i].what,
		    span_head(span_from(path, rows[i].kept), 2), SPAN("%~"));
	}
	long_path(&b, 201, "x", "");
	CHECK_SPAN("hash", span_from(buf_span(&b), 202), SPAN("84a0678c90937f5d"));
	buf_fini(&name);
	buf_fini(&b);
}

/* ---- properties ---- */

#define NAMES	4000

static void
random_name(struct buf *name, uint64_t *seed)
{
	static const struct span pool[] = {
		LIT("a"), LIT("b"), LIT("."), LIT("~"), LIT(" "), LIT("%"),
		LIT("/"), LIT("2"), LIT("F"), LIT("cur"), LIT("\xc3\xbc"), LIT("\xfc"),
		LIT("\x01"), LIT("%2F"), LIT("%~"), LIT("\xe2\x82"),
		LIT("0123456789012345678901234567890123456789012345678901234567"),
		LIT("\xf4\x8f\xbb\xbc"),
	};
	struct buf component = BUF_INIT;
	size_t parts, pieces;

	buf_clear(name);
	for (parts = 1 + check_below(seed, 3); parts > 0; parts--) {
		buf_clear(&component);
		for (pieces = 1 + check_below(seed, 5); pieces > 0; pieces--)
			buf_put(&component, pool[check_below(seed, N(pool))]);
		assert_true(name_add(name, buf_span(&component)));
	}
	buf_fini(&component);
}

struct pair {
	struct buf	name, path;
};

static int
pair_cmp(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;

	return span_cmp(buf_span(&a->path), buf_span(&b->path));
}

/* A path that may be created below a directory without leaving it. */
static void
check_safe(struct span path)
{
	struct span c;

	assert_true(path.n > 0 && path.p[0] != '/');
	while (span_next(&path, '/', &c)) {
		assert_true(c.n > 0 && c.n <= 255);
		assert_true(c.p[0] != '.' && c.p[0] != '~');
		assert_true(c.p[c.n - 1] != '.' && c.p[c.n - 1] != ' ');
		assert_false(span_is(c, "cur"));
	}
}

static void
two_names_two_paths(void **state)
{
	static struct pair v[NAMES];
	struct buf back = BUF_INIT;
	uint64_t seed = 7;
	size_t i;

	(void)state;
	memset(v, 0, sizeof(v));
	for (i = 0; i < NAMES; i++) {
		random_name(&v[i].name, &seed);
		name_path(&v[i].path, buf_span(&v[i].name));
		check_safe(buf_span(&v[i].path));
		buf_clear(&back);
		if (name_parse_path(&back, buf_span(&v[i].path)))
			CHECK_SPAN("back", buf_span(&back), buf_span(&v[i].name));
	}
	qsort(v, NAMES, sizeof(v[0]), pair_cmp);
	for (i = 1; i < NAMES; i++)
		if (pair_cmp(&v[i - 1], &v[i]) == 0)
			CHECK_SPAN("same path", buf_span(&v[i].name),
			    buf_span(&v[i - 1].name));
	for (i = 0; i < NAMES; i++) {
		buf_fini(&v[i].name);
		buf_fini(&v[i].path);
	}
	buf_fini(&back);
}

static void
json_gives_every_name_back(void **state)
{
	struct buf name = BUF_INIT, json = BUF_INIT, back = BUF_INIT;
	uint64_t seed = 11;
	size_t i;

	(void)state;
	for (i = 0; i < NAMES; i++) {
		random_name(&name, &seed);
		buf_clear(&json);
		buf_clear(&back);
		name_json(&json, buf_span(&name));
		assert_true(name_parse_json(&back, buf_span(&json)));
		CHECK_SPAN("back", buf_span(&back), buf_span(&name));
	}
	buf_fini(&back);
	buf_fini(&json);
	buf_fini(&name);
}

static void
case_is_told_apart(void **state)
{
	(void)state;
	assert_true(name_ieq(SPAN("Work\0a"), SPAN("WORK\0A")));
	assert_false(name_ieq(SPAN("Work\0a"), SPAN("Work/a")));
	assert_false(name_ieq(SPAN("Work"), SPAN("Work2")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components),
		cmocka_unit_test(shown),
		cmocka_unit_test(as_json),
		cmocka_unit_test(no_json),
		cmocka_unit_test(as_path),
		cmocka_unit_test(no_path),
		cmocka_unit_test(long_components_are_cut),
		cmocka_unit_test(two_names_two_paths),
		cmocka_unit_test(json_gives_every_name_back),
		cmocka_unit_test(case_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
