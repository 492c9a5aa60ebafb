/* SPDX-License-Identifier: ISC */
/* The destination against a scripted server: what is sent, and what counts. */

#include "script.h"

#include "imap/dest.h"
#include "mail/dest.h"

#define SELECTED(permanent)						\
	{ "SELECT INBOX", "* 0 EXISTS\r\n* FLAGS (\\Seen \\Flagged k)\r\n"	\
	    permanent "* OK [UIDVALIDITY 7] v\r\n"			\
	    "* OK [UIDNEXT 5] n\r\n$T OK [READ-WRITE] done\r\n" }

#define FIVE	"* OK [PERMANENTFLAGS (\\Seen \\Flagged)] p\r\n"
#define ANY	"* OK [PERMANENTFLAGS (\\Seen \\*)] p\r\n"
#define LOGIN_PLUS							\
	LOGIN("LITERAL+ UIDPLUS"), { "LIST \"\" \"\"",			\
	    "* LIST (\\Noselect) \"/\" \"\"\r\n$T OK done\r\n" }

static int
outcome(void *arg, const struct dest_outcome *o, struct err *err)
{
	struct buf *text = arg;

	(void)err;
	buf_fmt(text, "%u", (unsigned)o->cookie);
	if (o->stored)
		buf_fmt(text, "=%u.%u", (unsigned)o->uidvalidity,
		    (unsigned)o->uid);
	else
		buf_fmt(text, "!%s", o->why.msg);
	if (o->for_flags)
		buf_str(text, " for its flags");
	if (o->lost_date)
		buf_str(text, " without its date");
	if (o->lost_flags.n > 0)
		buf_fmt(text, " without %.*s", SPAN_ARG(o->lost_flags));
	buf_chr(text, ';');
	return 0;
}

/* Append one message of these octets; what fails goes to the text. */
static int
append_at(struct dest_conn *c, uint64_t cookie, const char *flags, int64_t sec,
    const char *octets, struct buf *text)
{
	struct item item = { .flags = span_str(flags),
	    .date = { .sec = sec, .zone = 60, .known = true } };
	struct err err = ERR_INIT;
	struct body *body = body_new(&err);
	int rc;

	assert_non_null(body);
	assert_int_equal(body_lend(body, span_str(octets), NULL, &err), 0);
	rc = c->ops->append(c, &item, body, cookie, outcome, text, &err);
	if (rc == -1)
		buf_fmt(text, "<%d:%s>", err.scope, err.msg);
	body_free(body);
	return rc;
}

static int
append(struct dest_conn *c, uint64_t cookie, const char *flags,
    const char *octets, struct buf *text)
{
	return append_at(c, cookie, flags, 1044068706, octets, text);
}

static void
open_box(struct dest_conn *c, const char *name, struct buf *text)
{
	const struct mailbox mb = { .name = span_str(name),
	    .subscribed = true };
	struct dest_mailbox out;
	struct err err = ERR_INIT;
	int rc = c->ops->open(c, &mb, true, &out, &err);

	if (rc == 1)
		buf_fmt(text, "[%u.%u %.*s%s%s]", (unsigned)out.uidvalidity,
		    (unsigned)out.uidnext, SPAN_ARG(out.flags),
		    out.keywords_any ? " any" : "",
		    out.created ? " created" : "");
	else
		buf_fmt(text, "<%d:%s>", err.scope, err.msg);
	if (rc == 1 && out.rewrites)
		buf_str(text, "(rewrites)");
}

static void
settle(struct dest_conn *c, struct buf *text)
{
	struct err err = ERR_INIT;

	if (c->ops->settle(c, outcome, text, &err) == -1)
		buf_fmt(text, "<%d:%s>", err.scope, err.msg);
}

/* What is done to a destination in one test. */
typedef void	deed_fn(struct dest_conn *, struct buf *text);

