/* SPDX-License-Identifier: ISC */
/* Items and windows of them. */

#include <stdlib.h>

#include "base/utf8.h"

#include "mail/item.h"
#include "mail/name.h"

int
window_init(struct window *w, struct err *err)
{
	*w = (struct window){ .v = NULL };
	if ((w->v = calloc(WINDOW_ITEMS, sizeof(*w->v))) == NULL)
		return err_nomem(err);
	return 0;
}

void
window_fini(struct window *w)
{
	free(w->v);
	arena_fini(&w->arena);
	*w = (struct window){ .v = NULL };
}

void
window_reset(struct window *w)
{
	w->n = 0;
	arena_reset(&w->arena);
}

struct item *
window_add(struct window *w)
{
	struct item *item;

	if (w->v == NULL || w->n == WINDOW_ITEMS)
		return NULL;
	item = &w->v[w->n++];
	*item = (struct item){ .number = 0 };
	return item;
}

void
item_put(struct buf *out, struct span mailbox, const struct item *item)
{
	struct buf shown = BUF_INIT;

	name_put(&shown, mailbox);
	if (!buf_ok(&shown))
		out->bad = true;
	safe_put(out, buf_span(&shown));
	buf_fini(&shown);
	if (item->uid != 0) {
		buf_str(out, ": uid ");
		buf_u64(out, item->uid);
	} else if (item->ref.n > 0) {
		buf_str(out, ": ref ");
		safe_put(out, item->ref);
	} else if (item->number != 0) {
		buf_str(out, ": item ");
		buf_u64(out, item->number);
	}
}

const char *
verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_NONE:		return "none";
	case VERDICT_WANTED:		return "wanted";
	case VERDICT_HAVE:		return "have";
	case VERDICT_CHANGED:		return "changed";
	case VERDICT_DROPPED:		return "dropped";
	case VERDICT_REFUSED:		return "refused";
	case VERDICT_UNAVAILABLE:	return "unavailable";
	case VERDICT_DONE:		return "done";
	}
	return "none";
}
