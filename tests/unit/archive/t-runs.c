/* SPDX-License-Identifier: ISC */
/*
 * Runs: what a first, a second and a later one write, what the views show then, and
 * that an index built anew is the same.
 */

#include "world.h"

static const struct world_message inbox1[] = {
	{ 1, "\\Seen", "one", false },
	{ 2, "", "two", false },
	{ 3, "\\Flagged $Work", "three", false },
};
static const struct world_message work1[] = {
	{ 7, "", "two", false },
	{ 8, "", "eight", false },
};
static const struct world_box first[] = {
	BOX("INBOX", 100, 4, SCOPE_COMPLETE, inbox1),
	BOX("Work/A.B", 200, 9, SCOPE_COMPLETE, work1),
	{ "Empty", 300, 1, 0, SCOPE_COMPLETE, false, NULL, 0 },
};

#define FIRST								\
	"INBOX 100.1 [\\Seen] one\n"					\
	"INBOX 100.2 [] two\n"						\
	"INBOX 100.3 [\\Flagged $Work] three\n"				\
	"INBOX/ 3 complete\n"						\
	"Empty/ 0 complete\n"						\
	"Work/A.B 200.7 [] two\n"					\
	"Work/A.B 200.8 [] eight\n"					\
	"Work/A.B/ 2 complete\n"

/* Flags of 1, 3 gone, 4 new; Work refused; Empty has left the source. */
static const struct world_message inbox2[] = {
	{ 1, "\\Seen \\Answered", "one", false },
	{ 2, "", "two", true },
	{ 4, "", "four", false },
};
static const struct world_box second[] = {
	BOX("INBOX", 100, 5, SCOPE_COMPLETE, inbox2),
	{ "Work/A.B", 200, 9, 0, SCOPE_COMPLETE, true, NULL, 0 },
};