static void
run(const char *row, const struct step *steps, size_t n, deed_fn *deed,
    const char *want, const char *sent)
{
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct dest_conn *c;
	struct dest *dest;
	struct script s;

	dest = dest_new(script_account(&s, steps, n), &err);
	ROW_OK(row, dest != NULL);
	c = dest->ops->open(dest, &err);
	ROW_OK(row, c != NULL);
	deed(c, &text);
	c->ops->close(c);
	dest->ops->close(dest);
	script_join(&s);
	if (s.wrong[0] != '\0')
		fail_msg("%s: %s (so far %s)", row, s.wrong, buf_cstr(&text));
	ROW_SPAN(row, buf_span(&text), span_str(want));
	if (sent != NULL && !script_has(buf_span(&s.log), sent))
		fail_msg("%s: \"%s\" was not sent, but \"%s\"", row, sent,
		    buf_cstr(&s.log));
	buf_fini(&text);
	script_end(row, &s);
}

#define RUN(row, deed, want, sent, ...)					\
	do {								\
		const struct step steps_[] = { __VA_ARGS__ };		\
		run((row), steps_, N(steps_), (deed), (want), (sent));	\
	} while (0)

/* ---- deeds ---- */

static void
one(struct dest_conn *c, struct buf *text)
{
	open_box(c, "INBOX", text);
	(void)append(c, 1, "\\Answered \\Seen k new", "a\nb", text);
	settle(c, text);
}

static void
two(struct dest_conn *c, struct buf *text)
{
	open_box(c, "INBOX", text);
	(void)append(c, 1, "", "aa", text);
	(void)append(c, 2, "\\Seen", "bb", text);
	settle(c, text);
}

static void
empty(struct dest_conn *c, struct buf *text)
{
	open_box(c, "INBOX", text);
	(void)append(c, 1, "", "", text);
	settle(c, text);
}

static void
again(struct dest_conn *c, struct buf *text)
{
	two(c, text);
	open_box(c, "INBOX", text);
}

static void
delicate(struct dest_conn *c, struct buf *text)
{
	open_box(c, "INBOX", text);
	(void)append(c, 1, "a'b", "x", text);
	settle(c, text);
}

static void
old(struct dest_conn *c, struct buf *text)
{
	open_box(c, "INBOX", text);
	(void)append_at(c, 1, "", -1, "x", text);
	settle(c, text);
}

static void
to_come(struct dest_conn *c, struct buf *text)
{
	open_box(c, "INBOX", text);
	(void)append_at(c, 1, "", 1800000000, "x", text);
	settle(c, text);
}

static void
work(struct dest_conn *c, struct buf *text)
{
	open_box(c, "Work", text);
}

static void
dotted(struct dest_conn *c, struct buf *text)
{
	open_box(c, "a.b", text);
	open_box(c, "INBOX", text);
}

static int
told(void *arg, const struct dest_message *m, struct err *err)
{
	struct buf *text = arg;

	(void)err;
	buf_fmt(text, "%u:%llu:%s;", (unsigned)m->uid,
	    (unsigned long long)m->size,
	    m->key.kind == KEY_MSGID ? "id" : "none");
	return 0;
}

static void
scan(struct dest_conn *c, struct buf *text)
{
	struct err err = ERR_INIT;

	open_box(c, "INBOX", text);
	if (c->ops->scan(c, 5, told, text, &err) == -1)
		buf_fmt(text, "<%d:%s>", err.scope, err.msg);
}

static void
fetch(struct dest_conn *c, struct buf *text)
{
	struct err err = ERR_INIT;
	struct body *body = body_new(&err);
	struct span piece;

	open_box(c, "INBOX", text);
	if (c->ops->fetch(c, 3, SPAN_NONE, body, &err) == -1) {
		buf_fmt(text, "<%d:%s>", err.scope, err.msg);
	} else {
		body_rewind(body);
		while (body_next(body, &piece, &err) == 1)
			buf_put(text, piece);
	}
	body_free(body);
}

/* ---- tests ---- */

