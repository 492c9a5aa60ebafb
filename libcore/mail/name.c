/* SPDX-License-Identifier: ISC */
/* Mailbox names: for people, as JSON, and as paths of mx-stream(5). */

#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"

#include "mail/name.h"

#define PATH_MAX_COMPONENT	200	/* octets after escaping */
#define PATH_HASH_OCTETS	8	/* 16 hex digits */

/*
 * JSON strings are Unicode, names are octets.  An octet that is not UTF-8
 * stands in JSON as a private character, U+10FE00 + octet; and where one of
 * these characters itself occurs, its own octets are taken for such, so that every
 * name comes back as it was.
 */
#define ODD_FIRST	UINT32_C(0x10fe80)
#define ODD_LAST	UINT32_C(0x10feff)

bool
name_add(struct buf *name, struct span component)
{
	if (component.n == 0 || span_find(component, '\0') < component.n)
		return false;
	if (name->n > 0)
		buf_chr(name, '\0');
	else if (span_iis(component, "INBOX"))
		component = SPAN("INBOX");
	buf_put(name, component);
	return true;
}

void
name_put(struct buf *out, struct span name)
{
	struct span component;
	bool first = true;

	while (span_next(&name, '\0', &component)) {
		if (!first)
			buf_chr(out, '/');
		first = false;
		buf_put(out, component);
	}
}

void
name_split(struct buf *name, struct span shown)
{
	struct span component;

	while (span_next(&shown, '/', &component))
		(void)name_add(name, component);
}

/* ---- JSON ---- */

static bool
is_odd(uint32_t cp)
{
	return cp >= ODD_FIRST && cp <= ODD_LAST;
}

/* A component as valid UTF-8. */
static void
put_unicode(struct buf *out, struct span s)
{
	uint32_t cp;
	size_t n;

	while (s.n > 0) {
		n = utf8_next(s, &cp);
		if (n == 0 || is_odd(cp)) {
			for (n = n == 0 ? 1 : n; n > 0; n--) {
				utf8_put(out, ODD_FIRST - 0x80 + s.p[0]);
				s = span_from(s, 1);
			}
			continue;
		}
		buf_put(out, span_head(s, n));
		s = span_from(s, n);
	}
}

/* And back. */
static void
put_octets(struct buf *out, struct span s)
{
	uint32_t cp;
	size_t n;

	while (s.n > 0) {
		n = utf8_next(s, &cp);
		if (n > 0 && is_odd(cp))
			buf_chr(out, (unsigned char)(cp - ODD_FIRST + 0x80));
		else
			buf_put(out, span_head(s, n == 0 ? 1 : n));
		s = span_from(s, n == 0 ? 1 : n);
	}
}

void
name_json(struct buf *out, struct span name)
{
	struct buf text = BUF_INIT;
	struct span component;

	json_open(out, '[');
	while (span_next(&name, '\0', &component)) {
		buf_clear(&text);
		put_unicode(&text, component);
		if (!buf_ok(&text))
			out->bad = true;
		json_str(out, buf_span(&text));
	}
	json_close(out, ']');
	buf_fini(&text);
}

/* Add each string of the array.  False where one cannot be a component. */
static bool
add_all(struct buf *name, const struct json *array)
{
	struct buf text = BUF_INIT;
	const size_t n = json_len(array);
	bool ok = n > 0;
	size_t i;

	for (i = 0; i < n && ok; i++) {
		buf_clear(&text);
		put_octets(&text, json_span(json_at(array, i)));
		ok = buf_ok(&text) && name_add(name, buf_span(&text));
	}
	buf_fini(&text);
	return ok;
}

bool
name_parse_json(struct buf *name, struct span text)
{
	struct err err = ERR_INIT;
	const size_t was = name->n;
	struct json *root;
	bool ok;

	if ((root = json_parse(text, &err)) == NULL)
		return false;
	ok = add_all(name, root) && buf_ok(name);
	if (!ok && buf_ok(name))
		name->n = was;
	json_free(root);
	return ok;
}

/* ---- paths ---- */

/* Length of the character at the front and whether it is to be escaped. */
static size_t
path_char(struct span s, bool first, bool *escape)
{
	const unsigned char c = s.p[0];
	uint32_t cp;
	size_t n;

	if ((n = utf8_next(s, &cp)) == 0) {
		*escape = true;
		return 1;
	}
	*escape = c < 0x20 || c == 0x7f || c == '%' || c == '/' ||
	    (first && (c == '.' || c == '~')) ||
	    (s.n == 1 && (c == ' ' || c == '.'));
	return n;
}

static bool
is_maildir_word(struct span s)
{
	return span_is(s, "cur") || span_is(s, "new") || span_is(s, "tmp");
}

/*
 * One component.  `cut` is how much fits, at a character, before the hash
 * of a component that is too long.
 */
static void
path_component(struct buf *out, struct span component)
{
	const size_t start = out->n;
	size_t cut = start, n;
	struct span s = component;
	struct digest digest;
	bool escape, first = true;

	while (s.n > 0) {
		n = path_char(s, first, &escape);
		if (escape || (first && is_maildir_word(component)))
			buf_fmt(out, "%%%02X", (unsigned)s.p[0]);
		else
			buf_put(out, span_head(s, n));
		s = span_from(s, n);
		first = false;
		if (out->n - start <= PATH_MAX_COMPONENT)
			cut = out->n;
	}
	if (!buf_ok(out) || out->n == cut)
		return;
	out->n = cut;
	sha256_of(component, &digest);
	buf_str(out, "%~");
	buf_hex(out, span_head(digest_span(&digest), PATH_HASH_OCTETS));
}

void
name_path(struct buf *out, struct span name)
{
	struct span component;
	bool first = true;

	while (span_next(&name, '\0', &component)) {
		if (!first)
			buf_chr(out, '/');
		first = false;
		path_component(out, component);
	}
}

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undo the escapes.  False where a "%" begins none. */
static bool
unescape(struct buf *out, struct span s)
{
	size_t i;
	int hi, lo;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			buf_chr(out, s.p[i]);
			continue;
		}
		if (s.n - i < 3 || (hi = hex_value(s.p[i + 1])) == -1 ||
		    (lo = hex_value(s.p[i + 2])) == -1)
			return false;
		buf_chr(out, (unsigned char)(hi * 16 + lo));
		i += 2;
	}
	return true;
}

bool
name_parse_path(struct buf *name, struct span path)
{
	struct buf text = BUF_INIT;
	const size_t was = name->n;
	struct span component;
	bool ok = path.n > 0 && path.p[path.n - 1] != '/';

	while (ok && span_next(&path, '/', &component)) {
		buf_clear(&text);
		ok = unescape(&text, component) && buf_ok(&text) &&
		    name_add(name, buf_span(&text));
	}
	ok = ok && buf_ok(name);
	if (!ok && buf_ok(name))
		name->n = was;
	buf_fini(&text);
	return ok;
}

bool
name_ieq(struct span a, struct span b)
{
	return span_ieq(a, b);
}
