/* SPDX-License-Identifier: ISC */
/*
 * Replay, as stories: whatever happens to the connection, the receipt or the
 * destination, afterwards every message is there as often as it should be,
 * and running again adds nothing.
 */

#include <unistd.h>

#include "fake.h"

#include "base/io.h"
#include "flow/copy.h"
#include "flow/replay.h"

#define HEAD(id, subject) "Message-ID: <" id "@example.org>\r\n"	\
	"Date: Fri, 17 Nov 2023 10:13:20 +0100\r\n"			\
	"From: alice@example.org\r\nSubject: " subject "\r\n"

#define MAIL_A		HEAD("a", "first") "\r\nbody a\r\n"
#define MAIL_B		HEAD("b", "second") "\r\nbody b\r\n"
#define MAIL_C		HEAD("c", "third") "\r\nbody c\r\n"
#define SAME_KEY_1	HEAD("s", "one key") "\r\nbody 1\r\n"
#define SAME_KEY_2	HEAD("s", "one key") "\r\nbody 2\r\n"
#define SAME_KEY_LONG	HEAD("s", "one key") "\r\na longer body\r\n"
#define NO_KEY_1	"X-Nothing: 1\r\n\r\nno key 1\r\n"
#define NO_KEY_2	"X-Nothing: 1\r\n\r\nno key 2\r\n"

static const char *const everything[] = {
	MAIL_A, MAIL_B, MAIL_A, NO_KEY_1, SAME_KEY_1, SAME_KEY_2, NO_KEY_1,
	NO_KEY_2, MAIL_C, SAME_KEY_LONG,
};

struct world {
	struct fake_clock	 clock;
	struct fake_source	 source;
	struct fake_dest	 dest;
	struct fake_report	 report;
	struct copy_result	 result;
	const struct filter	*filter;
	unsigned		 jobs;
	bool			 dry, redeliver;
	struct err		 err;
	char			 receipt[64];
};

static void
world_init(struct world *w, bool uids)
{
	memset(w, 0, sizeof(*w));
	fake_source_init(&w->source);
	fake_dest_init(&w->dest, uids);
	(void)snprintf(w->receipt, sizeof(w->receipt), "/tmp/t-replay-%ld.jsonl",
	    (long)getpid());
	(void)unlink(w->receipt);
	stop_flag = 0;
}

static void
world_fini(struct world *w)
{
	(void)unlink(w->receipt);
	fake_source_fini(&w->source);
	fake_dest_fini(&w->dest);
}

static void
fill(struct fake_box *b, const char *const *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fake_add(b, v[i]);
}

static int
run(struct world *w)
{
	const struct sys sys = fake_sys(&w->clock);
	struct replay_config cfg = { .dest = &w->dest.dest,
	    .receipt = w->receipt, .origin = SPAN("imaps://old"),
	    .dry = w->dry, .redeliver = w->redeliver, .sys = &sys };
	struct copy c = { .from = &w->source.source, .sys = &sys,
	    .filter = w->filter, .jobs = w->jobs, .dry = w->dry };
	struct sink *sink;
	int rc;

	err_clear(&w->err);
	fake_report_init(&w->report);
	cfg.report = c.report = &w->report.report;
	w->source.next = 0;
	if ((sink = replay_sink(&cfg, &w->err)) == NULL)
		fail_msg("sink: %s", w->err.msg);
	c.to = sink;
	rc = copy_run(&c, &w->result, &w->err);
	sink->ops->close(sink);
	return rc;
}

/* Every text of the source is there so often, and nothing else. */
static void
check_exact(struct world *w, const char *story, const char *box)
{
	const struct fake_box *src = w->source.boxes[0];
	size_t i, k, want;

	for (i = 0; i < src->n; i++) {
		for (want = k = 0; k < src->n; k++)
			want += strcmp(src->v[i].text, src->v[k].text) == 0;
		if (fake_count(&w->dest, box, src->v[i].text) != want)
			fail_msg("%s: message %zu is there %zu times, not %zu",
			    story, i + 1, fake_count(&w->dest, box,
			    src->v[i].text), want);
	}
	ROW_OK(story, fake_dest_box(&w->dest, box, true)->n == src->n);
}

