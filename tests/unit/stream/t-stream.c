/* SPDX-License-Identifier: ISC */
/*
 * A stream as a place: what goes into the sink comes out of the source, and
 * of a stream that was cut or damaged nothing comes but what went in.
 */

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "formats/stream/stream.h"

static int64_t
fixed_now(void *arg)
{
	(void)arg;
	return INT64_C(1700000000) * 1000000000;
}

static void
fixed_sleep(void *arg, int64_t ns)
{
	(void)arg;
	(void)ns;
}

static void
fixed_random(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0x5a, n);
}

static const struct sys fixed = {
	fixed_now, fixed_now, fixed_sleep, fixed_random, NULL,
};

/* What was reported. */
struct tally {
	size_t	done, notes;
};

static void
tally_item(void *arg, struct span mailbox, const struct item *item,
    const struct err *why)
{
	struct tally *t = arg;

	(void)why;
	assert_true(mailbox.n > 0);
	assert_int_equal(item->verdict, VERDICT_DONE);
	t->done++;
}

static void tally_note(void *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
tally_note(void *arg, const char *fmt, ...)
{
	struct tally *t = arg;

	(void)fmt;
	t->notes++;
}

/* ---- writing ---- */

struct sent {
	struct span	mailbox, ref, flags, octets;
};

static const struct sent sent[] = {
	{ LIT("INBOX"), LIT("1.1"), LIT("\\Seen"),
	    LIT("Message-ID: <a@b>\r\n\r\none\r\n") },
	{ LIT("INBOX"), LIT("1.2"), LIT(""), LIT("") },
	{ LIT("INBOX"), LIT("1.3"), LIT("$Label"),
	    LIT("Message-ID: <c@d>\r\n\r\nthree\r\n") },
	{ LIT("Work\0\xc3\xa9t\xc3\xa9"), LIT("17.x:2,S"), LIT("\\Flagged"),
	    LIT("From: x\r\n\r\n\0\xff") },
	{ LIT("Work\0\xc3\xa9t\xc3\xa9"), LIT("18.y"), LIT(""),
	    LIT("Message-ID: <a@b>\r\n\r\none\r\n") },
};

static struct sink *
sink_to(int fd, int level, struct report *report)
{
	const struct stream_config config = {
		.name = "out", .origin = "imaps://alice@old.example.org",
		.program = "test 1", .level = level, .sys = &fixed,
		.report = report,
	};
	struct err err = ERR_INIT;
	struct sink *sink = stream_sink(fd, &config, &err);

	if (sink == NULL)
		fail_msg("%s", err.msg);
	return sink;
}

static int
put_one(struct lane *lane, const struct sent *s, struct err *err)
{
	struct item item = { .ref = s->ref, .flags = s->flags,
	    .src_mailbox = s->mailbox };
	struct body *body = body_of(s->octets);
	int rc;

	rc = lane->ops->offer(lane, &item, 1, err);
	assert_int_equal(item.verdict, VERDICT_WANTED);
	if (rc == 0)
		rc = lane->ops->put(lane, &item, body, err);
	body_free(body);
	return rc;
}

/* All of a mailbox's rows, with a commit after each `every`. */
static int
put_mailbox(struct lane *lane, struct span name, size_t every,
    struct err *err)
{
	struct mailbox m = mailbox_of(name);
	size_t i, n = 0;

	if (lane->ops->mailbox(lane, &m, err) == -1)
		return -1;
	for (i = 0; i < N(sent); i++) {
		if (!span_eq(sent[i].mailbox, name))
			continue;
		if (put_one(lane, &sent[i], err) == -1)
			return -1;
		if (++n % every == 0 && lane->ops->commit(lane, err) == -1)
			return -1;
	}
	m.uidnext = 99;
	return lane->ops->finish(lane, name, &m, SCOPE_COMPLETE, err);
}

static int
put_all(struct sink *sink, size_t every, bool complete, struct err *err)
{
	const struct mailbox level = {
		.name = SPAN("Work"), .status = MAILBOX_NOSELECT,
	};
	struct lane *lane = sink->ops->open(sink, err);
	int rc;

	assert_non_null(lane);
	rc = lane->ops->mailbox(lane, &level, err);
	if (rc == 0)
		rc = put_mailbox(lane, sent[0].mailbox, every, err);
	if (rc == 0)
		rc = put_mailbox(lane, sent[3].mailbox, every, err);
	if (rc == 0)
		rc = lane->ops->commit(lane, err);
	lane->ops->close(lane);
	if (rc == 0)
		rc = sink->ops->end(sink, NULL, NULL, NULL, complete,
		    complete ? NULL : "interrupted", err);
	sink->ops->close(sink);
	return rc;
}

/* A whole stream in memory. */
static void
stream_into(struct buf *out, int level, size_t every, bool complete)
{
	struct tally tally = { 0, 0 };
	struct report report = { .item = tally_item, .arg = &tally };
	struct err err = ERR_INIT;
	const int fd = file_of(SPAN_NONE), copy = dup(fd);
	unsigned char *p;
	off_t n;

	if (put_all(sink_to(fd, level, &report), every, complete, &err) == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(tally.done, N(sent));
	n = lseek(copy, 0, SEEK_END);
	p = buf_room(out, (size_t)n);
	assert_int_equal(pread(copy, p, (size_t)n, 0), n);
	out->n += (size_t)n;
	(void)close(copy);
}

/* ---- reading ---- */

struct got {
	size_t		items, bad, mailboxes;
	struct buf	names;
	bool		exact;		/* everything must be as sent, in order */
	bool		complete;
};

static int
got_item(void *arg, struct item *item, struct body *body,
    const struct err *why, struct err *err)
{
	struct got *g = arg;
	struct buf text = BUF_INIT;
	size_t i;

	(void)err;
	item->verdict = VERDICT_DONE;
	if (body == NULL) {
		assert_non_null(why);
		g->bad++;
		return 0;
	}
	body_text(body, &text);
	for (i = 0; i < N(sent); i++)
		if (span_eq(buf_span(&text), sent[i].octets))
			break;
	assert_true(i < N(sent));
	if (g->exact) {
		i = g->items + g->bad;
		assert_true(i < N(sent));
		assert_true(span_eq(buf_span(&text), sent[i].octets));
		assert_true(span_eq(item->ref, sent[i].ref));
		assert_true(span_eq(item->flags, sent[i].flags));
		assert_true(span_eq(item->src_mailbox, sent[i].mailbox));
		assert_non_null(item->ident);
		assert_ptr_equal(item->key, &item->ident->key);
		assert_int_equal(item->size, text.n);
	}
	g->items++;
	buf_fini(&text);
	return 0;
}

static int
read_windows(struct cursor *c, struct window *w, struct got *g,
    struct err *err)
{
	size_t i;
	int more;

	while ((more = c->ops->window(c, w, err)) == 1) {
		for (i = 0; i < w->n; i++)
			w->v[i].verdict = VERDICT_WANTED;
		if (c->ops->fetch(c, w, got_item, g, err) == -1)
			return -1;
	}
	return more;
}

static int
read_cursor(struct cursor *c, struct got *g, struct err *err)
{
	const struct mailbox *m, *state;
	enum scope scope;
	struct window w;
	int more;

	assert_int_equal(window_init(&w, err), 0);
	while ((more = c->ops->mailbox(c, &m, err)) == 1) {
		g->mailboxes++;
		buf_put(&g->names, m->name);
		buf_chr(&g->names, '\n');
		if ((more = read_windows(c, &w, g, err)) == -1 ||
		    (more = c->ops->finish(c, &scope, &state, err)) == -1)
			break;
	}
	window_fini(&w);
	return more;
}

/* The whole stream.  0, or what went wrong. */
static int
read_stream(struct span octets, struct got *g, select_fn *select,
    struct report *report, struct err *err)
{
	const struct stream_config config = {
		.name = "in", .sys = &fixed, .report = report,
	};
	struct source *s = stream_source(file_of(octets), &config, 0, err);
	struct source_about about;
	struct cursor *c;
	int rc;

	if (s == NULL)
		return -1;
	if (select != NULL)
		s->ops->select(s, select, NULL);
	c = s->ops->open(s, err);
	assert_non_null(c);
	rc = read_cursor(c, g, err);
	s->ops->about(s, &about);
	g->complete = about.complete;
	c->ops->close(c);
	s->ops->close(s);
	return rc;
}

static void
got_fini(struct got *g)
{
	buf_fini(&g->names);
}

/* ---- the tests ---- */

static void
round_trip(void **state)
{
	static const int levels[] = { 0, 3 };
	struct buf octets = BUF_INIT;
	struct err err = ERR_INIT;
	struct got g;
	size_t i, every;

	(void)state;
	for (i = 0; i < N(levels); i++) {
		for (every = 1; every < 4; every++) {
			buf_clear(&octets);
			stream_into(&octets, levels[i], every, true);
			g = (struct got){ .exact = true };
			if (read_stream(buf_span(&octets), &g, NULL, NULL,
			    &err) == -1)
				fail_msg("%s", err.msg);
			assert_int_equal(g.items, N(sent));
			assert_int_equal(g.bad, 0);
			assert_true(g.complete);

			/* INBOX, the other, its parent; nothing twice. */
			assert_int_equal(g.mailboxes, 3);
			got_fini(&g);
		}
	}
	buf_fini(&octets);
}

/* An incomplete one says so, and is no failure. */
static void
incomplete(void **state)
{
	struct buf octets = BUF_INIT;
	struct tally tally = { 0, 0 };
	struct report report = { .note = tally_note, .arg = &tally };
	struct err err = ERR_INIT;
	struct got g = { .exact = true };

	(void)state;
	stream_into(&octets, 3, 2, false);
	assert_int_equal(read_stream(buf_span(&octets), &g, NULL, &report,
	    &err), 0);
	assert_false(g.complete);
	assert_int_equal(tally.notes, 1);
	got_fini(&g);
	buf_fini(&octets);
}

static bool
only_inbox(void *arg, const struct mailbox *m)
{
	(void)arg;
	return span_is(m->name, "INBOX");
}

static void
selection(void **state)
{
	struct buf octets = BUF_INIT;
	struct err err = ERR_INIT;
	struct got g = { .exact = true };

	(void)state;
	stream_into(&octets, 0, 1, true);
	assert_int_equal(read_stream(buf_span(&octets), &g, only_inbox, NULL,
	    &err), 0);
	assert_int_equal(g.items, 3);
	assert_int_equal(g.mailboxes, 1);
	assert_true(g.complete);
	got_fini(&g);
	buf_fini(&octets);
}

/* What the stream says of scopes is there at its end, and not before. */
static void
scopes(void **state)
{
	const struct stream_config config = { .name = "in", .sys = &fixed };
	struct buf octets = BUF_INIT;
	struct err err = ERR_INIT;
	enum scope scope = SCOPE_PARTIAL;
	struct got g = { .exact = true };
	struct source *s;
	struct cursor *c, *second;

	(void)state;
	stream_into(&octets, 0, 1, true);
	s = stream_source(file_of(buf_span(&octets)), &config, 0, &err);
	assert_non_null(s);
	c = s->ops->open(s, &err);
	second = s->ops->open(s, &err);
	assert_false(stream_scope(s, SPAN("INBOX"), &scope));
	assert_int_equal(read_cursor(c, &g, &err), 0);
	assert_int_equal(read_cursor(second, &g, &err), 0);
	assert_int_equal(g.items, N(sent));
	assert_true(stream_scope(s, SPAN("INBOX"), &scope));
	assert_int_equal(scope, SCOPE_COMPLETE);
	assert_false(stream_scope(s, SPAN("Work"), &scope));
	c->ops->close(c);
	second->ops->close(second);
	s->ops->close(s);
	got_fini(&g);
	buf_fini(&octets);
}

/* Cut behind every octet: some of the items in their order, and it is said. */
static void
cut_anywhere(void **state)
{
	static const int levels[] = { 0, 3 };
	struct buf octets = BUF_INIT;
	struct err err;
	struct got g;
	size_t i, n, most, whole;
	int rc;

	(void)state;
	for (i = 0; i < N(levels); i++) {
		buf_clear(&octets);
		stream_into(&octets, levels[i], 2, true);
		most = whole = 0;
		for (n = 0; n < octets.n; n++) {
			err_clear(&err);
			g = (struct got){ .exact = true };
			rc = read_stream(span_head(buf_span(&octets), n), &g,
			    NULL, NULL, &err);
			assert_true(g.items >= most);
			most = g.items;
			if (rc == 0) {
				/* Only the two blocks of zeros are missing. */
				assert_true(g.complete);
				whole++;
			} else {
				assert_int_equal(err.scope, ERR_RUN);
				assert_int_equal(err.status, STATUS_DATA);
				assert_false(g.complete);
				assert_true(n < 600 ||
				    strstr(err.msg, "cut after") != NULL ||
				    strstr(err.msg, "no mx stream") != NULL ||
				    strstr(err.msg, "ends") != NULL);
			}
			got_fini(&g);
		}
		assert_int_equal(most, N(sent));
		assert_true(whole <= 1024);
	}
	buf_fini(&octets);
}

/* One bit turned over, in every octet: no octets come that were not sent. */
static void
flip_anywhere(void **state)
{
	static const int levels[] = { 0, 3 };
	struct buf octets = BUF_INIT;
	struct err err;
	struct got g;
	size_t i, n;

	(void)state;
	for (i = 0; i < N(levels); i++) {
		buf_clear(&octets);
		stream_into(&octets, levels[i], 2, true);
		for (n = 0; n < octets.n; n++) {
			octets.p[n] ^= (unsigned char)(1u << (n % 8));
			err_clear(&err);
			g = (struct got){ .exact = levels[i] != 0 };
			if (read_stream(buf_span(&octets), &g, NULL, NULL,
			    &err) == 0 && levels[i] != 0)
				assert_int_equal(g.items, N(sent));
			octets.p[n] ^= (unsigned char)(1u << (n % 8));
			got_fini(&g);
		}
	}
	buf_fini(&octets);
}

/* Larger than a window, larger than a frame, and many small ones. */
static void
large(void **state)
{
	static unsigned char big[6000000];
	const struct mailbox m = mailbox_of(SPAN("INBOX"));
	const struct stream_config config = { .name = "in", .sys = &fixed };
	struct err err = ERR_INIT;
	const int fd = file_of(SPAN_NONE), copy = dup(fd);
	struct sink *sink = sink_to(fd, 3, NULL);
	struct lane *lane = sink->ops->open(sink, &err);
	struct source *s;
	struct cursor *c;
	const struct mailbox *got;
	struct window w;
	struct buf ref = BUF_INIT;
	struct item item;
	struct body *body;
	size_t i, n = 0;
	uint64_t total = 0, sum = 0;

	(void)state;
	for (i = 0; i < N(big); i++)
		big[i] = (unsigned char)(i * 2654435761u >> 13);
	assert_int_equal(lane->ops->mailbox(lane, &m, &err), 0);
	for (i = 0; i < 2500; i++) {
		buf_clear(&ref);
		buf_fmt(&ref, "1.%zu", i + 1);
		item = (struct item){ .ref = buf_span(&ref) };
		body = body_of(span_of(big, i % 1000 == 500 ? N(big) : i * 3));
		total += body_size(body);
		assert_int_equal(lane->ops->put(lane, &item, body, &err), 0);
		body_free(body);
	}
	assert_int_equal(lane->ops->commit(lane, &err), 0);
	lane->ops->close(lane);
	assert_int_equal(sink->ops->end(sink, NULL, NULL, NULL, true, NULL,
	    &err), 0);
	sink->ops->close(sink);

	assert_int_equal(lseek(copy, 0, SEEK_SET), 0);
	s = stream_source(copy, &config, 0, &err);
	c = s->ops->open(s, &err);
	assert_int_equal(window_init(&w, &err), 0);
	assert_int_equal(c->ops->mailbox(c, &got, &err), 1);
	while (c->ops->window(c, &w, &err) == 1) {
		assert_true(w.n <= WINDOW_ITEMS);
		for (i = 0; i < w.n; i++, n++) {
			assert_true(digest_eq(body_digest(w.v[i].body),
			    &w.v[i].ident->digest));
			assert_int_equal(body_size(w.v[i].body), w.v[i].size);
			sum += w.v[i].size;
		}
	}
	assert_string_equal(err.msg, "");
	assert_int_equal(n, 2500);
	assert_int_equal(sum, total);
	window_fini(&w);
	c->ops->close(c);
	s->ops->close(s);
	buf_fini(&ref);
}

/* ---- several lanes ---- */

struct worker {
	struct sink	*sink;
	unsigned	 number;
	pthread_t	 thread;
	int		 rc;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct err err = ERR_INIT;
	struct lane *lane = w->sink->ops->open(w->sink, &err);
	struct buf name = BUF_INIT, text = BUF_INIT;
	struct mailbox m;
	struct body *body;
	struct item item;
	unsigned i;

	buf_fmt(&name, "box%u", w->number);
	m = mailbox_of(buf_span(&name));
	w->rc = lane->ops->mailbox(lane, &m, &err);
	for (i = 0; w->rc == 0 && i < 300; i++) {
		buf_clear(&text);
		buf_fmt(&text, "%u.%u", w->number, i);
		item = (struct item){ .ref = buf_span(&text) };
		body = body_of(buf_span(&text));
		w->rc = lane->ops->put(lane, &item, body, &err);
		if (w->rc == 0 && i % 7 == 0)
			w->rc = lane->ops->commit(lane, &err);
		body_free(body);
	}
	if (w->rc == 0)
		w->rc = lane->ops->finish(lane, m.name, &m, SCOPE_PARTIAL, &err);
	if (w->rc == 0)
		w->rc = lane->ops->commit(lane, &err);
	lane->ops->close(lane);
	buf_fini(&name);
	buf_fini(&text);
	return NULL;
}

static int
count(void *arg, struct item *item, struct body *body, const struct err *why,
    struct err *err)
{
	struct got *g = arg;

	(void)why;
	(void)err;
	assert_non_null(body);
	item->verdict = VERDICT_DONE;
	g->items++;
	return 0;
}

static void
lanes(void **state)
{
	const struct stream_config config = { .name = "in", .sys = &fixed };
	struct err err = ERR_INIT;
	const int fd = file_of(SPAN_NONE), copy = dup(fd);
	struct sink *sink = sink_to(fd, 1, NULL);
	struct worker w[4];
	struct got g = { .items = 0 };
	const struct mailbox *m;
	struct source *s;
	struct cursor *c;
	struct window win;
	unsigned i;
	int more;

	(void)state;
	for (i = 0; i < N(w); i++) {
		w[i] = (struct worker){ .sink = sink, .number = i };
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]),
		    0);
	}
	for (i = 0; i < N(w); i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].rc, 0);
	}
	assert_int_equal(sink->ops->end(sink, NULL, NULL, NULL, true, NULL,
	    &err), 0);
	sink->ops->close(sink);

	assert_int_equal(lseek(copy, 0, SEEK_SET), 0);
	s = stream_source(copy, &config, 0, &err);
	c = s->ops->open(s, &err);
	assert_int_equal(window_init(&win, &err), 0);
	while ((more = c->ops->mailbox(c, &m, &err)) == 1)
		while (c->ops->window(c, &win, &err) == 1) {
			for (i = 0; i < win.n; i++)
				win.v[i].verdict = VERDICT_WANTED;
			assert_int_equal(c->ops->fetch(c, &win, count, &g, &err), 0);
		}
	if (more == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(g.items, 1200);
	window_fini(&win);
	c->ops->close(c);
	s->ops->close(s);
}

