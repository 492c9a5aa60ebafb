/* SPDX-License-Identifier: ISC */
/*
 * Several lanes at once, readers beside them, segments that are full, items
 * that go elsewhere than where they came from.
 */

#include <pthread.h>

#include "world.h"

#include "formats/archive/local.h"

#define LANES		4
#define BOXES		6		/* of each lane */
#define MESSAGES	50

struct job {
	pthread_t	 thread;
	struct sink	*sink;
	unsigned	 number;
	bool		 failed;
};

static int
put_one(struct lane *lane, const struct mailbox *m, unsigned uid,
    struct body *body, struct err *err)
{
	struct buf text = BUF_INIT, ref = BUF_INIT;
	struct item item = {
		.uid = uid, .uidvalidity = 9, .src_mailbox = m->name,
		.date = { 1500000000 + uid, 0, true },
	};
	char word[32];
	struct world_message w = { uid, "", word, false };
	int rc;

	/* Much of it is in several mailboxes. */
	(void)snprintf(word, N(word), "text %u", uid * 7 % 90);
	world_text(&text, &w);
	buf_fmt(&ref, "9.%u", uid);
	item.ref = buf_span(&ref);
	rc = lane->ops->offer(lane, &item, 1, err);
	if (rc == 0 && item.verdict == VERDICT_WANTED) {
		(void)body_lend(body, buf_span(&text), NULL, err);
		rc = lane->ops->put(lane, &item, body, err);
	}
	buf_fini(&text);
	buf_fini(&ref);
	return rc;
}

static void *
lane_main(void *arg)
{
	struct job *j = arg;
	struct err err = ERR_INIT;
	struct lane *lane = j->sink->ops->open(j->sink, &err);
	struct body *body = body_new(&err);
	struct mailbox m = { .uidvalidity = 9, .uidnext = MESSAGES + 1 };
	char name[32];
	unsigned i, k;
	int rc = 0;

	for (i = 0; rc == 0 && i < BOXES; i++) {
		(void)snprintf(name, N(name), "box %u of %u", i, j->number);
		m.name = span_str(name);
		rc = lane->ops->mailbox(lane, &m, &err);
		for (k = 1; rc == 0 && k <= MESSAGES; k++)
			rc = put_one(lane, &m, k, body, &err);
		if (rc == 0)
			rc = lane->ops->finish(lane, m.name, &m, SCOPE_COMPLETE,
			    &err);
		if (rc == 0)
			rc = lane->ops->commit(lane, &err);
	}
	j->failed = rc == -1;
	body_free(body);
	lane->ops->close(lane);
	return NULL;
}

static void
at_once(const char *name, const char *dir, uint64_t roll)
{
	struct err err = ERR_INIT;
	struct archive *a = world_open(name, dir, ARCHIVE_WRITE), *b;
	struct buf view = BUF_INIT;
	struct job job[LANES];
	struct sink *sink;
	size_t i;

	a->roll = roll;
	sink = archive_sink(a, WORLD_ORIGIN, false, &err);
	CHECK_OK(name, sink != NULL, err);
	for (i = 0; i < LANES; i++) {
		job[i] = (struct job){ .sink = sink, .number = (unsigned)i };
		assert_int_equal(pthread_create(&job[i].thread, NULL, lane_main,
		    &job[i]), 0);
	}
	/* Whatever is there meanwhile can be read. */
	for (i = 0; i < 10; i++) {
		b = world_open(name, dir, ARCHIVE_READ);
		buf_clear(&view);
		world_view(name, b, VIEW_CURRENT, 0, &view);
		archive_close(b);
		CHECK(name, strstr(buf_cstr(&view), "LOST") == NULL);
	}
	for (i = 0; i < LANES; i++) {
		(void)pthread_join(job[i].thread, NULL);
		CHECK(name, !job[i].failed);
	}
	CHECK_OK(name, sink->ops->end(sink, NULL, NULL, NULL, true, NULL, &err) == 0,
	    err);
	sink->ops->close(sink);
	archive_close(a);
	buf_fini(&view);
}

static uint64_t
segments_of(const char *name, const char *dir)
{
	struct err err = ERR_INIT;
	struct archive *a = world_open(name, dir, ARCHIVE_READ);
	struct archive_info info;

	CHECK_OK(name, archive_info(a, &info, &err) == 0, err);
	CHECK(name, info.items == LANES * BOXES * MESSAGES);
	archive_close(a);
	return info.segments;
}

static void
many_lanes(void **state)
{
	(void)state;
	at_once("first", "a", 0);
	CHECK("first", segments_of("first", "a") == 1);
	world_same_index("first", "a");
	at_once("second", "a", 0);
	CHECK("second", segments_of("second", "a") == 1);
}

static void
full_segments(void **state)
{
	(void)state;
	at_once("full", "a", 4000);
	CHECK("full", segments_of("full", "a") > 5);
	world_same_index("full", "a");
	at_once("again", "a", 4000);
	world_sh("sums", "cd a/segments && sha256sum -c --quiet SHA256SUMS && "
	    "test $(wc -l < SHA256SUMS) = $(ls *.zst | wc -l)");
}

/* A filter sends items elsewhere; their source ends them there. */
static void
sent_elsewhere(void **state)
{
	static const struct world_message some[] = {
		{ 1, "", "one", false }, { 2, "", "two", false },
	};
	static const struct world_box src = BOX("Lixeira", 100, 3, SCOPE_COMPLETE,
	    some);
	struct world_counts n = { 0, 0, 0, 0 };
	struct err err = ERR_INIT;
	struct buf name = BUF_INIT;
	struct mailbox from = world_mailbox(&src, &name), to = from;
	struct archive *a;
	struct sink *sink;
	struct lane *lane;
	size_t run;

	(void)state;
	to.name = SPAN("Trash");
	for (run = 0; run < 3; run++) {
		struct world_box now = src;

		/* The third time one of them is gone. */
		now.n = run == 2 ? 1 : 2;
		a = world_open("elsewhere", "a", ARCHIVE_WRITE);
		sink = archive_sink(a, WORLD_ORIGIN, false, &err);
		lane = sink->ops->open(sink, &err);
		CHECK_OK("elsewhere", lane->ops->mailbox(lane, &to, &err) == 0, err);
		world_offer("elsewhere", lane, &now, &from, &n);
		CHECK_OK("elsewhere", lane->ops->finish(lane, from.name, &to,
		    SCOPE_COMPLETE, &err) == 0, err);
		lane->ops->close(lane);
		CHECK_OK("elsewhere", sink->ops->end(sink, NULL, NULL, NULL, true,
		    NULL, &err) == 0, err);
		sink->ops->close(sink);
		archive_close(a);
		a = world_open("elsewhere", "a", ARCHIVE_READ);
		world_expect("elsewhere", a, VIEW_CURRENT, 0, run < 2 ?
		    "Trash 100.1 [] one\nTrash 100.2 [] two\nTrash/ 2 partial\n" :
		    "Trash 100.1 [] one\nTrash/ 1 partial\n");
		archive_close(a);
		world_same_index("elsewhere", "a");
	}
	CHECK("elsewhere", n.put == 2 && n.have == 3);
	buf_fini(&name);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(many_lanes),
		T(full_segments),
		T(sent_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
