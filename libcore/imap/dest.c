/* SPDX-License-Identifier: ISC */
/*
 * An account to be appended to.
 *
 * Names: where the server keeps its mailboxes below a prefix ("INBOX."), so
 * does every name that does not start with INBOX.  Two names that would become
 * one mailbox there are refused, never merged.
 */

#include <stdlib.h>
#include <string.h>

#include "imap/utf7.h"
#include "mail/flags.h"
#include "mail/item.h"
#include "mail/name.h"

#include "imap/append.h"
#include "imap/bodies.h"
#include "imap/dest.h"
#include "imap/list.h"
#include "imap/select.h"

struct imap_dest {
	struct dest	 base;
	struct account	*acct;
	struct buf	 url, target;

	pthread_mutex_t	 lock;		/* for all below */
	struct session	*first;		/* waits for its connection; or NULL */

	/*
	 * Names on the wire that were opened; `raw` is the name each stands
	 * for.
	 */
	struct mailboxes opened;
};

struct imap_conn {
	struct dest_conn base;
	struct imap_dest *dest;
	struct session	*s;
	struct append	*append;
	struct meta	*meta;
	struct window	 win;
	struct buf	 raw;		/* of the open mailbox */
	struct buf	 flags;		/* that it keeps */
	char		 delimiter;	/* of this connection's server */
	struct buf	 prefix;	/* as a name; may be empty */
	bool		 knows;		/* the two above */
};

/* ---- connections ---- */

static struct session *
new_session(struct imap_dest *d, struct err *err)
{
	struct err why = ERR_INIT;
	struct session *s;

	if ((s = session_new(d->acct, false, err)) == NULL)
		return NULL;
	if (session_connect(s, &why) == 0)
		return s;
	if (why.scope == ERR_SESSION) {
		if (session_again(s, &why, err) == 0)
			return s;
	} else if (err != NULL) {
		*err = why;
	}
	session_free(s);
	return NULL;
}

static struct session *
take_session(struct imap_dest *d, struct err *err)
{
	struct session *s;

	(void)pthread_mutex_lock(&d->lock);
	s = d->first;
	d->first = NULL;
	(void)pthread_mutex_unlock(&d->lock);
	return s != NULL ? s : new_session(d, err);
}

/* Nobody has it but who asked: give it back for the next. */
static void
return_session(struct imap_dest *d, struct session *s)
{
	(void)pthread_mutex_lock(&d->lock);
	if (d->first == NULL) {
		d->first = s;
		s = NULL;
	}
	(void)pthread_mutex_unlock(&d->lock);
	session_free(s);
}

static int
dest_list(struct dest *base, struct mailboxes *out, struct err *err)
{
	struct imap_dest *d = (struct imap_dest *)base;
	struct err why = ERR_INIT;
	struct session *s;

	if ((s = take_session(d, err)) == NULL)
		return -1;
	while (list_all(s, false, out, &why) == -1) {
		mailboxes_fini(out);
		if (why.scope != ERR_SESSION) {
			if (err != NULL)
				*err = why;
			session_free(s);
			return -1;
		}
		session_drop(s);
		if (session_again(s, &why, err) == -1) {
			session_free(s);
			return -1;
		}
		err_clear(&why);
	}
	return_session(d, s);
	return 0;
}

/* ---- names ---- */

/* The delimiter and the prefix of our own mailboxes. */
static int
learn(struct imap_conn *c, struct err *err)
{
	struct span prefix = SPAN_NONE;
	bool exact;
	size_t i;

	if (c->knows)
		return 0;
	buf_clear(&c->prefix);
	for (i = 0; i < c->s->nns; i++) {
		if (c->s->ns[i].kind == NAMESPACE_PERSONAL) {
			prefix = buf_span(&c->s->ns[i].prefix);
			c->delimiter = c->s->ns[i].delimiter;
			break;
		}
	}
	if (i == c->s->nns && list_delimiter(c->s, &c->delimiter, err) == -1)
		return -1;
	if (prefix.n > 0 && prefix.p[prefix.n - 1] ==
	    (unsigned char)c->delimiter)
		prefix.n--;
	if (prefix.n > 0)
		(void)imap_name_parse(&c->prefix, prefix, c->delimiter, &exact);
	c->knows = buf_ok(&c->prefix);
	return c->knows ? 0 : err_nomem(err);
}

static bool
is_below(struct span name, struct span above)
{
	return name.n >= above.n &&
	    span_eq(span_head(name, above.n), above) &&
	    (name.n == above.n || name.p[above.n] == '\0');
}

/* The name that stands for this one there, as octets of the wire. */
static int
to_wire(struct imap_conn *c, struct span name, struct buf *raw,
    struct err *err)
{
	struct buf whole = BUF_INIT, shown = BUF_INIT;
	const struct span prefix = buf_span(&c->prefix);
	int rc = -1;

