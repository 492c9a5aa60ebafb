/* SPDX-License-Identifier: ISC */
/* Tars that were made to harm, or by somebody else: written here by hand. */

#include "util.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define GOOD_DIGEST "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

/* ---- a tar by hand ---- */

static void
octal(unsigned char *p, size_t width, uint64_t v)
{
	size_t i;

	for (i = width - 1; i > 0; i--) {
		p[i - 1] = (unsigned char)('0' + (v & 7));
		v >>= 3;
	}
}

/* A ustar header (POSIX.1-2008, pax). */
static void
ustar(struct buf *out, const char *path, char type, uint64_t size,
    const char *link)
{
	unsigned char h[512] = { 0 };
	unsigned sum = 0;
	size_t i;

	(void)snprintf((char *)h, 100, "%s", path);
	octal(h + 100, 8, 0600);
	octal(h + 108, 8, 0);
	octal(h + 116, 8, 0);
	octal(h + 124, 12, size);
	octal(h + 136, 12, 1700000000);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	if (link != NULL)
		(void)snprintf((char *)h + 157, 100, "%s", link);
	memcpy(h + 257, "ustar\00000", 8);
	for (i = 0; i < N(h); i++)
		sum += h[i];
	octal(h + 148, 7, sum);
	h[154] = 0;
	buf_mem(out, h, N(h));
}

static void
content(struct buf *out, struct span s)
{
	static const unsigned char zeros[512];

	buf_put(out, s);
	buf_mem(out, zeros, pack_padding(s.n));
}

/* One pax record; its length counts itself. */
static void
record(struct buf *out, const char *key, struct span value)
{
	const size_t n = strlen(key) + value.n + 3;
	size_t digits = 1;

	while (snprintf(NULL, 0, "%zu", n + digits) != (int)digits)
		digits++;
	buf_fmt(out, "%zu %s=", n + digits, key);
	buf_put(out, value);
	buf_chr(out, '\n');
}

static void
pax(struct buf *out, const struct buf *records)
{
	ustar(out, "PaxHeader/x", 'x', records->n, NULL);
	content(out, buf_span(records));
}

static void
xattr(struct buf *records, const char *name, const char *value)
{
	char key[128];

	(void)snprintf(key, N(key), "SCHILY.xattr.%s", name);
	record(records, key, span_str(value));
}

static void
put_head(struct buf *out, const char *text)
{
	ustar(out, ".mx/00000000.stream", '0', strlen(text), NULL);
	content(out, span_str(text));
}

static void
put_box(struct buf *out, const char *path, const char *name)
{
	struct buf records = BUF_INIT;

	xattr(&records, "user.mx.mailbox", name);
	pax(out, &records);
	ustar(out, path, '5', 0, NULL);
	buf_fini(&records);
}

struct maker {
	const char	*path, *src, *digest, *extra, *value;
	char		 type;
	uint64_t	 size;
	const char	*link;
};

#define SRC	"{\"mailbox\":[\"A\"],\"ref\":\"1.1\",\"digest\":\"" GOOD_DIGEST "\"}"
#define ITEM	.path = "A/cur/x", .src = SRC, .digest = GOOD_DIGEST, \
		.type = '0', .size = 5

static void
put_item(struct buf *out, const struct maker *m)
{
	struct buf records = BUF_INIT;

	if (m->src != NULL)
		xattr(&records, "user.mx.src", m->src);
	if (m->digest != NULL)
		xattr(&records, "user.mx.digest", m->digest);
	if (m->extra != NULL)
		xattr(&records, m->extra, m->value);
	pax(out, &records);
	ustar(out, m->path, m->type, m->size, m->link);
	if (m->size == 5)
		content(out, SPAN("hello"));
	buf_fini(&records);
}

/* ---- reading ---- */