static unsigned
files(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* Nothing is said of an index that there could not be yet. */
static void
quiet_beginning(void **state)
{
	(void)state;
	buf_clear(&world_notes);
	(void)world_dump("first", "a", first, N(first));
	CHECK("first", world_notes.n == 0);
	world_sh("lost", "rm -r a/index");
	(void)world_dump("lost", "a", first, N(first));
	CHECK("lost", world_notes.n > 0);
}

static void
round_trip(void **state)
{
	struct world_counts n = world_dump("first", "a", first, N(first));
	struct archive *a;

	(void)state;
	CHECK("first", n.wanted == 5 && n.put == 5 && n.have == 0);
	a = world_open("first", "a", ARCHIVE_READ);
	world_expect("first", a, VIEW_CURRENT, 0, FIRST);
	world_expect("first", a, VIEW_ALL, 0, FIRST);
	world_expect("first", a, VIEW_AT, 1, FIRST);
	archive_close(a);
	world_same_index("first", "a");
	world_sh("sums", "cd a/segments && sha256sum -c --quiet SHA256SUMS");
}

static void
nothing_twice(void **state)
{
	struct world_counts n;

	(void)state;
	(void)world_dump("first", "a", first, N(first));
	world_sh("second", "ls -lR a/segments > before");
	n = world_dump("second", "a", first, N(first));
	CHECK("second", n.wanted == 0 && n.changed == 0 && n.have == 5);
	CHECK("second", files("a/segments") == 2);
	world_sh("second", "ls -lR a/segments | cmp - before");
}

#define SECOND								\
	"INBOX 100.1 [\\Answered \\Seen] one\n"				\
	"INBOX 100.2 [] two\n"						\
	"INBOX 100.4 [] four\n"						\
	"INBOX/ 3 complete\n"						\
	"Work/A.B 200.7 [] two\n"					\
	"Work/A.B 200.8 [] eight\n"					\
	"Work/A.B/ 2 complete\n"

static void
increment(void **state)
{
	struct world_counts n;
	struct archive *a;

	(void)state;
	(void)world_dump("first", "a", first, N(first));
	n = world_dump("second", "a", second, N(second));
	CHECK("second", n.wanted == 1 && n.changed == 1 && n.have == 0);
	a = world_open("second", "a", ARCHIVE_READ);
	world_expect("now", a, VIEW_CURRENT, 0, SECOND);
	world_expect("at 2", a, VIEW_AT, 2, SECOND);
	world_expect("all", a, VIEW_ALL, 0,
	    "INBOX 100.1 [\\Answered \\Seen] one\n"
	    "INBOX 100.2 [] two\n"
	    "INBOX 100.3 [\\Flagged $Work] three\n"
	    "INBOX 100.4 [] four\n"
	    "INBOX/ 4 complete\n"
	    "Work/A.B 200.7 [] two\n"
	    "Work/A.B 200.8 [] eight\n"
	    "Work/A.B/ 2 complete\n");
	world_expect("at 1", a, VIEW_AT, 1,
	    "INBOX 100.1 [\\Seen] one\n"
	    "INBOX 100.2 [] two\n"
	    "INBOX 100.3 [\\Flagged $Work] three\n"
	    "INBOX/ 3 partial\n"
	    "Empty/ 0 complete\n"
	    "Work/A.B 200.7 [] two\n"
	    "Work/A.B 200.8 [] eight\n"
	    "Work/A.B/ 2 complete\n");
	archive_close(a);
	world_same_index("second", "a");

	/* What had left comes back, and Empty too. */
	n = world_dump("third", "a", first, N(first));
	CHECK("third", n.wanted == 0 && n.changed == 2 && n.have == 3);
	a = world_open("third", "a", ARCHIVE_READ);
	world_expect("third", a, VIEW_CURRENT, 0, FIRST);
	world_expect("at 2", a, VIEW_AT, 2,
	    "INBOX 100.1 [\\Answered \\Seen] one\n"
	    "INBOX 100.2 [] two\n"
	    "INBOX 100.4 [] four\n"
	    "INBOX/ 3 partial\n"
	    "Empty/ 0 partial\n"
	    "Work/A.B 200.7 [] two\n"
	    "Work/A.B 200.8 [] eight\n"
	    "Work/A.B/ 2 complete\n");
	archive_close(a);
	world_same_index("third", "a");
}

/* A look that was not complete ends nothing. */
static void
partial(void **state)
{
	static const struct world_message some[] = { { 2, "\\Seen", "two", false } };
	static const struct world_message miss[] = {
		{ 2, "\\Seen", "two", false }, { 9, "", NULL, false },
	};
	static const struct world_box filtered[] = {
		BOX("INBOX", 100, 10, SCOPE_PARTIAL, some),
	};
	static const struct world_box unavailable[] = {
		BOX("INBOX", 100, 10, SCOPE_COMPLETE, miss),
		{ "Work/A.B", 200, 9, 0, SCOPE_COMPLETE, true, NULL, 0 },
		{ "Empty", 300, 1, 0, SCOPE_COMPLETE, true, NULL, 0 },
	};
	struct err err = ERR_INIT;
	struct world_counts n = { 0, 0, 0, 0 };
	struct mailboxes all = { .v = NULL };
	struct archive *a;
	struct sink *sink;
	struct buf text = BUF_INIT;

	(void)state;
	(void)world_dump("first", "a", first, N(first));
	a = world_open("filtered", "a", ARCHIVE_WRITE);
	sink = archive_sink(a, WORLD_ORIGIN, false, &err);
	CHECK_OK("filtered", sink != NULL, err);
	world_feed("filtered", sink, filtered, 1, &all, &n);
	CHECK_OK("filtered", sink->ops->end(sink, NULL, NULL, NULL, false,
	    "interrupted", &err) == 0, err);
	sink->ops->close(sink);
	mailboxes_fini(&all);
	archive_close(a);
	n = world_dump("unavailable", "a", unavailable, N(unavailable));
	CHECK("unavailable", n.wanted == 1 && n.have == 1 && n.put == 0);

	a = world_open("partial", "a", ARCHIVE_READ);
	world_view("partial", a, VIEW_CURRENT, 0, &text);
	CHECK("partial", span_is(buf_span(&text),
	    "INBOX 100.1 [\\Seen] one\n"
	    "INBOX 100.2 [\\Seen] two\n"
	    "INBOX 100.3 [\\Flagged $Work] three\n"
	    "INBOX/ 3 partial\n"
	    "Empty/ 0 complete\n"
	    "Work/A.B 200.7 [] two\n"
	    "Work/A.B 200.8 [] eight\n"
	    "Work/A.B/ 2 complete\n"));
	buf_fini(&text);
	archive_close(a);
	world_same_index("partial", "a");
}

/* The mailbox was made anew: what it held before has left the source. */
static void
new_uidvalidity(void **state)
{
	static const struct world_message anew[] = { { 1, "", "two", false } };
	static const struct world_box boxes[] = {
		BOX("INBOX", 101, 2, SCOPE_COMPLETE, anew),
	};
	struct world_counts n;
	struct archive *a;

	(void)state;
	(void)world_dump("first", "a", first, 1);
	n = world_dump("anew", "a", boxes, 1);
	CHECK("anew", n.wanted == 1);
	a = world_open("anew", "a", ARCHIVE_READ);
	world_expect("anew", a, VIEW_CURRENT, 0,
	    "INBOX 101.1 [] two\nINBOX/ 1 complete\n");
	archive_close(a);
	world_same_index("anew", "a");
	world_sh("linked", "test $(stat -c %%s a/segments/00000002.tar.zst) -lt 6000");
}

/* Links lead to where an entry was written, whatever its item's flags are now. */
static void
linked_late(void **state)
{
	static const struct world_message flagged[] = {
		{ 1, "\\Answered $Forwarded", "one", false },
	};
	static const struct world_message copy[] = {
		{ 1, "\\Draft", "one", false }, { 2, "", "two", false },
	};
	static const struct world_box second_run[] = {
		BOX("INBOX", 100, 4, SCOPE_PARTIAL, flagged),
	};
	static const struct world_box third_run[] = {
		BOX("Copies", 7, 3, SCOPE_COMPLETE, copy),
	};
	struct archive *a;
	struct archive_info info;
	struct err err = ERR_INIT;

	(void)state;
	(void)world_dump("first", "a", first, 1);
	(void)world_dump("flags", "a", second_run, 1);
	(void)world_dump("copies", "a", third_run, 1);
	a = world_open("copies", "a", ARCHIVE_READ);
	CHECK_OK("copies", archive_info(a, &info, &err) == 0, err);
	CHECK("copies", info.items == 5 && info.blobs == 3 && info.segments == 3);
	archive_close(a);
	world_same_index("copies", "a");
}

/* A UID that is listed twice makes one item. */
static void
listed_twice(void **state)
{
	static const struct world_message twice[] = {
		{ 5, "", "five", false }, { 6, "", "six", false },
		{ 5, "", "five", false },
	};
	static const struct world_box boxes[] = {
		BOX("INBOX", 100, 7, SCOPE_COMPLETE, twice),
	};
	struct world_counts n = world_dump("twice", "a", boxes, 1);

	(void)state;
	CHECK("twice", n.wanted == 2 && n.have == 1);
}

static void
refusals(void **state)
{
	struct err err = ERR_INIT;
	struct archive *a, *b;

	(void)state;
	a = world_open("new", "a", ARCHIVE_WRITE);
	b = archive_open("a", ARCHIVE_WRITE, &world_config, &err);
	CHECK("two writers", b == NULL && err.status == STATUS_LOCKED);
	(void)world_run("new", a, first, N(first));
	CHECK("other origin", archive_sink(a, "imaps://bob@x.example", false,
	    &err) == NULL && err.status == STATUS_USAGE);
	b = world_open("reader beside writer", "a", ARCHIVE_READ);
	world_expect("reader beside writer", b, VIEW_CURRENT, 0, FIRST);
	archive_close(b);
	archive_close(a);
	CHECK("absent", archive_open("none", ARCHIVE_READ, &world_config, &err) ==
	    NULL && err.status == STATUS_NOINPUT);
	world_sh("no archive", "mkdir b && touch b/x");
	CHECK("no archive", archive_open("b", ARCHIVE_WRITE, &world_config, &err) ==
	    NULL && err.status == STATUS_DATA);
	CHECK("no archive", archive_open("b", ARCHIVE_READ, &world_config, &err) ==
	    NULL && err.status == STATUS_DATA);
	CHECK("is", archive_is("a") && !archive_is("b"));
}

/* A name that no path can hold spoils its mailbox, and nothing else. */
static void
long_name(void **state)
{
	const size_t n = (size_t)20 << 10;
	struct archive *a = world_open("long", "a", ARCHIVE_WRITE);
	struct err err = ERR_INIT;
	struct sink *sink = archive_sink(a, WORLD_ORIGIN, false, &err);
	struct lane *lane = sink->ops->open(sink, &err);
	struct buf name = BUF_INIT;
	struct mailbox m = { .delimiter = '/', .status = MAILBOX_OPEN };
	size_t i;

	(void)state;
	for (i = 0; i < n; i++)
		buf_chr(&name, i % 2 == 0 ? 'x' : '\0');
	buf_chr(&name, 'x');
	m.name = buf_span(&name);
	CHECK("long", lane->ops->mailbox(lane, &m, &err) == -1);
	CHECK("long", err.scope == ERR_MAILBOX && err.status == STATUS_DATA);
	lane->ops->close(lane);
	sink->ops->close(sink);
	(void)world_run("others", a, first, N(first));
	world_expect("others", a, VIEW_CURRENT, 0, FIRST);
	archive_close(a);
	buf_fini(&name);
}

/* Two runs over one handle; the second of them without an id of its own. */
static void
one_handle(void **state)
{
	struct archive *a = world_open("one", "a", ARCHIVE_WRITE);

	(void)state;
	(void)world_run("one", a, first, N(first));
	(void)world_run("two", a, second, N(second));
	world_expect("two", a, VIEW_CURRENT, 0, SECOND);
	archive_close(a);
	world_same_index("two", "a");
}

static void
single_messages(void **state)
{
	struct err err = ERR_INIT;
	struct body *body = body_new(&err);
	struct archive *a;
	struct buf hex = BUF_INIT;

	(void)state;
	(void)world_dump("first", "a", first, N(first));
	a = world_open("read", "a", ARCHIVE_READ);
	CHECK_OK("uid", archive_read_uid(a, SPAN("Work\0A.B"), 8, body, &err) == 1,
	    err);
	digest_put(&hex, body_digest(body));
	CHECK("no uid", archive_read_uid(a, SPAN("INBOX"), 8, body, &err) == 0);
	CHECK("no box", archive_read_uid(a, SPAN("None"), 8, body, &err) == 0);
	CHECK_OK("digest", archive_read_digest(a, span_head(buf_span(&hex), 9),
	    body, &err) == 1, err);
	CHECK("ambiguous or none", archive_read_digest(a, SPAN("zz"), body, &err) ==
	    -1);
	CHECK_OK("number", archive_read_number(a, 5, body, &err) == 1, err);
	CHECK("no number", archive_read_number(a, 6, body, &err) == 0);
	buf_fini(&hex);
	archive_close(a);
	body_free(body);
}

/* An archive is added to by the one that made it alone. */
static void
makers(void **state)
{
	static const struct {
		const char	*name, *made, *by, *told;
	} rows[] = {
		{ "the same", "mx-dump", "mx-dump", NULL },
		{ "none of ours", "mx-dump", NULL, NULL },
		{ "the same rules", "mx-transform 12", "mx-transform 12", NULL },
		{ "other rules", "mx-transform 12", "mx-transform 34",
		    "a: was made with other rules; name a new archive" },
		{ "a dump", "mx-dump", "mx-transform 12", "a: was made by mx-dump; "
		    "mx-transform writes to an archive of its own" },
		{ "a transform", "mx-transform 12", "mx-dump", "a: was made by "
		    "mx-transform; mx-dump writes to an archive of its own" },
	};
	static const struct world_message one[] = { { 1, "", "one", false } };
	static const struct world_box box[] = {
		BOX("INBOX", 1, 2, SCOPE_COMPLETE, one),
	};
	struct archive_config config = world_config;
	struct err err = ERR_INIT;
	struct archive_info info;
	struct archive *a;
	struct sink *sink;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		const char *name = rows[i].name;

		world_sh(name, "rm -rf a");
		config.maker = rows[i].made;
		a = archive_open("a", ARCHIVE_WRITE, &config, &err);
		CHECK_OK(name, a != NULL, err);
		(void)world_run(name, a, box, 1);
		archive_close(a);
		/* It is in the segments, not in the index alone. */
		world_sh(name, "rm -r a/index");
		config.maker = rows[i].by;
		a = archive_open("a", ARCHIVE_WRITE, &config, &err);
		CHECK_OK(name, a != NULL, err);
		CHECK(name, archive_info(a, &info, &err) == 0);
		CHECK(name, span_is(info.maker, rows[i].made));
		sink = archive_sink(a, WORLD_ORIGIN, false, &err);
		CHECK(name, (sink != NULL) == (rows[i].told == NULL));
		if (sink != NULL)
			sink->ops->close(sink);
		else
			CHECK_OK(name, err.status == STATUS_USAGE &&
			    strcmp(err.msg, rows[i].told) == 0, err);
		archive_close(a);
		err_clear(&err);
	}
}

#define T(f)	cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(round_trip),
		T(nothing_twice),
		T(increment),
		T(partial),
		T(new_uidvalidity),
		T(linked_late),
		T(listed_twice),
		T(refusals),
		T(long_name),
		T(quiet_beginning),
		T(one_handle),
		T(single_messages),
		T(makers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