/* Again with the receipt, and again without: nothing is added. */
static void
check_again(struct world *w, const char *story)
{
	const unsigned appends = w->dest.appends;

	w->dest.drop = DROP_NEVER;
	w->dest.fault = (struct fake_fault){ .call = NULL };
	if (run(w) == -1)
		fail_msg("%s: again: %s", story, w->err.msg);
	ROW_OK(story, w->dest.appends == appends);
	check_exact(w, story, "INBOX");
	ROW_OK(story, unlink(w->receipt) == 0);
	if (run(w) == -1)
		fail_msg("%s: without receipt: %s", story, w->err.msg);
	ROW_OK(story, w->dest.appends == appends);
	check_exact(w, story, "INBOX");
	ROW_OK(story, w->result.complete);
}

/* ---- kinds of destinations ---- */

static const struct place {
	const char	*name;
	bool		 uids, no_uidplus, no_list;
	size_t		 depth;
} places[] = {
	{ "one at a time",	true,	false,	false,	0 },
	{ "pipelined",		true,	false,	false,	3 },
	{ "much under way",	true,	false,	true,	100 },
	{ "no UIDPLUS",		true,	true,	false,	0 },
	{ "no UIDPLUS, pipelined", true, true,	false,	3 },
	{ "no UIDs",		false,	false,	true,	0 },
};

static void
world_at(struct world *w, const struct place *p)
{
	world_init(w, p->uids);
	w->dest.no_uidplus = p->no_uidplus;
	w->dest.no_list = p->no_list;
	w->dest.depth = p->depth;
	w->source.window = 4;
	fill(fake_source_box(&w->source, "INBOX"), everything, N(everything));
}

static void
twice(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < N(places); i++) {
		world_at(&w, &places[i]);
		ROW_OK(places[i].name, run(&w) == 0);
		ROW_OK(places[i].name, w.result.complete);
		ROW_OK(places[i].name,
		    w.report.items[VERDICT_DONE] == N(everything));
		check_exact(&w, places[i].name, "INBOX");
		check_again(&w, places[i].name);
		world_fini(&w);
	}
}

/* ---- lost connections ---- */

static void
lost_at_each_append(void **state)
{
	static const struct {
		const char	*name;
		enum fake_drop	 drop;
	} drops[] = {
		{ "before it is stored", DROP_BEFORE },
		{ "after it is stored",	 DROP_AFTER },
		{ "stored late",	 DROP_LATE },
	};
	struct world w;
	char story[128];
	size_t i, k;
	unsigned at;

	(void)state;
	for (i = 0; i < N(places); i++)
		for (k = 0; k < N(drops); k++)
			for (at = 1; at <= N(everything); at++) {
				(void)snprintf(story, sizeof(story),
				    "%s, append %u lost %s", places[i].name, at,
				    drops[k].name);
				world_at(&w, &places[i]);
				w.dest.drop = drops[k].drop;
				w.dest.drop_at = at;
				if (run(&w) == -1)
					fail_msg("%s: %s", story, w.err.msg);
				check_exact(&w, story, "INBOX");
				ROW_OK(story, w.report.items[VERDICT_DONE] ==
				    N(everything));
				check_again(&w, story);
				world_fini(&w);
			}
}

/* The process ends with the connection: the next run finds what was stored. */
static void
killed_at_each_append(void **state)
{
	struct world w;
	char story[128];
	size_t i;
	unsigned at;
	int late;

	(void)state;
	for (i = 0; i < N(places); i++)
		for (at = 1; at <= N(everything); at++)
			for (late = 0; late < 2; late++) {
				(void)snprintf(story, sizeof(story),
				    "%s, killed at append %u %s",
				    places[i].name, at,
				    late ? "after" : "before");
				world_at(&w, &places[i]);
				w.dest.drop = late ? DROP_AFTER : DROP_BEFORE;
				w.dest.drop_at = at;
				w.dest.fault = (struct fake_fault){
				    .call = "open", .at = 2, .scope = ERR_RUN };
				ROW_OK(story, run(&w) == -1);
				w.dest.drop = DROP_NEVER;
				w.dest.fault.call = NULL;
				if (run(&w) == -1)
					fail_msg("%s: %s", story, w.err.msg);
				check_exact(&w, story, "INBOX");
				check_again(&w, story);
				world_fini(&w);
			}
}

