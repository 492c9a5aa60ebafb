/* SPDX-License-Identifier: ISC */
/* Frames: what a framer makes can be read through and at random. */

#include "util.h"

#define AT_MOST	64

/* What an index would keep of an item. */
struct place {
	uint64_t	frame, data, size;
	struct digest	digest;
	bool		link;
};

struct shelf {
	struct buf	file;
	struct place	v[AT_MOST];
	size_t		n, frames;
	bool		mixed;		/* a frame held items of two mailboxes */
};

static int
shelve(void *arg, struct frame *frame, struct err *err)
{
	struct shelf *s = arg;
	size_t i;

	(void)err;
	for (i = 0; i < frame->n; i++) {
		assert_true(s->n < AT_MOST);
		s->v[s->n++] = (struct place){
			.frame = s->file.n, .data = frame->v[i].data,
			.size = frame->v[i].link ? 0 : frame->v[i].ident.size,
			.digest = frame->v[i].ident.digest,
			.link = frame->v[i].link,
		};
		assert_ptr_equal(frame->v[i].item.ident, &frame->v[i].ident);
	}
	s->frames++;
	body_text(frame->octets, &s->file);
	return 0;
}

/* Octets that do not compress to nothing. */
static void
noise(struct buf *out, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		buf_chr(out, (unsigned char)('a' + (seed >> 24) % 40));
	}
}

static void
add(struct framer *f, struct span mailbox, unsigned uid, size_t size,
    const char *link)
{
	struct err err = ERR_INIT;
	struct buf text = BUF_INIT, ref = BUF_INIT;
	struct body *body;
	struct item item = { .uid = uid, .uidvalidity = 7 };

	noise(&text, size, uid);
	buf_fmt(&ref, "7.%u", uid);
	item.ref = buf_span(&ref);
	body = body_of(buf_span(&text));
	if (framer_add(f, mailbox, &item, body, link, &err) == -1)
		fail_msg("uid %u: %s", uid, err.msg);
	body_free(body);
	buf_fini(&text);
	buf_fini(&ref);
}

static void
put_wrapped(struct buf *file, int level, struct buf *raw)
{
	struct err err = ERR_INIT;

	assert_int_equal(frame_wrap(level, buf_span(raw), file, &err), 0);
	buf_clear(raw);
}

static void
begin_file(struct buf *file, int level, const struct span *mailboxes, size_t n)
{
	struct err err = ERR_INIT;
	struct pack *pack = pack_new(&err);
	const struct stream_head head = head_of(3);
	struct buf raw = BUF_INIT;
	struct mailbox m;
	size_t i;

	assert_int_equal(pack_head(pack, &raw, &head, &err), 0);
	put_wrapped(file, level, &raw);
	for (i = 0; i < n; i++) {
		m = mailbox_of(mailboxes[i]);
		assert_int_equal(pack_mailbox(pack, &raw, &m, 1, &err), 0);
		put_wrapped(file, level, &raw);
	}
	pack_free(pack);
	buf_fini(&raw);
}

static void
put_commit(struct buf *file, int level)
{
	struct err err = ERR_INIT;
	struct pack *pack = pack_new(&err);
	const struct stream_totals totals = { .items = 1 };
	struct buf raw = BUF_INIT;

	assert_int_equal(pack_commit(pack, &raw, 3, 1, 1, &totals, &err), 0);
	put_wrapped(file, level, &raw);
	pack_free(pack);
	buf_fini(&raw);
}

static const struct span two[] = { LIT("INBOX"), LIT("Sent") };

/* Small ones, one too large for memory, a full frame, a link, two mailboxes. */
static void
fill_shelf(struct shelf *s, int level)
{
	struct err err = ERR_INIT;
	struct framer *f = framer_new(level, shelve, s, &err);
	struct digest digest = { { 0 } };
	unsigned uid = 0;
	char *link;

	assert_non_null(f);
	begin_file(&s->file, level, two, N(two));
	add(f, two[0], ++uid, 10, NULL);
	add(f, two[0], ++uid, 0, NULL);
	add(f, two[0], ++uid, 512, NULL);
	add(f, two[1], ++uid, 100000, NULL);
	add(f, two[0], ++uid, 5000000, NULL);	/* spooled */
	add(f, two[0], ++uid, 1u << 20, NULL);
	add(f, two[0], ++uid, (1u << 20) + 1, NULL);
	while (uid < 20)
		add(f, two[0], ++uid, 200000, NULL);
	assert_null(framer_find(f, &digest));
	add(f, two[0], ++uid, 999, NULL);
	assert_int_equal(framer_flush(f, &err), 0);
	add(f, two[0], ++uid, 777, NULL);
	digest = s->v[s->n - 1].digest;
	assert_null(framer_find(f, &digest));	/* it was in an earlier frame */
	link = strdup("INBOX/cur/x");
	add(f, two[0], uid, 777, link);
	free(link);
	assert_int_equal(framer_flush(f, &err), 0);
	assert_int_equal(framer_flush(f, &err), 0);
	put_commit(&s->file, level);
	framer_free(f);
}

