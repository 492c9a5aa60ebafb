/* SPDX-License-Identifier: ISC */
/*
 * Tar octets back into entries.  libarchive parses the tar, feed.c gives it
 * the octets; what an entry means is decided here, and nothing that it says
 * is taken for granted.
 */

#include <archive.h>
#include <archive_entry.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "formats/stream/feed.h"
#include "formats/stream/unpack.h"
#include "mail/flags.h"
#include "mail/name.h"

/* Limits; libarchive's own is 1 MiB for all attributes of an entry. */
#define HEAD_MAX	((uint64_t)64 << 10)	/* of a head, commit or end */
#define DECLARED_MAX	1000000			/* mailboxes of a file */
#define DECLARED_OCTETS	((size_t)256 << 20)	/* and all that they say */

enum attr {
	ATTR_MAILBOX,
	ATTR_RAW,
	ATTR_DELIMITER,
	ATTR_ATTRIBUTES,
	ATTR_SUBSCRIBED,
	ATTR_UIDVALIDITY,
	ATTR_UIDNEXT,
	ATTR_MODSEQ,
	ATTR_MAILBOXID,
	ATTR_STATUS,
	ATTR_SRC,
	ATTR_DIGEST,
	ATTR_DATE,
	ATTR_FLAGS,
	ATTR_UID,
	ATTR_EMAILID,
	ATTR_THREADID,
	ATTR_GM_MSGID,
	ATTR_GM_THRID,
	ATTR_LABELS,
	ATTR_WAS,
	ATTR_NOTE,
	ATTRS
};

static const char *const attr_names[ATTRS] = {
	[ATTR_MAILBOX]		= "user.mx.mailbox",
	[ATTR_RAW]		= "user.mx.raw",
	[ATTR_DELIMITER]	= "user.mx.delimiter",
	[ATTR_ATTRIBUTES]	= "user.mx.attributes",
	[ATTR_SUBSCRIBED]	= "user.mx.subscribed",
	[ATTR_UIDVALIDITY]	= "user.mx.uidvalidity",
	[ATTR_UIDNEXT]		= "user.mx.uidnext",
	[ATTR_MODSEQ]		= "user.mx.modseq",
	[ATTR_MAILBOXID]	= "user.mx.mailboxid",
	[ATTR_STATUS]		= "user.mx.status",
	[ATTR_SRC]		= "user.mx.src",
	[ATTR_DIGEST]		= "user.mx.digest",
	[ATTR_DATE]		= "user.mx.date",
	[ATTR_FLAGS]		= "user.mx.flags",
	[ATTR_UID]		= "user.mx.uid",
	[ATTR_EMAILID]		= "user.mx.emailid",
	[ATTR_THREADID]		= "user.mx.threadid",
	[ATTR_GM_MSGID]		= "user.mx.gm-msgid",
	[ATTR_GM_THRID]		= "user.mx.gm-thrid",
	[ATTR_LABELS]		= "user.mx.labels",
	[ATTR_WAS]		= "user.mx.was",
	[ATTR_NOTE]		= "user.mx.note",
};

struct unpack {
	const char		*name;
	struct feed		*feed;
	struct err		 feed_err;	/* why the feed failed */
	struct span		 block;		/* that libarchive was given last */
	uint64_t		 given;		/* to libarchive so far */
	struct archive		*tar;
	struct archive_entry	*raw;		/* of the entry given last */
	int			 raw_rc;	/* libarchive's word on it */
	bool			 headless, first, over, broken, cut;
	bool			 empty;		/* headless, and nothing there */
	bool			 numbered;	/* `number` is known */
	uint64_t		 number;

	struct unpack_entry	 entry;
	struct span		 attrs[ATTRS];
	uint64_t		 data;		/* position of its octets */
	uint64_t		 size;		/* of them in the tar */
	bool			 taken;
	struct digest		 src_digest;
	struct buf		 content, tmp;
	struct arena		 arena;		/* of the entry */

	struct mailboxes	 declared;
	size_t			 declarations, declared_octets;

