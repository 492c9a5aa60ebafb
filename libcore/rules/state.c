/* SPDX-License-Identifier: ISC */
/* What rules look at and change. */

#include "mail/flags.h"
#include "mail/name.h"
#include "rules/state.h"

int
state_init(struct state *st, uint32_t groups, int64_t now, struct err *err)
{
	*st = (struct state){ .now = now };
	st->run = regex_run_new(groups, err);
	return st->run != NULL ? 0 : -1;
}

void
state_fini(struct state *st)
{
	size_t i;

	regex_run_free(st->run);
	for (i = 0; i < 2; i++) {
		buf_fini(&st->name_buf[i]);
		buf_fini(&st->flags_buf[i]);
	}
	buf_fini(&st->work);
	buf_fini(&st->shown);
}

void
state_begin(struct state *st, struct span name, const struct item *item)
{
	st->item = item;
	st->name = name;
	st->flags = item != NULL ? item->flags : SPAN_NONE;
	st->dropped = st->changed = false;
	st->shown_valid = false;
}

int
state_shown(struct state *st, struct span *out, struct err *err)
{
	if (!st->shown_valid) {
		buf_clear(&st->shown);
		name_put(&st->shown, st->name);
		if (!buf_ok(&st->shown))
			return err_nomem(err);
		st->shown_valid = true;
	}
	*out = buf_span(&st->shown);
	return 0;
}

/* Of two buffers, the one that the span does not live in. */
static struct buf *
other(struct buf v[2], struct span s)
{
	struct buf *b = v[0].p != NULL && s.p == v[0].p ? &v[1] : &v[0];

	buf_clear(b);
	return b;
}

int
state_set_name(struct state *st, struct span name, struct err *err)
{
	struct buf *b = other(st->name_buf, st->name);
	struct span level;

	while (span_next(&name, '\0', &level))
		(void)name_add(b, level);
	if (!buf_ok(b))
		return err_nomem(err);
	if (b->n == 0 || span_eq(buf_span(b), st->name))
		return 0;
	st->name = buf_span(b);
	st->shown_valid = false;
	st->changed = true;
	return 0;
}

int
state_set_flags(struct state *st, struct span flags, struct err *err)
{
	struct buf *b = other(st->flags_buf, st->flags);

	flags_canon(b, flags);
	if (!buf_ok(b))
		return err_nomem(err);
	if (span_eq(buf_span(b), st->flags))
		return 0;
	st->flags = buf_span(b);
	st->changed = true;
	return 0;
}