	if (prefix.n > 0 && !is_below(name, prefix) &&
	    !is_below(name, SPAN("INBOX"))) {
		buf_put(&whole, prefix);
		buf_chr(&whole, '\0');
	}
	buf_put(&whole, name);
	buf_clear(raw);
	if (!buf_ok(&whole)) {
		err_nomem(err);
		goto out;
	}
	if (!imap_name_wire(raw, buf_span(&whole), c->delimiter)) {
		name_put(&shown, name);
		err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "%.*s: the server cannot hold this name: a part of it has "
		    "the server's delimiter \"%c\" in it, or is no UTF-8",
		    SPAN_ARG(buf_span(&shown)),
		    c->delimiter != 0 ? c->delimiter : ' ');
		goto out;
	}
	rc = buf_ok(raw) ? 0 : err_nomem(err);
out:
	buf_fini(&whole);
	buf_fini(&shown);
	return rc;
}

/* Two of our names must not become one of the server's. */
static int
claim(struct imap_dest *d, struct span raw, struct span name, struct err *err)
{
	const struct mailbox row = { .name = raw, .raw = name };
	const struct mailbox *old;
	struct buf shown = BUF_INIT;
	int rc = 0;

	(void)pthread_mutex_lock(&d->lock);
	if ((old = mailboxes_get(&d->opened, raw)) == NULL) {
		if (mailboxes_put(&d->opened, &row) == NULL)
			rc = err_nomem(err);
	} else if (!span_eq(old->raw, name)) {
		name_put(&shown, old->raw);
		rc = err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "it would become one mailbox with \"%.*s\" on this server",
		    SPAN_ARG(buf_span(&shown)));
	}
	(void)pthread_mutex_unlock(&d->lock);
	buf_fini(&shown);
	return rc;
}

/* ---- opening ---- */

static int
run(struct session *s, enum verb verb, struct span raw, struct resp *end,
    struct err *err)
{
	struct command c = { .text = BUF_INIT };
	int rc = -1;

	if (command_begin(&c, s, verb, err) == -1)
		goto out;
	command_string(&c, raw);
	rc = command_run(&c, NULL, NULL, end, err);
out:
	command_fini(&c);
	return rc;
}

/* Make it, and subscribe to it.  *created: it was not there before. */
static int
create(struct imap_conn *c, const struct mailbox *mb, bool *created,
    struct err *err)
{
	const struct span raw = buf_span(&c->raw);
	struct resp end;
	int64_t wait;

	if (run(c->s, VERB_CREATE, raw, &end, err) == -1)
		return -1;
	*created = end.cond == RESP_OK;
	if (!*created && resp_class(&end, &wait) != CLASS_EXISTS)
		return resp_fail(err, ERR_MAILBOX, &end, "CREATE");
	if (!mb->subscribed)
		return 0;
	if (run(c->s, VERB_SUBSCRIBE, raw, &end, err) == -1)
		return -1;
	if (end.cond != RESP_OK)
		report_note(c->dest->acct->cfg.report,
		    "%.*s: cannot be subscribed to: %.*s", SPAN_ARG(raw),
		    SPAN_ARG(span_head(end.text, 300)));
	return 0;
}

/* The flags that may be stored, as append.c sees it too. */
static int
tell_flags(struct imap_conn *c, struct err *err)
{
	const struct selected *sel = &c->s->sel;
	struct buf list = BUF_INIT;

	buf_clear(&c->flags);
	if (sel->told_permanent) {
		buf_put(&c->flags, buf_span(&sel->permanent));
	} else {
		buf_str(&list, "\\Answered \\Deleted \\Draft \\Flagged \\Seen ");
		buf_put(&list, buf_span(&sel->flags));
		flags_canon(&c->flags, buf_span(&list));
	}
	if (!buf_ok(&list))
		c->flags.bad = true;
	buf_fini(&list);
	return buf_ok(&c->flags) ? 0 : err_nomem(err);
}

static int
opened(struct imap_conn *c, bool created, struct dest_mailbox *out,
    struct err *err)
{
	const struct selected *sel = &c->s->sel;

	if (!sel->writable)
		return err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "the server opens it for reading only");
	if (tell_flags(c, err) == -1)
		return -1;
	append_begin(c->append, c->s, buf_span(&c->raw));
	*out = (struct dest_mailbox){
		.uidvalidity = sel->uidvalidity,
		.uidnext = sel->uidnext,
		.messages = sel->exists,
		.keywords_any = sel->any,
		.flags = buf_span(&c->flags),
		.created = created,
		.rewrites = (c->s->quirks & QUIRK_REWRITES) != 0,
	};
	return 1;
}

