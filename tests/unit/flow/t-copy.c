/* SPDX-License-Identifier: ISC */
/* The copy engine: what a sink is told, and when, whatever fails. */

#include "fake.h"

#include "flow/copy.h"

/* ---- a sink that writes down what it is told ---- */

struct note_sink {
	struct sink		 sink;
	pthread_mutex_t		 lock;
	struct buf		 log;
	struct fake_fault	 fault;
	const char		*have;		/* texts that it has */
	unsigned		 lanes, puts, commits;
	uint64_t		 uncommitted;
	struct fake_clock	*clock;		/* moves with each put */
	int64_t			 per_put;
};

struct note_lane {
	struct lane		 lane;
	struct note_sink	*s;
};

static void	note(struct note_sink *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));

static void
note(struct note_sink *s, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)pthread_mutex_lock(&s->lock);
	buf_str(&s->log, line);
	(void)pthread_mutex_unlock(&s->lock);
}

static struct note_sink *
sink_of(struct lane *lane)
{
	return ((struct note_lane *)lane)->s;
}

static int
note_mailbox(struct lane *lane, const struct mailbox *m, struct err *err)
{
	note(sink_of(lane), "[%.*s] ", SPAN_ARG(m->name));
	return fake_fails(&sink_of(lane)->fault, "mailbox", err);
}

