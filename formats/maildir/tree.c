/* SPDX-License-Identifier: ISC */
/* The mailboxes of a tree and where they are. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "mail/name.h"

#include "formats/maildir/below.h"
#include "formats/maildir/tree.h"

#define TRUE_NAME_MAX	((size_t)64 << 10)

/* What a walk may cost. */
struct bounds {
	unsigned	depth;
	size_t		dirs, entries, mailboxes;
};

static const struct bounds everything = {
	64, SIZE_MAX, SIZE_MAX, 1000000
};
static const struct bounds a_look = { 3, 1000, 100000, 1 };

/* A directory that was seen, and what it would be called as a mailbox. */
struct place {
	struct span	path, name;
	unsigned	depth;
	bool		mailbox;
};

struct walk {
	const char		*root;
	int			 fd;
	const struct bounds	*bounds;
	const struct report	*report;
	struct arena		*arena;
	struct place		*v;	/* from `at` on, still to be looked at */
	size_t			 n, cap, at;
	size_t			 mailboxes, entries;
	bool			 complete;
	bool			 fs, plus, utf8;	/* forms that were met */
};

/* ---- walking ---- */

static int
put_place(struct walk *w, struct span path, struct span name, unsigned depth,
    struct err *err)
{
	const size_t cap = w->cap == 0 ? 64 : w->cap * 2;
	struct place *v;

