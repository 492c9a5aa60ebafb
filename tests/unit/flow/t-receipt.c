/* SPDX-License-Identifier: ISC */
/* The receipt file: what is written is read back, torn rows are cut, damage is named. */

#include <sys/file.h>

#include <fcntl.h>
#include <unistd.h>

#include "fake.h"

#include "base/io.h"

static char path[64];

static const struct receipt_target target = {
	{ (const unsigned char *)"imaps://new", 11 },
	{ (const unsigned char *)"alice@new:993", 13 },
	{ (const unsigned char *)"imaps://old", 11 },
};

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/t-receipt-%ld.jsonl",
	    (long)getpid());
	(void)unlink(path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path) == 0 ? 0 : 0;
}

static struct receipt *
open_it(bool dry)
{
	struct err err = ERR_INIT;
	struct receipt *r = receipt_open(path, &target, dry, &sys_real, &err);

	if (r == NULL)
		fail_msg("%s", err.msg);
	return r;
}

static struct item
item_of(struct span mailbox, struct span ref)
{
	return (struct item){ .src_mailbox = mailbox, .ref = ref, .number = 7 };
}

static enum receipt_state
state_of(struct receipt *r, struct span mailbox, struct span ref, uint32_t v)
{
	uint32_t uid;

	return receipt_get(r, mailbox, ref, SPAN("Sent"), v, &uid);
}

/* ---- rows ---- */

enum act { INTEND, DONE, DONE_REF, REFUSED };

static const struct row {
	const char		*name;
	enum act		 acts[3];
	size_t			 n;
	uint32_t		 ask;		/* UIDVALIDITY */
	enum receipt_state	 want;
} rows[] = {
	{ "nothing",		{ INTEND },		0, 9, RECEIPT_UNKNOWN },
	{ "intent",		{ INTEND },		1, 9, RECEIPT_INTENT },
	{ "intent, void",	{ INTEND },		1, 8, RECEIPT_UNKNOWN },
	{ "done",		{ INTEND, DONE },	2, 9, RECEIPT_DONE },
	{ "done, void",		{ INTEND, DONE },	2, 8, RECEIPT_UNKNOWN },
	{ "done by ref",	{ INTEND, DONE_REF },	2, 0, RECEIPT_DONE },
	{ "refused",		{ INTEND, REFUSED },	2, 9, RECEIPT_REFUSED },
	{ "refused, then done",	{ REFUSED, INTEND, DONE }, 3, 9, RECEIPT_DONE },
	{ "done, then meant again", { DONE, INTEND },	2, 9, RECEIPT_INTENT },
};

static void
act(struct receipt *r, enum act a, struct item *item)
{
	struct err err = ERR_INIT;
	int rc = -1;

	switch (a) {
	case INTEND:
		rc = receipt_intend(r, SPAN("Sent"), 9, 118, &item, 1, &err);
		break;
	case DONE:
		rc = receipt_done(r, SPAN("Sent"), item, 9, 120, SPAN_NONE,
		    EVIDENCE_APPENDED, &err);
		break;
	case DONE_REF:
		rc = receipt_done(r, SPAN("Sent"), item, 0, 0, SPAN("17.x"),
		    EVIDENCE_CANON, &err);
		break;
	case REFUSED:
		rc = receipt_refused(r, SPAN("Sent"), item, "too-big",
		    "NO [LIMIT] \"x\" \xff", &err);
		break;
	}
	if (rc == -1)
		fail_msg("%s", err.msg);
}

