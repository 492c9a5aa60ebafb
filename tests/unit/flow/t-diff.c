/* SPDX-License-Identifier: ISC */
/* Comparing two sources: tables of what is on each side and what is said. */

#include "fake.h"

#include "flow/diff.h"

#define HEAD(id) "Message-ID: <" id "@example.org>\r\nSubject: " id "\r\n"
#define A	HEAD("a") "\r\na\r\n"
#define A_LF	"Message-ID: <a@example.org>\nSubject: a\n\na\n"
#define A_BODY	HEAD("a") "\r\nanother\r\n"
#define B	HEAD("b") "\r\nb\r\n"
#define C	HEAD("c") "\r\nc\r\n"

struct msg {
	const char	*box, *text, *flags;
	int64_t		 sec;
};

static const struct row {
	const char	*name;
	struct msg	 a[5], b[5];
	unsigned	 ignore;
	bool		 sizes, blind_a, blind_b;	/* keys, but no octets */
	const char	*log;
	uint64_t	 same, differ;
} rows[] = {
	{ .name = "both empty", .log = "" },
	{ .name = "same", .a = { { "I", A, "", 1 }, { "I", B, "\\Seen", 2 } },
	    .b = { { "I", B, "\\Seen", 2 }, { "I", A, "", 1 } },
	    .log = "", .same = 2 },
	{ .name = "missing and extra", .a = { { "I", A, "", 1 } },
	    .b = { { "I", B, "", 1 } }, .log = "missing I1 extra I1 ",
	    .differ = 2 },
	{ .name = "ignored", .a = { { "I", A, "", 1 } },
	    .b = { { "I", B, "", 1 } }, .ignore = DIFF_EXTRA,
	    .log = "missing I1 ", .differ = 1 },
	{ .name = "flags", .a = { { "I", A, "\\Seen", 1 } },
	    .b = { { "I", A, "\\Flagged", 1 } }, .log = "flags I1=I1 ",
	    .differ = 1 },
	{ .name = "case of flags", .a = { { "I", A, "$Label", 1 } },
	    .b = { { "I", A, "$label", 1 } }, .log = "", .same = 1 },
	{ .name = "date", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A, "", 2 } }, .log = "date I1=I1 ", .differ = 1 },
	{ .name = "date ignored", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A, "", 2 } }, .ignore = DIFF_DATE, .log = "",
	    .same = 1 },
	{ .name = "flags and date", .a = { { "I", A, "\\Seen", 1 } },
	    .b = { { "I", A, "", 2 } }, .log = "flags,date I1=I1 ",
	    .differ = 1 },
	{ .name = "body by canon", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A_LF, "", 1 } }, .log = "body I1=I1 ", .differ = 1 },
	{ .name = "body by key", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A_BODY, "", 1 } }, .log = "body I1=I1 ",
	    .differ = 1 },
	{ .name = "body not known", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A_BODY, "", 1 } }, .blind_b = true, .log = "",
	    .same = 1 },
	{ .name = "sizes", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A_BODY, "", 1 } }, .blind_b = true, .sizes = true,
	    .log = "body I1=I1 ", .differ = 1 },
	{ .name = "both without octets", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A, "", 1 } }, .blind_a = true, .blind_b = true,
	    .sizes = true, .log = "", .same = 1 },
	{ .name = "moved", .a = { { "I", A, "", 1 }, { "J", B, "", 1 } },
	    .b = { { "J", B, "", 1 }, { "J", A, "", 1 } },
	    .log = "moved I1=J2 ", .same = 1, .differ = 1 },
	{ .name = "moved and flagged", .a = { { "I", A, "", 1 } },
	    .b = { { "J", A, "\\Seen", 1 } }, .log = "flags,moved I1=J1 ",
	    .differ = 1 },
	{ .name = "copied, not moved", .a = { { "I", A, "", 1 } },
	    .b = { { "I", A, "", 1 }, { "J", A, "", 1 } },
	    .log = "extra J1 ", .same = 1, .differ = 1 },
	{ .name = "duplicates in another order",
	    .a = { { "I", A, "\\Seen", 1 }, { "I", A, "", 2 } },
	    .b = { { "I", A, "", 2 }, { "I", A, "\\Seen", 1 } },
	    .log = "", .same = 2 },
	{ .name = "one duplicate fewer",
	    .a = { { "I", A, "\\Seen", 1 }, { "I", A, "\\Draft", 1 },
	    { "I", A, "", 1 } },
	    .b = { { "I", A, "", 1 }, { "I", A, "\\Draft", 1 } },
	    .log = "missing I1 ", .same = 2, .differ = 1 },
	{ .name = "digest before canon before key",
	    .a = { { "I", A_BODY, "", 1 }, { "I", A_LF, "", 1 },
	    { "I", A, "", 1 } },
	    .b = { { "I", A, "", 1 }, { "I", A_BODY, "", 1 },
	    { "I", A_LF, "", 1 } }, .log = "", .same = 3 },
	{ .name = "a mailbox of one side", .a = { { "I", A, "", 1 } },
	    .log = "missing I1 ", .differ = 1 },
	{ .name = "an empty mailbox of one side", .a = { { "I", NULL, "", 0 } },
	    .log = "box-missing I ", .differ = 1 },
	{ .name = "an empty mailbox of the other", .b = { { "I", NULL, "", 0 } },
	    .log = "box-extra I ", .differ = 1 },
	{ .name = "empty on both", .a = { { "I", NULL, "", 0 } },
	    .b = { { "I", NULL, "", 0 } }, .log = "" },
	{ .name = "order of mailboxes", .a = { { "I", A, "", 1 },
	    { "J", B, "", 1 }, { "K", C, "", 1 } },
	    .b = { { "K", C, "", 1 }, { "J", B, "", 2 }, { "I", A, "", 1 } },
	    .log = "date J1=J1 ", .same = 2, .differ = 1 },
};

