/* SPDX-License-Identifier: ISC */
/* The destination over a tree of Maildirs. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "mail/flags.h"
#include "mail/name.h"

#include "formats/maildir/below.h"
#include "formats/maildir/folder.h"
#include "formats/maildir/maildir.h"
#include "formats/maildir/origin.h"
#include "formats/maildir/outgoing.h"
#include "formats/maildir/reader.h"
#include "formats/maildir/subs.h"
#include "formats/maildir/tree.h"

#define NAME_ROOM	300	/* "/cur/", a message's name, a NUL */

struct maildir_dest {
	struct dest		 dest;
	char			*path;
	struct maildir_config	 config;
	struct buf		 target;
	struct namer		*namer;
	pthread_mutex_t		 lock;		/* over the tree */
	struct tree		 tree;
};

struct maildir_conn {
	struct dest_conn	 conn;
	struct maildir_dest	*dest;
	struct folder		 folder;
	struct outgoing		*out;
	struct reader		*reader;
	struct buf		 flags;		/* what may be stored */
	struct buf		 text, text2;
};

static struct maildir_dest *
dest_of(struct dest *dest)
{
	return (struct maildir_dest *)(void *)dest;
}

static struct maildir_conn *
conn_of(struct dest_conn *conn)
{
	return (struct maildir_conn *)(void *)conn;
}

/* ---- making mailboxes; under the lock ---- */

/* The path of a message has to be one. */
static int
check_length(const struct tree *t, size_t i, struct err *err)
{
	const size_t n = span_str(t->root).n + t->paths[i].n;

	if (n + NAME_ROOM <= PATH_MAX)
		return 0;
	return err_set(err, ERR_MAILBOX, STATUS_IO,
	    "%s: a path of %zu octets is too long", t->root, n);
}

/* Every directory on the way is one, and no link. */
static int
check_way(const char *root, struct span path, struct err *err)
{
	struct buf at = BUF_INIT;
	struct span component;
	struct stat st;
	int rc = 0;

	buf_str(&at, root);
	while (rc == 0 && span_next(&path, '/', &component)) {
		buf_chr(&at, '/');
		buf_put(&at, component);
		(void)buf_cstr(&at);
		if (!buf_ok(&at))
			rc = err_nomem(err);
		else if (lstat(buf_cstr(&at), &st) == 0 &&
		    !S_ISDIR(st.st_mode))
			rc = err_set(err, ERR_MAILBOX, STATUS_IO,
			    "%s: is there, and is no directory", buf_cstr(&at));
	}
	buf_fini(&at);
	return rc;
}

/* What concerns this mailbox alone does not end the run. */
static int
narrow(struct err *err)
{
	if (err != NULL && (err->sys == ENAMETOOLONG || err->sys == ENOTDIR ||
	    err->sys == ELOOP || err->sys == EEXIST))
		err->scope = ERR_MAILBOX;
	return -1;
}

/* A file in the mailbox, unless it is there. */
static int
put_file(const char *dir, const char *name, struct span octets,
    struct err *err)
{
	struct stat st;
	char *path;
	int rc;

	if ((path = io_path(dir, name)) == NULL)
		return err_nomem(err);
	rc = lstat(path, &st) == 0 ? 0 : io_replace(path, octets, err);
	free(path);
	return rc;
}

/* The true name where the path does not tell it; what Maildir++ asks for. */
static int
put_extras(const struct tree *t, size_t i, const char *dir, struct err *err)
{
	const struct span name = t->all.v[i].name, path = t->paths[i];
	struct buf said = BUF_INIT, json = BUF_INIT;
	bool told = path.n == 0;
	int rc = 0;

	if (!told && path.p[0] == '.')
		told = mdname_add_plus(&said, path);
	else if (!told)
		told = name_parse_path(&said, path);
	told = path.n == 0 || (told && span_eq(buf_span(&said), name));
	if (!told) {
		name_json(&json, name);
		buf_chr(&json, '\n');
		rc = buf_ok(&json) ? put_file(dir, TREE_TRUE_NAME,
		    buf_span(&json), err) : err_nomem(err);
	}
	if (rc == 0 && path.n > 0 && path.p[0] == '.')
		rc = put_file(dir, "maildirfolder", SPAN_NONE, err);
	buf_fini(&said);
	buf_fini(&json);
	return rc;
}

/* cur/ comes last: it is what makes it a mailbox. */
static int
make_dirs(const char *dir, struct err *err)
{
	static const char *const subs[] = { "tmp", "new", "cur" };
	char *sub;
	size_t k;
	int rc = 0;

	for (k = 0; k < N(subs) && rc == 0; k++) {
		if ((sub = io_path(dir, subs[k])) == NULL)
			return err_nomem(err);
		rc = io_mkdir(sub, err);
		free(sub);
	}
	return rc == 0 ? io_sync_dir(dir, err) : -1;
}