/* SELECT was refused: is it not there, or is something else the matter? */
static int
not_opened(struct imap_conn *c, const struct resp *end, struct err *err)
{
	struct err why = ERR_INIT;
	bool noselect = false;
	int there;

	resp_fail(&why, ERR_MAILBOX, end, "SELECT");
	if (why.scope == ERR_MAILBOX) {
		there = list_has(c->s, buf_span(&c->raw), &noselect, err);
		if (there != 1)
			return there;
	}
	if (err != NULL)
		*err = why;
	if (why.scope == ERR_SESSION)
		session_drop(c->s);
	return -1;
}

static int
open_once(struct imap_conn *c, const struct mailbox *mb, bool make,
    struct dest_mailbox *out, struct err *err)
{
	const struct span raw = buf_span(&c->raw);
	bool created = false;
	struct resp end;
	int rc;

	if (select_open(c->s, raw, &end, err) == -1)
		return -1;
	if (c->s->sel.open)
		return opened(c, false, out, err);
	if ((rc = not_opened(c, &end, err)) != 0 || !make)
		return rc;
	if (create(c, mb, &created, err) == -1 ||
	    select_open(c->s, raw, &end, err) == -1)
		return -1;
	if (!c->s->sel.open)
		return resp_fail(err, ERR_MAILBOX, &end, "SELECT");
	return opened(c, created, out, err);
}

static int
name_and_open(struct imap_conn *c, const struct mailbox *mb, bool make,
    struct dest_mailbox *out, struct err *err)
{
	if (!session_alive(c->s))
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the connection was lost");
	if (learn(c, err) == -1 || to_wire(c, mb->name, &c->raw, err) == -1 ||
	    claim(c->dest, buf_span(&c->raw), mb->name, err) == -1)
		return -1;
	return open_once(c, mb, make, out, err);
}

static int
conn_open_mailbox(struct dest_conn *base, const struct mailbox *mb, bool make,
    struct dest_mailbox *out, struct err *err)
{
	struct imap_conn *c = (struct imap_conn *)base;
	struct err why = ERR_INIT;
	int rc;

	for (;;) {
		err_clear(&why);
		if ((rc = name_and_open(c, mb, make, out, &why)) != -1)
			return rc;
		if (why.scope != ERR_SESSION)
			break;
		session_drop(c->s);
		if (session_again(c->s, &why, err) == -1)
			return -1;
	}
	if (err != NULL)
		*err = why;
	return -1;
}

/* ---- what is there ---- */

/* Between appends and questions their outcomes must have been told. */
static int
ready(struct imap_conn *c, struct err *err)
{
	if (!append_is_settled(c->append))
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "appends are still out");
	if (!session_alive(c->s) || !c->s->sel.open)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the connection was lost");
	return 0;
}

static int
noop(struct session *s, struct err *err)
{
	struct command c = { .text = BUF_INIT };
	struct resp end;
	int rc = -1;

	if (command_begin(&c, s, VERB_NOOP, err) == 0)
		rc = command_run(&c, NULL, NULL, &end, err);
	command_fini(&c);
	return rc;
}

static int
tell_window(const struct window *w, dest_message_fn *fn, void *arg,
    struct err *err)
{
	struct dest_message m;
	size_t i;

	for (i = 0; i < w->n; i++) {
		m = (struct dest_message){
			.uid = w->v[i].uid,
			.size = w->v[i].size,
			.date = w->v[i].date,
			.flags = w->v[i].flags,
		};
		if (w->v[i].key != NULL)
			m.key = *w->v[i].key;
		if (fn(arg, &m, err) == -1)
			return -1;
	}
	return 0;
}

/* A message that is not told of would be appended again: all, or a failure. */
static int
conn_scan(struct dest_conn *base, uint32_t first, dest_message_fn *fn,
    void *arg, struct err *err)
{
	struct imap_conn *c = (struct imap_conn *)base;
	const struct meta_config cfg = {
		.s = c->s, .first = first, .count = first <= 1, .key = true,
	};
	uint64_t told, said;
	int rc;

	if (ready(c, err) == -1 || noop(c->s, err) == -1 ||
	    meta_begin(c->meta, &cfg, err) == -1)
		return -1;
	while ((rc = meta_window(c->meta, &c->win, err)) == 1)
		if (tell_window(&c->win, fn, arg, err) == -1)
			return -1;
	if (rc == -1)
		return -1;
	if (!meta_complete(c->meta)) {
		meta_counts(c->meta, &told, &said);
		return err_set(err, ERR_MAILBOX, STATUS_PASSED,
		    "the server told of %llu messages out of %llu",
		    (unsigned long long)told, (unsigned long long)said);
	}
	session_progress(c->s);
	return 0;
}

