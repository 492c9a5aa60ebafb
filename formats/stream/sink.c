/* SPDX-License-Identifier: ISC */
/*
 * The sink that writes a stream.  Lanes pack and compress on their own;
 * what they made is appended under one lock, so that the order in the file
 * is the order of the hash in its commits.  After a write that failed
 * nothing more is written: the file ends there.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "formats/stream/frame.h"
#include "formats/stream/stream.h"
#include "mail/name.h"

/* One finish() of a mailbox. */
struct scope_row {
	struct span	mailbox;
	bool		complete;
};

struct stream_sink {
	struct sink		 sink;
	int			 fd;
	bool			 regular;	/* a file, that can be synced */
	const char		*name;
	int			 level;
	const struct sys	*sys;
	const struct report	*report;

	pthread_mutex_t		 lock;		/* all that follows */
	struct pack		*pack;
	struct sha256		*hash;		/* of the items' digests */
	struct stream_totals	 totals;
	struct buf		 raw, out;
	uint64_t		 commits, logs;
	bool			 dirty;		/* since the last commit */
	bool			 broken;
	struct mailboxes	 told;		/* by lanes, their newest state */
	struct mailboxes	 written;	/* as they stand in the file */
	struct scope_row	*scopes;
	size_t			 nscopes, scopes_cap;
	struct arena		 names;
};

/* An item in the file, but not committed yet. */
struct pending {
	struct span	mailbox;
	struct item	item;
};

struct stream_lane {
	struct lane		 lane;
	struct stream_sink	*sink;
	struct framer		*framer;
	struct buf		 mailbox;
	struct pending		*pending;
	size_t			 n, cap;
	struct arena		 arena;		/* of what is pending */
};

static struct stream_sink *
sink_of(struct sink *sink)
{
	return (struct stream_sink *)(void *)sink;
}

static struct stream_lane *
lane_of(struct lane *lane)
{
	return (struct stream_lane *)(void *)lane;
}

static int64_t
now(const struct stream_sink *s)
{
	return sys_now(s->sys) / INT64_C(1000000000);
}

/* ---- appending; the lock is held ---- */

static int
failed_before(const struct stream_sink *s, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_IO,
	    "%s: writing has failed before", s->name);
}

static int
put(struct stream_sink *s, struct span octets, struct err *err)
{
	if (s->broken)
		return failed_before(s, err);
	if (io_write(s->fd, octets, s->name, err) == 0)
		return 0;
	s->broken = true;
	if (err->sys == EPIPE) {
		err_set(err, ERR_RUN, STATUS_IO,
		    "%s: the reader of the stream has gone away", s->name);
		err->sys = EPIPE;
	}
	return -1;
}

/* What stands in raw as one frame. */
static int
put_raw(struct stream_sink *s, struct err *err)
{
	int rc;

	if (buf_ok(&s->raw) && s->raw.n == 0)
		return 0;
	buf_clear(&s->out);
	rc = buf_ok(&s->raw) ? frame_wrap(s->level, buf_span(&s->raw),
	    &s->out, err) : err_nomem(err);
	if (rc == 0)
		rc = put(s, buf_span(&s->out), err);
	/* Items of a mailbox whose entry is lost must not follow. */
	if (rc == -1)
		s->broken = true;
	buf_clear(&s->raw);
	s->dirty = true;
	return rc;
}

static bool
same(const struct mailbox *a, const struct mailbox *b)
{
	return span_eq(a->raw, b->raw) && a->delimiter == b->delimiter &&
	    span_eq(a->attributes, b->attributes) &&
	    a->subscribed == b->subscribed && a->status == b->status &&
	    a->uidvalidity == b->uidvalidity && a->uidnext == b->uidnext &&
	    a->modseq == b->modseq && span_eq(a->id, b->id);
}

/* Keep the newest state, without a copy for each time that it is told again. */
static int
keep(struct mailboxes *list, const struct mailbox *m, struct err *err)
{
	const struct mailbox *old = mailboxes_get(list, m->name);

	if (old != NULL && same(old, m))
		return 0;
	return mailboxes_put(list, m) != NULL ? 0 : err_nomem(err);
}

/* Into raw: the mailbox's entries, unless the file says so already. */
static int
pack_state(struct stream_sink *s, const struct mailbox *m, struct err *err)
{
	const struct mailbox *old = mailboxes_get(&s->written, m->name);

	if (old != NULL && same(old, m))
		return 0;
	if (pack_mailbox(s->pack, &s->raw, m, now(s), err) == -1)
		return -1;
	return keep(&s->written, m, err);
}