	/* The last path and src mailbox looked up: most entries repeat them. */
	struct buf		 dir, dir_name, src, src_name;
	bool			 dir_told;	/* dir is JSON, no path */
	struct buf		 path;		/* as it was written */
};

/* ---- errors ---- */

/* What is wrong with the entry at hand. */
static int damaged(struct unpack *, struct err *, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static int
damaged(struct unpack *u, struct err *err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, N(what), fmt, ap);
	va_end(ap);
	u->broken = true;
	return err_set(err, ERR_RUN, STATUS_DATA, "%s: octet %llu: %.*s: %s",
	    u->name, (unsigned long long)u->entry.position,
	    SPAN_ARG(span_head(u->entry.path, 300)), what);
}

/* libarchive has given up, of its own or because the feed did. */
static int
tar_failed(struct unpack *u, struct err *err)
{
	const char *why = archive_error_string(u->tar);

	u->broken = true;
	if (u->feed_err.scope != ERR_NONE) {
		*err = u->feed_err;
		u->cut = feed_cut(u->feed);
		return -1;
	}
	if (feed_ended(u->feed)) {
		u->cut = true;
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: the file ends inside the entry behind octet %llu",
		    u->name, (unsigned long long)u->entry.position);
	}
	return err_set(err, ERR_RUN, STATUS_DATA, "%s: octet %llu: %s", u->name,
	    (unsigned long long)archive_filter_bytes(u->tar, 0),
	    why != NULL ? why : "not a tar");
}

bool
unpack_cut(const struct unpack *u)
{
	return u->cut;
}

uint64_t
unpack_failed_at(const struct unpack *u)
{
	return feed_at(u->feed);
}

/* ---- opening ---- */

static la_ssize_t
read_feed(struct archive *tar, void *arg, const void **p)
{
	struct unpack *u = arg;
	struct span block;

	if (u->feed_err.scope != ERR_NONE ||
	    feed_next(u->feed, &block, &u->feed_err) == -1) {
		archive_set_error(tar, EIO, "%s", u->feed_err.msg);
		return -1;
	}
	u->block = block;
	u->given += block.n;
	*p = block.p;
	return (la_ssize_t)block.n;
}

static int
tar_open(struct unpack *u, struct err *err)
{
	if ((u->tar = archive_read_new()) == NULL)
		return err_nomem(err);
	if (archive_read_support_format_tar(u->tar) != ARCHIVE_OK)
		return tar_failed(u, err);
	if (archive_read_open(u->tar, u, NULL, read_feed, NULL) == ARCHIVE_OK)
		return 0;
	if (u->feed_err.scope != ERR_NONE)
		return tar_failed(u, err);
	u->empty = u->headless && feed_empty(u->feed);
	if (u->empty)
		return 0;
	return err_set(err, ERR_RUN, STATUS_DATA, "%s: is no mx stream", u->name);
}

struct unpack *
unpack_open(int fd, const char *name, uint64_t limit, bool headless,
    struct err *err)
{
	struct unpack *u;

	if ((u = calloc(1, sizeof(*u))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	u->name = name;
	u->headless = headless;
	u->first = true;
	u->taken = true;
	if ((u->feed = feed_open(fd, name, limit, err)) == NULL ||
	    tar_open(u, err) == -1) {
		unpack_close(u);
		return NULL;
	}
	return u;
}

void
unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->tar != NULL)
		(void)archive_read_free(u->tar);
	feed_close(u->feed);
	buf_fini(&u->content);
	buf_fini(&u->tmp);
	buf_fini(&u->dir);
	buf_fini(&u->dir_name);
	buf_fini(&u->src);
	buf_fini(&u->src_name);
	buf_fini(&u->path);
	arena_fini(&u->arena);
	mailboxes_fini(&u->declared);
	free(u);
}

/* ---- places ---- */

void
unpack_place(const struct unpack *u, uint64_t position, uint64_t *frame,
    uint64_t *inside)
{
	struct feed_frame f;

	feed_frame(u->feed, position, &f);
	*frame = f.at;
	*inside = position - f.start;
}