static void
order_is_kept(void **state)
{
	struct world w;
	const struct fake_box *b;
	size_t i;
	unsigned at;

	(void)state;
	for (at = 1; at <= N(everything); at++) {
		world_at(&w, &places[1]);
		w.dest.drop = DROP_BEFORE;
		w.dest.drop_at = at;
		assert_int_equal(run(&w), 0);
		b = fake_dest_box(&w.dest, "INBOX", true);
		for (i = 0; i < N(everything); i++)
			assert_string_equal(b->v[i].text, everything[i]);
		world_fini(&w);
	}
}

/* ---- a fault in each call ---- */

static void
faults(void **state)
{
	static const char *const calls[] = {
		"open", "scan", "fetch", "append", "settle",
	};
	static const enum err_scope scopes[] = {
		ERR_SESSION, ERR_MAILBOX, ERR_RUN,
	};
	struct world w;
	char story[128];
	size_t c, s, p;
	unsigned at;

	(void)state;
	for (p = 0; p < N(places); p++)
	for (c = 0; c < N(calls); c++)
	for (s = 0; s < N(scopes); s++)
	for (at = 1; at <= 4; at++) {
		(void)snprintf(story, sizeof(story), "%s: %s %u fails, scope %d",
		    places[p].name, calls[c], at, (int)scopes[s]);
		world_at(&w, &places[p]);
		/* Something to compare with by its octets. */
		(void)fake_store(&w.dest, fake_dest_box(&w.dest, "INBOX", true),
		    NO_KEY_1, 5);
		w.dest.fault = (struct fake_fault){ .call = calls[c],
		    .at = at, .scope = scopes[s] };
		if (run(&w) == -1)
			ROW_OK(story, scopes[s] == ERR_RUN);
		if (scopes[s] == ERR_SESSION)
			check_exact(&w, story, "INBOX");
		w.dest.fault.call = NULL;
		if (run(&w) == -1)
			fail_msg("%s: %s", story, w.err.msg);
		check_exact(&w, story, "INBOX");
		check_again(&w, story);
		world_fini(&w);
	}
}

/* ---- counting and identity ---- */

static const struct holding {
	const char	*name;
	const char	*src[6];
	const char	*dst[6];
	const char	*text;		/* is afterwards there ... */
	size_t		 want;		/* ... so often */
	size_t		 all;		/* and so many of all */
} holdings[] = {
	{ "one of three is there", { MAIL_A, MAIL_A, MAIL_A }, { MAIL_A },
	    MAIL_A, 3, 3 },
	{ "more there than wanted", { MAIL_A }, { MAIL_A, MAIL_A, MAIL_A },
	    MAIL_A, 1 + 2, 3 },
	{ "one key, the second is there", { SAME_KEY_1, SAME_KEY_2 },
	    { SAME_KEY_2 }, SAME_KEY_1, 1, 2 },
	{ "one key, the first is there", { SAME_KEY_1, SAME_KEY_2 },
	    { SAME_KEY_1 }, SAME_KEY_2, 1, 2 },
	{ "one key, both there the other way round",
	    { SAME_KEY_1, SAME_KEY_2 }, { SAME_KEY_2, SAME_KEY_1 },
	    SAME_KEY_1, 1, 2 },
	{ "same key, other size", { SAME_KEY_1 }, { SAME_KEY_LONG },
	    SAME_KEY_1, 1, 2 },
	{ "line ends changed", { MAIL_A },
	    { "Message-ID: <a@example.org>\nDate: Fri, 17 Nov 2023 10:13:20 +0100\n"
	    "From: alice@example.org\nSubject: first\n\nbody a\n" },
	    MAIL_A, 0, 1 },
	{ "no key, another without", { NO_KEY_1 }, { NO_KEY_2 }, NO_KEY_1, 1, 2 },
	{ "no key, one of two", { NO_KEY_1, NO_KEY_1 }, { NO_KEY_2, NO_KEY_1 },
	    NO_KEY_1, 2, 3 },
	{ "nothing there", { MAIL_A, NO_KEY_2 }, { NULL }, NO_KEY_2, 1, 2 },
};

