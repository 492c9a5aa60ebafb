/* SPDX-License-Identifier: ISC */
/* What is written into a tree of Maildirs, and read back. */

#include <errno.h>

#include "mail/flags.h"

#include "util.h"

/* A clock that goes on, or stands still. */
static bool stands;

static int64_t
next_now(void *arg)
{
	static int64_t now = INT64_C(1700000000) * 1000000000;

	(void)arg;
	now += stands ? 0 : 1000000;
	return now;
}

static const struct sys ticking = {
	next_now, next_now, fixed_sleep, fixed_random, NULL,
};

static struct dest *
open_dest(const char *path)
{
	const struct maildir_config ticks = { &ticking, NULL };
	struct err err = ERR_INIT;
	struct dest *d = maildir_dest(path, &ticks, &err);

	if (d == NULL)
		fail_msg("%s: %s", path, err.msg);
	return d;
}

static struct dest_conn *
open_conn(struct dest *d)
{
	struct err err = ERR_INIT;
	struct dest_conn *c = d->ops->open(d, &err);

	assert_non_null(c);
	return c;
}

static void
enter(struct dest_conn *c, struct span name, struct dest_mailbox *st)
{
	const struct mailbox m = mailbox_of(name);
	struct err err = ERR_INIT;

	*st = (struct dest_mailbox){ .uidvalidity = 0 };
	if (c->ops->open(c, &m, true, st, &err) != 1)
		fail_msg("%.*s: %s", SPAN_ARG(name), err.msg);
}

static void
settle(struct dest_conn *c, struct told *t)
{
	struct err err = ERR_INIT;

	ROW_OK(err.msg, c->ops->settle(c, tell, t, &err) == 0);
}

/* One message into a mailbox. */
static void
deliver(const char *path, struct span name, const char *octets,
    const char *flags, int64_t sec)
{
	struct told t = { .text = BUF_INIT };
	struct dest *d = open_dest(path);
	struct dest_conn *c = open_conn(d);
	struct dest_mailbox st;

	enter(c, name, &st);
	append(c, octets, flags, sec, 1, &t);
	settle(c, &t);
	ROW_OK(octets, t.n == 1);
	c->ops->close(c);
	d->ops->close(d);
	buf_fini(&t.text);
}

/* Cut what is different each time, the ref, out of a dump: up to the first "|". */
static void
check_without_refs(const char *name, const char *path, const char *want)
{
	struct dump d = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	struct buf got = BUF_INIT;
	struct source *s = maildir_source(path, &config, 0, &err);
	struct span rest, line;

	if (s == NULL)
		fail_msg("%s: %s", name, err.msg);
	dump_source(s, &d);
	s->ops->close(s);
	rest = buf_span(&d.text);
	while (span_next(&rest, '\n', &line)) {
		if (span_find(line, '|') < line.n)
			line = span_from(line, span_find(line, '|'));
		buf_put(&got, line);
		buf_chr(&got, '\n');
	}
	ROW_SPAN(name, buf_span(&got), span_str(want));
	buf_fini(&got);
	buf_fini(&d.text);
}

/* ---- layouts ---- */

static void
fresh(void **state)
{
	(void)state;
	deliver("a/b/fresh", SPAN("INBOX"), "one", "\\Seen", 1700000000);
	deliver("a/b/fresh", SPAN("Work\0A/B"), "two\n", "$Forwarded", -86401);
	deliver("a/b/fresh", SPAN("INBOX"), "", "", 0);
	check_without_refs("fresh", "a/b/fresh", "= INBOX\n"
	    "|\\Seen|1700000000|3|one\n||0|0|\n.\n"
	    "= Work/A/B\n|$Forwarded|-86401|4|two\n\n.\n");
	ROW_OK("fs", has("a/b/fresh/INBOX/new") && has("a/b/fresh/INBOX/tmp") &&
	    has("a/b/fresh/Work/A%2FB/cur") && !has("a/b/fresh/Work/cur"));
}

static void
into_plus(void **state)
{
	(void)state;
	put_maildir("plus");
	deliver("plus", SPAN("INBOX"), "one", "", 1);
	deliver("plus", SPAN("Entw\xc3\xbcrfe\0x"), "two", "", 1);
	deliver("plus", SPAN("v1.0"), "three", "", 1);
	deliver("plus", SPAN("v1.0"), "four", "", 1);
	check_without_refs("plus", "plus", "= INBOX\n||1|3|one\n.\n"
	    "= Entw\xc3\xbcrfe/x\n||1|3|two\n.\n"
	    "= v1.0\n||1|5|three\n||1|4|four\n.\n");
	ROW_OK("coded", has("plus/.Entw&APw-rfe.x/cur") &&
	    has("plus/.Entw&APw-rfe.x/maildirfolder"));
}

