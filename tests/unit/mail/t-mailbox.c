/* SPDX-License-Identifier: ISC */
/* Lists of mailboxes: what goes in is copied, found and sorted. */

#include <string.h>

#include "mail/mailbox.h"

#include "check.h"

static struct mailbox
mailbox_of(const char *name)
{
	return (struct mailbox){ .name = span_str(name), .delimiter = '/' };
}

static void
copies_go_in(void **state)
{
	char name[] = "Work", raw[] = "&raw", attr[] = "\\Sent", id[] = "F1";
	struct mailboxes l = { .v = NULL };
	struct mailbox m = mailbox_of(name);
	struct mailbox *in;

	(void)state;
	m.raw = span_str(raw);
	m.attributes = span_str(attr);
	m.id = span_str(id);
	m.subscribed = true;
	m.uidvalidity = 17;
	m.modseq = UINT64_MAX;
	in = mailboxes_put(&l, &m);
	assert_non_null(in);
	name[0] = raw[0] = attr[0] = id[0] = 'X';
	CHECK_SPAN("name", in->name, SPAN("Work"));
	CHECK_SPAN("raw", in->raw, SPAN("&raw"));
	CHECK_SPAN("attributes", in->attributes, SPAN("\\Sent"));
	CHECK_SPAN("id", in->id, SPAN("F1"));
	assert_true(in->subscribed);
	assert_int_equal(in->uidvalidity, 17);
	assert_true(in->modseq == UINT64_MAX);
	assert_int_equal(in->delimiter, '/');
	mailboxes_fini(&l);
	assert_int_equal(l.n, 0);
	mailboxes_fini(&l);
}

static void
a_name_is_there_once(void **state)
{
	struct mailboxes l = { .v = NULL };
	struct mailbox m = mailbox_of("A");

	(void)state;
	assert_null(mailboxes_get(&l, SPAN("A")));
	assert_non_null(mailboxes_put(&l, &m));
	m.messages = 5;
	assert_non_null(mailboxes_put(&l, &m));
	assert_int_equal(l.n, 1);
	assert_int_equal(mailboxes_get(&l, SPAN("A"))->messages, 5);
	assert_null(mailboxes_get(&l, SPAN("a")));
	assert_null(mailboxes_get(&l, SPAN("")));
	mailboxes_fini(&l);
}

static void
sorted(void **state)
{
	static const struct span in[] = {
		LIT("b"), LIT("INBOX\0z"), LIT("Work\0A"), LIT("Work2"),
		LIT("INBOX"), LIT("Work"), LIT("A"), LIT("INBOX2"),
		LIT("Work\0A\0x"), LIT("Work A"),
	};
	static const struct span want[] = {
		LIT("INBOX"), LIT("INBOX\0z"), LIT("A"), LIT("INBOX2"),
		LIT("Work"), LIT("Work\0A"), LIT("Work\0A\0x"), LIT("Work A"),
		LIT("Work2"), LIT("b"),
	};
	struct mailboxes l = { .v = NULL };
	struct mailbox m = mailbox_of("");
	size_t i;

	(void)state;
	mailboxes_sort(&l);
	for (i = 0; i < N(in); i++) {
		m.name = in[i];
		assert_non_null(mailboxes_put(&l, &m));
	}
	mailboxes_sort(&l);
	for (i = 0; i < N(want); i++) {
		CHECK_SPAN("order", l.v[i].name, want[i]);
		assert_ptr_equal(mailboxes_get(&l, want[i]), &l.v[i]);
	}
	mailboxes_fini(&l);
}

/* Filled, asked between, and asked for each in the end. */
static void
a_hundred_thousand(void **state)
{
	struct mailboxes l = { .v = NULL };
	struct mailbox m = mailbox_of("");
	struct mailbox *found;
	struct buf b = BUF_INIT;
	uint32_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		buf_clear(&b);
		buf_fmt(&b, "user%u", (unsigned)(i * 7919U % 100000U));
		m.name = buf_span(&b);
		m.uidvalidity = i + 1;
		assert_null(mailboxes_get(&l, m.name));
		assert_non_null(mailboxes_put(&l, &m));
	}
	assert_int_equal(l.n, 100000);
	for (i = 0; i < 100000; i++) {
		buf_clear(&b);
		buf_fmt(&b, "user%u", (unsigned)(i * 7919U % 100000U));
		found = mailboxes_get(&l, buf_span(&b));
		assert_non_null(found);
		assert_int_equal(found->uidvalidity, i + 1);
	}
	mailboxes_sort(&l);
	assert_non_null(mailboxes_get(&l, SPAN("user99999")));
	assert_null(mailboxes_get(&l, SPAN("user100000")));
	buf_fini(&b);
	mailboxes_fini(&l);
}

static void
status_names(void **state)
{
	static const enum mailbox_status all[] = {
		MAILBOX_OPEN, MAILBOX_NOSELECT, MAILBOX_GONE,
	};
	enum mailbox_status s;
	size_t i;

	(void)state;
	for (i = 0; i < N(all); i++) {
		assert_true(mailbox_status_parse(
		    span_str(mailbox_status_name(all[i])), &s));
		assert_int_equal(s, all[i]);
	}
	assert_string_equal(mailbox_status_name(MAILBOX_NOSELECT), "noselect");
	assert_false(mailbox_status_parse(SPAN("Open"), &s));
	assert_false(mailbox_status_parse(SPAN_NONE, &s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_go_in),
		cmocka_unit_test(a_name_is_there_once),
		cmocka_unit_test(sorted),
		cmocka_unit_test(a_hundred_thousand),
		cmocka_unit_test(status_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
