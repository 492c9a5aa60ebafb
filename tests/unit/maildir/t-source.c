/* SPDX-License-Identifier: ISC */
/* Trees of Maildirs as they are met, and what is read of them. */

#include <errno.h>

#include "mail/flags.h"

#include "util.h"

/* ---- layouts ---- */

static void
fs(void **state)
{
	(void)state;
	put_maildir("fs/INBOX");
	put_maildir("fs/A/B");
	put_maildir("fs/%63ur");
	put_maildir("fs/.mx");
	put_maildir("fs/.mx/x");
	put_dir("fs/.git/objects");
	put_dir("fs/A/empty");
	put_file("fs/INBOX/cur/1.a:2,S", "Subject: a\n\nA\n");
	put_file("fs/INBOX/new/2.b", "B");
	put_file("fs/A/B/cur/3.c", "C\r\n");
	put_file("fs/A/B/tmp/4.d:2,", "left over");
	put_file("fs/subscriptions", "A/B\nnone\n");
	put_time("fs/INBOX/cur/1.a:2,S", 1700000000);
	put_time("fs/INBOX/new/2.b", -1);
	put_time("fs/A/B/cur/3.c", -86400 * 3650);
	check_dump("fs", "fs",
	    "= INBOX\n1.a|\\Seen|1700000000|14|Subject: a\n\nA\n\n"
	    "2.b||-1|1|B\n.\n"
	    "= A/B *\n3.c||-315360000|3|C\r\n\n.\n"
	    "= cur\n.\n");
	ROW_OK("is", maildir_is("fs"));
	ROW_OK("is not", !maildir_is("fs/.git") && !maildir_is("fs/A/empty"));
}

static void
plus(void **state)
{
	(void)state;
	put_maildir("plus");
	put_maildir("plus/.Entw&APw-rfe");
	put_maildir("plus/.A.B");
	put_maildir("plus/.INBOX.Sub");
	put_dir("plus/.none");
	put_file("plus/cur/1.a", "A");
	put_file("plus/.A.B/cur/1.a", "B");
	put_time("plus/cur/1.a", 1);
	put_time("plus/.A.B/cur/1.a", 2);
	put_file("plus/subscriptions", "V\t2\n\nA\tB\nINBOX\n");
	check_dump("plus", "plus",
	    "= INBOX *\n1.a||1|1|A\n.\n= INBOX/Sub\n.\n"
	    "= A/B *\n1.a||2|1|B\n.\n= Entw\xc3\xbcrfe\n.\n");
	ROW_OK("is", maildir_is("plus"));
}

static void
one_alone(void **state)
{
	(void)state;
	put_maildir("one");
	check_dump("one", "one", "= INBOX\n.\n");
	check_dump("slashes", "one//", "= INBOX\n.\n");
	ROW_OK("is", maildir_is("one"));
}

/* Both side by side, as mbsync may leave them. */
static void
mixed(void **state)
{
	(void)state;
	put_maildir("mixed");
	put_maildir("mixed/A");
	put_maildir("mixed/A/.B.C");
	put_maildir("mixed/.D");
	check_dump("mixed", "mixed",
	    "= INBOX\n.\n= A\n.\n= A/B/C\n.\n= D\n.\n");
}

static void
names_that_meet(void **state)
{
	(void)state;
	put_maildir("meet");
	put_maildir("meet/.A");
	put_maildir("meet/.INBOX");
	put_maildir("meet/A");
	put_file("meet/.A/cur/1.plus", "");
	put_file("meet/A/cur/1.fs", "");
	put_time("meet/.A/cur/1.plus", 0);
	put_time("meet/A/cur/1.fs", 0);
	check_dump("meet", "meet",
	    "= INBOX\n.\n= A\n1.plus||0|0|\n.\n= A~2\n1.fs||0|0|\n.\n"
	    "= INBOX~2\n.\n");
}

static void
true_names(void **state)
{
	/* The first 8 octets of SHA-256("a.b"). */
	static const char path[] = "true/.a_b%~2e7336dc8eba87ef";

	(void)state;
	put_maildir("true");
	put_maildir(path);
	put_file("true/.a_b%~2e7336dc8eba87ef/.mxname", "[\"a.c\"]\n");
	check_dump("of another", "true",
	    "= INBOX\n.\n= a_b%~2e7336dc8eba87ef\n.\n");
	put_file("true/.a_b%~2e7336dc8eba87ef/.mxname", "[\"INBOX\"");
	check_dump("damaged", "true",
	    "= INBOX\n.\n= a_b%~2e7336dc8eba87ef\n.\n");
	put_file("true/.a_b%~2e7336dc8eba87ef/.mxname", "[\"a.b\"]\n");
	check_dump("its own", "true", "= INBOX\n.\n= a.b\n.\n");
}

