/* SPDX-License-Identifier: ISC */
/*
 * Entries into tar octets.  libarchive writes headers and attributes; the
 * octets of items never pass through it, so that they are copied once.
 */

#include <archive.h>
#include <archive_entry.h>

#include <stdlib.h>

#include "base/json.h"
#include "formats/stream/pack.h"
#include "mail/name.h"

#define BLOCK		512
#define ATTRS_MAX	((size_t)900000)	/* libarchive reads 1 MiB */
#define TEXT_MAX	4096			/* of one value in a head */

struct pack {
	struct archive		*tar;
	struct archive_entry	*entry;
	struct buf		*out;		/* NULL: what comes is dropped */
	struct buf		 path, text, ref, name;
	size_t			 attrs;		/* octets of the entry's attributes */
	enum err_scope		 scope;		/* what it spoils if they are too many */
};

static la_ssize_t
write_out(struct archive *tar, void *arg, const void *p, size_t n)
{
	struct pack *pack = arg;

	(void)tar;
	if (pack->out != NULL)
		buf_mem(pack->out, p, n);
	return (la_ssize_t)n;
}

static int
tar_failed(struct pack *pack, const char *what, struct err *err)
{
	const char *why = archive_error_string(pack->tar);

	return err_set(err, ERR_RUN, STATUS_BUG, "writing a tar: %s: %s", what,
	    why != NULL ? why : "no memory");
}

static bool
tar_setup(struct archive *tar, struct pack *pack)
{
	return archive_write_set_format_pax(tar) == ARCHIVE_OK &&
	    archive_write_set_format_option(tar, "pax", "xattrheader",
	    "SCHILY") == ARCHIVE_OK &&
	    archive_write_add_filter_none(tar) == ARCHIVE_OK &&
	    archive_write_set_bytes_per_block(tar, 0) == ARCHIVE_OK &&
	    archive_write_open(tar, pack, NULL, write_out, NULL) == ARCHIVE_OK;
}