static const struct {
	unsigned	 kind;
	const char	*name;
} kinds[] = {
	{ DIFF_MISSING, "missing" }, { DIFF_EXTRA, "extra" },
	{ DIFF_FLAGS, "flags" }, { DIFF_DATE, "date" }, { DIFF_ZONE, "zone" },
	{ DIFF_BODY, "body" }, { DIFF_MOVED, "moved" },
	{ DIFF_MAILBOX_MISSING, "box-missing" },
	{ DIFF_MAILBOX_EXTRA, "box-extra" },
};

struct seen {
	struct buf	 log;
	uint64_t	 rows, moved, missing, extra, same;
	unsigned	 fail_at;
};

static void
put_side(struct buf *b, const struct diff_side *side)
{
	buf_put(b, side->mailbox);
	if (side->uid != 0)
		buf_u64(b, side->uid);
}

static int
on_row(void *arg, const struct diff_row *row, struct err *err)
{
	struct seen *s = arg;
	const char *comma = "";
	size_t i;

	if (++s->rows == s->fail_at)
		return err_set(err, ERR_RUN, STATUS_IO, "the reader is gone");
	for (i = 0; i < N(kinds); i++)
		if ((row->kinds & kinds[i].kind) != 0) {
			buf_fmt(&s->log, "%s%s", comma, kinds[i].name);
			comma = ",";
		}
	buf_chr(&s->log, ' ');
	if (row->a != NULL)
		put_side(&s->log, row->a);
	if (row->a != NULL && row->b != NULL)
		buf_chr(&s->log, '=');
	if (row->b != NULL)
		put_side(&s->log, row->b);
	buf_chr(&s->log, ' ');
	return 0;
}

static int
on_stat(void *arg, const struct diff_stat *stat, struct err *err)
{
	struct seen *s = arg;

	(void)err;
	s->moved += stat->moved;
	s->missing += stat->missing;
	s->extra += stat->extra;
	s->same += stat->same;
	return 0;
}

static void
fill(struct fake_source *s, const struct msg *v, size_t n, bool blind)
{
	struct fake_box *b = NULL;
	size_t i;

	fake_source_init(s);
	s->blind = blind;
	for (i = 0; i < n && v[i].box != NULL; i++) {
		if (b == NULL || strcmp(b->name, v[i].box) != 0)
			b = fake_source_box(s, v[i].box);
		if (v[i].text == NULL)
			continue;
		fake_add(b, v[i].text);
		b->v[b->n - 1].flags = v[i].flags;
		b->v[b->n - 1].sec = v[i].sec;
	}
}

