/* SPDX-License-Identifier: ISC */
/* Storage of parsed rules. */

#include <stdlib.h>
#include <string.h>

#include "rules/pool.h"

void
pool_fini(struct pool *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		regex_free(p->regex[i]);
	free(p->regex);
	arena_fini(&p->arena);
	*p = (struct pool){ 0 };
}

int
pool_span(struct pool *p, struct span in, struct span *out, struct err *err)
{
	return arena_span(&p->arena, in, out) ? 0 : err_nomem(err);
}

void *
pool_array(struct pool *p, const void *v, size_t n, size_t size,
    struct err *err)
{
	void *copy = NULL;

	if (n <= SIZE_MAX / size)
		copy = arena_alloc(&p->arena, n > 0 ? n * size : 1);
	if (copy == NULL) {
		err_nomem(err);
		return NULL;
	}
	if (n > 0)
		memcpy(copy, v, n * size);
	return copy;
}

static int
keep(struct pool *p, struct regex *r, struct err *err)
{
	struct regex **v;
	size_t cap;

	if (p->n == p->cap) {
		cap = p->cap == 0 ? 16 : p->cap * 2;
		if (cap > SIZE_MAX / sizeof(struct regex *) ||
		    (v = realloc(p->regex, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		p->regex = v;
		p->cap = cap;
	}
	p->regex[p->n++] = r;
	if (regex_groups(r) > p->groups)
		p->groups = regex_groups(r);
	return 0;
}

const struct regex *
pool_regex(struct pool *p, const struct scan *s, const struct delimited *d,
    unsigned flags)
{
	struct regex *r;
	size_t at;

	if (d->text.n == 0) {
		/* In Perl this is the last regex that matched: no use here. */
		scan_fail(s, d->from, "the regex is empty");
		return NULL;
	}
	if ((r = regex_new(d->text, flags, &at, s->err)) == NULL) {
		scan_place(s, scan_source(s, d, at));
		return NULL;
	}
	if (keep(p, r, s->err) == -1) {
		regex_free(r);
		return NULL;
	}
	return r;
}