void
unpack_data(const struct unpack *u, uint64_t *frame, uint64_t *inside)
{
	struct feed_frame f;

	/* Octets stand with their header, also where there are none of them. */
	feed_frame(u->feed, u->entry.position, &f);
	if (u->data >= f.end && u->size > 0)
		feed_frame(u->feed, u->data, &f);
	*frame = f.at;
	*inside = u->data - f.start;
	if (u->data >= f.end && u->size > 0) {
		/* The header ended its frame, and the next was not begun. */
		*frame = f.next;
		*inside = u->data - f.end;
	}
}

uint64_t
unpack_position(const struct unpack *u)
{
	return u->data + u->size + (512 - u->size % 512) % 512;
}

uint64_t
unpack_frame_end(const struct unpack *u)
{
	struct feed_frame f;

	feed_frame(u->feed, u->entry.position, &f);
	if (feed_is_plain(u->feed))
		return f.at + unpack_position(u);
	return f.end == unpack_position(u) ? f.next : UINT64_MAX;
}

/* ---- mailboxes ---- */

static int
declare(struct unpack *u, const struct mailbox *m, struct err *err)
{
	const size_t octets = m->name.n + m->raw.n + m->attributes.n + m->id.n;

	if (++u->declarations > DECLARED_MAX ||
	    octets > DECLARED_OCTETS - u->declared_octets)
		return damaged(u, err, "more than %d mailboxes, or %zu octets of "
		    "what they say", DECLARED_MAX, DECLARED_OCTETS);
	u->declared_octets += octets;
	return mailboxes_put(&u->declared, m) != NULL ? 0 : err_nomem(err);
}

/* Relative, and nothing in it that climbs: no path of ours is else. */
static bool
is_safe(struct span path)
{
	struct span component;

	if (path.n == 0 || path.n > ENTRY_PATH_MAX || path.p[0] == '/' ||
	    span_find(path, '\0') < path.n || !utf8_valid(path))
		return false;
	if (path.p[path.n - 1] == '/')
		path = span_head(path, path.n - 1);
	while (span_next(&path, '/', &component))
		if (component.n == 0 || span_is(component, ".") ||
		    span_is(component, ".."))
			return false;
	return true;
}

/* PATH of PATH/cur/NAME; none where the path is not of that form. */
static struct span
mailbox_path(struct span path)
{
	size_t i = path.n;

	while (i > 0 && path.p[i - 1] != '/')
		i--;
	if (i == path.n || i < 6 || memcmp(path.p + i - 5, "/cur/", 5) != 0)
		return SPAN_NONE;
	return span_head(path, i - 5);
}

/*
 * The path of an item that names its mailbox itself.  libarchive has composed
 * the characters of what is not ASCII, so that part is made anew.
 */
static int
true_path(struct unpack *u, struct span dir, struct err *err)
{
	const struct span rest = span_from(u->entry.path, dir.n);
	size_t i;

	buf_clear(&u->path);
	name_path(&u->path, u->entry.mailbox.name);
	for (i = 0; i < dir.n && dir.p[i] < 0x80; i++)
		;
	if (i == dir.n && !span_eq(dir, buf_span(&u->path)))
		return damaged(u, err, "its mailbox has another path");
	buf_put(&u->path, rest);
	if (!buf_ok(&u->path))
		return err_nomem(err);
	u->entry.path = buf_span(&u->path);
	return 0;
}

/* The name that an item's directory or its own attribute tells. */
static int
item_mailbox(struct unpack *u, struct span dir, struct err *err)
{
	const struct span told = u->attrs[ATTR_MAILBOX];
	const struct span from = told.n > 0 ? told : dir;
	struct mailbox *m;

	if (u->dir_told != (told.n > 0) || !span_eq(from, buf_span(&u->dir))) {
		u->dir_told = told.n > 0;
		buf_clear(&u->dir);
		buf_clear(&u->dir_name);
		if (!(told.n > 0 ? name_parse_json(&u->dir_name, told) :
		    name_parse_path(&u->dir_name, dir)))
			return damaged(u, err, "its path names no mailbox");
		buf_put(&u->dir, from);
		if (!buf_ok(&u->dir) || !buf_ok(&u->dir_name))
			return err_nomem(err);
	}
	m = mailboxes_get(&u->declared, buf_span(&u->dir_name));
	if (m == NULL && !u->headless)
		return damaged(u, err,
		    "its mailbox was not declared before in this file");
	u->entry.mailbox = m != NULL ? *m :
	    (struct mailbox){ .name = buf_span(&u->dir_name) };
	return told.n > 0 ? true_path(u, dir, err) : 0;
}