struct pack *
pack_new(struct err *err)
{
	struct pack *pack;

	if ((pack = calloc(1, sizeof(*pack))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	if ((pack->tar = archive_write_new()) == NULL ||
	    (pack->entry = archive_entry_new()) == NULL) {
		(void)err_nomem(err);
		pack_free(pack);
		return NULL;
	}
	if (!tar_setup(pack->tar, pack)) {
		(void)tar_failed(pack, "setting it up", err);
		pack_free(pack);
		return NULL;
	}
	return pack;
}

void
pack_free(struct pack *pack)
{
	if (pack == NULL)
		return;
	pack->out = NULL;
	if (pack->tar != NULL)
		(void)archive_write_free(pack->tar);
	archive_entry_free(pack->entry);
	buf_fini(&pack->path);
	buf_fini(&pack->text);
	buf_fini(&pack->ref);
	buf_fini(&pack->name);
	free(pack);
}

size_t
pack_padding(uint64_t size)
{
	return (size_t)((BLOCK - size % BLOCK) % BLOCK);
}

static void
put_zeros(struct buf *out, size_t n)
{
	static const unsigned char zeros[BLOCK * 2];

	buf_mem(out, zeros, n);
}

void
pack_trailer(struct buf *out)
{
	put_zeros(out, (size_t)BLOCK * 2);
}

/* ---- one entry ---- */

/* A new entry whose path stands in pack->path. */
static void
begin(struct pack *pack, mode_t type, int64_t mtime)
{
	archive_entry_clear(pack->entry);
	archive_entry_copy_pathname(pack->entry, buf_cstr(&pack->path));
	archive_entry_set_filetype(pack->entry, type);
	archive_entry_set_perm(pack->entry, type == AE_IFDIR ? 0700 : 0600);
	archive_entry_set_mtime(pack->entry, mtime, 0);
	archive_entry_set_size(pack->entry, 0);
	pack->attrs = pack->path.n;
	pack->scope = ERR_RUN;
}

static void
attr(struct pack *pack, const char *name, struct span value)
{
	if (value.n == 0)
		return;
	pack->attrs += value.n;
	archive_entry_xattr_add_entry(pack->entry, name, value.p, value.n);
}

static void
attr_u64(struct pack *pack, const char *name, uint64_t value)
{
	if (value == 0)
		return;
	buf_clear(&pack->text);
	buf_u64(&pack->text, value);
	attr(pack, name, buf_span(&pack->text));
}

/*
 * Write the entry's header to `out`.  What libarchive adds to end the entry
 * (zeros for octets that it never saw) is dropped.
 */
static int
finish(struct pack *pack, struct buf *out, struct err *err)
{
	const size_t before = out->n;
	int rc;

	if (!buf_ok(&pack->path) || !buf_ok(&pack->text) || !buf_ok(&pack->ref))
		return err_nomem(err);
	if (pack->path.n > ENTRY_PATH_MAX)
		return err_set(err, pack->scope, STATUS_DATA,
		    "its path has %zu octets, more than %zu", pack->path.n,
		    ENTRY_PATH_MAX);
	if (pack->attrs > ATTRS_MAX)
		return err_set(err, pack->scope, STATUS_DATA,
		    "its attributes have %zu octets, more than %zu",
		    pack->attrs, ATTRS_MAX);
	pack->out = out;
	rc = archive_write_header(pack->tar, pack->entry);
	pack->out = NULL;
	if (rc != ARCHIVE_OK) {
		out->n = before;
		return tar_failed(pack, buf_cstr(&pack->path), err);
	}
	if (archive_write_finish_entry(pack->tar) != ARCHIVE_OK)
		return tar_failed(pack, buf_cstr(&pack->path), err);
	return buf_ok(out) ? 0 : err_nomem(err);
}

/* ---- entries of ours ---- */

static void
meta_path(struct pack *pack, uint64_t number, const char *name)
{
	buf_clear(&pack->path);
	buf_fmt(&pack->path, ".mx/%08llu.%s", (unsigned long long)number, name);
}

/* A file at pack->path. */
static int
put_file(struct pack *pack, struct buf *out, int64_t mtime,
    struct span content, struct err *err)
{
	begin(pack, AE_IFREG, mtime);
	archive_entry_set_size(pack->entry, (la_int64_t)content.n);
	if (finish(pack, out, err) == -1)
		return -1;
	buf_put(out, content);
	put_zeros(out, pack_padding(content.n));
	return buf_ok(out) ? 0 : err_nomem(err);
}

/* "name=value" with its newline; nothing for an empty value. */
static int
put_line(struct buf *out, const char *name, struct span value, struct err *err)
{
	size_t i;

	if (value.n == 0)
		return 0;
	for (i = 0; i < value.n; i++)
		if (value.p[i] < 0x20 || value.p[i] == 0x7f)
			break;
	if (i < value.n || value.n > TEXT_MAX)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "a stream's %s cannot have control characters or over %d octets",
		    name, TEXT_MAX);
	buf_fmt(out, "%s=", name);
	buf_put(out, value);
	buf_chr(out, '\n');
	return 0;
}

static int
head_text(struct buf *out, const struct stream_head *head, struct err *err)
{
	buf_fmt(out, "version=%d\n", STREAM_VERSION);
	if (put_line(out, "id", head->id, err) == -1)
		return -1;
	buf_fmt(out, "number=%llu\n", (unsigned long long)head->number);
	if (put_line(out, "previous", head->previous, err) == -1 ||
	    put_line(out, "origin", head->origin, err) == -1)
		return -1;
	if (head->generation > 0)
		buf_fmt(out, "generation=%llu\n",
		    (unsigned long long)head->generation);
	buf_str(out, "created=");
	date_put_rfc3339(out, head->created);
	buf_chr(out, '\n');
	if (put_line(out, "program", head->program, err) == -1)
		return -1;
	return put_line(out, "maker", head->maker, err);
}

int
pack_head(struct pack *pack, struct buf *out, const struct stream_head *head,
    struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = -1;

	if (head_text(&text, head, err) == -1)
		goto out;
	if (!buf_ok(&text)) {
		(void)err_nomem(err);
		goto out;
	}
	meta_path(pack, head->number, "stream");
	rc = put_file(pack, out, head->created, buf_span(&text), err);
out:
	buf_fini(&text);
	return rc;
}

int
pack_log(struct pack *pack, struct buf *out, uint64_t number, uint64_t k,
    int64_t now, struct span lines, struct err *err)
{
	if (lines.n > LOG_MAX)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "a log entry of %zu octets, more than %zu", lines.n, LOG_MAX);
	meta_path(pack, number, "log.");
	buf_u64(&pack->path, k);
	return put_file(pack, out, now, lines, err);
}