/* The index that reading makes is the one that writing made. */
static void
check_read(const struct shelf *s, int fd, int level)
{
	struct err err = ERR_INIT;
	struct unpack_entry e;
	struct unpack *u;
	uint64_t frame, data, next = 0;
	size_t n = 0;
	int more;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	u = unpack_open(fd, "t", UINT64_MAX, false, &err);
	assert_non_null(u);
	while ((more = unpack_next(u, &e, &err)) == 1) {
		if (next > 0)
			assert_int_equal(e.position, next);
		/* Behind a mailbox stand directories that are passed over. */
		next = e.kind == UNPACK_MAILBOX ? 0 : unpack_position(u);
		if (e.kind == UNPACK_COMMIT) {
			assert_int_equal(unpack_frame_end(u), s->file.n);
			continue;
		}
		if (e.kind != UNPACK_ITEM)
			continue;
		unpack_data(u, &frame, &data);
		if (level != 0) {
			assert_int_equal(frame, s->v[n].frame);
			assert_int_equal(data, s->v[n].data);
		} else {
			assert_int_equal(frame, 0);
			assert_int_equal(data, s->v[n].frame + s->v[n].data);
		}
		assert_int_equal(e.item.size, s->v[n].size);
		assert_true(digest_eq(&e.digest, &s->v[n].digest));
		assert_int_equal(e.link.n > 0, s->v[n].link);
		n++;
	}
	if (more == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(n, s->n);
	unpack_close(u);
}

static void
check_random(const struct shelf *s, int fd)
{
	struct err err = ERR_INIT;
	struct frame_reader *r = frame_reader_new(&err);
	struct body *body = body_new(&err);
	const struct place *p;
	size_t i;

	for (i = 0; i < s->n; i++) {
		p = &s->v[(i * 7) % s->n];
		if (p->link)
			continue;
		if (frame_read(r, fd, "t", p->frame, p->data, p->size, body,
		    &err) == -1)
			fail_msg("item %zu: %s", i, err.msg);
		assert_int_equal(body_size(body), p->size);
		assert_true(digest_eq(body_digest(body), &p->digest));
	}
	body_free(body);
	frame_reader_free(r);
}

/* Frame by frame from the start to the end of the file. */
static void
check_all(const struct shelf *s, int fd)
{
	struct err err = ERR_INIT;
	struct frame_reader *r = frame_reader_new(&err);
	struct buf raw = BUF_INIT;
	struct digest digest;
	uint64_t at = 0, next;
	size_t i;
	int rc;

	while (at < s->file.n) {
		buf_clear(&raw);
		rc = frame_read_all(r, fd, "t", at, (size_t)8 << 20, &raw, &next,
		    &err);
		assert_int_equal(rc, 1);
		assert_int_equal(raw.n % 512, 0);
		for (i = 0; i < s->n; i++) {
			if (s->v[i].frame != at || s->v[i].link)
				continue;
			sha256_of(span_head(span_from(buf_span(&raw),
			    s->v[i].data), s->v[i].size), &digest);
			assert_true(digest_eq(&digest, &s->v[i].digest));
		}
		at = next;
	}
	assert_int_equal(at, s->file.n);
	assert_int_equal(frame_read_all(r, fd, "t", s->v[4].frame, 1000, &raw,
	    &next, &err), 0);
	buf_fini(&raw);
	frame_reader_free(r);
}

static void
places(void **state)
{
	static const int levels[] = { 0, 1, 3 };
	struct shelf s;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < N(levels); i++) {
		s = (struct shelf){ .n = 0 };
		fill_shelf(&s, levels[i]);
		assert_true(buf_ok(&s.file));
		assert_true(s.frames >= 8);
		fd = file_of(buf_span(&s.file));
		check_read(&s, fd, levels[i]);
		if (levels[i] != 0) {
			check_random(&s, fd);
			check_all(&s, fd);
		}
		(void)close(fd);
		buf_fini(&s.file);
	}
}