static void
all_rows(void **state)
{
	struct fake_source a, b;
	struct diff_result result;
	struct err err = ERR_INIT;
	size_t i;
	int lists;

	(void)state;
	for (i = 0; i < N(rows); i++)
	for (lists = 0; lists < 4; lists++) {
		const struct row *r = &rows[i];
		struct seen seen = { .log = BUF_INIT };
		const struct diff_config c = {
			.a = &a.source, .b = &b.source, .ignore = r->ignore,
			.sizes = r->sizes, .row = on_row, .stat = on_stat,
			.arg = &seen,
		};

		fill(&a, r->a, N(r->a), r->blind_a);
		fill(&b, r->b, N(r->b), r->blind_b);
		a.no_list = (lists & 1) != 0;
		b.no_list = (lists & 2) != 0;
		ROW_OK(r->name, diff_run(&c, &result, &err) == 0);
		if (strcmp(buf_cstr(&seen.log), r->log) != 0)
			fail_msg("%s (%d):\n is   \"%s\"\n want \"%s\"",
			    r->name, lists, buf_cstr(&seen.log), r->log);
		ROW_OK(r->name, result.same == r->same);
		ROW_OK(r->name, result.differ == r->differ);
		ROW_OK(r->name, result.complete);
		ROW_OK(r->name, seen.same == r->same);
		buf_fini(&seen.log);
		fake_source_fini(&a);
		fake_source_fini(&b);
	}
}

/* A stream may bring a mailbox twice. */
static void
in_pieces(void **state)
{
	struct fake_source a, b;
	struct diff_result result;
	struct seen seen = { .log = BUF_INIT };
	const struct diff_config c = { .a = &a.source, .b = &b.source,
	    .row = on_row, .arg = &seen };
	const struct msg whole[] = { { "I", A, "", 1 }, { "I", B, "", 1 },
	    { "J", C, "", 1 } };
	const struct msg pieces[] = { { "I", A, "", 1 }, { "J", C, "", 1 },
	    { "I", B, "", 1 } };

	(void)state;
	fill(&a, whole, N(whole), false);
	fill(&b, pieces, N(pieces), false);
	b.no_list = true;
	b.boxes[0]->partial = true;
	assert_int_equal(diff_run(&c, &result, NULL), 0);
	assert_int_equal(result.same, 3);
	assert_int_equal(result.differ, 0);
	assert_true(result.complete);
	buf_fini(&seen.log);
	fake_source_fini(&a);
	fake_source_fini(&b);
}

static void
failures(void **state)
{
	static const struct {
		const char	*name, *call;
		unsigned	 at;
		enum err_scope	 scope;
		int		 rc;
		uint64_t	 same;
	} cases[] = {
		{ "list",	"list",		1, ERR_RUN,	-1, 0 },
		{ "open",	"open",		1, ERR_RUN,	-1, 0 },
		{ "a mailbox",	"mailbox",	1, ERR_MAILBOX,	0, 1 },
		{ "mailboxes",	"mailbox",	2, ERR_RUN,	-1, 0 },
		{ "in a mailbox", "window",	1, ERR_MAILBOX,	0, 1 },
		{ "a window",	"window",	1, ERR_RUN,	-1, 0 },
		{ "finish",	"finish",	1, ERR_MAILBOX,	0, 1 },
	};
	const struct msg v[] = { { "I", A, "", 1 }, { "J", B, "", 1 } };
	struct fake_source a, b;
	struct fake_report report;
	struct diff_result result;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct seen seen = { .log = BUF_INIT };
		const struct diff_config c = { .a = &a.source, .b = &b.source,
		    .row = on_row, .arg = &seen, .report = &report.report };

		fill(&a, v, N(v), false);
		fill(&b, v, N(v), false);
		fake_report_init(&report);
		b.fault = (struct fake_fault){ .call = cases[i].call,
		    .at = cases[i].at, .scope = cases[i].scope };
		ROW_OK(cases[i].name, diff_run(&c, &result, &err) == cases[i].rc);
		ROW_OK(cases[i].name, !result.complete);
		if (cases[i].rc == 0) {
			ROW_OK(cases[i].name, result.same == cases[i].same);
			ROW_OK(cases[i].name, result.differ == 0);
			ROW_OK(cases[i].name, report.mailboxes == 1);
		}
		buf_fini(&seen.log);
		fake_source_fini(&a);
		fake_source_fini(&b);
	}
}

static void
reader_gone(void **state)
{
	const struct msg v[] = { { "I", A, "", 1 }, { "J", B, "", 1 } };
	struct fake_source a, b;
	struct diff_result result;
	struct seen seen = { .log = BUF_INIT, .fail_at = 2 };
	const struct diff_config c = { .a = &a.source, .b = &b.source,
	    .row = on_row, .arg = &seen };
	struct err err = ERR_INIT;

	(void)state;
	fill(&a, v, N(v), false);
	fill(&b, NULL, 0, false);
	assert_int_equal(diff_run(&c, &result, &err), -1);
	assert_int_equal(err.status, STATUS_IO);
	buf_fini(&seen.log);
	fake_source_fini(&a);
	fake_source_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(failures),
		cmocka_unit_test(reader_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
