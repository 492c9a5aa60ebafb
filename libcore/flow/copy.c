/* SPDX-License-Identifier: ISC */
/*
 * The copy engine.  Knows places only by mail/endpoint.h; a job is one
 * thread with one cursor and one lane, and shares nothing with the others
 * but the struct run.
 */

#include <pthread.h>
#include <stdlib.h>

#include "flow/copy.h"

/* A batch is committed when one of these is reached ... */
#define BATCH_OCTETS	(UINT64_C(16) << 20)
#define BATCH_ITEMS	2000
#define BATCH_NS	INT64_C(2000000000)

/* ... and at the end of a mailbox with more than this in it. */
#define MAILBOX_OCTETS	(UINT64_C(1) << 20)

#define JOBS_MAX	64

/* What the jobs share; `lock` guards everything below it. */
struct run {
	const struct copy	*c;
	pthread_mutex_t		 lock;
	struct copy_result	*result;
	struct err		 err;		/* the first ERR_RUN */
	bool			 failed;
	bool			 stop;		/* somebody failed or was told to stop */
	bool			 interrupted;
	bool			 sink_broken;	/* a lane said ERR_RUN */
	bool			 passed;	/* something was passed over */
	struct mailboxes	 all;		/* for sink_ops.end */
	bool			 listed;
};

struct job {
	struct run		*run;
	const struct copy	*c;
	struct cursor		*cursor;
	struct lane		*lane;
	void			*filter;	/* state of filter.open() */
	struct window		 win;
	const struct mailbox	**to;		/* of each item of the window */
	size_t			*group;		/* likewise: which target, from 0 */
	struct item		*scratch;	/* a group's items side by side */
	size_t			*where;		/* where those stand in the window */

	/* the mailbox in hand */
	const struct mailbox	*from;
	struct buf		 target;	/* name that the lane is at */
	bool			 told;		/* the lane knows of this mailbox */
	bool			 partial;
	uint64_t		 items, octets;	/* got through; what was put */

	/* the batch in hand */
	uint64_t		 batch_items, batch_octets;
	int64_t			 batch_began;
	bool			 lane_broken;
	bool			 extra;		/* the run can do without this job */
};

/* ---- stopping ---- */

static bool
run_stops(struct run *run)
{
	bool stop;

	(void)pthread_mutex_lock(&run->lock);
	if (stop_flag != 0 && !run->stop)
		run->stop = run->interrupted = true;
	stop = run->stop;
	(void)pthread_mutex_unlock(&run->lock);
	return stop;
}

/* Keep the first error that ends the run, and end it. */
static void
run_fails(struct run *run, const struct err *err, bool sink_broken)
{
	(void)pthread_mutex_lock(&run->lock);
	if (err->status == STATUS_INTERRUPTED) {
		run->interrupted = true;
	} else if (!run->failed) {
		run->failed = true;
		run->err = *err;
	}
	run->stop = true;
	if (sink_broken)
		run->sink_broken = true;
	(void)pthread_mutex_unlock(&run->lock);
}

static void
run_passes(struct run *run)
{
	(void)pthread_mutex_lock(&run->lock);
	run->passed = true;
	(void)pthread_mutex_unlock(&run->lock);
}

/* A lane's failure: note whether it can be used any more. */
static int
lane_failed(struct job *j, const struct err *err)
{
	if (err->scope == ERR_RUN || err->scope == ERR_SESSION)
		j->lane_broken = true;
	return -1;
}

/* ---- batches ---- */

static int
batch_commit(struct job *j, struct err *err)
{
	if (j->c->dry)
		return 0;
	j->batch_items = 0;
	j->batch_octets = 0;
	j->batch_began = sys_mono(j->c->sys);
	if (j->lane->ops->commit(j->lane, err) == -1)
		return lane_failed(j, err);
	return 0;
}

static int
batch_add(struct job *j, uint64_t octets, struct err *err)
{
	j->batch_items++;
	j->batch_octets += octets;
	if (j->batch_items < BATCH_ITEMS && j->batch_octets < BATCH_OCTETS &&
	    sys_mono(j->c->sys) - j->batch_began < BATCH_NS)
		return 0;
	return batch_commit(j, err);
}

/* ---- items ---- */

static struct span
target_name(const struct job *j)
{
	return buf_span(&j->target);
}

static void
tell(const struct job *j, const struct item *item, const struct err *why)
{
	report_item(j->c->report, target_name(j), item, why);
}

