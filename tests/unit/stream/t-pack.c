/* SPDX-License-Identifier: ISC */
/* Entries to tar octets and back: every attribute, with nasty values. */

#include "util.h"

#include "mail/flags.h"
#include "mail/name.h"

#define NOW	1700000000

static const struct row {
	const char	*name;
	struct span	 mailbox;
	struct item	 item;
	struct span	 octets;
} rows[] = {
	{ "plain", LIT("INBOX"), {
		.ref = LIT("1699.42"), .uid = 42, .uidvalidity = 1699,
		.flags = LIT("\\Flagged \\Seen"),
		.date = { 1700000000, 60, true },
	    }, LIT("Subject: x\r\n\r\nhello\r\n") },
	{ "everything", LIT("Work\0Projects"), {
		.src_mailbox = LIT("Old\0Place"),
		.ref = LIT("4294967295.4294967295"),
		.uid = 4294967295, .uidvalidity = 4294967295,
		.modseq = UINT64_C(9223372036854775807),
		.flags = LIT("\\Answered \\Deleted \\Draft \\Flagged \\Seen "
		    "$Forwarded $Label1 NonJunk"),
		.date = { 1, -480, true },
		.emailid = LIT("M1"), .threadid = LIT("T1"),
		.gm_msgid = LIT("1278455344230334865"),
		.gm_thrid = LIT("1266894439832287888"),
		.labels = LIT("[\"\\\\Inbox\",\"a\\tb\"]"),
		.was = LIT("0123 rules:4"), .note = LIT("size-differs"),
	    }, LIT("a: b\r\n\r\n") },
	{ "no octets", LIT("INBOX"), {
		.ref = LIT("1.1"),
	    }, LIT("") },
	{ "no date, no flags", LIT("INBOX"), {
		.ref = LIT("1.2"),
	    }, LIT("\0\0\0") },
	{ "date without zone", LIT("INBOX"), {
		.ref = LIT("1.3"), .date = { 0, DATE_NO_ZONE, true },
	    }, LIT("x") },
	{ "date before 1970", LIT("INBOX"), {
		.ref = LIT("1.4"), .date = { -86400 * 365, 345, true },
	    }, LIT("x") },
	{ "date far off", LIT("INBOX"), {
		.ref = LIT("1.5"), .date = { INT64_C(99999999999), -720, true },
	    }, LIT("x") },
	{ "newline and tab in text", LIT("INBOX"), {
		.ref = LIT("17.abc\n\t%41=\xff\x7f:2,S"),
		.note = LIT("a\nb\tc=d\n12 e=f\n"),
		.emailid = LIT("\n"),
	    }, LIT("x") },
	{ "keywords in UTF-8", LIT("INBOX"), {
		.ref = LIT("1.6"), .flags = LIT("k\xc3\xa4se \xe2\x82\xac"),
	    }, LIT("x") },
	{ "composed", LIT("\xc3\xa9"), {
		.ref = LIT("1.7"),
	    }, LIT("x") },
	{ "decomposed", LIT("e\xcc\x81"), {
		.ref = LIT("1.7"),
	    }, LIT("y") },
	{ "mailbox of odd octets", LIT("a\xff\0cur\0..\0~\0 \0a/b\0a%2Fb\0\n"), {
		.ref = LIT("1.8"),
	    }, LIT("x") },
	{ "INBOX below", LIT("x\0inbox"), {
		.ref = LIT("1.9"),
	    }, LIT("x") },
	{ "512 octets", LIT("INBOX"), {
		.ref = LIT("1.10"),
	    }, LIT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") },
};

static void
put_item(struct pack *pack, struct buf *out, const struct row *r,
    const char *link)
{
	static const unsigned char zeros[512];
	struct err err = ERR_INIT;
	struct ident ident;
	struct item item = r->item;

	ident_of(r->octets, &ident);
	item.ident = &ident;
	if (pack_item(pack, out, r->mailbox, &item, link, &err) == -1)
		fail_msg("%s: %s", r->name, err.msg);
	if (link != NULL)
		return;
	buf_put(out, r->octets);
	buf_mem(out, zeros, pack_padding(r->octets.n));
}

static void
put_mailbox(struct pack *pack, struct buf *out, struct span name)
{
	const struct mailbox m = mailbox_of(name);
	struct err err = ERR_INIT;

	assert_int_equal(pack_mailbox(pack, out, &m, NOW, &err), 0);
}

/* A stream of one row. */
static void
stream_of(struct buf *out, const struct row *r)
{
	struct err err = ERR_INIT;
	struct pack *pack = pack_new(&err);
	const struct stream_head head = head_of(0);
	struct stream_totals totals = { .complete = true };

	assert_non_null(pack);
	assert_int_equal(pack_head(pack, out, &head, &err), 0);
	put_mailbox(pack, out, r->mailbox);
	put_item(pack, out, r, NULL);
	assert_int_equal(pack_end(pack, out, 0, NOW, &totals, &err), 0);
	pack_trailer(out);
	pack_free(pack);
	assert_true(buf_ok(out));
}

static struct unpack_entry
next_of(struct unpack *u, const char *name, enum unpack_kind kind)
{
	struct err err = ERR_INIT;
	struct unpack_entry e;

	if (unpack_next(u, &e, &err) != 1)
		fail_msg("%s: %s", name, err.msg);
	CHECK(name, e.kind == kind);
	return e;
}

static void
check_end(struct unpack *u, const char *name)
{
	struct err err = ERR_INIT;
	struct unpack_entry e;

	if (unpack_next(u, &e, &err) != 0)
		fail_msg("%s: no end: %s", name, err.msg);
}

static void
check_text(const struct item *got, const struct row *r)
{
	const struct item *want = &r->item;
	struct buf flags = BUF_INIT;

	flags_canon(&flags, want->flags);
	CHECK(r->name, span_eq(got->flags, buf_span(&flags)));
	buf_fini(&flags);
	CHECK(r->name, span_eq(got->ref, want->ref));
	CHECK(r->name, span_eq(got->src_mailbox, want->src_mailbox.n > 0 ?
	    want->src_mailbox : r->mailbox));
	CHECK(r->name, span_eq(got->emailid, want->emailid));
	CHECK(r->name, span_eq(got->threadid, want->threadid));
	CHECK(r->name, span_eq(got->gm_msgid, want->gm_msgid));
	CHECK(r->name, span_eq(got->gm_thrid, want->gm_thrid));
	CHECK(r->name, span_eq(got->labels, want->labels));
	CHECK(r->name, span_eq(got->was, want->was));
	CHECK(r->name, span_eq(got->note, want->note));
}

static void
check_item(const struct unpack_entry *e, const struct row *r)
{
	const struct item *got = &e->item, *want = &r->item;
	struct buf path = BUF_INIT;

	check_text(got, r);
	CHECK(r->name, span_eq(e->mailbox.name, r->mailbox));
	CHECK(r->name, got->uid == want->uid);
	CHECK(r->name, got->uidvalidity == want->uidvalidity);
	CHECK(r->name, got->modseq == want->modseq);
	CHECK(r->name, got->date.known == want->date.known);
	CHECK(r->name, got->date.sec == want->date.sec);
	CHECK(r->name, got->date.zone == want->date.zone);
	CHECK(r->name, got->size == r->octets.n);
	CHECK(r->name, got->src_digest == NULL);
	entry_item_path(&path, r->mailbox, want, &e->digest, r->octets.n);
	CHECK(r->name, span_eq(e->path, buf_span(&path)));
	buf_fini(&path);
}

static void
check_body(struct unpack *u, const struct row *r)
{
	struct err err = ERR_INIT;
	struct body *body = body_new(&err);
	struct buf text = BUF_INIT;

	if (unpack_body(u, body, &err) == -1)
		fail_msg("%s: %s", r->name, err.msg);
	body_text(body, &text);
	CHECK(r->name, span_eq(buf_span(&text), r->octets));
	CHECK(r->name, unpack_body(u, body, &err) == -1);
	buf_fini(&text);
	body_free(body);
}

static void
check_row(const struct row *r)
{
	struct err err = ERR_INIT;
	struct buf tar = BUF_INIT;
	struct unpack_entry e;
	struct unpack *u;
	int fd;

	stream_of(&tar, r);
	fd = file_of(buf_span(&tar));
	if ((u = unpack_open(fd, "t", UINT64_MAX, false, &err)) == NULL)
		fail_msg("%s: %s", r->name, err.msg);
	e = next_of(u, r->name, UNPACK_HEAD);
	CHECK(r->name, span_is(e.head.program, "test 1"));
	CHECK(r->name, span_is(e.head.origin, "imaps://alice@old.example.org"));
	CHECK(r->name, e.head.created == 1700000000);
	e = next_of(u, r->name, UNPACK_MAILBOX);
	CHECK(r->name, span_eq(e.mailbox.name, r->mailbox));
	e = next_of(u, r->name, UNPACK_ITEM);
	check_item(&e, r);
	check_body(u, r);
	e = next_of(u, r->name, UNPACK_END);
	CHECK(r->name, e.totals.complete);
	check_end(u, r->name);
	unpack_close(u);
	(void)close(fd);
	buf_fini(&tar);
}

static void
round_trip(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++)
		check_row(&rows[i]);
}

