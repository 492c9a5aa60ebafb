/* SPDX-License-Identifier: ISC */
/*
 * Appending to the segment.  The order of a commit, and what a crash behind
 * each step leaves (mx-archive(5), "Batches"):
 *
 *	1. frames, then the log, then the	a tail without a valid commit:
 *	   commit frame				recovery moves it aside
 *	2. fdatasync(segment)			a batch that the index does not
 *						have: recovery indexes it
 *	3. one transaction of the index		all is durable, but not reported
 *	4. the report				the items count as done
 *
 * A new segment: 1. create (O_EXCL), 2. head, 3. fsync, 4. fsync of the
 * directory, before anything else is written to it.  A crash before the first
 * commit leaves a .part without one, which recovery moves aside whole.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "formats/archive/layout.h"
#include "formats/archive/numset.h"
#include "formats/archive/seal.h"
#include "formats/archive/writer.h"

/*
 * A commit comes by itself behind so much.  Each new row dirties up to four
 * pages of LMDB that a transaction keeps in memory: 2,000 are 32 MiB at worst.
 */
#define PENDING_THINGS	2000
#define PENDING_OCTETS	(UINT64_C(32) << 20)

#define ID_TEXT		37		/* of a UUID, with its NUL */

struct writer {
	struct writer_config	 c;
	pthread_mutex_t		 lock;		/* guards all below */
	struct err		 failed;	/* scope is not ERR_NONE: broken */
	struct pack		*pack;
	struct batch		 batch;		/* what is not in the index yet */
	struct buf		 states, lines;	/* for the next commit, as octets */
	struct buf		 raw, out;
	char			 id[ID_TEXT];

	/* the segment at hand */
	int			 fd;		/* -1: none */
	char			*path;
	uint64_t		 number, offset;
	uint64_t		 pending;	/* octets since the last commit */
	uint64_t		 logs, commits;	/* counts: K of their names */
	uint64_t		 items, bytes;
	struct sha256		*hash;		/* of the items' digests */
	struct nameset		 declared;	/* mailboxes that have an entry in it */
	bool			 wrote;		/* anything in this generation */
};

/* ---- life ---- */

