/* SPDX-License-Identifier: ISC */
/* Segments into the index; see the header. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/archive/catchup.h"
#include "formats/archive/indexmeta.h"
#include "formats/stream/frame.h"
#include "formats/stream/unpack.h"

#define APPLY_THINGS	2000		/* as the writer commits by itself */
#define BATCH_MAX	1000000		/* things in one batch of a file */
#define PROBE_MAX	((size_t)8 << 20)
#define PIECE		((size_t)256 << 10)

/* One file that is read. */
struct scan {
	struct catchup		*c;
	const struct segment_file *file;
	int			 fd;
	char			*path;
	const char		*name;		/* of the file alone */
	uint64_t		 known;		/* octets that the index has */
	struct unpack		*u;
	struct unpack_entry	 entry;
	uint64_t		 frame;		/* that holds the entry */
	struct batch		 batch;
	struct sha256		*hash;
	uint64_t		 items, bytes;
	uint64_t		 committed;	/* items at the last commit */
	struct identer		*identer;
	struct body		*body;
	bool			 damaged;	/* totals mean nothing any more */
	uint64_t		 kept;		/* items that are in the index */
	uint64_t		 said;		/* items, as the segment says itself */
	bool			 end;
	bool			 broken;	/* the failure is damage, not trouble */
	const struct digest	*previous;	/* of the file before; NULL: none */
	bool			 previous_bad;	/* that one is damaged */
};

/* ---- telling ---- */

static int
tell_file(struct scan *s, const char *what, struct err *err)
{
	const struct archive_damage d = {
		.segment = s->name, .file = true, .what = what,
	};

	s->c->seen.damaged++;
	if (s->c->damage != NULL)
		return s->c->damage(s->c->arg, &d, err);
	report_note(s->c->report, "%s: %s", s->path, what);
	return 0;
}

/* Something of the segment cannot be read, which the index remembers. */
static int
tell(struct scan *s, const char *what, struct err *err)
{
	struct archive_damage d = {
		.segment = s->name, .frame = s->frame, .what = what,
	};

	if (s->batch.damage.places++ == 0)
		s->batch.damage.first = s->frame;
	s->c->seen.damaged++;
	if (s->entry.kind == UNPACK_ITEM) {
		d.mailbox = s->entry.mailbox.name;
		d.ref = s->entry.item.ref;
	}
	if (s->c->damage != NULL)
		return s->c->damage(s->c->arg, &d, err);
	report_note(s->c->report, "%s: frame at offset %llu: %s", s->path,
	    (unsigned long long)s->frame, what);
	return 0;
}

static bool
is_old(const struct scan *s)
{
	return s->frame < s->known;
}

/* ---- entries ---- */

static int
check_chain(struct scan *s, struct err *err)
{
	const struct stream_head *h = &s->entry.head;
	struct digest d;

	if (h->previous.n == 0 && s->previous == NULL)
		return 0;
	if (s->previous != NULL && digest_parse(h->previous, &d) &&
	    digest_eq(&d, s->previous))
		return 0;
	if (s->previous_bad)
		return tell_file(s, "the segment before it is not what it was",
		    err);
	return err_set(err, ERR_RUN, STATUS_DATA,
	    "%s: does not follow the segment before it: it is of another archive, "
	    "or that one was altered or replaced", s->path);
}

/* Every segment is of the archive that the first one is of. */
static int
check_id(struct scan *s, struct err *err)
{
	struct index_txn t;
	struct span id;
	int rc;

	if (index_read(s->c->index, &t, err) == -1)
		return -1;
	rc = indexmeta_get(&t, META_ARCHIVE, &id, err);
	if (rc == 1 && !span_eq(id, s->entry.head.id))
		rc = err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: is of another archive", s->path);
	index_end(&t);
	return rc == -1 ? -1 : 0;
}

static int
take_head(struct scan *s, struct err *err)
{
	const struct stream_head *h = &s->entry.head;

	if (h->number != s->file->number || h->generation == 0)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: its head is not that of this segment", s->path);
	if (check_id(s, err) == -1 || check_chain(s, err) == -1)
		return -1;
	return batch_head(&s->batch, h, err);
}

/* The identity of octets that stand elsewhere.  1, 0: they do not, -1. */
static int
known_ident(struct scan *s, const struct digest *digest, struct ident *out,
    struct err *err)
{
	const struct op_item *o = batch_find(&s->batch, digest);
	struct index_txn t;
	struct ikey key = { .n = 0 };
	struct row_blob blob;
	struct row_item row;
	struct span v;
	int rc;

