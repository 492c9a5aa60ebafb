/* SPDX-License-Identifier: ISC */
/* A set of UIDs as sorted ranges.  Knows nothing of the wire. */

#include <stdlib.h>
#include <string.h>

#include "imap/uidset.h"

void
uidset_fini(struct uidset *s)
{
	free(s->v);
	*s = (struct uidset){ .v = NULL };
}

void
uidset_clear(struct uidset *s)
{
	s->n = 0;
	s->count = 0;
}

/* The first range that ends at uid or later; n where there is none. */
static size_t
find(const struct uidset *s, uint32_t uid)
{
	size_t lo = 0, hi = s->n;

	if (s->n > 0 && s->v[s->n - 1].hi < uid)
		return s->n;		/* as in ascending order */
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].hi < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
insert(struct uidset *s, size_t at, uint32_t uid, struct err *err)
{
	struct uidrange *v;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap > 0 ? s->cap * 2 : 64;
		if (cap > SIZE_MAX / sizeof(*v) ||
		    (v = realloc(s->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		s->v = v;
		s->cap = cap;
	}
	memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof(*s->v));
	s->v[at] = (struct uidrange){ uid, uid };
	s->n++;
	return 0;
}

int
uidset_add(struct uidset *s, uint32_t uid, struct err *err)
{
	const size_t at = find(s, uid);
	const bool after = at > 0 && s->v[at - 1].hi == uid - 1;
	const bool before = at < s->n && s->v[at].lo == uid + 1;

	if (uid == 0 || (at < s->n && s->v[at].lo <= uid))
		return 0;
	if (after && before) {
		s->v[at - 1].hi = s->v[at].hi;
		memmove(&s->v[at], &s->v[at + 1],
		    (s->n - at - 1) * sizeof(*s->v));
		s->n--;
	} else if (after) {
		s->v[at - 1].hi = uid;
	} else if (before) {
		s->v[at].lo = uid;
	} else if (insert(s, at, uid, err) == -1) {
		return -1;
	}
	s->count++;
	return 0;
}

bool
uidset_has(const struct uidset *s, uint32_t uid)
{
	const size_t at = find(s, uid);

	return uid != 0 && at < s->n && s->v[at].lo <= uid;
}

bool
uidset_next(const struct uidset *s, uint32_t from, uint32_t most,
    struct uidrange *out)
{
	size_t i = find(s, from);
	uint32_t lo, width;

	if (i == s->n || most == 0)
		return false;
	lo = s->v[i].lo > from ? s->v[i].lo : from;
	*out = (struct uidrange){ lo, lo };
	for (; i < s->n; i++) {
		if (s->v[i].lo > lo)
			lo = s->v[i].lo;
		width = s->v[i].hi - lo;	/* one less than it holds */
		if (width >= most - 1) {
			out->hi = lo + (most - 1);
			return true;
		}
		out->hi = s->v[i].hi;
		most -= width + 1;
	}
	return true;
}

int
uidset_minus(const struct uidset *a, const struct uidset *b,
    struct uidset *out, struct err *err)
{
	uint32_t uid;
	size_t i;

	uidset_clear(out);
	for (i = 0; i < a->n; i++) {
		for (uid = a->v[i].lo;; uid++) {
			if (!uidset_has(b, uid) &&
			    uidset_add(out, uid, err) == -1)
				return -1;
			if (uid == a->v[i].hi)
				break;
		}
	}
	return 0;
}

void
uidset_put(struct buf *out, const struct uidset *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (i > 0)
			buf_chr(out, ',');
		buf_u64(out, s->v[i].lo);
		if (s->v[i].hi > s->v[i].lo) {
			buf_chr(out, ':');
			buf_u64(out, s->v[i].hi);
		}
	}
}