/* 64 KiB of keywords, and a mailbox deeper and longer than file systems like. */
static void
long_values(void **state)
{
	struct buf flags = BUF_INIT, name = BUF_INIT, part = BUF_INIT;
	struct row r = { .name = "long values", .octets = SPAN("x") };
	size_t i;

	(void)state;
	for (i = 0; flags.n < 65536; i++)
		buf_fmt(&flags, "%skeyword%06zu", i > 0 ? " " : "", i);
	for (i = 0; i < 60; i++) {
		buf_clear(&part);
		while (part.n < 300)
			buf_fmt(&part, "%zu \xe2\x82\xac/", i);
		assert_true(name_add(&name, buf_span(&part)));
	}
	r.item.flags = buf_span(&flags);
	r.item.ref = SPAN("1.1");
	r.mailbox = buf_span(&name);
	check_row(&r);
	buf_fini(&flags);
	buf_fini(&name);
	buf_fini(&part);
}

/* Everything that a mailbox says of itself. */
static void
mailbox_state(void **state)
{
	const struct mailbox m = {
		.name = SPAN("Work\0\xe2\x82\xac"), .raw = SPAN("Work/&IKw-\xff"),
		.delimiter = '/', .attributes = SPAN("\\HasNoChildren \\Sent"),
		.subscribed = true, .status = MAILBOX_NOSELECT,
		.uidvalidity = UINT32_MAX, .uidnext = 5,
		.modseq = UINT64_C(9223372036854775807), .id = SPAN("F1234"),
	};
	const struct stream_head head = head_of(7);
	struct err err = ERR_INIT;
	struct buf tar = BUF_INIT;
	struct pack *pack = pack_new(&err);
	struct unpack_entry e;
	struct unpack *u;
	int fd;

	(void)state;
	assert_int_equal(pack_head(pack, &tar, &head, &err), 0);
	assert_int_equal(pack_mailbox(pack, &tar, &m, NOW, &err), 0);
	pack_trailer(&tar);
	fd = file_of(buf_span(&tar));
	u = unpack_open(fd, "t", UINT64_MAX, false, &err);
	e = next_of(u, "head", UNPACK_HEAD);
	assert_int_equal(e.head.number, 7);
	e = next_of(u, "mailbox", UNPACK_MAILBOX);
	assert_true(span_eq(e.mailbox.name, m.name));
	assert_true(span_eq(e.mailbox.raw, m.raw));
	assert_int_equal(e.mailbox.delimiter, '/');
	assert_true(span_eq(e.mailbox.attributes, m.attributes));
	assert_true(e.mailbox.subscribed);
	assert_int_equal(e.mailbox.status, MAILBOX_NOSELECT);
	assert_int_equal(e.mailbox.uidvalidity, UINT32_MAX);
	assert_int_equal(e.mailbox.uidnext, 5);
	assert_true(e.mailbox.modseq == m.modseq);
	assert_true(span_eq(e.mailbox.id, m.id));
	check_end(u, "mailbox");
	unpack_close(u);
	(void)close(fd);
	pack_free(pack);
	buf_fini(&tar);
}

