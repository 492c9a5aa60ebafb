/* SPDX-License-Identifier: ISC */
/* Sets of numbers: of names, of items, of UIDs. */

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "formats/archive/numset.h"

/* ---- names ---- */

static uint64_t
hash_of(struct span name)
{
	struct digest d;
	uint64_t h;

	sha256_of(name, &d);
	memcpy(&h, d.b, 8);
	return h == 0 ? 1 : h;
}

/* Its slot, or the free one where it belongs. */
static size_t
name_slot(const struct nameset *s, uint64_t h)
{
	size_t i = (size_t)h & (s->cap - 1);

	while (s->v[i] != 0 && s->v[i] != h)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static bool
names_grow(struct nameset *s)
{
	struct nameset next = { .n = s->n, .cap = s->cap == 0 ? 64 : s->cap * 2 };
	size_t i;

	if ((next.v = calloc(next.cap, sizeof(*next.v))) == NULL)
		return false;
	for (i = 0; i < s->cap; i++)
		if (s->v[i] != 0)
			next.v[name_slot(&next, s->v[i])] = s->v[i];
	free(s->v);
	*s = next;
	return true;
}

bool
nameset_add(struct nameset *s, struct span name)
{
	const uint64_t h = hash_of(name);
	size_t i;

	if (s->n >= s->cap / 2 && !names_grow(s))
		return false;
	i = name_slot(s, h);
	if (s->v[i] == 0) {
		s->v[i] = h;
		s->n++;
	}
	return true;
}

bool
nameset_has(const struct nameset *s, struct span name)
{
	return s->n > 0 && s->v[name_slot(s, hash_of(name))] != 0;
}

void
nameset_clear(struct nameset *s)
{
	if (s->n > 0)
		memset(s->v, 0, s->cap * sizeof(*s->v));
	s->n = 0;
}

void
nameset_fini(struct nameset *s)
{
	free(s->v);
	*s = (struct nameset){ NULL, 0, 0 };
}

/* ---- items ---- */

#define BLOCK_WORDS	64
#define BLOCK_BITS	(BLOCK_WORDS * 64)

bool
bitset_add(struct bitset *s, uint64_t number)
{
	const uint64_t at = number / BLOCK_BITS;
	const size_t bit = (size_t)(number % BLOCK_BITS);
	uint64_t **v;
	size_t n;

	if (at >= SIZE_MAX / sizeof(*v) / 2)
		return false;
	if (at >= s->n) {
		n = (size_t)at + 1 > s->n * 2 ? (size_t)at + 1 : s->n * 2;
		if ((v = realloc(s->block, n * sizeof(*v))) == NULL)
			return false;
		memset(v + s->n, 0, (n - s->n) * sizeof(*v));
		s->block = v;
		s->n = n;
	}
	if (s->block[at] == NULL && (s->block[at] = calloc(BLOCK_WORDS,
	    sizeof(**s->block))) == NULL)
		return false;
	s->block[at][bit / 64] |= UINT64_C(1) << (bit % 64);
	return true;
}

bool
bitset_has(const struct bitset *s, uint64_t number)
{
	const uint64_t at = number / BLOCK_BITS;
	const size_t bit = (size_t)(number % BLOCK_BITS);

	return at < s->n && s->block[at] != NULL &&
	    (s->block[at][bit / 64] >> (bit % 64) & 1) != 0;
}

void
bitset_clear(struct bitset *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		free(s->block[i]);
		s->block[i] = NULL;
	}
}

void
bitset_fini(struct bitset *s)
{
	bitset_clear(s);
	free(s->block);
	*s = (struct bitset){ NULL, 0 };
}

/* ---- UIDs ---- */

/* The first range that ends at or behind uid; n where there is none. */
static size_t
range_find(const struct rangeset *s, uint32_t uid)
{
	size_t low = 0, high = s->n, mid;

	if (s->n > 0 && s->v[s->n - 1].last < uid)
		return s->n;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->v[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
rangeset_has(const struct rangeset *s, uint32_t uid)
{
	const size_t i = range_find(s, uid);

	return i < s->n && s->v[i].first <= uid;
}

static bool
range_insert(struct rangeset *s, size_t i, uint32_t uid)
{
	const size_t cap = s->cap == 0 ? 16 : s->cap * 2;
	struct range *v;

	if (s->n == s->cap) {
		if (cap > SIZE_MAX / sizeof(*v) ||
		    (v = realloc(s->v, cap * sizeof(*v))) == NULL)
			return false;
		s->v = v;
		s->cap = cap;
	}
	memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof(*s->v));
	s->v[i] = (struct range){ uid, uid };
	s->n++;
	return true;
}

bool
rangeset_add(struct rangeset *s, uint32_t uid)
{
	const size_t i = range_find(s, uid);

	if (i < s->n && s->v[i].first <= uid)
		return true;
	if (i > 0 && s->v[i - 1].last + 1 == uid) {
		s->v[i - 1].last = uid;
		return true;
	}
	if (i < s->n && s->v[i].first == uid + 1) {
		s->v[i].first = uid;
		return true;
	}
	return range_insert(s, i, uid);
}

void
rangeset_clear(struct rangeset *s)
{
	s->n = 0;
}

void
rangeset_fini(struct rangeset *s)
{
	free(s->v);
	*s = (struct rangeset){ NULL, 0, 0 };
}
