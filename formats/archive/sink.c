/* SPDX-License-Identifier: ISC */
/*
 * The archive as a sink: a run of it is a generation.  Lanes pack and compress on
 * the threads of their callers; the one writer is behind them.
 */

#include <stdlib.h>

#include "formats/archive/run.h"

static struct lane *
sink_open(struct sink *sink, struct err *err)
{
	return lane_new((struct asink *)sink, err);
}

/* ---- the end ---- */

/* Mailboxes of the source that are gone from it. */
static int
gather_gone(struct asink *s, const struct mailboxes *all, select_fn *chosen,
    void *arg, struct mailboxes *gone, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_mailbox row;
	struct index_txn t;
	struct span key, v;
	int rc;

	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_MAILBOXES, &walk, SPAN_NONE, &key, &v, err);
	for (; rc == 1; rc = index_next(&walk, &key, &v, err)) {
		if (!row_get_mailbox(v, &row)) {
			rc = index_bad(TABLE_MAILBOXES, err);
			break;
		}
		/* Only what was once enumerated as a mailbox of the source. */
		if (!row.scoped || row.m.status == MAILBOX_GONE ||
		    mailboxes_get(all, row.m.name) != NULL ||
		    nameset_has(&s->visited, row.m.name) ||
		    (chosen != NULL && !chosen(arg, &row.m)))
			continue;
		if (mailboxes_put(gone, &row.m) == NULL) {
			rc = err_nomem(err);
			break;
		}
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

static int
end_mailboxes(struct asink *s, const struct mailboxes *all, select_fn *chosen,
    void *arg, struct err *err)
{
	struct log_line line = { .kind = LOG_MAILBOX_GONE };
	struct mailboxes gone = { .v = NULL };
	bool any = false;
	size_t i;
	int rc;

	rc = gather_gone(s, all, chosen, arg, &gone, err);
	for (i = 0; rc == 0 && i < gone.n; i++) {
		/* Item by item first: one line for all would be one transaction. */
		line.mailbox = gone.v[i].name;
		rc = ends_log(s, NULL, line.mailbox, &any, err);
		if (rc == 0)
			rc = writer_line(s->writer, &line, err);
	}
	mailboxes_fini(&gone);
	return rc;
}

static int
sink_end(struct sink *sink, const struct mailboxes *all, select_fn *chosen,
    void *arg, bool complete, const char *reason, struct err *err)
{
	struct asink *s = (struct asink *)sink;

	if (s->dry)
		return 0;
	if (all != NULL && all->complete &&
	    end_mailboxes(s, all, chosen, arg, err) == -1)
		return -1;
	return writer_end(s->writer, complete, reason, err);
}

static void
sink_close(struct sink *sink)
{
	struct asink *s = (struct asink *)sink;

	writer_free(s->writer);
	if (!s->dry)
		atomic_store(&s->a->writing, false);
	nameset_fini(&s->visited);
	buf_fini(&s->origin);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct sink_ops sink_ops = {
	.open = sink_open,
	.end = sink_end,
	.close = sink_close,
};

/* ---- beginning ---- */

/* Where the last generation and segment left off. */
static int
begin_after(struct asink *s, struct writer_config *c, struct err *err)
{
	struct row_generation generation;
	struct row_segment row = { .length = 0 };
	struct index_walk walk = { NULL };
	struct index_txn t;
	struct span key, v;
	int rc;

	if (index_read(s->a->index, &t, err) == -1)
		return -1;
	rc = lookup_generation(&t, &s->generation, &generation, err);
	s->generation++;
	c->segment = 1;
	if (rc != -1)
		rc = index_last(&t, TABLE_SEGMENTS, &walk, &key, &v, err);
	if (rc == 1) {
		c->segment = ikey_get64(key, 0) + 1;
		if (!row_get_segment(v, &row))
			rc = index_bad(TABLE_SEGMENTS, err);
		else if (!row.sealed && !s->dry)
			rc = err_set(err, ERR_RUN, STATUS_BUG,
			    "%s: the last segment is not sealed", s->a->dir);
	}
	c->chained = rc == 1;
	c->previous = row.sha;
	index_walk_end(&walk);
	index_end(&t);
	return rc == -1 ? -1 : 0;
}

static int
begin(struct asink *s, struct err *err)
{
	struct writer_config c = {
		.dir = s->a->dir, .index = s->a->index,
		.id = buf_span(&s->a->id), .origin = buf_span(&s->origin),
		.maker = s->a->made_by != NULL ? span_str(s->a->made_by) : SPAN_NONE,
		.program = s->a->program, .sys = s->a->config.sys,
		.roll = s->a->roll, .report = s->a->config.report,
	};

	if (begin_after(s, &c, err) == -1)
		return -1;
	c.generation = s->generation;
	if (s->dry)
		return 0;
	if (s->a->mode != ARCHIVE_WRITE || atomic_exchange(&s->a->writing, true))
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%s: not open for this writer", s->a->dir);
	if ((s->writer = writer_new(&c, err)) == NULL)
		atomic_store(&s->a->writing, false);
	return s->writer == NULL ? -1 : 0;
}

/*
 * What one maker writes another would take for its own: the items that it does not
 * know would end.
 */
static int
check_maker(const struct archive *a, struct err *err)
{
	const struct span was = buf_span(&a->maker);
	const struct span by = span_head(was, span_find(was, ' '));
	struct span is;

	if (a->made_by == NULL || was.n == 0)
		return 0;
	is = span_str(a->made_by);
	if (span_eq(was, is))
		return 0;
	is = span_head(is, span_find(is, ' '));
	if (span_eq(by, is))
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: was made with other rules; name a new archive", a->dir);
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%s: was made by %.*s; %.*s writes to an archive of its own", a->dir,
	    SPAN_ARG(by), SPAN_ARG(is));
}

struct sink *
archive_sink(struct archive *a, const char *origin, bool dry, struct err *err)
{
	const struct span is = span_str(origin);
	struct span known;
	struct asink *s;

	if (lookup_names(a, err) == -1 || check_maker(a, err) == -1)
		return NULL;
	known = buf_span(&a->origin);
	if (known.n > 0 && is.n > 0 && !span_eq(known, is)) {
		(void)err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: is an archive of %.*s, not of %.*s", a->dir,
		    SPAN_ARG(known), SPAN_ARG(is));
		return NULL;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		(void)err_nomem(err);
		return NULL;
	}
	s->sink.ops = &sink_ops;
	s->a = a;
	s->dry = dry;
	buf_put(&s->origin, known.n > 0 ? known : is);
	if (!buf_ok(&s->origin)) {
		(void)err_nomem(err);
		s->dry = true;
		sink_close(&s->sink);
		return NULL;
	}
	if (begin(s, err) == -1) {
		s->dry = true;		/* the mark of a writer is not ours */
		sink_close(&s->sink);
		return NULL;
	}
	return &s->sink;
}