static void
states(void **state)
{
	static const struct {
		const char	*name;
		struct span	 mailbox, ref;
	} items[] = {
		{ "plain", { (const unsigned char *)"INBOX", 5 },
		    { (const unsigned char *)"1.42", 4 } },
		{ "levels, quotes", { (const unsigned char *)"A\"\0B\\", 5 },
		    { (const unsigned char *)"17\"\\.x", 6 } },
		{ "no UTF-8", { (const unsigned char *)"A\xff\0B", 4 },
		    { (const unsigned char *)"17.\xfe\x80", 5 } },
		{ "NUL in a ref", { (const unsigned char *)"A", 1 },
		    { (const unsigned char *)"1\0002", 3 } },
	};
	struct receipt *r;
	size_t i, k, m;

	(void)state;
	for (i = 0; i < N(rows); i++)
		for (m = 0; m < N(items); m++) {
			struct item item = item_of(items[m].mailbox,
			    items[m].ref);

			r = open_it(false);
			for (k = 0; k < rows[i].n; k++)
				act(r, rows[i].acts[k], &item);
			ROW_OK(rows[i].name, state_of(r, items[m].mailbox,
			    items[m].ref, rows[i].ask) == rows[i].want);
			assert_int_equal(receipt_end(r, true, NULL), 0);
			receipt_close(r);
			r = open_it(true);
			if (state_of(r, items[m].mailbox, items[m].ref,
			    rows[i].ask) != rows[i].want)
				fail_msg("%s, %s: not read back", rows[i].name,
				    items[m].name);
			/* Another item that looks like it is another. */
			ROW_OK(rows[i].name, state_of(r, items[m].mailbox,
			    SPAN("17.\xfe\x81"), rows[i].ask) ==
			    RECEIPT_UNKNOWN);
			receipt_close(r);
			assert_int_equal(unlink(path), 0);
		}
}

/* ---- lists of what is claimed ---- */

static int
add_uid(void *arg, uint32_t uid)
{
	*(uint64_t *)arg += uid;
	return 0;
}

static int
add_ref(void *arg, uint64_t h)
{
	*(uint64_t *)arg += h;
	return 0;
}

static void
claims(void **state)
{
	struct receipt *r = open_it(false);
	struct item items[600], *v[600];
	char refs[600][16];
	uint64_t sum = 0, refsum = 0;
	uint32_t i;
	int again;

	(void)state;
	for (i = 0; i < 600; i++) {
		(void)snprintf(refs[i], sizeof(refs[i]), "1.%u", i);
		items[i] = item_of(i < 300 ? SPAN("A") : SPAN("B"),
		    span_str(refs[i]));
		v[i] = &items[i];
	}
	assert_int_equal(receipt_unresolved(r, SPAN("Sent"), 9), 0);
	assert_int_equal(receipt_intend(r, SPAN("Sent"), 9, 50, v, 300, NULL), 0);
	assert_int_equal(receipt_intend(r, SPAN("Sent"), 9, 40, v + 300, 300,
	    NULL), 0);
	for (i = 0; i < 600; i += 2)
		assert_int_equal(receipt_done(r, SPAN("Sent"), v[i], 9, 1000 + i,
		    SPAN_NONE, EVIDENCE_KEY, NULL), 0);
	assert_int_equal(receipt_done(r, SPAN("Other"), v[1], 0, 0,
	    SPAN("17.a"), EVIDENCE_APPENDED, NULL), 0);
	for (again = 0; again < 2; again++) {
		sum = refsum = 0;
		assert_int_equal(receipt_claimed(r, SPAN("Sent"), 9, add_uid,
		    &sum), 0);
		assert_int_equal(sum, 300 * 1000 + 299 * 300);
		assert_int_equal(receipt_claimed(r, SPAN("Sent"), 8, add_uid,
		    &sum), 0);
		assert_int_equal(sum, 300 * 1000 + 299 * 300);
		assert_int_equal(receipt_claimed_refs(r, SPAN("Other"), add_ref,
		    &refsum), 0);
		assert_true(refsum == receipt_ref_hash(SPAN("17.a")));
		assert_int_equal(receipt_unresolved(r, SPAN("Sent"), 9), 40);
		assert_int_equal(receipt_unresolved(r, SPAN("Sent"), 8), 0);
		receipt_close(r);
		r = open_it(false);
	}
	receipt_close(r);
	assert_int_equal(unlink(path), 0);
}

/* ---- crashes and damage ---- */