static void
appending(void **state)
{
	(void)state;
	RUN("flags that are kept", one,
	    "[7.5 \\Flagged \\Seen]1=7.5 without \\Answered k new;",
	    "APPEND INBOX (\\Seen) \"01-Feb-2003 04:05:06 +0100\" {3+}\r\na\nb\r\n",
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "$T OK [APPENDUID 7 5] done\r\n" }, { "LOGOUT", "" });
	RUN("any keyword", one, "[7.5 \\Seen any]1=7.5 without \\Answered;",
	    "(\\Seen k new)",
	    LOGIN_PLUS, SELECTED(ANY),
	    { "APPEND", "$T OK [APPENDUID 7 5] done\r\n" }, { "LOGOUT", "" });
	RUN("no PERMANENTFLAGS", one,
	    "[7.5 \\Answered \\Deleted \\Draft \\Flagged \\Seen k]"
	    "1=7.5 without new;", "(\\Answered \\Seen k)",
	    LOGIN_PLUS, SELECTED(""),
	    { "APPEND", "$T OK [APPENDUID 7 5] done\r\n" }, { "LOGOUT", "" });
	RUN("nothing to append", empty,
	    "[7.5 \\Flagged \\Seen]<1:an empty message cannot be appended>",
	    NULL, LOGIN_PLUS, SELECTED(FIVE), { "LOGOUT", "" });
	RUN("over APPENDLIMIT", one,
	    "[7.5 \\Flagged \\Seen]<1:3 octets are over the server's limit of 2>",
	    NULL, LOGIN("LITERAL+ APPENDLIMIT=2"),
	    { "LIST", "* LIST () \"/\" \"\"\r\n$T OK done\r\n" },
	    SELECTED(FIVE), { "LOGOUT", "" });
	RUN("a keyword that a server may not like waits for the server",
	    delicate, "[7.5 \\Seen any]1!APPEND: BAD keyword for its flags;", "{1}\r\n",
	    LOGIN_PLUS, SELECTED(ANY), { "APPEND", "$T BAD keyword\r\n" },
	    { "LOGOUT", "" });
	RUN("before 1970: no server keeps that", old,
	    "[7.5 \\Flagged \\Seen]1=7.5 without its date;",
	    "APPEND INBOX {1+}\r\nx\r\n", LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "$T OK [APPENDUID 7 5] done\r\n" }, { "LOGOUT", "" });
	RUN("a date to come may be replaced", to_come,
	    "[7.5 \\Flagged \\Seen]1=7.5 without its date;",
	    "\"15-Jan-2027 09:00:00 +0100\" {1+}\r\nx\r\n", LOGIN_PLUS,
	    SELECTED(FIVE), { "APPEND", "$T OK [APPENDUID 7 5] done\r\n" },
	    { "LOGOUT", "" });
}

static void
literals(void **state)
{
	(void)state;
	RUN("the server asks for each", two, "[7.5 \\Flagged \\Seen]1=7.5;2=7.6;",
	    "{2}\r\naa\r\n", LOGIN(""),
	    { "LIST", "* LIST () \"/\" \"\"\r\n$T OK done\r\n" },
	    SELECTED(FIVE),
	    { "APPEND", "+ go\r\n" },
	    { OCTETS, "* 1 EXISTS\r\n" },
	    /* The answer to the first comes between. */
	    { "APPEND INBOX (\\Seen)",
		"$U OK [APPENDUID 7 5] done\r\n+ go\r\n" },
	    { OCTETS, "$T OK [APPENDUID 7 6] done\r\n" }, { "LOGOUT", "" });
	RUN("refused before the octets", two,
	    "[7.5 \\Flagged \\Seen]1!APPEND: NO [TOOBIG] large;2=0.0;", NULL,
	    LOGIN(""),
	    { "LIST", "* LIST () \"/\" \"\"\r\n$T OK done\r\n" },
	    SELECTED(FIVE),
	    { "APPEND", "$T NO [TOOBIG] large\r\n" },
	    { "APPEND", "+ go\r\n" },
	    { OCTETS, "$T OK done\r\n" }, { "LOGOUT", "" });
	RUN("LITERAL- lets small ones pass", one, "[7.5 \\Flagged \\Seen]"
	    "1=7.5 without \\Answered k new;", "{3+}\r\n", LOGIN("LITERAL-"),
	    { "LIST", "* LIST () \"/\" \"\"\r\n$T OK done\r\n" },
	    SELECTED(FIVE),
	    { "APPEND", "$T OK [APPENDUID 7 5] done\r\n" }, { "LOGOUT", "" });
}

