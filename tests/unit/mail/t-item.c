/* SPDX-License-Identifier: ISC */
/* Windows of items, how an item is called, and reports that may be absent. */

#include <string.h>

#include "mail/report.h"

#include "check.h"

static void
a_window_fills_and_empties(void **state)
{
	struct err err = ERR_INIT;
	struct window w;
	struct item *item;
	size_t i;

	(void)state;
	assert_int_equal(window_init(&w, &err), 0);
	for (i = 0; i < WINDOW_ITEMS; i++) {
		assert_non_null(item = window_add(&w));
		item->uid = (uint32_t)i + 1;
		assert_true(arena_span(&w.arena, SPAN("\\Seen"), &item->flags));
	}
	assert_null(window_add(&w));
	assert_int_equal(w.n, WINDOW_ITEMS);
	assert_int_equal(w.v[WINDOW_ITEMS - 1].uid, WINDOW_ITEMS);
	window_reset(&w);
	assert_int_equal(w.n, 0);
	assert_non_null(item = window_add(&w));
	assert_int_equal(item->uid, 0);
	assert_int_equal(item->flags.n, 0);
	assert_int_equal(item->verdict, VERDICT_NONE);
	window_fini(&w);
	assert_null(window_add(&w));
	window_fini(&w);
}

static void
an_item_is_named(void **state)
{
	static const struct {
		const char	*want;
		struct span	 mailbox;
		struct item	 item;
	} rows[] = {
		{ "INBOX/Archive: uid 4711", LIT("INBOX\0Archive"), { .uid = 4711 } },
		{ "INBOX: ref 17.abc", LIT("INBOX"), { .ref = LIT("17.abc") } },
		{ "INBOX: uid 1", LIT("INBOX"), { .uid = 1, .ref = LIT("17.1") } },
		{ "INBOX: item 5", LIT("INBOX"), { .number = 5 } },
		{ "INBOX", LIT("INBOX"), { .uid = 0 } },
		{ "a\\x1b[2J: ref \\x0a", LIT("a\x1b[2J"), { .ref = LIT("\n") } },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&b);
		item_put(&b, rows[i].mailbox, &rows[i].item);
		CHECK_SPAN(rows[i].want, buf_span(&b), span_str(rows[i].want));
	}
	buf_fini(&b);
}

static void
verdicts_have_names(void **state)
{
	static const struct {
		enum verdict	 v;
		const char	*name;
	} rows[] = {
		{ VERDICT_NONE, "none" }, { VERDICT_WANTED, "wanted" },
		{ VERDICT_HAVE, "have" }, { VERDICT_CHANGED, "changed" },
		{ VERDICT_DROPPED, "dropped" }, { VERDICT_REFUSED, "refused" },
		{ VERDICT_UNAVAILABLE, "unavailable" }, { VERDICT_DONE, "done" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++)
		assert_string_equal(verdict_name(rows[i].v), rows[i].name);
}

struct seen {
	uint64_t	items, mailboxes, octets;
};

static void
see_item(void *arg, struct span mailbox, const struct item *item,
    const struct err *why)
{
	struct seen *s = arg;

	(void)mailbox;
	(void)item;
	assert_null(why);
	s->items++;
}

static void
see_mailbox(void *arg, struct span mailbox, const struct err *why)
{
	struct seen *s = arg;

	(void)mailbox;
	assert_non_null(why);
	s->mailboxes++;
}

static void
see_progress(void *arg, struct span mailbox, uint64_t items, uint64_t octets)
{
	struct seen *s = arg;

	(void)mailbox;
	(void)items;
	s->octets += octets;
}

static void
reports(void **state)
{
	struct seen seen = { 0, 0, 0 };
	const struct report none = { .arg = NULL };
	const struct report all = { .item = see_item, .mailbox = see_mailbox,
	    .progress = see_progress, .arg = &seen };
	const struct report *const v[] = { NULL, &none, &all };
	const struct item item = { .uid = 1 };
	const struct err why = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(v); i++) {
		report_item(v[i], SPAN("INBOX"), &item, NULL);
		report_mailbox(v[i], SPAN("INBOX"), &why);
		report_progress(v[i], SPAN("INBOX"), 1, 100);
		report_note(v[i], "%d", 1);
	}
	assert_int_equal(seen.items, 1);
	assert_int_equal(seen.mailboxes, 1);
	assert_int_equal(seen.octets, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_fills_and_empties),
		cmocka_unit_test(an_item_is_named),
		cmocka_unit_test(verdicts_have_names),
		cmocka_unit_test(reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