/* ---- trouble of other kinds ---- */

static void
refused(void **state)
{
	static const struct {
		const char	*name;
		uint64_t	 number;
		struct span	 origin;
		const char	*says;
	} rows[] = {
		{ "a segment", 12, LIT("x"), "is segment 12 of an archive" },
		{ "only a head", 0, LIT("x"), "cut after 0 items" },
	};
	struct err err;
	struct pack *pack;
	struct stream_head head;
	struct buf out = BUF_INIT;
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		err_clear(&err);
		buf_clear(&out);
		pack = pack_new(&err);
		head = head_of(rows[i].number);
		assert_int_equal(pack_head(pack, &out, &head, &err), 0);
		pack_trailer(&out);
		pack_free(pack);
		g = (struct got){ .exact = true };
		CHECK(rows[i].name, read_stream(buf_span(&out), &g, NULL, NULL,
		    &err) == -1);
		CHECK(rows[i].name, err.status == STATUS_DATA);
		CHECK(rows[i].name, strstr(err.msg, rows[i].says) != NULL);
		got_fini(&g);
	}
	err_clear(&err);
	g = (struct got){ .exact = true };
	assert_int_equal(read_stream(SPAN_NONE, &g, NULL, NULL, &err), -1);
	assert_int_equal(err.status, STATUS_DATA);
	assert_non_null(strstr(err.msg, "no mx stream"));
	buf_fini(&out);
}

