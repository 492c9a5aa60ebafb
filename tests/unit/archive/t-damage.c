/* SPDX-License-Identifier: ISC */
/*
 * What crashes, copies and bad disks leave: torn tails, old, foreign and cut
 * indexes, damaged and missing segments.
 */

#include <locale.h>

#include "world.h"

#include "formats/archive/layout.h"

#define MANY	40

static struct world_message many[MANY];
static char texts[MANY][16];

static void
fill_many(void)
{
	size_t i;

	for (i = 0; i < MANY; i++) {
		(void)snprintf(texts[i], N(texts[i]), "text %zu", i % 30);
		many[i] = (struct world_message){
			(uint32_t)i + 1, i % 3 == 0 ? "\\Seen" : "", texts[i], false,
		};
	}
}

/* Five mailboxes of eight; each is committed by itself. */
static void
boxes_of(struct world_box v[5])
{
	static const char *const names[] = { "INBOX", "A", "B/C", "D", "E" };
	size_t i;

	fill_many();
	for (i = 0; i < 5; i++)
		v[i] = (struct world_box){
			names[i], 100, MANY + 1, 7, SCOPE_COMPLETE, false,
			many + i * 8, 8,
		};
}

/* A run that stops behind its fifth commit without an end: a .part stays. */
static void
killed_run(const char *name, const char *dir)
{
	struct world_counts n = { 0, 0, 0, 0 };
	struct mailboxes all = { .v = NULL };
	struct err err = ERR_INIT;
	struct archive *a = world_open(name, dir, ARCHIVE_WRITE);
	struct sink *sink = archive_sink(a, WORLD_ORIGIN, false, &err);
	struct world_box v[5];

	boxes_of(v);
	CHECK_OK(name, sink != NULL, err);
	world_feed(name, sink, v, 5, &all, &n);
	sink->ops->close(sink);
	mailboxes_fini(&all);
	archive_close(a);
}

static void
whole_view(const char *name, const char *dir, struct buf *out)
{
	struct archive *a = world_open(name, dir, ARCHIVE_READ);

	world_view(name, a, VIEW_CURRENT, 0, out);
	archive_close(a);
}

