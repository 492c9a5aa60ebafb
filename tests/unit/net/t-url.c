/* SPDX-License-Identifier: ISC */
/* Account URLs. */

#include <string.h>

#include "net/url.h"

#include "../base/row.h"

static const struct row {
	const char	*in;
	bool		 tls;
	const char	*user, *host, *port, *mailbox, *canonical;
} rows[] = {
	{ "imaps://alice@mail.example.org", true, "alice", "mail.example.org",
	    "993", NULL, "imaps://alice@mail.example.org:993" },
	{ "imap://alice@mail.example.org", false, "alice", "mail.example.org",
	    "143", NULL, "imap://alice@mail.example.org:143" },
	{ "IMAPS://Alice@Mail.Example.ORG:0993/", true, "Alice",
	    "Mail.Example.ORG", "993", NULL, "imaps://Alice@mail.example.org:993" },
	{ "imaps://mail.example.org:1", true, NULL, "mail.example.org", "1", NULL,
	    "imaps://mail.example.org:1" },
	{ "imaps://alice@example.org@mail.example.org", true,
	    "alice@example.org", "mail.example.org", "993", NULL,
	    "imaps://alice@example.org@mail.example.org:993" },
	{ "imaps://alice%40example.org@mail.example.org/A/B%20%C3%A4", true,
	    "alice@example.org", "mail.example.org", "993", "A/B \xc3\xa4",
	    "imaps://alice@example.org@mail.example.org:993" },
	{ "imaps://a%2Fb%3a%25@h", true, "a/b:%", "h", "993", NULL,
	    "imaps://a%2fb%3a%25@h:993" },
	{ "imaps://a@127.0.0.1:65535/INBOX", true, "a", "127.0.0.1", "65535",
	    "INBOX", "imaps://a@127.0.0.1:65535" },
	{ "imaps://a@[::1]:993/x@y:z", true, "a", "::1", "993", "x@y:z",
	    "imaps://a@[::1]:993" },
	{ "imaps://a@[2001:DB8::1]", true, "a", "2001:DB8::1", "993", NULL,
	    "imaps://a@[2001:db8::1]:993" },
	{ "imaps://DOM%5Cadmin@h", true, "DOM\\admin", "h", "993", NULL,
	    "imaps://DOM%5cadmin@h:993" },
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
parse(void **state)
{
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;
	struct url u;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		const struct row *r = &rows[i];

		ROW_OK(r->in, url_is(r->in));
		if (url_parse(r->in, &u, &err) == -1)
			fail_msg("%s: %s", r->in, err.msg);
		ROW_OK(r->in, u.tls == r->tls);
		ROW_OK(r->in, same(u.user, r->user));
		ROW_OK(r->in, same(u.host, r->host));
		ROW_OK(r->in, same(u.port, r->port));
		ROW_OK(r->in, same(u.mailbox, r->mailbox));
		buf_clear(&out);
		url_put(&out, &u);
		ROW_SPAN(r->in, buf_span(&out), span_str(r->canonical));
		url_fini(&u);
		/* The canonical form is one. */
		ROW_OK(r->in, url_parse(r->canonical, &u, &err) == 0);
		buf_clear(&out);
		url_put(&out, &u);
		ROW_SPAN(r->in, buf_span(&out), span_str(r->canonical));
		url_fini(&u);
	}
	buf_fini(&out);
}

static void
refused(void **state)
{
	static const char *const bad[] = {
		"imaps://", "imaps:///INBOX", "imaps://@host", "imaps://a@",
		"imaps://a@:993", "imaps://a@h:", "imaps://a@h:0",
		"imaps://a@h:65536", "imaps://a@h:99x", "imaps://a@h:-1",
		"imaps://a@[::1", "imaps://a@[]", "imaps://a@[host]", "imaps://a@[::1]x",
		"imaps://a@[::g]", "imaps://a@::1", "imaps://a@\xc3\xbc.example",
		"imaps://a@h o", "imaps://a@-h", "imaps://a@h/%", "imaps://a@h/%4",
		"imaps://a@h/%zz", "imaps://a@h/%00", "imaps://a@h/%0a",
		"imaps://a@h/%ff", "imaps://%ff@h", "imaps://a@h/x?y",
		"imaps://a@h/x#y", "imaps:a@h", "http://a@h", "",
		"imaps://u:SECRET@h", "imaps://u:SECRET", "imaps://u:SEC/RET@h",
		"imaps://u:@h", "imaps://a:SECRET@b@h", "imaps://u:SECRET@h:x",
	};
	struct err err = ERR_INIT;
	struct url u;
	size_t i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		ROW_OK(bad[i], url_parse(bad[i], &u, &err) == -1);
		ROW_OK(bad[i], err.scope == ERR_RUN && err.status == STATUS_USAGE);
		ROW_OK(bad[i], strstr(err.msg, "SEC") == NULL);
		ROW_OK(bad[i], u.user == NULL && u.host == NULL &&
		    u.port == NULL && u.mailbox == NULL);
		url_fini(&u);
	}
	assert_false(url_is("imap"));
	assert_false(url_is("maildir:/x"));
	assert_false(url_is(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