static int
deliver_missed(struct job *j, struct item *item, const struct err *why,
    struct err *err)
{
	item->verdict = VERDICT_UNAVAILABLE;
	item->reason = "unavailable";
	j->partial = true;
	run_passes(j->run);
	if (j->lane->ops->missed(j->lane, item, why, err) == -1)
		return lane_failed(j, err);
	tell(j, item, why);
	return batch_add(j, 0, err);
}

static int
deliver_put(struct job *j, struct item *item, struct body *body,
    struct err *err)
{
	const uint64_t octets = body_size(body);

	if (j->lane->ops->put(j->lane, item, body, err) == -1) {
		if (err->scope != ERR_MESSAGE)
			return lane_failed(j, err);
		item->verdict = VERDICT_REFUSED;
		if (item->reason == NULL)
			item->reason = "refused";
		run_passes(j->run);
		tell(j, item, err);
		err_clear(err);
		return 0;
	}
	item->verdict = VERDICT_DONE;
	j->octets += octets;
	return batch_add(j, octets, err);
}

/* The cursor gives a wanted item. */
static int
deliver(void *arg, struct item *item, struct body *body,
    const struct err *why, struct err *err)
{
	struct job *j = arg;
	int rc;

	if (body == NULL)
		rc = deliver_missed(j, item, why, err);
	else
		rc = deliver_put(j, item, body, err);
	if (rc == -1)
		return -1;

	report_progress(j->c->report, j->from->name, ++j->items, j->octets);
	if (run_stops(j->run))
		return err_set(err, ERR_RUN, STATUS_INTERRUPTED, "interrupted");
	return 0;
}

/* Report what the lane answered and what needs no octets. */
static int
answered(struct job *j, struct item *item, struct err *err)
{
	switch (item->verdict) {
	case VERDICT_WANTED:
		if (!j->c->dry)
			return 0;	/* told when it has ended */
		j->items++;
		tell(j, item, NULL);
		return 0;
	case VERDICT_CHANGED:
		j->items++;
		tell(j, item, NULL);
		return batch_add(j, 0, err);
	case VERDICT_REFUSED:
	case VERDICT_UNAVAILABLE:
		run_passes(j->run);
		j->items++;
		tell(j, item, NULL);
		return 0;
	case VERDICT_DROPPED:
	case VERDICT_HAVE:
	case VERDICT_DONE:
		j->items++;
		tell(j, item, NULL);
		return 0;
	case VERDICT_NONE:
		break;
	}
	return err_set(err, ERR_RUN, STATUS_BUG, "an item was left unanswered");
}

/* ---- windows ---- */

/* Bring the lane to a mailbox, unless it is there. */
static int
go_to(struct job *j, const struct mailbox *to, struct err *err)
{
	struct run *run = j->run;
	bool ok = true;

	if (j->told && span_eq(target_name(j), to->name))
		return 0;
	buf_clear(&j->target);
	buf_put(&j->target, to->name);
	if (!buf_ok(&j->target))
		return err_nomem(err);
	if (j->lane->ops->mailbox(j->lane, to, err) == -1)
		return lane_failed(j, err);
	j->told = true;

	/* What a filter names belongs to what is here: end() must not miss it. */
	if (j->c->filter != NULL && run->listed) {
		(void)pthread_mutex_lock(&run->lock);
		if (mailboxes_get(&run->all, to->name) == NULL)
			ok = mailboxes_put(&run->all, to) != NULL;
		(void)pthread_mutex_unlock(&run->lock);
	}
	return ok ? 0 : err_nomem(err);
}

/* Let the filter see the window, and sort it into groups by target. */
static int
window_filter(struct job *j, size_t *ngroups, struct err *err)
{
	struct window *w = &j->win;
	size_t i, k;

	for (i = 0; i < w->n; i++)
		j->to[i] = j->from;
	if (j->c->filter != NULL && j->c->filter->apply(j->filter, j->from,
	    w->v, w->n, j->to, err) == -1)
		return -1;

	*ngroups = 0;
	for (i = 0; i < w->n; i++) {
		if (!span_eq(w->v[i].src_mailbox, j->from->name))
			j->partial = true;
		if (w->v[i].verdict == VERDICT_DROPPED)
			j->to[i] = NULL;
		if (j->to[i] == NULL) {
			w->v[i].verdict = VERDICT_DROPPED;
			j->partial = true;
			/* It rides with its neighbours, to be seen. */
			j->group[i] = i > 0 ? j->group[i - 1] : 0;
			continue;
		}
		for (k = 0; k < *ngroups; k++)
			if (span_eq(j->to[j->where[k]]->name, j->to[i]->name))
				break;
		if (k == *ngroups)
			j->where[(*ngroups)++] = i;
		j->group[i] = k;
	}
	return 0;
}

