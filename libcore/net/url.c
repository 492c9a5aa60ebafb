/* SPDX-License-Identifier: ISC */
/*
 * URLs of IMAP accounts.  No message repeats any part of one: where it is
 * written wrongly, a password may be anywhere in it.
 */

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#include "net/url.h"

#define URL_MAX		((size_t)8 << 10)	/* octets */
#define HOST_MAX	253			/* octets of a name, RFC 1035 section 2.3.4 */

static int
bad(struct err *err, const char *what)
{
	return err_set(err, ERR_RUN, STATUS_USAGE, "account URL: %s", what);
}

bool
url_is(const char *s)
{
	const struct span url = span_str(s);

	return span_istarts(url, "imaps://") || span_istarts(url, "imap://");
}

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

/* ---- parsing ---- */

/*
 * Percent-decode to a string.  NULL, and err set, where that gives no text
 * without control characters.
 */
static char *
decode(struct span in, const char *what, struct err *err)
{
	struct buf text = BUF_INIT;
	char *out = NULL;
	unsigned char octet;
	bool ok = true;
	size_t i;

	while (ok && in.n > 0) {
		octet = in.p[0];
		if (octet == '%')
			ok = in.n >= 3 &&
			    hex_decode(span_of(in.p + 1, 2), &octet, 1);
		buf_chr(&text, octet);
		in = span_from(in, in.p[0] == '%' ? 3 : 1);
	}
	for (i = 0; i < text.n; i++)
		ok = ok && text.p[i] >= 0x20 && text.p[i] != 0x7f;
	if (!ok || !utf8_valid(buf_span(&text)))
		(void)err_set(err, ERR_RUN, STATUS_USAGE,
		    "account URL: %s is not percent-encoded UTF-8", what);
	else if (!buf_ok(&text) || (out = span_dup(buf_span(&text))) == NULL)
		err_nomem(err);
	buf_fini(&text);
	return out;
}

static int
parse_user(struct span in, struct url *u, struct err *err)
{
	if (span_find(in, ':') < in.n)
		return bad(err, "there is a password in it, where others can see it: leave it out");
	if (in.n == 0)
		return bad(err, "the user name before the @ is empty");
	u->user = decode(in, "the user name", err);
	return u->user != NULL ? 0 : -1;
}

static bool
is_name(struct span host)
{
	size_t i;

	if (host.n == 0 || host.n > HOST_MAX || host.p[0] == '-' ||
	    host.p[0] == '.')
		return false;
	for (i = 0; i < host.n; i++) {
		if (!is_alnum(host.p[i]) && host.p[i] != '-' &&
		    host.p[i] != '.' && host.p[i] != '_')
			return false;
	}
	return true;
}

/* Cut "[address]" or a name from the front of *in. */
static int
parse_host(struct span *in, struct url *u, struct err *err)
{
	const bool brackets = span_starts(*in, "[");
	struct in6_addr address;
	struct span host;
	size_t end;

	if (brackets) {
		end = span_find(*in, ']');
		if (end == in->n)
			return bad(err, "a bracket is not closed");
		host = span_of(in->p + 1, end - 1);
		*in = span_from(*in, end + 1);
	} else {
		host = span_head(*in, span_find(*in, ':'));
		*in = span_from(*in, host.n);
		if (!is_name(host))
			return bad(err, "the host is no name or address in ASCII (an international name is written as xn--...)");
	}
	if ((u->host = span_dup(host)) == NULL)
		return err_nomem(err);
	if (brackets && inet_pton(AF_INET6, u->host, &address) != 1)
		return bad(err, "what stands in brackets is no IPv6 address");
	return 0;
}

static int
parse_port(struct span in, struct url *u, struct err *err)
{
	uint32_t port = u->tls ? 993 : 143;
	struct buf text = BUF_INIT;

	if (in.n > 0 && (in.p[0] != ':' || !span_u32(span_from(in, 1), &port) ||
	    port < 1 || port > 65535))
		return bad(err, "the port is no number from 1 to 65535");
	buf_u64(&text, port);
	u->port = buf_ok(&text) ? span_dup(buf_span(&text)) : NULL;
	buf_fini(&text);
	return u->port != NULL ? 0 : err_nomem(err);
}

static int
parse_rest(struct span rest, struct url *u, struct err *err)
{
	struct span authority = span_head(rest, span_find(rest, '/'));
	struct span path = span_from(rest, authority.n);
	size_t at;

	if (span_find(rest, '?') < rest.n || span_find(rest, '#') < rest.n)
		return bad(err, "? and # have no meaning here (in a name they are %3F and %23)");
	/* The last @: user names are often mail addresses. */
	for (at = authority.n; at > 0 && authority.p[at - 1] != '@'; )
		at--;
	if (at > 0 && parse_user(span_head(authority, at - 1), u, err) == -1)
		return -1;
	authority = span_from(authority, at);
	if (parse_host(&authority, u, err) == -1 ||
	    parse_port(authority, u, err) == -1)
		return -1;
	path = span_from(path, 1);
	if (path.n == 0)
		return 0;
	u->mailbox = decode(path, "the mailbox", err);
	return u->mailbox != NULL ? 0 : -1;
}

int
url_parse(const char *s, struct url *u, struct err *err)
{
	struct span rest = span_str(s);

	*u = (struct url){ .tls = true };
	if (rest.n > URL_MAX)
		return bad(err, "it is too long");
	if (span_istarts(rest, "imaps://")) {
		rest = span_from(rest, 8);
	} else if (span_istarts(rest, "imap://")) {
		u->tls = false;
		rest = span_from(rest, 7);
	} else {
		return bad(err, "it starts with neither imaps:// nor imap://");
	}
	if (parse_rest(rest, u, err) == -1) {
		url_fini(u);
		return -1;
	}
	return 0;
}

void
url_fini(struct url *u)
{
	free(u->user);
	free(u->host);
	free(u->port);
	free(u->mailbox);
	*u = (struct url){ .tls = true };
}

/* ---- writing ---- */

static void
put_user(struct buf *out, struct span user)
{
	for (; user.n > 0; user = span_from(user, 1)) {
		if (is_alnum(user.p[0]) || memchr("-._~@+", user.p[0], 6) != NULL) {
			buf_chr(out, user.p[0]);
			continue;
		}
		buf_chr(out, '%');
		buf_hex(out, span_head(user, 1));
	}
}

void
url_put(struct buf *out, const struct url *u)
{
	struct span host = span_str(u->host);
	const bool brackets = span_find(host, ':') < host.n;

	buf_str(out, u->tls ? "imaps://" : "imap://");
	if (u->user != NULL) {
		put_user(out, span_str(u->user));
		buf_chr(out, '@');
	}
	buf_str(out, brackets ? "[" : "");
	for (; host.n > 0; host = span_from(host, 1))
		buf_chr(out, ascii_lower(host.p[0]));
	buf_str(out, brackets ? "]" : "");
	buf_chr(out, ':');
	buf_str(out, u->port);
}
