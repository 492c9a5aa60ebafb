/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the archive have in common: a source in a table that is fed
 * into a sink by hand, and what an archive shows as text.
 */
#ifndef TEST_ARCHIVE_WORLD_H
#define TEST_ARCHIVE_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/archive/archive.h"
#include "mail/name.h"

#define CHECK(name, what)						\
	do {								\
		if (!(what))						\
			fail_msg("%s: line %d: %s", (name), __LINE__, #what); \
	} while (0)

#define CHECK_OK(name, what, err)					\
	do {								\
		if (!(what))						\
			fail_msg("%s: line %d: %s: %s", (name), __LINE__, \
			    #what, (err).msg);				\
	} while (0)

/* ---- time and chance of our own ---- */

static int64_t world_clock = INT64_C(1700000000) * 1000000000;
static unsigned world_chance;

static inline int64_t
world_now(void *arg)
{
	(void)arg;
	return world_clock += 1000000000;
}

static inline void
world_sleep(void *arg, int64_t ns)
{
	(void)arg, (void)ns;
}

static inline void
world_random(void *arg, void *p, size_t n)
{
	unsigned char *b = p;
	size_t i;

	(void)arg;
	for (i = 0; i < n; i++)
		b[i] = (unsigned char)(world_chance = world_chance * 1103515245u + 12345u);
}

static const struct sys world_sys = {
	world_now, world_now, world_sleep, world_random, NULL
};

/* ---- what is reported ---- */

static unsigned world_done;		/* items reported as durable */
static struct buf world_notes;

static inline void
world_item(void *arg, struct span mailbox, const struct item *item,
    const struct err *why)
{
	(void)arg, (void)mailbox, (void)why;
	if (item->verdict == VERDICT_DONE)
		world_done++;
}

static inline void __attribute__((format(printf, 2, 3)))
world_note(void *arg, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	(void)arg;
	va_start(ap, fmt);
	(void)vsnprintf(text, N(text), fmt, ap);
	va_end(ap);
	buf_str(&world_notes, text);
	buf_chr(&world_notes, '\n');
}

static const struct report world_report = {
	.item = world_item, .note = world_note,
};

static const struct archive_config world_config = {
	.program = "test 1", .sys = &world_sys, .report = &world_report,
};

static inline struct archive *
world_open(const char *name, const char *dir, enum archive_mode mode)
{
	struct err err = ERR_INIT;
	struct archive *a = archive_open(dir, mode, &world_config, &err);

	if (a == NULL)
		fail_msg("%s: %s", name, err.msg);
	return a;
}

/* ---- a source ---- */

struct world_message {
	uint32_t	uid;
	const char	*flags;
	const char	*text;		/* body; NULL: the source will not give it */
	bool		dropped;
};

struct world_box {
	const char	*name;
	uint32_t	uidvalidity, uidnext;
	uint64_t	modseq;
	enum scope	scope;
	bool		refused;	/* listed, but cannot be opened */
	const struct world_message *v;
	size_t		n;
};

#define BOX(name, validity, next, scope, messages)			\
	{ name, validity, next, 0, scope, false, messages, N(messages) }

struct world_counts {
	unsigned	wanted, have, changed, put;
};

static inline void
world_text(struct buf *out, const struct world_message *m)
{
	buf_fmt(out, "From: a@example.org\r\nSubject: %s\r\n"
	    "Message-ID: <%s@example.org>\r\n\r\n%s\r\n", m->text, m->text,
	    m->text);
}

static inline void
world_offer(const char *name, struct lane *lane, const struct world_box *box,
    const struct mailbox *m, struct world_counts *n)
{
	struct err err = ERR_INIT;
	struct item *v = calloc(box->n + 1, sizeof(*v));
	struct buf *refs = calloc(box->n + 1, sizeof(*refs));
	struct body *body = body_new(&err);
	struct buf text = BUF_INIT;
	size_t i;

	assert_true(v != NULL && refs != NULL && body != NULL);
	for (i = 0; i < box->n; i++) {
		const struct world_message *w = &box->v[i];

		buf_fmt(&refs[i], "%u.%u", box->uidvalidity, w->uid);
		v[i] = (struct item){
			.uid = w->uid, .uidvalidity = box->uidvalidity,
			.src_mailbox = m->name, .ref = buf_span(&refs[i]),
			.flags = span_str(w->flags),
			.date = { 1600000000 + (int64_t)w->uid, 60, true },
			.verdict = w->dropped ? VERDICT_DROPPED : VERDICT_NONE,
		};
	}
	CHECK_OK(name, lane->ops->offer(lane, v, box->n, &err) == 0, err);
	for (i = 0; i < box->n; i++) {
		n->have += v[i].verdict == VERDICT_HAVE;
		n->changed += v[i].verdict == VERDICT_CHANGED;
		if (v[i].verdict != VERDICT_WANTED)
			continue;
		n->wanted++;
		if (box->v[i].text == NULL) {
			CHECK(name, lane->ops->missed(lane, &v[i], &err, &err) == 0);
			continue;
		}
		buf_clear(&text);
		world_text(&text, &box->v[i]);
		CHECK(name, body_lend(body, buf_span(&text), NULL, &err) == 0);
		CHECK_OK(name, lane->ops->put(lane, &v[i], body, &err) == 0, err);
		n->put++;
	}
	for (i = 0; i < box->n; i++)
		buf_fini(&refs[i]);
	free(refs);
	free(v);
	body_free(body);
	buf_fini(&text);
}

static inline struct mailbox
world_mailbox(const struct world_box *box, struct buf *mbox_name)
{
	buf_clear(mbox_name);
	name_split(mbox_name, span_str(box->name));
	return (struct mailbox){
		.name = buf_span(mbox_name), .delimiter = '/',
		.status = MAILBOX_OPEN, .uidvalidity = box->uidvalidity,
		.uidnext = box->uidnext, .modseq = box->modseq,
	};
}

/* Everything of the source up to its end; `each` commits after each mailbox. */
static inline void
world_feed(const char *name, struct sink *sink, const struct world_box *v,
    size_t n, struct mailboxes *all, struct world_counts *counts)
{
	struct err err = ERR_INIT;
	struct lane *lane = sink->ops->open(sink, &err);
	struct buf mbox_name = BUF_INIT;
	size_t i;

	CHECK_OK(name, lane != NULL, err);
	for (i = 0; i < n; i++) {
		const struct mailbox m = world_mailbox(&v[i], &mbox_name);

		CHECK(name, mailboxes_put(all, &m) != NULL);
		if (v[i].refused)
			continue;
		CHECK_OK(name, lane->ops->mailbox(lane, &m, &err) == 0, err);
		world_offer(name, lane, &v[i], &m, counts);
		CHECK_OK(name, lane->ops->finish(lane, m.name, &m, v[i].scope,
		    &err) == 0, err);
		CHECK_OK(name, lane->ops->commit(lane, &err) == 0, err);
	}
	lane->ops->close(lane);
	buf_fini(&mbox_name);
	all->complete = true;
}

#define WORLD_ORIGIN	"imaps://alice@old.example.org"

/* One run into an archive that is open. */
static inline struct world_counts
world_run(const char *name, struct archive *a, const struct world_box *v,
    size_t n)
{
	struct err err = ERR_INIT;
	struct world_counts counts = { 0, 0, 0, 0 };
	struct mailboxes all = { .v = NULL };
	struct sink *sink = archive_sink(a, WORLD_ORIGIN, false, &err);

	CHECK_OK(name, sink != NULL, err);
	world_done = 0;
	world_feed(name, sink, v, n, &all, &counts);
	CHECK(name, world_done == counts.put);
	CHECK_OK(name, sink->ops->end(sink, &all, NULL, NULL, true, NULL, &err) == 0,
	    err);
	sink->ops->close(sink);
	mailboxes_fini(&all);
	return counts;
}

static inline struct world_counts
world_dump(const char *name, const char *dir, const struct world_box *v, size_t n)
{
	struct archive *a = world_open(name, dir, ARCHIVE_WRITE);
	const struct world_counts counts = world_run(name, a, v, n);

	archive_close(a);
	return counts;
}

/* ---- what an archive shows ---- */

struct world_show {
	const char	*name;
	struct buf	*out;
	struct span	 box;
};

static inline int
world_deliver(void *arg, struct item *item, struct body *body,
    const struct err *why, struct err *err)
{
	struct world_show *s = arg;
	struct span piece, line;
	size_t at;

	(void)err;
	name_put(s->out, s->box);
	buf_fmt(s->out, " %u.%u [%.*s] ", item->uidvalidity, item->uid,
	    SPAN_ARG(item->flags));
	if (body == NULL) {
		buf_str(s->out, "LOST");
		(void)why;
	} else {
		body_rewind(body);
		CHECK(s->name, body_next(body, &piece, err) == 1);
		CHECK(s->name, item->size == body_size(body));
		CHECK(s->name, digest_eq(&item->ident->digest, body_digest(body)));
		/* The body text is what stands last. */
		piece = span_head(piece, piece.n - 2);
		for (at = piece.n; at > 0 && piece.p[at - 1] != '\n'; at--)
			;
		line = span_from(piece, at);
		buf_put(s->out, line);
	}
	buf_chr(s->out, '\n');
	item->verdict = VERDICT_DONE;
	return 0;
}

/* "BOX VALIDITY.UID [FLAGS] TEXT" a line, and "BOX/ COUNT SCOPE" for each mailbox. */
static inline void
world_view(const char *name, struct archive *a, enum archive_view view,
    uint64_t generation, struct buf *out)
{
	const struct archive_select select = { view, generation };
	struct err err = ERR_INIT;
	struct source *source = archive_source(a, &select, &err);
	struct cursor *cursor;
	struct window w;
	const struct mailbox *box, *state;
	enum scope scope;
	int more;
	size_t i, n;

	CHECK_OK(name, source != NULL, err);
	cursor = source->ops->open(source, &err);
	CHECK_OK(name, cursor != NULL, err);
	CHECK(name, window_init(&w, &err) == 0);
	while ((more = cursor->ops->mailbox(cursor, &box, &err)) == 1) {
		struct world_show show = { name, out, box->name };

		n = 0;
		for (;;) {
			window_reset(&w);
			if ((more = cursor->ops->window(cursor, &w, &err)) != 1)
				break;
			for (i = 0; i < w.n; i++)
				w.v[i].verdict = VERDICT_WANTED;
			n += w.n;
			CHECK_OK(name, cursor->ops->fetch(cursor, &w, world_deliver,
			    &show, &err) == 0, err);
		}
		CHECK_OK(name, more == 0, err);
		CHECK(name, box->counted && box->messages == n);
		CHECK(name, cursor->ops->finish(cursor, &scope, &state, &err) == 0);
		name_put(out, box->name);
		buf_fmt(out, "/ %zu %s\n", n,
		    scope == SCOPE_COMPLETE ? "complete" : "partial");
	}
	CHECK_OK(name, more == 0, err);
	window_fini(&w);
	cursor->ops->close(cursor);
	source->ops->close(source);
}

static inline void
world_expect(const char *name, struct archive *a, enum archive_view view,
    uint64_t generation, const char *want)
{
	struct buf out = BUF_INIT;

	world_view(name, a, view, generation, &out);
	if (!span_is(buf_span(&out), want))
		fail_msg("%s: shows\n%swhere this is right:\n%s", name,
		    buf_cstr(&out), want);
	buf_fini(&out);
}

static inline int
world_line(void *arg, struct span line, struct err *err)
{
	(void)err;
	buf_put(arg, line);
	buf_chr(arg, '\n');
	return 0;
}

static inline void
world_index(const char *name, const char *dir, struct buf *out)
{
	struct err err = ERR_INIT;
	struct archive *a = world_open(name, dir, ARCHIVE_READ);
	struct buf line = BUF_INIT;

	CHECK_OK(name, archive_dump_index(a, &line, world_line, out, &err) == 0,
	    err);
	buf_fini(&line);
	archive_close(a);
}

static inline int
world_damage(void *arg, const struct archive_damage *d, struct err *err)
{
	(void)err;
	buf_fmt(arg, "%s %llu %.*s %.*s: %s\n", d->segment,
	    (unsigned long long)d->frame, SPAN_ARG(d->mailbox), SPAN_ARG(d->ref),
	    d->what);
	return 0;
}

/* Verify: nothing is found. */
static inline void
world_sound(const char *name, const char *dir)
{
	struct err err = ERR_INIT;
	struct archive *a = world_open(name, dir, ARCHIVE_READ);
	struct archive_verify found;
	struct buf told = BUF_INIT;

	CHECK_OK(name, archive_verify(a, world_damage, &told, &found, &err) == 0,
	    err);
	if (found.damaged > 0)
		fail_msg("%s: found\n%s", name, buf_cstr(&told));
	buf_fini(&told);
	archive_close(a);
}

/* ---- files ---- */

static inline int
world_command(const char *text)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	    WEXITSTATUS(status) : -1;
}

static inline void
world_sh(const char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline void
world_sh(const char *name, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, N(text), fmt, ap);
	va_end(ap);
	if (world_command(text) != 0)
		fail_msg("%s: failed: %s", name, text);
}

static inline void
world_slurp(const char *name, const char *path, struct buf *out)
{
	unsigned char piece[65536];
	const int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		fail_msg("%s: %s: %s", name, path, strerror(errno));
	while ((n = read(fd, piece, N(piece))) > 0)
		buf_mem(out, piece, (size_t)n);
	(void)close(fd);
}

static inline void
world_put(const char *name, const char *path, struct span s)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(name, fd != -1);
	CHECK(name, s.n == 0 || write(fd, s.p, s.n) == (ssize_t)s.n);
	(void)close(fd);
}