/* Paths differ where libarchive would compose them into one. */
static void
not_composed(void **state)
{
	static const struct span names[] = { LIT("\xc3\xa9"), LIT("e\xcc\x81") };
	const struct stream_head head = head_of(0);
	struct err err = ERR_INIT;
	struct buf tar = BUF_INIT;
	struct pack *pack = pack_new(&err);
	struct row r = { .name = "e", .item = { .ref = SPAN("1.7") },
	    .octets = SPAN("x") };
	struct unpack_entry e;
	struct unpack *u;
	size_t i;
	int fd;

	(void)state;
	assert_int_equal(pack_head(pack, &tar, &head, &err), 0);
	for (i = 0; i < N(names); i++)
		put_mailbox(pack, &tar, names[i]);
	for (i = 0; i < N(names); i++) {
		r.mailbox = names[i];
		put_item(pack, &tar, &r, NULL);
	}
	fd = file_of(buf_span(&tar));
	u = unpack_open(fd, "t", UINT64_MAX, false, &err);
	(void)next_of(u, "head", UNPACK_HEAD);
	for (i = 0; i < N(names) * 2; i++) {
		e = next_of(u, "e", i < N(names) ? UNPACK_MAILBOX : UNPACK_ITEM);
		assert_true(span_eq(e.mailbox.name, names[i % N(names)]));
		if (i >= N(names))
			assert_true(span_starts(e.path,
			    i % N(names) == 0 ? "\xc3\xa9/cur/" : "e\xcc\x81/cur/"));
	}
	unpack_close(u);
	(void)close(fd);
	pack_free(pack);
	buf_fini(&tar);
}

