/* SPDX-License-Identifier: ISC */
/* Paths of items and lines of logs. */

#include "util.h"

static const struct path_row {
	const char	*name;
	struct span	 mailbox;
	struct item	 item;
	const char	*path;
} paths[] = {
	{ "with UID", LIT("INBOX"),
	    { .ref = LIT("1699.42"), .date = { 1700000000, 0, true },
	      .flags = LIT("\\Flagged \\Seen") },
	    "INBOX/cur/1700000000.2cf24dba5fb0a30e.V1699U42,S=5:2,FS" },
	{ "without date and flags", LIT("A\0B"), { .ref = LIT("1.2") },
	    "A/B/cur/0.2cf24dba5fb0a30e.V1U2,S=5:2," },
	{ "before 1970", LIT("A"),
	    { .ref = LIT("1.2"), .date = { -5, 0, true } },
	    "A/cur/-5.2cf24dba5fb0a30e.V1U2,S=5:2," },
	{ "without UID", LIT("A"), { .ref = LIT("hello") },
	    "A/cur/0.2cf24dba5fb0a30e.R2cf24dba5fb0a30e,S=5:2," },
	{ "nearly a UID", LIT("A"), { .ref = LIT("1.2.3") },
	    "A/cur/0.2cf24dba5fb0a30e.Rc47f5b18b8a430e6,S=5:2," },
	{ "half a UID", LIT("A"), { .ref = LIT("1.") },
	    "A/cur/0.2cf24dba5fb0a30e.Rc977dbe785221d34,S=5:2," },
	{ "same mailbox at its source", LIT("A"),
	    { .ref = LIT("1.2"), .src_mailbox = LIT("A") },
	    "A/cur/0.2cf24dba5fb0a30e.V1U2,S=5:2," },
	{ "another mailbox at its source", LIT("A"),
	    { .ref = LIT("1.2"), .src_mailbox = LIT("hello") },
	    "A/cur/0.2cf24dba5fb0a30e.V1U2M2cf24dba,S=5:2," },
};

static void
item_paths(void **state)
{
	struct buf out = BUF_INIT;
	struct digest digest;
	size_t i;

	(void)state;
	sha256_of(SPAN("hello"), &digest);
	for (i = 0; i < N(paths); i++) {
		buf_clear(&out);
		entry_item_path(&out, paths[i].mailbox, &paths[i].item, &digest,
		    5);
		if (!span_is(buf_span(&out), paths[i].path))
			fail_msg("%s: %s", paths[i].name, buf_cstr(&out));
	}
	buf_fini(&out);
}

static const struct log_row {
	const char	*text;
	struct log_line	 line;
} lines[] = {
	{ "flags\t[\"INBOX\"]\t1699.42\t\\Flagged \\Seen $Label1",
	    { .kind = LOG_FLAGS, .mailbox = LIT("INBOX"),
	      .ref = LIT("1699.42"), .flags = LIT("\\Flagged \\Seen $Label1") } },
	{ "flags\t[\"INBOX\"]\t1699.42\t",
	    { .kind = LOG_FLAGS, .mailbox = LIT("INBOX"),
	      .ref = LIT("1699.42") } },
	{ "expunged\t[\"a\\tb\",\"c\\n\"]\tx%09%25%0Ay%FF",
	    { .kind = LOG_EXPUNGED, .mailbox = LIT("a\tb\0c\n"),
	      .ref = LIT("x\t%\ny\xff") } },
	{ "purged\t[\"A\"]\t1.1",
	    { .kind = LOG_PURGED, .mailbox = LIT("A"), .ref = LIT("1.1") } },
	{ "moved\t[\"INBOX\"]\t1699.45\t[\"Archive\"]\t1702.9",
	    { .kind = LOG_MOVED, .mailbox = LIT("INBOX"),
	      .ref = LIT("1699.45"), .to_mailbox = LIT("Archive"),
	      .to_ref = LIT("1702.9") } },
	{ "mailbox-gone\t[\"Old\"]",
	    { .kind = LOG_MAILBOX_GONE, .mailbox = LIT("Old") } },
	{ "renamed\t[\"Old\"]\t[\"New\"]",
	    { .kind = LOG_RENAMED, .mailbox = LIT("Old"),
	      .to_mailbox = LIT("New") } },
	{ "scope\t[\"INBOX\"]\tcomplete",
	    { .kind = LOG_SCOPE, .mailbox = LIT("INBOX"), .complete = true } },
	{ "scope\t[\"Big\"]\tpartial",
	    { .kind = LOG_SCOPE, .mailbox = LIT("Big") } },
	{ "generation\t7\tcomplete",
	    { .kind = LOG_GENERATION, .number = 7, .complete = true } },
};

