/* SPDX-License-Identifier: ISC */
/* Reading messages: for their header, their identity, or all. */

#include <stdlib.h>

#include "base/io.h"
#include "mail/header.h"

#include "formats/maildir/reader.h"

#define HEADER_FIRST	((size_t)16 << 10)	/* enough for nearly every header */
#define HEADER_MAX	((size_t)1 << 20)
#define PIECE		((size_t)128 << 10)

struct reader {
	struct identer	*identer;
	struct buf	 header;
	unsigned char	*piece;		/* PIECE octets */
};

struct reader *
reader_new(struct err *err)
{
	struct reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	if ((r->identer = identer_new(err)) == NULL) {
		reader_free(r);
		return NULL;
	}
	if ((r->piece = malloc(PIECE)) == NULL) {
		(void)err_nomem(err);
		reader_free(r);
		return NULL;
	}
	return r;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	identer_free(r->identer);
	buf_fini(&r->header);
	free(r->piece);
	free(r);
}

/*
 * Fill the header buffer up to `n` octets.  1: there may be more; 0: the file
 * is over; -1.
 */
static int
fill(struct reader *r, const struct folder *f, const struct folder_entry *e,
    int fd, size_t n, struct err *err)
{
	unsigned char *room;
	ssize_t got;

	while (r->header.n < n) {
		if ((room = buf_room(&r->header, n - r->header.n)) == NULL)
			return err_nomem(err);
		got = folder_read(f, e, fd, room, n - r->header.n, err);
		if (got <= 0)
			return (int)got;
		r->header.n += (size_t)got;
	}
	return 1;
}

int
reader_key(struct reader *r, struct folder *f, struct folder_entry *e,
    struct key *key, struct err *err)
{
	size_t n, length = 0;
	struct stat st;
	int fd, rc;

	if ((rc = folder_octets(f, e, &fd, &st, err)) != 1)
		return rc;
	buf_clear(&r->header);
	for (n = HEADER_FIRST; n <= HEADER_MAX; n *= 2) {
		rc = fill(r, f, e, fd, n, err);
		if (rc == -1)
			break;
		length = header_length(buf_span(&r->header));
		if (rc == 0 || length < r->header.n)
			break;
	}
	(void)io_close(&fd, f->path, NULL);
	if (rc == -1)
		return -1;
	key_of(span_head(buf_span(&r->header), length), key);
	return 1;
}

int
reader_ident(struct reader *r, struct folder *f, struct folder_entry *e,
    struct ident *ident, struct err *err)
{
	struct stat st;
	ssize_t n;
	int fd, rc;

	if ((rc = folder_octets(f, e, &fd, &st, err)) != 1)
		return rc;
	while ((n = folder_read(f, e, fd, r->piece, PIECE, err)) > 0)
		identer_add(r->identer, span_of(r->piece, (size_t)n));
	identer_end(r->identer, ident);
	(void)io_close(&fd, f->path, NULL);
	return n == -1 ? -1 : 1;
}

/* From the file to the body, without a copy between. */
static int
pour(const struct folder *f, const struct folder_entry *e, int fd,
    struct body *body, struct err *err)
{
	unsigned char *room;
	size_t n;
	ssize_t got;

	do {
		if ((room = body_room(body, PIECE, &n, err)) == NULL ||
		    (got = folder_read(f, e, fd, room, n, err)) == -1 ||
		    body_added(body, (size_t)got, err) == -1)
			return -1;
	} while (got > 0);
	return body_end(body, err);
}

int
reader_body(struct reader *r, struct folder *f, struct folder_entry *e,
    struct body *body, struct err *err)
{
	struct stat st;
	int fd, rc;

	(void)r;
	if ((rc = folder_octets(f, e, &fd, &st, err)) != 1)
		return rc;
	rc = body_begin(body, (uint64_t)st.st_size, err);
	if (rc == 0)
		rc = pour(f, e, fd, body, err);
	(void)io_close(&fd, f->path, NULL);
	return rc == -1 ? -1 : 1;
}