static int
note_offer(struct lane *lane, struct item *v, size_t n, struct err *err)
{
	struct note_sink *s = sink_of(lane);
	size_t i;

	if (fake_fails(&s->fault, "offer", err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (v[i].verdict == VERDICT_DROPPED) {
			note(s, "seen %.*s ", SPAN_ARG(v[i].ref));
			continue;
		}
		v[i].verdict = VERDICT_WANTED;
		if (v[i].flags.n > 0 && span_is(v[i].flags, "have"))
			v[i].verdict = VERDICT_HAVE;
		if (v[i].flags.n > 0 && span_is(v[i].flags, "changed"))
			v[i].verdict = VERDICT_CHANGED;
		if (v[i].flags.n > 0 && span_is(v[i].flags, "refused"))
			v[i].verdict = VERDICT_REFUSED;
	}
	return 0;
}

static int
note_put(struct lane *lane, struct item *item, struct body *body,
    struct err *err)
{
	struct note_sink *s = sink_of(lane);

	if (fake_fails(&s->fault, "put", err) == -1)
		return -1;
	note(s, "put %.*s ", SPAN_ARG(item->ref));
	assert_int_equal(body_size(body), item->size);
	(void)pthread_mutex_lock(&s->lock);
	s->puts++;
	s->uncommitted++;
	if (s->clock != NULL)
		s->clock->now += s->per_put;
	(void)pthread_mutex_unlock(&s->lock);
	return 0;
}

static int
note_missed(struct lane *lane, const struct item *item,
    const struct err *why, struct err *err)
{
	assert_non_null(why);
	note(sink_of(lane), "missed %.*s ", SPAN_ARG(item->ref));
	return fake_fails(&sink_of(lane)->fault, "missed", err);
}

static int
note_finish(struct lane *lane, struct span from, const struct mailbox *state,
    enum scope scope, struct err *err)
{
	note(sink_of(lane), "finish %.*s>%.*s%s ", SPAN_ARG(from),
	    SPAN_ARG(state->name), scope == SCOPE_COMPLETE ? "" : " partial");
	return fake_fails(&sink_of(lane)->fault, "finish", err);
}

static int
note_commit(struct lane *lane, struct err *err)
{
	struct note_sink *s = sink_of(lane);

	if (fake_fails(&s->fault, "commit", err) == -1)
		return -1;
	note(s, "commit ");
	(void)pthread_mutex_lock(&s->lock);
	s->commits++;
	s->uncommitted = 0;
	(void)pthread_mutex_unlock(&s->lock);
	return 0;
}

static void
note_lane_close(struct lane *lane)
{
	(void)pthread_mutex_lock(&sink_of(lane)->lock);
	sink_of(lane)->lanes--;
	(void)pthread_mutex_unlock(&sink_of(lane)->lock);
	free(lane);
}

static struct lane *
note_open(struct sink *sink, struct err *err)
{
	static const struct lane_ops ops = {
		.mailbox = note_mailbox, .offer = note_offer, .put = note_put,
		.missed = note_missed, .finish = note_finish,
		.commit = note_commit, .close = note_lane_close,
	};
	struct note_sink *s = (struct note_sink *)sink;
	struct note_lane *l;

	if (fake_fails(&s->fault, "open", err) == -1)
		return NULL;
	l = calloc(1, sizeof(*l));
	assert_non_null(l);
	l->lane.ops = &ops;
	l->s = s;
	(void)pthread_mutex_lock(&s->lock);
	s->lanes++;
	(void)pthread_mutex_unlock(&s->lock);
	return &l->lane;
}

static int
note_end(struct sink *sink, const struct mailboxes *all, select_fn *chosen,
    void *arg, bool complete, const char *reason, struct err *err)
{
	struct note_sink *s = (struct note_sink *)sink;

	(void)chosen, (void)arg;
	assert_int_equal(s->lanes, 0);
	assert_true(complete == (reason == NULL));
	note(s, "end %zu %s", all != NULL ? all->n : 0,
	    complete ? "complete" : reason);
	return fake_fails(&s->fault, "end", err);
}

static void
note_init(struct note_sink *s)
{
	static const struct sink_ops ops = {
		.open = note_open, .end = note_end,
	};

	*s = (struct note_sink){ .sink = { &ops }, .log = BUF_INIT };
	(void)pthread_mutex_init(&s->lock, NULL);
}

/* ---- a filter: an item goes where its flags say ---- */

struct split {
	struct mailbox	 to[WINDOW_ITEMS], self;
};

static void *
split_open(void *arg, struct err *err)
{
	(void)arg, (void)err;
	return calloc(1, sizeof(struct split));
}

/* "X..." is renamed to "Y", "Z..." goes nowhere. */
static int
split_mailbox(void *state, const struct mailbox *from,
    const struct mailbox **to, struct err *err)
{
	struct split *s = state;

	(void)err;
	s->self = *from;
	if (span_starts(from->name, "X"))
		s->self.name = SPAN("Y");
	*to = span_starts(from->name, "Z") ? NULL : &s->self;
	return 0;
}

static int
split_apply(void *state, const struct mailbox *from, struct item *v, size_t n,
    const struct mailbox **to, struct err *err)
{
	struct split *s = state;
	size_t i;

	for (i = 0; i < n; i++) {
		s->to[i] = *from;
		to[i] = &s->to[i];
		if (span_starts(v[i].flags, "to-")) {
			s->to[i].name = span_from(v[i].flags, 3);
		} else if (span_is(v[i].flags, "drop")) {
			v[i].verdict = VERDICT_DROPPED;
			v[i].reason = "rule";
			to[i] = NULL;
		} else {
			if (split_mailbox(s, from, &to[i], err) == -1)
				return -1;
			if (to[i] != NULL) {
				s->to[i] = *to[i];
				to[i] = &s->to[i];
			}
		}
	}
	return 0;
}

static const struct filter split = {
	.apply = split_apply, .mailbox = split_mailbox, .open = split_open,
	.close = free,
};

/* ---- stories ---- */

struct msg {
	const char	*flags, *src;
};

static const struct story {
	const char	*name;
	const char	*box;		/* and an empty one behind it */
	struct msg	 v[6];
	size_t		 n;
	bool		 filter, partial, no_list, dry, incomplete;
	struct fake_fault from, to;
	const char	*log;
	int		 rc;
	bool		 complete;
} stories[] = {
	{ .name = "plain", .box = "A", .v = { { "", NULL }, { "", NULL } },
	    .n = 2, .complete = true,
	    .log = "[A] put 1.1 put 1.2 finish A>A [E] finish E>E commit end 2 complete" },
	{ .name = "answers", .box = "A", .v = { { "have", NULL },
	    { "changed", NULL }, { "", NULL } }, .n = 3, .complete = true,
	    .log = "[A] put 1.3 finish A>A [E] finish E>E commit end 2 complete" },
	{ .name = "refused by offer", .box = "A", .v = { { "refused", NULL } },
	    .n = 1,
	    .log = "[A] finish A>A [E] finish E>E commit end 2 passed over" },
	{ .name = "no list", .box = "A", .n = 0, .no_list = true,
	    .complete = true,
	    .log = "[A] finish A>A [E] finish E>E commit end 0 complete" },
	{ .name = "source incomplete", .box = "A", .n = 0, .incomplete = true,
	    .log = "[A] finish A>A [E] finish E>E commit end 2 source incomplete" },
	{ .name = "partial cursor", .box = "A", .v = { { "", NULL } }, .n = 1,
	    .partial = true, .complete = true,
	    .log = "[A] put 1.1 finish A>A partial [E] finish E>E commit end 2 complete" },
	{ .name = "item from elsewhere", .box = "A",
	    .v = { { "", NULL }, { "", "Old" } }, .n = 2, .complete = true,
	    .log = "[A] put 1.1 put 1.2 finish A>A partial [E] finish E>E commit end 2 complete" },
	{ .name = "dry", .box = "A", .v = { { "", NULL } }, .n = 1, .dry = true,
	    .complete = true,
	    .log = "[A] finish A>A partial [E] finish E>E partial " },

	/* filters */
	{ .name = "renamed", .box = "X", .v = { { "", NULL } }, .n = 1,
	    .filter = true, .complete = true,
	    .log = "[Y] put 1.1 finish X>Y [E] finish E>E commit end 3 complete" },
	{ .name = "split", .box = "A", .v = { { "to-B", NULL }, { "", NULL },
	    { "to-B", NULL }, { "to-C", NULL } }, .n = 4, .filter = true,
	    .complete = true,
	    .log = "[A] [B] put 1.1 put 1.3 [A] put 1.2 [C] put 1.4 finish A>A "
	    "[E] finish E>E commit end 4 complete" },
	{ .name = "dropped", .box = "A", .v = { { "drop", NULL }, { "", NULL },
	    { "drop", NULL } }, .n = 3, .filter = true, .complete = true,
	    .log = "[A] seen 1.1 seen 1.3 put 1.2 finish A>A partial "
	    "[E] finish E>E commit end 2 complete" },
	{ .name = "all dropped", .box = "A", .v = { { "drop", NULL } }, .n = 1,
	    .filter = true, .complete = true,
	    .log = "[A] finish A>A partial [E] finish E>E commit end 2 complete" },
	{ .name = "nowhere", .box = "Z", .v = { { "", NULL } }, .n = 1,
	    .filter = true, .complete = true,
	    .log = "[E] finish E>E commit end 2 complete" },
	{ .name = "nowhere but for one", .box = "Z",
	    .v = { { "to-B", NULL } }, .n = 1, .filter = true,
	    .complete = true,
	    .log = "[B] put 1.1 finish Z>B [E] finish E>E commit end 3 complete" },

	/* failures of the source */
	{ .name = "cannot list", .box = "A", .n = 0, .rc = -1,
	    .from = { .call = "list", .at = 1, .scope = ERR_RUN },
	    .log = "end 0 failed" },
	{ .name = "cannot open", .box = "A", .n = 0, .rc = -1,
	    .from = { .call = "open", .at = 1, .scope = ERR_RUN },
	    .log = "end 2 failed" },
	{ .name = "mailbox cannot be opened", .box = "A", .n = 0,
	    .from = { .call = "mailbox", .at = 1, .scope = ERR_MAILBOX },
	    .log = "[E] finish E>E commit end 2 passed over" },
	{ .name = "mailboxes end the run", .box = "A", .n = 0, .rc = -1,
	    .from = { .call = "mailbox", .at = 2, .scope = ERR_RUN },
	    .log = "[A] finish A>A commit end 2 failed" },
	{ .name = "window spoils the mailbox", .box = "A",
	    .v = { { "", NULL }, { "", NULL } }, .n = 2,
	    .from = { .call = "window", .at = 2, .scope = ERR_MAILBOX },
	    .log = "[A] put 1.1 put 1.2 finish A>A partial [E] finish E>E commit end 2 passed over" },
	{ .name = "window ends the run", .box = "A",
	    .v = { { "", NULL } }, .n = 1, .rc = -1,
	    .from = { .call = "window", .at = 2, .scope = ERR_RUN },
	    .log = "[A] put 1.1 finish A>A partial commit end 2 failed" },
	{ .name = "an item is missed", .box = "A",
	    .v = { { "", NULL }, { "", NULL } }, .n = 2,
	    .from = { .call = "fetch", .at = 1, .scope = ERR_MESSAGE },
	    .log = "[A] missed 1.1 put 1.2 finish A>A partial [E] finish E>E commit end 2 passed over" },
	{ .name = "fetch spoils the mailbox", .box = "A",
	    .v = { { "", NULL }, { "", NULL } }, .n = 2,
	    .from = { .call = "fetch", .at = 2, .scope = ERR_MAILBOX },
	    .log = "[A] put 1.1 finish A>A partial [E] finish E>E commit end 2 passed over" },
	{ .name = "finish spoils the mailbox", .box = "A", .n = 0,
	    .from = { .call = "finish", .at = 1, .scope = ERR_MAILBOX },
	    .log = "[A] finish A>A partial [E] finish E>E commit end 2 passed over" },

	/* failures of the sink */
	{ .name = "no lane", .box = "A", .n = 0, .rc = -1,
	    .to = { .call = "open", .at = 1, .scope = ERR_RUN },
	    .log = "" },
	{ .name = "mailbox cannot be made", .box = "A", .v = { { "", NULL } },
	    .n = 1, .to = { .call = "mailbox", .at = 1, .scope = ERR_MAILBOX },
	    .log = "[A] [E] finish E>E commit end 2 passed over" },
	{ .name = "offer fails", .box = "A", .v = { { "", NULL } }, .n = 1,
	    .to = { .call = "offer", .at = 1, .scope = ERR_MAILBOX },
	    .log = "[A] finish A>A partial [E] finish E>E commit end 2 passed over" },
	{ .name = "one is refused", .box = "A",
	    .v = { { "", NULL }, { "", NULL } }, .n = 2,
	    .to = { .call = "put", .at = 1, .scope = ERR_MESSAGE },
	    .log = "[A] put 1.2 finish A>A [E] finish E>E commit end 2 passed over" },
	{ .name = "put spoils the mailbox", .box = "A",
	    .v = { { "", NULL }, { "", NULL } }, .n = 2,
	    .to = { .call = "put", .at = 2, .scope = ERR_MAILBOX },
	    .log = "[A] put 1.1 finish A>A partial [E] finish E>E commit end 2 passed over" },
	{ .name = "put ends the run", .box = "A",
	    .v = { { "", NULL }, { "", NULL } }, .n = 2, .rc = -1,
	    .to = { .call = "put", .at = 2, .scope = ERR_RUN },
	    .log = "[A] put 1.1 " },
	{ .name = "commit fails", .box = "A", .v = { { "", NULL } }, .n = 1,
	    .rc = -1, .to = { .call = "commit", .at = 1, .scope = ERR_RUN },
	    .log = "[A] put 1.1 finish A>A [E] finish E>E " },
	{ .name = "end fails", .box = "A", .n = 0, .rc = -1,
	    .to = { .call = "end", .at = 1, .scope = ERR_RUN },
	    .log = "[A] finish A>A [E] finish E>E commit end 2 complete" },

	/* told to stop */
	{ .name = "stopped at a put", .box = "A",
	    .v = { { "", NULL }, { "", NULL }, { "", NULL } }, .n = 3,
	    .to = { .call = "put", .at = 2, .stop = true },
	    .log = "[A] put 1.1 put 1.2 finish A>A partial commit end 2 interrupted" },
	{ .name = "stopped at a window", .box = "A", .v = { { "have", NULL } },
	    .n = 1, .from = { .call = "window", .at = 1, .stop = true },
	    .log = "[A] finish A>A partial commit end 2 interrupted" },
};

static void
tell_story(const struct story *t)
{
	struct fake_clock clock = { 0, 0 };
	const struct sys sys = fake_sys(&clock);
	struct fake_source from;
	struct note_sink to;
	struct fake_report report;
	struct copy_result result;
	struct err err = ERR_INIT;
	struct copy c = { .sys = &sys, .dry = t->dry };
	struct fake_box *b;
	size_t i;
	int rc;

	stop_flag = 0;
	fake_source_init(&from);
	note_init(&to);
	fake_report_init(&report);
	b = fake_source_box(&from, t->box);
	(void)fake_source_box(&from, "E");
	b->partial = t->partial;
	for (i = 0; i < t->n; i++) {
		fake_add(b, "Subject: x\r\n\r\nx\r\n");
		b->v[i].flags = t->v[i].flags;
		b->v[i].src = t->v[i].src;
	}
	from.no_list = t->no_list;
	from.incomplete = t->incomplete;
	from.fault = t->from;
	to.fault = t->to;
	c.from = &from.source;
	c.to = &to.sink;
	c.filter = t->filter ? &split : NULL;
	c.report = &report.report;
	rc = copy_run(&c, &result, &err);
	if (strcmp(buf_cstr(&to.log), t->log) != 0)
		fail_msg("%s:\n is   \"%s\"\n want \"%s\"", t->name,
		    buf_cstr(&to.log), t->log);
	ROW_OK(t->name, rc == t->rc);
	ROW_OK(t->name, result.complete == t->complete);
	ROW_OK(t->name, result.interrupted == (stop_flag != 0));
	ROW_OK(t->name, (rc == -1) == (err.scope == ERR_RUN));
	ROW_OK(t->name, to.lanes == 0 && from.cursors == 0);
	ROW_OK(t->name, report.mailboxes == result.passed_mailboxes);
	stop_flag = 0;
	buf_fini(&to.log);
	fake_source_fini(&from);
}

static void
all_stories(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(stories); i++)
		tell_story(&stories[i]);
}