static void
totals_text(struct buf *out, const struct stream_totals *totals)
{
	buf_fmt(out, "items=%llu\nbytes=%llu\nhash=",
	    (unsigned long long)totals->items,
	    (unsigned long long)totals->bytes);
	digest_put(out, &totals->hash);
	buf_chr(out, '\n');
}

int
pack_commit(struct pack *pack, struct buf *out, uint64_t number, uint64_t k,
    int64_t now, const struct stream_totals *totals, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	totals_text(&text, totals);
	meta_path(pack, number, "commit.");
	buf_u64(&pack->path, k);
	rc = buf_ok(&text) ? put_file(pack, out, now, buf_span(&text), err) :
	    err_nomem(err);
	buf_fini(&text);
	return rc;
}

int
pack_end(struct pack *pack, struct buf *out, uint64_t number, int64_t now,
    const struct stream_totals *totals, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc = -1;

	totals_text(&text, totals);
	buf_fmt(&text, "complete=%s\n", totals->complete ? "yes" : "no");
	if (!totals->complete &&
	    put_line(&text, "reason", totals->reason, err) == -1)
		goto out;
	if (!buf_ok(&text)) {
		(void)err_nomem(err);
		goto out;
	}
	meta_path(pack, number, "end");
	rc = put_file(pack, out, now, buf_span(&text), err);
out:
	buf_fini(&text);
	return rc;
}

/* ---- mailboxes ---- */

static void
mailbox_attrs(struct pack *pack, const struct mailbox *m)
{
	const char delimiter = m->delimiter;

	buf_clear(&pack->text);
	name_json(&pack->text, m->name);
	attr(pack, "user.mx.mailbox", buf_span(&pack->text));
	attr(pack, "user.mx.raw", m->raw);
	if (delimiter != '\0')
		attr(pack, "user.mx.delimiter", span_of(&delimiter, 1));
	attr(pack, "user.mx.attributes", m->attributes);
	if (m->subscribed)
		attr(pack, "user.mx.subscribed", SPAN("1"));
	attr_u64(pack, "user.mx.uidvalidity", m->uidvalidity);
	attr_u64(pack, "user.mx.uidnext", m->uidnext);
	attr_u64(pack, "user.mx.modseq", m->modseq);
	attr(pack, "user.mx.mailboxid", m->id);
	attr(pack, "user.mx.status",
	    span_str(mailbox_status_name(m->status)));
}

/* The three directories of a Maildir, at the path with a "/" behind. */
static int
put_maildir(struct pack *pack, struct buf *out, int64_t now, struct err *err)
{
	static const char *const names[] = { "cur/", "new/", "tmp/" };
	const size_t n = pack->path.n;
	size_t i;

	for (i = 0; i < N(names); i++) {
		pack->path.n = n;
		buf_str(&pack->path, names[i]);
		begin(pack, AE_IFDIR, now);
		if (finish(pack, out, err) == -1)
			return -1;
	}
	return 0;
}

int
pack_mailbox(struct pack *pack, struct buf *out, const struct mailbox *m,
    int64_t now, struct err *err)
{
	const size_t before = out->n;

	if (m->name.n == 0)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "a mailbox without a name");
	buf_clear(&pack->path);
	name_path(&pack->path, m->name);
	buf_chr(&pack->path, '/');
	begin(pack, AE_IFDIR, now);
	mailbox_attrs(pack, m);
	if (finish(pack, out, err) == 0 && (m->status != MAILBOX_OPEN ||
	    put_maildir(pack, out, now, err) == 0))
		return 0;
	if (buf_ok(out))
		out->n = before;
	return -1;
}

