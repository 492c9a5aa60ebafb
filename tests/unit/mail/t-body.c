/* SPDX-License-Identifier: ISC */
/* Bodies in memory, in a file and lent: what goes in comes out. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/body.h"

#include "check.h"

#define MIB	((size_t)1 << 20)

static unsigned char *pattern;
#define PATTERN_SIZE	(3 * BODY_IN_MEMORY)

static int
setup(void **state)
{
	uint64_t seed = 1;
	size_t i;

	(void)state;
	if ((pattern = malloc(PATTERN_SIZE)) == NULL)
		return -1;
	for (i = 0; i < PATTERN_SIZE; i++)
		pattern[i] = (unsigned char)(check_random(&seed) >> 32);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(pattern);
	return 0;
}

/* The first n octets of the pattern are what the body holds. */
static void
check_body(const char *row, struct body *b, size_t n)
{
	static const size_t heads[] = { 0, 1, 100, 70000, SIZE_MAX };
	struct err err = ERR_INIT;
	struct digest want;
	struct span s;
	size_t at = 0, i;
	int more;

	sha256_of(span_of(pattern, n), &want);
	CHECK_INT(row, body_size(b), n);
	CHECK(row, digest_eq(body_digest(b), &want));
	body_rewind(b);
	while ((more = body_next(b, &s, &err)) == 1) {
		CHECK(row, s.n > 0 && s.n <= n - at);
		CHECK(row, memcmp(s.p, pattern + at, s.n) == 0);
		at += s.n;
		if (n > BODY_IN_MEMORY) {
			CHECK(row, body_head(b, 10, &s, &err) == 0);
			CHECK_SPAN(row, s, span_of(pattern, 10));
		} else {
			CHECK_INT(row, at, n);
		}
	}
	CHECK_INT(row, more, 0);
	CHECK_INT(row, at, n);
	for (i = 0; i < N(heads); i++) {
		CHECK(row, body_head(b, heads[i], &s, &err) == 0);
		CHECK(row, s.n == (heads[i] < n ? heads[i] : n));
		CHECK(row, s.n == 0 || memcmp(s.p, pattern, s.n) == 0);
	}
}

static void
fill_pieces(const char *row, struct body *b, size_t n, size_t piece)
{
	struct err err = ERR_INIT;
	size_t at, k;

	for (at = 0; at < n; at += k) {
		k = n - at < piece ? n - at : piece;
		CHECK_INT(row, body_add(b, span_of(pattern + at, k), &err), 0);
	}
}

/* As a reader of literals does, who may get less than there is room for. */
static void
fill_room(const char *row, struct body *b, size_t n, size_t piece)
{
	struct err err = ERR_INIT;
	unsigned char *p;
	size_t at = 0, got;

	while (at < n) {
		p = body_room(b, n - at, &got, &err);
		CHECK(row, p != NULL && got >= 1 && got <= n - at);
		if (got > piece)
			got = piece;
		memcpy(p, pattern + at, got);
		CHECK_INT(row, body_added(b, got, &err), 0);
		at += got;
	}
}

static const struct row {
	const char	*name;
	size_t		 n;
} rows[] = {
	{ "empty",		0 },
	{ "one octet",		1 },
	{ "small",		5000 },
	{ "16 Ki",		16384 },
	{ "16 Ki and 1",	16385 },
	{ "the border less 1",	BODY_IN_MEMORY - 1 },
	{ "the border",		BODY_IN_MEMORY },
	{ "the border and 1",	BODY_IN_MEMORY + 1 },
	{ "a piece beyond",	BODY_IN_MEMORY + MIB / 4 },
	{ "and 1",		BODY_IN_MEMORY + MIB / 4 + 1 },
	{ "large",		PATTERN_SIZE },
};

/* One body for all, in both orders, so that reuse is tested too. */
static void
every_size(void **state)
{
	static const size_t pieces[] = { 777, 65536, SIZE_MAX };
	struct err err = ERR_INIT;
	struct body *b = body_new(&err);
	size_t i, k, right;

	(void)state;
	assert_non_null(b);
	for (i = 0; i < 2 * N(rows); i++) {
		const struct row *r = &rows[i < N(rows) ? i : 2 * N(rows) - 1 - i];

		for (k = 0; k < N(pieces); k++)
			for (right = 0; right < 2; right++) {
				CHECK_INT(r->name, body_begin(b,
				    right == 1 ? r->n : 0, &err), 0);
				if (right == 1)
					fill_room(r->name, b, r->n, pieces[k]);
				else
					fill_pieces(r->name, b, r->n, pieces[k]);
				CHECK_INT(r->name, body_end(b, &err), 0);
				if (k == 1 || r->n <= 16385)
					check_body(r->name, b, r->n);
			}
	}
	body_free(b);
	body_free(NULL);
}

