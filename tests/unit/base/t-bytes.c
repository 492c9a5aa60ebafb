/* SPDX-License-Identifier: ISC */
/* Spans, buffers, arenas. */

#include <stdlib.h>
#include <string.h>

#include "row.h"

/* ---- spans ---- */

static void
compare(void **state)
{
	static const struct {
		const char	*name;
		struct span	 a, b;
		bool		 eq, ieq;
		int		 cmp;
	} rows[] = {
		{ "same",	LIT("abc"),	LIT("abc"),	true, true, 0 },
		{ "case",	LIT("aBc"),	LIT("AbC"),	false, true, 1 },
		{ "shorter",	LIT("ab"),	LIT("abc"),	false, false, -1 },
		{ "longer",	LIT("abc"),	LIT("ab"),	false, false, 1 },
		{ "NUL within",	LIT("a\0b"),	LIT("a\0c"),	false, false, -1 },
		{ "both none",	{ NULL, 0 },	LIT(""),	true, true, 0 },
		{ "none first",	{ NULL, 0 },	LIT("a"),	false, false, -1 },
		{ "unsigned",	LIT("\xff"),	LIT("a"),	false, false, 1 },
		{ "only ASCII folds", LIT("\xc4"), LIT("\xe4"), false, false, -1 },
		{ "@ is no `",	LIT("@["),	LIT("`{"),	false, false, -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		ROW_OK(rows[i].name, span_eq(rows[i].a, rows[i].b) == rows[i].eq);
		ROW_OK(rows[i].name, span_ieq(rows[i].a, rows[i].b) == rows[i].ieq);
		ROW_OK(rows[i].name, span_cmp(rows[i].a, rows[i].b) == rows[i].cmp);
		ROW_OK(rows[i].name, span_cmp(rows[i].b, rows[i].a) == -rows[i].cmp);
	}
}

static void
against_strings(void **state)
{
	(void)state;
	assert_true(span_is(SPAN("OK"), "OK"));
	assert_false(span_is(SPAN("OK\0"), "OK"));
	assert_true(span_iis(SPAN("ok"), "OK"));
	assert_true(span_is(SPAN_NONE, ""));
	assert_true(span_starts(SPAN("header"), "head"));
	assert_true(span_starts(SPAN("head"), "head"));
	assert_false(span_starts(SPAN("hea"), "head"));
	assert_true(span_starts(SPAN_NONE, ""));
	assert_true(span_istarts(SPAN("HEADER"), "head"));
	assert_false(span_istarts(SPAN("HEA"), "head"));
	ROW_SPAN("of NULL", span_str(NULL), SPAN_NONE);
	ROW_SPAN("of a string", span_str("ab"), SPAN("ab"));
}

static void
cut(void **state)
{
	const struct span s = SPAN("abc");

	(void)state;
	ROW_SPAN("from 0", span_from(s, 0), SPAN("abc"));
	ROW_SPAN("from 2", span_from(s, 2), SPAN("c"));
	ROW_SPAN("from the end", span_from(s, 3), SPAN(""));
	ROW_SPAN("from beyond", span_from(s, SIZE_MAX), SPAN(""));
	ROW_SPAN("from, none", span_from(SPAN_NONE, 3), SPAN(""));
	ROW_SPAN("head 0", span_head(s, 0), SPAN(""));
	ROW_SPAN("head 2", span_head(s, 2), SPAN("ab"));
	ROW_SPAN("head of more", span_head(s, 9), SPAN("abc"));
	ROW_SPAN("trim", span_trim(SPAN(" \t\r\na b\n ")), SPAN("a b"));
	ROW_SPAN("trim all", span_trim(SPAN(" \r\n")), SPAN(""));
	ROW_SPAN("trim none", span_trim(SPAN_NONE), SPAN(""));
	ROW_SPAN("trim leaves NUL", span_trim(SPAN("\0 ")), SPAN("\0"));
	assert_int_equal(span_find(s, 'b'), 1);
	assert_int_equal(span_find(s, 'x'), 3);
	assert_int_equal(span_find(SPAN_NONE, 'x'), 0);
}

static void
next(void **state)
{
	static const struct {
		struct span	 in;
		const char	*want;	/* each piece with "|" behind it */
	} rows[] = {
		{ LIT("a b"),	"a|b|" },
		{ LIT("a "),	"a|" },
		{ LIT(" a"),	"|a|" },
		{ LIT("a  b"),	"a||b|" },
		{ LIT(" "),	"|" },
		{ LIT(""),	"" },
		{ { NULL, 0 },	"" },
	};
	struct buf b = BUF_INIT;
	struct span rest, one;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		rest = rows[i].in;
		while (span_next(&rest, ' ', &one)) {
			buf_put(&b, one);
			buf_chr(&b, '|');
		}
		ROW_SPAN(rows[i].want, buf_span(&b), span_str(rows[i].want));
		assert_int_equal(one.n, 0);
	}
	buf_fini(&b);
}

