/* SPDX-License-Identifier: ISC */
/* The sink of a dry run where nothing is yet. */

#include <stdlib.h>

#include "tools/nowhere.h"

static int
on_mailbox(struct lane *lane, const struct mailbox *m, struct err *err)
{
	(void)lane;
	(void)m;
	(void)err;
	return 0;
}

static int
on_offer(struct lane *lane, struct item *v, size_t n, struct err *err)
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
on_put(struct lane *lane, struct item *item, struct body *body,
    struct err *err)
{
	(void)lane;
	(void)item;
	(void)body;
	return err_set(err, ERR_RUN, STATUS_BUG, "a dry run delivers nothing");
}

static int
on_missed(struct lane *lane, const struct item *item, const struct err *why,
    struct err *err)
{
	(void)lane;
	(void)item;
	(void)why;
	(void)err;
	return 0;
}

static int
on_finish(struct lane *lane, struct span from, const struct mailbox *state,
    enum scope scope, struct err *err)
{
	(void)lane;
	(void)from;
	(void)state;
	(void)scope;
	(void)err;
	return 0;
}

static int
on_commit(struct lane *lane, struct err *err)
{
	(void)lane;
	(void)err;
	return 0;
}

static void
lane_close(struct lane *lane)
{
	free(lane);
}

static struct lane *
lane_open(struct sink *sink, struct err *err)
{
	static const struct lane_ops ops = {
		on_mailbox, on_offer, on_put, on_missed, on_finish, on_commit,
		lane_close,
	};
	struct lane *lane;

	(void)sink;
	if ((lane = calloc(1, sizeof(*lane))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	lane->ops = &ops;
	return lane;
}

static int
sink_end(struct sink *sink, const struct mailboxes *all, select_fn *chosen,
    void *arg, bool complete, const char *reason, struct err *err)
{
	(void)sink;
	(void)all;
	(void)chosen;
	(void)arg;
	(void)complete;
	(void)reason;
	(void)err;
	return 0;
}

static void
sink_close(struct sink *sink)
{
	free(sink);
}

struct sink *
nowhere_sink(struct err *err)
{
	static const struct sink_ops ops = { lane_open, sink_end, sink_close };
	struct sink *sink;

	if ((sink = calloc(1, sizeof(*sink))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	sink->ops = &ops;
	return sink;
}