/* ---- attributes ---- */

/* The known ones, each the first time it stands there. */
static void
collect(struct unpack *u)
{
	const char *name;
	const void *value;
	size_t i, n;

	for (i = 0; i < ATTRS; i++)
		u->attrs[i] = SPAN_NONE;
	(void)archive_entry_xattr_reset(u->raw);
	while (archive_entry_xattr_next(u->raw, &name, &value, &n) ==
	    ARCHIVE_OK) {
		if (name == NULL || value == NULL)
			continue;
		for (i = 0; i < ATTRS; i++)
			if (strcmp(name, attr_names[i]) == 0)
				break;
		if (i < ATTRS && u->attrs[i].n == 0)
			u->attrs[i] = span_of(value, n);
	}
}

static int
bad_attr(struct unpack *u, enum attr attr, struct err *err)
{
	return damaged(u, err, "%s is %s", attr_names[attr],
	    u->attrs[attr].n == 0 ? "missing" : "not what it should be");
}

static int
take_u64(struct unpack *u, enum attr attr, uint64_t *out, struct err *err)
{
	*out = 0;
	if (u->attrs[attr].n > 0 && !span_u64(u->attrs[attr], out))
		return bad_attr(u, attr, err);
	return 0;
}

static int
take_u32(struct unpack *u, enum attr attr, uint32_t *out, struct err *err)
{
	*out = 0;
	if (u->attrs[attr].n > 0 && !span_u32(u->attrs[attr], out))
		return bad_attr(u, attr, err);
	return 0;
}

/* ---- a mailbox ---- */

static int
mailbox_state(struct unpack *u, struct mailbox *m, struct err *err)
{
	const struct span status = u->attrs[ATTR_STATUS];
	const struct span delimiter = u->attrs[ATTR_DELIMITER];

	if (status.n > 0 && !mailbox_status_parse(status, &m->status))
		return bad_attr(u, ATTR_STATUS, err);
	if (delimiter.n > 1)
		return bad_attr(u, ATTR_DELIMITER, err);
	if (delimiter.n == 1)
		m->delimiter = (char)delimiter.p[0];
	if (take_u32(u, ATTR_UIDVALIDITY, &m->uidvalidity, err) == -1 ||
	    take_u32(u, ATTR_UIDNEXT, &m->uidnext, err) == -1)
		return -1;
	return take_u64(u, ATTR_MODSEQ, &m->modseq, err);
}

static int
read_mailbox(struct unpack *u, struct err *err)
{
	struct mailbox m = {
		.raw = u->attrs[ATTR_RAW],
		.attributes = u->attrs[ATTR_ATTRIBUTES],
		.subscribed = span_is(u->attrs[ATTR_SUBSCRIBED], "1"),
		.id = u->attrs[ATTR_MAILBOXID],
	};

	if (!is_safe(u->entry.path))
		return damaged(u, err, "a mailbox cannot have that path");
	buf_clear(&u->tmp);
	if (!name_parse_json(&u->tmp, u->attrs[ATTR_MAILBOX]))
		return bad_attr(u, ATTR_MAILBOX, err);
	if (!arena_span(&u->arena, buf_span(&u->tmp), &m.name))
		return err_nomem(err);
	if (mailbox_state(u, &m, err) == -1 || declare(u, &m, err) == -1)
		return -1;
	u->entry.kind = UNPACK_MAILBOX;
	u->entry.mailbox = m;
	return 0;
}

/* ---- an item ---- */

