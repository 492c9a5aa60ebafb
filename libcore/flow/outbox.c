/* SPDX-License-Identifier: ISC */
/* The messages under way: see outbox.h. */

#include <stdlib.h>

#include "flow/outbox.h"

/* What an entry keeps for its next message: small, since there are many. */
#define KEEP_MAX	((size_t)64 << 10)

void
outbox_init(struct outbox *o)
{
	*o = (struct outbox){ .head = NULL };
	o->tail = &o->head;
}

static void
free_chain(struct sent *s)
{
	struct sent *next;

	for (; s != NULL; s = next) {
		next = s->next;
		buf_fini(&s->octets);
		arena_fini(&s->arena);
		free(s);
	}
}

void
outbox_fini(struct outbox *o)
{
	free_chain(o->head);
	free_chain(o->pool);
	outbox_init(o);
}

/* Everything that the item points to goes into the entry. */
static bool
copy_item(struct sent *s, const struct item *in)
{
	struct item *item = &s->item;
	struct arena *a = &s->arena;

	*item = *in;
	s->ident = *in->ident;
	s->key = in->key != NULL ? *in->key : in->ident->key;
	s->src_digest = in->src_digest != NULL ?
	    *in->src_digest : in->ident->digest;
	item->ident = &s->ident;
	item->key = &s->key;
	item->src_digest = &s->src_digest;
	item->body = NULL;
	item->own = NULL;
	return arena_span(a, in->src_mailbox, &item->src_mailbox) &&
	    arena_span(a, in->ref, &item->ref) &&
	    arena_span(a, in->flags, &item->flags) &&
	    arena_span(a, in->emailid, &item->emailid) &&
	    arena_span(a, in->threadid, &item->threadid) &&
	    arena_span(a, in->gm_msgid, &item->gm_msgid) &&
	    arena_span(a, in->gm_thrid, &item->gm_thrid) &&
	    arena_span(a, in->labels, &item->labels) &&
	    arena_span(a, in->was, &item->was) &&
	    arena_span(a, in->note, &item->note);
}

static int
copy_body(struct sent *s, struct body *body, struct err *err)
{
	struct span piece;
	int more;

	s->digest = *body_digest(body);
	s->borrowed = NULL;
	if (body_size(body) > BODY_IN_MEMORY) {
		s->borrowed = body;
		return 0;
	}
	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		buf_put(&s->octets, piece);
	if (more == -1)
		return -1;
	return buf_ok(&s->octets) ? 0 : err_nomem(err);
}

static struct sent *
entry_get(struct outbox *o, struct err *err)
{
	struct sent *s = o->pool;

	if (s != NULL) {
		o->pool = s->next;
		s->next = NULL;
		return s;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		(void)err_nomem(err);
	return s;
}

static void
entry_put(struct outbox *o, struct sent *s)
{
	struct buf octets = s->octets;
	struct arena arena = s->arena;

	if (octets.cap > KEEP_MAX)
		buf_fini(&octets);
	buf_clear(&octets);
	arena_reset(&arena);
	*s = (struct sent){ .octets = octets, .arena = arena, .next = o->pool };
	o->pool = s;
}

struct sent *
outbox_put(struct outbox *o, const struct item *item, struct body *body,
    struct err *err)
{
	struct sent *s = entry_get(o, err);

	if (s == NULL)
		return NULL;
	if (!copy_item(s, item)) {
		(void)err_nomem(err);
		entry_put(o, s);
		return NULL;
	}
	(void)match_want(&s->item, &s->want);
	if (copy_body(s, body, err) == -1) {
		entry_put(o, s);
		return NULL;
	}
	*o->tail = s;
	o->tail = &s->next;
	o->n++;
	o->octets += s->octets.n;
	return s;
}

struct sent *
outbox_get(const struct outbox *o, uint64_t cookie)
{
	struct sent *s;

	for (s = o->head; s != NULL; s = s->next)
		if (s->cookie == cookie)
			return s;
	return NULL;
}

void
outbox_drop(struct outbox *o, struct sent *s)
{
	struct sent **at = &o->head;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (o->tail == &s->next)
		o->tail = at;
	o->n--;
	o->octets -= s->octets.n;
	entry_put(o, s);
}

struct body *
outbox_body(const struct sent *s, struct body *room, struct err *err)
{
	if (s->borrowed != NULL)
		return s->borrowed;
	body_reset(room);
	if (body_lend(room, buf_span(&s->octets), &s->digest, err) == -1)
		return NULL;
	return room;
}