static void
into_plus_utf8(void **state)
{
	(void)state;
	put_maildir("raw");
	put_maildir("raw/.\xc3\xa4");
	deliver("raw", SPAN("\xc3\xa4"), "one", "", 1);
	deliver("raw", SPAN("\xc3\xb6"), "two", "", 1);
	ROW_OK("raw", has("raw/.\xc3\xb6/cur"));
	check_without_refs("raw", "raw", "= INBOX\n.\n"
	    "= \xc3\xa4\n||1|3|one\n.\n= \xc3\xb6\n||1|3|two\n.\n");
}

/* What is there keeps its directory, however that is written. */
static void
into_what_is_there(void **state)
{
	(void)state;
	put_maildir("there/Inbox");
	put_maildir("there/100%");
	put_dir("there/half/cur");
	deliver("there", SPAN("INBOX"), "one", "", 1);
	deliver("there", SPAN("100%"), "two", "", 1);
	deliver("there", SPAN("half"), "three", "", 1);
	check_without_refs("there", "there", "= INBOX\n||1|3|one\n.\n"
	    "= 100%\n||1|3|two\n.\n= half\n||1|5|three\n.\n");
	ROW_OK("no other", !has("there/INBOX") && !has("there/100%25") &&
	    has("there/half/tmp"));
}

static void
odd_names(void **state)
{
	static const struct span names[] = {
		{ (const unsigned char *)"..", 2 },
		{ (const unsigned char *)"../../etc/passwd", 16 },
		{ (const unsigned char *)"a\0..\0b", 6 },
		{ (const unsigned char *)"cur\0new\0tmp", 11 },
		{ (const unsigned char *)".mx", 3 },
		{ (const unsigned char *)"\xe4\xff\n\t\x7f", 5 },
		{ (const unsigned char *)"~root\0 ", 7 },
		{ (const unsigned char *)"a.b\0c/d", 7 },
		{ (const unsigned char *)"INBOX\0inbox", 11 },
	};
	static const char *const roots[] = { "odd/fs", "odd/plus" };
	struct buf name = BUF_INIT, want = BUF_INIT;
	struct dump d = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	struct mailboxes all = { .v = NULL };
	struct source *s;
	size_t i, k;

	(void)state;
	put_maildir("odd/plus");
	/* One of 300 octets that are two each, below one of 251. */
	for (i = 0; i < 251; i++)
		buf_chr(&name, 'x');
	buf_chr(&name, '\0');
	for (i = 0; i < 150; i++)
		buf_str(&name, "\xc3\xa4");
	for (k = 0; k < N(roots); k++) {
		for (i = 0; i < N(names); i++)
			deliver(roots[k], names[i], "x", "", 1);
		deliver(roots[k], buf_span(&name), "x", "", 1);
		deliver(roots[k], buf_span(&name), "y", "", 1);
		s = maildir_source(roots[k], &config, 0, &err);
		ROW_OK(roots[k], s != NULL);
		assert_int_equal(s->ops->list(s, &all, &err), 1);
		for (i = 0; i < N(names); i++)
			ROW_OK(roots[k], mailboxes_get(&all, names[i]) != NULL);
		ROW_OK(roots[k], mailboxes_get(&all, buf_span(&name)) != NULL);
		ROW_OK("no more", all.n == N(names) + 1 + k);
		dump_source(s, &d);
		s->ops->close(s);
		mailboxes_fini(&all);
	}
	ROW_OK("nothing outside", !has("etc") && !has("odd/etc"));
	buf_fini(&d.text);
	buf_fini(&name);
	buf_fini(&want);
}