static void
counting(void **state)
{
	struct fake_box *src, *dst;
	struct world w;
	size_t i, k;
	int again;

	(void)state;
	for (i = 0; i < N(holdings); i++) {
		const struct holding *h = &holdings[i];

		world_init(&w, true);
		src = fake_source_box(&w.source, "INBOX");
		dst = fake_dest_box(&w.dest, "INBOX", true);
		for (k = 0; k < N(h->src) && h->src[k] != NULL; k++)
			fake_add(src, h->src[k]);
		for (k = 0; k < N(h->dst) && h->dst[k] != NULL; k++)
			(void)fake_store(&w.dest, dst, h->dst[k], 5);
		for (again = 0; again < 3; again++) {
			ROW_OK(h->name, run(&w) == 0);
			ROW_OK(h->name, fake_count(&w.dest, "INBOX", h->text) ==
			    h->want);
			ROW_OK(h->name, dst->n == h->all);
			if (again == 1)
				(void)unlink(w.receipt);
		}
		world_fini(&w);
	}
}

/*
 * Two of one key and size that differ in their octets, too far apart for one window:
 * when the second is met, the first was believed already.
 */
static void
collision_seen_late(void **state)
{
	static const char *const there[][2] = {
		{ SAME_KEY_2, NULL }, { SAME_KEY_1, NULL },
		{ HEAD("s", "one key") "\r\nbody 3\r\n", NULL },
		{ SAME_KEY_2, SAME_KEY_1 },
	};
	struct fake_box *src, *dst;
	struct world w;
	size_t i, k;
	int again;

	(void)state;
	for (i = 0; i < N(there); i++) {
		world_init(&w, true);
		w.source.window = 1;
		src = fake_source_box(&w.source, "INBOX");
		dst = fake_dest_box(&w.dest, "INBOX", true);
		fake_add(src, SAME_KEY_1);
		fake_add(src, MAIL_A);
		fake_add(src, SAME_KEY_2);
		for (k = 0; k < 2 && there[i][k] != NULL; k++)
			(void)fake_store(&w.dest, dst, there[i][k], 5);
		for (again = 0; again < 3; again++)
			assert_int_equal(run(&w), 0);
		assert_true(w.result.complete);
		assert_int_equal(w.report.items[VERDICT_HAVE], 3);
		assert_int_equal(w.report.items[VERDICT_REFUSED], 0);
		assert_int_equal(fake_count(&w.dest, "INBOX", SAME_KEY_1), 1);
		assert_int_equal(fake_count(&w.dest, "INBOX", SAME_KEY_2), 1);
		assert_int_equal(dst->n, i == 2 ? 4 : 3);
		world_fini(&w);
	}
}

/*
 * What was once believed wrongly is not believed again when the connection goes, or the
 * process, while it is under way: the other one with its key and size is still there.
 */
static void
collision_and_loss(void **state)
{
	struct fake_box *src, *dst;
	struct world w;
	int killed;

	(void)state;
	for (killed = 0; killed < 2; killed++) {
		world_init(&w, true);
		w.source.window = 1;
		src = fake_source_box(&w.source, "INBOX");
		dst = fake_dest_box(&w.dest, "INBOX", true);
		fake_add(src, SAME_KEY_1);
		fake_add(src, MAIL_A);
		fake_add(src, SAME_KEY_2);
		(void)fake_store(&w.dest, dst,
		    HEAD("s", "one key") "\r\nbody 3\r\n", 5);
		assert_int_equal(run(&w), 0);
		assert_int_equal(w.report.items[VERDICT_REFUSED], 1);
		w.dest.drop = DROP_BEFORE;
		w.dest.drop_at = w.dest.appends + 1;
		if (killed)
			w.dest.fault = (struct fake_fault){ .call = "open",
			    .at = 2, .scope = ERR_RUN };
		assert_int_equal(run(&w), killed ? -1 : 0);
		w.dest.drop = DROP_NEVER;
		w.dest.fault.call = NULL;
		assert_int_equal(run(&w), 0);
		assert_int_equal(fake_count(&w.dest, "INBOX", SAME_KEY_1), 1);
		assert_int_equal(fake_count(&w.dest, "INBOX", SAME_KEY_2), 1);
		assert_int_equal(dst->n, 4);
		world_fini(&w);
	}
}