/* The path of mailbox i, from the root's; the caller frees it. */
static char *
dir_of(const struct tree *t, size_t i)
{
	char *path, *dir;

	if (t->paths[i].n == 0)
		return span_dup(span_str(t->root));
	if ((path = span_dup(t->paths[i])) == NULL)
		return NULL;
	dir = io_path(t->root, path);
	free(path);
	return dir;
}

static int
make_root(struct tree *t, struct err *err)
{
	if (t->fd != -1)
		return 0;
	if (io_mkdirs(t->root, err) == -1)
		return -1;
	t->fd = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t->fd != -1 ? 0 : err_sys(err, ERR_RUN, STATUS_IO, "%s", t->root);
}

static int
make_mailbox(struct tree *t, size_t i, struct err *err)
{
	char *dir;
	int rc;

	if (check_way(t->root, t->paths[i], err) == -1)
		return -1;
	if ((dir = dir_of(t, i)) == NULL)
		return err_nomem(err);
	rc = make_root(t, err);
	if (rc == 0)
		rc = io_mkdirs(dir, err);
	if (rc == 0)
		rc = put_extras(t, i, dir, err);
	if (rc == 0)
		rc = make_dirs(dir, err);
	free(dir);
	return rc == 0 ? 0 : narrow(err);
}

/* A Maildir that is read may lack tmp/, or new/. */
static bool
is_whole(const struct tree *t, size_t i)
{
	const int fd = t->fd == -1 ? -1 : below_dir(t->fd, t->paths[i]);
	int at = fd;
	bool whole;

	whole = fd != -1 && below_is_dir(fd, "cur") &&
	    below_is_dir(fd, "new") && below_is_dir(fd, "tmp");
	(void)io_close(&at, t->root, NULL);
	return whole;
}

/* Before the mailbox is made, after which nobody would ask for it again. */
static int
subscribe(struct tree *t, size_t i, struct err *err)
{
	if (make_root(t, err) == -1)
		return -1;
	return subs_add(t, i, err);
}

/* Find the mailbox, or make it.  1, 0, -1. */
static int
get_mailbox(struct maildir_dest *d, const struct mailbox *m, bool create,
    size_t *i, bool *created, struct err *err)
{
	struct tree *t = &d->tree;

	*created = false;
	if ((*i = tree_find(t, m->name)) == SIZE_MAX) {
		if (!create)
			return 0;
		if (tree_add(t, m, err) == -1)
			return -1;
		*i = t->all.n - 1;
		*created = true;
	}
	if (create && check_length(t, *i, err) == -1)
		return -1;
	if (*created && m->subscribed && subscribe(t, *i, err) == -1)
		return -1;
	if (create && !is_whole(t, *i) && make_mailbox(t, *i, err) == -1)
		return -1;
	return 1;
}

/* ---- opening ---- */

static int
open_folder(struct maildir_conn *c, const struct mailbox *m, bool create,
    bool *created, struct err *err)
{
	struct maildir_dest *d = c->dest;
	size_t i;
	int rc;

	(void)pthread_mutex_lock(&d->lock);
	rc = get_mailbox(d, m, create, &i, created, err);
	if (rc == 1 && folder_open(&c->folder, d->tree.fd, d->path,
	    d->tree.paths[i], d->config.report, err) == -1)
		rc = -1;
	(void)pthread_mutex_unlock(&d->lock);
	return rc;
}

/* The flags that can be stored: the system's, and the keywords that have a letter. */
static int
list_flags(struct maildir_conn *c, bool *any, struct err *err)
{
	const struct keywords *k = &c->folder.keywords;
	size_t i;

	*any = false;
	buf_clear(&c->text);
	buf_str(&c->text, "\\Answered \\Deleted \\Draft \\Flagged \\Seen $Forwarded");
	for (i = 0; i < KEYWORDS_MAX; i++) {
		if (k->name[i].n == 0)
			*any = true;
		buf_chr(&c->text, ' ');
		buf_put(&c->text, k->name[i]);
	}
	buf_clear(&c->flags);
	flags_canon(&c->flags, buf_span(&c->text));
	return buf_ok(&c->text) && buf_ok(&c->flags) ? 0 : err_nomem(err);
}

static void
leave(struct maildir_conn *c)
{
	outgoing_free(c->out);
	c->out = NULL;
	folder_close(&c->folder);
}