/*
 * Offer group g.  The lane wants an array: where the group does not fill the
 * window, its items are moved aside and back.
 */
static int
group_offer(struct job *j, size_t g, bool whole, struct err *err)
{
	struct window *w = &j->win;
	size_t i, n = 0;

	if (whole) {
		if (j->lane->ops->offer(j->lane, w->v, w->n, err) == -1)
			return lane_failed(j, err);
		return 0;
	}
	for (i = 0; i < w->n; i++) {
		if (j->group[i] != g)
			continue;
		j->where[n] = i;
		j->scratch[n++] = w->v[i];
	}
	if (j->lane->ops->offer(j->lane, j->scratch, n, err) == -1)
		return lane_failed(j, err);
	for (i = 0; i < n; i++)
		w->v[j->where[i]] = j->scratch[i];
	return 0;
}

static const struct mailbox *
group_target(const struct job *j, size_t g)
{
	size_t i;

	for (i = 0; i < j->win.n; i++)
		if (j->group[i] == g && j->to[i] != NULL)
			return j->to[i];
	return NULL;
}

/* Offer one group, say what came of it, and fetch what is wanted. */
static int
group_run(struct job *j, size_t g, bool whole, struct err *err)
{
	struct window *w = &j->win;
	bool wanted = false;
	size_t i;

	if (go_to(j, group_target(j, g), err) == -1 ||
	    group_offer(j, g, whole, err) == -1)
		return -1;
	for (i = 0; i < w->n; i++) {
		if (j->group[i] != g)
			continue;
		if (w->v[i].verdict == VERDICT_WANTED)
			wanted = true;
		if (answered(j, &w->v[i], err) == -1)
			return -1;
	}
	report_progress(j->c->report, j->from->name, j->items, j->octets);
	if (!wanted || j->c->dry)
		return 0;
	if (j->cursor->ops->fetch(j->cursor, w, deliver, j, err) == -1)
		return -1;
	for (i = 0; i < w->n; i++)
		if (w->v[i].verdict == VERDICT_WANTED)
			return err_set(err, ERR_RUN, STATUS_BUG,
			    "a wanted item was not delivered");
	return 0;
}

/* A window of which nothing has anywhere to go. */
static int
window_dropped(struct job *j, struct err *err)
{
	size_t i;

	if (!j->told) {
		buf_clear(&j->target);
		buf_put(&j->target, j->from->name);
	}
	for (i = 0; i < j->win.n; i++)
		if (answered(j, &j->win.v[i], err) == -1)
			return -1;
	return 0;
}

static int
window_run(struct job *j, struct err *err)
{
	size_t g, ngroups = 0;

	if (window_filter(j, &ngroups, err) == -1)
		return -1;
	if (ngroups == 0)
		return window_dropped(j, err);
	for (g = 0; g < ngroups; g++) {
		if (run_stops(j->run))
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted");
		if (group_run(j, g, ngroups == 1, err) == -1)
			return -1;
	}
	return 0;
}

/* ---- mailboxes ---- */

/* Where a mailbox itself goes; *to is NULL for nowhere. */
static int
map_mailbox(struct job *j, const struct mailbox *from,
    const struct mailbox **to, struct err *err)
{
	*to = from;
	if (j->c->filter == NULL)
		return 0;
	return j->c->filter->mailbox(j->filter, from, to, err);
}

/* Tell the lane that the mailbox is over. */
static int
mailbox_finish(struct job *j, const struct mailbox *state, enum scope scope,
    struct err *err)
{
	const struct mailbox *to;
	struct mailbox last;

	if (!j->told)
		return 0;
	if (map_mailbox(j, state, &to, err) == -1)
		return -1;
	if (to == NULL) {
		/* Its items went elsewhere; the lane is still at the last of them. */
		last = *state;
		last.name = target_name(j);
		last.raw = SPAN_NONE;
		to = &last;
	}
	if (j->partial || j->c->dry)
		scope = SCOPE_PARTIAL;
	if (j->lane->ops->finish(j->lane, j->from->name, to, scope, err) == -1)
		return lane_failed(j, err);
	return 0;
}

static int
mailbox_walk(struct job *j, struct err *err)
{
	const struct mailbox *to, *state = NULL;
	enum scope scope = SCOPE_PARTIAL;
	int more;

	if (map_mailbox(j, j->from, &to, err) == -1)
		return -1;
	if (to != NULL && go_to(j, to, err) == -1)
		return -1;
	for (;;) {
		if (run_stops(j->run))
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted");
		window_reset(&j->win);
		more = j->cursor->ops->window(j->cursor, &j->win, err);
		if (more == -1)
			return -1;
		if (more == 0)
			break;
		if (window_run(j, err) == -1)
			return -1;
	}
	if (j->cursor->ops->finish(j->cursor, &scope, &state, err) == -1)
		return -1;
	if (mailbox_finish(j, state, scope, err) == -1)
		return -1;
	if (j->batch_octets > MAILBOX_OCTETS)
		return batch_commit(j, err);
	return 0;
}