	if (o != NULL) {
		*out = o->ident;
		return 1;
	}
	if (index_read(s->c->index, &t, err) == -1)
		return -1;
	ikey_mem(&key, digest->b, N(digest->b));
	rc = index_get(&t, TABLE_BLOBS, ikey_span(&key), &v, err);
	if (rc == 1 && !row_get_blob(v, &blob))
		rc = index_bad(TABLE_BLOBS, err);
	if (rc == 1) {
		ikey_clear(&key);
		ikey_u64(&key, blob.item);
		rc = index_get(&t, TABLE_ITEMS, ikey_span(&key), &v, err);
		if (rc == 1 && !row_get_item(v, &row))
			rc = index_bad(TABLE_ITEMS, err);
		if (rc == 1)
			*out = row.ident;
	}
	index_end(&t);
	return rc;
}

/* 1; 0: damaged and passed over; -1. */
static int
read_ident(struct scan *s, struct ident *out, struct err *err)
{
	struct span piece;
	int more;

	if (unpack_body(s->u, s->body, err) == -1) {
		if (err->scope != ERR_MESSAGE) {
			s->broken = true;
			return -1;
		}
		err_clear(err);
		return tell(s, "its octets do not agree with their digest", err);
	}
	body_rewind(s->body);
	while ((more = body_next(s->body, &piece, err)) == 1)
		identer_add(s->identer, piece);
	identer_end(s->identer, out);
	s->c->seen.octets += out->size;
	return more == -1 ? -1 : 1;
}

static int
take_item(struct scan *s, struct err *err)
{
	const struct unpack_entry *e = &s->entry;
	struct ident ident;
	struct op_item *o;
	int rc;

	s->items++;
	s->bytes += e->item.size;
	sha256_add(s->hash, digest_span(&e->digest));
	if (is_old(s)) {
		s->kept++;
		return 0;
	}
	s->c->seen.items++;
	if (e->link.n > 0) {
		rc = known_ident(s, &e->digest, &ident, err);
		if (rc == 0)
			return tell(s, "it links to octets that are not there", err);
	} else {
		rc = read_ident(s, &ident, err);
	}
	if (rc != 1)
		return rc;
	if ((o = batch_item(&s->batch, &e->item, &ident, e->mailbox.name,
	    e->path, err)) == NULL)
		return -1;
	s->kept++;
	unpack_data(s->u, &o->frame, &o->inside);
	o->link = e->link.n > 0;
	return o->link ? 0 : batch_holds(&s->batch, err);
}

static int
take_log(struct scan *s, struct err *err)
{
	struct span rest = s->entry.log, text;
	struct log_line line;
	struct arena arena = { .head = NULL };
	int rc = 0;

	while (rc == 0 && span_next(&rest, '\n', &text)) {
		if (text.n == 0)
			continue;
		arena_reset(&arena);
		rc = log_parse(text, &arena, &line, err);
		if (rc == 0) {
			rc = batch_line(&s->batch, BATCH_FRAMES, &line, err);
		} else if (err->status == STATUS_DATA) {
			err_clear(err);
			rc = tell(s, "a line of its log cannot be read", err);
		}
	}
	arena_fini(&arena);
	return rc;
}

static bool
totals_agree(const struct scan *s)
{
	struct digest hash;

	sha256_peek(s->hash, &hash);
	return s->entry.totals.items == s->items &&
	    s->entry.totals.bytes == s->bytes &&
	    digest_eq(&hash, &s->entry.totals.hash);
}

static int
apply(struct scan *s, struct err *err)
{
	if (batch_apply(s->c->index, &s->batch, err) == -1)
		return -1;
	batch_clear(&s->batch);
	return 0;
}

/* 1: what was read is good up to here; 0: passed over; -1. */
static int
take_commit(struct scan *s, struct err *err)
{
	const uint64_t end = unpack_frame_end(s->u);

	s->said = s->entry.totals.items;
	if (s->file->part && (end == UINT64_MAX || !totals_agree(s))) {
		s->broken = true;
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: a commit that does not agree with what it ends", s->path);
	}
	if (!s->damaged && !totals_agree(s)) {
		s->damaged = true;
		if (tell(s, "a commit does not agree with what it ends", err) == -1)
			return -1;
	}
	if (end == UINT64_MAX)
		return 0;
	s->batch.length = end;
	s->batch.items = s->items;
	s->batch.bytes = s->bytes;
	s->committed = s->items;
	if (s->file->part) {
		s->c->tail.good = end;
		s->c->tail.totals = s->entry.totals;
		s->c->tail.totals.reason = SPAN_NONE;
	}
	if (is_old(s) || (!s->file->part &&
	    batch_size(&s->batch) < APPLY_THINGS))
		return 0;
	return apply(s, err);
}

