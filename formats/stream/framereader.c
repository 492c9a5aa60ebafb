/* SPDX-License-Identifier: ISC */
/* Frames read at random: the octets of one item, or a whole frame. */

#include <stdlib.h>
#include <sys/types.h>
#include <zstd.h>

#include "base/io.h"
#include "formats/stream/frame.h"

#define INPUT		((size_t)128 << 10)
#define OUTPUT		((size_t)128 << 10)
#define WINDOW_LOG	27			/* 128 MiB, as zstd's own limit */

struct frame_reader {
	ZSTD_DStream	*zstd;
	unsigned char	*input, *output;

	/* The frame at hand. */
	int		 fd;
	const char	*path;
	uint64_t	 at, offset;	/* of it, and of the input's end */
	ZSTD_inBuffer	 in;
	bool		 over;
};

struct frame_reader *
frame_reader_new(struct err *err)
{
	struct frame_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	r->zstd = ZSTD_createDStream();
	r->input = malloc(INPUT);
	r->output = malloc(OUTPUT);
	if (r->zstd == NULL || r->input == NULL || r->output == NULL) {
		(void)err_nomem(err);
		frame_reader_free(r);
		return NULL;
	}
	(void)ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	return r;
}

void
frame_reader_free(struct frame_reader *r)
{
	if (r == NULL)
		return;
	(void)ZSTD_freeDStream(r->zstd);
	free(r->input);
	free(r->output);
	free(r);
}

static int
damaged(const struct frame_reader *r, const char *why, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_DATA,
	    "%s: the frame at offset %llu is damaged: %s", r->path,
	    (unsigned long long)r->at, why);
}

static void
begin(struct frame_reader *r, int fd, const char *path, uint64_t at)
{
	(void)ZSTD_DCtx_reset(r->zstd, ZSTD_reset_session_only);
	r->fd = fd;
	r->path = path;
	r->at = r->offset = at;
	r->in = (ZSTD_inBuffer){ r->input, 0, 0 };
	r->over = false;
}

static int
fill(struct frame_reader *r, struct err *err)
{
	ssize_t got;

	if (r->offset > INT64_MAX - INPUT)
		return damaged(r, "no file is that long", err);
	got = io_pread(r->fd, r->input, INPUT, (off_t)r->offset, r->path, err);
	if (got == -1)
		return -1;
	if (got == 0)
		return damaged(r, "the file ends inside it", err);
	r->offset += (uint64_t)got;
	r->in = (ZSTD_inBuffer){ r->input, (size_t)got, 0 };
	return 0;
}

/*
 * The next octets, up to `n` of them at p.  What is left of them goes into *got:
 * 0 only at the end of the frame, whose checksum has been verified then.
 */
static int
next(struct frame_reader *r, unsigned char *p, size_t n, size_t *got,
    struct err *err)
{
	ZSTD_outBuffer out = { p, n, 0 };
	size_t rc;

	while (!r->over && out.pos < n) {
		rc = ZSTD_decompressStream(r->zstd, &out, &r->in);
		if (ZSTD_isError(rc))
			return damaged(r, ZSTD_getErrorName(rc), err);
		r->over = rc == 0;
		if (!r->over && out.pos < n && r->in.pos == r->in.size &&
		    fill(r, err) == -1)
			return -1;
	}
	*got = out.pos;
	return 0;
}

/* Of a piece at `at`, what lies in [off, off + len). */
static struct span
within(struct span piece, uint64_t at, uint64_t off, uint64_t len)
{
	if (at < off)
		piece = span_from(piece, off - at < piece.n ?
		    (size_t)(off - at) : piece.n);
	if (at < off)
		at = off;
	if (at - off >= len)
		return SPAN_NONE;
	return span_head(piece, len - (at - off) < piece.n ?
	    (size_t)(len - (at - off)) : piece.n);
}

int
frame_read(struct frame_reader *r, int fd, const char *path, uint64_t at,
    uint64_t off, uint64_t len, struct body *out, struct err *err)
{
	uint64_t pos = 0;
	size_t got;

	begin(r, fd, path, at);
	if (body_begin(out, 0, err) == -1)
		return -1;
	do {
		if (next(r, r->output, OUTPUT, &got, err) == -1 ||
		    body_add(out, within(span_of(r->output, got), pos, off, len),
		    err) == -1)
			return -1;
		pos += got;
	} while (got > 0);
	if (body_size(out) != len)
		return damaged(r, "it is shorter than what was in it", err);
	return body_end(out, err);
}

int
frame_read_all(struct frame_reader *r, int fd, const char *path, uint64_t at,
    size_t max, struct buf *out, uint64_t *next_at, struct err *err)
{
	const size_t before = out->n;
	unsigned char *p;
	size_t got;

	begin(r, fd, path, at);
	do {
		if ((p = buf_room(out, OUTPUT)) == NULL) {
			out->n = before;
			return err_nomem(err);
		}
		if (next(r, p, OUTPUT, &got, err) == -1) {
			out->n = before;
			return -1;
		}
		out->n += got;
		if (out->n - before > max) {
			out->n = before;
			return 0;
		}
	} while (got > 0);
	*next_at = r->offset - (r->in.size - r->in.pos);
	return 1;
}