/* The mailbox is left early: say so, and tell the lane where it can hear. */
static int
mailbox_pass(struct job *j, struct err *err)
{
	struct run *run = j->run;
	int rc = 0;

	report_mailbox(j->c->report, j->from->name, err);
	err_clear(err);
	(void)pthread_mutex_lock(&run->lock);
	run->result->passed_mailboxes++;
	run->passed = true;
	(void)pthread_mutex_unlock(&run->lock);
	j->partial = true;
	if (mailbox_finish(j, j->from, SCOPE_PARTIAL, err) == -1)
		rc = err->scope == ERR_MAILBOX ? 0 : -1;
	if (rc == 0)
		err_clear(err);
	return rc;
}

/* 1: one mailbox is done; 0: none is left; -1: ERR_RUN. */
static int
mailbox_run(struct job *j, struct err *err)
{
	struct run *run = j->run;
	int rc;

	j->from = NULL;
	j->told = j->partial = false;
	j->items = j->octets = 0;
	rc = j->cursor->ops->mailbox(j->cursor, &j->from, err);
	if (rc == 0)
		return 0;
	if (rc == 1)
		rc = mailbox_walk(j, err);

	(void)pthread_mutex_lock(&run->lock);
	run->result->mailboxes++;
	run->result->octets += j->octets;
	(void)pthread_mutex_unlock(&run->lock);

	if (rc == -1 && err->scope == ERR_MAILBOX && j->from != NULL)
		rc = mailbox_pass(j, err);
	return rc == -1 ? -1 : 1;
}

/* ---- jobs ---- */

static int
job_open(struct job *j, struct err *err)
{
	const struct copy *c = j->c;

	if (window_init(&j->win, err) == -1)
		return -1;
	j->to = calloc(WINDOW_ITEMS, sizeof(*j->to));
	j->group = calloc(WINDOW_ITEMS, sizeof(*j->group));
	j->scratch = calloc(WINDOW_ITEMS, sizeof(*j->scratch));
	j->where = calloc(WINDOW_ITEMS, sizeof(*j->where));
	if (j->to == NULL || j->group == NULL || j->scratch == NULL ||
	    j->where == NULL)
		return err_nomem(err);
	if (c->filter != NULL && c->filter->open != NULL &&
	    (j->filter = c->filter->open(c->filter->arg, err)) == NULL)
		return -1;
	if ((j->cursor = c->from->ops->open(c->from, err)) == NULL)
		return -1;
	if ((j->lane = c->to->ops->open(c->to, err)) == NULL)
		return lane_failed(j, err);
	j->batch_began = sys_mono(c->sys);
	return 0;
}

static void
job_close(struct job *j)
{
	const struct filter *f = j->c->filter;

	if (j->cursor != NULL)
		j->cursor->ops->close(j->cursor);
	if (j->lane != NULL)
		j->lane->ops->close(j->lane);
	if (f != NULL && f->close != NULL && j->filter != NULL)
		f->close(j->filter);
	window_fini(&j->win);
	buf_fini(&j->target);
	free(j->to);
	free(j->group);
	free(j->scratch);
	free(j->where);
}

/*
 * The run ends in the middle of a mailbox: nothing may be concluded from
 * what was not seen of it, and what was put is made durable.
 */
static void
job_break_off(struct job *j)
{
	struct err late = ERR_INIT;

	j->partial = true;
	if (j->lane_broken)
		return;
	if (j->from != NULL &&
	    mailbox_finish(j, j->from, SCOPE_PARTIAL, &late) == -1)
		run_fails(j->run, &late, j->lane_broken);
	err_clear(&late);
	if (!j->lane_broken && batch_commit(j, &late) == -1)
		run_fails(j->run, &late, true);
}

static void
job_work(struct job *j)
{
	struct err err = ERR_INIT;
	int more = 1;

	while (more == 1 && !run_stops(j->run))
		more = mailbox_run(j, &err);
	if (more == -1) {
		run_fails(j->run, &err, j->lane_broken);
		job_break_off(j);
		return;
	}
	j->from = NULL;
	if (batch_commit(j, &err) == 0)
		return;
	if (err.scope == ERR_MAILBOX) {
		report_mailbox(j->c->report, target_name(j), &err);
		run_passes(j->run);
		return;
	}
	run_fails(j->run, &err, true);
}