/*
 * A mailbox that is offered twice (a stream may): what is under way from the
 * first time is not sent again.
 */
static void
offered_twice(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < N(places); i++) {
		world_at(&w, &places[i]);
		w.source.boxes[w.source.n++] = w.source.boxes[0];
		ROW_OK(places[i].name, run(&w) == 0);
		w.source.n--;
		check_exact(&w, places[i].name, "INBOX");
		check_again(&w, places[i].name);
		world_fini(&w);
	}
}

/* A place that rewrites mail is believed by its keys. */
static void
rewritten(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	w.dest.rewrites = true;
	fake_add(fake_source_box(&w.source, "INBOX"), MAIL_A);
	(void)fake_store(&w.dest, fake_dest_box(&w.dest, "INBOX", true),
	    HEAD("a", "first") "X-MS-Was-Here: 1\r\n\r\nanother body a\r\n", 5);
	assert_int_equal(run(&w), 0);
	assert_int_equal(w.dest.appends, 0);
	assert_int_equal(w.dest.fetches, 0);
	world_fini(&w);
}

/* A later copy of what is done is a copy that is missing. */
static void
a_copy_comes_later(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < N(places); i++) {
		world_init(&w, places[i].uids);
		w.dest.no_uidplus = places[i].no_uidplus;
		fake_add(fake_source_box(&w.source, "INBOX"), MAIL_A);
		ROW_OK(places[i].name, run(&w) == 0);
		fake_add(w.source.boxes[0], MAIL_A);
		ROW_OK(places[i].name, run(&w) == 0);
		check_exact(&w, places[i].name, "INBOX");
		world_fini(&w);
	}
}

static void
deleted_stays_deleted(void **state)
{
	struct world w;
	struct fake_box *b;

	(void)state;
	world_init(&w, true);
	fill(fake_source_box(&w.source, "INBOX"), everything, N(everything));
	assert_int_equal(run(&w), 0);
	b = fake_dest_box(&w.dest, "INBOX", true);
	b->n -= 4;
	fake_add(w.source.boxes[0], MAIL_B);
	assert_int_equal(run(&w), 0);
	assert_int_equal(b->n, N(everything) - 4 + 1);
	world_fini(&w);
}

/* Unless it was the whole mailbox; and that holds for runs cut short too. */
static void
gone_mailbox_comes_back(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < N(places); i++) {
		world_at(&w, &places[i]);
		ROW_OK(places[i].name, run(&w) == 0);
		check_exact(&w, places[i].name, "INBOX");
		w.dest.boxes[0]->name = "Elsewhere";
		w.dry = true;
		ROW_OK(places[i].name, run(&w) == 0);
		ROW_OK(places[i].name,
		    w.report.items[VERDICT_WANTED] == N(everything));
		w.dry = false;
		/* It is made, and the run ends before much is in it. */
		w.dest.fault = (struct fake_fault){ .call = "append", .at = 3,
		    .scope = ERR_RUN };
		ROW_OK(places[i].name, run(&w) == -1);
		w.dest.fault = (struct fake_fault){ .call = NULL };
		ROW_OK(places[i].name, run(&w) == 0);
		check_exact(&w, places[i].name, "INBOX");
		world_fini(&w);
	}
}

static void
redelivered_when_asked(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < N(places); i++) {
		world_at(&w, &places[i]);
		ROW_OK(places[i].name, run(&w) == 0);
		w.dest.boxes[0]->n -= 4;
		w.redeliver = true;
		ROW_OK(places[i].name, run(&w) == 0);
		check_exact(&w, places[i].name, "INBOX");
		ROW_OK(places[i].name, run(&w) == 0);
		check_exact(&w, places[i].name, "INBOX");
		world_fini(&w);
	}
}

/* ---- refusals ---- */