static void
broken_pipe(void **state)
{
	struct err err = ERR_INIT;
	int fds[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	{
		struct sink *sink = sink_to(fds[1], 0, NULL);

		(void)close(fds[0]);
		assert_int_equal(put_all(sink, 1, true, &err), -1);
	}
	assert_int_equal(err.status, STATUS_IO);
	assert_non_null(strstr(err.msg, "gone away"));
}

/* A sync that failed is not tried again, and nothing after it is durable. */
static void
unsynced(void **state)
{
	struct tally tally = { 0, 0 };
	struct report report = { .item = tally_item, .arg = &tally };
	const struct mailbox box = mailbox_of(SPAN("INBOX"));
	struct err err = ERR_INIT;
	const int fd = file_of(SPAN_NONE);
	struct sink *sink = sink_to(fd, 0, &report);
	struct lane *lane = sink->ops->open(sink, &err);
	int fds[2];

	(void)state;
	/* Behind the sink's back the file becomes a pipe, which cannot sync. */
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dup2(fds[1], fd), fd);
	assert_int_equal(lane->ops->mailbox(lane, &box, &err), 0);
	assert_int_equal(put_one(lane, &sent[0], &err), 0);
	assert_int_equal(lane->ops->commit(lane, &err), -1);
	assert_int_equal(lane->ops->commit(lane, &err), -1);
	assert_int_equal(sink->ops->end(sink, NULL, NULL, NULL, true, NULL,
	    &err), -1);
	assert_int_equal(tally.done, 0);
	lane->ops->close(lane);
	sink->ops->close(sink);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* What was committed comes through a pipe before the stream goes on. */
static void
early(void **state)
{
	const struct stream_config config = { .name = "in", .sys = &fixed };
	struct err err = ERR_INIT;
	const struct mailbox box = mailbox_of(SPAN("INBOX")), *m;
	struct sink *sink;
	struct lane *lane;
	struct source *s;
	struct cursor *c;
	struct window w;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sink = sink_to(fds[1], 3, NULL);
	lane = sink->ops->open(sink, &err);
	assert_int_equal(lane->ops->mailbox(lane, &box, &err), 0);
	assert_int_equal(put_one(lane, &sent[0], &err), 0);
	assert_int_equal(lane->ops->commit(lane, &err), 0);

	(void)alarm(20);	/* else it would wait for ever */
	s = stream_source(fds[0], &config, 0, &err);
	c = s->ops->open(s, &err);
	assert_int_equal(window_init(&w, &err), 0);
	assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
	assert_int_equal(c->ops->window(c, &w, &err), 1);
	assert_int_equal(w.n, 1);
	(void)alarm(0);

	lane->ops->close(lane);
	sink->ops->close(sink);
	assert_int_equal(c->ops->window(c, &w, &err), -1);
	assert_non_null(strstr(err.msg, "cut after 1 items"));
	window_fini(&w);
	c->ops->close(c);
	s->ops->close(s);
}

/* Two streams in one file: the second is not passed over in silence. */
static void
two_streams(void **state)
{
	static const int levels[] = { 0, 3 };
	struct buf octets = BUF_INIT;
	struct err err;
	struct got g;
	size_t i;

	(void)state;
	for (i = 0; i < N(levels); i++) {
		buf_clear(&octets);
		stream_into(&octets, levels[i], 2, true);
		stream_into(&octets, levels[i], 2, true);
		err_clear(&err);
		g = (struct got){ .exact = true };
		assert_int_equal(read_stream(buf_span(&octets), &g, NULL, NULL,
		    &err), -1);
		assert_int_equal(err.status, STATUS_DATA);
		assert_non_null(strstr(err.msg, "behind the end"));
		assert_int_equal(g.items, N(sent));
		got_fini(&g);
	}
	buf_fini(&octets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(incomplete),
		cmocka_unit_test(selection),
		cmocka_unit_test(scopes),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(flip_anywhere),
		cmocka_unit_test(large),
		cmocka_unit_test(lanes),
		cmocka_unit_test(refused),
		cmocka_unit_test(broken_pipe),
		cmocka_unit_test(unsynced),
		cmocka_unit_test(two_streams),
		cmocka_unit_test(early),
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