/* Items until the end (0) or the failure (-1). */
static int
read_all(struct span octets, size_t *items, struct err *err)
{
	const int fd = file_of(octets);
	struct unpack *u = unpack_open(fd, "t", UINT64_MAX, false, err);
	struct body *body = body_new(err);
	struct unpack_entry e;
	int more = -1;

	*items = 0;
	while (u != NULL && (more = unpack_next(u, &e, err)) == 1) {
		if (e.kind != UNPACK_ITEM)
			continue;
		++*items;
		if (e.link.n == 0 && unpack_body(u, body, err) == -1) {
			more = -1;
			break;
		}
	}
	unpack_close(u);
	body_free(body);
	(void)close(fd);
	return more;
}

/* ---- one item after head and mailbox ---- */

static const struct row {
	const char	*name;
	struct maker	 item;
	const char	*says;		/* NULL: fine */
	size_t		 items;
} rows[] = {
	{ "a good one", { ITEM }, NULL, 1 },
	{ "unknown attribute", { ITEM, .extra = "user.mx.new", .value = "x" },
	    NULL, 1 },
	{ "the same attribute again", { ITEM, .extra = "user.mx.digest",
	    .value = GOOD_DIGEST }, NULL, 1 },
	{ "no src", { .path = "A/cur/x", .digest = GOOD_DIGEST, .type = '0',
	    .size = 5 }, "A/cur/x: user.mx.src is missing", 0 },
	{ "no digest", { .path = "A/cur/x", .src = SRC, .type = '0',
	    .size = 5 }, "user.mx.digest is missing", 0 },
	{ "digest of another", { .path = "A/cur/x", .src = SRC, .type = '0',
	    .size = 5, .digest = "0000000000000000000000000000000000000000000000000000000000000000" },
	    "do not agree", 1 },
	{ "src is no JSON", { .path = "A/cur/x", .src = "{", .type = '0',
	    .size = 5, .digest = GOOD_DIGEST }, "user.mx.src", 0 },
	{ "src is deep", { .path = "A/cur/x", .src =
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	    .type = '0', .size = 5, .digest = GOOD_DIGEST }, "user.mx.src", 0 },
	{ "src without mailbox", { .path = "A/cur/x",
	    .src = "{\"ref\":\"1.1\",\"digest\":\"" GOOD_DIGEST "\"}",
	    .type = '0', .size = 5, .digest = GOOD_DIGEST }, "user.mx.src", 0 },
	{ "src without ref", { .path = "A/cur/x",
	    .src = "{\"mailbox\":[\"A\"],\"digest\":\"" GOOD_DIGEST "\"}",
	    .type = '0', .size = 5, .digest = GOOD_DIGEST }, "user.mx.src", 0 },
	{ "date is none", { ITEM, .extra = "user.mx.date", .value = "today" },
	    "user.mx.date", 0 },
	{ "uid too large", { ITEM, .extra = "user.mx.uid",
	    .value = "4294967296" }, "user.mx.uid", 0 },
	{ "uid negative", { ITEM, .extra = "user.mx.uid", .value = "-1" },
	    "user.mx.uid", 0 },
	{ "modseq too large", { ITEM, .extra = "user.mx.modseq",
	    .value = "18446744073709551616" }, "user.mx.modseq", 0 },
	{ "another mailbox", { .path = "B/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 5 },
	    "B/cur/x: its mailbox was not declared", 0 },
	{ "another mailbox by attribute", { ITEM, .extra = "user.mx.mailbox",
	    .value = "[\"B\"]" }, "not declared", 0 },
	{ "path of another mailbox", { .path = "B/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 5,
	    .extra = "user.mx.mailbox", .value = "[\"A\"]" },
	    "another path", 0 },
	{ "absolute path", { .path = "/A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 5 },
	    "cannot have that path", 0 },
	{ "climbing path", { .path = "A/../A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 5 },
	    "cannot have that path", 0 },
	{ "path with a dot", { .path = "./A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 5 },
	    "cannot have that path", 0 },
	{ "path with an empty part", { .path = "A//cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 5 },
	    "cannot have that path", 0 },
	{ "symlink", { .path = "A/cur/x", .src = SRC, .digest = GOOD_DIGEST,
	    .type = '2', .link = "/etc/passwd" }, NULL, 0 },
	{ "device", { .path = "A/cur/x", .src = SRC, .digest = GOOD_DIGEST,
	    .type = '3' }, NULL, 0 },
	{ "pipe", { .path = "A/cur/x", .src = SRC, .digest = GOOD_DIGEST,
	    .type = '6' }, NULL, 0 },
	{ "link to outside", { .path = "A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '1', .link = "/etc/passwd" },
	    "a link to no item", 0 },
	{ "link that climbs", { .path = "A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '1', .link = "A/cur/../../x" },
	    "a link to no item", 0 },
	{ "good link", { .path = "A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '1', .link = "A/cur/y" }, NULL, 1 },
	{ "foreign file", { .path = "A/readme", .type = '0', .size = 5 },
	    NULL, 0 },
	{ "unknown entry of ours", { .path = ".mx/00000000.new", .type = '0',
	    .size = 5 }, NULL, 0 },
	{ "entry of another segment", { .path = ".mx/00000001.log.1",
	    .type = '0', .size = 5 }, "another segment", 0 },
	{ "a second head", { .path = ".mx/00000000.stream", .type = '0',
	    .size = 5 }, "a second head", 0 },
	{ "a commit that says nothing", { .path = ".mx/00000000.commit.1",
	    .type = '0', .size = 5 }, "does not say", 0 },
	{ "a huge log", { .path = ".mx/00000000.log.1", .type = '0',
	    .size = 1u << 30 }, "over the limit", 0 },
	{ "a size beyond the file", { .path = "A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = 1000000 },
	    "ends inside", 1 },
	{ "a size beyond all mail", { .path = "A/cur/x", .src = SRC,
	    .digest = GOOD_DIGEST, .type = '0', .size = UINT64_C(8589934591) },
	    "over the limit", 0 },
};

static void
one_item(void **state)
{
	struct buf tar = BUF_INIT;
	struct err err;
	size_t i, items;
	int rc;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		buf_clear(&tar);
		err_clear(&err);
		put_head(&tar, "version=1\nnumber=0\n");
		put_box(&tar, "A/", "[\"A\"]");
		put_item(&tar, &rows[i].item);
		pack_trailer(&tar);
		rc = read_all(buf_span(&tar), &items, &err);
		if (rows[i].says == NULL && rc != 0)
			fail_msg("%s: %s", rows[i].name, err.msg);
		if (rows[i].says != NULL && (rc == 0 ||
		    strstr(err.msg, rows[i].says) == NULL))
			fail_msg("%s: says \"%s\"", rows[i].name, err.msg);
		if (rows[i].says != NULL)
			CHECK(rows[i].name, err.status == STATUS_DATA);
		CHECK(rows[i].name, items == rows[i].items);
	}
	buf_fini(&tar);
}

/* ---- heads, mailboxes ---- */

static void
heads(void **state)
{
	static const struct {
		const char	*name, *text, *says;
	} heads[] = {
		{ "empty", "", "version 0" },
		{ "newer", "version=2\n", "version 2" },
		{ "no version", "number=0\n", "version 0" },
		{ "odd version", "version=1x\n", "no number" },
		{ "odd number", "version=1\nnumber=x\n", "of number is wrong" },
		{ "other number", "version=1\nnumber=5\n", "not that of its name" },
		{ "odd date", "version=1\ncreated=now\n", "of created is wrong" },
		{ "more than is known", "version=1\nx=y\nz\n=\n\n", NULL },
	};
	struct buf tar = BUF_INIT;
	struct err err;
	size_t i, items;
	int rc;

	(void)state;
	for (i = 0; i < N(heads); i++) {
		buf_clear(&tar);
		err_clear(&err);
		put_head(&tar, heads[i].text);
		pack_trailer(&tar);
		rc = read_all(buf_span(&tar), &items, &err);
		CHECK(heads[i].name, (rc == 0) == (heads[i].says == NULL));
		if (rc == -1 && strstr(err.msg, heads[i].says) == NULL)
			fail_msg("%s: says \"%s\"", heads[i].name, err.msg);
	}
	buf_fini(&tar);
}

static void
mailboxes(void **state)
{
	static const struct {
		const char	*name, *path, *value, *says;
	} boxes[] = {
		{ "no array", "A/", "A", "user.mx.mailbox" },
		{ "empty array", "A/", "[]", "user.mx.mailbox" },
		{ "empty component", "A/", "[\"\"]", "user.mx.mailbox" },
		{ "NUL in a component", "A/", "[\"a\\u0000b\"]", "user.mx.mailbox" },
		{ "absolute", "/A/", "[\"A\"]", "cannot have that path" },
		{ "climbing", "../A/", "[\"A\"]", "cannot have that path" },
		{ "fine", "A/", "[\"A\"]", NULL },
	};
	struct buf tar = BUF_INIT;
	struct err err;
	size_t i, items;
	int rc;

	(void)state;
	for (i = 0; i < N(boxes); i++) {
		buf_clear(&tar);
		err_clear(&err);
		put_head(&tar, "version=1\n");
		put_box(&tar, boxes[i].path, boxes[i].value);
		pack_trailer(&tar);
		rc = read_all(buf_span(&tar), &items, &err);
		CHECK(boxes[i].name, (rc == 0) == (boxes[i].says == NULL));
		if (rc == -1 && strstr(err.msg, boxes[i].says) == NULL)
			fail_msg("%s: says \"%s\"", boxes[i].name, err.msg);
	}
	buf_fini(&tar);
}

/* ---- what is no stream at all ---- */

static void
no_stream(void **state)
{
	static const struct maker item = { ITEM };
	const struct span end = SPAN("items=0\nbytes=0\nhash=" GOOD_DIGEST
	    "\ncomplete=yes\n");
	struct buf tar = BUF_INIT;
	struct err err = ERR_INIT;
	size_t items, n;

	(void)state;
	put_box(&tar, "A/", "[\"A\"]");
	put_item(&tar, &item);
	assert_int_equal(read_all(buf_span(&tar), &items, &err), -1);
	assert_non_null(strstr(err.msg, "t: is no mx stream"));

	buf_clear(&tar);
	for (n = 0; n < 2000; n++)
		buf_str(&tar, "From x\r\n");
	assert_int_equal(read_all(buf_span(&tar), &items, &err), -1);
	assert_non_null(strstr(err.msg, "t: is no mx stream"));

	/* Behind the end nothing may stand. */
	buf_clear(&tar);
	put_head(&tar, "version=1\n");
	put_box(&tar, "A/", "[\"A\"]");
	ustar(&tar, ".mx/00000000.end", '0', end.n, NULL);
	content(&tar, end);
	assert_int_equal(read_all(buf_span(&tar), &items, &err), 0);
	put_item(&tar, &item);
	assert_int_equal(read_all(buf_span(&tar), &items, &err), -1);
	assert_non_null(strstr(err.msg, "behind the end"));
	buf_fini(&tar);
}

/* Attributes without number, within what a tar can hold, and beyond. */
static void
many_attributes(void **state)
{
	static const struct maker item = { ITEM };
	struct buf tar = BUF_INIT, records = BUF_INIT;
	struct err err = ERR_INIT;
	char name[64];
	size_t items, i;
	unsigned round;

	(void)state;
	for (round = 0; round < 2; round++) {
		buf_clear(&tar);
		buf_clear(&records);
		put_head(&tar, "version=1\n");
		put_box(&tar, "A/", "[\"A\"]");
		for (i = 0; i < (round == 0 ? 10000u : 60000u); i++) {
			(void)snprintf(name, N(name), "user.mx.a%zu", i);
			xattr(&records, name, "x");
		}
		xattr(&records, "user.mx.src", SRC);
		xattr(&records, "user.mx.digest", GOOD_DIGEST);
		pax(&tar, &records);
		ustar(&tar, item.path, '0', 5, NULL);
		content(&tar, SPAN("hello"));
		pack_trailer(&tar);
		err_clear(&err);
		if (round == 0) {
			assert_int_equal(read_all(buf_span(&tar), &items, &err), 0);
			assert_int_equal(items, 1);
		} else {
			assert_int_equal(read_all(buf_span(&tar), &items, &err), -1);
			assert_int_equal(err.status, STATUS_DATA);
		}
	}
	buf_fini(&tar);
	buf_fini(&records);
}

/* ---- what others make of ours ---- */

/* Run a program with these as its stdin, stdout and stderr; its exit status. */
static int
run(int in, int out, const char *name, const char *a, const char *b,
    const char *c)
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
			(void)execlp(name, name, a, b, c, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* An item and a link to it, as an archive would write them. */
static void
two_items(struct buf *tar, const struct span *names, const struct item *items)
{
	const struct stream_head head = head_of(0);
	struct err err = ERR_INIT;
	struct pack *pack = pack_new(&err);
	struct buf first = BUF_INIT;
	struct mailbox m;
	size_t i;

	assert_int_equal(pack_head(pack, tar, &head, &err), 0);
	entry_item_path(&first, names[0], &items[0], &items[0].ident->digest, 5);
	for (i = 0; i < 2; i++) {
		m = mailbox_of(names[i]);
		assert_int_equal(pack_mailbox(pack, tar, &m, 1, &err), 0);
		assert_int_equal(pack_item(pack, tar, names[i], &items[i],
		    i == 0 ? NULL : buf_cstr(&first), &err), 0);
		if (i == 0)
			content(tar, SPAN("hello"));
	}
	pack_trailer(tar);
	pack_free(pack);
	buf_fini(&first);
}

/* Extracted by the system's tar, the files are the messages. */
static void
extraction(void **state)
{
	static const struct span names[] = { LIT("INBOX"), LIT("Arch/ive") };
	static const char *const expect[] = {
		"INBOX/cur/1700000000.2cf24dba5fb0a30e.V1U7,S=5:2,S",
		"Arch%2Five/cur/0.2cf24dba5fb0a30e.V1U7M83ecb521,S=5:2,",
	};
	struct ident ident;
	struct item items[] = {
		{ .ref = SPAN("1.7"), .flags = SPAN("\\Seen"),
		  .date = { 1700000000, 0, true }, .ident = &ident },
		{ .ref = SPAN("1.7"), .src_mailbox = SPAN("INBOX"),
		  .ident = &ident },
	};
	const int said = file_of(SPAN_NONE);
	char dir[] = "/tmp/t-hostile.XXXXXX";
	struct buf tar = BUF_INIT, path = BUF_INIT;
	struct stat st;
	size_t i;
	int in;

	(void)state;
	ident_of(SPAN("hello"), &ident);
	two_items(&tar, names, items);
	in = file_of(buf_span(&tar));
	if (run(in, said, "tar", "--version", NULL, NULL) != 0)
		skip();
	assert_int_equal(ftruncate(said, 0), 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(run(in, said, "tar", "-C", dir, "-xf-"), 0);
	assert_int_equal(fstat(said, &st), 0);
	assert_int_equal(st.st_size, 0);
	for (i = 0; i < N(expect); i++) {
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", dir, expect[i]);
		CHECK(expect[i], stat(buf_cstr(&path), &st) == 0);
		CHECK(expect[i], st.st_size == 5 && st.st_nlink == 2);
		CHECK(expect[i], (st.st_mode & 07777) == 0600);
	}
	assert_int_equal(run(in, said, "rm", "-rf", dir, NULL), 0);
	(void)close(in);
	(void)close(said);
	buf_fini(&tar);
	buf_fini(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_item),
		cmocka_unit_test(heads),
		cmocka_unit_test(mailboxes),
		cmocka_unit_test(no_stream),
		cmocka_unit_test(many_attributes),
		cmocka_unit_test(extraction),
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