/* Any tar makes a tree of Maildirs of it, links and all. */
static inline void
world_extract(const char *name, const char *dir)
{
	struct err err = ERR_INIT;
	struct archive *a = world_open(name, dir, ARCHIVE_READ);
	struct archive_info info;

	CHECK_OK(name, archive_info(a, &info, &err) == 0, err);
	archive_close(a);
	world_sh(name, "rm -rf tree && mkdir tree && cat %s/segments/*.zst | "
	    "zstd -dc | tar -C tree -ixf - && "
	    "test $(find tree -path '*/cur/*' -type f | wc -l) = %llu", dir,
	    (unsigned long long)info.items);
}

/* The index is what the segments say, and they are sound. */
static inline void
world_same_index(const char *name, const char *dir)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct err err = ERR_INIT;

	world_index(name, dir, &before);
	CHECK_OK(name, archive_rebuild(dir, &world_config, &err) == 0, err);
	world_index(name, dir, &after);
	if (!span_eq(buf_span(&before), buf_span(&after)))
		fail_msg("%s: the index was\n%sand is\n%s", name,
		    buf_cstr(&before), buf_cstr(&after));
	CHECK(name, before.n > 0);
	buf_clear(&after);
	world_sh(name, "rm -r %s/index", dir);
	world_index(name, dir, &after);
	CHECK(name, span_eq(buf_span(&before), buf_span(&after)));
	buf_fini(&before);
	buf_fini(&after);
	world_sound(name, dir);
	world_extract(name, dir);
}

/* An empty directory to work in, as cmocka's setup and teardown. */
static inline int
world_begin(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[512];

	(void)snprintf(path, N(path), "%s/mx-t-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(path) == NULL || chdir(path) == -1)
		return -1;
	*state = strdup(path);
	return *state == NULL ? -1 : 0;
}

static inline int
world_end(void **state)
{
	char text[600];

	(void)snprintf(text, N(text), "rm -rf '%s'", (const char *)*state);
	if (chdir("/") == -1 || world_command(text) != 0)
		return -1;
	free(*state);
	buf_fini(&world_notes);
	return 0;
}

#endif