static void
outcomes(void **state)
{
	(void)state;
	RUN("APPENDUID that nobody asked for", two,
	    "[7.5 \\Flagged \\Seen]1=0.0;2=7.9;", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "* OK [APPENDUID 7 5] surprise\r\n$T OK done\r\n" },
	    { "APPEND", "* OK [UIDNEXT 99] x\r\n$T OK [APPENDUID 7 9] done\r\n" },
	    { "LOGOUT", "" });
	RUN("APPENDUID that makes no sense", two,
	    "[7.5 \\Flagged \\Seen]1=0.0;2=0.0;", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "$T OK [APPENDUID 7 5:6] done\r\n" },
	    { "APPEND", "$T OK [APPENDUID 7 4294967296] done\r\n" },
	    { "LOGOUT", "" });
	RUN("over quota: told of, then the end", two,
	    "[7.5 \\Flagged \\Seen]1!APPEND: NO [OVERQUOTA] full;"
	    "2!APPEND: NO [OVERQUOTA] full;<4:APPEND: NO [OVERQUOTA] full>", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "$T NO [OVERQUOTA] full\r\n" },
	    { "APPEND", "$T NO [OVERQUOTA] full\r\n" }, { "LOGOUT", "" });
	RUN("BAD with the octets on their way: nothing more is read", two,
	    "[7.5 \\Flagged \\Seen]1!APPEND: BAD what;"
	    "<3:the server found fault with an APPEND that had its octets with it>",
	    NULL, LOGIN_PLUS, SELECTED(FIVE), { "APPEND", "" },
	    { "APPEND", "$U BAD what\r\n$T OK [APPENDUID 7 5] done\r\n" });
	RUN("throttled: to be sent again, which is no refusal", two,
	    "[7.5 \\Flagged \\Seen]2=7.5;"
	    "<3:APPEND: NO Suggested Backoff Time: 1000 milliseconds>", NULL,
	    LOGIN_PLUS, SELECTED(FIVE), { "APPEND", "" },
	    { "APPEND", "$U NO Suggested Backoff Time: 1000 milliseconds\r\n"
		"$T OK [APPENDUID 7 5] done\r\n" });
	RUN("the mailbox has gone", one,
	    "[7.5 \\Flagged \\Seen]1!APPEND: NO [TRYCREATE] no such"
	    " without \\Answered k new;<2:the mailbox is gone: no such>", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "$T NO [TRYCREATE] no such\r\n" }, { "LOGOUT", "" });
	RUN("lost: nothing is said of what is out, and then it is opened again",
	    again, "[7.5 \\Flagged \\Seen]1=7.5;"
	    "<3:the server closed the connection>[7.5 \\Flagged \\Seen]", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "APPEND", "" },
	    { "APPEND", "$U OK [APPENDUID 7 5] done\r\n" },
	    { DIAL, "" },
	    LOGIN("LITERAL+ UIDPLUS"), SELECTED(FIVE), { "LOGOUT", "" });
}

static void
opening(void **state)
{
	(void)state;
	RUN("made where it is missing, below the prefix", work,
	    "[9.1 \\Seen created]", "CREATE INBOX.Work\r\n",
	    LOGIN("LITERAL+ NAMESPACE"),
	    { "NAMESPACE", "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n"
		"$T OK done\r\n" },
	    { "SELECT INBOX.Work", "$T NO no such mailbox\r\n" },
	    { "LIST \"\" INBOX.Work", "$T OK done\r\n" },
	    { "CREATE INBOX.Work", "$T OK done\r\n" },
	    { "SUBSCRIBE INBOX.Work", "$T NO why\r\n" },
	    { "SELECT INBOX.Work", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] v\r\n"
		"* OK [PERMANENTFLAGS (\\Seen)] p\r\n"
		"* OK [UIDNEXT 1] n\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("Exchange gives messages back otherwise than they were", work,
	    "[9.1 \\Seen](rewrites)", NULL,
	    { "", "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] The Microsoft "
		"Exchange IMAP4 service is ready.\r\n" },
	    { "AUTHENTICATE", "$T OK [CAPABILITY IMAP4rev1] in\r\n" },
	    { "LIST", "* LIST () \"/\" \"\"\r\n$T OK done\r\n" },
	    { "SELECT Work", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] v\r\n"
		"* OK [PERMANENTFLAGS (\\Seen)] p\r\n"
		"* OK [UIDNEXT 1] n\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("another was quicker", work, "[9.1 \\Seen]", NULL,
	    LOGIN_PLUS,
	    { "SELECT Work", "$T NO [NONEXISTENT] no\r\n" },
	    { "LIST \"\" Work", "$T OK done\r\n" },
	    { "CREATE Work", "$T NO [ALREADYEXISTS] there\r\n" },
	    { "SUBSCRIBE Work", "$T OK done\r\n" },
	    { "SELECT Work", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] v\r\n"
		"* OK [PERMANENTFLAGS (\\Seen)] p\r\n"
		"* OK [UIDNEXT 1] n\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("for reading only", work,
	    "<2:the server opens it for reading only>", NULL, LOGIN_PLUS,
	    { "SELECT Work", "* 0 EXISTS\r\n* OK [UIDVALIDITY 9] v\r\n"
		"* OK [UIDNEXT 1] n\r\n$T OK [READ-ONLY] done\r\n" },
	    { "LOGOUT", "" });
	RUN("a name with the delimiter in it", dotted,
	    "<2:a.b: the server cannot hold this name: a part of it has the "
	    "server's delimiter \".\" in it, or is no UTF-8>[7.5 \\Flagged \\Seen]",
	    NULL, LOGIN("LITERAL+"),
	    { "LIST", "* LIST () \".\" \"\"\r\n$T OK done\r\n" },
	    SELECTED(FIVE), { "LOGOUT", "" });
}