static void
numbers(void **state)
{
	static const struct {
		struct span	 in;
		bool		 u64, u32;
		uint64_t	 v;
	} rows[] = {
		{ LIT("0"),			true, true, 0 },
		{ LIT("007"),			true, true, 7 },
		{ LIT("4294967295"),		true, true, UINT32_MAX },
		{ LIT("4294967296"),		true, false, (uint64_t)UINT32_MAX + 1 },
		{ LIT("18446744073709551615"),	true, false, UINT64_MAX },
		{ LIT("18446744073709551616"),	false, false, 0 },
		{ LIT("18446744073709551620"),	false, false, 0 },
		{ LIT("99999999999999999999999"), false, false, 0 },
		{ LIT(""),			false, false, 0 },
		{ { NULL, 0 },			false, false, 0 },
		{ LIT("+1"),			false, false, 0 },
		{ LIT("-1"),			false, false, 0 },
		{ LIT(" 1"),			false, false, 0 },
		{ LIT("1 "),			false, false, 0 },
		{ LIT("1\0"),			false, false, 0 },
		{ LIT("0x1"),			false, false, 0 },
	};
	uint64_t v;
	uint32_t w;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		const char *name = (const char *)(rows[i].in.n > 0 ?
		    rows[i].in.p : (const unsigned char *)"nothing");

		v = 12345, w = 12345;
		ROW_OK(name, span_u64(rows[i].in, &v) == rows[i].u64);
		ROW_OK(name, v == (rows[i].u64 ? rows[i].v : 12345));
		ROW_OK(name, span_u32(rows[i].in, &w) == rows[i].u32);
		ROW_OK(name, w == (rows[i].u32 ? rows[i].v : 12345));
	}
}

static void
duplicate(void **state)
{
	char *s = span_dup(SPAN("a\0b"));

	(void)state;
	assert_memory_equal(s, "a\0b\0", 4);
	free(s);
	s = span_dup(SPAN_NONE);
	assert_string_equal(s, "");
	free(s);
}

static void
hex(void **state)
{
	unsigned char out[3] = { 0, 0, 0 };
	struct buf b = BUF_INIT;

	(void)state;
	assert_true(hex_decode(SPAN("00fFa9"), out, 3));
	assert_memory_equal(out, "\x00\xff\xa9", 3);
	assert_false(hex_decode(SPAN("00fFa"), out, 3));
	assert_false(hex_decode(SPAN("00fFa900"), out, 3));
	assert_false(hex_decode(SPAN("00fFag"), out, 3));
	assert_false(hex_decode(SPAN("00f a9"), out, 3));
	assert_false(hex_decode(SPAN("/0:0@0"), out, 3));
	assert_false(hex_decode(SPAN("`0G0\0" "0"), out, 3));
	assert_true(hex_decode(SPAN_NONE, out, 0));
	buf_hex(&b, span_of("\x00\xff\xa9", 3));
	ROW_SPAN("hex", buf_span(&b), SPAN("00ffa9"));
	buf_fini(&b);
}

/* ---- buffers ---- */

static void
append(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	ROW_SPAN("empty", buf_span(&b), SPAN(""));
	buf_put(&b, SPAN_NONE);
	buf_put(&b, SPAN("a\0"));
	buf_str(&b, "bc");
	buf_chr(&b, 0xff);
	buf_mem(&b, "d", 1);
	buf_fmt(&b, "%s-%d", "e", 5);
	buf_u64(&b, 0);
	buf_u64(&b, UINT64_MAX);
	ROW_SPAN("all", buf_span(&b),
	    SPAN("a\0bc\xff" "de-5018446744073709551615"));
	buf_drop(&b, 2);
	ROW_SPAN("dropped", buf_span(&b), SPAN("bc\xff" "de-5018446744073709551615"));
	buf_drop(&b, 1000);
	ROW_SPAN("all dropped", buf_span(&b), SPAN(""));
	assert_string_equal(buf_cstr(&b), "");
	buf_str(&b, "x");
	assert_string_equal(buf_cstr(&b), "x");
	assert_int_equal(b.n, 1);
	assert_true(buf_ok(&b));
	buf_fini(&b);
	assert_null(b.p);
	buf_fini(&b);
}