static void
refused(void **state)
{
	struct err err = ERR_INIT;
	struct buf name = BUF_INIT;
	struct mailbox m = mailbox_of(SPAN("link"));
	struct dest_mailbox st = { .uidvalidity = 0 };
	struct dest *d;
	struct dest_conn *c;
	size_t i;

	(void)state;
	put_maildir("outside");
	put_maildir("refused/INBOX");
	assert_int_equal(symlink("../outside", "refused/link"), 0);
	put_file("refused/file", "");
	d = open_dest("refused");
	c = open_conn(d);
	ROW_OK("link", c->ops->open(c, &m, true, &st, &err) == -1 &&
	    err.scope == ERR_MAILBOX && strstr(err.msg, "link") != NULL);
	err_clear(&err);
	m = mailbox_of(SPAN("link\0below"));
	ROW_OK("below", c->ops->open(c, &m, true, &st, &err) == -1 &&
	    err.scope == ERR_MAILBOX);
	err_clear(&err);
	m = mailbox_of(SPAN("file"));
	ROW_OK("file", c->ops->open(c, &m, true, &st, &err) == -1 &&
	    err.scope == ERR_MAILBOX);
	for (i = 0; i < 5000; i++)
		buf_chr(&name, i % 100 == 99 ? '\0' : 'x');
	buf_chr(&name, 'x');
	m = mailbox_of(buf_span(&name));
	for (i = 0; i < 2; i++) {
		err_clear(&err);
		ROW_OK("too long a path", c->ops->open(c, &m, true, &st,
		    &err) == -1 && err.scope == ERR_MAILBOX);
	}
	err_clear(&err);
	m = mailbox_of(SPAN("absent"));
	ROW_OK("not to be made", c->ops->open(c, &m, false, &st, &err) == 0);
	ROW_OK("not made", !has("refused/absent") && !has("outside/below"));
	m = mailbox_of(SPAN("INBOX"));
	ROW_OK("there", c->ops->open(c, &m, false, &st, &err) == 1 &&
	    !st.created);
	c->ops->close(c);
	d->ops->close(d);
	buf_fini(&name);
	ROW_OK("a file", maildir_dest("refused/file", &config, &err) == NULL &&
	    err.scope == ERR_RUN);
}

/* Nothing is made before a mailbox is; who it is does not change with that. */
static void
target(void **state)
{
	struct buf before = BUF_INIT;
	struct mailboxes all = { .v = NULL };
	struct err err = ERR_INIT;
	struct dest *d = open_dest("target/x/../y//z/.");
	struct dest_mailbox st = { .uidvalidity = 0 };
	struct mailbox m = mailbox_of(SPAN("INBOX"));
	struct dest_conn *c = open_conn(d);

	(void)state;
	assert_int_equal(c->ops->open(c, &m, false, &st, &err), 0);
	ROW_OK("not made", !has("target"));
	assert_int_equal(d->ops->list(d, &all, &err), 0);
	ROW_OK("empty", all.n == 0 && all.complete);
	buf_put(&before, d->ops->target(d));
	c->ops->close(c);
	d->ops->close(d);
	deliver("target/y/z", SPAN("INBOX"), "x", "", 1);
	d = open_dest("target/y/z");
	ROW_SPAN("target", d->ops->target(d), buf_span(&before));
	ROW_SPAN("url", d->ops->url(d), buf_span(&before));
	ROW_OK("real", span_starts(buf_span(&before), "maildir:/"));
	ROW_OK("no uids", !d->ops->has_uids && !d->ops->keeps_zone);
	assert_int_equal(d->ops->list(d, &all, &err), 0);
	ROW_OK("one", all.n == 1);
	d->ops->close(d);
	buf_fini(&before);
	mailboxes_fini(&all);
}

static void
subscriptions(void **state)
{
	struct mailbox m = mailbox_of(SPAN("A\0B"));
	struct dest_mailbox st;
	struct err err = ERR_INIT;
	struct dest *d;
	struct dest_conn *c;
	size_t i, k;

	(void)state;
	put_maildir("subs/plus");
	put_file("subs/plus/subscriptions", "Other");
	for (k = 0; k < 2; k++) {
		d = open_dest(k == 0 ? "subs/fs" : "subs/plus");
		c = open_conn(d);
		m.subscribed = true;
		for (i = 0; i < 2; i++) {
			st = (struct dest_mailbox){ .uidvalidity = 0 };
			assert_int_equal(c->ops->open(c, &m, true, &st, &err), 1);
			ROW_OK("created", st.created == (i == 0));
		}
		m.name = SPAN("C");
		m.subscribed = false;
		assert_int_equal(c->ops->open(c, &m, true, &st, &err), 1);
		m.name = SPAN("A\0B");
		c->ops->close(c);
		d->ops->close(d);
	}
	check_dump("fs", "subs/fs", "= A/B *\n.\n= C\n.\n");
	check_dump("plus", "subs/plus", "= INBOX\n.\n= A/B *\n.\n= C\n.\n");
}

/* ---- messages ---- */