static void *
job_main(void *arg)
{
	struct job *j = arg;
	struct err err = ERR_INIT;

	if (job_open(j, &err) == 0) {
		job_work(j);
	} else if (j->extra && err.status == STATUS_CONNECT) {
		/* A server with a limit of connections: the others do its work. */
		report_note(j->c->report, "one connection fewer: %s", err.msg);
	} else {
		run_fails(j->run, &err, j->lane_broken);
	}
	job_close(j);
	return NULL;
}

/* Run n jobs, the first on this thread. */
static void
jobs_run(struct run *run, size_t n)
{
	struct job job[JOBS_MAX] = { { .run = NULL } };
	pthread_t thread[JOBS_MAX];
	size_t i, started;

	for (i = 0; i < n; i++) {
		job[i].run = run;
		job[i].c = run->c;
		job[i].extra = i > 0;
	}
	/* A thread that cannot be had is one job fewer. */
	for (started = 1; started < n; started++)
		if (pthread_create(&thread[started], NULL, job_main,
		    &job[started]) != 0)
			break;
	(void)job_main(&job[0]);
	for (i = 1; i < started; i++)
		(void)pthread_join(thread[i], NULL);
}

/* ---- the run ---- */

/* The source's list; with a filter also where each mailbox goes. */
static int
run_list(struct run *run, struct err *err)
{
	const struct copy *c = run->c;
	const struct filter *f = c->filter;
	struct mailboxes from = { .v = NULL };
	const struct mailbox *to;
	void *state = NULL;
	size_t i;
	int rc = -1;

	if ((rc = c->from->ops->list(c->from, &run->all, err)) == -1)
		return -1;
	run->listed = rc == 1 && run->all.complete;
	if (!run->listed || f == NULL)
		return 0;

	rc = -1;
	if (f->open != NULL && (state = f->open(f->arg, err)) == NULL)
		goto out;
	for (i = 0; i < run->all.n; i++)
		if (mailboxes_put(&from, &run->all.v[i]) == NULL) {
			(void)err_nomem(err);
			goto out;
		}
	for (i = 0; i < from.n; i++) {
		if (f->mailbox(state, &from.v[i], &to, err) == -1)
			goto out;
		if (to == NULL || mailboxes_get(&run->all, to->name) != NULL)
			continue;
		if (mailboxes_put(&run->all, to) == NULL) {
			(void)err_nomem(err);
			goto out;
		}
	}
	rc = 0;
out:
	if (state != NULL && f->close != NULL)
		f->close(state);
	mailboxes_fini(&from);
	return rc;
}

static const char *
end_reason(const struct run *run, bool source_complete)
{
	if (run->interrupted)
		return "interrupted";
	if (run->failed)
		return "failed";
	if (run->passed)
		return "passed over";
	return source_complete ? NULL : "source incomplete";
}

/*
 * Tell the sink that all is over.  A filter names mailboxes as it meets their
 * items: unless all were met, the list is not known to be complete.
 */
static void
run_end(struct run *run)
{
	const struct copy *c = run->c;
	struct source_about about = { .complete = true };
	struct err err = ERR_INIT;
	const char *reason;
	bool listed;

	c->from->ops->about(c->from, &about);
	reason = end_reason(run, about.complete);
	run->result->complete = reason == NULL;
	run->result->interrupted = run->interrupted;
	if (c->dry || run->sink_broken)
		return;
	listed = run->listed && (c->filter == NULL || reason == NULL);
	if (c->to->ops->end(c->to, listed ? &run->all : NULL, c->select,
	    c->select_arg, reason == NULL, reason, &err) == -1) {
		run->result->complete = false;
		run_fails(run, &err, true);
	}
}

int
copy_run(const struct copy *c, struct copy_result *result, struct err *err)
{
	struct run run = { .c = c, .result = result, .err = ERR_INIT };
	struct err first = ERR_INIT;
	size_t jobs = c->jobs == 0 ? 1 : c->jobs;

	*result = (struct copy_result){ .complete = false };
	if (pthread_mutex_init(&run.lock, NULL) != 0)
		return err_nomem(err);
	if (c->select != NULL)
		c->from->ops->select(c->from, c->select, c->select_arg);
	if (run_list(&run, &first) == -1)
		run_fails(&run, &first, false);
	else
		jobs_run(&run, jobs > JOBS_MAX ? JOBS_MAX : jobs);
	run_end(&run);

	if (run.failed && err != NULL)
		*err = run.err;
	mailboxes_fini(&run.all);
	(void)pthread_mutex_destroy(&run.lock);
	return run.failed ? -1 : 0;
}