static void
refused_is_tried_again(void **state)
{
	struct world w;
	unsigned at;

	(void)state;
	for (at = 1; at <= N(everything); at++) {
		world_at(&w, &places[1]);
		w.dest.drop = DROP_REFUSE;
		w.dest.drop_at = at;
		assert_int_equal(run(&w), 0);
		assert_int_equal(w.report.items[VERDICT_REFUSED], 1);
		assert_int_equal(w.report.items[VERDICT_DONE],
		    N(everything) - 1);
		w.dest.drop = DROP_NEVER;
		assert_int_equal(run(&w), 0);
		check_exact(&w, "refused once", "INBOX");
		world_fini(&w);
	}
}

/* A keyword that the place refuses does not keep the message from it. */
static void
keyword_refused(void **state)
{
	static const struct {
		const char	*name, *refused, *kept;
		size_t		 there;
	} rows[] = {
		{ "a keyword",		"too]odd", "\\Seen", N(everything) },
		{ "a system flag",	"\\Seen", NULL, N(everything) - 1 },
	};
	const struct fake_box *b;
	struct world w;
	size_t i, k, m;

	(void)state;
	for (i = 0; i < N(places); i++)
	for (k = 0; k < N(rows); k++) {
		world_at(&w, &places[i]);
		w.dest.refused_flag = rows[k].refused;
		w.source.boxes[0]->v[8].flags = "\\Seen fine too]odd";
		ROW_OK(rows[k].name, run(&w) == 0);
		b = fake_dest_box(&w.dest, "INBOX", true);
		ROW_OK(rows[k].name, b->n == rows[k].there);
		ROW_OK(rows[k].name, w.report.items[VERDICT_REFUSED] ==
		    N(everything) - rows[k].there);
		for (m = 0; m < b->n; m++)
			if (strcmp(b->v[m].text, MAIL_C) == 0)
				assert_string_equal(b->v[m].flags, rows[k].kept);
		w.dest.refused_flag = NULL;
		ROW_OK(rows[k].name, run(&w) == 0);
		check_exact(&w, rows[k].name, "INBOX");
		check_again(&w, rows[k].name);
		world_fini(&w);
	}
}

/* A message that kills every connection is refused, the others get there. */
static void
poison(void **state)
{
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < N(places); i++) {
		world_at(&w, &places[i]);
		w.dest.poison = true;
		w.dest.drop = DROP_BEFORE;
		w.dest.drop_text = MAIL_C;
		ROW_OK(places[i].name, run(&w) == 0);
		ROW_OK(places[i].name, w.report.items[VERDICT_REFUSED] == 1);
		ROW_OK(places[i].name, w.report.items[VERDICT_DONE] ==
		    N(everything) - 1);
		ROW_OK(places[i].name, fake_count(&w.dest, "INBOX", MAIL_C) == 0);
		w.dest.poison = false;
		ROW_OK(places[i].name, run(&w) == 0);
		check_exact(&w, places[i].name, "INBOX");
		check_again(&w, places[i].name);
		world_fini(&w);
	}
}

static void
append_refuses_at_once(void **state)
{
	struct world w;

	(void)state;
	world_at(&w, &places[1]);
	w.dest.fault = (struct fake_fault){ .call = "append", .at = 3,
	    .scope = ERR_MESSAGE };
	assert_int_equal(run(&w), 0);
	assert_false(w.result.complete);
	assert_int_equal(w.report.items[VERDICT_REFUSED], 1);
	assert_int_equal(w.report.items[VERDICT_DONE], N(everything) - 1);
	assert_int_equal(run(&w), 0);
	check_exact(&w, "refused at once", "INBOX");
	world_fini(&w);
}

/* What fails when a mailbox is left is not the fault of the next. */
static void
next_mailbox_is_not_blamed(void **state)
{
	struct world w;

	(void)state;
	world_at(&w, &places[2]);
	fake_add(fake_source_box(&w.source, "Next"), MAIL_A);
	w.dest.fault = (struct fake_fault){ .call = "settle", .at = 1,
	    .scope = ERR_MAILBOX };
	assert_int_equal(run(&w), 0);
	assert_int_equal(fake_count(&w.dest, "Next", MAIL_A), 1);
	assert_int_equal(w.report.mailboxes, 1);
	w.dest.fault.call = NULL;
	assert_int_equal(run(&w), 0);
	check_exact(&w, "left with a failure", "INBOX");
	world_fini(&w);
}

