/* SPDX-License-Identifier: ISC */
/* Keys and values of the index, sets of numbers, and a map that is too small. */

#include "world.h"

#include "formats/archive/index.h"
#include "formats/archive/numset.h"
#include "formats/archive/row.h"

static const uint64_t numbers[] = {
	0, 1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
	INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX,
};

static void
codecs(void **state)
{
	struct buf b = BUF_INIT;
	struct codec c;
	size_t i, cut;

	(void)state;
	for (i = 0; i < N(numbers); i++) {
		buf_clear(&b);
		codec_put_num(&b, numbers[i]);
		codec_put_int(&b, (int64_t)numbers[i]);
		codec_put_text(&b, SPAN("a\0b"));
		c = (struct codec){ buf_span(&b), false };
		CHECK("num", codec_num(&c) == numbers[i]);
		CHECK("int", codec_int(&c) == (int64_t)numbers[i]);
		CHECK("text", span_eq(codec_text(&c), SPAN("a\0b")));
		CHECK("done", codec_done(&c));
		for (cut = 0; cut < b.n; cut++) {
			c = (struct codec){ span_head(buf_span(&b), cut), false };
			(void)codec_num(&c);
			(void)codec_int(&c);
			(void)codec_text(&c);
			CHECK("cut", !codec_done(&c));
		}
	}
	buf_fini(&b);
	c = (struct codec){ SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false };
	(void)codec_num(&c);
	CHECK("65 bits", c.bad);
}

static void
refs(void **state)
{
	const struct {
		struct span	ref;
		bool		plain;
	} rows[] = {
		{ SPAN("1699.42"), true },
		{ SPAN("0.0"), true },
		{ SPAN("4294967295.4294967295"), true },
		{ SPAN("4294967296.1"), false },
		{ SPAN("01.2"), false },
		{ SPAN("1.02"), false },
		{ SPAN("1."), false },
		{ SPAN(".1"), false },
		{ SPAN("1.2.3"), false },
		{ SPAN("1700000000.M1P2.host"), false },
	};
	unsigned char out[8];
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++)
		if (row_ref8(rows[i].ref, out) != rows[i].plain)
			fail_msg("%.*s", SPAN_ARG(rows[i].ref));
	(void)row_ref8(SPAN("1.2"), out);
	assert_memory_equal(out, "\0\0\0\1\0\0\0\2", 8);
}

static void
items(void **state)
{
	struct row_item in = {
		.home = 3, .src = 4, .born = 5, .since = 6, .state = ITEM_PURGED,
		.letters = 63, .altered = true,
		.item = {
			.uid = 7, .uidvalidity = UINT32_MAX, .modseq = UINT64_MAX,
			.ref = SPAN("1.2"), .flags = SPAN("\\Seen x"),
			.date = { -5, DATE_NO_ZONE, true }, .labels = SPAN("[\"a\"]"),
			.note = SPAN("n"),
		},
		.ident = { .size = 9, .lint = 5, .longest_line = 7,
		    .key = { .kind = KEY_MSGID, .date = INT64_MIN } },
	};
	struct row_item out;
	struct buf a = BUF_INIT, b = BUF_INIT;
	size_t cut;

	(void)state;
	row_put_item(&a, &in);
	CHECK("item", row_get_item(buf_span(&a), &out));
	row_put_item(&b, &out);
	CHECK("item", span_eq(buf_span(&a), buf_span(&b)));
	CHECK("item", out.item.date.zone == DATE_NO_ZONE && out.item.date.sec == -5);
	for (cut = 0; cut < a.n; cut++)
		CHECK("cut", !row_get_item(span_head(buf_span(&a), cut), &out));
	buf_fini(&a);
	buf_fini(&b);
}

