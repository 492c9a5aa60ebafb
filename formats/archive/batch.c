/* SPDX-License-Identifier: ISC */
/* A batch in memory; what it does to the index is apply.c's. */

#include <stdlib.h>
#include <string.h>

#include "formats/archive/batch.h"

void
batch_clear(struct batch *b)
{
	size_t i;

	for (i = 0; i < BATCH_PARTS; i++)
		b->part[i].n = 0;
	arena_reset(&b->arena);
	if (b->used > 0)
		memset(b->slots, 0, b->nslots * sizeof(*b->slots));
	b->used = 0;
	b->headed = b->sealed = false;
	b->id = b->origin = b->maker = SPAN_NONE;
}

void
batch_fini(struct batch *b)
{
	size_t i;

	for (i = 0; i < BATCH_PARTS; i++)
		free(b->part[i].v);
	free(b->slots);
	arena_fini(&b->arena);
	*b = (struct batch){ .segment = 0 };
}

size_t
batch_size(const struct batch *b)
{
	size_t i, n = 0;

	for (i = 0; i < BATCH_PARTS; i++)
		n += b->part[i].n;
	return n;
}

int
batch_head(struct batch *b, const struct stream_head *head, struct err *err)
{
	b->headed = true;
	b->segment = head->number;
	b->generation = head->generation;
	b->created = head->created;
	return arena_span(&b->arena, head->id, &b->id) &&
	    arena_span(&b->arena, head->origin, &b->origin) &&
	    arena_span(&b->arena, head->maker, &b->maker) ? 0 :
	    err_nomem(err);
}

/* Room for one more. */
static struct op *
op_add(struct batch *b, enum batch_part part, enum op_kind kind)
{
	struct op_list *list = &b->part[part];
	struct op *v;
	size_t cap;

	if (list->n == list->cap) {
		cap = list->cap == 0 ? 64 : list->cap * 2;
		if (cap > SIZE_MAX / sizeof(*v) || cap > UINT32_MAX / 2 ||
		    (v = realloc(list->v, cap * sizeof(*v))) == NULL)
			return NULL;
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n].kind = kind;
	return &list->v[list->n];
}

int
batch_mailbox(struct batch *b, enum batch_part part, const struct mailbox *in,
    struct err *err)
{
	struct op *op = op_add(b, part, OP_MAILBOX);
	struct mailbox *m = arena_alloc(&b->arena, sizeof(*m));

	if (op == NULL || m == NULL || !mailbox_copy(&b->arena, in, m))
		return err_nomem(err);
	op->u.mailbox = m;
	b->part[part].n++;
	return 0;
}

int
batch_line(struct batch *b, enum batch_part part, const struct log_line *in,
    struct err *err)
{
	struct op *op = op_add(b, part, OP_LINE);
	struct log_line *l = arena_alloc(&b->arena, sizeof(*l));

	if (op == NULL || l == NULL)
		return err_nomem(err);
	*l = *in;
	if (!arena_span(&b->arena, in->mailbox, &l->mailbox) ||
	    !arena_span(&b->arena, in->ref, &l->ref) ||
	    !arena_span(&b->arena, in->to_mailbox, &l->to_mailbox) ||
	    !arena_span(&b->arena, in->to_ref, &l->to_ref) ||
	    !arena_span(&b->arena, in->flags, &l->flags))
		return err_nomem(err);
	op->u.line = l;
	b->part[part].n++;
	return 0;
}

/* A path as framer_add() wants a link: with a NUL. */
static bool
copy_path(struct arena *arena, struct span in, struct span *out)
{
	unsigned char *p = arena_alloc(arena, in.n + 1);

	if (p == NULL)
		return false;
	if (in.n > 0)
		memcpy(p, in.p, in.n);
	p[in.n] = '\0';
	*out = span_of(p, in.n);
	return true;
}

struct op_item *
batch_item(struct batch *b, const struct item *in, const struct ident *ident,
    struct span home, struct span path, struct err *err)
{
	struct op *op = op_add(b, BATCH_FRAMES, OP_ITEM);
	struct op_item *o = arena_alloc(&b->arena, sizeof(*o));
	struct item bare = *in;

	if (op == NULL || o == NULL)
		goto nomem;
	bare.ident = NULL;
	bare.key = NULL;
	*o = (struct op_item){ .ident = *ident };
	if (!entry_copy_item(&b->arena, &bare, &o->item) ||
	    !arena_span(&b->arena, home, &o->home) ||
	    !copy_path(&b->arena, path, &o->path))
		goto nomem;
	o->item.ident = &o->ident;
	o->item.key = &o->ident.key;
	o->item.size = ident->size;
	if (o->item.src_mailbox.n == 0)
		o->item.src_mailbox = o->home;
	if (!o->item.date.known)
		o->item.date = (struct date){ .known = false };
	op->u.item = o;
	b->part[BATCH_FRAMES].n++;
	return o;
nomem:
	(void)err_nomem(err);
	return NULL;
}

/* ---- by digest ---- */

static size_t
slot_of(const struct batch *b, const struct digest *d)
{
	const struct op_list *list = &b->part[BATCH_FRAMES];
	uint64_t h;
	size_t i;

	memcpy(&h, d->b, 8);
	for (i = (size_t)h & (b->nslots - 1); b->slots[i] != 0;
	    i = (i + 1) & (b->nslots - 1))
		if (digest_eq(&list->v[b->slots[i] - 1].u.item->ident.digest, d))
			break;
	return i;
}

/* Twice the slots, at most half of them in use. */
static bool
slots_grow(struct batch *b)
{
	const size_t old_n = b->nslots, n = old_n == 0 ? 1024 : old_n * 2;
	const struct op_list *list = &b->part[BATCH_FRAMES];
	uint32_t *old = b->slots, *v = calloc(n, sizeof(*v));
	size_t i;

	if (v == NULL)
		return false;
	b->slots = v;
	b->nslots = n;
	for (i = 0; i < old_n; i++)
		if (old[i] != 0)
			v[slot_of(b, &list->v[old[i] - 1].u.item->ident.digest)] =
			    old[i];
	free(old);
	return true;
}

int
batch_holds(struct batch *b, struct err *err)
{
	const struct op_list *list = &b->part[BATCH_FRAMES];
	size_t i;

	if (b->used >= b->nslots / 2 && !slots_grow(b))
		return err_nomem(err);
	i = slot_of(b, &list->v[list->n - 1].u.item->ident.digest);
	if (b->slots[i] != 0)
		return 0;
	b->slots[i] = (uint32_t)list->n;
	b->used++;
	return 0;
}

const struct op_item *
batch_find(const struct batch *b, const struct digest *d)
{
	size_t i;

	if (b->nslots == 0)
		return NULL;
	i = slot_of(b, d);
	return b->slots[i] == 0 ? NULL :
	    b->part[BATCH_FRAMES].v[b->slots[i] - 1].u.item;
}