static void
fill(struct receipt *r)
{
	struct item a = item_of(SPAN("INBOX"), SPAN("1.1"));
	struct item b = item_of(SPAN("INBOX"), SPAN("1.2"));

	act(r, INTEND, &a);
	act(r, DONE, &a);
	act(r, REFUSED, &b);
	assert_int_equal(receipt_end(r, false, NULL), 0);
	act(r, DONE, &b);
	assert_int_equal(receipt_end(r, true, NULL), 0);
}

static void
put_file(struct span s)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	if (s.n > 0)
		assert_int_equal(write(fd, s.p, s.n), s.n);
	assert_int_equal(close(fd), 0);
}

/* Cut anywhere: whole rows stay, what follows can be written. */
static void
torn(void **state)
{
	struct receipt *r = open_it(false);
	struct buf whole = BUF_INIT, now = BUF_INIT;
	struct item c = item_of(SPAN("INBOX"), SPAN("1.3"));
	size_t cut;

	(void)state;
	fill(r);
	receipt_close(r);
	assert_int_equal(io_slurp(path, 1 << 20, &whole, NULL), 0);
	for (cut = 0; cut <= whole.n; cut++) {
		put_file(span_head(buf_span(&whole), cut));
		r = open_it(true);	/* only read: nothing is cut */
		receipt_close(r);
		buf_clear(&now);
		assert_int_equal(io_slurp(path, 1 << 20, &now, NULL), 0);
		assert_int_equal(now.n, cut);

		r = open_it(false);
		act(r, DONE, &c);
		assert_int_equal(receipt_end(r, true, NULL), 0);
		receipt_close(r);
		r = open_it(true);
		assert_int_equal(state_of(r, SPAN("INBOX"), SPAN("1.3"), 9),
		    RECEIPT_DONE);
		if (cut == whole.n)
			assert_int_equal(state_of(r, SPAN("INBOX"), SPAN("1.2"),
			    9), RECEIPT_DONE);
		receipt_close(r);
	}
	buf_fini(&whole);
	buf_fini(&now);
	assert_int_equal(unlink(path), 0);
}

/* Every octet flipped, before the last end row: it is seen. */
static void
damage(void **state)
{
	struct receipt *r = open_it(false);
	struct buf whole = BUF_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	fill(r);
	receipt_close(r);
	assert_int_equal(io_slurp(path, 1 << 20, &whole, NULL), 0);
	for (i = 0; i + 1 < whole.n; i++) {
		whole.p[i] ^= 1;
		put_file(buf_span(&whole));
		whole.p[i] ^= 1;
		err_clear(&err);
		r = receipt_open(path, &target, false, &sys_real, &err);
		/* The last row's own members are not hashed. */
		if (r != NULL && i + 200 < whole.n &&
		    memchr(whole.p + i, '\n', whole.n - i - 1) != NULL)
			fail_msg("octet %zu flipped, and nobody saw it", i);
		if (r == NULL) {
			assert_int_equal(err.status, STATUS_DATA);
			assert_non_null(strstr(err.msg, ": line "));
		}
		receipt_close(r);
	}
	buf_fini(&whole);
	assert_int_equal(unlink(path), 0);
}