static int
take_end(struct scan *s, struct err *err)
{
	s->end = true;
	s->said = s->entry.totals.items;
	if (s->damaged || totals_agree(s))
		return 0;
	s->end = false;
	return tell(s, "its end does not agree with what it ends", err);
}

static int
take(struct scan *s, struct err *err)
{
	switch (s->entry.kind) {
	case UNPACK_HEAD:
		return take_head(s, err);
	case UNPACK_MAILBOX:
		return is_old(s) ? 0 : batch_mailbox(&s->batch, BATCH_FRAMES,
		    &s->entry.mailbox, err);
	case UNPACK_ITEM:
		return take_item(s, err);
	case UNPACK_LOG:
		return is_old(s) ? 0 : take_log(s, err);
	case UNPACK_COMMIT:
		return take_commit(s, err);
	case UNPACK_END:
		return take_end(s, err);
	}
	return 0;
}

/* Entry by entry.  0 at the end; -1. */
static int
read_on(struct scan *s, struct err *err)
{
	uint64_t frame, inside;
	int more;

	while ((more = unpack_next(s->u, &s->entry, err)) == 1) {
		unpack_place(s->u, s->entry.position, &frame, &inside);
		if (frame != s->frame || s->entry.kind == UNPACK_HEAD)
			s->c->seen.frames++;
		s->frame = frame;
		if (take(s, err) == -1)
			return -1;
		if (batch_size(&s->batch) > BATCH_MAX)
			return err_set(err, ERR_RUN, STATUS_BUG,
			    "%s: more than %d entries between two commits",
			    s->path, BATCH_MAX);
	}
	s->broken = more == -1;
	if (more == -1)
		s->entry.kind = UNPACK_HEAD;	/* it is not the last one's */
	return more;
}

/* ---- going on behind damage ---- */

/* Whether a frame that can be read begins there. */
static int
probe(struct scan *s, struct frame_reader *r, struct buf *out, uint64_t at,
    struct err *err)
{
	uint64_t next;

	buf_clear(out);
	if (frame_read_all(r, s->fd, s->path, at, PROBE_MAX, out, &next,
	    err) != -1)
		return 1;
	if (err->status != STATUS_DATA)
		return -1;
	err_clear(err);
	return 0;
}

/* The first octet of zstd's magic number (RFC 8878 section 3.1.1) in p. */
static size_t
find_magic(const unsigned char *p, size_t n)
{
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	size_t i;

	for (i = 0; i + N(magic) <= n; i++)
		if (memcmp(p + i, magic, N(magic)) == 0)
			return i;
	return n;
}

/* 1 and the offset of the next good frame at or behind `from`; 0: none; -1. */
static int
next_frame(struct scan *s, uint64_t from, uint64_t *at, struct err *err)
{
	unsigned char *p = malloc(PIECE);
	struct frame_reader *r = frame_reader_new(err);
	struct buf out = BUF_INIT;
	ssize_t n = 0;
	size_t i;
	int rc = 0;

	if (p == NULL || r == NULL) {
		rc = err_nomem(err);
		goto out;
	}
	while (rc == 0 && (n = io_pread(s->fd, p, PIECE, (off_t)from, s->path,
	    err)) >= 4) {
		i = find_magic(p, (size_t)n);
		if (i == (size_t)n) {
			from += (size_t)n - 3;
			continue;
		}
		from += i;
		*at = from++;
		rc = probe(s, r, &out, *at, err);
	}
	if (n == -1)
		rc = -1;
out:
	buf_fini(&out);
	frame_reader_free(r);
	free(p);
	return rc;
}

/* Open it again at the next good frame behind the entry given last.  1, 0, -1. */
static int
skip_damage(struct scan *s, struct err *err)
{
	uint64_t at = 0;
	int rc;

	unpack_close(s->u);
	s->u = NULL;
	if ((rc = next_frame(s, s->frame + 4, &at, err)) != 1)
		return rc;
	if (lseek(s->fd, (off_t)at, SEEK_SET) == -1)
		return err_sys(err, ERR_RUN, STATUS_IO, "%s", s->path);
	s->frame = at;
	s->entry.kind = UNPACK_HEAD;
	s->u = unpack_open(s->fd, s->path, UINT64_MAX, true, err);
	return s->u == NULL ? -1 : 1;
}