static void
keywords(void **state)
{
	struct told t = { .text = BUF_INIT };
	struct dest_mailbox st;
	struct buf many = BUF_INIT;
	struct dest *d;
	struct dest_conn *c;
	unsigned i;

	(void)state;
	d = open_dest("keywords");
	c = open_conn(d);
	enter(c, SPAN("INBOX"), &st);
	ROW_OK("any", st.keywords_any);
	ROW_SPAN("flags", st.flags, SPAN("\\Answered \\Deleted \\Draft "
	    "\\Flagged \\Seen $Forwarded"));
	append(c, "1", "\\Seen $Label1 zeta", 1, 1, &t);
	append(c, "2", "\\Flagged $Forwarded ZETA \\Odd", 2, 2, &t);
	for (i = 0; i < 26; i++)
		buf_fmt(&many, "k%02u ", i);
	append(c, "3", buf_cstr(&many), 3, 3, &t);
	settle(c, &t);
	ROW_OK("lost", strstr(buf_cstr(&t.text), "|\\Odd\n") != NULL &&
	    strstr(buf_cstr(&t.text), "|k24 k25\n") != NULL);
	enter(c, SPAN("INBOX"), &st);
	ROW_OK("full", !st.keywords_any && st.messages == 3 &&
	    flags_have(st.flags, SPAN("k23")) && !st.created);
	c->ops->close(c);
	d->ops->close(d);
	check_without_refs("keywords", "keywords", "= INBOX\n"
	    "|\\Seen $Label1 zeta|1|1|1\n|\\Flagged $Forwarded zeta|2|1|2\n"
	    "|k00 k01 k02 k03 k04 k05 k06 k07 k08 k09 k10 k11 k12 k13 k14 k15 "
	    "k16 k17 k18 k19 k20 k21 k22 k23|3|1|3\n.\n");
	buf_fini(&t.text);
	buf_fini(&many);
}

/* A letter that Dovecot gave meanwhile is not given to another keyword. */
static void
keywords_of_others(void **state)
{
	struct told t = { .text = BUF_INIT };
	struct dest_mailbox st;
	struct dest *d = open_dest("others");
	struct dest_conn *c = open_conn(d);

	(void)state;
	enter(c, SPAN("INBOX"), &st);
	append(c, "1", "one", 1, 1, &t);
	put_file("others/INBOX/dovecot-keywords", "0 one\n1 theirs\n3 four\n");
	append(c, "2", "two", 1, 2, &t);
	append(c, "3", "three four theirs", 1, 3, &t);
	settle(c, &t);
	c->ops->close(c);
	d->ops->close(d);
	check_without_refs("others", "others", "= INBOX\n|one|1|1|1\n"
	    "|two|1|1|2\n|four theirs three|1|1|3\n.\n");
	buf_fini(&t.text);
}

/* What a scan tells, as the dump has it. */
static int
scanned(void *arg, const struct dest_message *m, struct err *err)
{
	struct buf *out = arg;

	(void)err;
	ROW_OK("date", m->uid == 0 && m->date.known &&
	    m->date.zone == DATE_NO_ZONE);
	buf_fmt(out, "%.*s|%.*s|%lld|%llu|%d\n", SPAN_ARG(m->ref),
	    SPAN_ARG(m->flags), (long long)m->date.sec,
	    (unsigned long long)m->size, (int)m->key.kind);
	return 0;
}

static void
scan_and_fetch(void **state)
{
	static const char one[] = "Message-ID: <a@b>\n\nhello\n";
	struct told t = { .text = BUF_INIT };
	struct buf out = BUF_INIT, ref = BUF_INIT;
	struct err err = ERR_INIT;
	struct body *body = body_new(&err);
	struct dest_mailbox st;
	struct span piece;
	struct dest *d = open_dest("scan");
	struct dest_conn *c = open_conn(d);

	(void)state;
	enter(c, SPAN("INBOX"), &st);
	append(c, one, "\\Seen", 77, 1, &t);
	append(c, "no header", "", 78, 2, &t);
	settle(c, &t);
	put_file("scan/INBOX/tmp/1.left", "x");
	assert_int_equal(c->ops->scan(c, 0, scanned, &out, &err), 0);
	/* The refs are those of the outcomes. */
	buf_put(&ref, span_head(buf_span(&t.text),
	    span_find(buf_span(&t.text), '|')));
	ROW_OK("ref", span_starts(buf_span(&out), buf_cstr(&ref)));
	ROW_OK("first", strstr(buf_cstr(&out), "|\\Seen|77|25|1\n") != NULL);
	ROW_OK("second", strstr(buf_cstr(&out), "||78|9|0\n") != NULL);
	assert_int_equal(c->ops->fetch(c, 0, buf_span(&ref), body, &err), 0);
	assert_int_equal(body_next(body, &piece, &err), 1);
	ROW_SPAN("octets", piece, SPAN("Message-ID: <a@b>\n\nhello\n"));
	ROW_OK("unknown", c->ops->fetch(c, 0, SPAN("nobody"), body,
	    &err) == -1 && err.scope == ERR_MESSAGE);
	c->ops->close(c);
	d->ops->close(d);
	body_free(body);
	buf_fini(&t.text);
	buf_fini(&out);
	buf_fini(&ref);
}

