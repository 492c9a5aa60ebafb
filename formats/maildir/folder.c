/* SPDX-License-Identifier: ISC */
/* One Maildir: its messages in a stable order, and their octets. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/utf8.h"

#include "formats/maildir/below.h"
#include "formats/maildir/folder.h"

#define KEYWORDS_FILE_MAX	((size_t)1 << 20)

/* A directory that changes all the time is not read for ever. */
#define LOOKS	4

/* ---- names of messages ---- */

/* Where ":2," begins, or the end. */
static size_t
base_length(struct span name)
{
	size_t i;

	for (i = 0; i + 2 < name.n; i++)
		if (name.p[i] == ':' && name.p[i + 1] == '2' &&
		    name.p[i + 2] == ',')
			return i;
	return name.n;
}

static struct span
base_of(struct span name)
{
	return span_head(name, base_length(name));
}

/* What stands behind it, up to a comma. */
static struct span
letters_of(struct span name)
{
	const size_t n = base_length(name);
	const struct span s = n < name.n ? span_from(name, n + 3) : SPAN_NONE;

	return span_head(s, span_find(s, ','));
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* Take a number off the front, without leading zeros. */
static struct span
take_number(struct span *s)
{
	struct span digits;
	size_t n = 0;

	while (n < s->n && is_digit(s->p[n]))
		n++;
	digits = span_head(*s, n);
	*s = span_from(*s, n);
	while (digits.n > 1 && digits.p[0] == '0')
		digits = span_from(digits, 1);
	return digits;
}

/* What two names have in common, up to the number in which they differ. */
static size_t
common(struct span a, struct span b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	while (n > 0 && is_digit(a.p[n - 1]))
		n--;
	return n;
}

/*
 * In the order of delivery: numbers in names count as numbers, first of all
 * the seconds that they begin with.
 */
static int
natural_cmp(struct span a, struct span b)
{
	const size_t n = common(a, b);
	struct span x, y;

	a = span_from(a, n);
	b = span_from(b, n);
	while (a.n > 0 && b.n > 0) {
		if (!is_digit(a.p[0]) || !is_digit(b.p[0])) {
			if (a.p[0] != b.p[0])
				return a.p[0] < b.p[0] ? -1 : 1;
			a = span_from(a, 1);
			b = span_from(b, 1);
			continue;
		}
		x = take_number(&a);
		y = take_number(&b);
		if (x.n != y.n)
			return x.n < y.n ? -1 : 1;
		if (!span_eq(x, y))
			return span_cmp(x, y);
	}
	return a.n > 0 ? 1 : b.n > 0 ? -1 : 0;
}

static int
name_cmp(struct span a, struct span b)
{
	const struct span x = base_of(a), y = base_of(b);
	int c;

	if ((c = natural_cmp(x, y)) != 0)
		return c;
	return (c = span_cmp(x, y)) != 0 ? c : span_cmp(a, b);
}

/* ---- tables ---- */

static struct span
table_name(const struct folder_table *t, const struct folder_entry *e)
{
	return span_of(t->names.p + e->at, e->length);
}

static const char *
table_cstr(const struct folder_table *t, const struct folder_entry *e)
{
	return (const char *)t->names.p + e->at;
}

static void
table_fini(struct folder_table *t)
{
	buf_fini(&t->names);
	free(t->v);
	*t = (struct folder_table){ .v = NULL };
}

static int
table_put(struct folder_table *t, const char *name, bool is_new,
    struct err *err)
{
	const size_t cap = t->cap == 0 ? 64 : t->cap * 2;
	const struct span s = span_str(name);
	struct folder_entry *v;

	if (t->names.n > UINT32_MAX - s.n - 1 || s.n > UINT16_MAX)
		return err_set(err, ERR_MAILBOX, STATUS_DATA,
		    "the names of its messages are over 4 GiB");
	if (t->n == t->cap) {
		if ((v = realloc(t->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n] = (struct folder_entry){ (uint32_t)t->names.n,
	    (uint16_t)s.n, is_new };
	buf_put(&t->names, s);
	buf_chr(&t->names, '\0');
	if (!buf_ok(&t->names))
		return err_nomem(err);
	t->n++;
	return 0;
}

/* All names that do not begin with a dot. */
static int
table_read(struct folder_table *t, int fd, bool is_new, struct err *err)
{
	const struct dirent *e;
	DIR *dir;
	int at, rc = 0;

	if ((at = below_dir(fd, SPAN_NONE)) == -1 ||
	    (dir = fdopendir(at)) == NULL) {
		(void)err_sys(err, ERR_MAILBOX, STATUS_IO, "cannot be read");
		(void)io_close(&at, "", NULL);
		return -1;
	}
	while (rc == 0 && (errno = 0, e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			rc = table_put(t, e->d_name, is_new, err);
	if (rc == 0 && errno != 0)
		rc = err_sys(err, ERR_MAILBOX, STATUS_IO, "cannot be read");
	(void)closedir(dir);
	return rc;
}

/* ---- sorting; qsort() takes no argument ---- */

static int
entry_cmp(const struct folder_table *t, const struct folder_entry *a,
    const struct folder_entry *b)
{
	const int c = name_cmp(table_name(t, a), table_name(t, b));

	return c != 0 ? c : (int)a->is_new - (int)b->is_new;
}

/* Merge two sorted runs of `from` into `to`. */
static void
merge(const struct folder_table *t, const struct folder_entry *from,
    struct folder_entry *to, size_t begin, size_t middle, size_t end)
{
	size_t i = begin, j = middle, k;

	for (k = begin; k < end; k++)
		if (i < middle && (j >= end ||
		    entry_cmp(t, &from[i], &from[j]) <= 0))
			to[k] = from[i++];
		else
			to[k] = from[j++];
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int
table_sort(struct folder_table *t, struct err *err)
{
	struct folder_entry *from = t->v, *to, *other;
	size_t run, i;

	if (t->n < 2)
		return 0;
	if ((to = calloc(t->n, sizeof(*to))) == NULL)
		return err_nomem(err);
	for (run = 1; run < t->n; run *= 2) {
		for (i = 0; i < t->n; i += 2 * run)
			merge(t, from, to, i, least(i + run, t->n),
			    least(i + 2 * run, t->n));
		other = from;
		from = to;
		to = other;
	}
	t->v = from;
	t->cap = t->n;
	free(to);
	return 0;
}

/* The first entry whose base name is not before `base`. */
static size_t
table_place(const struct folder_table *t, struct span base)
{
	size_t low = 0, high = t->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (name_cmp(base_of(table_name(t, &t->v[middle])), base) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* By base name, or NULL. */
static struct folder_entry *
table_find(const struct folder_table *t, struct span base)
{
	const size_t i = table_place(t, base);

	if (i < t->n && span_eq(base_of(table_name(t, &t->v[i])), base))
		return &t->v[i];
	return NULL;
}

/* ---- reading the directories ---- */

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* When cur/ and new/ were last changed. */
static int
look_at(const struct folder *f, struct timespec changed[2], struct err *err)
{
	struct stat st = { .st_size = 0 };

	changed[1] = st.st_mtim;
	if (f->new != -1 && fstat(f->new, &st) == -1)
		return err_sys(err, ERR_MAILBOX, STATUS_IO, "%s", f->path);
	changed[1] = st.st_mtim;
	if (fstat(f->cur, &st) == -1)
		return err_sys(err, ERR_MAILBOX, STATUS_IO, "%s", f->path);
	changed[0] = st.st_mtim;
	return 0;
}

/*
 * new/ before cur/: what moves from the one to the other meanwhile is seen twice
 * rather than not at all, and then they have changed and are read again.
 */
static int
table_look(struct folder *f, struct folder_table *t, struct err *err)
{
	struct timespec after[2];

	table_fini(t);
	if (look_at(f, t->changed, err) == -1)
		return -1;
	if ((f->new != -1 && table_read(t, f->new, true, err) == -1) ||
	    table_read(t, f->cur, false, err) == -1) {
		err_at(err, "%s", f->path);
		return -1;
	}
	if (look_at(f, after, err) == -1)
		return -1;
	t->complete = same_time(&t->changed[0], &after[0]) &&
	    same_time(&t->changed[1], &after[1]);
	return 0;
}

static int
table_load(struct folder *f, struct folder_table *t, struct err *err)
{
	unsigned i;

	for (i = 0; i < LOOKS && !t->complete; i++)
		if (table_look(f, t, err) == -1)
			return -1;
	return table_sort(t, err);
}

int
folder_load(struct folder *f, struct err *err)
{
	table_fini(&f->table);
	table_fini(&f->fresh);
	if (table_load(f, &f->table, err) == -1)
		return -1;
	if (!f->table.complete)
		report_note(f->report, "%s: it changed while it was read", f->path);
	return 0;
}

/* ---- opening ---- */

static int
cannot_open(const struct folder *f, struct err *err)
{
	return err_sys(err, ERR_MAILBOX, STATUS_IO, "%s", f->path);
}

int
folder_keywords(struct folder *f, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	rc = below_slurp(f->dir, KEYWORDS_FILE, KEYWORDS_FILE_MAX, &text,
	    f->path, err);
	if (rc != -1)
		rc = keywords_parse(&f->keywords, buf_span(&text)) ? 0 :
		    err_nomem(err);
	buf_fini(&text);
	return rc;
}

static char *
path_of(const char *root, struct span path)
{
	char *s, *whole;

	if (path.n == 0)
		return span_dup(span_str(root));
	if ((s = span_dup(path)) == NULL)
		return NULL;
	whole = io_path(root, s);
	free(s);
	return whole;
}

int
folder_open(struct folder *f, int root, const char *root_path,
    struct span path, const struct report *report, struct err *err)
{
	*f = (struct folder){ .dir = -1, .cur = -1, .new = -1,
	    .report = report };
	if ((f->path = path_of(root_path, path)) == NULL)
		return err_nomem(err);
	if ((f->dir = below_dir(root, path)) == -1 ||
	    (f->cur = below_dir(f->dir, SPAN("cur"))) == -1)
		(void)cannot_open(f, err);
	else if ((f->new = below_dir(f->dir, SPAN("new"))) == -1 &&
	    errno != ENOENT)
		(void)cannot_open(f, err);
	else if (folder_keywords(f, err) == 0)
		return 0;
	folder_close(f);
	return -1;
}

void
folder_close(struct folder *f)
{
	if (f->path != NULL) {
		(void)io_close(&f->dir, f->path, NULL);
		(void)io_close(&f->cur, f->path, NULL);
		(void)io_close(&f->new, f->path, NULL);
	}
	free(f->path);
	keywords_fini(&f->keywords);
	table_fini(&f->table);
	table_fini(&f->fresh);
	*f = (struct folder){ .dir = -1, .cur = -1, .new = -1 };
}

/* ---- messages ---- */

struct span
folder_name(const struct folder *f, const struct folder_entry *e)
{
	return table_name(&f->table, e);
}

void
folder_flags(struct buf *out, const struct folder *f,
    const struct folder_entry *e)
{
	keywords_flags(out, &f->keywords, letters_of(folder_name(f, e)));
}

/* Octets that are no plain text, and what marks them, as %XX. */
static void
put_escaped(struct buf *out, struct span s)
{
	uint32_t cp;
	size_t n;

	while (s.n > 0) {
		n = utf8_next(s, &cp);
		if (n == 0 || s.p[0] <= 0x20 || s.p[0] == 0x7f || s.p[0] == '%') {
			buf_fmt(out, "%%%02X", (unsigned)s.p[0]);
			n = 1;
		} else {
			buf_put(out, span_head(s, n));
		}
		s = span_from(s, n);
	}
}

static bool
unescape(struct buf *out, struct span s)
{
	unsigned char c;

	while (s.n > 0) {
		c = s.p[0];
		if (c == '%' && !hex_decode(span_head(span_from(s, 1), 2), &c, 1))
			return false;
		buf_chr(out, c);
		s = span_from(s, s.p[0] == '%' ? 3 : 1);
	}
	return buf_ok(out);
}

/* Another file of the same base name stands before it. */
static bool
is_second(const struct folder_table *t, const struct folder_entry *e)
{
	return e > t->v && span_eq(base_of(table_name(t, e)),
	    base_of(table_name(t, e - 1)));
}

/*
 * Two files of one base name are two messages that somebody copied: the second
 * one is known by all of its name, and by where it is.
 */
void
folder_ref(struct buf *out, const struct folder *f,
    const struct folder_entry *e)
{
	const struct span name = folder_name(f, e);

	if (!is_second(&f->table, e)) {
		put_escaped(out, base_of(name));
		return;
	}
	buf_str(out, e->is_new ? "new/" : "cur/");
	put_escaped(out, name);
}

static struct folder_entry *
find_second(const struct folder_table *t, struct span name, bool is_new)
{
	size_t i;

	for (i = table_place(t, base_of(name)); i < t->n; i++) {
		if (span_eq(table_name(t, &t->v[i]), name) &&
		    t->v[i].is_new == is_new)
			return &t->v[i];
		if (!span_eq(base_of(table_name(t, &t->v[i])), base_of(name)))
			break;
	}
	return NULL;
}

struct folder_entry *
folder_find(struct folder *f, struct span ref)
{
	const bool second = span_starts(ref, "cur/") || span_starts(ref, "new/");
	struct folder_entry *e = NULL;
	struct buf name = BUF_INIT;

	if (unescape(&name, second ? span_from(ref, 4) : ref))
		e = second ? find_second(&f->table, buf_span(&name),
		    span_starts(ref, "new/")) :
		    table_find(&f->table, buf_span(&name));
	buf_fini(&name);
	return e;
}

/* Take the name that a message has now. */
static int
rename_entry(struct folder *f, struct folder_entry *e,
    const struct folder_entry *now, struct err *err)
{
	const struct span name = table_name(&f->fresh, now);

	if (f->table.names.n > UINT32_MAX - name.n - 1)
		return 0;
	e->at = (uint32_t)f->table.names.n;
	e->length = now->length;
	e->is_new = now->is_new;
	buf_put(&f->table.names, name);
	buf_chr(&f->table.names, '\0');
	return buf_ok(&f->table.names) ? 1 : err_nomem(err);
}

/*
 * A file is not there any more: look under which name its message is now.
 * 1; 0: it is gone; -1.
 */
static int
look_again(struct folder *f, struct folder_entry *e, struct err *err)
{
	const struct folder_entry *now;
	struct timespec changed[2];
	struct span name = folder_name(f, e);

	if (look_at(f, changed, err) == -1)
		return -1;
	if (!f->fresh.complete ||
	    !same_time(&changed[0], &f->fresh.changed[0]) ||
	    !same_time(&changed[1], &f->fresh.changed[1])) {
		f->fresh.complete = false;
		if (table_load(f, &f->fresh, err) == -1)
			return -1;
	}
	if (is_second(&f->table, e))
		return 0;
	now = table_find(&f->fresh, base_of(name));
	if (now == NULL || (now->is_new == e->is_new &&
	    span_eq(table_name(&f->fresh, now), name)))
		return 0;
	return rename_entry(f, e, now, err);
}

static int
message_failed(const struct folder *f, const struct folder_entry *e,
    struct err *err)
{
	return err_sys(err, ERR_MESSAGE, STATUS_IO, "%s/%s/%s", f->path,
	    e->is_new ? "new" : "cur", table_cstr(&f->table, e));
}

static int
dir_of(const struct folder *f, const struct folder_entry *e)
{
	return e->is_new ? f->new : f->cur;
}

int
folder_stat(struct folder *f, struct folder_entry *e, struct stat *st,
    struct err *err)
{
	unsigned i;
	int rc;

	for (i = 0; i < 2; i++) {
		if (fstatat(dir_of(f, e), table_cstr(&f->table, e), st,
		    AT_SYMLINK_NOFOLLOW) == 0)
			return S_ISREG(st->st_mode) ? 1 : 0;
		if (errno != ENOENT)
			return message_failed(f, e, err);
		if (i == 0 && (rc = look_again(f, e, err)) != 1)
			return rc;
	}
	return 0;
}

int
folder_octets(struct folder *f, struct folder_entry *e, int *fd,
    struct stat *st, struct err *err)
{
	unsigned i;
	int rc;

	for (i = 0; i < 2; i++) {
		*fd = below_file(dir_of(f, e), table_cstr(&f->table, e), st);
		if (*fd != -1)
			return 1;
		if (errno == ELOOP || errno == EINVAL || errno == ENXIO)
			return 0;
		if (errno != ENOENT)
			return message_failed(f, e, err);
		if (i == 0 && (rc = look_again(f, e, err)) != 1)
			return rc;
	}
	return 0;
}

ssize_t
folder_read(const struct folder *f, const struct folder_entry *e, int fd,
    void *p, size_t n, struct err *err)
{
	const ssize_t got = io_read(fd, p, n, table_cstr(&f->table, e), err);

	if (got == -1 && err != NULL) {
		err->scope = ERR_MESSAGE;
		err_at(err, "%s/%s", f->path, e->is_new ? "new" : "cur");
	}
	return got;
}