/* The expectation is a hint: too much and too little are fine. */
static void
a_wrong_expectation(void **state)
{
	static const struct {
		const char	*name;
		uint64_t	 expect;
		size_t		 n;
	} cases[] = {
		{ "less",		10, 5000 },
		{ "more",		MIB, 5000 },
		{ "far more",		UINT64_MAX, 5000 },
		{ "far more, empty",	UINT64_MAX, 0 },
		{ "less than the border", 10, BODY_IN_MEMORY + 10 },
	};
	struct err err = ERR_INIT;
	struct body *b = body_new(&err);
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CHECK_INT(cases[i].name, body_begin(b, cases[i].expect, &err), 0);
		fill_pieces(cases[i].name, b, cases[i].n, 1000);
		CHECK_INT(cases[i].name, body_end(b, &err), 0);
		check_body(cases[i].name, b, cases[i].n);
	}
	body_free(b);
}

static void
lent_octets(void **state)
{
	struct err err = ERR_INIT;
	struct body *b = body_new(&err);
	struct digest claimed;
	struct span s;

	(void)state;
	assert_int_equal(body_lend(b, span_of(pattern, 100), NULL, &err), 0);
	check_body("lent", b, 100);
	body_rewind(b);
	assert_int_equal(body_next(b, &s, &err), 1);
	assert_ptr_equal(s.p, pattern);
	assert_int_equal(body_next(b, &s, &err), 0);

	memset(&claimed, 7, sizeof(claimed));
	assert_int_equal(body_lend(b, span_of(pattern, 100), &claimed, &err), 0);
	assert_true(digest_eq(body_digest(b), &claimed));
	assert_int_equal(body_lend(b, SPAN_NONE, NULL, &err), 0);
	check_body("lent nothing", b, 0);

	assert_int_equal(body_begin(b, 0, &err), 0);
	fill_pieces("after lending", b, 50, 50);
	assert_int_equal(body_end(b, &err), 0);
	check_body("after lending", b, 50);
	body_free(b);
}

static void
too_much_added(void **state)
{
	struct err err = ERR_INIT;
	struct body *b = body_new(&err);
	size_t got;

	(void)state;
	assert_int_equal(body_begin(b, 0, &err), 0);
	assert_non_null(body_room(b, 10, &got, &err));
	assert_true(got >= 1 && got <= 10);
	assert_int_equal(body_added(b, got + 1, &err), -1);
	assert_int_equal(err.status, STATUS_BUG);
	assert_int_equal(err.scope, ERR_RUN);
	body_free(b);
}

/* No directory for the file: said at the octet that needs it. */
static void
no_room_for_a_file(void **state)
{
	struct err err = ERR_INIT;
	struct body *b = body_new(&err);

	(void)state;
	assert_int_equal(setenv("TMPDIR", "/nonexistent/directory", 1), 0);
	assert_int_equal(body_begin(b, 0, &err), 0);
	assert_int_equal(body_add(b, span_of(pattern, BODY_IN_MEMORY), &err), 0);
	assert_int_equal(body_add(b, span_of(pattern, 1), &err), -1);
	assert_int_equal(err.scope, ERR_RUN);
	assert_int_equal(err.status, STATUS_IO);
	err_clear(&err);
	assert_int_equal(body_begin(b, BODY_IN_MEMORY + 1, &err), -1);
	assert_int_equal(err.status, STATUS_IO);
	assert_int_equal(unsetenv("TMPDIR"), 0);

	/* It can be used again. */
	assert_int_equal(body_begin(b, 0, &err), 0);
	fill_pieces("after a failure", b, 50, 50);
	assert_int_equal(body_end(b, &err), 0);
	check_body("after a failure", b, 50);
	body_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(a_wrong_expectation),
		cmocka_unit_test(lent_octets),
		cmocka_unit_test(too_much_added),
		cmocka_unit_test(no_room_for_a_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
