/* SPDX-License-Identifier: ISC */
/* The source against a scripted server: odd answers, and lost connections. */

#include "script.h"

#include "imap/source.h"
#include "mail/endpoint.h"

#define LIST1								\
	{ "LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\n$T OK done\r\n" },	\
	{ "LSUB \"\" \"*\"", "$T OK done\r\n" }

#define EXAMINED(exists, uidnext)					\
	{ "EXAMINE INBOX", "* " exists " EXISTS\r\n"			\
	    "* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT " uidnext "] n\r\n"	\
	    "* FLAGS (\\Seen)\r\n$T OK [READ-ONLY] done\r\n" }

#define META(n, uid, size)						\
	"* " n " FETCH (UID " uid " FLAGS (\\Seen) INTERNALDATE "	\
	"\"01-Feb-2003 04:05:06 +0100\" RFC822.SIZE " size ")\r\n"

/* What a run saw, as text: "1=abc 2!why;" and at the end of a mailbox its scope. */
struct seen {
	struct buf	text;
	uint64_t	items;
};

static int
deliver(void *arg, struct item *item, struct body *body,
    const struct err *why, struct err *err)
{
	struct seen *seen = arg;
	struct span piece;

	buf_fmt(&seen->text, "%u", (unsigned)item->uid);
	if (body == NULL) {
		buf_fmt(&seen->text, "!%s;", why->msg);
		assert_int_equal(why->scope, ERR_MESSAGE);
		return 0;
	}
	buf_chr(&seen->text, '=');
	body_rewind(body);
	while (body_next(body, &piece, err) == 1)
		buf_put(&seen->text, piece);
	buf_chr(&seen->text, ';');
	return 0;
}

/* One mailbox to its end.  The scope and UIDNEXT, or the failure. */
static void
read_mailbox(struct cursor *c, struct seen *seen, struct err *err)
{
	const struct mailbox *state;
	enum scope scope;
	struct window win;
	size_t i;
	int rc;

	assert_int_equal(window_init(&win, err), 0);
	for (;;) {
		window_reset(&win);
		if ((rc = c->ops->window(c, &win, err)) != 1)
			break;
		for (i = 0; i < win.n; i++) {
			win.v[i].verdict = VERDICT_WANTED;
			if (!win.v[i].date.known)
				buf_str(&seen->text, "(no date)");
		}
		seen->items += win.n;
		if ((rc = c->ops->fetch(c, &win, deliver, seen, err)) == -1)
			break;
	}
	window_fini(&win);
	if (rc == -1) {
		buf_fmt(&seen->text, "<%d:%s>", err->scope, err->msg);
		return;
	}
	assert_int_equal(c->ops->finish(c, &scope, &state, err), 0);
	buf_fmt(&seen->text, "[%s %u.%u]", scope == SCOPE_COMPLETE ?
	    "complete" : "partial", (unsigned)state->uidvalidity,
	    (unsigned)state->uidnext);
}

static void
run(const char *row, const struct step *steps, size_t n, const char *want,
    const char *note)
{
	struct seen seen = { .text = BUF_INIT };
	struct err err = ERR_INIT;
	const struct mailbox *mb = NULL;
	struct source *src;
	struct cursor *c;
	struct script s;
	int rc;

	src = source_new(script_account(&s, steps, n), 0, &err);
	if (src == NULL) {
		buf_fmt(&seen.text, "<%d:%s>", err.scope, err.msg);
	} else {
		c = src->ops->open(src, &err);
		assert_non_null(c);
		while ((rc = c->ops->mailbox(c, &mb, &err)) == 1)
			read_mailbox(c, &seen, &err);
		if (rc == -1)
			buf_fmt(&seen.text, "<%d:%s>", err.scope, err.msg);
		c->ops->close(c);
		src->ops->close(src);
	}
	if (s.wrong[0] != '\0')
		fail_msg("%s: %s (so far %s)", row, s.wrong,
		    buf_cstr(&seen.text));
	ROW_SPAN(row, buf_span(&seen.text), span_str(want));
	if (note != NULL && !script_has(buf_span(&s.notes), note))
		fail_msg("%s: \"%s\" was not said, but \"%s\"", row, note,
		    buf_cstr(&s.notes));
	buf_fini(&seen.text);
	script_end(row, &s);
}