/* The array of `mailbox` in src, as a name. */
static bool
src_mailbox(struct unpack *u, const struct json *src)
{
	const struct json *array = json_get(src, "mailbox");
	const size_t n = json_len(array);
	size_t i;

	buf_clear(&u->tmp);
	json_open(&u->tmp, '[');
	for (i = 0; i < n; i++)
		json_str(&u->tmp, json_span(json_at(array, i)));
	json_close(&u->tmp, ']');
	if (span_eq(buf_span(&u->tmp), buf_span(&u->src)))
		return true;
	buf_clear(&u->src);
	buf_clear(&u->src_name);
	if (!buf_ok(&u->tmp) ||
	    !name_parse_json(&u->src_name, buf_span(&u->tmp)))
		return false;
	buf_put(&u->src, buf_span(&u->tmp));
	return buf_ok(&u->src) && buf_ok(&u->src_name);
}

static bool
parse_src(struct unpack *u, const struct json *src, struct item *item)
{
	if (src == NULL || !src_mailbox(u, src))
		return false;
	item->src_mailbox = buf_span(&u->src_name);
	buf_clear(&u->tmp);
	if (!entry_parse_ref(&u->tmp, json_span(json_get(src, "ref"))) ||
	    !arena_span(&u->arena, buf_span(&u->tmp), &item->ref))
		return false;
	if (!digest_parse(json_span(json_get(src, "digest")), &u->src_digest))
		return false;
	if (!digest_eq(&u->src_digest, &u->entry.digest))
		item->src_digest = &u->src_digest;
	return true;
}

static int
take_src(struct unpack *u, struct item *item, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *src = NULL;
	bool ok;

	if (u->attrs[ATTR_SRC].n > 0)
		src = json_parse(u->attrs[ATTR_SRC], &why);
	ok = parse_src(u, src, item);
	json_free(src);
	return ok ? 0 : bad_attr(u, ATTR_SRC, err);
}

static int
take_date(struct unpack *u, struct item *item, struct err *err)
{
	const struct span text = u->attrs[ATTR_DATE];

	if (text.n == 0)
		return 0;
	if (!date_parse_imap(text, &item->date))
		return bad_attr(u, ATTR_DATE, err);
	if (text.n > 5 && span_is(span_from(text, text.n - 5), "-0000"))
		item->date.zone = DATE_NO_ZONE;
	return 0;
}

static int
take_flags(struct unpack *u, struct item *item, struct err *err)
{
	buf_clear(&u->tmp);
	flags_canon(&u->tmp, u->attrs[ATTR_FLAGS]);
	if (!buf_ok(&u->tmp) ||
	    !arena_span(&u->arena, buf_span(&u->tmp), &item->flags))
		return err_nomem(err);
	return 0;
}

static int
take_meta(struct unpack *u, struct item *item, struct err *err)
{
	if (!digest_parse(u->attrs[ATTR_DIGEST], &u->entry.digest))
		return bad_attr(u, ATTR_DIGEST, err);
	if (take_src(u, item, err) == -1 || take_date(u, item, err) == -1 ||
	    take_flags(u, item, err) == -1 ||
	    take_u32(u, ATTR_UID, &item->uid, err) == -1 ||
	    take_u32(u, ATTR_UIDVALIDITY, &item->uidvalidity, err) == -1)
		return -1;
	item->emailid = u->attrs[ATTR_EMAILID];
	item->threadid = u->attrs[ATTR_THREADID];
	item->gm_msgid = u->attrs[ATTR_GM_MSGID];
	item->gm_thrid = u->attrs[ATTR_GM_THRID];
	item->labels = u->attrs[ATTR_LABELS];
	item->was = u->attrs[ATTR_WAS];
	item->note = u->attrs[ATTR_NOTE];
	return take_u64(u, ATTR_MODSEQ, &item->modseq, err);
}