/* Outcomes come no later than in settle(), in order, and each once. */
static void
many(void **state)
{
	struct told t = { .text = BUF_INIT };
	struct buf want = BUF_INIT;
	struct dest_mailbox st;
	struct dest *d = open_dest("many");
	struct dest_conn *c = open_conn(d);
	char text[16];
	unsigned i;

	(void)state;
	enter(c, SPAN("INBOX"), &st);
	buf_str(&want, "= INBOX\n");
	for (i = 1; i <= 200; i++) {
		(void)snprintf(text, N(text), "m%u", i);
		append(c, text, "", 1, i, &t);
		buf_fmt(&want, "||1|%zu|%s\n", strlen(text), text);
	}
	buf_str(&want, ".\n");
	ROW_OK("some before the end", t.n > 0 && t.n < 200);
	settle(c, &t);
	settle(c, &t);
	ROW_OK("all", t.n == 200);
	/* One that was not settled is not there. */
	append(c, "lost", "", 1, 201, &t);
	c->ops->close(c);
	d->ops->close(d);
	check_without_refs("many", "many", buf_cstr(&want));
	buf_fini(&t.text);
	buf_fini(&want);
}

/* With a clock that stands still two destinations make the same names. */
static void
no_overwriting(void **state)
{
	(void)state;
	stands = true;
	deliver("names", SPAN("INBOX"), "a", "\\Seen", 1);
	deliver("names", SPAN("INBOX"), "b", "\\Seen", 1);
	deliver("names", SPAN("INBOX"), "c", "\\Seen", 1);
	stands = false;
	check_without_refs("names", "names", "= INBOX\n|\\Seen|1|1|a\n"
	    "|\\Seen|1|1|b\n|\\Seen|1|1|c\n.\n");
}

static void
no_date(void **state)
{
	struct told t = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	struct item item = { .flags = SPAN_NONE };
	struct body *body = body_new(&err);
	struct dest_mailbox st;
	struct dest *d = open_dest("dateless");
	struct dest_conn *c = open_conn(d);

	(void)state;
	enter(c, SPAN("INBOX"), &st);
	assert_int_equal(body_lend(body, SPAN("x"), NULL, &err), 0);
	assert_int_equal(c->ops->append(c, &item, body, 1, tell, &t, &err), 0);
	settle(c, &t);
	ROW_OK("told", t.n == 1);
	c->ops->close(c);
	d->ops->close(d);
	body_free(body);
	buf_fini(&t.text);
}

static void
large_body(void **state)
{
	const size_t n = BODY_IN_MEMORY + 100000;
	struct told t = { .text = BUF_INIT };
	struct dump got = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	struct dest_mailbox st;
	struct dest *d = open_dest("large");
	struct dest_conn *c = open_conn(d);
	struct source *s;
	char *text = malloc(n + 1);
	size_t i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < n; i++)
		text[i] = (char)('a' + (char)(i % 26));
	text[n] = '\0';
	enter(c, SPAN("INBOX"), &st);
	append(c, text, "", 1, 1, &t);
	settle(c, &t);
	c->ops->close(c);
	d->ops->close(d);
	s = maildir_source("large", &config, NEED_IDENT, &err);
	assert_non_null(s);
	got.idents = true;
	dump_source(s, &got);
	s->ops->close(s);
	ROW_OK("octets", got.text.n > n + 3 && memcmp(got.text.p +
	    got.text.n - n - 3, text, n) == 0);
	buf_fini(&got.text);
	buf_fini(&t.text);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh),
		cmocka_unit_test(into_plus),
		cmocka_unit_test(into_plus_utf8),
		cmocka_unit_test(into_what_is_there),
		cmocka_unit_test(odd_names),
		cmocka_unit_test(refused),
		cmocka_unit_test(target),
		cmocka_unit_test(subscriptions),
		cmocka_unit_test(keywords),
		cmocka_unit_test(keywords_of_others),
		cmocka_unit_test(scan_and_fetch),
		cmocka_unit_test(many),
		cmocka_unit_test(no_overwriting),
		cmocka_unit_test(no_date),
		cmocka_unit_test(large_body),
	};

	return cmocka_run_group_tests_name("maildir dest", tests, work_begin,
	    work_end);
}