	if (w->n == w->cap) {
		if ((v = realloc(w->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		w->v = v;
		w->cap = cap;
	}
	v = &w->v[w->n];
	*v = (struct place){ .depth = depth };
	if (!arena_span(w->arena, path, &v->path) ||
	    !arena_span(w->arena, name, &v->name))
		return err_nomem(err);
	w->n++;
	return 0;
}

static bool
has_8bit(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return true;
	return false;
}

/* A subdirectory of `up`, which may have moved when this returns. */
static int
put_sub(struct walk *w, const struct place *up, struct span dir,
    struct err *err)
{
	struct buf path = BUF_INIT, name = BUF_INIT;
	const unsigned depth = up->depth + 1;
	const bool plus = dir.p[0] == '.';
	int rc;

	buf_put(&path, up->path);
	if (path.n > 0)
		buf_chr(&path, '/');
	buf_put(&path, dir);
	if (!span_is(up->name, "INBOX") || up->path.n > 0)
		buf_put(&name, up->name);
	if (plus)
		(void)mdname_add_plus(&name, dir);
	else
		(void)mdname_add_fs(&name, dir);
	if (buf_ok(&path) && buf_ok(&name))
		rc = put_place(w, buf_span(&path), buf_span(&name), depth, err);
	else
		rc = err_nomem(err);
	if (plus && depth == 1) {
		w->plus = true;
		w->utf8 = w->utf8 || has_8bit(dir);
	}
	buf_fini(&path);
	buf_fini(&name);
	return rc;
}

static void
pass_over(struct walk *w, const struct place *p)
{
	w->complete = false;
	report_note(w->report, "%s/%.*s: %s: what is in it is passed over",
	    w->root, SPAN_ARG(p->path), strerror(errno));
}

/* Something in a directory of the tree. */
static int
see_entry(struct walk *w, size_t i, int fd, const char *name, struct err *err)
{
	const struct span s = span_str(name);
	char *cur;
	bool is;

	if (span_is(s, ".") || span_is(s, "..") || span_is(s, ".mx") ||
	    span_is(s, "new") || span_is(s, "tmp") || !below_is_dir(fd, name))
		return 0;
	if (span_is(s, "cur")) {
		w->v[i].mailbox = true;
		w->mailboxes++;
		w->fs = w->fs || (w->v[i].depth > 0 && w->v[i].path.p[0] != '.');
		return 0;
	}
	if (s.p[0] == '.') {
		if ((cur = io_path(name, "cur")) == NULL)
			return err_nomem(err);
		is = below_is_dir(fd, cur);
		free(cur);
		if (!is)
			return 0;
	}
	if (w->v[i].depth == w->bounds->depth) {
		errno = ELOOP;
		pass_over(w, &w->v[i]);
		return 0;
	}
	return put_sub(w, &w->v[i], s, err);
}

/* All that stands in a directory.  It ends where the bounds are reached. */
static int
see_dir(struct walk *w, size_t i, struct err *err)
{
	const struct dirent *e;
	DIR *dir;
	int fd, rc = 0;

	if ((fd = below_dir(w->fd, w->v[i].path)) == -1 ||
	    (dir = fdopendir(fd)) == NULL) {
		pass_over(w, &w->v[i]);
		return io_close(&fd, w->root, err);
	}
	while (rc == 0 && (errno = 0, e = readdir(dir)) != NULL) {
		if (++w->entries > w->bounds->entries)
			break;
		rc = see_entry(w, i, fd, e->d_name, err);
	}
	if (rc == 0 && e == NULL && errno != 0)
		pass_over(w, &w->v[i]);
	(void)closedir(dir);
	return rc;
}

static int
walk_run(struct walk *w, struct err *err)
{
	w->complete = true;
	if (put_place(w, SPAN_NONE, SPAN("INBOX"), 0, err) == -1)
		return -1;
	for (; w->at < w->n; w->at++) {
		if (w->at >= w->bounds->dirs ||
		    w->entries > w->bounds->entries ||
		    w->mailboxes >= w->bounds->mailboxes) {
			w->complete = false;
			break;
		}
		if (see_dir(w, w->at, err) == -1)
			return -1;
	}
	return 0;
}

bool
tree_is(const char *root)
{
	struct arena arena = { .head = NULL };
	struct walk w = { .root = root, .bounds = &a_look, .arena = &arena };
	struct err err = ERR_INIT;

	if ((w.fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return false;
	(void)walk_run(&w, &err);
	(void)io_close(&w.fd, root, NULL);
	free(w.v);
	arena_fini(&arena);
	return w.mailboxes > 0;
}

/* ---- names ---- */

static bool
holds(struct span s, const char *what)
{
	const size_t n = strlen(what);

	for (; s.n >= n; s = span_from(s, 1))
		if (span_starts(s, what))
			return true;
	return false;
}

/* A true name is believed where it leads to the very path that it stands at. */
static bool
is_name_of(struct span name, struct span path)
{
	static const enum mdname_form forms[] = {
		MDNAME_FS, MDNAME_PLUS, MDNAME_PLUS_UTF8
	};
	struct buf would = BUF_INIT;
	bool is = false;
	size_t i;

	for (i = 0; i < N(forms) && !is; i++) {
		buf_clear(&would);
		mdname_path(&would, name, forms[i]);
		is = buf_ok(&would) && span_eq(buf_span(&would), path);
	}
	buf_fini(&would);
	return is;
}

/* Where the path does not tell the name, a file beside the messages does. */
static int
true_name(struct walk *w, struct place *p, struct err *err)
{
	struct buf text = BUF_INIT, name = BUF_INIT;
	int fd, rc = 0;

	if (!holds(p->path, "%~") || (fd = below_dir(w->fd, p->path)) == -1)
		return 0;
	if (below_slurp(fd, TREE_TRUE_NAME, TRUE_NAME_MAX, &text, w->root,
	    NULL) == 1 && name_parse_json(&name, span_trim(buf_span(&text))) &&
	    is_name_of(buf_span(&name), p->path) &&
	    !arena_span(w->arena, buf_span(&name), &p->name))
		rc = err_nomem(err);
	(void)io_close(&fd, w->root, NULL);
	buf_fini(&text);
	buf_fini(&name);
	return rc;
}

/* By name, and those of one name by path, so that it is always the same. */
static int
place_cmp(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;
	const int c = span_cmp(a->name, b->name);

	return c != 0 ? c : span_cmp(a->path, b->path);
}

/* A name that nobody has yet. */
static int
free_name(const struct tree *t, struct span want, struct buf *out,
    struct err *err)
{
	unsigned k;

	buf_put(out, want);
	for (k = 2; buf_ok(out) && mailboxes_get(&t->all, buf_span(out)) != NULL;
	    k++) {
		buf_clear(out);
		buf_put(out, want);
		buf_fmt(out, "~%u", k);
	}
	return buf_ok(out) ? 0 : err_nomem(err);
}

static char
delimiter_of(const struct tree *t)
{
	return t->form == MDNAME_FS ? '/' : '.';
}

/* Into the list; the path rides in `raw` until all is sorted. */
static int
take_place(struct tree *t, const struct place *p, const struct report *report,
    struct err *err)
{
	struct buf name = BUF_INIT;
	struct mailbox m = { .raw = p->path, .delimiter = delimiter_of(t) };
	int rc = -1;

	if (free_name(t, p->name, &name, err) == -1)
		goto out;
	m.name = buf_span(&name);
	if (m.name.n != p->name.n)
		report_note(report, "%s/%.*s: another mailbox has its name",
		    t->root, SPAN_ARG(p->path));
	if (mailboxes_put(&t->all, &m) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	rc = 0;
out:
	buf_fini(&name);
	return rc;
}

/* ---- the tree ---- */

static int
sort(struct tree *t, struct err *err)
{
	size_t i;

	mailboxes_sort(&t->all);
	t->cap = t->all.n + 16;
	if ((t->paths = calloc(t->cap, sizeof(*t->paths))) == NULL)
		return err_nomem(err);
	for (i = 0; i < t->all.n; i++) {
		t->paths[i] = t->all.v[i].raw;
		t->all.v[i].raw = SPAN_NONE;
	}
	return 0;
}

static enum mdname_form
form_of(const struct walk *w)
{
	const bool inbox = w->n > 0 && w->v[0].mailbox;

	if (!inbox && (w->fs || !w->plus))
		return MDNAME_FS;
	if (w->fs && !w->plus)
		return MDNAME_FS;
	return w->utf8 ? MDNAME_PLUS_UTF8 : MDNAME_PLUS;
}

static int
take_all(struct tree *t, struct walk *w, struct err *err)
{
	size_t i, n = 0;

	if (w->mailboxes >= w->bounds->mailboxes)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: more than %zu mailboxes", t->root,
		    w->bounds->mailboxes);
	t->form = form_of(w);
	for (i = 0; i < w->n; i++)
		if (w->v[i].mailbox)
			w->v[n++] = w->v[i];
	for (i = 0; i < n; i++)
		if (true_name(w, &w->v[i], err) == -1)
			return -1;
	if (n > 0)
		qsort(w->v, n, sizeof(*w->v), place_cmp);
	for (i = 0; i < n; i++)
		if (take_place(t, &w->v[i], w->report, err) == -1)
			return -1;
	t->complete = t->all.complete = w->complete;
	return sort(t, err);
}

int
tree_open(struct tree *t, const char *root, const struct report *report,
    struct err *err)
{
	struct walk w = { .root = root, .bounds = &everything,
	    .report = report, .arena = &t->arena };
	int rc = -1;

	*t = (struct tree){ .root = root, .fd = -1, .complete = true };
	t->all.complete = true;
	t->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd == -1)
		return errno == ENOENT ? 0 : err_sys(err, ERR_RUN,
		    STATUS_NOINPUT, "%s", root);
	w.fd = t->fd;
	if (walk_run(&w, err) == 0)
		rc = take_all(t, &w, err);
	free(w.v);
	if (rc == -1)
		tree_close(t);
	return rc;
}

void
tree_close(struct tree *t)
{
	(void)io_close(&t->fd, t->root, NULL);
	mailboxes_fini(&t->all);
	free(t->paths);
	arena_fini(&t->arena);
	*t = (struct tree){ .fd = -1 };
}

size_t
tree_find(const struct tree *t, struct span name)
{
	const struct mailbox *m = mailboxes_get(&t->all, name);

	return m == NULL ? SIZE_MAX : (size_t)(m - t->all.v);
}

int
tree_add(struct tree *t, const struct mailbox *like, struct err *err)
{
	struct mailbox m = { .name = like->name, .delimiter = delimiter_of(t),
	    .subscribed = like->subscribed };
	const size_t cap = t->cap == 0 ? 16 : t->cap * 2;
	struct buf path = BUF_INIT;
	struct span *v;
	int rc = -1;

	mdname_path(&path, m.name, t->form);
	if (t->all.n >= t->cap) {
		if ((v = realloc(t->paths, cap * sizeof(*v))) == NULL)
			goto out;
		t->paths = v;
		t->cap = cap;
	}
	if (!buf_ok(&path) || !arena_span(&t->arena, buf_span(&path),
	    &t->paths[t->all.n]) || mailboxes_put(&t->all, &m) == NULL)
		goto out;
	rc = 0;
out:
	buf_fini(&path);
	return rc == 0 ? 0 : err_nomem(err);
}