static int
read_item(struct unpack *u, struct span dir, struct err *err)
{
	struct item *item = &u->entry.item;
	const char *link = archive_entry_hardlink(u->raw);
	int64_t size = archive_entry_size(u->raw);

	u->entry.kind = UNPACK_ITEM;
	if (!is_safe(u->entry.path))
		return damaged(u, err, "an item cannot have that path");
	if (link != NULL) {
		u->entry.link = span_str(link);
		if (!is_safe(u->entry.link))
			return damaged(u, err, "a link to no item's path");
		size = 0;
	}
	if (size < 0 || (uint64_t)size > ENTRY_ITEM_MAX)
		return damaged(u, err, "a size of %lld is over the limit of %llu",
		    (long long)size, (unsigned long long)ENTRY_ITEM_MAX);
	if (archive_entry_sparse_count(u->raw) > 0)
		return damaged(u, err, "a sparse file");
	item->size = (uint64_t)size;
	u->taken = link != NULL;
	if (item_mailbox(u, dir, err) == -1)
		return -1;
	return take_meta(u, item, err);
}

/* ---- entries of ours ---- */

/* The next piece of the entry's octets.  1; 0: no more. */
static int
next_piece(struct unpack *u, uint64_t at, struct span *piece, struct err *err)
{
	const void *p;
	la_int64_t offset;
	size_t n;
	int rc;

	rc = archive_read_data_block(u->tar, &p, &n, &offset);
	if (rc == ARCHIVE_EOF) {
		if (at != u->size)
			return damaged(u, err, "%llu octets of %llu",
			    (unsigned long long)at, (unsigned long long)u->size);
		return 0;
	}
	if (rc != ARCHIVE_OK)
		return tar_failed(u, err);
	if (offset < 0 || (uint64_t)offset != at || n > u->size - at)
		return damaged(u, err, "its octets are not in one piece");
	*piece = span_of(p, n);
	return 1;
}

/* All of a small entry, at most `max`, into u->content. */
static int
read_content(struct unpack *u, uint64_t max, struct err *err)
{
	struct span piece;
	int more;

	buf_clear(&u->content);
	if (u->size > max)
		return damaged(u, err, "a size of %llu is over the limit of %llu",
		    (unsigned long long)u->size, (unsigned long long)max);
	while ((more = next_piece(u, u->content.n, &piece, err)) == 1)
		buf_put(&u->content, piece);
	if (more == -1)
		return -1;
	return buf_ok(&u->content) ? 0 : err_nomem(err);
}

/* Take "name=value" off the front of *text; false at its end. */
static bool
next_line(struct span *text, struct span *name, struct span *value)
{
	struct span line;
	size_t at;

	if (!span_next(text, '\n', &line))
		return false;
	at = span_find(line, '=');
	*name = span_head(line, at);
	*value = span_from(line, at < line.n ? at + 1 : at);
	return true;
}

static bool
head_value(struct stream_head *head, struct span name, struct span value)
{
	struct date date;

	if (span_is(name, "id"))
		head->id = value;
	else if (span_is(name, "previous"))
		head->previous = value;
	else if (span_is(name, "origin"))
		head->origin = value;
	else if (span_is(name, "program"))
		head->program = value;
	else if (span_is(name, "maker"))
		head->maker = value;
	else if (span_is(name, "number"))
		return span_u64(value, &head->number);
	else if (span_is(name, "generation"))
		return span_u64(value, &head->generation);
	else if (span_is(name, "created")) {
		if (!date_parse_rfc3339(value, &date))
			return false;
		head->created = date.sec;
	}
	return true;
}

static int
read_head(struct unpack *u, struct err *err)
{
	struct span text, name, value;
	uint64_t version = 0;

	u->entry.kind = UNPACK_HEAD;
	if (read_content(u, HEAD_MAX, err) == -1)
		return -1;
	for (text = buf_span(&u->content); next_line(&text, &name, &value);) {
		if (span_is(name, "version") && !span_u64(value, &version))
			return damaged(u, err, "its version is no number");
		if (!head_value(&u->entry.head, name, value))
			return damaged(u, err, "what it says of %.*s is wrong",
			    SPAN_ARG(span_head(name, 20)));
	}
	if (version != STREAM_VERSION)
		return damaged(u, err,
		    "version %llu of the format; only version %d is known",
		    (unsigned long long)version, STREAM_VERSION);
	if (u->entry.head.number != u->number)
		return damaged(u, err, "its number is not that of its name");
	return 0;
}