/* Every item through the reader, octets and all, in frames cut anywhere. */
static void
check_bodies(const struct shelf *s, struct span file, size_t chunk)
{
	struct err err = ERR_INIT;
	const int fd = file_of(file);
	struct unpack *u = unpack_open(fd, "t", UINT64_MAX, false, &err);
	struct body *body = body_new(&err);
	struct unpack_entry e;
	uint64_t frame, inside;
	size_t n = 0;
	int more;

	while ((more = unpack_next(u, &e, &err)) == 1) {
		if (e.kind != UNPACK_ITEM)
			continue;
		unpack_data(u, &frame, &inside);
		if (e.item.size > 0)
			assert_true(inside < chunk);
		if (e.link.n == 0 && unpack_body(u, body, &err) == -1)
			fail_msg("%zu: item %zu: %s", chunk, n, err.msg);
		assert_true(digest_eq(&e.digest, &s->v[n].digest));
		n++;
	}
	if (more == -1)
		fail_msg("%zu: %s", chunk, err.msg);
	assert_int_equal(n, s->n);
	unpack_close(u);
	body_free(body);
	(void)close(fd);
}

/* Somebody compressed the tar anew: one frame, or frames that end anywhere. */
static void
foreign_frames(void **state)
{
	static const size_t chunks[] = {
		4096, 131072, 131073, 262144, 1000003, SIZE_MAX,
	};
	struct err err = ERR_INIT;
	struct shelf s = { .n = 0 };
	struct buf file = BUF_INIT;
	struct span rest;
	size_t i;

	(void)state;
	fill_shelf(&s, 0);
	for (i = 0; i < N(chunks); i++) {
		buf_clear(&file);
		for (rest = buf_span(&s.file); rest.n > 0;
		    rest = span_from(rest, chunks[i] < rest.n ? chunks[i] : rest.n))
			assert_int_equal(frame_wrap(1, span_head(rest, chunks[i]),
			    &file, &err), 0);
		check_bodies(&s, buf_span(&file), chunks[i]);
	}
	buf_fini(&file);
	buf_fini(&s.file);
}

/* Frames of two framers may stand in any order. */
static void
two_framers(void **state)
{
	struct err err = ERR_INIT;
	struct shelf s = { .n = 0 };
	struct framer *f[2];
	unsigned uid;
	int fd;

	(void)state;
	begin_file(&s.file, 3, two, N(two));
	f[0] = framer_new(3, shelve, &s, &err);
	f[1] = framer_new(3, shelve, &s, &err);
	for (uid = 1; uid < 40; uid++)
		add(f[uid % 2], two[uid % 2], uid, uid * 4000, NULL);
	assert_int_equal(framer_flush(f[1], &err), 0);
	assert_int_equal(framer_flush(f[0], &err), 0);
	put_commit(&s.file, 3);
	framer_free(f[0]);
	framer_free(f[1]);
	fd = file_of(buf_span(&s.file));
	check_read(&s, fd, 3);
	check_random(&s, fd);
	(void)close(fd);
	buf_fini(&s.file);
}

/* A later part of a file, as an indexer goes on after a commit. */
static void
from_the_middle(void **state)
{
	struct err err = ERR_INIT;
	struct shelf s = { .n = 0 };
	struct unpack_entry e;
	struct unpack *u;
	uint64_t frame, data;
	int fd;

	(void)state;
	fill_shelf(&s, 3);
	fd = file_of(buf_span(&s.file));

	assert_true(lseek(fd, (off_t)s.v[5].frame, SEEK_SET) > 0);
	u = unpack_open(fd, "t", UINT64_MAX, false, &err);
	assert_int_equal(unpack_next(u, &e, &err), -1);
	assert_non_null(strstr(err.msg, "no mx stream"));
	unpack_close(u);

	assert_true(lseek(fd, (off_t)s.v[5].frame, SEEK_SET) > 0);
	u = unpack_open(fd, "t", s.v[7].frame - s.v[5].frame, true, &err);
	assert_int_equal(unpack_next(u, &e, &err), 1);
	/* Declared before: its path tells the name. */
	assert_true(span_eq(e.mailbox.name, two[0]));
	unpack_data(u, &frame, &data);
	assert_int_equal(frame, s.v[5].frame);
	assert_int_equal(data, s.v[5].data);
	assert_int_equal(unpack_next(u, &e, &err), 1);
	unpack_data(u, &frame, &data);
	assert_int_equal(frame, s.v[6].frame);
	assert_int_equal(unpack_next(u, &e, &err), 0);
	unpack_close(u);

	/* Behind the last commit of a file that is still being written. */
	assert_int_equal(lseek(fd, 0, SEEK_END), s.file.n);
	u = unpack_open(fd, "t", UINT64_MAX, true, &err);
	assert_int_equal(unpack_next(u, &e, &err), 0);
	assert_int_equal(unpack_next(u, &e, &err), 0);
	unpack_close(u);
	(void)close(fd);
	buf_fini(&s.file);
}