/* ---- items ---- */

/* {"mailbox":[...],"ref":"...","digest":"..."} */
static void
put_src(struct buf *out, struct span mailbox, const struct item *item,
    struct span ref)
{
	buf_str(out, "{\"mailbox\":");
	name_json(out, item->src_mailbox.n > 0 ? item->src_mailbox : mailbox);
	buf_str(out, ",\"ref\":");
	json_str(out, ref);
	buf_str(out, ",\"digest\":\"");
	digest_put(out, item->src_digest != NULL ? item->src_digest :
	    &item->ident->digest);
	buf_str(out, "\"}");
}

/* "-0000" where the zone is unknown, as in RFC 5322 section 3.3. */
static void
put_date(struct buf *out, const struct date *date)
{
	date_put_imap(out, date);
	if (date->zone == DATE_NO_ZONE && buf_ok(out))
		out->p[out->n - 5] = '-';
}

/*
 * Whether the path of an item tells its mailbox for certain: a component that
 * was cut does not, and some readers (libarchive) compose characters.
 */
static bool
path_tells(struct pack *pack, struct span mailbox)
{
	size_t i;

	for (i = 0; i < pack->path.n; i++)
		if (pack->path.p[i] >= 0x80)
			return false;
	buf_clear(&pack->text);
	name_path(&pack->text, mailbox);
	buf_clear(&pack->name);
	return name_parse_path(&pack->name, buf_span(&pack->text)) &&
	    span_eq(buf_span(&pack->name), mailbox);
}

static void
item_attrs(struct pack *pack, const struct item *item)
{
	buf_clear(&pack->text);
	digest_put(&pack->text, &item->ident->digest);
	attr(pack, "user.mx.digest", buf_span(&pack->text));
	if (item->date.known) {
		buf_clear(&pack->text);
		put_date(&pack->text, &item->date);
		attr(pack, "user.mx.date", buf_span(&pack->text));
	}
	attr(pack, "user.mx.flags", item->flags);
	attr_u64(pack, "user.mx.uid", item->uid);
	attr_u64(pack, "user.mx.uidvalidity", item->uidvalidity);
	attr_u64(pack, "user.mx.modseq", item->modseq);
	attr(pack, "user.mx.emailid", item->emailid);
	attr(pack, "user.mx.threadid", item->threadid);
	attr(pack, "user.mx.gm-msgid", item->gm_msgid);
	attr(pack, "user.mx.gm-thrid", item->gm_thrid);
	attr(pack, "user.mx.labels", item->labels);
	attr(pack, "user.mx.was", item->was);
	attr(pack, "user.mx.note", item->note);
}

int
pack_item(struct pack *pack, struct buf *out, struct span mailbox,
    const struct item *item, const char *link, struct err *err)
{
	if (mailbox.n == 0 || item->ref.n == 0 || item->ident == NULL)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "an item without mailbox, ref or digest");
	if (item->ident->size > ENTRY_ITEM_MAX)
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "it has %llu octets, more than %llu",
		    (unsigned long long)item->ident->size,
		    (unsigned long long)ENTRY_ITEM_MAX);
	buf_clear(&pack->path);
	entry_item_path(&pack->path, mailbox, item, &item->ident->digest,
	    item->ident->size);
	begin(pack, AE_IFREG, item->date.known ? item->date.sec : 0);
	pack->scope = ERR_MESSAGE;
	if (link != NULL)
		archive_entry_copy_hardlink(pack->entry, link);
	else
		archive_entry_set_size(pack->entry, (la_int64_t)item->ident->size);

	if (!path_tells(pack, mailbox)) {
		buf_clear(&pack->text);
		name_json(&pack->text, mailbox);
		attr(pack, "user.mx.mailbox", buf_span(&pack->text));
	}
	buf_clear(&pack->ref);
	entry_put_ref(&pack->ref, item->ref);
	buf_clear(&pack->text);
	put_src(&pack->text, mailbox, item, buf_span(&pack->ref));
	attr(pack, "user.mx.src", buf_span(&pack->text));
	item_attrs(pack, item);
	return finish(pack, out, err);
}
