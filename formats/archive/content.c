/* SPDX-License-Identifier: ISC */
/* Octets out of segments; see the header. */

#include <stdlib.h>

#include "base/io.h"
#include "formats/archive/content.h"
#include "formats/archive/layout.h"
#include "formats/stream/frame.h"

/* Frames kept decompressed; a reader has so many, however large the archive. */
#define FRAMES		8
#define FRAME_MAX	((size_t)2 << 20)
#define FRAMES_OCTETS	((size_t)12 << 20)

#define FILES		8		/* segments kept open */

struct kept_frame {
	uint64_t	segment, at, used;
	bool		valid;
	struct buf	raw;
};

struct kept_file {
	uint64_t	segment, used;	/* segment 0: none */
	int		fd;
};

struct content {
	const char		*dir;
	struct frame_reader	*reader;
	uint64_t		 clock;
	struct kept_frame	 frame[FRAMES];
	struct kept_file	 file[FILES];
};

struct content *
content_new(const char *dir, struct err *err)
{
	struct content *c = calloc(1, sizeof(*c));
	size_t i;

	if (c == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	c->dir = dir;
	for (i = 0; i < FILES; i++)
		c->file[i].fd = -1;
	if ((c->reader = frame_reader_new(err)) == NULL) {
		content_free(c);
		return NULL;
	}
	return c;
}

void
content_free(struct content *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < FRAMES; i++)
		buf_fini(&c->frame[i].raw);
	for (i = 0; i < FILES; i++)
		(void)io_close(&c->file[i].fd, "segment", NULL);
	frame_reader_free(c->reader);
	free(c);
}

/* ---- files ---- */

static int
file_of(struct content *c, uint64_t segment, int *fd, struct err *err)
{
	struct kept_file *oldest = &c->file[0];
	size_t i;

	for (i = 0; i < FILES; i++) {
		if (c->file[i].segment == segment) {
			c->file[i].used = ++c->clock;
			*fd = c->file[i].fd;
			return 0;
		}
		if (c->file[i].used < oldest->used)
			oldest = &c->file[i];
	}
	(void)io_close(&oldest->fd, "segment", NULL);
	oldest->segment = 0;
	oldest->used = 0;
	if (layout_open_segment(c->dir, segment, &oldest->fd, err) == -1)
		return -1;
	oldest->segment = segment;
	oldest->used = ++c->clock;
	*fd = oldest->fd;
	return 0;
}

/* ---- frames ---- */

static struct kept_frame *
frame_find(struct content *c, const struct row_blob *b)
{
	size_t i;

	for (i = 0; i < FRAMES; i++)
		if (c->frame[i].valid && c->frame[i].segment == b->segment &&
		    c->frame[i].at == b->frame)
			return &c->frame[i];
	return NULL;
}

/* A place for one more: the one that was not used for the longest time. */
static struct kept_frame *
frame_room(struct content *c)
{
	struct kept_frame *oldest = &c->frame[0];
	size_t i;

	for (i = 1; i < FRAMES; i++)
		if (c->frame[i].used < oldest->used)
			oldest = &c->frame[i];
	oldest->valid = false;
	buf_clear(&oldest->raw);
	return oldest;
}

static void
frame_drop(struct kept_frame *f)
{
	buf_fini(&f->raw);
	f->valid = false;
	f->used = 0;
}

/* Drop the oldest until the storage of all is within what is allowed. */
static void
frame_trim(struct content *c, const struct kept_frame *keep)
{
	struct kept_frame *oldest;
	size_t i, octets;

	do {
		oldest = NULL;
		octets = 0;
		for (i = 0; i < FRAMES; i++) {
			octets += c->frame[i].raw.cap;
			if (&c->frame[i] != keep && c->frame[i].raw.cap > 0 &&
			    (oldest == NULL || c->frame[i].used < oldest->used))
				oldest = &c->frame[i];
		}
		if (octets <= FRAMES_OCTETS || oldest == NULL)
			return;
		frame_drop(oldest);
	} while (true);
}

/* 1; 0: too large to be kept; -1. */
static int
frame_load(struct content *c, int fd, const char *path,
    const struct row_blob *b, struct kept_frame **out, struct err *err)
{
	struct kept_frame *f;
	uint64_t next;
	int rc;

	if ((f = frame_find(c, b)) == NULL) {
		f = frame_room(c);
		rc = frame_read_all(c->reader, fd, path, b->frame, FRAME_MAX,
		    &f->raw, &next, err);
		if (rc != 1) {
			frame_drop(f);
			return rc;
		}
		f->segment = b->segment;
		f->at = b->frame;
		f->valid = true;
		frame_trim(c, f);
	}
	f->used = ++c->clock;
	*out = f;
	return 1;
}

/* ---- octets ---- */

static int
read_octets(struct content *c, const char *path, const struct row_blob *b,
    struct body *out, struct err *err)
{
	struct kept_frame *f = NULL;
	int fd;

	if (file_of(c, b->segment, &fd, err) == -1)
		return -1;
	if (b->length <= FRAME_MAX &&
	    frame_load(c, fd, path, b, &f, err) == -1)
		return -1;
	if (f == NULL)
		return frame_read(c->reader, fd, path, b->frame, b->inside,
		    b->length, out, err);
	if (b->inside > f->raw.n || b->length > f->raw.n - b->inside)
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "%s: the frame at offset %llu is shorter than what was in it",
		    path, (unsigned long long)b->frame);
	return body_lend(out, span_of(f->raw.p + b->inside, (size_t)b->length),
	    NULL, err);
}

/* Damage and a segment that is gone spoil the message, other trouble the run. */
static int
spoilt(struct err *err)
{
	if (err->status == STATUS_DATA || err->status == STATUS_NOINPUT) {
		err->scope = ERR_MESSAGE;
		err->status = STATUS_DATA;
	}
	return -1;
}

int
content_get(struct content *c, const struct row_blob *b,
    const struct digest *digest, struct body *out, struct err *err)
{
	char *path = layout_segment(c->dir, b->segment, false);
	int rc = -1;

	if (path == NULL)
		return err_nomem(err);
	if (read_octets(c, path, b, out, err) == -1)
		rc = spoilt(err);
	else if (!digest_eq(body_digest(out), digest))
		rc = err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "%s: the frame at offset %llu: the octets do not agree with "
		    "their digest", path, (unsigned long long)b->frame);
	else
		rc = 0;
	free(path);
	return rc;
}