static void
outcomes_forgotten(void **state)
{
	struct world w;

	(void)state;
	world_at(&w, &places[1]);
	w.dest.forget_outcomes = true;
	assert_int_equal(run(&w), 0);
	check_exact(&w, "an outcome was forgotten", "INBOX");
	check_again(&w, "an outcome was forgotten");
	world_fini(&w);
}

static void
uidvalidity_changes(void **state)
{
	struct world w;

	(void)state;
	world_at(&w, &places[1]);
	w.dest.drop = DROP_AFTER;
	w.dest.drop_at = 4;
	w.dest.new_uidvalidity = true;
	assert_int_equal(run(&w), 0);
	assert_int_equal(w.report.mailboxes, 1);
	assert_false(w.result.complete);
	w.dest.new_uidvalidity = false;
	w.dest.drop = DROP_NEVER;
	assert_int_equal(run(&w), 0);
	check_exact(&w, "UIDVALIDITY changed", "INBOX");
	check_again(&w, "UIDVALIDITY changed");
	world_fini(&w);
}

/* ---- other ways to run ---- */

static void
dry(void **state)
{
	struct world w;

	(void)state;
	world_at(&w, &places[0]);
	w.dry = true;
	assert_int_equal(run(&w), 0);
	assert_int_equal(w.report.items[VERDICT_WANTED], N(everything));
	assert_int_equal(w.dest.n, 0);
	assert_int_equal(access(w.receipt, F_OK), -1);
	w.dry = false;
	assert_int_equal(run(&w), 0);
	w.dry = true;
	assert_int_equal(run(&w), 0);
	assert_int_equal(w.report.items[VERDICT_HAVE], N(everything));
	world_fini(&w);
}

static void
nothing_new_costs_nothing(void **state)
{
	struct world w;
	unsigned opens, scans;

	(void)state;
	world_at(&w, &places[1]);
	assert_int_equal(run(&w), 0);
	opens = w.dest.opens;
	scans = w.dest.scans;
	assert_int_equal(run(&w), 0);
	assert_int_equal(w.dest.opens, opens);
	assert_int_equal(w.dest.scans, scans);
	world_fini(&w);
}

/* Bigger than what is copied; and its connection is lost, too. */
static void
big(void **state)
{
	static const enum fake_drop drops[] = {
		DROP_NEVER, DROP_BEFORE, DROP_AFTER,
	};
	const size_t n = ((size_t)5 << 20);
	char *text = malloc(n + 1);
	struct world w;
	size_t i;
	unsigned at;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	memcpy(text, MAIL_B, strlen(MAIL_B));
	text[n] = '\0';
	for (i = 0; i < N(drops); i++)
		for (at = 1; at <= 3; at++) {
			world_init(&w, true);
			w.dest.depth = 3;
			w.dest.drop = drops[i];
			w.dest.drop_at = at;
			(void)fake_source_box(&w.source, "INBOX");
			fake_add(w.source.boxes[0], MAIL_A);
			fake_add(w.source.boxes[0], text);
			fake_add(w.source.boxes[0], MAIL_C);
			assert_int_equal(run(&w), 0);
			check_exact(&w, "big", "INBOX");
			world_fini(&w);
		}
	free(text);
}

static const struct mailbox merged = { .name = { (const unsigned char *)"All", 3 } };

static int
merge_mailbox(void *state, const struct mailbox *from,
    const struct mailbox **to, struct err *err)
{
	(void)state, (void)from, (void)err;
	*to = &merged;
	return 0;
}

static int
merge_apply(void *state, const struct mailbox *from, struct item *v, size_t n,
    const struct mailbox **to, struct err *err)
{
	size_t i;

	(void)state, (void)from, (void)v, (void)err;
	for (i = 0; i < n; i++)
		to[i] = &merged;
	return 0;
}

/*
 * Merged at a place that does not say where it put a message: what one source
 * mailbox brought is not taken for what the next brings.
 */
