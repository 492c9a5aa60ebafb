/* SPDX-License-Identifier: ISC */
/*
 * The octets of a message: in memory, in an unlinked file, or borrowed.
 * While it fills, the digest is computed; once the file is in use, the
 * memory is the buffer before it, and later the one that pieces are read to.
 */

#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#include "mail/body.h"

#define SPOOL_PIECE	((size_t)256 << 10)	/* written and read at once */
#define FIRST_ROOM	((size_t)16 << 10)
#define KEPT		(BODY_IN_MEMORY / 4)	/* of storage, over a reset */
#define SPOOL_NAME	"spool file"

struct body {
	struct sha256	*sha;
	struct digest	 digest;
	uint64_t	 size;
	unsigned char	*p;		/* octets, or the buffer of the file */
	size_t		 n, cap;
	size_t		 room;		/* as body_room() gave it */
	int		 fd;		/* -1: no file */
	uint64_t	 written;	/* octets in the file */
	struct span	 lent;
	bool		 is_lent;
	uint64_t	 at;		/* of reading */
	struct buf	 head;		/* of a body in a file */
};

struct body *
body_new(struct err *err)
{
	struct body *b;

	if ((b = calloc(1, sizeof(*b))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	b->fd = -1;
	if ((b->sha = sha256_new(err)) == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
body_free(struct body *b)
{
	if (b == NULL)
		return;
	body_reset(b);
	sha256_free(b->sha);
	free(b->p);
	free(b);
}

void
body_reset(struct body *b)
{
	struct err ignored = ERR_INIT;

	/* An unlinked file that nobody will read: its close cannot matter. */
	(void)io_close(&b->fd, SPOOL_NAME, &ignored);
	if (b->cap > KEPT) {
		free(b->p);
		b->p = NULL;
		b->cap = 0;
	}
	buf_fini(&b->head);
	sha256_reset(b->sha);
	memset(&b->digest, 0, sizeof(b->digest));
	b->n = b->room = 0;
	b->size = b->written = b->at = 0;
	b->lent = SPAN_NONE;
	b->is_lent = false;
}

/* Storage for at least `want` octets, BODY_IN_MEMORY at most. */
static int
reserve(struct body *b, size_t want, struct err *err)
{
	size_t cap = b->cap < FIRST_ROOM ? FIRST_ROOM : b->cap;
	unsigned char *p;

	if (want <= b->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	if (cap > BODY_IN_MEMORY)
		cap = BODY_IN_MEMORY;
	if ((p = realloc(b->p, cap)) == NULL)
		return err_nomem(err);
	b->p = p;
	b->cap = cap;
	return 0;
}

/* Write what the buffer holds. */
static int
flush(struct body *b, struct err *err)
{
	if (b->n > 0 &&
	    io_write(b->fd, span_of(b->p, b->n), SPOOL_NAME, err) == -1)
		return -1;
	b->written += b->n;
	b->n = 0;
	return 0;
}

/* From memory to a file. */
static int
spill(struct body *b, struct err *err)
{
	if (io_temp(&b->fd, err) == -1)
		return -1;
	return flush(b, err);
}

/*
 * At least one octet of room at p + n.  A body in memory grows up to
 * BODY_IN_MEMORY; the next octet moves it to a file.
 */
static int
make_room(struct body *b, size_t want, struct err *err)
{
	if (b->fd == -1 && b->n == BODY_IN_MEMORY && spill(b, err) == -1)
		return -1;
	if (b->fd != -1) {
		if (b->n >= SPOOL_PIECE && flush(b, err) == -1)
			return -1;
		return reserve(b, SPOOL_PIECE, err);
	}
	if (want > BODY_IN_MEMORY - b->n)
		want = BODY_IN_MEMORY - b->n;
	return reserve(b, b->n + want, err);
}

int
body_begin(struct body *b, uint64_t expect, struct err *err)
{
	body_reset(b);
	if (expect > BODY_IN_MEMORY)
		return spill(b, err);
	return expect == 0 ? 0 : reserve(b, (size_t)expect, err);
}

unsigned char *
body_room(struct body *b, size_t want, size_t *got, struct err *err)
{
	size_t room;

	if (want == 0)
		want = 1;
	if (make_room(b, want, err) == -1)
		return NULL;
	room = (b->fd != -1 && b->cap > SPOOL_PIECE ? SPOOL_PIECE : b->cap) - b->n;
	b->room = room < want ? room : want;
	*got = b->room;
	return b->p + b->n;
}

int
body_added(struct body *b, size_t n, struct err *err)
{
	if (n > b->room)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "%zu octets written where there was room for %zu", n, b->room);
	sha256_add(b->sha, span_of(b->p + b->n, n));
	b->n += n;
	b->size += n;
	b->room -= n;
	return 0;
}

int
body_add(struct body *b, struct span s, struct err *err)
{
	unsigned char *p;
	size_t got;

	while (s.n > 0) {
		if ((p = body_room(b, s.n, &got, err)) == NULL)
			return -1;
		memcpy(p, s.p, got);
		if (body_added(b, got, err) == -1)
			return -1;
		s = span_from(s, got);
	}
	return 0;
}

int
body_end(struct body *b, struct err *err)
{
	b->room = 0;
	if (b->fd != -1 && flush(b, err) == -1)
		return -1;
	sha256_end(b->sha, &b->digest);
	body_rewind(b);
	return 0;
}

int
body_lend(struct body *b, struct span s, const struct digest *digest,
    struct err *err)
{
	(void)err;
	body_reset(b);
	b->lent = s;
	b->is_lent = true;
	b->size = s.n;
	if (digest != NULL)
		b->digest = *digest;
	else
		sha256_of(s, &b->digest);
	return 0;
}

uint64_t
body_size(const struct body *b)
{
	return b->size;
}

const struct digest *
body_digest(const struct body *b)
{
	return &b->digest;
}

void
body_rewind(struct body *b)
{
	b->at = 0;
}

/* All of it, where it is in memory. */
static struct span
in_memory(const struct body *b)
{
	return b->is_lent ? b->lent : span_of(b->p, b->n);
}

/* Exactly n octets at `at` of the file. */
static int
read_at(struct body *b, unsigned char *p, size_t n, uint64_t at,
    struct err *err)
{
	ssize_t got;

	while (n > 0) {
		if ((got = io_pread(b->fd, p, n, (off_t)at, SPOOL_NAME, err)) == -1)
			return -1;
		if (got == 0)
			return err_set(err, ERR_RUN, STATUS_IO,
			    SPOOL_NAME ": it is shorter than what was written");
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int
body_next(struct body *b, struct span *out, struct err *err)
{
	size_t n;

	*out = SPAN_NONE;
	if (b->at >= b->size)
		return 0;
	if (b->fd == -1) {
		*out = in_memory(b);
		b->at = b->size;
		return 1;
	}
	n = b->size - b->at < SPOOL_PIECE ? (size_t)(b->size - b->at) : SPOOL_PIECE;
	if (reserve(b, n, err) == -1 || read_at(b, b->p, n, b->at, err) == -1)
		return -1;
	b->at += n;
	*out = span_of(b->p, n);
	return 1;
}

int
body_head(struct body *b, size_t n, struct span *out, struct err *err)
{
	unsigned char *p;

	if (n > b->size)
		n = (size_t)b->size;
	if (b->fd == -1) {
		*out = span_head(in_memory(b), n);
		return 0;
	}
	*out = SPAN_NONE;
	buf_clear(&b->head);
	if ((p = buf_room(&b->head, n)) == NULL)
		return n == 0 ? 0 : err_nomem(err);
	if (read_at(b, p, n, 0, err) == -1)
		return -1;
	b->head.n += n;
	*out = buf_span(&b->head);
	return 0;
}