/* Formatted text of every length around the sizes that the storage takes. */
static void
formatted_at_the_edge(void **state)
{
	struct buf b = BUF_INIT, want = BUF_INIT;
	char text[300];
	size_t n;

	(void)state;
	for (n = 0; n < N(text); n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		buf_fmt(&b, "<%s>", text);
		buf_chr(&want, '<');
		buf_mem(&want, text, n);
		buf_chr(&want, '>');
	}
	ROW_SPAN("formatted", buf_span(&b), buf_span(&want));
	buf_fini(&b);
	for (n = 0; n < N(text); n++) {
		buf_fmt(&b, "%.*s", (int)n, text);
		assert_int_equal(b.n, n);
		buf_fini(&b);
	}
	buf_fini(&want);
}

static void
room(void **state)
{
	struct buf b = BUF_INIT;
	unsigned char *p;

	(void)state;
	assert_non_null(buf_room(&b, 0));
	p = buf_room(&b, 1000);
	assert_non_null(p);
	memset(p, 'z', 1000);
	b.n += 1000;
	assert_ptr_equal(buf_room(&b, 0), b.p + 1000);
	buf_fini(&b);
}

/* What was there stays, and nothing is added any more. */
static void
out_of_memory(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_null(buf_room(&b, (size_t)PTRDIFF_MAX + 1));
	assert_string_equal(buf_cstr(&b), "");
	buf_fini(&b);
	assert_true(buf_ok(&b));
	buf_str(&b, "kept");
	assert_null(buf_room(&b, SIZE_MAX));
	assert_false(buf_ok(&b));
	buf_str(&b, "x");
	buf_chr(&b, 'x');
	buf_fmt(&b, "x");
	buf_u64(&b, 1);
	buf_hex(&b, SPAN("x"));
	assert_null(buf_room(&b, 1));
	assert_string_equal(buf_cstr(&b), "");
	ROW_SPAN("kept", buf_span(&b), SPAN("kept"));
	buf_clear(&b);
	assert_true(buf_ok(&b));
	buf_str(&b, "new");
	ROW_SPAN("new", buf_span(&b), SPAN("new"));
	buf_fini(&b);
}

/* ---- arenas ---- */

static void
arena_keeps_copies(void **state)
{
	struct arena a = { NULL, 0 };
	struct span s[2000], none = SPAN("x");
	char text[64];
	size_t i, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < N(s); i++) {
			(void)snprintf(text, N(text), "item %zu of round %zu", i, round);
			assert_true(arena_span(&a, span_str(text), &s[i]));
		}
		for (i = 0; i < N(s); i++) {
			(void)snprintf(text, N(text), "item %zu of round %zu", i, round);
			ROW_SPAN("copy", s[i], span_str(text));
		}
		assert_true(a.used >= N(s) * 16);
		arena_reset(&a);
		assert_int_equal(a.used, 0);
		assert_non_null(a.head);
	}
	assert_true(arena_span(&a, SPAN_NONE, &none));
	assert_int_equal(none.n, 0);
	arena_fini(&a);
	assert_null(a.head);
	arena_fini(&a);
}

static void
arena_aligns(void **state)
{
	struct arena a = { NULL, 0 };
	size_t n;

	(void)state;
	for (n = 0; n < 100; n++) {
		void *p = arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 1, n);
	}
	arena_fini(&a);
}

static void
arena_big_and_too_big(void **state)
{
	const struct span huge = { (const unsigned char *)"", SIZE_MAX - 64 };
	struct arena a = { NULL, 0 };
	struct span s = SPAN("x");
	unsigned char *p;

	(void)state;
	p = arena_alloc(&a, (size_t)3 << 20);
	assert_non_null(p);
	memset(p, 1, (size_t)3 << 20);
	arena_reset(&a);
	assert_null(a.head);	/* one oversized piece is not kept for ever */
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 15));
	assert_null(arena_alloc(&a, PTRDIFF_MAX));
	assert_null(arena_alloc(&a, PTRDIFF_MAX - 16));
	assert_false(arena_span(&a, huge, &s));
	assert_int_equal(s.n, 0);
	assert_non_null(arena_alloc(&a, 1));
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare),
		cmocka_unit_test(against_strings),
		cmocka_unit_test(cut),
		cmocka_unit_test(next),
		cmocka_unit_test(numbers),
		cmocka_unit_test(duplicate),
		cmocka_unit_test(hex),
		cmocka_unit_test(append),
		cmocka_unit_test(formatted_at_the_edge),
		cmocka_unit_test(room),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(arena_keeps_copies),
		cmocka_unit_test(arena_aligns),
		cmocka_unit_test(arena_big_and_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