/* ---- what is no message, and no mailbox ---- */

static void
links(void **state)
{
	(void)state;
	put_maildir("away/secret");
	put_file("away/secret/cur/1.x", "X");
	put_maildir("links/INBOX");
	put_file("links/INBOX/cur/.hidden", "");
	put_dir("links/INBOX/cur/5.dir");
	assert_int_equal(mkfifo("links/INBOX/cur/6.fifo", 0600), 0);
	assert_int_equal(symlink("../../../away/secret", "links/INBOX/sub"), 0);
	assert_int_equal(symlink("../away/secret", "links/sub"), 0);
	assert_int_equal(symlink("../away/secret", "links/.sub"), 0);
	assert_int_equal(symlink("../../../away/secret/cur/1.x",
	    "links/INBOX/cur/1.x"), 0);
	put_dir("links/half");
	assert_int_equal(symlink("../../away/secret/cur", "links/half/cur"), 0);
	check_dump("links", "links", "= INBOX\n.\n");
	assert_int_equal(symlink("links", "root"), 0);
	check_dump("the root may be one", "root", "= INBOX\n.\n");
}

static void
depth(void **state)
{
	struct buf path = BUF_INIT, want = BUF_INIT;
	size_t i;

	(void)state;
	buf_str(&path, "deep");
	buf_str(&want, "= ");
	for (i = 1; i <= 64; i++) {
		buf_str(&path, "/d");
		buf_str(&want, i == 1 ? "d" : "/d");
	}
	put_maildir(buf_cstr(&path));
	buf_str(&path, "/d");
	put_maildir(buf_cstr(&path));
	buf_str(&want, "\n.\n");
	check_dump("deep", "deep", buf_cstr(&want));
	ROW_OK("a bounded look", !maildir_is("deep"));
	put_maildir("deep/a/b/c");
	ROW_OK("three levels", maildir_is("deep"));
	buf_fini(&path);
	buf_fini(&want);
}