/* A mailbox whose path reads like the JSON of the one before is another. */
static void
paths_like_json(void **state)
{
	const struct stream_head head = head_of(0);
	struct err err = ERR_INIT;
	struct buf tar = BUF_INIT, as = BUF_INIT, part = BUF_INIT;
	struct buf names[2] = { BUF_INIT, BUF_INIT };
	struct pack *pack = pack_new(&err);
	struct row r = { .name = "like JSON", .item = { .ref = SPAN("1.7") },
	    .octets = SPAN("x") };
	struct unpack_entry e;
	struct unpack *u;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 150; i++)
		buf_chr(&as, 'a');
	buf_fmt(&names[0], "%s/%s", buf_cstr(&as), buf_cstr(&as));
	buf_fmt(&part, "[\"%s", buf_cstr(&as));
	assert_true(name_add(&names[1], buf_span(&part)));
	buf_clear(&part);
	buf_fmt(&part, "%s\"]", buf_cstr(&as));
	assert_true(name_add(&names[1], buf_span(&part)));

	assert_int_equal(pack_head(pack, &tar, &head, &err), 0);
	for (i = 0; i < N(names); i++)
		put_mailbox(pack, &tar, buf_span(&names[i]));
	for (i = 0; i < N(names); i++) {
		r.mailbox = buf_span(&names[i]);
		put_item(pack, &tar, &r, NULL);
	}
	fd = file_of(buf_span(&tar));
	u = unpack_open(fd, "t", UINT64_MAX, false, &err);
	(void)next_of(u, "head", UNPACK_HEAD);
	for (i = 0; i < N(names) * 2; i++) {
		e = next_of(u, r.name, i < N(names) ? UNPACK_MAILBOX : UNPACK_ITEM);
		assert_true(span_eq(e.mailbox.name, buf_span(&names[i % N(names)])));
	}
	unpack_close(u);
	(void)close(fd);
	pack_free(pack);
	buf_fini(&tar);
	buf_fini(&as);
	buf_fini(&part);
	buf_fini(&names[0]);
	buf_fini(&names[1]);
}

/* What no reader would take is not written. */
static void
too_long(void **state)
{
	struct err err = ERR_INIT;
	struct buf tar = BUF_INIT, name = BUF_INIT;
	struct pack *pack = pack_new(&err);
	struct mailbox m;
	struct ident ident;
	struct item item = { .ref = SPAN("1.7"), .ident = &ident };
	size_t i;

	(void)state;
	ident_of(SPAN("x"), &ident);
	for (i = 0; i < 9000; i++)
		assert_true(name_add(&name, SPAN("a")));
	m = mailbox_of(buf_span(&name));
	assert_int_equal(pack_mailbox(pack, &tar, &m, NOW, &err), -1);
	assert_non_null(strstr(err.msg, "its path has"));
	assert_int_equal(pack_item(pack, &tar, m.name, &item, NULL, &err), -1);
	assert_int_equal(err.scope, ERR_MESSAGE);
	assert_non_null(strstr(err.msg, "its path has"));
	ident.size = UINT64_C(4294967296);
	assert_int_equal(pack_item(pack, &tar, SPAN("A"), &item, NULL, &err), -1);
	assert_int_equal(err.scope, ERR_MESSAGE);
	assert_int_equal(tar.n, 0);
	pack_free(pack);
	buf_fini(&tar);
	buf_fini(&name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(long_values),
		cmocka_unit_test(mailbox_state),
		cmocka_unit_test(not_composed),
		cmocka_unit_test(paths_like_json),
		cmocka_unit_test(too_long),
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