/* ---- batches ---- */

static void
cadence(void **state)
{
	static const struct {
		const char	*name;
		size_t		 n;
		int64_t		 per_put;
		unsigned	 commits;
	} cases[] = {
		{ "few",		100,	0,			1 },
		{ "by items",		4001,	0,			3 },
		{ "by time",		10,	INT64_C(1000000000),	6 },
	};
	struct fake_clock clock = { 0, 0 };
	const struct sys sys = fake_sys(&clock);
	size_t i, k;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct fake_source from;
		struct note_sink to;
		struct copy_result result;
		struct copy c = { .sys = &sys };
		struct fake_box *b;

		fake_source_init(&from);
		note_init(&to);
		to.clock = &clock;
		to.per_put = cases[i].per_put;
		b = fake_source_box(&from, "A");
		for (k = 0; k < cases[i].n; k++)
			fake_add(b, "x");
		c.from = &from.source;
		c.to = &to.sink;
		assert_int_equal(copy_run(&c, &result, NULL), 0);
		ROW_OK(cases[i].name, to.puts == cases[i].n);
		ROW_OK(cases[i].name, to.commits == cases[i].commits);
		ROW_OK(cases[i].name, to.uncommitted == 0);
		ROW_OK(cases[i].name, result.octets == cases[i].n);
		buf_fini(&to.log);
		fake_source_fini(&from);
	}
}

