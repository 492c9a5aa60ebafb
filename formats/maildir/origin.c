/* SPDX-License-Identifier: ISC */
/* What a tree of Maildirs is known by. */

#include <stdlib.h>

#include "formats/maildir/origin.h"

/* The real path of what there is of `path`; *rest is what there is not. */
static char *
resolve(struct span path, struct span *rest)
{
	size_t n = path.n;
	char *text, *real;

	for (;;) {
		text = span_dup(n > 0 ? span_head(path, n) : SPAN("."));
		real = text == NULL ? NULL : realpath(text, NULL);
		free(text);
		if (real != NULL || n == 0)
			break;
		while (n > 0 && path.p[n - 1] == '/')
			n--;
		while (n > 0 && path.p[n - 1] != '/')
			n--;
	}
	*rest = span_from(path, n);
	return real;
}

/* Go back to the directory above; a path begins at `start`. */
static void
put_up(struct buf *out, size_t start)
{
	while (out->n > start && out->p[out->n - 1] != '/')
		out->n--;
	if (out->n > start)
		out->n--;
}

int
origin_put(struct buf *out, const char *path, struct err *err)
{
	struct span rest, component;
	size_t start;
	char *real;

	buf_str(out, "maildir:");
	start = out->n;
	if ((real = resolve(span_str(path), &rest)) == NULL)
		return err_sys(err, ERR_RUN, STATUS_NOINPUT, "%s", path);
	/* The root's own slash is put in front of what follows. */
	if (!span_is(span_str(real), "/") || rest.n == 0)
		buf_str(out, real);
	free(real);
	while (span_next(&rest, '/', &component)) {
		if (component.n == 0 || span_is(component, "."))
			continue;
		if (span_is(component, "..")) {
			put_up(out, start);
			continue;
		}
		buf_chr(out, '/');
		buf_put(out, component);
	}
	return buf_ok(out) ? 0 : err_nomem(err);
}