/* An item of that mailbox comes next. */
static int
declare(struct stream_sink *s, struct span name, struct err *err)
{
	const struct mailbox *m;

	if (mailboxes_get(&s->written, name) != NULL)
		return 0;
	if ((m = mailboxes_get(&s->told, name)) == NULL)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "an item of a mailbox that nobody has told of");
	if (pack_state(s, m, err) == -1)
		return -1;
	return put_raw(s, err);
}

static int
put_commit(struct stream_sink *s, struct err *err)
{
	if (s->broken)
		return failed_before(s, err);
	if (!s->dirty)
		return 0;
	sha256_peek(s->hash, &s->totals.hash);
	if (pack_commit(s->pack, &s->raw, 0, ++s->commits, now(s), &s->totals,
	    err) == -1 || put_raw(s, err) == -1)
		return -1;
	s->dirty = false;
	if (!s->regular || io_datasync(s->fd, s->name, err) == 0)
		return 0;
	/* What did not reach the disk, no later commit may vouch for. */
	s->broken = true;
	return -1;
}

/* ---- lanes ---- */

/* A frame's octets and what commits say of them. */
static int
put_frame(struct stream_sink *s, struct frame *frame, struct err *err)
{
	struct span piece;
	size_t i;
	int more;

	if (declare(s, frame->mailbox, err) == -1)
		return -1;
	s->dirty = true;
	body_rewind(frame->octets);
	while ((more = body_next(frame->octets, &piece, err)) == 1)
		if (put(s, piece, err) == -1)
			return -1;
	if (more == -1) {
		s->broken = true;
		return -1;
	}
	for (i = 0; i < frame->n; i++) {
		s->totals.items++;
		s->totals.bytes += frame->v[i].ident.size;
		sha256_add(s->hash, digest_span(&frame->v[i].ident.digest));
	}
	return 0;
}

/* Room for the items of a frame that the commit will report. */
static int
reserve(struct stream_lane *l, size_t n, struct err *err)
{
	struct pending *v;
	size_t cap = l->cap == 0 ? 256 : l->cap;

	while (cap - l->n < n && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap == l->cap)
		return 0;
	if (cap > SIZE_MAX / sizeof(*v) ||
	    (v = realloc(l->pending, cap * sizeof(*v))) == NULL)
		return err_nomem(err);
	l->pending = v;
	l->cap = cap;
	return 0;
}

static int
remember(struct stream_lane *l, const struct frame *frame, struct err *err)
{
	struct pending *p;
	struct span mailbox;
	size_t i;

	if (reserve(l, frame->n, err) == -1)
		return -1;
	if (!arena_span(&l->arena, frame->mailbox, &mailbox))
		return err_nomem(err);
	for (i = 0; i < frame->n; i++) {
		p = &l->pending[l->n];
		p->mailbox = mailbox;
		if (!entry_copy_item(&l->arena, &frame->v[i].item, &p->item))
			return err_nomem(err);
		p->item.verdict = VERDICT_DONE;
		l->n++;
	}
	return 0;
}

static int
take_frame(void *arg, struct frame *frame, struct err *err)
{
	struct stream_lane *l = arg;
	int rc;

	(void)pthread_mutex_lock(&l->sink->lock);
	rc = put_frame(l->sink, frame, err);
	(void)pthread_mutex_unlock(&l->sink->lock);
	return rc == -1 ? -1 : remember(l, frame, err);
}

/* Room is left for cur/ and what the name of an item can be. */
static int
check_path(struct stream_lane *l, struct span name, struct err *err)
{
	buf_clear(&l->mailbox);
	name_path(&l->mailbox, name);
	if (!buf_ok(&l->mailbox))
		return err_nomem(err);
	if (l->mailbox.n <= ENTRY_PATH_MAX - 256)
		return 0;
	return err_set(err, ERR_MAILBOX, STATUS_DATA,
	    "its path would have %zu octets, more than a stream can hold",
	    l->mailbox.n);
}

static int
lane_mailbox(struct lane *lane, const struct mailbox *m, struct err *err)
{
	struct stream_lane *l = lane_of(lane);
	int rc;

	if (check_path(l, m->name, err) == -1)
		return -1;
	buf_clear(&l->mailbox);
	buf_put(&l->mailbox, m->name);
	if (!buf_ok(&l->mailbox))
		return err_nomem(err);
	(void)pthread_mutex_lock(&l->sink->lock);
	rc = keep(&l->sink->told, m, err);
	(void)pthread_mutex_unlock(&l->sink->lock);
	return rc;
}