static unsigned
lines_of(const struct buf *b)
{
	size_t i;
	unsigned n = 0;

	for (i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

/* What an archive shows that was never hurt. */
static void
whole_want(struct buf *out, const char *scope)
{
	static const char *const names[] = { "INBOX", "A", "B/C", "D", "E" };
	size_t i, k;

	fill_many();
	for (i = 0; i < 5; i++) {
		for (k = i * 8; k < i * 8 + 8; k++)
			buf_fmt(out, "%s 100.%u [%s] %s\n", names[i], many[k].uid,
			    many[k].flags, many[k].text);
		buf_fmt(out, "%s/ 8 %s\n", names[i], scope);
	}
}

/* Dump again: all is there, and whether absence means something. */
static void
heals_to(const char *name, const char *dir, const char *scope)
{
	struct world_box v[5];
	struct buf got = BUF_INIT, want = BUF_INIT;

	boxes_of(v);
	(void)world_dump(name, dir, v, 5);
	whole_view(name, dir, &got);
	whole_want(&want, scope);
	if (!span_eq(buf_span(&got), buf_span(&want)))
		fail_msg("%s: shows\n%swhere this is right:\n%s", name,
		    buf_cstr(&got), buf_cstr(&want));
	buf_fini(&got);
	buf_fini(&want);
}

static void
heals(const char *name, const char *dir)
{
	heals_to(name, dir, "complete");
}

/*
 * A .part cut at every so many octets: what was committed before the cut is
 * there at once, the rest after the next run.
 */
static void
torn_tails(void **state)
{
	struct buf part = BUF_INIT, view = BUF_INIT;
	struct archive *a;
	char name[64];
	unsigned before = 0, now;
	size_t cut, step;

	(void)state;
	killed_run("killed", "a");
	world_slurp("killed", "a/segments/00000001.tar.zst.part", &part);
	step = part.n / 40;
	for (cut = 0; cut <= part.n; cut += cut + step > part.n && cut < part.n ?
	    part.n - cut : step) {
		(void)snprintf(name, N(name), "cut at %zu of %zu", cut, part.n);
		world_sh(name, "rm -rf b && mkdir -p b/segments");
		world_put(name, "b/segments/00000001.tar.zst.part",
		    span_head(buf_span(&part), cut));
		a = world_open(name, "b", ARCHIVE_WRITE);
		buf_clear(&view);
		world_view(name, a, VIEW_CURRENT, 0, &view);
		archive_close(a);
		now = lines_of(&view);
		CHECK(name, now >= before);
		before = now;
		CHECK(name, access("b/segments/00000001.tar.zst.part", F_OK) == -1);
		heals(name, "b");
		world_sound(name, "b");
	}
	CHECK("all", before == MANY + 5);
	buf_fini(&part);
	buf_fini(&view);
}

/* Around the end of a batch: it counts only when its last octet is there. */
static void
torn_commit(void **state)
{
	static const char *const tails[] = {
		"", "x", "0123456789", "\x28\xb5\x2f\xfd", "\0\0\0\0\0\0\0\0",
	};
	struct buf part = BUF_INIT, view = BUF_INIT;
	struct archive *a;
	size_t i;

	(void)state;
	killed_run("killed", "a");
	world_slurp("killed", "a/segments/00000001.tar.zst.part", &part);
	for (i = 0; i < N(tails); i++) {
		world_sh("tail", "rm -rf b && cp -r a b");
		buf_clear(&view);
		buf_put(&view, buf_span(&part));
		buf_mem(&view, tails[i], i == 4 ? 8 : strlen(tails[i]));
		world_put("tail", "b/segments/00000001.tar.zst.part", buf_span(&view));
		a = world_open("tail", "b", ARCHIVE_WRITE);
		buf_clear(&view);
		world_view("tail", a, VIEW_CURRENT, 0, &view);
		CHECK(tails[i], lines_of(&view) == MANY + 5);
		archive_close(a);
		CHECK(tails[i], (access("b/lost+found", F_OK) == 0) == (i > 0));
		heals(tails[i], "b");
		world_sound(tails[i], "b");
	}
	/* One octet less: the last batch is gone, and its mailbox. */
	world_sh("less", "rm -rf b && cp -r a b");
	world_put("less", "b/segments/00000001.tar.zst.part",
	    span_head(buf_span(&part), part.n - 1));
	a = world_open("less", "b", ARCHIVE_WRITE);
	buf_clear(&view);
	world_view("less", a, VIEW_CURRENT, 0, &view);
	CHECK("less", lines_of(&view) == MANY + 5 - 9);
	archive_close(a);
	heals("less", "b");
	buf_fini(&part);
	buf_fini(&view);
}

/* ---- the index ---- */

static void
two_runs(const char *dir)
{
	struct world_box v[5];

	boxes_of(v);
	(void)world_dump("first", dir, v, 2);
	world_sh("keep", "rm -rf old && cp -r %s/index old", dir);
	(void)world_dump("second", dir, v, 5);
}

static void
check_all(const char *name, const char *dir)
{
	struct buf view = BUF_INIT;

	whole_view(name, dir, &view);
	if (lines_of(&view) != MANY + 5)
		fail_msg("%s: shows\n%s", name, buf_cstr(&view));
	buf_fini(&view);
	heals(name, dir);
	world_sound(name, dir);
}

static void
older_index(void **state)
{
	(void)state;
	two_runs("a");
	world_sh("older", "rm -r a/index && cp -r old a/index");
	check_all("older", "a");
	two_runs("b");
	world_sh("same inode", "cat old/data.mdb > b/index/data.mdb");
	check_all("same inode", "b");
	killed_run("killed", "c");
	world_sh("older, killed", "cp -r c d && rm -r d/index && "
	    "cat old/data.mdb > c/index/data.mdb");
	check_all("older, killed", "c");
	check_all("none, killed", "d");
}

static void
cut_index(void **state)
{
	static const struct {
		const char	*name, *command;
	} rows[] = {
		{ "empty",	": > b/index/data.mdb" },
		{ "half a page", "truncate -s 2000 b/index/data.mdb" },
		{ "a page",	"truncate -s 4096 b/index/data.mdb" },
		{ "two pages",	"truncate -s 8192 b/index/data.mdb" },
		{ "three pages", "truncate -s 12288 b/index/data.mdb" },
		{ "ten pages",	"truncate -s 40960 b/index/data.mdb" },
		{ "last octet",	"truncate -s -1 b/index/data.mdb" },
		{ "garbage",	"head -c 40960 /dev/urandom > b/index/data.mdb" },
		{ "no file",	"rm b/index/*" },
		{ "no index",	"rm -r b/index" },
		{ "a copy",	"cp b/index/data.mdb x && mv x b/index/data.mdb" },
		{ "another's",	"cat other/index/data.mdb > b/index/data.mdb" },
		{ "left over",	"mkdir b/index.new b/index.old && "
				"touch b/index.new/data.mdb b/index.old/data.mdb" },
	};
	struct world_box v[5];
	size_t i;

	(void)state;
	boxes_of(v);
	(void)world_dump("other", "other", v, 1);
	two_runs("a");
	for (i = 0; i < N(rows); i++) {
		world_sh(rows[i].name, "rm -rf b && cp -r a b");
		/* The copy gets an index of its own first. */
		check_all(rows[i].name, "b");
		world_sh(rows[i].name, "%s", rows[i].command);
		check_all(rows[i].name, "b");
	}
}

/* ---- segments ---- */

static void
segments_alone(void **state)
{
	struct world_box v[5];

	(void)state;
	two_runs("a");
	world_sh("alone", "mkdir b && cp -r a/segments b");
	check_all("alone", "b");
	/* The far side gets the new file, and nothing else. */
	boxes_of(v);
	(void)world_dump("near", "c", v, 2);
	world_sh("far", "mkdir d && cp -r c/segments d");
	world_sound("far", "d");
	(void)world_dump("near", "c", v, 5);
	world_sh("far", "cp c/segments/00000002.tar.zst d/segments");
	check_all("far", "d");
}

static void
missing_segment(void **state)
{
	struct err err = ERR_INIT;
	struct world_box v[5];

	(void)state;
	boxes_of(v);
	two_runs("a");
	world_sh("gap", "mv a/segments/00000001.tar.zst x");
	CHECK("gap", archive_open("a", ARCHIVE_READ, &world_config, &err) == NULL);
	CHECK("gap", err.status == STATUS_DATA &&
	    strstr(err.msg, "00000001") != NULL);
	world_sh("last", "mv x a/segments/00000001.tar.zst && "
	    "mv a/segments/00000002.tar.zst y");
	CHECK("last", archive_open("a", ARCHIVE_READ, &world_config, &err) == NULL);
	CHECK("last", err.status == STATUS_DATA &&
	    strstr(err.msg, "00000002") != NULL);

	(void)world_dump("other", "o", v, 1);
	(void)world_dump("other", "o", v, 2);
	world_sh("other's", "cp o/segments/00000002.tar.zst a/segments && "
	    "rm -r a/index");
	CHECK("other's", archive_open("a", ARCHIVE_READ, &world_config, &err) ==
	    NULL);
	CHECK("other's", err.status == STATUS_DATA &&
	    strstr(err.msg, "00000002") != NULL);
}

/* Octets of a sealed segment are turned over, one at a time. */
static void
flipped(void **state)
{
	struct err err = ERR_INIT;
	struct archive_verify found;
	struct buf seg = BUF_INIT, told = BUF_INIT, view = BUF_INIT;
	struct archive *a;
	char name[64];
	size_t at;

	(void)state;
	two_runs("a");
	world_slurp("flip", "a/segments/00000001.tar.zst", &seg);
	for (at = 3; at < seg.n; at += seg.n / 25) {
		(void)snprintf(name, N(name), "octet %zu of %zu", at, seg.n);
		world_sh(name, "rm -rf b && cp -r a b");
		seg.p[at] ^= 0x10;
		world_put(name, "b/segments/00000001.tar.zst", buf_span(&seg));
		seg.p[at] ^= 0x10;
		a = world_open(name, "b", ARCHIVE_READ);
		buf_clear(&told);
		CHECK_OK(name, archive_verify(a, world_damage, &told, &found,
		    &err) == 0, err);
		CHECK(name, found.damaged > 0);
		buf_clear(&view);
		world_view(name, a, VIEW_CURRENT, 0, &view);
		archive_close(a);
		/* What is lost of it is fetched again. */
		heals_to(name, "b", "partial");
	}
	buf_fini(&seg);
	buf_fini(&told);
	buf_fini(&view);
}

/*
 * The frame that declares a mailbox is lost: the messages behind it are whole, and are
 * found, whatever name tells where they belong.
 */
static void
lost_declaration(void **state)
{
	static const char *const names[] = {
		"INBOX", "A/B c", "Entw\xc3\xbcrfe", "cur", "50%",
		"x123456789x123456789x123456789x123456789x123456789x123456789x12345"
		"x123456789x123456789x123456789x123456789x123456789x123456789x12345"
		"x123456789x123456789x123456789x123456789x123456789x123456789x12345"
		"x123456789x123456789x123456789x123456789x123456789x123456789x12345",
	};
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	struct buf seg = BUF_INIT, before = BUF_INIT, view = BUF_INIT;
	struct world_box v[5];
	size_t i, at, frames;

	(void)state;
	for (i = 0; i < N(names); i++) {
		boxes_of(v);
		v[0].name = names[i];
		world_sh(names[i], "rm -rf a");
		(void)world_dump(names[i], "a", v, 1);
		buf_clear(&before);
		whole_view(names[i], "a", &before);
		buf_clear(&seg);
		world_slurp(names[i], "a/segments/00000001.tar.zst", &seg);
		/* The head is the first frame, the mailbox the second. */
		for (at = frames = 0; at + N(magic) < seg.n && frames < 2; at++)
			frames += memcmp(seg.p + at, magic, N(magic)) == 0;
		seg.p[at + 20] ^= 0x10;
		world_put(names[i], "a/segments/00000001.tar.zst", buf_span(&seg));
		world_sh(names[i], "rm -r a/index");
		buf_clear(&view);
		whole_view(names[i], "a", &view);
		/* But for the last line, where absence means nothing any more. */
		before.n -= strlen("complete\n");
		view.n -= strlen("partial\n");
		if (!span_eq(buf_span(&before), buf_span(&view)))
			fail_msg("%s: shows\n%s", names[i], buf_cstr(&view));
	}
	buf_fini(&seg);
	buf_fini(&before);
	buf_fini(&view);
}

/* A segment that is copied in while that number is being written is not replaced. */
static void
copied_in(void **state)
{
	struct world_counts n = { 0, 0, 0, 0 };
	struct mailboxes all = { .v = NULL };
	struct err err = ERR_INIT;
	struct archive *a = world_open("copied", "a", ARCHIVE_WRITE);
	struct sink *sink = archive_sink(a, WORLD_ORIGIN, false, &err);
	struct world_box v[5];
	struct buf seg = BUF_INIT;

	(void)state;
	boxes_of(v);
	CHECK_OK("copied", sink != NULL, err);
	world_feed("copied", sink, v, 5, &all, &n);
	world_put("copied", "a/segments/00000001.tar.zst", SPAN("another"));
	CHECK("copied", sink->ops->end(sink, &all, NULL, NULL, true, NULL, &err) ==
	    -1);
	CHECK("copied", err.scope == ERR_RUN && strstr(err.msg, "00000001") != NULL);
	world_slurp("copied", "a/segments/00000001.tar.zst", &seg);
	CHECK("copied", span_is(buf_span(&seg), "another"));
	sink->ops->close(sink);
	mailboxes_fini(&all);
	archive_close(a);
	buf_fini(&seg);
}

/*
 * The copy of a segment broke off, and a run came before it was repeated: then all is
 * there once.
 */
static void
half_copied(void **state)
{
	struct buf seg = BUF_INIT, view = BUF_INIT;
	struct archive *a;

	(void)state;
	two_runs("a");
	world_sh("half", "mkdir -p b/segments && "
	    "cp a/segments/00000001.tar.zst b/segments");
	world_slurp("half", "a/segments/00000002.tar.zst", &seg);
	world_put("half", "b/segments/00000002.tar.zst",
	    span_head(buf_span(&seg), seg.n / 2));
	whole_view("half", "b", &view);
	CHECK("half", lines_of(&view) < MANY + 5);
	heals_to("half", "b", "partial");
	world_sh("whole", "cp a/segments/00000002.tar.zst b/segments");
	heals("whole", "b");
	a = world_open("whole", "b", ARCHIVE_READ);
	buf_clear(&view);
	world_view("whole", a, VIEW_ALL, 0, &view);
	archive_close(a);
	CHECK("whole", lines_of(&view) == MANY + 5);
	buf_fini(&seg);
	buf_fini(&view);
}

/* The last segment is damaged, a run comes, and then a good copy of it is put back. */
static void
put_back(void **state)
{
	struct buf seg = BUF_INIT, view = BUF_INIT;
	struct world_box v[5];
	struct archive *a;

	(void)state;
	boxes_of(v);
	(void)world_dump("good", "a", v, 5);
	world_slurp("good", "a/segments/00000001.tar.zst", &seg);
	world_sh("bad", "cp a/segments/00000001.tar.zst good && rm -r a/index");
	seg.p[seg.n / 2] ^= 0x10;
	world_put("bad", "a/segments/00000001.tar.zst", buf_span(&seg));
	heals_to("bad", "a", "partial");
	world_sh("back", "cat good > a/segments/00000001.tar.zst && rm -r a/index");
	heals("back", "a");
	a = world_open("back", "a", ARCHIVE_READ);
	world_view("back", a, VIEW_ALL, 0, &view);
	archive_close(a);
	CHECK("back", lines_of(&view) == MANY + 5);
	world_sound("back", "a");
	buf_fini(&seg);
	buf_fini(&view);
}

/* Whether an archive says that it is incomplete, and what it notes when it is opened. */
static bool
is_complete(const char *name, const char *dir)
{
	const struct archive_select select = { VIEW_CURRENT, 0 };
	struct source_about about = { .complete = false };
	struct mailboxes all = { .v = NULL };
	struct err err = ERR_INIT;
	struct archive *a;
	struct source *s;

	buf_clear(&world_notes);
	a = world_open(name, dir, ARCHIVE_READ);
	s = archive_source(a, &select, &err);
	CHECK_OK(name, s != NULL, err);
	s->ops->about(s, &about);
	CHECK(name, s->ops->list(s, &all, &err) == 1);
	CHECK(name, all.complete == about.complete);
	mailboxes_fini(&all);
	s->ops->close(s);
	archive_close(a);
	return about.complete;
}

static bool
noted(const char *text)
{
	return strstr(buf_cstr(&world_notes), text) != NULL;
}

/* What is lost is said at every opening, and by an index that is built from it. */
static void
loss_is_told(void **state)
{
	struct buf seg = BUF_INIT;
	struct world_box v[5];

	(void)state;
	boxes_of(v);
	(void)world_dump("told", "a", v, 5);
	CHECK("whole", is_complete("whole", "a") && !noted("damaged"));
	world_slurp("told", "a/segments/00000001.tar.zst", &seg);
	seg.p[seg.n / 2] ^= 0x10;
	world_put("told", "a/segments/00000001.tar.zst", buf_span(&seg));
	world_sh("told", "rm -r a/index");
	CHECK("built", !is_complete("built", "a"));
	CHECK("built", noted("a: segment 00000001 is damaged: 1 place"));
	CHECK("built", noted("; 8 items are lost"));
	CHECK("again", !is_complete("again", "a") && noted("8 items are lost"));
	heals_to("dumped", "a", "partial");
	CHECK("dumped", !is_complete("dumped", "a") && noted("8 items are lost"));
	CHECK("rebuilt", archive_rebuild("a", &world_config, &(struct err)ERR_INIT) ==
	    0);
	CHECK("rebuilt", !is_complete("rebuilt", "a") && noted("8 items are lost"));

	/* Cut off: how much is lost is not known. */
	world_put("cut", "a/segments/00000001.tar.zst",
	    span_head(buf_span(&seg), seg.n / 2));
	CHECK("cut", !is_complete("cut", "a") && noted("at least"));
	buf_fini(&seg);
}

/* What SHA256SUMS lists is missed. */
static void
listed_segments(void **state)
{
	static const struct {
		const char	*name, *command;
		bool		 opens;		/* to be written */
		bool		 complete;
		const char	*told;
	} rows[] = {
		{ "the last", "rm b/segments/00000002.tar.zst", false, false,
		    "00000002.tar.zst 0  : is missing" },
		{ "all", "rm b/segments/*.zst", false, false,
		    "00000001.tar.zst 0  : is missing" },
		{ "the list", "rm b/segments/SHA256SUMS", true, true,
		    "SHA256SUMS 0  : is missing" },
		{ "nothing", "rm b/segments/*", true, true, "" },
		{ "other lines", "echo x >> b/segments/SHA256SUMS && "
		    "echo 'SHA256 (9) = 1' >> b/segments/SHA256SUMS", true, true,
		    "" },
	};
	struct err err = ERR_INIT;
	struct archive_verify found;
	struct buf told = BUF_INIT;
	struct archive *a;
	size_t i;

	(void)state;
	two_runs("a");
	for (i = 0; i < N(rows); i++) {
		const char *name = rows[i].name;

		world_sh(name, "rm -rf b && mkdir b && cp -r a/segments b");
		world_sh(name, "%s", rows[i].command);
		CHECK(name, is_complete(name, "b") == rows[i].complete);
		CHECK(name, noted("missing") == !rows[i].complete);
		buf_clear(&told);
		a = world_open(name, "b", ARCHIVE_READ);
		CHECK_OK(name, archive_verify(a, world_damage, &told, &found,
		    &err) == 0, err);
		archive_close(a);
		CHECK(name, strstr(buf_cstr(&told), rows[i].told) != NULL);
		CHECK(name, (found.damaged > 0) == (rows[i].told[0] != '\0'));
		a = archive_open("b", ARCHIVE_WRITE, &world_config, &err);
		CHECK_OK(name, (a != NULL) == rows[i].opens, err);
		CHECK(name, a != NULL || err.status == STATUS_DATA);
		archive_close(a);
		err_clear(&err);
	}
	buf_fini(&told);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(torn_tails),
		T(torn_commit),
		T(older_index),
		T(cut_index),
		T(segments_alone),
		T(missing_segment),
		T(flipped),
		T(lost_declaration),
		T(copied_in),
		T(half_copied),
		T(put_back),
		T(loss_is_told),
		T(listed_segments),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
