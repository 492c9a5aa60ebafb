/* SPDX-License-Identifier: ISC */
/* Messages on their way into a Maildir. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

#include "formats/maildir/outgoing.h"

#define HOST_MAX	64
#define NAMES_TRIED	8

/* ---- names ---- */

struct namer {
	const struct sys	*sys;
	char			 host[HOST_MAX + 1];
	pthread_mutex_t		 lock;		/* over what follows */
	int64_t			 last;		/* microseconds since 1970 */
	uint64_t		 count;
};

/* The host's name, of such octets as mean nothing in a file name. */
static void
host_of(char out[HOST_MAX + 1])
{
	size_t i;

	memset(out, 0, HOST_MAX + 1);
	if (gethostname(out, HOST_MAX) == -1 || out[0] == '\0')
		memcpy(out, "localhost", strlen("localhost"));
	for (i = 0; i < HOST_MAX && out[i] != '\0'; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789.-", out[i]) == NULL)
			out[i] = '_';
}

struct namer *
namer_new(const struct sys *sys, struct err *err)
{
	struct namer *n;

	if ((n = calloc(1, sizeof(*n))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	n->sys = sys;
	host_of(n->host);
	if (pthread_mutex_init(&n->lock, NULL) != 0) {
		(void)err_nomem(err);
		free(n);
		return NULL;
	}
	return n;
}

void
namer_free(struct namer *n)
{
	if (n == NULL)
		return;
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
}

/*
 * A base name.  The time in it always grows, whatever the clock does, so that
 * the order of names is the order in which they were given.
 */
static void
put_base(struct buf *out, struct namer *n, uint64_t size)
{
	int64_t now;
	uint64_t count;

	(void)pthread_mutex_lock(&n->lock);
	now = sys_now(n->sys) / 1000;
	n->last = now > n->last ? now : n->last + 1;
	now = n->last;
	count = ++n->count;
	(void)pthread_mutex_unlock(&n->lock);
	buf_fmt(out, "%lld.M%06lldP%ldQ%llu.%s,S=%llu",
	    (long long)(now / 1000000), (long long)(now % 1000000),
	    (long)getpid(), (unsigned long long)count, n->host,
	    (unsigned long long)size);
}

/* ---- one message ---- */

struct sent {
	uint64_t	 cookie, size;
	int		 fd;		/* of the file in tmp/ */
	struct buf	 base, name;	/* before ":2,", and with its letters */
	struct buf	 lost;
	char		*tmp;		/* the file in tmp/; NULL: it left it */
};

struct outgoing {
	char		*tmp, *cur;
	struct namer	*namer;
	struct sent	 v[OUTGOING_MAX];
	size_t		 n;
};

static void
sent_fini(struct sent *s)
{
	/* Nobody was told of it: it is sent again another time. */
	(void)io_close(&s->fd, "", NULL);
	if (s->tmp != NULL)
		(void)io_unlink(s->tmp, NULL);
	free(s->tmp);
	buf_fini(&s->base);
	buf_fini(&s->name);
	buf_fini(&s->lost);
}

static void
drop_all(struct outgoing *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		sent_fini(&o->v[i]);
	o->n = 0;
}

struct outgoing *
outgoing_new(const char *path, struct namer *namer, struct err *err)
{
	struct outgoing *o;

	if ((o = calloc(1, sizeof(*o))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	o->namer = namer;
	o->tmp = io_path(path, "tmp");
	o->cur = io_path(path, "cur");
	if (o->tmp == NULL || o->cur == NULL) {
		(void)err_nomem(err);
		outgoing_free(o);
		return NULL;
	}
	return o;
}

void
outgoing_free(struct outgoing *o)
{
	if (o == NULL)
		return;
	drop_all(o);
	free(o->tmp);
	free(o->cur);
	free(o);
}

bool
outgoing_full(const struct outgoing *o)
{
	return o->n == OUTGOING_MAX;
}

/* ---- into tmp/ ---- */

static int
name_it(struct outgoing *o, struct sent *s, struct span letters,
    struct err *err)
{
	buf_clear(&s->base);
	buf_clear(&s->name);
	put_base(&s->base, o->namer, s->size);
	buf_put(&s->name, buf_span(&s->base));
	buf_str(&s->name, ":2,");
	buf_put(&s->name, letters);
	(void)buf_cstr(&s->name);
	(void)buf_cstr(&s->base);
	return buf_ok(&s->name) && buf_ok(&s->base) ? 0 : err_nomem(err);
}

static int
write_it(struct sent *s, struct body *body, const struct date *date,
    struct err *err)
{
	struct span piece;
	char *path = s->tmp;
	int more;

	/* Until it is made it is not ours to remove. */
	s->tmp = NULL;
	if (io_create(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, &s->fd,
	    err) == -1) {
		free(path);
		return -1;
	}
	s->tmp = path;
	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		if (io_write(s->fd, piece, path, err) == -1)
			return -1;
	if (more == -1)
		return -1;
	return date->known ? io_utime(path, date->sec, err) : 0;
}

int
outgoing_put(struct outgoing *o, struct body *body, const struct date *date,
    struct span letters, struct span lost_flags, uint64_t cookie,
    struct err *err)
{
	struct sent *s = &o->v[o->n];

	if (outgoing_full(o))
		return err_set(err, ERR_RUN, STATUS_BUG, "too many at once");
	*s = (struct sent){ .cookie = cookie, .fd = -1,
	    .size = body_size(body) };
	buf_put(&s->lost, lost_flags);
	if (name_it(o, s, letters, err) == -1)
		goto fail;
	s->tmp = io_path(o->tmp, buf_cstr(&s->base));
	if (s->tmp == NULL || !buf_ok(&s->lost)) {
		(void)err_nomem(err);
		free(s->tmp);
		s->tmp = NULL;
		goto fail;
	}
	if (write_it(s, body, date, err) == -1)
		goto fail;
	o->n++;
	return 0;
fail:
	sent_fini(s);
	return -1;
}

/* ---- into cur/ ---- */

static bool
is_absent(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 && errno == ENOENT;
}

/* A file system without links has to do with a rename. */
static bool
has_no_links(int sys)
{
	return sys == EPERM || sys == ENOTSUP || sys == EOPNOTSUPP ||
	    sys == ENOSYS || sys == EMLINK;
}

/* 1: in place; 0: the name is taken; -1. */
static int
place_it(struct sent *s, const char *to, struct err *err)
{
	struct err why = ERR_INIT;

	if (io_link(s->tmp, to, &why) == 0) {
		if (io_unlink(s->tmp, err) == -1)
			return -1;
	} else if (why.sys == EEXIST) {
		return 0;
	} else if (has_no_links(why.sys) && is_absent(to)) {
		if (io_rename(s->tmp, to, err) == -1)
			return -1;
	} else {
		if (err != NULL)
			*err = why;
		return -1;
	}
	free(s->tmp);
	s->tmp = NULL;
	return 1;
}

/* The letters of a message, out of its name. */
static int
keep_letters(const struct sent *s, struct buf *out, struct err *err)
{
	buf_put(out, span_from(buf_span(&s->name), s->base.n + strlen(":2,")));
	return buf_ok(out) ? 0 : err_nomem(err);
}

static int
link_it(struct outgoing *o, struct sent *s, struct err *err)
{
	struct buf letters = BUF_INIT;
	unsigned tries;
	char *to;
	int rc = 0;

	if (keep_letters(s, &letters, err) == -1)
		rc = -1;
	for (tries = 0; rc == 0 && tries < NAMES_TRIED; tries++) {
		if (tries > 0 && name_it(o, s, buf_span(&letters), err) == -1) {
			rc = -1;
			break;
		}
		if ((to = io_path(o->cur, buf_cstr(&s->name))) == NULL) {
			rc = err_nomem(err);
			break;
		}
		rc = place_it(s, to, err);
		free(to);
	}
	buf_fini(&letters);
	if (rc == 0)
		return err_set(err, ERR_RUN, STATUS_IO,
		    "%s/%s: every name is taken", o->cur, buf_cstr(&s->name));
	return rc == 1 ? 0 : -1;
}

static int
store_all(struct outgoing *o, struct err *err)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (io_sync(o->v[i].fd, o->v[i].tmp, err) == -1 ||
		    io_close(&o->v[i].fd, o->v[i].tmp, err) == -1)
			return -1;
	for (i = 0; i < o->n; i++)
		if (link_it(o, &o->v[i], err) == -1)
			return -1;
	return io_sync_dir(o->cur, err);
}

int
outgoing_flush(struct outgoing *o, dest_outcome_fn *tell, void *arg,
    struct err *err)
{
	struct dest_outcome outcome;
	size_t i;
	int rc = 0;

	if (o->n == 0)
		return 0;
	if (store_all(o, err) == -1) {
		drop_all(o);
		return -1;
	}
	for (i = 0; i < o->n && rc == 0; i++) {
		outcome = (struct dest_outcome){ .cookie = o->v[i].cookie,
		    .stored = true, .ref = buf_span(&o->v[i].base),
		    .lost_flags = buf_span(&o->v[i].lost) };
		rc = tell(arg, &outcome, err);
	}
	drop_all(o);
	return rc;
}
