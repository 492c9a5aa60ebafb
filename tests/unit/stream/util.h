/* SPDX-License-Identifier: ISC */
/* What the tests of the stream have in common: items, files, and a checker. */
#ifndef TEST_STREAM_UTIL_H
#define TEST_STREAM_UTIL_H

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/stream/frame.h"
#include "formats/stream/pack.h"
#include "formats/stream/unpack.h"

#define CHECK(name, what)						\
	do {								\
		if (!(what))						\
			fail_msg("%s: %s", (name), #what);		\
	} while (0)

/* Octets in an unlinked file, read from its start. */
static inline int
file_of(struct span octets)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	assert_true(fd >= 0);
	(void)fclose(f);
	if (octets.n > 0)
		assert_int_equal(write(fd, octets.p, octets.n), (ssize_t)octets.n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* A body that borrows a text. */
static inline struct body *
body_of(struct span octets)
{
	struct err err = ERR_INIT;
	struct body *body = body_new(&err);

	assert_non_null(body);
	assert_int_equal(body_lend(body, octets, NULL, &err), 0);
	return body;
}

/* All octets of a body, appended. */
static inline void
body_text(struct body *body, struct buf *out)
{
	struct err err = ERR_INIT;
	struct span piece;
	int more;

	body_rewind(body);
	while ((more = body_next(body, &piece, &err)) == 1)
		buf_put(out, piece);
	assert_int_equal(more, 0);
}

static inline void
ident_of(struct span octets, struct ident *ident)
{
	struct err err = ERR_INIT;
	struct identer *identer = identer_new(&err);

	assert_non_null(identer);
	identer_add(identer, octets);
	identer_end(identer, ident);
	identer_free(identer);
}

static inline struct mailbox
mailbox_of(struct span name)
{
	return (struct mailbox){ .name = name, .status = MAILBOX_OPEN };
}

static inline struct stream_head
head_of(uint64_t number)
{
	return (struct stream_head){
		.number = number,
		.id = SPAN("6f1c3f5e-8a0b-4d5c-9e57-0a3c1f2b4d6e"),
		.origin = SPAN("imaps://alice@old.example.org"),
		.created = 1700000000,
		.program = SPAN("test 1"),
	};
}

/* What came of a frame, put behind one another. */
static inline int
append_frame(void *arg, struct frame *frame, struct err *err)
{
	(void)err;
	body_text(frame->octets, arg);
	return 0;
}

#endif
