/* SPDX-License-Identifier: ISC */
/*
 * Tar octets out of a file.  What libarchive's own zstd filter cannot tell
 * is known here: where each frame begins and ends.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/io.h"
#include "formats/stream/feed.h"

#define INPUT		((size_t)128 << 10)
#define BLOCK		((size_t)128 << 10)	/* of tar, given at once */
#define WINDOW_LOG	27			/* 128 MiB, as zstd's own limit */
#define MAGIC		4			/* octets that tell zstd */
#define FRAMES_MAX	65536			/* that one entry may lie in */

struct feed {
	int		 fd;
	const char	*name;
	uint64_t	 limit;		/* octets of the file still to be read */
	uint64_t	 offset;	/* in the file, of in.src's end */
	uint64_t	 given;		/* octets of tar given so far */
	bool		 plain, ended, cut;
	ZSTD_DStream	*zstd;
	unsigned char	*input, *block;
	ZSTD_inBuffer	 in;
	size_t		 held;		/* octets in block that belong to the next */
	size_t		 last;		/* where they lie */
	bool		 inside;	/* a frame was begun */
	struct feed_frame *frames;
	size_t		 n, cap;
};

/* ---- frames ---- */

static int
begin_frame(struct feed *f, uint64_t at, struct err *err)
{
	struct feed_frame *v;
	size_t cap;

	if (f->n == f->cap) {
		if (f->n >= FRAMES_MAX)
			return err_set(err, ERR_RUN, STATUS_DATA,
			    "%s: offset %llu: one entry lies in over %d frames",
			    f->name, (unsigned long long)at, FRAMES_MAX);
		cap = f->cap == 0 ? 16 : f->cap * 2;
		if ((v = realloc(f->frames, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		f->frames = v;
		f->cap = cap;
	}
	f->frames[f->n++] = (struct feed_frame){
		.start = f->given, .end = UINT64_MAX,
		.at = at, .next = UINT64_MAX,
	};
	f->inside = true;
	return 0;
}

void
feed_frame(const struct feed *f, uint64_t position, struct feed_frame *out)
{
	size_t i;

	*out = (struct feed_frame){ 0, UINT64_MAX, 0, UINT64_MAX };
	for (i = f->n; i > 0; i--)
		if (f->frames[i - 1].start <= position || i == 1) {
			*out = f->frames[i - 1];
			return;
		}
}

void
feed_forget(struct feed *f, uint64_t position)
{
	size_t i;

	for (i = 0; i + 1 < f->n && f->frames[i].end <= position; i++)
		;
	if (i == 0)
		return;
	f->n -= i;
	memmove(f->frames, f->frames + i, f->n * sizeof(*f->frames));
}

/* ---- reading ---- */

/* More input.  1; 0: the file is over. */
static int
fill(struct feed *f, struct err *err)
{
	const size_t want = f->limit < INPUT ? (size_t)f->limit : INPUT;
	ssize_t got = 0;

	if (want > 0 &&
	    (got = io_read(f->fd, f->input, want, f->name, err)) == -1)
		return -1;
	if (got == 0) {
		f->ended = true;
		return 0;
	}
	f->offset += (uint64_t)got;
	f->limit -= (uint64_t)got;
	f->in = (ZSTD_inBuffer){ f->input, (size_t)got, 0 };
	return 1;
}

/* Offset of the next octet of input. */
static uint64_t
here(const struct feed *f)
{
	return f->offset - (f->in.size - f->in.pos);
}

static int
next_plain(struct feed *f, struct span *block, struct err *err)
{
	int rc;

	if (f->in.pos == f->in.size && (rc = fill(f, err)) != 1)
		return rc;
	*block = span_of(f->input + f->in.pos, f->in.size - f->in.pos);
	f->in.pos = f->in.size;
	f->given += block->n;
	return 1;
}

static int
cut_short(struct feed *f, struct err *err)
{
	f->cut = true;
	return err_set(err, ERR_RUN, STATUS_DATA,
	    "%s: the file ends at offset %llu, inside the frame at %llu",
	    f->name, (unsigned long long)f->offset,
	    (unsigned long long)f->frames[f->n - 1].at);
}

static int
damaged(struct feed *f, size_t rc, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_DATA,
	    "%s: the frame at offset %llu is damaged: %s", f->name,
	    (unsigned long long)f->frames[f->n - 1].at,
	    ZSTD_getErrorName(rc));
}

/* At the end of a frame; one that held nothing leaves no trace. */
static void
end_frame(struct feed *f, uint64_t end)
{
	struct feed_frame *frame = &f->frames[f->n - 1];

	f->inside = false;
	frame->end = end;
	frame->next = here(f);
	if (frame->end == frame->start)
		f->n--;
}

/*
 * Go on until the block and one octet more are full or the frame ends: that
 * octet, kept for the next block, tells that the frame is not over yet.
 */
static int
fill_block(struct feed *f, ZSTD_outBuffer *out, struct err *err)
{
	size_t rc;
	int more;

	for (;;) {
		/* First what zstd has still in hand, even without input. */
		rc = ZSTD_decompressStream(f->zstd, out, &f->in);
		if (ZSTD_isError(rc))
			return damaged(f, rc, err);
		if (rc == 0 || out->pos == out->size)
			break;
		if (f->in.pos < f->in.size)
			continue;
		if ((more = fill(f, err)) == -1)
			return -1;
		if (more == 0)
			return cut_short(f, err);
	}
	if (rc == 0)
		end_frame(f, f->given + out->pos);
	return 0;
}

static int
next_block(struct feed *f, struct span *block, struct err *err)
{
	ZSTD_outBuffer out = { f->block, BLOCK + 1, f->held };
	int more;

	if (f->held > 0)
		f->block[0] = f->block[f->last];
	do {
		if (!f->inside) {
			if (f->in.pos == f->in.size && (more = fill(f, err)) != 1)
				return more;
			if (begin_frame(f, here(f), err) == -1)
				return -1;
		}
		if (fill_block(f, &out, err) == -1)
			return -1;
	} while (out.pos == 0);

	f->held = f->inside ? 1 : 0;
	f->last = out.pos - f->held;
	*block = span_of(f->block, f->last);
	f->given += block->n;
	return 1;
}

int
feed_next(struct feed *f, struct span *block, struct err *err)
{
	*block = SPAN_NONE;
	return f->plain ? next_plain(f, block, err) : next_block(f, block, err);
}

bool
feed_is_plain(const struct feed *f)
{
	return f->plain;
}

bool
feed_ended(const struct feed *f)
{
	return f->ended;
}

bool
feed_empty(const struct feed *f)
{
	return f->ended && f->given == 0 && !f->cut;
}

uint64_t
feed_at(const struct feed *f)
{
	return f->inside && f->n > 0 ? f->frames[f->n - 1].at : UINT64_MAX;
}

bool
feed_cut(const struct feed *f)
{
	return f->cut;
}

/* ---- opening ---- */

/* Whether these octets begin a zstd frame, a skippable one included. */
static bool
is_zstd(const unsigned char *p)
{
	const uint32_t magic = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
	    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	return magic == ZSTD_MAGICNUMBER || (magic &
	    ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* Read as much as tells what it is. */
static int
look(struct feed *f, struct err *err)
{
	size_t n = 0;
	ssize_t got;

	while (n < MAGIC && f->limit > 0) {
		got = io_read(f->fd, f->input + n,
		    f->limit < INPUT - n ? (size_t)f->limit : INPUT - n,
		    f->name, err);
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
		f->offset += (uint64_t)got;
		f->limit -= (uint64_t)got;
	}
	f->in = (ZSTD_inBuffer){ f->input, n, 0 };
	f->plain = n < MAGIC || !is_zstd(f->input);
	return f->plain ? begin_frame(f, here(f), err) : 0;
}

struct feed *
feed_open(int fd, const char *name, uint64_t limit, struct err *err)
{
	struct feed *f;
	off_t offset;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	offset = lseek(fd, 0, SEEK_CUR);
	f->fd = fd;
	f->name = name;
	f->limit = limit;
	f->offset = offset > 0 ? (uint64_t)offset : 0;	/* a pipe has none */
	f->input = malloc(INPUT);
	f->block = malloc(BLOCK + 1);
	f->zstd = ZSTD_createDStream();
	if (f->input == NULL || f->block == NULL || f->zstd == NULL) {
		(void)err_nomem(err);
		goto fail;
	}
	(void)ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	if (look(f, err) == -1)
		goto fail;
	return f;
fail:
	feed_close(f);
	return NULL;
}

void
feed_close(struct feed *f)
{
	if (f == NULL)
		return;
	(void)ZSTD_freeDStream(f->zstd);
	free(f->input);
	free(f->block);
	free(f->frames);
	free(f);
}
