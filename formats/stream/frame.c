/* SPDX-License-Identifier: ISC */
/*
 * The framer: items of one mailbox, packed until a frame is full, then
 * compressed and handed over.  Reading frames is framereader.c's.
 */

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "formats/stream/frame.h"

#define PIECE	((size_t)256 << 10)	/* of a large message, compressed */

struct framer {
	frame_fn	*fn;
	void		*arg;
	int		 level;
	struct pack	*pack;
	ZSTD_CCtx	*zstd;
	struct identer	*identer;
	struct body	*octets;	/* of the finished frame */
	struct buf	 raw;		/* tar of the unfinished one */
	struct buf	 out, path;
	struct frame	 frame;
	size_t		 cap;		/* of frame.v */
};

/* ---- compression ---- */

static int
zstd_failed(size_t rc, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_BUG, "compressing a frame: %s",
	    ZSTD_getErrorName(rc));
}

/* A context for frames with checksum and size, as mx-stream(5) has them. */
static ZSTD_CCtx *
zstd_new(int level, struct err *err)
{
	ZSTD_CCtx *z;
	size_t rc;

	if ((z = ZSTD_createCCtx()) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	rc = ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 1);
	if (ZSTD_isError(rc)) {
		(void)zstd_failed(rc, err);
		(void)ZSTD_freeCCtx(z);
		return NULL;
	}
	return z;
}

/* One whole frame, appended to *out. */
static int
compress_all(ZSTD_CCtx *z, struct span raw, struct buf *out, struct err *err)
{
	const size_t room = ZSTD_compressBound(raw.n);
	unsigned char *p;
	size_t n;

	if ((p = buf_room(out, room)) == NULL)
		return err_nomem(err);
	n = ZSTD_compress2(z, p, room, raw.p, raw.n);
	if (ZSTD_isError(n))
		return zstd_failed(n, err);
	out->n += n;
	return 0;
}

int
frame_wrap(int level, struct span raw, struct buf *out, struct err *err)
{
	ZSTD_CCtx *z;
	int rc;

	if (level == 0) {
		buf_put(out, raw);
		return buf_ok(out) ? 0 : err_nomem(err);
	}
	if ((z = zstd_new(level, err)) == NULL)
		return -1;
	rc = compress_all(z, raw, out, err);
	(void)ZSTD_freeCCtx(z);
	return rc;
}

/* ---- life ---- */

struct framer *
framer_new(int level, frame_fn *fn, void *arg, struct err *err)
{
	struct framer *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	f->fn = fn;
	f->arg = arg;
	f->level = level;
	if ((f->pack = pack_new(err)) == NULL ||
	    (f->identer = identer_new(err)) == NULL ||
	    (f->octets = body_new(err)) == NULL ||
	    (level != 0 && (f->zstd = zstd_new(level, err)) == NULL)) {
		framer_free(f);
		return NULL;
	}
	return f;
}

void
framer_free(struct framer *f)
{
	if (f == NULL)
		return;
	pack_free(f->pack);
	(void)ZSTD_freeCCtx(f->zstd);
	identer_free(f->identer);
	body_free(f->octets);
	buf_fini(&f->raw);
	buf_fini(&f->out);
	buf_fini(&f->path);
	free(f->frame.v);
	arena_fini(&f->frame.arena);
	free(f);
}

/* Begin anew, with nothing in the frame. */
static void
clear(struct framer *f)
{
	f->frame.n = 0;
	f->frame.mailbox = SPAN_NONE;
	arena_reset(&f->frame.arena);
	body_reset(f->octets);
	buf_clear(&f->raw);
	buf_clear(&f->out);
	if (f->raw.cap > FRAME_TARGET * 2)
		buf_fini(&f->raw);
}

/* ---- emitting ---- */

/* Hand the frame over, whose octets are ready. */
static int
hand_over(struct framer *f, uint64_t raw, struct err *err)
{
	size_t i;
	int rc;

	/* The array may have moved while it grew. */
	for (i = 0; i < f->frame.n; i++) {
		f->frame.v[i].item.ident = &f->frame.v[i].ident;
		f->frame.v[i].item.key = &f->frame.v[i].ident.key;
	}
	f->frame.octets = f->octets;
	f->frame.raw = raw;
	rc = f->fn(f->arg, &f->frame, err);
	clear(f);
	return rc;
}

