/* SPDX-License-Identifier: ISC */
/* What the tests of Maildirs share: a directory to work in, files, and reading a whole tree. */
#ifndef TEST_MAILDIR_UTIL_H
#define TEST_MAILDIR_UTIL_H

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/row.h"
#include "formats/maildir/maildir.h"
#include "mail/name.h"

/* ---- files ---- */

static inline int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline int
work_begin(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[512];

	(void)snprintf(path, N(path), "%s/mx-t-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(path) == NULL || chdir(path) == -1)
		return -1;
	*state = strdup(path);
	return *state != NULL ? 0 : -1;
}

static inline int
work_end(void **state)
{
	int rc = -1;

	if (chdir("/") == 0)
		rc = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return rc;
}

static inline void
put_dir(const char *path)
{
	char at[2048];
	char *p;

	(void)snprintf(at, N(at), "%s", path);
	for (p = at + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		(void)mkdir(at, 0700);
	}
	(void)mkdir(at, 0700);
}

static inline void
put_maildir(const char *path)
{
	static const char *const subs[] = { "cur", "new", "tmp" };
	char at[2048];
	size_t i;

	for (i = 0; i < N(subs); i++) {
		(void)snprintf(at, N(at), "%s/%s", path, subs[i]);
		put_dir(at);
	}
}

static inline void
put_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ROW_OK(path, fd != -1);
	ROW_OK(path, write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	ROW_OK(path, close(fd) == 0);
}

static inline void
put_time(const char *path, int64_t sec)
{
	const struct timespec t[2] = { { 0, UTIME_OMIT }, { (time_t)sec, 0 } };

	ROW_OK(path, utimensat(AT_FDCWD, path, t, 0) == 0);
}

static inline bool
has(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* ---- clocks ---- */

static inline int64_t
fixed_now(void *arg)
{
	(void)arg;
	return INT64_C(1700000000123456) * 1000;
}

static inline void
fixed_sleep(void *arg, int64_t ns)
{
	(void)arg, (void)ns;
}

static inline void
fixed_random(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0x5a, n);
}

static const struct sys fixed = {
	fixed_now, fixed_now, fixed_sleep, fixed_random, NULL,
};

static const struct maildir_config config = { &fixed, NULL };

/* ---- reading a whole tree ---- */

/*
 * As text, a line each: "= A/B *" for a mailbox (a star where it is subscribed),
 * then "REF|FLAGS|SECONDS|SIZE|OCTETS" for its items, "?" for octets that could not be had,
 * then "." or "- partial".
 */
struct dump {
	struct buf	 text;
	bool		 idents;
};

static inline int
dump_item(void *arg, struct item *item, struct body *body,
    const struct err *why, struct err *err)
{
	struct dump *d = arg;
	struct span piece;
	int more;

	ROW_OK("item", item->uid == 0 && item->date.known &&
	    item->date.zone == DATE_NO_ZONE);
	buf_put(&d->text, item->ref);
	buf_fmt(&d->text, "|%.*s|%lld|%llu|", SPAN_ARG(item->flags),
	    (long long)item->date.sec, (unsigned long long)item->size);
	if (body == NULL) {
		ROW_OK("why", why->scope == ERR_MESSAGE);
		buf_str(&d->text, "?\n");
		return 0;
	}
	ROW_OK("ident", !d->idents || (item->ident != NULL &&
	    item->key == &item->ident->key && digest_eq(&item->ident->digest,
	    body_digest(body))));
	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		buf_put(&d->text, piece);
	buf_chr(&d->text, '\n');
	return more;
}

static inline void
dump_mailbox(struct dump *d, struct cursor *c, const struct mailbox *m)
{
	struct err err = ERR_INIT;
	const struct mailbox *state;
	enum scope scope;
	struct window w;
	size_t i;
	int more;

	buf_str(&d->text, "= ");
	name_put(&d->text, m->name);
	buf_str(&d->text, m->subscribed ? " *\n" : "\n");
	assert_int_equal(window_init(&w, &err), 0);
	while ((more = c->ops->window(c, &w, &err)) == 1) {
		for (i = 0; i < w.n; i++)
			w.v[i].verdict = VERDICT_WANTED;
		assert_int_equal(c->ops->fetch(c, &w, dump_item, d, &err), 0);
	}
	ROW_OK(err.msg, more == 0);
	assert_int_equal(c->ops->finish(c, &scope, &state, &err), 0);
	buf_str(&d->text, scope == SCOPE_COMPLETE ? ".\n" : "- partial\n");
	window_fini(&w);
}

static inline void
dump_source(struct source *s, struct dump *d)
{
	struct err err = ERR_INIT;
	const struct mailbox *m;
	struct cursor *c;
	int more;

	c = s->ops->open(s, &err);
	assert_non_null(c);
	while ((more = c->ops->mailbox(c, &m, &err)) != 0) {
		ROW_OK(err.msg, more == 1);
		dump_mailbox(d, c, m);
	}
	c->ops->close(c);
}

/* The tree must read so. */
static inline void
check_dump(const char *name, const char *path, const char *want)
{
	static const unsigned needs[] = { 0, NEED_KEY, NEED_KEY | NEED_IDENT };
	struct err err = ERR_INIT;
	struct dump d = { .text = BUF_INIT };
	struct source *s;
	size_t i;

	for (i = 0; i < N(needs); i++) {
		buf_clear(&d.text);
		d.idents = (needs[i] & NEED_IDENT) != 0;
		s = maildir_source(path, &config, needs[i], &err);
		if (s == NULL)
			fail_msg("%s: %s", name, err.msg);
		dump_source(s, &d);
		s->ops->close(s);
		ROW_SPAN(name, buf_span(&d.text), span_str(want));
	}
	buf_fini(&d.text);
}

/* ---- writing ---- */

struct told {
	size_t		n;
	uint64_t	last;
	struct buf	text;		/* refs and lost flags, a line each */
};

static inline int
tell(void *arg, const struct dest_outcome *o, struct err *err)
{
	struct told *t = arg;

	(void)err;
	ROW_OK("stored", o->stored && o->uid == 0 && o->ref.n > 0);
	ROW_OK("in order", o->cookie > t->last);
	t->last = o->cookie;
	t->n++;
	buf_put(&t->text, o->ref);
	buf_fmt(&t->text, "|%.*s\n", SPAN_ARG(o->lost_flags));
	return 0;
}

static inline void
append(struct dest_conn *c, const char *octets, const char *flags, int64_t sec,
    uint64_t cookie, struct told *t)
{
	struct err err = ERR_INIT;
	struct item item = { .flags = span_str(flags),
	    .date = { sec, 60, sec != INT64_MIN } };
	struct body *body = body_new(&err);

	assert_non_null(body);
	assert_int_equal(body_lend(body, span_str(octets), NULL, &err), 0);
	ROW_OK(err.msg, c->ops->append(c, &item, body, cookie, tell, t,
	    &err) == 0);
	body_free(body);
}

static inline struct mailbox
mailbox_of(struct span name)
{
	return (struct mailbox){ .name = name, .status = MAILBOX_OPEN };
}

#endif