static void
merging_unplaced(void **state)
{
	const struct filter filter = { .apply = merge_apply,
	    .mailbox = merge_mailbox };
	struct world w;
	unsigned jobs;
	int again;

	(void)state;
	for (jobs = 1; jobs <= 3; jobs++) {
		world_init(&w, true);
		w.filter = &filter;
		w.jobs = jobs;
		w.dest.no_uidplus = true;
		fake_add(fake_source_box(&w.source, "A"), SAME_KEY_1);
		fake_add(w.source.boxes[0], MAIL_A);
		fake_add(fake_source_box(&w.source, "B"), SAME_KEY_2);
		fake_add(fake_source_box(&w.source, "C"), MAIL_A);
		for (again = 0; again < 2; again++) {
			assert_int_equal(run(&w), 0);
			assert_int_equal(fake_count(&w.dest, "All", SAME_KEY_1), 1);
			assert_int_equal(fake_count(&w.dest, "All", SAME_KEY_2), 1);
			assert_int_equal(fake_count(&w.dest, "All", MAIL_A), 2);
		}
		world_fini(&w);
	}
}

/* Several lanes, one mailbox: they take turns. */
static void
merging(void **state)
{
	const struct filter filter = { .apply = merge_apply,
	    .mailbox = merge_mailbox };
	struct world w;
	unsigned jobs;
	int again;

	(void)state;
	for (jobs = 1; jobs <= 3; jobs++) {
		world_init(&w, true);
		w.filter = &filter;
		w.jobs = jobs;
		w.source.window = 3;
		fill(fake_source_box(&w.source, "A"), everything, N(everything));
		fill(fake_source_box(&w.source, "B"), everything, N(everything));
		fill(fake_source_box(&w.source, "C"), everything, N(everything));
		for (again = 0; again < 3; again++) {
			assert_int_equal(run(&w), 0);
			assert_int_equal(fake_dest_box(&w.dest, "All", true)->n,
			    3 * N(everything));
			assert_int_equal(fake_count(&w.dest, "All", MAIL_A), 6);
			if (again == 1)
				(void)unlink(w.receipt);
		}
		world_fini(&w);
	}
}

static void
other_target(void **state)
{
	struct world w;
	struct fake_dest other;
	const struct sys sys = fake_sys(&w.clock);
	struct replay_config cfg;
	struct err err = ERR_INIT;

	(void)state;
	world_at(&w, &places[0]);
	assert_int_equal(run(&w), 0);
	fake_dest_init(&other, true);
	other.target = "somebody else";
	cfg = (struct replay_config){ .dest = &other.dest, .receipt = w.receipt,
	    .origin = SPAN("imaps://old"), .sys = &sys };
	assert_null(replay_sink(&cfg, &err));
	assert_int_equal(err.status, STATUS_DATA);
	cfg.dest = &w.dest.dest;
	cfg.origin = SPAN("imaps://another");
	err_clear(&err);
	assert_null(replay_sink(&cfg, &err));
	assert_int_equal(err.status, STATUS_DATA);
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice),
		cmocka_unit_test(lost_at_each_append),
		cmocka_unit_test(killed_at_each_append),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(faults),
		cmocka_unit_test(counting),
		cmocka_unit_test(collision_seen_late),
		cmocka_unit_test(collision_and_loss),
		cmocka_unit_test(offered_twice),
		cmocka_unit_test(rewritten),
		cmocka_unit_test(a_copy_comes_later),
		cmocka_unit_test(deleted_stays_deleted),
		cmocka_unit_test(gone_mailbox_comes_back),
		cmocka_unit_test(redelivered_when_asked),
		cmocka_unit_test(refused_is_tried_again),
		cmocka_unit_test(keyword_refused),
		cmocka_unit_test(poison),
		cmocka_unit_test(append_refuses_at_once),
		cmocka_unit_test(next_mailbox_is_not_blamed),
		cmocka_unit_test(outcomes_forgotten),
		cmocka_unit_test(uidvalidity_changes),
		cmocka_unit_test(dry),
		cmocka_unit_test(nothing_new_costs_nothing),
		cmocka_unit_test(big),
		cmocka_unit_test(merging),
		cmocka_unit_test(merging_unplaced),
		cmocka_unit_test(other_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