int
framer_flush(struct framer *f, struct err *err)
{
	/* Nobody asks for the digest of a frame: none is computed. */
	static const struct digest none;
	struct span octets = buf_span(&f->raw);

	if (f->raw.n == 0)
		return 0;
	if (f->level != 0) {
		buf_clear(&f->out);
		if (compress_all(f->zstd, octets, &f->out, err) == -1)
			return -1;
		octets = buf_span(&f->out);
	}
	if (body_lend(f->octets, octets, &none, err) == -1)
		return -1;
	return hand_over(f, f->raw.n, err);
}

/* ---- a large message: a frame of its own, piece by piece ---- */

/* Compress a piece of the frame, and end the frame with the last. */
static int
squeeze(struct framer *f, struct span piece, bool last, struct err *err)
{
	ZSTD_inBuffer in = { piece.p, piece.n, 0 };
	ZSTD_outBuffer out;
	unsigned char *p;
	size_t left;

	if (f->level == 0)
		return body_add(f->octets, piece, err);
	do {
		buf_clear(&f->out);
		if ((p = buf_room(&f->out, PIECE)) == NULL)
			return err_nomem(err);
		out = (ZSTD_outBuffer){ p, PIECE, 0 };
		left = ZSTD_compressStream2(f->zstd, &out, &in,
		    last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return zstd_failed(left, err);
		if (body_add(f->octets, span_of(p, out.pos), err) == -1)
			return -1;
	} while (last ? left > 0 : in.pos < in.size);
	return 0;
}

static int
begin_large(struct framer *f, uint64_t raw, struct err *err)
{
	size_t rc;

	if (f->level != 0) {
		(void)ZSTD_CCtx_reset(f->zstd, ZSTD_reset_session_only);
		rc = ZSTD_CCtx_setPledgedSrcSize(f->zstd, raw);
		if (ZSTD_isError(rc))
			return zstd_failed(rc, err);
	}
	return body_begin(f->octets, 0, err);
}

/* Emit what stands in raw, the header, with the octets behind it. */
static int
emit_large(struct framer *f, struct body *body, struct err *err)
{
	static const unsigned char zeros[512];
	const size_t padding = pack_padding(body_size(body));
	const uint64_t raw = f->raw.n + body_size(body) + padding;
	struct span piece;
	int more;

	if (begin_large(f, raw, err) == -1 ||
	    squeeze(f, buf_span(&f->raw), false, err) == -1)
		return -1;
	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		if (squeeze(f, piece, false, err) == -1)
			return -1;
	if (more == -1 ||
	    squeeze(f, span_of(zeros, padding), true, err) == -1 ||
	    body_end(f->octets, err) == -1)
		return -1;
	return hand_over(f, raw, err);
}

/* ---- adding ---- */

static int
identify(struct framer *f, const struct item *item, struct body *body,
    struct ident *ident, struct err *err)
{
	struct span piece;
	int more;

	if (item->ident != NULL) {
		*ident = *item->ident;
		if (body != NULL && (ident->size != body_size(body) ||
		    !digest_eq(&ident->digest, body_digest(body))))
			return err_set(err, ERR_MESSAGE, STATUS_BUG,
			    "its octets are not those that were announced");
		return 0;
	}
	if (body == NULL)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "an item with neither octets nor digest");
	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		identer_add(f->identer, piece);
	identer_end(f->identer, ident);
	return more;
}

/* Its place in the frame's table, for its header that begins at the end of raw. */
static struct frame_item *
new_item(struct framer *f, struct err *err)
{
	const size_t cap = f->cap == 0 ? 64 : f->cap * 2;
	struct frame_item *v;

	if (f->frame.n == f->cap) {
		if (cap > SIZE_MAX / sizeof(*v) ||
		    (v = realloc(f->frame.v, cap * sizeof(*v))) == NULL) {
			(void)err_nomem(err);
			return NULL;
		}
		f->frame.v = v;
		f->cap = cap;
	}
	memset(&f->frame.v[f->frame.n], 0, sizeof(*v));
	return &f->frame.v[f->frame.n];
}