static int
conn_open(struct dest_conn *conn, const struct mailbox *m, bool create,
    struct dest_mailbox *out, struct err *err)
{
	struct maildir_conn *c = conn_of(conn);
	int rc;

	leave(c);
	if ((rc = open_folder(c, m, create, &out->created, err)) != 1)
		return rc;
	if (folder_load(&c->folder, err) == -1 ||
	    list_flags(c, &out->keywords_any, err) == -1)
		return -1;
	out->messages = c->folder.table.n;
	out->flags = buf_span(&c->flags);
	c->out = outgoing_new(c->folder.path, c->dest->namer, err);
	return c->out == NULL ? -1 : 1;
}

/* ---- what is there ---- */

/* 1: told of; 0: it is gone; -1. */
static int
scan_one(struct maildir_conn *c, struct folder_entry *e, dest_message_fn *fn,
    void *arg, struct err *err)
{
	struct dest_message m = { .uid = 0 };
	struct stat st;
	int rc;

	if ((rc = folder_stat(&c->folder, e, &st, err)) != 1)
		return rc;
	if ((rc = reader_key(c->reader, &c->folder, e, &m.key, err)) != 1)
		return rc;
	buf_clear(&c->text);
	buf_clear(&c->text2);
	folder_ref(&c->text, &c->folder, e);
	folder_flags(&c->text2, &c->folder, e);
	if (!buf_ok(&c->text) || !buf_ok(&c->text2))
		return err_nomem(err);
	m.ref = buf_span(&c->text);
	m.flags = buf_span(&c->text2);
	m.size = (uint64_t)st.st_size;
	m.date = (struct date){ st.st_mtim.tv_sec, DATE_NO_ZONE, true };
	return fn(arg, &m, err) == -1 ? -1 : 1;
}

static int
conn_scan(struct dest_conn *conn, uint32_t first, dest_message_fn *fn,
    void *arg, struct err *err)
{
	struct maildir_conn *c = conn_of(conn);
	struct folder_table *t = &c->folder.table;
	size_t i;

	(void)first;
	if (folder_load(&c->folder, err) == -1)
		return -1;
	for (i = 0; i < t->n; i++) {
		if (scan_one(c, &t->v[i], fn, arg, err) != -1)
			continue;
		/* A file that cannot be read stands for nothing. */
		if (err->scope != ERR_MESSAGE)
			return -1;
		report_note(c->dest->config.report, "%s", err->msg);
		err_clear(err);
	}
	return 0;
}

static int
conn_fetch(struct dest_conn *conn, uint32_t uid, struct span ref,
    struct body *body, struct err *err)
{
	struct maildir_conn *c = conn_of(conn);
	struct folder_entry *e;
	int rc = 0;

	(void)uid;
	if ((e = folder_find(&c->folder, ref)) != NULL)
		rc = reader_body(c->reader, &c->folder, e, body, err);
	if (rc == 0)
		return err_set(err, ERR_MESSAGE, STATUS_PASSED,
		    "%s: ref %.*s: is not there any more", c->folder.path,
		    SPAN_ARG(ref));
	return rc == 1 ? 0 : -1;
}

/* ---- adding ---- */

/*
 * A letter for a keyword that has none; the file says so before any message
 * does.  Another program may have given letters since it was read.  1, 0: none is left; -1.
 */
static int
new_letter(struct maildir_conn *c, struct span keyword, char *letter,
    struct err *err)
{
	struct buf text = BUF_INIT;
	char *path = NULL;
	int rc = -1;

	if (folder_keywords(&c->folder, err) == -1)
		goto out;
	if ((*letter = keywords_letter(&c->folder.keywords, keyword)) != 0) {
		rc = 1;
		goto out;
	}
	if ((*letter = keywords_add(&c->folder.keywords, keyword)) == 0) {
		rc = 0;
		goto out;
	}
	keywords_put(&text, &c->folder.keywords);
	if (!buf_ok(&text) ||
	    (path = io_path(c->folder.path, KEYWORDS_FILE)) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	rc = io_replace(path, buf_span(&text), err) == 0 ? 1 : -1;
out:
	free(path);
	buf_fini(&text);
	return rc;
}

/* The letters of an item's flags into text, in ASCII order, and what has none into text2. */
static int
put_letters(struct maildir_conn *c, const struct item *item, struct err *err)
{
	bool used[KEYWORDS_MAX] = { false };
	struct span rest = item->flags, flag;
	char letters[8], letter;
	size_t i;
	int rc;

	flags_letters(item->flags, letters);
	buf_clear(&c->text);
	buf_clear(&c->text2);
	buf_str(&c->text, letters);
	while (span_next(&rest, ' ', &flag)) {
		if (flag.n == 0 || flags_bits(flag) != 0)
			continue;
		letter = keywords_letter(&c->folder.keywords, flag);
		rc = letter != 0 ? 1 : new_letter(c, flag, &letter, err);
		if (rc == -1)
			return -1;
		if (rc == 1) {
			used[letter - 'a'] = true;
			continue;
		}
		if (c->text2.n > 0)
			buf_chr(&c->text2, ' ');
		buf_put(&c->text2, flag);
	}
	for (i = 0; i < KEYWORDS_MAX; i++)
		if (used[i])
			buf_chr(&c->text, (unsigned char)('a' + i));
	return buf_ok(&c->text) && buf_ok(&c->text2) ? 0 : err_nomem(err);
}

static int
not_open(struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_BUG, "no mailbox is open");
}