static void
sets(void **state)
{
	struct rangeset r = { NULL, 0, 0 };
	struct bitset s = { NULL, 0 };
	struct nameset n = { NULL, 0, 0 };
	static const uint32_t uids[] = { 5, 6, 7, 1, 3, 2, 4, UINT32_MAX, 0, 5 };
	char name[16];
	uint32_t i;

	(void)state;
	for (i = 0; i < N(uids); i++)
		CHECK("range", rangeset_add(&r, uids[i]) && rangeset_has(&r, uids[i]));
	CHECK("range", !rangeset_has(&r, 8) && !rangeset_has(&r, UINT32_MAX - 1));
	CHECK("range", rangeset_has(&r, 0) && r.n <= 4);
	for (i = 0; i < 100000; i += 7)
		CHECK("bit", bitset_add(&s, i));
	for (i = 0; i < 100000; i++)
		CHECK("bit", bitset_has(&s, i) == (i % 7 == 0));
	for (i = 0; i < 1000; i++) {
		(void)snprintf(name, N(name), "n%u", i);
		CHECK("name", !nameset_has(&n, span_str(name)));
		CHECK("name", nameset_add(&n, span_str(name)));
	}
	CHECK("name", nameset_has(&n, SPAN("n0")) && n.n == 1000);
	rangeset_fini(&r);
	bitset_fini(&s);
	nameset_fini(&n);
}

#define ROWS	20000

static int
put_rows(struct index_txn *t, void *arg, struct err *err)
{
	unsigned *calls = arg, i;
	struct ikey key;

	(*calls)++;
	for (i = 0; i < ROWS; i++) {
		ikey_clear(&key);
		ikey_u32(&key, i);
		if (index_put(t, TABLE_ITEMS, ikey_span(&key),
		    SPAN("a value of some length, to fill the map with"), err) == -1)
			return -1;
	}
	return 0;
}

static void
small_map(void **state)
{
	const struct index_config config = { .create = true, .map = 256 << 10 };
	struct err err = ERR_INIT;
	struct index *ix = index_open("index", &config, &err);
	struct index *same = index_open("index", &config, &err);
	struct index_txn t;
	unsigned calls = 0;
	uint64_t n = 0;

	(void)state;
	CHECK_OK("map", ix != NULL, err);
	CHECK("opened once", same == ix);
	CHECK_OK("map", index_write(ix, put_rows, &calls, &err) == 0, err);
	CHECK("was too small", calls > 1);
	CHECK_OK("map", index_read(ix, &t, &err) == 0, err);
	CHECK("all rows", index_count(&t, TABLE_ITEMS, &n, &err) == 0 && n == ROWS);
	index_end(&t);
	index_close(same);
	index_close(ix);
}

/* What a full disk would take from under LMDB is there; an index of one process has none. */
static void
lock_file(void **state)
{
	const struct index_config shared = { .create = true };
	const struct index_config alone = { .create = true, .alone = true };
	struct err err = ERR_INIT;
	struct index *ix = index_open("shared", &shared, &err);
	struct stat st;

	(void)state;
	CHECK_OK("shared", ix != NULL, err);
	CHECK("shared", stat("shared/lock.mdb", &st) == 0);
	CHECK("shared", st.st_blocks >= st.st_size / 512);
	index_close(ix);
	ix = index_open("alone", &alone, &err);
	CHECK_OK("alone", ix != NULL, err);
	CHECK("alone", stat("alone/lock.mdb", &st) == -1);
	index_close(ix);
}

static void
segment_rows(void **state)
{
	static const struct row_segment rows[] = {
		{ .length = 9, .generation = 1, .items = 2, .bytes = 3 },
		{ .length = 9, .sealed = true, .sha = { { 7 } } },
		{ .length = 9, .sealed = true, .sha = { { 7 } },
		    .damage = { 1, 0, 0, false } },
		{ .length = UINT64_MAX, .sealed = true, .sha = { { 7 } },
		    .damage = { UINT64_MAX, 300, UINT64_MAX, true } },
	};
	struct row_segment got;
	struct buf b = BUF_INIT;
	size_t i, cut;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		row_put_segment(&b, &rows[i]);
		CHECK("get", row_get_segment(buf_span(&b), &got));
		CHECK("get", got.length == rows[i].length &&
		    got.sealed == rows[i].sealed &&
		    digest_eq(&got.sha, &rows[i].sha) &&
		    got.damage.places == rows[i].damage.places &&
		    got.damage.first == rows[i].damage.first &&
		    got.damage.lost == rows[i].damage.lost &&
		    got.damage.unsure == rows[i].damage.unsure);
		for (cut = 0; cut < b.n; cut++)
			CHECK("cut", !row_get_segment(span_head(buf_span(&b), cut),
			    &got));
	}
	buf_fini(&b);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codecs),
		cmocka_unit_test(refs),
		cmocka_unit_test(items),
		cmocka_unit_test(sets),
		T(small_map),
		T(lock_file),
		T(segment_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