static void
asking(void **state)
{
	(void)state;
	RUN("n:* names the last message even below n", scan,
	    "[7.5 \\Flagged \\Seen]", NULL, LOGIN_PLUS, SELECTED(FIVE),
	    { "NOOP", "* 1 EXISTS\r\n$T OK done\r\n" },
	    { "UID FETCH 5:* (UID)", "* 1 FETCH (UID 4)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("new ones with their keys", scan,
	    "[7.5 \\Flagged \\Seen]5:9:none;8:12:id;", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "NOOP", "* 3 EXISTS\r\n$T OK done\r\n" },
	    { "UID FETCH 5:* (UID)", "* 2 FETCH (UID 5)\r\n"
		"* 3 FETCH (UID 8)\r\n$T OK done\r\n" },
	    { "UID FETCH 5:8 (UID FLAGS INTERNALDATE RFC822.SIZE "
		"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID",
		"* 3 FETCH (UID 8 RFC822.SIZE 12 FLAGS () BODY[HEADER.FIELDS "
		"(MESSAGE-ID)] {25}\r\nMessage-ID: <a@b.c.org>\r\n)\r\n"
		"* 2 FETCH (UID 5 RFC822.SIZE 9 FLAGS () BODY[HEADER.FIELDS "
		"(MESSAGE-ID)] {2}\r\n\r\n)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("one that the server keeps back is a failure", scan,
	    "[7.5 \\Flagged \\Seen]5:9:none;"
	    "<2:the server told of 1 messages out of 2>", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "NOOP", "* 3 EXISTS\r\n$T OK done\r\n" },
	    { "UID FETCH 5:* (UID)", "* 2 FETCH (UID 5)\r\n"
		"* 3 FETCH (UID 8)\r\n$T OK done\r\n" },
	    { "UID FETCH 5:8 (UID FLAGS",
		"* 2 FETCH (UID 5 RFC822.SIZE 9)\r\n$T OK done\r\n" },
	    { "NOOP", "$T OK done\r\n" },
	    { "UID FETCH 5:* (UID)", "* 2 FETCH (UID 5)\r\n"
		"* 3 FETCH (UID 8)\r\n$T OK done\r\n" },
	    { "UID FETCH 8:8 (UID FLAGS", "$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("one message's octets", fetch, "[7.5 \\Flagged \\Seen]abc", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "UID FETCH 3 (UID BODY.PEEK[])",
		"* 9 FETCH (UID 4 BODY[] {1}\r\nx)\r\n"
		"* 1 FETCH (UID 3 BODY[] {3}\r\nabc)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("no octets", fetch, "[7.5 \\Flagged \\Seen]"
	    "<1:uid 3: the server gave no octets>", NULL,
	    LOGIN_PLUS, SELECTED(FIVE),
	    { "UID FETCH 3", "* 1 FETCH (UID 3 BODY[] NIL)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appending),
		cmocka_unit_test(literals),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(opening),
		cmocka_unit_test(asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