static int
conn_append(struct dest_conn *conn, const struct item *item, struct body *body,
    uint64_t cookie, dest_outcome_fn *fn, void *arg, struct err *err)
{
	struct maildir_conn *c = conn_of(conn);

	if (c->out == NULL)
		return not_open(err);
	if (put_letters(c, item, err) == -1 ||
	    outgoing_put(c->out, body, &item->date, buf_span(&c->text),
	    buf_span(&c->text2), cookie, err) == -1)
		return -1;
	if (!outgoing_full(c->out))
		return 0;
	return outgoing_flush(c->out, fn, arg, err);
}

static int
conn_settle(struct dest_conn *conn, dest_outcome_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_conn *c = conn_of(conn);

	return c->out == NULL ? 0 : outgoing_flush(c->out, fn, arg, err);
}

static void
conn_close(struct dest_conn *conn)
{
	struct maildir_conn *c = conn_of(conn);

	leave(c);
	reader_free(c->reader);
	buf_fini(&c->flags);
	buf_fini(&c->text);
	buf_fini(&c->text2);
	free(c);
}

static const struct dest_conn_ops conn_ops = {
	.open = conn_open,
	.scan = conn_scan,
	.fetch = conn_fetch,
	.append = conn_append,
	.settle = conn_settle,
	.close = conn_close,
};

/* ---- the destination ---- */

static int
dest_list(struct dest *dest, struct mailboxes *out, struct err *err)
{
	struct maildir_dest *d = dest_of(dest);
	size_t i;
	int rc = 0;

	(void)pthread_mutex_lock(&d->lock);
	for (i = 0; i < d->tree.all.n && rc == 0; i++)
		if (mailboxes_put(out, &d->tree.all.v[i]) == NULL)
			rc = err_nomem(err);
	out->complete = d->tree.complete;
	(void)pthread_mutex_unlock(&d->lock);
	return rc;
}

static struct dest_conn *
dest_open(struct dest *dest, struct err *err)
{
	struct maildir_conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	c->conn.ops = &conn_ops;
	c->dest = dest_of(dest);
	if ((c->reader = reader_new(err)) == NULL) {
		conn_close(&c->conn);
		return NULL;
	}
	return &c->conn;
}

/* Without links and dots the path is both. */
static struct span
dest_target(struct dest *dest)
{
	return buf_span(&dest_of(dest)->target);
}

static void
dest_close(struct dest *dest)
{
	struct maildir_dest *d = dest_of(dest);

	(void)pthread_mutex_destroy(&d->lock);
	tree_close(&d->tree);
	namer_free(d->namer);
	buf_fini(&d->target);
	free(d->path);
	free(d);
}

static const struct dest_ops dest_ops = {
	.list = dest_list,
	.open = dest_open,
	.url = dest_target,
	.target = dest_target,
	.has_uids = false,
	.keeps_zone = false,
	.close = dest_close,
};

static int
prepare(struct maildir_dest *d, const char *path, struct err *err)
{
	if ((d->namer = namer_new(d->config.sys, err)) == NULL)
		return -1;
	if ((d->path = span_dup(span_str(path))) == NULL)
		return err_nomem(err);
	if (tree_open(&d->tree, d->path, d->config.report, err) == -1 ||
	    subs_read(&d->tree, err) == -1)
		return -1;
	return origin_put(&d->target, path, err);
}

struct dest *
maildir_dest(const char *path, const struct maildir_config *config,
    struct err *err)
{
	struct maildir_dest *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	d->dest.ops = &dest_ops;
	d->config = *config;
	d->tree.fd = -1;
	if (pthread_mutex_init(&d->lock, NULL) != 0) {
		(void)err_nomem(err);
		free(d);
		return NULL;
	}
	if (prepare(d, path, err) == -1) {
		dest_close(&d->dest);
		return NULL;
	}
	return &d->dest;
}

bool
maildir_is(const char *path)
{
	return tree_is(path);
}