static int
lane_offer(struct lane *lane, struct item *v, size_t n, struct err *err)
{
	size_t i;

	(void)lane;
	(void)err;
	for (i = 0; i < n; i++) {
		if (v[i].verdict == VERDICT_DROPPED)
			continue;
		v[i].verdict = VERDICT_WANTED;
		v[i].reason = "new";
	}
	return 0;
}

static int
lane_put(struct lane *lane, struct item *item, struct body *body,
    struct err *err)
{
	struct stream_lane *l = lane_of(lane);

	return framer_add(l->framer, buf_span(&l->mailbox), item, body, NULL,
	    err);
}

/* The caller counts it, and end() says that the stream is not complete. */
static int
lane_missed(struct lane *lane, const struct item *item, const struct err *why,
    struct err *err)
{
	(void)lane;
	(void)item;
	(void)why;
	(void)err;
	return 0;
}

static int
add_scope(struct stream_sink *s, struct span from, bool complete,
    struct err *err)
{
	const size_t cap = s->scopes_cap == 0 ? 64 : s->scopes_cap * 2;
	struct scope_row *v, *row;

	if (s->nscopes == s->scopes_cap) {
		if (cap > SIZE_MAX / sizeof(*v) ||
		    (v = realloc(s->scopes, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		s->scopes = v;
		s->scopes_cap = cap;
	}
	row = &s->scopes[s->nscopes];
	row->complete = complete;
	if (!arena_span(&s->names, from, &row->mailbox))
		return err_nomem(err);
	s->nscopes++;
	return 0;
}

static int
lane_finish(struct lane *lane, struct span from, const struct mailbox *state,
    enum scope scope, struct err *err)
{
	struct stream_lane *l = lane_of(lane);
	struct stream_sink *s = l->sink;
	int rc;

	if (framer_flush(l->framer, err) == -1)
		return -1;
	(void)pthread_mutex_lock(&s->lock);
	rc = add_scope(s, from, scope == SCOPE_COMPLETE, err);
	if (rc == 0 && state != NULL)
		rc = keep(&s->told, state, err);
	if (rc == 0 && state != NULL)
		rc = pack_state(s, state, err);
	if (rc == 0)
		rc = put_raw(s, err);
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
lane_commit(struct lane *lane, struct err *err)
{
	struct stream_lane *l = lane_of(lane);
	struct stream_sink *s = l->sink;
	size_t i;
	int rc;

	if (framer_flush(l->framer, err) == -1)
		return -1;
	(void)pthread_mutex_lock(&s->lock);
	rc = put_commit(s, err);
	(void)pthread_mutex_unlock(&s->lock);
	if (rc == -1)
		return -1;
	for (i = 0; i < l->n; i++)
		report_item(s->report, l->pending[i].mailbox,
		    &l->pending[i].item, NULL);
	l->n = 0;
	arena_reset(&l->arena);
	return 0;
}

static void
lane_close(struct lane *lane)
{
	struct stream_lane *l = lane_of(lane);

	framer_free(l->framer);
	buf_fini(&l->mailbox);
	free(l->pending);
	arena_fini(&l->arena);
	free(l);
}

static const struct lane_ops lane_ops = {
	.mailbox = lane_mailbox,
	.offer = lane_offer,
	.put = lane_put,
	.missed = lane_missed,
	.finish = lane_finish,
	.commit = lane_commit,
	.close = lane_close,
};

static struct lane *
sink_open(struct sink *sink, struct err *err)
{
	struct stream_sink *s = sink_of(sink);
	struct stream_lane *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	l->lane.ops = &lane_ops;
	l->sink = s;
	l->framer = framer_new(s->level, take_frame, l, err);
	if (l->framer == NULL) {
		free(l);
		return NULL;
	}
	return &l->lane;
}

/* ---- the end ---- */

static int
by_mailbox(const void *va, const void *vb)
{
	const struct scope_row *a = va, *b = vb;

	return span_cmp(a->mailbox, b->mailbox);
}

/* One entry of a log, where the lines fill it or are the last. */
static int
put_lines(struct stream_sink *s, struct buf *lines, struct err *err)
{
	if (!buf_ok(lines))
		return err_nomem(err);
	if (pack_log(s->pack, &s->raw, 0, ++s->logs, now(s), buf_span(lines),
	    err) == -1)
		return -1;
	buf_clear(lines);
	return 0;
}

/* A mailbox that came more than once was seen if it was each time. */
static int
put_scopes(struct stream_sink *s, struct buf *lines, struct err *err)
{
	struct log_line line = { .kind = LOG_SCOPE };
	size_t i, k;

	if (s->nscopes > 1)
		qsort(s->scopes, s->nscopes, sizeof(*s->scopes), by_mailbox);
	for (i = 0; i < s->nscopes; i = k) {
		line.mailbox = s->scopes[i].mailbox;
		line.complete = true;
		for (k = i; k < s->nscopes &&
		    span_eq(s->scopes[k].mailbox, line.mailbox); k++)
			line.complete = line.complete && s->scopes[k].complete;
		log_put(lines, &line);
		if (lines->n > LOG_MAX / 2 && put_lines(s, lines, err) == -1)
			return -1;
	}
	return 0;
}

static int
put_log(struct stream_sink *s, bool complete, struct err *err)
{
	const struct log_line last = {
		.kind = LOG_GENERATION, .number = 0, .complete = complete,
	};
	struct buf lines = BUF_INIT;
	int rc;

	if ((rc = put_scopes(s, &lines, err)) == 0) {
		log_put(&lines, &last);
		rc = put_lines(s, &lines, err);
	}
	buf_fini(&lines);
	return rc;
}

static int
put_end(struct stream_sink *s, bool complete, const char *reason,
    struct err *err)
{
	sha256_peek(s->hash, &s->totals.hash);
	s->totals.complete = complete;
	s->totals.reason = complete ? SPAN_NONE : span_str(reason);
	if (pack_end(s->pack, &s->raw, 0, now(s), &s->totals, err) == -1)
		return -1;
	pack_trailer(&s->raw);
	return put_raw(s, err);
}

/*
 * Mailboxes that had no item, what was seen of each, a commit for both; then
 * the end.  A stream that is cut before its last octet has no end entry.
 */
static int
sink_end(struct sink *sink, const struct mailboxes *all, select_fn *chosen,
    void *arg, bool complete, const char *reason, struct err *err)
{
	struct stream_sink *s = sink_of(sink);
	size_t i;

	(void)all;
	(void)chosen;
	(void)arg;
	for (i = 0; i < s->told.n; i++)
		if (mailboxes_get(&s->written, s->told.v[i].name) == NULL &&
		    pack_state(s, &s->told.v[i], err) == -1)
			return -1;
	if (put_log(s, complete, err) == -1 || put_raw(s, err) == -1 ||
	    put_commit(s, err) == -1 || put_end(s, complete, reason, err) == -1)
		return -1;
	if (s->regular && io_sync(s->fd, s->name, err) == -1)
		return -1;
	return io_close(&s->fd, s->name, err);
}

static void
sink_close(struct sink *sink)
{
	struct stream_sink *s = sink_of(sink);
	struct err late = ERR_INIT;

	/* Without end() the stream is cut anyway, and readers say so. */
	(void)io_close(&s->fd, s->name, &late);
	pack_free(s->pack);
	sha256_free(s->hash);
	buf_fini(&s->raw);
	buf_fini(&s->out);
	mailboxes_fini(&s->told);
	mailboxes_fini(&s->written);
	free(s->scopes);
	arena_fini(&s->names);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct sink_ops sink_ops = {
	.open = sink_open,
	.end = sink_end,
	.close = sink_close,
};

/* ---- opening ---- */

/* A random UUID (RFC 9562 section 5.4). */
static void
put_uuid(struct buf *out, const struct sys *sys)
{
	unsigned char b[16];
	size_t i;

	sys_random(sys, b, N(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (i = 0; i < N(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_chr(out, '-');
		buf_hex(out, span_of(&b[i], 1));
	}
}

static int
put_head(struct stream_sink *s, const struct stream_config *config,
    struct err *err)
{
	struct buf id = BUF_INIT;
	struct stream_head head = {
		.origin = span_str(config->origin),
		.program = span_str(config->program),
		.created = now(s),
	};
	int rc;

	put_uuid(&id, s->sys);
	head.id = buf_span(&id);
	rc = pack_head(s->pack, &s->raw, &head, err);
	buf_fini(&id);
	return rc == -1 ? -1 : put_raw(s, err);
}

struct sink *
stream_sink(int fd, const struct stream_config *config, struct err *err)
{
	struct stream_sink *s;
	struct err late = ERR_INIT;
	struct stat st;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)io_close(&fd, config->name, &late);
		(void)err_nomem(err);
		return NULL;
	}
	s->sink.ops = &sink_ops;
	s->fd = fd;
	s->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	s->name = config->name;
	s->level = config->level;
	s->sys = config->sys;
	s->report = config->report;
	(void)pthread_mutex_init(&s->lock, NULL);
	if ((s->pack = pack_new(err)) == NULL ||
	    (s->hash = sha256_new(err)) == NULL ||
	    put_head(s, config, err) == -1) {
		sink_close(&s->sink);
		return NULL;
	}
	return &s->sink;
}