/* A random UUID (RFC 9562 section 5.4). */
static void
make_id(const struct sys *sys, char out[ID_TEXT])
{
	unsigned char b[16];
	struct buf hex = BUF_INIT;
	const char *p;
	size_t i, n = 0;

	sys_random(sys, b, N(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	buf_hex(&hex, span_of(b, N(b)));
	p = buf_cstr(&hex);
	for (i = 0; i < 32 && p[i] != '\0'; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[n++] = '-';
		out[n++] = p[i];
	}
	out[n] = '\0';
	buf_fini(&hex);
}

struct writer *
writer_new(const struct writer_config *c, struct err *err)
{
	struct writer *w;

	if ((w = calloc(1, sizeof(*w))) == NULL ||
	    pthread_mutex_init(&w->lock, NULL) != 0) {
		free(w);
		(void)err_nomem(err);
		return NULL;
	}
	w->c = *c;
	w->fd = -1;
	w->number = c->segment;
	w->batch.generation = c->generation;
	if (w->c.roll == 0)
		w->c.roll = SEGMENT_MAX;
	if ((w->pack = pack_new(err)) == NULL ||
	    (w->hash = sha256_new(err)) == NULL) {
		writer_free(w);
		return NULL;
	}
	return w;
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	(void)io_close(&w->fd, w->path != NULL ? w->path : "", NULL);
	pack_free(w->pack);
	batch_fini(&w->batch);
	buf_fini(&w->states);
	buf_fini(&w->lines);
	buf_fini(&w->raw);
	buf_fini(&w->out);
	sha256_free(w->hash);
	nameset_fini(&w->declared);
	free(w->path);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

static int64_t
now(const struct writer *w)
{
	return sys_now(w->c.sys) / 1000000000;
}

/*
 * Enter and leave.  What fails once fails for good: how much of it reached the
 * disk is not known, and an fsync that failed must not be tried again.
 */
static int
enter(struct writer *w, struct err *err)
{
	(void)pthread_mutex_lock(&w->lock);
	if (w->failed.scope == ERR_NONE)
		return 0;
	*err = w->failed;
	(void)pthread_mutex_unlock(&w->lock);
	return -1;
}

static int
leave(struct writer *w, int rc, const struct err *err)
{
	if (rc == -1) {
		w->failed = *err;
		w->failed.scope = ERR_RUN;
	}
	(void)pthread_mutex_unlock(&w->lock);
	return rc;
}

/* ---- octets ---- */

/* One frame of what stands in w->raw. */
static int
put_raw(struct writer *w, struct err *err)
{
	buf_clear(&w->out);
	if (!buf_ok(&w->raw))
		return err_nomem(err);
	if (frame_wrap(SEGMENT_LEVEL, buf_span(&w->raw), &w->out, err) == -1 ||
	    io_write(w->fd, buf_span(&w->out), w->path, err) == -1)
		return -1;
	w->offset += w->out.n;
	w->pending += w->out.n;
	buf_clear(&w->raw);
	return 0;
}

static int
put_body(struct writer *w, struct body *octets, struct err *err)
{
	struct span piece;
	int more;

	body_rewind(octets);
	while ((more = body_next(octets, &piece, err)) == 1) {
		if (io_write(w->fd, piece, w->path, err) == -1)
			return -1;
		w->offset += piece.n;
		w->pending += piece.n;
	}
	return more;
}

/* ---- a new segment ---- */

static int
put_head(struct writer *w, struct err *err)
{
	struct stream_head head = {
		.number = w->number, .id = w->c.id, .origin = w->c.origin,
		.maker = w->c.maker,
		.generation = w->c.generation, .created = now(w),
		.program = span_str(w->c.program),
	};
	struct buf previous = BUF_INIT;
	int rc = -1;

	if (w->c.chained) {
		digest_put(&previous, &w->c.previous);
		head.previous = buf_span(&previous);
	}
	if (!buf_ok(&previous))
		(void)err_nomem(err);
	else if (pack_head(w->pack, &w->raw, &head, err) == 0 &&
	    put_raw(w, err) == 0)
		rc = batch_head(&w->batch, &head, err);
	buf_fini(&previous);
	return rc;
}

static int
segment_begin(struct writer *w, struct err *err)
{
	char *dir = NULL;
	int rc = -1;

	if (w->c.id.n == 0) {
		make_id(w->c.sys, w->id);
		w->c.id = span_str(w->id);
	}
	free(w->path);
	if ((w->path = layout_segment(w->c.dir, w->number, true)) == NULL ||
	    (dir = layout_segments(w->c.dir)) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	w->offset = w->logs = w->commits = w->items = w->bytes = 0;
	sha256_reset(w->hash);
	nameset_clear(&w->declared);
	w->batch.segment = w->number;
	if (io_create(w->path, O_CREAT | O_EXCL | O_RDWR, &w->fd, err) == -1 ||
	    put_head(w, err) == -1 || io_sync(w->fd, w->path, err) == -1 ||
	    io_sync_dir(dir, err) == -1)
		goto out;
	w->wrote = true;
	rc = 0;
out:
	free(dir);
	return rc;
}

static int
segment_need(struct writer *w, struct err *err)
{
	return w->fd != -1 ? 0 : segment_begin(w, err);
}

/* ---- commit ---- */

static void
totals_of(const struct writer *w, struct stream_totals *t)
{
	*t = (struct stream_totals){ .items = w->items, .bytes = w->bytes };
	sha256_peek(w->hash, &t->hash);
}

/* States and log in a frame, then the commit entry in one of its own. */
static int
put_commit(struct writer *w, struct err *err)
{
	struct stream_totals totals;

	buf_clear(&w->raw);
	buf_put(&w->raw, buf_span(&w->states));
	if (w->lines.n > 0 && pack_log(w->pack, &w->raw, w->number, ++w->logs,
	    now(w), buf_span(&w->lines), err) == -1)
		return -1;
	if (!buf_ok(&w->states) || !buf_ok(&w->lines))
		return err_nomem(err);
	if (w->raw.n > 0 && put_raw(w, err) == -1)
		return -1;
	totals_of(w, &totals);
	if (pack_commit(w->pack, &w->raw, w->number, ++w->commits, now(w), &totals,
	    err) == -1)
		return -1;
	return put_raw(w, err);
}

static void
report_done(struct writer *w)
{
	const struct op_list *list = &w->batch.part[BATCH_FRAMES];
	struct op_item *o;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (list->v[i].kind != OP_ITEM)
			continue;
		o = list->v[i].u.item;
		o->item.verdict = VERDICT_DONE;
		o->item.reason = o->link ? "linked" : "stored";
		report_item(w->c.report, o->home, &o->item, NULL);
	}
}

static int
commit(struct writer *w, struct err *err)
{
	if (batch_size(&w->batch) == 0)
		return 0;
	if (segment_need(w, err) == -1 || put_commit(w, err) == -1 ||
	    io_datasync(w->fd, w->path, err) == -1)
		return -1;
	w->batch.length = w->offset;
	w->batch.items = w->items;
	w->batch.bytes = w->bytes;
	if (batch_apply(w->c.index, &w->batch, err) == -1) {
		err_at(err, "%s", w->c.dir);
		return -1;
	}
	report_done(w);
	batch_clear(&w->batch);
	buf_clear(&w->states);
	buf_clear(&w->lines);
	w->pending = 0;
	return 0;
}

/* Not too much in memory, and not too much to be done again after a crash. */
static int
commit_if_much(struct writer *w, struct err *err)
{
	if (batch_size(&w->batch) < PENDING_THINGS &&
	    w->pending < PENDING_OCTETS && w->lines.n < LOG_MAX / 4 &&
	    w->states.n < LOG_MAX)
		return 0;
	return commit(w, err);
}

int
writer_commit(struct writer *w, struct err *err)
{
	if (enter(w, err) == -1)
		return -1;
	return leave(w, commit(w, err), err);
}

/* ---- seal ---- */

static int
segment_end(struct writer *w, bool complete, const char *reason,
    struct err *err)
{
	struct seal seal = {
		.dir = w->c.dir, .index = w->c.index, .number = w->number,
		.generation = w->c.generation, .length = w->offset, .now = now(w),
	};

	totals_of(w, &seal.totals);
	seal.totals.complete = complete;
	seal.totals.reason = complete ? SPAN_NONE : span_str(reason);
	if (seal_segment(&seal, w->fd, &w->c.previous, err) == -1 ||
	    io_close(&w->fd, w->path, err) == -1)
		return -1;
	w->c.chained = true;
	w->number++;
	return 0;
}

/* A full segment is sealed as soon as what is in it is durable. */
static int
roll(struct writer *w, struct err *err)
{
	if (w->fd == -1 || w->offset < w->c.roll)
		return 0;
	if (commit(w, err) == -1)
		return -1;
	return segment_end(w, true, NULL, err);
}

/* ---- adding ---- */

/* The mailbox's entry in this segment, without a state that is not reached yet. */
static int
declare(struct writer *w, const struct mailbox *m, struct err *err)
{
	struct mailbox bare = *m;

	if (nameset_has(&w->declared, m->name))
		return 0;
	bare.uidnext = 0;
	bare.modseq = 0;
	buf_clear(&w->raw);
	if (pack_mailbox(w->pack, &w->raw, &bare, now(w), err) == -1 ||
	    put_raw(w, err) == -1 ||
	    batch_mailbox(&w->batch, BATCH_FRAMES, &bare, err) == -1)
		return -1;
	return nameset_add(&w->declared, m->name) ? 0 : err_nomem(err);
}

static int
keep_items(struct writer *w, const struct frame *f, uint64_t at,
    struct err *err)
{
	const struct frame_item *fi;
	struct op_item *o;
	size_t i;

	for (i = 0; i < f->n; i++) {
		fi = &f->v[i];
		if ((o = batch_item(&w->batch, &fi->item, &fi->ident, f->mailbox,
		    fi->path, err)) == NULL)
			return -1;
		o->frame = at;
		o->inside = fi->data;
		o->link = fi->link;
		if (!fi->link && batch_holds(&w->batch, err) == -1)
			return -1;
		w->items++;
		if (!fi->link)
			w->bytes += fi->ident.size;
		sha256_add(w->hash, digest_span(&fi->ident.digest));
	}
	return 0;
}

static int
append(struct writer *w, const struct mailbox *m, struct frame *f,
    struct err *err)
{
	uint64_t at;

	if (roll(w, err) == -1 || segment_need(w, err) == -1 ||
	    declare(w, m, err) == -1)
		return -1;
	at = w->offset;
	if (put_body(w, f->octets, err) == -1 || keep_items(w, f, at, err) == -1)
		return -1;
	return commit_if_much(w, err);
}

int
writer_frame(struct writer *w, const struct mailbox *m, struct frame *f,
    struct err *err)
{
	if (enter(w, err) == -1)
		return -1;
	return leave(w, append(w, m, f, err), err);
}

static int
add_state(struct writer *w, const struct mailbox *m, struct err *err)
{
	if (pack_mailbox(w->pack, &w->states, m, now(w), err) == -1 ||
	    batch_mailbox(&w->batch, BATCH_STATES, m, err) == -1)
		return -1;
	return commit_if_much(w, err);
}

int
writer_state(struct writer *w, const struct mailbox *m, struct err *err)
{
	if (enter(w, err) == -1)
		return -1;
	return leave(w, add_state(w, m, err), err);
}

static int
add_line(struct writer *w, const struct log_line *line, struct err *err)
{
	log_put(&w->lines, line);
	if (batch_line(&w->batch, BATCH_LINES, line, err) == -1)
		return -1;
	return commit_if_much(w, err);
}

int
writer_line(struct writer *w, const struct log_line *line, struct err *err)
{
	if (enter(w, err) == -1)
		return -1;
	return leave(w, add_line(w, line, err), err);
}

int
writer_find(struct writer *w, const struct digest *digest, struct buf *path)
{
	const struct op_item *o;

	(void)pthread_mutex_lock(&w->lock);
	if ((o = batch_find(&w->batch, digest)) != NULL)
		buf_put(path, o->path);
	(void)pthread_mutex_unlock(&w->lock);
	return o != NULL ? 1 : 0;
}

/* ---- the end ---- */

static int
end(struct writer *w, bool complete, const char *reason, struct err *err)
{
	const struct log_line line = {
		.kind = LOG_GENERATION, .number = w->c.generation,
		.complete = complete,
	};

	if (!w->wrote && batch_size(&w->batch) == 0)
		return 0;
	if (add_line(w, &line, err) == -1 || commit(w, err) == -1)
		return -1;
	return segment_end(w, complete, reason, err);
}

int
writer_end(struct writer *w, bool complete, const char *reason,
    struct err *err)
{
	if (enter(w, err) == -1)
		return -1;
	return leave(w, end(w, complete, reason != NULL ? reason : "incomplete",
	    err), err);
}