static bool
totals_value(struct stream_totals *totals, struct span name, struct span value,
    unsigned *seen)
{
	if (span_is(name, "items")) {
		*seen |= 1;
		return span_u64(value, &totals->items);
	}
	if (span_is(name, "bytes")) {
		*seen |= 2;
		return span_u64(value, &totals->bytes);
	}
	if (span_is(name, "hash")) {
		*seen |= 4;
		return digest_parse(value, &totals->hash);
	}
	if (span_is(name, "complete")) {
		*seen |= 8;
		totals->complete = span_is(value, "yes");
		return totals->complete || span_is(value, "no");
	}
	if (span_is(name, "reason"))
		totals->reason = value;
	return true;
}

static int
read_totals(struct unpack *u, enum unpack_kind kind, struct err *err)
{
	struct span text, name, value;
	unsigned seen = 0;

	u->entry.kind = kind;
	if (read_content(u, HEAD_MAX, err) == -1)
		return -1;
	for (text = buf_span(&u->content); next_line(&text, &name, &value);)
		if (!totals_value(&u->entry.totals, name, value, &seen))
			return damaged(u, err, "what it says of %.*s is wrong",
			    SPAN_ARG(span_head(name, 20)));
	if (seen != (kind == UNPACK_END ? 15u : 7u))
		return damaged(u, err, "it does not say all that it should");
	u->over = kind == UNPACK_END;
	return 0;
}

static int
read_log(struct unpack *u, struct err *err)
{
	u->entry.kind = UNPACK_LOG;
	if (read_content(u, LOG_MAX, err) == -1)
		return -1;
	u->entry.log = buf_span(&u->content);
	return 0;
}

/* Which entry ".mx/NUMBER.REST" is.  1: it was read; 0: unknown, pass it over. */
static int
read_meta(struct unpack *u, struct span rest, struct err *err)
{
	const struct span number = span_head(rest, span_find(rest, '.'));
	const struct span kind = span_from(rest, number.n);
	uint64_t n;
	int rc;

	if (!span_u64(number, &n))
		return 0;
	if (u->numbered && n != u->number)
		return damaged(u, err, "it is of another segment");
	u->numbered = true;
	u->number = n;
	if (span_is(kind, ".stream"))
		rc = u->first ? read_head(u, err) :
		    damaged(u, err, "a second head");
	else if (span_starts(kind, ".log."))
		rc = read_log(u, err);
	else if (span_starts(kind, ".commit."))
		rc = read_totals(u, UNPACK_COMMIT, err);
	else if (span_is(kind, ".end"))
		rc = read_totals(u, UNPACK_END, err);
	else
		return 0;
	return rc == -1 ? -1 : 1;
}

/* ---- going on ---- */

/* The header of the next entry.  1; 0: the tar is over. */
static int
next_header(struct unpack *u, struct err *err)
{
	const char *path;
	int rc = archive_read_next_header(u->tar, &u->raw);
	int64_t size;

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return tar_failed(u, err);
	u->raw_rc = rc;
	arena_reset(&u->arena);
	u->entry = (struct unpack_entry){
		.position = (uint64_t)archive_read_header_position(u->tar),
	};
	path = archive_entry_pathname_utf8(u->raw);
	u->entry.path = span_str(path);
	u->data = (uint64_t)archive_filter_bytes(u->tar, 0);
	size = archive_entry_size(u->raw);
	u->size = archive_entry_hardlink(u->raw) != NULL || size < 0 ? 0 :
	    (uint64_t)size;
	u->taken = true;
	feed_forget(u->feed, u->entry.position);
	return 1;
}

/* 1: an entry of ours, and it was read; 0: foreign, pass it over. */
static int
classify(struct unpack *u, struct err *err)
{
	const struct span path = u->entry.path;
	const bool link = archive_entry_hardlink(u->raw) != NULL;
	const bool file = link || archive_entry_filetype(u->raw) == AE_IFREG;
	struct span dir;

	collect(u);
	if (file && !link && span_starts(path, ".mx/"))
		return read_meta(u, span_from(path, 4), err);
	if (archive_entry_filetype(u->raw) == AE_IFDIR && !link)
		return u->attrs[ATTR_MAILBOX].n == 0 ? 0 :
		    read_mailbox(u, err) == -1 ? -1 : 1;
	dir = mailbox_path(path);
	if (!file || dir.n == 0)
		return 0;
	return read_item(u, dir, err) == -1 ? -1 : 1;
}