static void
bad_rows(void **state)
{
#define FIRST "{\"type\":\"target\",\"version\":1,\"url\":\"imaps://new\"," \
	"\"target\":\"alice@new:993\",\"origin\":\"imaps://old\"}\n"
	static const struct {
		const char	*name, *text, *line;
	} bad[] = {
		{ "no target row", "{\"type\":\"end\",\"hash\":\"\"}\n", "line 1" },
		{ "version", "{\"type\":\"target\",\"version\":2}\n", "line 1" },
		{ "target", "{\"type\":\"target\",\"version\":1,\"target\":\"x\"}\n",
		    "line 1" },
		{ "two targets", FIRST FIRST, "line 2" },
		{ "no JSON", FIRST "{\n", "line 2" },
		{ "no type", FIRST "{}\n", "line 2" },
		{ "a number", FIRST "1\n", "line 2" },
		{ "intent without src", FIRST "{\"type\":\"intent\",\"batch\":1,"
		    "\"mailbox\":[\"A\"]}\n", "line 2" },
		{ "uid too big", FIRST "{\"type\":\"done\",\"src\":{\"mailbox\":"
		    "[\"A\"],\"ref\":\"1\"},\"mailbox\":[\"A\"],"
		    "\"uid\":4294967296}\n", "line 2" },
		{ "no ref", FIRST "{\"type\":\"refused\",\"src\":{\"mailbox\":"
		    "[\"A\"]},\"mailbox\":[\"A\"]}\n", "line 2" },
		{ "ref of odd hex", FIRST "{\"type\":\"refused\",\"src\":"
		    "{\"mailbox\":[\"A\"],\"ref\":{\"hex\":\"abc\"}},"
		    "\"mailbox\":[\"A\"]}\n", "line 2" },
		{ "wrong hash", FIRST "{\"type\":\"end\",\"hash\":\"00\"}\n",
		    "line 2" },
	};
	struct err err = ERR_INIT;
	struct receipt *r;
	size_t i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		put_file(span_str(bad[i].text));
		err_clear(&err);
		r = receipt_open(path, &target, false, &sys_real, &err);
		ROW_OK(bad[i].name, r == NULL);
		ROW_OK(bad[i].name, err.status == STATUS_DATA);
		ROW_OK(bad[i].name, strstr(err.msg, bad[i].line) != NULL);
	}
	/* Rows of a type to come are passed over. */
	put_file(span_str(FIRST "{\"type\":\"later\"}\n"));
	receipt_close(open_it(false));
	assert_int_equal(unlink(path), 0);
}

static void
locked(void **state)
{
	struct receipt *r = open_it(false);
	struct err err = ERR_INIT;

	(void)state;
	assert_null(receipt_open(path, &target, false, &sys_real, &err));
	assert_int_equal(err.status, STATUS_LOCKED);
	receipt_close(open_it(true));	/* reading is free */
	receipt_close(r);
	receipt_close(open_it(false));
	assert_int_equal(unlink(path), 0);
}

static void
dry_and_absent(void **state)
{
	struct receipt *r = open_it(true);

	(void)state;
	assert_int_equal(state_of(r, SPAN("A"), SPAN("1"), 9), RECEIPT_UNKNOWN);
	assert_int_equal(receipt_end(r, true, NULL), 0);
	receipt_close(r);
	assert_int_equal(access(path, F_OK), -1);
	r = receipt_open(NULL, &target, true, &sys_real, NULL);
	assert_non_null(r);
	receipt_close(r);
}

/* More than one chunk, and slots that grow. */
static void
many(void **state)
{
	struct receipt *r = open_it(false);
	struct item item = item_of(SPAN("INBOX"), SPAN_NONE);
	char ref[32];
	uint32_t i, uid;
	int again;

	(void)state;
	for (i = 1; i <= 20000; i++) {
		(void)snprintf(ref, sizeof(ref), "1.%u", i);
		item.ref = span_str(ref);
		assert_int_equal(receipt_done(r, SPAN("Sent"), &item, 9, i,
		    SPAN_NONE, EVIDENCE_KEY, NULL), 0);
	}
	for (again = 0; again < 2; again++) {
		for (i = 1; i <= 20000; i++) {
			(void)snprintf(ref, sizeof(ref), "1.%u", i);
			assert_int_equal(receipt_get(r, SPAN("INBOX"),
			    span_str(ref), SPAN("Sent"), 9, &uid), RECEIPT_DONE);
			assert_int_equal(uid, i);
		}
		receipt_close(r);
		r = open_it(false);
	}
	receipt_close(r);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(claims),
		cmocka_unit_test(torn),
		cmocka_unit_test(damage),
		cmocka_unit_test(bad_rows),
		cmocka_unit_test(locked),
		cmocka_unit_test(dry_and_absent),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
