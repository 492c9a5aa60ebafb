/* SPDX-License-Identifier: ISC */
/* SHA-256: the examples of FIPS 180-4, whole and in pieces of every size. */

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "row.h"

#define TWO_BLOCKS \
	"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" \
	"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"

static const struct row {
	const char	*name;
	struct span	 in;
	const char	*hex;
} rows[] = {
	{ "nothing", { NULL, 0 },
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", LIT("abc"),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "two blocks", LIT(TWO_BLOCKS),
	    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	{ "NUL", LIT("\0"),
	    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
};

static void
examples(void **state)
{
	struct buf b = BUF_INIT;
	struct digest d, back;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		sha256_of(rows[i].in, &d);
		digest_put(&b, &d);
		ROW_SPAN(rows[i].name, buf_span(&b), span_str(rows[i].hex));
		ROW_OK(rows[i].name, digest_parse(buf_span(&b), &back));
		ROW_OK(rows[i].name, digest_eq(&d, &back));
	}
	buf_fini(&b);
}

/* One context for all, cut at every octet. */
static void
in_pieces(void **state)
{
	struct err err = ERR_INIT;
	struct sha256 *h = sha256_new(&err);
	struct digest want, d;
	size_t i, cut;

	(void)state;
	assert_non_null(h);
	for (i = 0; i < N(rows); i++) {
		assert_true(digest_parse(span_str(rows[i].hex), &want));
		for (cut = 0; cut <= rows[i].in.n; cut++) {
			sha256_reset(h);
			sha256_add(h, span_head(rows[i].in, cut));
			sha256_add(h, span_from(rows[i].in, cut));
			sha256_end(h, &d);
			ROW_OK(rows[i].name, digest_eq(&d, &want));
		}
	}
	sha256_reset(h);
	sha256_add(h, SPAN("left over"));
	sha256_reset(h);
	sha256_end(h, &d);
	assert_true(digest_parse(span_str(rows[0].hex), &want));
	assert_true(digest_eq(&d, &want));
	sha256_free(h);
	sha256_free(NULL);
}

static void
a_million_a(void **state)
{
	struct err err = ERR_INIT;
	struct sha256 *h = sha256_new(&err);
	char piece[1000];
	struct digest d, want;
	int i;

	(void)state;
	assert_non_null(h);
	memset(piece, 'a', N(piece));
	for (i = 0; i < 1000; i++)
		sha256_add(h, span_of(piece, N(piece)));
	sha256_end(h, &d);
	assert_true(digest_parse(SPAN(
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
	    &want));
	assert_true(digest_eq(&d, &want));
	sha256_free(h);
}

static void
digests(void **state)
{
	struct digest a, b;
	size_t i;

	(void)state;
	sha256_of(SPAN("a"), &a);
	ROW_SPAN("span", digest_span(&a), span_of(a.b, 32));
	for (i = 0; i < N(a.b); i++) {
		b = a;
		b.b[i] ^= 1;
		assert_false(digest_eq(&a, &b));
	}
	assert_false(digest_parse(SPAN_NONE, &a));
	assert_false(digest_parse(span_head(span_str(rows[0].hex), 63), &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(a_million_a),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