/* Every octet of a frame, turned over: never other octets than there were. */
static void
damage(void **state)
{
	struct err err = ERR_INIT;
	struct shelf s = { .n = 0 };
	struct framer *f = framer_new(3, shelve, &s, &err);
	struct frame_reader *r = frame_reader_new(&err);
	struct body *body = body_new(&err);
	size_t i;
	int fd, rc, refused = 0;

	(void)state;
	add(f, two[0], 1, 3000, NULL);
	assert_int_equal(framer_flush(f, &err), 0);
	fd = file_of(buf_span(&s.file));
	for (i = 0; i < s.file.n; i++) {
		s.file.p[i] ^= 0x40;
		assert_int_equal(pwrite(fd, s.file.p, s.file.n, 0), s.file.n);
		err_clear(&err);
		rc = frame_read(r, fd, "seg", 0, s.v[0].data, 3000, body, &err);
		if (rc == -1) {
			refused++;
			assert_int_equal(err.status, STATUS_DATA);
			assert_non_null(strstr(err.msg, "seg: the frame at offset 0"));
		} else {
			assert_true(digest_eq(body_digest(body), &s.v[0].digest));
		}
		s.file.p[i] ^= 0x40;
	}
	assert_true(refused > (int)s.file.n - 8);
	assert_int_equal(pwrite(fd, s.file.p, s.file.n, 0), s.file.n);
	assert_int_equal(frame_read(r, fd, "seg", 0, s.v[0].data, 3000, body,
	    &err), 0);
	assert_int_equal(frame_read(r, fd, "seg", 0, s.v[0].data, 30000, body,
	    &err), -1);
	assert_int_equal(frame_read(r, fd, "seg", UINT64_MAX, 0, 1, body, &err),
	    -1);
	(void)close(fd);
	framer_free(f);
	frame_reader_free(r);
	body_free(body);
	buf_fini(&s.file);
}

/* What a framer refuses leaves the frame as it was. */
static void
refusals(void **state)
{
	struct err err = ERR_INIT;
	struct shelf s = { .n = 0 };
	struct framer *f = framer_new(3, shelve, &s, &err);
	struct buf big = BUF_INIT;
	struct body *body = body_of(SPAN("abc"));
	struct ident other;
	struct item item = { .ref = SPAN("7.1") };

	(void)state;
	noise(&big, 1000000, 1);
	item.note = buf_span(&big);
	assert_int_equal(framer_add(f, two[0], &item, body, NULL, &err), -1);
	assert_int_equal(err.scope, ERR_MESSAGE);
	item.note = SPAN_NONE;
	ident_of(SPAN("abd"), &other);
	item.ident = &other;
	assert_int_equal(framer_add(f, two[0], &item, body, NULL, &err), -1);
	assert_int_equal(err.scope, ERR_MESSAGE);
	assert_int_equal(framer_flush(f, &err), 0);
	assert_int_equal(s.frames, 0);
	add(f, two[1], 2, 10, NULL);
	assert_int_equal(framer_flush(f, &err), 0);
	assert_int_equal(s.n, 1);
	body_free(body);
	framer_free(f);
	buf_fini(&big);
	buf_fini(&s.file);
}

/* A large message that has no room leaves nothing behind, not even its header. */
static void
no_room(void **state)
{
	const char *dir = getenv("TMPDIR");
	struct err err = ERR_INIT;
	struct shelf s = { .n = 0 };
	struct framer *f = framer_new(0, shelve, &s, &err);
	struct item item = { .ref = SPAN("7.1") };
	struct buf big = BUF_INIT;
	struct body *body;
	char *was = NULL;

	(void)state;
	if (dir != NULL)
		assert_non_null(was = strdup(dir));
	noise(&big, BODY_IN_MEMORY + 1, 1);
	body = body_of(buf_span(&big));
	assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
	assert_int_equal(framer_add(f, two[0], &item, body, NULL, &err), -1);
	assert_int_equal(err.scope, ERR_RUN);
	assert_int_equal(framer_flush(f, &err), 0);
	assert_int_equal(s.frames, 0);
	assert_int_equal(was != NULL ? setenv("TMPDIR", was, 1) :
	    unsetenv("TMPDIR"), 0);
	free(was);
	body_free(body);
	framer_free(f);
	buf_fini(&big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(foreign_frames),
		cmocka_unit_test(two_framers),
		cmocka_unit_test(from_the_middle),
		cmocka_unit_test(damage),
		cmocka_unit_test(refusals),
		cmocka_unit_test(no_room),
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