#define RUN(row, want, note, ...)					\
	do {								\
		const struct step steps_[] = { __VA_ARGS__ };		\
		run((row), steps_, N(steps_), (want), (note));		\
	} while (0)

/* ---- bodies ---- */

static void
plain_reading(void **state)
{
	(void)state;
	RUN("two messages", "1=ab\r\n;2=c;[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE)",
		META("1", "1", "4") META("2", "2", "1") "$T OK done\r\n" },
	    { "UID FETCH 1:2 (UID BODY.PEEK[])",
		"* 1 FETCH (UID 1 BODY[] {4}\r\nab\r\n)\r\n"
		"* 2 FETCH (BODY[] {1}\r\nc UID 2)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("an empty mailbox", "[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("0", "3"), { "LOGOUT", "" });
	RUN("flags change and mail comes meanwhile", "1=ab;[complete 7.2]", NULL,
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", META("1", "1", "2") "* 2 EXISTS\r\n"
		"* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 FLAGS ())\r\n"
		"* 1 FETCH (FLAGS (\\Seen) UID 1 BODY[] \"ab\")\r\n"
		"* 1 FETCH (UID 1 BODY[] {3}\r\nxyz)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("two bodies for one message", "1=ab;[complete 7.2]", NULL,
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", META("1", "1", "2") "$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n"
		"* 1 FETCH (UID 1 BODY[] {3}\r\nxyz)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("metadata in two responses", "1=ab;[complete 7.2]", NULL,
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", "* 1 FETCH (UID 1 INTERNALDATE "
		"\"01-Feb-2003 04:05:06 +0100\")\r\n"
		"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 2)\r\n$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n"
		"$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("sizes lie", "1=abc;2=;[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", META("1", "1", "999") META("2", "2", "0")
		"$T OK done\r\n" },
	    { "UID FETCH 1:2 (", "* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n"
		"* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
}

static void
out_of_order(void **state)
{
	(void)state;
	RUN("held until its turn", "1=a;2=b;5=e;[complete 7.6]", NULL,
	    LOGIN(""), LIST1, EXAMINED("3", "6"),
	    { "UID FETCH 1:5 (UID FLAGS", META("3", "5", "1")
		META("1", "1", "1") META("2", "2", "1") "$T OK done\r\n" },
	    { "UID FETCH 1:2,5 (UID BODY.PEEK[])",
		"* 3 FETCH (UID 5 BODY[] {1}\r\ne)\r\n"
		"* 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n"
		"* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
}

static void
missing_bodies(void **state)
{
	(void)state;
	RUN("NIL, then there", "1=a;[complete 7.2]", NULL,
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", META("1", "1", "1") "$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] NIL)\r\n$T OK done\r\n" },
	    { "UID FETCH 1 (UID BODY.PEEK[])",
		"* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("empty for a size, and stays so",
	    "1!the server gave no octets;2=b;[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", META("1", "1", "9") META("2", "2", "1")
		"$T OK done\r\n" },
	    { "UID FETCH 1:2 (", "* 1 FETCH (UID 1 BODY[] {0}\r\n)\r\n"
		"* 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n$T OK done\r\n" },
	    { "UID FETCH 1 (UID BODY.PEEK[])",
		"* 1 FETCH (UID 1 BODY[] \"\")\r\n$T OK done\r\n" },
	    { "UID FETCH 1 (UID)", "* 1 FETCH (UID 1)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("expunged meanwhile",
	    "1!expunged during the run;2=b;[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", META("1", "1", "1") META("2", "2", "1")
		"$T OK done\r\n" },
	    { "UID FETCH 1:2 (", "* 1 EXPUNGE\r\n"
		"* 1 FETCH (UID 2 BODY[] {1}\r\nb)\r\n$T OK done\r\n" },
	    { "UID FETCH 1 (UID BODY.PEEK[])", "$T OK done\r\n" },
	    { "UID FETCH 1 (UID)", "$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("one is refused, the others are not",
	    "1=a;2!the server refused it: cannot;3=c;[complete 7.4]", NULL,
	    LOGIN(""), LIST1, EXAMINED("3", "4"),
	    { "UID FETCH 1:3", META("1", "1", "1") META("2", "2", "1")
		META("3", "3", "1") "$T OK done\r\n" },
	    { "UID FETCH 1:3 (", "$T NO [UNAVAILABLE] cannot\r\n" },
	    { "UID FETCH 1 (", "" },
	    { "UID FETCH 2 (", "" },
	    { "UID FETCH 3 (", "* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n"
		"A7 OK done\r\nA8 NO cannot\r\n"
		"* 3 FETCH (UID 3 BODY[] {1}\r\nc)\r\nA9 OK done\r\n" },
	    { "UID FETCH 2 (UID)", "* 2 FETCH (UID 2)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
}

/* ---- lost connections ---- */

static void
reconnecting(void **state)
{
	(void)state;
	RUN("cut within a literal", "1=ab;2=cd;[complete 7.3]",
	    "connecting again",
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", META("1", "1", "2") META("2", "2", "2")
		"$T OK done\r\n" },
	    { "UID FETCH 1:2 (", "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n"
		"* 2 FETCH (UID 2 BODY[] {2}\r\nc" },
	    { DIAL, "" },
	    LOGIN(""), EXAMINED("2", "3"),
	    { "UID FETCH 2 (UID BODY.PEEK[])",
		"* 2 FETCH (UID 2 BODY[] {2}\r\ncd)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("BYE within the metadata", "1=ab;[complete 7.2]",
	    "the server ended the session: tired",
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", "* BYE tired\r\n" },
	    { DIAL, "" },
	    LOGIN(""), EXAMINED("1", "2"),
	    { "UID FETCH 1:1", META("1", "1", "2") "$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\n"
		"$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("another mailbox than before",
	    "<2:UIDVALIDITY changed during the run>", NULL,
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", "" },
	    { DIAL, "" },
	    LOGIN(""),
	    { "EXAMINE INBOX", "* 1 EXISTS\r\n* OK [UIDVALIDITY 8] v\r\n"
		"* OK [UIDNEXT 2] n\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("for good",
	    "<4:the server closed the connection (given up after 4 tries)>", NULL,
	    LOGIN(""), LIST1, EXAMINED("1", "2"),
	    { "UID FETCH 1:1", "" },
	    { DIAL, "" }, { DIAL, "" }, { DIAL, "" }, { DIAL, "" });
}

/* ---- counting ---- */

static void
counting(void **state)
{
	(void)state;
	RUN("one was kept back, and is asked for", "1=a;2=b;[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", META("1", "1", "1") "$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n"
		"$T OK done\r\n" },
	    { "NOOP", "$T OK done\r\n" },
	    { "UID FETCH 1:* (UID)", "* 1 FETCH (UID 1)\r\n"
		"* 2 FETCH (UID 2)\r\n$T OK done\r\n" },
	    { "UID FETCH 2:2 (UID FLAGS", META("2", "2", "1") "$T OK done\r\n" },
	    { "UID FETCH 2 (", "* 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n"
		"$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("the server says two and has one", "1=a;[partial 7.3]",
	    "told of 1 messages out of 2",
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", META("1", "1", "1") "$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n"
		"$T OK done\r\n" },
	    { "NOOP", "$T OK done\r\n" },
	    { "UID FETCH 1:* (UID)", "* 1 FETCH (UID 1)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("one was expunged before it was told of", "2=b;[complete 7.3]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "3"),
	    { "UID FETCH 1:2", "* 1 EXPUNGE\r\n" META("1", "2", "1")
		"$T OK done\r\n" },
	    { "UID FETCH 2 (", "* 1 FETCH (UID 2 BODY[] {1}\r\nb)\r\n"
		"$T OK done\r\n" },
	    { "NOOP", "$T OK done\r\n" },
	    { "UID FETCH 1:* (UID)", "* 1 FETCH (UID 2)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("UIDNEXT is too low: what is beyond it is read too",
	    "1=a;2=b;[complete 7.2]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "2"),
	    { "UID FETCH 1:1", META("1", "1", "1") "$T OK done\r\n" },
	    { "UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n"
		"$T OK done\r\n" },
	    { "NOOP", "$T OK done\r\n" },
	    { "UID FETCH 1:* (UID)", "* 1 FETCH (UID 1)\r\n"
		"* 2 FETCH (UID 2)\r\n$T OK done\r\n" },
	    { "UID FETCH 2:2 (UID FLAGS", META("2", "2", "1") "$T OK done\r\n" },
	    { "UID FETCH 2 (", "* 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n"
		"$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("no EXISTS: nobody knows that it is empty",
	    "<2:the server does not say how many messages there are>", NULL,
	    LOGIN(""), LIST1,
	    { "EXAMINE INBOX", "* OK [UIDVALIDITY 7] v\r\n"
		"* OK [UIDNEXT 3] n\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("few messages for many UIDs: listed first",
	    "5000=a;900000=b;[complete 7.1000000]", NULL,
	    LOGIN(""), LIST1, EXAMINED("2", "1000000"),
	    { "UID FETCH 1:* (UID)", "* 1 FETCH (UID 5000)\r\n"
		"* 2 FETCH (UID 900000)\r\n$T OK done\r\n" },
	    { "UID FETCH 5000:900000 (UID FLAGS", META("1", "5000", "1")
		META("2", "900000", "1") "$T OK done\r\n" },
	    { "UID FETCH 5000,900000 (",
		"* 1 FETCH (UID 5000 BODY[] {1}\r\na)\r\n"
		"* 2 FETCH (UID 900000 BODY[] {1}\r\nb)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("no UIDNEXT anywhere", "4=a;[complete 7.0]", NULL,
	    LOGIN(""), LIST1,
	    { "EXAMINE INBOX", "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n"
		"$T OK done\r\n" },
	    { "STATUS INBOX (UIDNEXT UIDVALIDITY)", "$T NO not here\r\n" },
	    { "UID FETCH 1:* (UID)", "* 1 FETCH (UID 4)\r\n$T OK done\r\n" },
	    { "UID FETCH 4:4", META("1", "4", "1") "$T OK done\r\n" },
	    { "UID FETCH 4 (", "* 1 FETCH (UID 4 BODY[] {1}\r\na)\r\n"
		"$T OK done\r\n" },
	    { "LOGOUT", "" });
}

/* ---- before the mail ---- */

static void
logging_in(void **state)
{
	(void)state;
	RUN("wrong password",
	    "<4:u: the server refused the login: NO no such luck>", NULL,
	    { "", GREET },
	    { "AUTHENTICATE", "$T NO [AUTHENTICATIONFAILED] no such luck\r\n" });
	RUN("no greeting",
	    "<4:the server's greeting is not that of an IMAP server>", NULL,
	    { "", "* FOO bar\r\n" });
	RUN("PREAUTH", "<4:the server says that it knows us already (PREAUTH), "
	    "which only a tunnel may>", NULL, { "", "* PREAUTH hi\r\n" });
	RUN("BYE", "<4:the server ended the session: full>", NULL,
	    { "", "* BYE full\r\n" });
	RUN("LOGINDISABLED", "<4:the server does not allow logins by password "
	    "here (LOGINDISABLED), and offers no mechanism that is known>", NULL,
	    { "", "* OK hi\r\n" },
	    { "CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n"
		"$T OK done\r\n" });
	RUN("LOGIN, and capabilities anew; a list before the login is no list",
	    "[complete 0.0]", "the server says: beware",
	    { "", "* OK [ALERT] beware\r\n* LIST () \"/\" evil\r\n" },
	    { "CAPABILITY", "* CAPABILITY IMAP4rev1 ID\r\n$T OK done\r\n" },
	    { "LOGIN u p", "$T OK in\r\n" },
	    { "CAPABILITY", "* CAPABILITY IMAP4rev1 ID NAMESPACE\r\n$T OK\r\n" },
	    { "ID (\"name\" \"mx\")", "* ID NIL\r\n$T OK done\r\n" },
	    { "NAMESPACE", "* NAMESPACE ((\"\" \"/\")) NIL ((\"#pub/\" \"/\"))"
		"\r\n$T OK done\r\n" },
	    { "LIST \"\" \"*\"", "* LIST (\\Noselect) \"/\" \"a b\"\r\n"
		"$T OK done\r\n" },
	    { "LIST \"\" \"#pub/*\"", "$T OK done\r\n" },
	    { "LSUB", "$T OK done\r\n" },
	    { "LOGOUT", "" });
	RUN("AUTHENTICATE without an initial response", "", NULL,
	    { "", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n" },
	    { "AUTHENTICATE PLAIN\r\n", "+ \r\n" },
	    { "AHUAcA==", "A1 OK [CAPABILITY IMAP4rev1] in\r\n" },
	    { "LIST", "$T OK none\r\n" },
	    { "LSUB", "$T OK none\r\n" },
	    { "LOGOUT", "" });
	RUN("a mailbox that cannot be opened",
	    "<2:EXAMINE: NO [NOPERM] go away>", NULL,
	    LOGIN(""), LIST1,
	    { "EXAMINE INBOX", "$T NO [NOPERM] go away\r\n" },
	    { "LOGOUT", "" });
}

/* ---- the list ---- */

static void
list_text(const char *row, const struct step *steps, size_t n,
    const char *want)
{
	struct mailboxes list = { .v = NULL };
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct source *src;
	struct script s;
	size_t i, k;

	src = source_new(script_account(&s, steps, n), 0, &err);
	ROW_OK(row, src != NULL);
	ROW_OK(row, src->ops->list(src, &list, &err) == 1);
	for (i = 0; i < list.n; i++) {
		for (k = 0; k < list.v[i].name.n; k++)
			buf_chr(&text, list.v[i].name.p[k] == 0 ? '/' :
			    list.v[i].name.p[k]);
		buf_fmt(&text, "(%.*s)%s%s%llu ",
		    SPAN_ARG(list.v[i].attributes),
		    list.v[i].subscribed ? "+" : "-",
		    list.v[i].status == MAILBOX_NOSELECT ? "x" : "",
		    (unsigned long long)list.v[i].messages);
	}
	buf_str(&text, list.complete ? "all" : "some");
	mailboxes_fini(&list);
	src->ops->close(src);
	ROW_SPAN(row, buf_span(&text), span_str(want));
	buf_fini(&text);
	script_end(row, &s);
}

#define LISTED(row, want, ...)						\
	do {								\
		const struct step steps_[] = { __VA_ARGS__ };		\
		list_text((row), steps_, N(steps_), (want));		\
	} while (0)

static void
listing(void **state)
{
	(void)state;
	LISTED("in one round trip",
	    "INBOX()+3 A(\\HasChildren \\Noselect)-x0 A/b c(\\Sent)-2 all",
	    LOGIN("LIST-EXTENDED LIST-STATUS SPECIAL-USE"),
	    { "LIST \"\" \"*\" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS "
		"(MESSAGES UIDNEXT UIDVALIDITY))\r\n",
		"* LIST (\\Noselect \\HasChildren \\Noselect) \"/\" A\r\n"
		"* LIST (\\Sent \\Marked) \"/\" {5}\r\nA/b c\r\n"
		"* STATUS {5}\r\nA/b c (MESSAGES 2 UIDNEXT 9 UIDVALIDITY 1)\r\n"
		"* LIST (\\Subscribed) \"/\" inbox (\"CHILDINFO\" (\"x\"))\r\n"
		"* STATUS INBOX (MESSAGES 3)\r\n$T OK done\r\n" },
	    { "LOGOUT", "" });
	LISTED("RETURN is refused", "INBOX()+0 all",
	    LOGIN("LIST-EXTENDED"),
	    { "RETURN", "* LIST () \"/\" half\r\n$T BAD what\r\n" },
	    { "LIST \"\" \"*\"\r\n", "* LIST () NIL INBOX\r\n$T OK done\r\n" },
	    { "LSUB", "* LSUB () NIL INBOX\r\n* LSUB () NIL gone\r\n"
		"$T OK done\r\n" },
	    { "LOGOUT", "" });
	LISTED("two names that read the same", "\303\244()-0 some",
	    LOGIN(""),
	    { "LIST", "* LIST () \"/\" &AOQ-\r\n"
		"* LIST () \"/\" \"\303\244\"\r\n$T OK done\r\n" },
	    { "LSUB", "$T OK done\r\n" },
	    { "LOGOUT", "" });
	LISTED("none at all", "some", LOGIN(""),
	    { "LIST", "$T OK done\r\n" }, { "LSUB", "$T OK done\r\n" },
	    { "LOGOUT", "" });
	LISTED("the same one twice", "a()-0 all",
	    LOGIN(""),
	    { "LIST", "* LIST () \"/\" a\r\n* LIST () \"/\" \"a\"\r\n"
		"$T OK done\r\n" },
	    { "LSUB", "$T OK done\r\n" },
	    { "LOGOUT", "" });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_reading),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(missing_bodies),
		cmocka_unit_test(reconnecting),
		cmocka_unit_test(counting),
		cmocka_unit_test(logging_in),
		cmocka_unit_test(listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