static int
conn_fetch(struct dest_conn *base, uint32_t uid, struct span ref,
    struct body *body, struct err *err)
{
	struct imap_conn *c = (struct imap_conn *)base;
	int rc;

	(void)ref;
	if (ready(c, err) == -1 ||
	    (rc = bodies_one(c->s, uid, body, err)) == -1)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_MESSAGE, STATUS_PASSED,
		    "uid %lu: the server gave no octets", (unsigned long)uid);
	return 0;
}

/* ---- adding ---- */

static int
conn_append(struct dest_conn *base, const struct item *item,
    struct body *body, uint64_t cookie, dest_outcome_fn *fn, void *arg,
    struct err *err)
{
	struct imap_conn *c = (struct imap_conn *)base;

	if (!session_alive(c->s) || !c->s->sel.open)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the connection was lost");
	return append_put(c->append, item, body, cookie, fn, arg, err);
}

static int
conn_settle(struct dest_conn *base, dest_outcome_fn *fn, void *arg,
    struct err *err)
{
	struct imap_conn *c = (struct imap_conn *)base;

	return append_settle(c->append, fn, arg, err);
}

static void
conn_free(struct dest_conn *base)
{
	struct imap_conn *c = (struct imap_conn *)base;

	if (c == NULL)
		return;
	session_free(c->s);
	append_free(c->append);
	meta_free(c->meta);
	window_fini(&c->win);
	buf_fini(&c->raw);
	buf_fini(&c->flags);
	buf_fini(&c->prefix);
	free(c);
}

static const struct dest_conn_ops conn_ops = {
	.open = conn_open_mailbox,
	.scan = conn_scan,
	.fetch = conn_fetch,
	.append = conn_append,
	.settle = conn_settle,
	.close = conn_free,
};

/* ---- the destination ---- */

static struct dest_conn *
dest_open(struct dest *base, struct err *err)
{
	struct imap_dest *d = (struct imap_dest *)base;
	struct imap_conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	c->base.ops = &conn_ops;
	c->dest = d;
	if ((c->append = append_new(err)) == NULL ||
	    (c->meta = meta_new(err)) == NULL ||
	    window_init(&c->win, err) == -1 ||
	    (c->s = take_session(d, err)) == NULL) {
		conn_free(&c->base);
		return NULL;
	}
	append_begin(c->append, c->s, SPAN_NONE);
	return &c->base;
}

static struct span
dest_url(struct dest *base)
{
	return buf_span(&((struct imap_dest *)base)->url);
}

static struct span
dest_target(struct dest *base)
{
	return buf_span(&((struct imap_dest *)base)->target);
}

static void
dest_close(struct dest *base)
{
	struct imap_dest *d = (struct imap_dest *)base;

	if (d == NULL)
		return;
	session_free(d->first);
	mailboxes_fini(&d->opened);
	buf_fini(&d->url);
	buf_fini(&d->target);
	(void)pthread_mutex_destroy(&d->lock);
	account_fini(d->acct);
	free(d->acct);
	free(d);
}

static const struct dest_ops dest_ops = {
	.list = dest_list,
	.open = dest_open,
	.url = dest_url,
	.target = dest_target,
	.has_uids = true,
	.keeps_zone = false,	/* Dovecot and Cyrus give it in their own */
	.close = dest_close,
};

struct dest *
dest_new(struct account *acct, struct err *err)
{
	const struct url *url = &acct->cfg.url;
	struct err why = ERR_INIT;
	struct imap_dest *d;

	if ((d = calloc(1, sizeof(*d))) == NULL ||
	    pthread_mutex_init(&d->lock, NULL) != 0) {
		free(d);
		account_fini(acct);
		free(acct);
		err_nomem(err);
		return NULL;
	}
	d->base.ops = &dest_ops;
	d->acct = acct;
	url_put(&d->url, url);
	buf_fmt(&d->target, "imap %s@%s:%s", url->user, url->host, url->port);
	if (!buf_ok(&d->url) || !buf_ok(&d->target))
		err_nomem(&why);
	else if ((d->first = session_new(acct, false, &why)) != NULL &&
	    session_connect(d->first, &why) == 0)
		return &d->base;
	if (why.scope == ERR_SESSION)
		why.scope = ERR_RUN;
	if (err != NULL)
		*err = why;
	dest_close(&d->base);
	return NULL;
}

struct dest *
imap_dest(const struct imap_account *cfg, struct err *err)
{
	struct account *acct;

	if ((acct = calloc(1, sizeof(*acct))) == NULL) {
		err_nomem(err);
		return NULL;
	}
	if (account_init(acct, cfg, err) == -1) {
		free(acct);
		return NULL;
	}
	return dest_new(acct, err);
}