/* ---- a file ---- */

static int
scan_open(struct scan *s, struct err *err)
{
	const char *slash;

	s->fd = -1;
	s->path = layout_segment(s->c->dir, s->file->number, s->file->part);
	if (s->path == NULL)
		return err_nomem(err);
	slash = strrchr(s->path, '/');
	s->name = slash != NULL ? slash + 1 : s->path;
	if ((s->hash = sha256_new(err)) == NULL ||
	    (s->identer = identer_new(err)) == NULL ||
	    (s->body = body_new(err)) == NULL)
		return -1;
	/* One that was not sealed when it was listed may be so by now. */
	return layout_open_segment(s->c->dir, s->file->number, &s->fd, err);
}

static void
scan_close(struct scan *s)
{
	unpack_close(s->u);
	(void)io_close(&s->fd, s->path != NULL ? s->path : "", NULL);
	batch_fini(&s->batch);
	sha256_free(s->hash);
	identer_free(s->identer);
	body_free(s->body);
	free(s->path);
}

/* Behind "HEAD123TAIL", if the message begins so. */
static const char *
behind(const char *msg, const char *head, const char *tail)
{
	const size_t n = strlen(head);
	const char *p = msg + n;

	if (strncmp(msg, head, n) != 0)
		return msg;
	p += strspn(p, "0123456789");
	return strncmp(p, tail, strlen(tail)) == 0 ? p + strlen(tail) : msg;
}

/* The message without path and place: where it is told says both. */
static const char *
bare(const struct scan *s, const char *msg)
{
	msg = behind(msg, s->path, ": ");
	msg = behind(msg, "octet ", ": ");
	return behind(msg, "the frame at offset ", " is ");
}

/* Tell it of the frame that it is in, which may be one behind the last entry's. */
static int
tell_found(struct scan *s, const char *msg, struct err *err)
{
	const uint64_t frame = s->frame;
	const uint64_t at = s->u != NULL ? unpack_failed_at(s->u) : UINT64_MAX;
	int rc;

	if (at != UINT64_MAX && at > frame)
		s->frame = at;
	rc = tell(s, bare(s, msg), err);
	s->frame = frame;
	return rc;
}

/*
 * Damage: in a .part it is the tail, and *err stays.  In a sealed segment it is told,
 * and reading goes on behind it.  1: go on; 0: nothing is left to read; -1.
 */
static int
on_damage(struct scan *s, struct err *err)
{
	const struct err found = *err;

	if (!s->broken || err->scope != ERR_RUN || err->status != STATUS_DATA)
		return -1;
	if (s->file->part)
		return 0;
	err_clear(err);
	s->broken = false;
	s->damaged = true;
	if (tell_found(s, found.msg, err) == -1)
		return -1;
	return skip_damage(s, err);
}

static int
read_all(struct scan *s, struct err *err)
{
	int rc = 1;

	s->u = unpack_open(s->fd, s->path, UINT64_MAX, false, err);
	if (s->u == NULL) {
		s->broken = true;
		rc = on_damage(s, err);
	}
	while (rc == 1) {
		if (read_on(s, err) == 0)
			return 0;
		rc = on_damage(s, err);
	}
	return rc;
}

/*
 * Where SHA256SUMS knew another file of that name, *sha becomes that one's: the next
 * segment follows what this one was, and still does when it is put back.  What can be
 * read of it is told by its frames, not by this.
 */
static int
check_sum(struct scan *s, struct digest *sha, struct err *err)
{
	struct digest sum;
	int rc;

	if ((rc = layout_sum(s->c->dir, s->file->number, &sum, err)) != 1)
		return rc;
	if (digest_eq(&sum, sha))
		return 0;
	*sha = sum;
	s->damaged = true;
	s->frame = 0;
	s->entry.kind = UNPACK_HEAD;
	return tell_file(s, "the file does not agree with SHA256SUMS", err);
}

