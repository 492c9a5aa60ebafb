/* SPDX-License-Identifier: ISC */
/*
 * Lists of mailboxes: an array in the order of arrival or sorted, and a hash
 * table over it.  Names come from servers, so the hash is one that nobody
 * can choose collisions for.
 */

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

#include "mail/mailbox.h"

static const struct status_row {
	const char		*name;
	enum mailbox_status	 status;
} status_rows[] = {
	{ "open",	MAILBOX_OPEN },
	{ "noselect",	MAILBOX_NOSELECT },
	{ "gone",	MAILBOX_GONE },
};

void
mailboxes_fini(struct mailboxes *l)
{
	free(l->v);
	free(l->slots);
	arena_fini(&l->arena);
	*l = (struct mailboxes){ .v = NULL };
}

/* ---- the index ---- */

static size_t
hash_of(struct span name)
{
	struct digest digest;
	size_t h;

	sha256_of(name, &digest);
	memcpy(&h, digest.b, sizeof(h));
	return h;
}

/* The slot that holds this name, or the free one where it belongs. */
static size_t
slot_of(const struct mailboxes *l, struct span name)
{
	size_t i = hash_of(name) & (l->nslots - 1);

	while (l->slots[i] != 0 &&
	    !span_eq(l->v[l->slots[i] - 1].name, name))
		i = (i + 1) & (l->nslots - 1);
	return i;
}

static void
index_all(struct mailboxes *l)
{
	size_t i;

	if (l->nslots > 0)
		memset(l->slots, 0, l->nslots * sizeof(*l->slots));
	for (i = 0; i < l->n; i++)
		l->slots[slot_of(l, l->v[i].name)] = (uint32_t)(i + 1);
}

/* Room for one more: the table is at most half full. */
static bool
grow(struct mailboxes *l)
{
	const size_t cap = l->cap == 0 ? 32 : l->cap * 2;
	struct mailbox *v;
	uint32_t *slots;

	if (l->n < l->cap)
		return true;
	if (cap > UINT32_MAX / 4)
		return false;
	if ((slots = calloc(cap * 2, sizeof(*slots))) == NULL)
		return false;
	if ((v = realloc(l->v, cap * sizeof(*v))) == NULL) {
		free(slots);
		return false;
	}
	free(l->slots);
	l->v = v;
	l->cap = cap;
	l->slots = slots;
	l->nslots = cap * 2;
	index_all(l);
	return true;
}

struct mailbox *
mailboxes_put(struct mailboxes *l, const struct mailbox *in)
{
	struct mailbox copy;
	size_t slot;

	if (!mailbox_copy(&l->arena, in, &copy) || !grow(l))
		return NULL;
	slot = slot_of(l, copy.name);
	if (l->slots[slot] == 0)
		l->slots[slot] = (uint32_t)(++l->n);
	l->v[l->slots[slot] - 1] = copy;
	return &l->v[l->slots[slot] - 1];
}

struct mailbox *
mailboxes_get(const struct mailboxes *l, struct span name)
{
	size_t slot;

	if (l->n == 0)
		return NULL;
	slot = slot_of(l, name);
	return l->slots[slot] == 0 ? NULL : &l->v[l->slots[slot] - 1];
}

/* ---- order ---- */

static bool
is_inbox(struct span name)
{
	struct span first = span_head(name, span_find(name, '\0'));

	return span_is(first, "INBOX");
}

/* NUL, which joins components, is below every octet in them. */
static int
name_cmp(const void *va, const void *vb)
{
	const struct mailbox *a = va, *b = vb;
	const bool ia = is_inbox(a->name), ib = is_inbox(b->name);

	if (ia != ib)
		return ia ? -1 : 1;
	return span_cmp(a->name, b->name);
}

void
mailboxes_sort(struct mailboxes *l)
{
	if (l->n == 0)
		return;
	qsort(l->v, l->n, sizeof(*l->v), name_cmp);
	index_all(l);
}

/* ---- one ---- */

bool
mailbox_copy(struct arena *arena, const struct mailbox *in,
    struct mailbox *out)
{
	*out = *in;
	return arena_span(arena, in->name, &out->name) &&
	    arena_span(arena, in->raw, &out->raw) &&
	    arena_span(arena, in->attributes, &out->attributes) &&
	    arena_span(arena, in->id, &out->id);
}

const char *
mailbox_status_name(enum mailbox_status status)
{
	size_t i;

	for (i = 0; i < N(status_rows); i++)
		if (status_rows[i].status == status)
			return status_rows[i].name;
	return "open";
}

bool
mailbox_status_parse(struct span name, enum mailbox_status *status)
{
	size_t i;

	for (i = 0; i < N(status_rows); i++)
		if (span_is(name, status_rows[i].name)) {
			*status = status_rows[i].status;
			return true;
		}
	return false;
}