/* A NUL follows the path, for those who give it to libarchive. */
static bool
keep_path(struct framer *f, struct span mailbox, struct frame_item *fi)
{
	struct span kept;

	buf_clear(&f->path);
	entry_item_path(&f->path, mailbox, &fi->item, &fi->ident.digest,
	    fi->ident.size);
	buf_chr(&f->path, '\0');
	if (!buf_ok(&f->path) ||
	    !arena_span(&f->frame.arena, buf_span(&f->path), &kept))
		return false;
	fi->path = span_head(kept, kept.n - 1);
	return true;
}

/* Everything that the frame keeps of an item, its ident known. */
static int
keep(struct framer *f, struct span mailbox, const struct item *item,
    const struct ident *ident, struct err *err)
{
	struct frame_item *fi = &f->frame.v[f->frame.n];
	struct item known = *item;

	fi->ident = *ident;
	known.ident = NULL;
	known.key = NULL;
	known.size = ident->size;
	if (!entry_copy_item(&f->frame.arena, &known, &fi->item) ||
	    !keep_path(f, mailbox, fi))
		return err_nomem(err);
	fi->item.ident = &fi->ident;
	fi->item.key = &fi->ident.key;
	if (f->frame.n == 0 &&
	    !arena_span(&f->frame.arena, mailbox, &f->frame.mailbox))
		return err_nomem(err);
	return 0;
}

static int
copy_octets(struct framer *f, struct body *body, struct err *err)
{
	static const unsigned char zeros[512];
	struct span piece;
	int more;

	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		buf_put(&f->raw, piece);
	buf_mem(&f->raw, zeros, pack_padding(body_size(body)));
	if (more == -1)
		return -1;
	return buf_ok(&f->raw) ? 0 : err_nomem(err);
}

/* The entry itself; raw is as it was before where it fails. */
static int
add_entry(struct framer *f, struct span mailbox, const struct item *item,
    const struct ident *ident, struct body *body, const char *link,
    struct err *err)
{
	const size_t before = f->raw.n;
	const bool large = link == NULL && ident->size > FRAME_TARGET;
	struct frame_item *fi;

	if ((fi = new_item(f, err)) == NULL ||
	    keep(f, mailbox, item, ident, err) == -1 ||
	    pack_item(f->pack, &f->raw, mailbox, &fi->item, link, err) == -1)
		goto fail;
	fi->data = f->raw.n;
	fi->link = link != NULL;
	if (link == NULL && !large && copy_octets(f, body, err) == -1)
		goto fail;
	f->frame.n++;
	if (!large)
		return f->raw.n >= FRAME_TARGET ? framer_flush(f, err) : 0;
	if (emit_large(f, body, err) == 0)
		return 0;
	/* It was alone, and its header must not go out without its octets. */
	clear(f);
	return -1;
fail:
	/* What was there before is whole, also where there was no more memory. */
	f->raw.n = before;
	f->raw.bad = false;
	return -1;
}

int
framer_add(struct framer *f, struct span mailbox, const struct item *item,
    struct body *body, const char *link, struct err *err)
{
	struct ident ident;

	if (identify(f, item, body, &ident, err) == -1)
		return -1;
	if (link == NULL && body == NULL)
		return err_set(err, ERR_RUN, STATUS_BUG, "an item without octets");
	if (f->raw.n > 0 && (!span_eq(mailbox, f->frame.mailbox) ||
	    (link == NULL && ident.size > FRAME_TARGET - f->raw.n)) &&
	    framer_flush(f, err) == -1)
		return -1;
	return add_entry(f, mailbox, item, &ident, body, link, err);
}

const char *
framer_find(const struct framer *f, const struct digest *digest)
{
	size_t i;

	for (i = 0; i < f->frame.n; i++)
		if (!f->frame.v[i].link &&
		    digest_eq(&f->frame.v[i].ident.digest, digest))
			return (const char *)f->frame.v[i].path.p;
	return NULL;
}