static void
no_place(void **state)
{
	static const struct {
		const char	*path;
		enum status	 status;
	} rows[] = {
		{ "absent", STATUS_NOINPUT },
		{ "empty", STATUS_DATA },
		{ "file", STATUS_NOINPUT },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	put_dir("empty/a/b");
	put_file("file", "");
	for (i = 0; i < N(rows); i++) {
		err_clear(&err);
		ROW_OK(rows[i].path, maildir_source(rows[i].path, &config, 0,
		    &err) == NULL);
		ROW_OK(rows[i].path, err.scope == ERR_RUN &&
		    err.status == rows[i].status);
		ROW_OK(err.msg, strstr(err.msg, rows[i].path) != NULL);
		ROW_OK(rows[i].path, !maildir_is(rows[i].path));
	}
}

/* ---- names of messages ---- */

static void
flags(void **state)
{
	(void)state;
	put_maildir("flags");
	put_file("flags/dovecot-keywords",
	    "0 $Label1\n1 Work\n25 last\n26 beyond\n2 no good\nx y\n3 \\Seen\n"
	    "4 work\n5");
	put_file("flags/cur/1:2,DFPRST", "");
	put_file("flags/cur/2:2,Sabz", "");
	put_file("flags/cur/3:2,SScdefXY9", "");
	put_file("flags/cur/4:2,S,ab", "");
	put_file("flags/cur/5:1,S", "");
	put_file("flags/new/6:2,F", "");
	put_file("flags/cur/7:2,", "");
	put_file("flags/cur/8:2", "");
	{
		static const char *const all[] = { "cur/1:2,DFPRST",
		    "cur/2:2,Sabz", "cur/3:2,SScdefXY9", "cur/4:2,S,ab",
		    "cur/5:1,S", "new/6:2,F", "cur/7:2,", "cur/8:2" };
		char at[64];
		size_t i;

		for (i = 0; i < N(all); i++) {
			(void)snprintf(at, N(at), "flags/%s", all[i]);
			put_time(at, 0);
		}
	}
	check_dump("flags", "flags", "= INBOX\n"
	    "1|\\Answered \\Deleted \\Draft \\Flagged \\Seen $Forwarded|0|0|\n"
	    "2|\\Seen $Label1 last Work|0|0|\n"
	    "3|\\Seen|0|0|\n"
	    "4|\\Seen|0|0|\n"
	    "5:1,S||0|0|\n"
	    "6|\\Flagged|0|0|\n"
	    "7||0|0|\n"
	    "8:2||0|0|\n.\n");
}

static void
refs(void **state)
{
	static const char *const files[] = {
		"cur/1.a b%c\001\xe4\xc3\xa4:2,S",
		"cur/2.same:2,", "cur/2.same:2,S", "new/2.same",
		"new/3.both", "cur/3.both",
		"cur/a:2,b:2,S",
	};
	char at[64];
	size_t i;

	(void)state;
	put_maildir("refs");
	for (i = 0; i < N(files); i++) {
		(void)snprintf(at, N(at), "refs/%s", files[i]);
		put_file(at, "");
		put_time(at, 0);
	}
	check_dump("refs", "refs", "= INBOX\n"
	    "1.a%20b%25c%01%E4\xc3\xa4|\\Seen|0|0|\n"
	    "2.same||0|0|\n"
	    "cur/2.same:2,||0|0|\n"
	    "cur/2.same:2,S|\\Seen|0|0|\n"
	    "3.both||0|0|\n"
	    "new/3.both||0|0|\n"
	    "a||0|0|\n.\n");
}

/* Numbers count as numbers, and ten thousand files come as they were named. */
static void
order(void **state)
{
	static const char *const few[] = { "9.x", "10.M5P1", "10.M40P1",
	    "10.M040P2", "1000.x", "1000.xa", "1000.y", "99999999999999999999.z",
	    "a", "b" };
	struct buf want = BUF_INIT;
	char at[64];
	size_t i;

	(void)state;
	put_maildir("order/Few");
	put_maildir("order/Many");
	buf_str(&want, "= Few\n");
	for (i = N(few); i-- > 0;) {
		(void)snprintf(at, N(at), "order/Few/%s/%s:2,",
		    i % 2 == 0 ? "cur" : "new", few[i]);
		put_file(at, "");
		put_time(at, 5);
	}
	for (i = 0; i < N(few); i++)
		buf_fmt(&want, "%s||5|0|\n", few[i]);
	buf_str(&want, ".\n= Many\n");
	for (i = 0; i < 10000; i++) {
		const size_t k = i * 7919 % 10000;

		(void)snprintf(at, N(at), "order/Many/cur/%zu.x:2,%s", k,
		    k % 3 == 0 ? "S" : "");
		put_file(at, "m");
		put_time(at, 5);
	}
	for (i = 0; i < 10000; i++)
		buf_fmt(&want, "%zu.x|%s|5|1|m\n", i, i % 3 == 0 ? "\\Seen" : "");
	buf_str(&want, ".\n");
	check_dump("order", "order", buf_cstr(&want));
	buf_fini(&want);
}

/* ---- others work there too ---- */

/* What is done between the window and the fetch; the last part of the dump. */
static const struct race {
	const char	*name;
	const char	*from, *to;	/* to: NULL: removed */
	const char	*want;
} races[] = {
	{ "nothing", NULL, NULL, "A" },
	{ "flags", "race/cur/1.a:2,", "race/cur/1.a:2,S", "A" },
	{ "back to new", "race/cur/1.a:2,S", "race/new/1.a", "A" },
	{ "seen", "race/new/1.a", "race/cur/1.a:2,RS", "A" },
	{ "gone", "race/cur/1.a:2,RS", NULL, "?" },
};

static void
race_one(const struct race *r, unsigned need, bool before_window)
{
	struct dump d = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	struct source *s = maildir_source("race", &config, need, &err);
	const struct mailbox *m;
	struct cursor *c;
	struct window w;
	size_t n;

	assert_non_null(s);
	assert_non_null(c = s->ops->open(s, &err));
	assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
	assert_int_equal(window_init(&w, &err), 0);
	if (!before_window)
		assert_int_equal(c->ops->window(c, &w, &err), 1);
	if (r->to != NULL)
		assert_int_equal(rename(r->from, r->to), 0);
	else if (r->from != NULL)
		assert_int_equal(unlink(r->from), 0);
	if (before_window)
		assert_true(c->ops->window(c, &w, &err) >= 0);
	for (n = 0; n < w.n; n++)
		w.v[n].verdict = VERDICT_WANTED;
	assert_int_equal(c->ops->fetch(c, &w, dump_item, &d, &err), 0);
	if (before_window && r->want[0] == '?')
		ROW_OK(r->name, w.n == 0);
	else
		ROW_OK(r->name, d.text.n > 2 && w.n == 1 &&
		    d.text.p[d.text.n - 2] == (unsigned char)r->want[0]);
	if (before_window && w.n == 1 && r->to != NULL)
		ROW_OK(r->name, (strchr(r->to, 'S') != NULL) ==
		    flags_have(w.v[0].flags, SPAN("\\Seen")));
	window_fini(&w);
	c->ops->close(c);
	s->ops->close(s);
	buf_fini(&d.text);
}

static void
changes_under_way(void **state)
{
	static const unsigned needs[] = { 0, NEED_KEY, NEED_IDENT };
	size_t i, k;

	(void)state;
	put_maildir("race");
	for (k = 0; k < N(needs); k++) {
		for (i = 0; i < 2 * N(races); i++) {
			if (i % N(races) == 0)
				put_file("race/cur/1.a:2,", "A");
			race_one(&races[i % N(races)], needs[k], i >= N(races));
		}
	}
}

/* Octets that change between the one reading and the other are not believed. */
static void
changed_octets(void **state)
{
	struct dump d = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	const struct mailbox *m;
	struct source *s;
	struct cursor *c;
	struct window w;

	(void)state;
	put_maildir("octets");
	put_file("octets/cur/1.a", "A");
	s = maildir_source("octets", &config, NEED_IDENT, &err);
	assert_non_null(s);
	assert_non_null(c = s->ops->open(s, &err));
	assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
	assert_int_equal(window_init(&w, &err), 0);
	assert_int_equal(c->ops->window(c, &w, &err), 1);
	put_file("octets/cur/1.a", "B");
	w.v[0].verdict = VERDICT_WANTED;
	assert_int_equal(c->ops->fetch(c, &w, dump_item, &d, &err), 0);
	ROW_OK("spoilt", d.text.p[d.text.n - 2] == '?');
	window_fini(&w);
	c->ops->close(c);
	s->ops->close(s);
	buf_fini(&d.text);
}

/* ---- the rest of the interface ---- */

static bool
choose_b(void *arg, const struct mailbox *m)
{
	(void)arg;
	return span_is(m->name, "B");
}

static void
chosen(void **state)
{
	struct mailboxes all = { .v = NULL };
	struct err err = ERR_INIT;
	struct source_about about;
	const struct mailbox *m;
	struct cursor *c, *c2;
	struct source *s;
	char real[512];

	(void)state;
	put_maildir("chosen/A");
	put_maildir("chosen/B");
	put_maildir("chosen/C");
	s = maildir_source("chosen/../chosen/.", &config, 0, &err);
	assert_non_null(s);
	s->ops->select(s, choose_b, NULL);
	assert_int_equal(s->ops->list(s, &all, &err), 1);
	ROW_OK("all", all.n == 3 && all.complete);
	assert_non_null(c = s->ops->open(s, &err));
	assert_non_null(c2 = s->ops->open(s, &err));
	assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
	ROW_SPAN("B", m->name, SPAN("B"));
	assert_int_equal(c->ops->mailbox(c, &m, &err), 0);
	assert_int_equal(c2->ops->mailbox(c2, &m, &err), 0);
	s->ops->about(s, &about);
	ROW_OK("about", about.complete && about.id.n == 0);
	assert_non_null(getcwd(real, N(real)));
	ROW_OK("origin", span_starts(about.origin, "maildir:") &&
	    span_starts(span_from(about.origin, 8), real));
	ROW_SPAN("origin", span_from(about.origin, 8 + strlen(real)),
	    SPAN("/chosen"));
	c->ops->close(c);
	c2->ops->close(c2);
	s->ops->close(s);
	mailboxes_fini(&all);
}

/* A mailbox that goes away does not end the run. */
static void
mailbox_gone(void **state)
{
	struct err err = ERR_INIT;
	const struct mailbox *m;
	struct source *s;
	struct cursor *c;

	(void)state;
	put_maildir("gone/A");
	put_maildir("gone/B");
	s = maildir_source("gone", &config, 0, &err);
	assert_non_null(s);
	assert_int_equal(rename("gone/A", "gone/A2"), 0);
	assert_non_null(c = s->ops->open(s, &err));
	assert_int_equal(c->ops->mailbox(c, &m, &err), -1);
	ROW_OK("scope", err.scope == ERR_MAILBOX && m != NULL);
	ROW_OK(err.msg, strstr(err.msg, "gone/A") != NULL);
	err_clear(&err);
	assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
	ROW_SPAN("B", m->name, SPAN("B"));
	c->ops->close(c);
	s->ops->close(s);
}

/* A file that cannot be read spoils itself alone, and is not passed by in silence. */
static void
unreadable(void **state)
{
	static const unsigned needs[] = { 0, NEED_KEY, NEED_IDENT };
	const bool root = geteuid() == 0;
	struct dump d = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	const struct mailbox *m;
	struct source *s;
	struct cursor *c;
	struct window w;
	size_t i, n;

	(void)state;
	put_maildir("unreadable");
	put_file("unreadable/cur/1.a", "A");
	put_file("unreadable/cur/2.b", "B");
	(void)chmod("unreadable/cur", 0755);
	(void)chmod("unreadable/cur/2.b", 0644);
	(void)chmod("unreadable/cur/1.a", root ? 0600 : 0);
	for (i = 0; i < N(needs); i++) {
		s = maildir_source("unreadable", &config, needs[i], &err);
		ROW_OK(err.msg, s != NULL);
		assert_non_null(c = s->ops->open(s, &err));
		assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
		assert_int_equal(window_init(&w, &err), 0);
		assert_int_equal(root ? seteuid(65534) : 0, 0);
		assert_int_equal(c->ops->window(c, &w, &err), 1);
		ROW_OK("both", w.n == 2 && w.v[0].key == NULL &&
		    w.v[0].ident == NULL && w.v[0].size == 1);
		ROW_OK("verdict", (w.v[0].verdict == VERDICT_UNAVAILABLE) ==
		    (needs[i] == NEED_IDENT));
		ROW_OK("the other", w.v[1].verdict == VERDICT_NONE);
		for (n = 0; n < 2; n++)
			w.v[n].verdict = VERDICT_WANTED;
		buf_clear(&d.text);
		assert_int_equal(c->ops->fetch(c, &w, dump_item, &d, &err), 0);
		assert_int_equal(root ? seteuid(0) : 0, 0);
		ROW_OK("one", strstr(buf_cstr(&d.text), "|1|?\n") != NULL &&
		    strstr(buf_cstr(&d.text), "|1|B\n") != NULL);
		window_fini(&w);
		c->ops->close(c);
		s->ops->close(s);
	}
	buf_fini(&d.text);
}

static void
long_header(void **state)
{
	const size_t big = (size_t)3 << 20;
	char *text = malloc(big + 64);
	struct err err = ERR_INIT;
	const struct mailbox *m;
	struct source *s;
	struct cursor *c;
	struct window w;

	(void)state;
	assert_non_null(text);
	put_maildir("header");
	memset(text, 'x', big);
	memcpy(text, "Message-ID: <a@b>\nX-Long: ", 26);
	memcpy(text + 100000, "\nTo: c\n\n", 9);
	put_file("header/cur/1.short", text);
	text[100000] = 'x';
	memset(text + 100000, 'x', 10);
	text[big] = '\0';
	put_file("header/cur/2.long", text);
	s = maildir_source("header", &config, NEED_KEY, &err);
	assert_non_null(s);
	assert_non_null(c = s->ops->open(s, &err));
	assert_int_equal(c->ops->mailbox(c, &m, &err), 1);
	assert_int_equal(window_init(&w, &err), 0);
	assert_int_equal(c->ops->window(c, &w, &err), 1);
	ROW_OK("both", w.n == 2 && w.v[0].key->kind == KEY_MSGID &&
	    w.v[1].key->kind == KEY_MSGID && w.v[1].size == big &&
	    key_match(w.v[0].key, w.v[1].key));
	window_fini(&w);
	c->ops->close(c);
	s->ops->close(s);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fs),
		cmocka_unit_test(plus),
		cmocka_unit_test(one_alone),
		cmocka_unit_test(mixed),
		cmocka_unit_test(names_that_meet),
		cmocka_unit_test(true_names),
		cmocka_unit_test(links),
		cmocka_unit_test(depth),
		cmocka_unit_test(no_place),
		cmocka_unit_test(flags),
		cmocka_unit_test(refs),
		cmocka_unit_test(order),
		cmocka_unit_test(changes_under_way),
		cmocka_unit_test(changed_octets),
		cmocka_unit_test(chosen),
		cmocka_unit_test(mailbox_gone),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(long_header),
	};

	return cmocka_run_group_tests_name("maildir source", tests, work_begin,
	    work_end);
}