/* ---- several jobs ---- */

static void
jobs(void **state)
{
	static const char *const names[] = { "A", "B", "C", "D", "E", "F" };
	static const struct {
		const char	*name;
		struct fake_fault from;
		int		 rc;
	} cases[] = {
		{ .name = "all is well", .rc = 0 },
		{ .name = "one fails", .rc = -1,
		    .from = { .call = "fetch", .at = 150, .scope = ERR_RUN } },
		{ .name = "stopped", .rc = 0,
		    .from = { .call = "fetch", .at = 150, .stop = true } },
	};
	struct fake_clock clock = { 0, 0 };
	const struct sys sys = fake_sys(&clock);
	size_t i, k, m;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct fake_source from;
		struct note_sink to;
		struct fake_report report;
		struct copy_result result;
		struct err err = ERR_INIT;
		struct copy c = { .sys = &sys, .jobs = 4 };
		struct fake_box *b;

		stop_flag = 0;
		fake_source_init(&from);
		note_init(&to);
		fake_report_init(&report);
		for (k = 0; k < N(names); k++) {
			b = fake_source_box(&from, names[k]);
			for (m = 0; m < 100; m++)
				fake_add(b, "x");
		}
		from.fault = cases[i].from;
		c.from = &from.source;
		c.to = &to.sink;
		c.report = &report.report;
		ROW_OK(cases[i].name, copy_run(&c, &result, &err) == cases[i].rc);
		ROW_OK(cases[i].name, to.lanes == 0 && to.uncommitted == 0);
		ROW_OK(cases[i].name, result.octets == to.puts);
		if (cases[i].from.call == NULL) {
			ROW_OK(cases[i].name, to.puts == 600);
			ROW_OK(cases[i].name, result.complete);
			ROW_OK(cases[i].name, result.mailboxes == N(names));
		} else {
			ROW_OK(cases[i].name, to.puts < 600);
			ROW_OK(cases[i].name, !result.complete);
		}
		buf_fini(&to.log);
		fake_source_fini(&from);
	}
	stop_flag = 0;
}

static bool
only_b(void *arg, const struct mailbox *m)
{
	(void)arg;
	return span_is(m->name, "B");
}

static void
selecting(void **state)
{
	struct fake_clock clock = { 0, 0 };
	const struct sys sys = fake_sys(&clock);
	struct fake_source from;
	struct note_sink to;
	struct copy_result result;
	struct copy c = { .sys = &sys, .select = only_b };

	(void)state;
	fake_source_init(&from);
	note_init(&to);
	(void)fake_source_box(&from, "A");
	(void)fake_source_box(&from, "B");
	c.from = &from.source;
	c.to = &to.sink;
	assert_int_equal(copy_run(&c, &result, NULL), 0);
	assert_string_equal(buf_cstr(&to.log),
	    "[B] finish B>B commit end 2 complete");
	buf_fini(&to.log);
	fake_source_fini(&from);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_stories),
		cmocka_unit_test(cadence),
		cmocka_unit_test(jobs),
		cmocka_unit_test(selecting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