/* A sealed one: the row says so, and what the whole file is. */
static int
finish_sealed(struct scan *s, struct digest *sha, struct err *err)
{
	if (layout_hash(s->fd, s->path, sha, err) == -1 ||
	    check_sum(s, sha, err) == -1)
		return -1;
	if (!s->end && !s->damaged && tell(s, "it has no end", err) == -1)
		return -1;
	if (s->batch.segment == 0)
		s->batch.segment = s->file->number;
	s->batch.length = s->file->size;
	s->batch.items = s->items;
	s->batch.bytes = s->bytes;
	s->batch.sealed = true;
	s->batch.sha = *sha;
	s->batch.damage.lost = s->said > s->kept ? s->said - s->kept : 0;
	s->batch.damage.unsure = !s->end;
	return apply(s, err);
}

/* `whole`: it was read to its end. */
static void
finish_part(struct scan *s, bool whole)
{
	struct catchup_tail *t = &s->c->tail;

	t->present = true;
	t->number = s->file->number;
	t->generation = s->batch.generation;
	t->size = s->file->size;
	t->ended = whole && s->end && t->good > 0 && s->items == s->committed;
	if (t->good < s->known)
		s->c->stale = true;
}

/* The chain goes on from here. */
struct chain {
	bool		any, bad;
	uint64_t	generation;
	struct digest	sha;
};

static int
scan_file(struct catchup *c, const struct segment_file *file, uint64_t known,
    struct chain *chain, struct err *err)
{
	struct scan s = {
		.c = c, .file = file, .known = known,
		.previous = chain->any ? &chain->sha : NULL,
		.previous_bad = chain->bad,
	};
	struct err found = ERR_INIT;
	int rc = -1;

	c->seen.segments++;
	/* Where the head cannot be read, the time of the one before is the best guess. */
	s.batch.generation = chain->generation == 0 ? 1 : chain->generation;
	s.batch.segment = file->number;
	if (scan_open(&s, err) == -1)
		goto out;
	if ((rc = read_all(&s, &found)) == -1) {
		*err = found;
		goto out;
	}
	chain->generation = s.batch.generation;
	if (file->part) {
		finish_part(&s, found.scope == ERR_NONE);
		goto out;
	}
	rc = finish_sealed(&s, &chain->sha, err);
	chain->any = true;
	chain->bad = s.damaged;
out:
	scan_close(&s);
	return rc;
}

/* What the index knows of a segment.  1, 0, -1. */
static int
known_segment(struct index *ix, uint64_t number, struct row_segment *row,
    struct err *err)
{
	struct index_txn t;
	struct ikey key = { .n = 0 };
	struct span v;
	int rc;

	ikey_u64(&key, number);
	if (index_read(ix, &t, err) == -1)
		return -1;
	rc = index_get(&t, TABLE_SEGMENTS, ikey_span(&key), &v, err);
	if (rc == 1 && !row_get_segment(v, row))
		rc = index_bad(TABLE_SEGMENTS, err);
	index_end(&t);
	return rc;
}

int
catchup_run(struct catchup *c, const struct segment_files *files, bool part,
    struct err *err)
{
	struct chain chain = { .any = false };
	struct row_segment row;
	size_t i;
	int rc;

	for (i = 0; i < files->n; i++) {
		const struct segment_file *f = &files->v[i];

		row = (struct row_segment){ .length = 0 };
		if ((rc = known_segment(c->index, f->number, &row, err)) == -1)
			return -1;
		if (rc == 1 && row.sealed) {
			chain = (struct chain){
				.any = true, .generation = row.generation,
				.sha = row.sha,
			};
			continue;
		}
		if (f->part && !part)
			continue;
		if (scan_file(c, f, row.length, &chain, err) == -1)
			return -1;
	}
	return 0;
}

/* ---- the id ---- */

int
catchup_id(const char *dir, struct buf *id, struct buf *origin,
    struct err *err)
{
	struct unpack_entry e;
	struct unpack *u = NULL;
	int fd = -1, rc = -1;

	if (layout_open_segment(dir, 1, &fd, err) == -1) {
		if (err->sys != ENOENT)
			return -1;
		err_clear(err);
		return 0;
	}
	if ((u = unpack_open(fd, dir, UINT64_MAX, false, err)) == NULL ||
	    (rc = unpack_next(u, &e, err)) == -1) {
		if (err->status == STATUS_DATA) {
			err_clear(err);
			rc = 0;
		}
	} else if (rc == 1) {
		buf_put(id, e.head.id);
		buf_put(origin, e.head.origin);
	}
	unpack_close(u);
	(void)io_close(&fd, dir, NULL);
	return rc;
}