static void
check_line(const char *text, const struct log_line *got,
    const struct log_line *want)
{
	CHECK(text, got->kind == want->kind);
	CHECK(text, span_eq(got->mailbox, want->mailbox));
	CHECK(text, span_eq(got->ref, want->ref));
	CHECK(text, span_eq(got->to_mailbox, want->to_mailbox));
	CHECK(text, span_eq(got->to_ref, want->to_ref));
	CHECK(text, span_eq(got->flags, want->flags));
	CHECK(text, got->complete == want->complete);
	CHECK(text, got->number == want->number);
}

/* Each line there and back; and no front part of one is taken for another. */
static void
log_lines(void **state)
{
	struct arena arena = { .head = NULL };
	struct buf out = BUF_INIT;
	struct log_line got;
	struct err err = ERR_INIT;
	struct span text;
	size_t i, n;

	(void)state;
	for (i = 0; i < N(lines); i++) {
		buf_clear(&out);
		log_put(&out, &lines[i].line);
		text = span_str(lines[i].text);
		CHECK(lines[i].text, out.n == text.n + 1 &&
		    out.p[text.n] == '\n' &&
		    span_eq(span_head(buf_span(&out), text.n), text));
		CHECK(lines[i].text, log_parse(text, &arena, &got, &err) == 0);
		check_line(lines[i].text, &got, &lines[i].line);
		for (n = 0; n < text.n; n++)
			if (log_parse(span_head(text, n), &arena, &got,
			    &err) == 0)
				CHECK(lines[i].text, got.kind == lines[i].line.kind);
		arena_reset(&arena);
	}
	arena_fini(&arena);
	buf_fini(&out);
}

static void
bad_lines(void **state)
{
	static const char *const bad[] = {
		"", "\t", "flags", "flags\t", "flags\t[\"A\"]",
		"flags\t[\"A\"]\t1.1", "flags\t[\"A\"]\t\t", "flags\t[]\t1.1\t",
		"flags\tA\t1.1\t", "expunged\t[\"A\"]\t1.1\t",
		"expunged\t[\"A\"]\t%zz", "expunged\t[\"A\"]\t%4",
		"Expunged\t[\"A\"]\t1.1", "scope\t[\"A\"]\tfull",
		"scope\t[\"A\"]", "generation\t-1\tcomplete", "generation\t1\t",
		"generation\t18446744073709551616\tcomplete",
		"mailbox-gone\t[\"\"]", "mailbox-gone\t[\"A\\u0000\"]",
		"mailbox-gone\t[\"A\"", "renamed\t[\"A\"]\t{}", "new\t[\"A\"]",
	};
	struct arena arena = { .head = NULL };
	struct log_line got;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		err_clear(&err);
		CHECK(bad[i], log_parse(span_str(bad[i]), &arena, &got, &err) == -1);
		CHECK(bad[i], err.scope == ERR_RUN);
		CHECK(bad[i], err.status == STATUS_DATA);
	}
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(item_paths),
		cmocka_unit_test(log_lines),
		cmocka_unit_test(bad_lines),
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