/* The head comes first, unless reading began in the middle. */
static int
expect_head(struct unpack *u, struct err *err)
{
	const struct span path = u->entry.path;

	if (span_starts(path, ".mx/") && path.n > 11 &&
	    span_is(span_from(path, path.n - 7), ".stream"))
		return 0;
	return err_set(err, ERR_RUN, STATUS_DATA, "%s: is no mx stream", u->name);
}

static bool
is_zeros(struct span s)
{
	size_t i;

	for (i = 0; i < s.n && s.p[i] == 0; i++)
		;
	return i == s.n;
}

/*
 * Behind the tar: padding, and frames whose checksums are still to be seen.
 * Anything else may be another stream, with mail that would be lost.
 */
static int
drain(struct unpack *u, struct err *err)
{
	const uint64_t left = u->given -
	    (uint64_t)archive_filter_bytes(u->tar, 0);
	struct span block = u->block;
	bool padding;
	int more;

	u->broken = true;
	padding = is_zeros(left < block.n ?
	    span_from(block, block.n - (size_t)left) : block);
	while (padding && (more = feed_next(u->feed, &block, err)) != 0) {
		u->cut = feed_cut(u->feed);
		if (more == -1)
			return -1;
		padding = is_zeros(block);
	}
	if (!padding)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: more stands behind the end of the stream; streams in one file are not read as one",
		    u->name);
	return 0;
}

/* The next entry of ours.  1; 0: the tar is over. */
static int
next_entry(struct unpack *u, struct err *err)
{
	const bool over = u->over;
	int rc;

	do {
		if ((rc = next_header(u, err)) != 1)
			return rc;
		if (u->first && !u->headless && expect_head(u, err) == -1)
			return -1;
	} while ((rc = classify(u, err)) == 0 &&
	    (!u->first || u->headless));
	if (rc == -1)
		return -1;
	if (rc == 0)
		return damaged(u, err, "not the head of a stream");
	if (over)
		return damaged(u, err, "an entry behind the end");
	if (u->raw_rc == ARCHIVE_WARN)
		return damaged(u, err, "%s", archive_error_string(u->tar));
	return 1;
}

int
unpack_next(struct unpack *u, struct unpack_entry *out, struct err *err)
{
	int rc;

	if (u->broken)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%s: read on after its end", u->name);
	if (u->empty)
		return 0;
	if ((rc = next_entry(u, err)) == 0)
		return drain(u, err);
	if (rc == -1) {
		u->broken = true;
		return -1;
	}
	u->first = false;
	*out = u->entry;
	return 1;
}

/* ---- octets ---- */

static int
take(struct unpack *u, struct err *err)
{
	if (u->taken)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%s: octets asked for that are not there", u->name);
	u->taken = true;
	return 0;
}

int
unpack_body(struct unpack *u, struct body *body, struct err *err)
{
	struct span piece;
	uint64_t at = 0;
	int more;

	if (take(u, err) == -1 || body_begin(body, u->size, err) == -1)
		return -1;
	while ((more = next_piece(u, at, &piece, err)) == 1) {
		if (body_add(body, piece, err) == -1)
			return -1;
		at += piece.n;
	}
	if (more == -1 || body_end(body, err) == -1)
		return -1;
	if (!digest_eq(body_digest(body), &u->entry.digest))
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "%s: octet %llu: %.*s: its octets do not agree with their digest",
		    u->name, (unsigned long long)u->entry.position,
		    SPAN_ARG(span_head(u->entry.path, 300)));
	return 0;
}

int
unpack_read(struct unpack *u, unsigned char *p, struct err *err)
{
	struct span piece;
	uint64_t at = 0;
	int more;

	if (take(u, err) == -1)
		return -1;
	while ((more = next_piece(u, at, &piece, err)) == 1) {
		if (piece.n > 0)
			memcpy(p + at, piece.p, piece.n);
		at += piece.n;
	}
	return more;
}
