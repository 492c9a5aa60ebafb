/* SPDX-License-Identifier: ISC */
/* Mailbox names and the directories that stand for them. */

#include "base/sha256.h"
#include "base/utf8.h"
#include "mail/name.h"
#include "mail/utf7.h"

#include "formats/maildir/mdname.h"

#define PLUS_MAX	240	/* octets of a directory's name */
#define PLUS_HEAD	160	/* of one that had to be cut */
#define HASH_OCTETS	8

/* ---- from a name ---- */

/* One component of Maildir++.  False: it cannot say this. */
static bool
put_plus_component(struct buf *out, struct span component, bool utf8)
{
	const size_t start = out->n;
	struct span done;
	size_t i;

	buf_chr(out, '.');
	if (!utf8 && !utf7_encode(component, out))
		return false;
	if (utf8) {
		if (!utf8_valid(component))
			return false;
		buf_put(out, component);
	}
	done = span_from(buf_span(out), start + 1);
	for (i = 0; i < done.n; i++)
		if (done.p[i] == '.' || done.p[i] == '/' || done.p[i] < 0x20 ||
		    done.p[i] == 0x7f || (done.p[i] == '~' && i > 0 &&
		    done.p[i - 1] == '%'))
			return false;
	return done.n > 0;
}

/* What stands for a name that Maildir++ cannot say: much of it, and a hash. */
static void
put_plus_hashed(struct buf *out, struct span name)
{
	struct digest digest;
	size_t i;

	buf_chr(out, '.');
	for (i = 0; i < name.n && i < PLUS_HEAD; i++) {
		if (name.p[i] == '\0')
			buf_chr(out, '.');
		else if (name.p[i] <= 0x20 || name.p[i] >= 0x7f ||
		    name.p[i] == '.' || name.p[i] == '/' || name.p[i] == '&')
			buf_chr(out, '_');
		else
			buf_chr(out, name.p[i]);
	}
	sha256_of(name, &digest);
	buf_str(out, "%~");
	buf_hex(out, span_head(digest_span(&digest), HASH_OCTETS));
}

static void
put_plus(struct buf *out, struct span name, bool utf8)
{
	struct span rest = name, component, said;
	struct buf back = BUF_INIT;
	const size_t was = out->n;
	bool ok = true;

	if (span_is(name, "INBOX"))
		return;
	while (ok && span_next(&rest, '\0', &component))
		ok = put_plus_component(out, component, utf8);
	said = span_from(buf_span(out), was);
	ok = ok && said.n <= PLUS_MAX && mdname_add_plus(&back, said) &&
	    span_eq(buf_span(&back), name);
	if (!ok && buf_ok(out)) {
		out->n = was;
		put_plus_hashed(out, name);
	}
	buf_fini(&back);
}

void
mdname_path(struct buf *out, struct span name, enum mdname_form form)
{
	switch (form) {
	case MDNAME_FS:
		name_path(out, name);
		return;
	case MDNAME_PLUS:
		put_plus(out, name, false);
		return;
	case MDNAME_PLUS_UTF8:
		put_plus(out, name, true);
		return;
	}
}

/* ---- to a name ---- */

bool
mdname_add_fs(struct buf *name, struct span dir)
{
	struct buf text = BUF_INIT, again = BUF_INIT;

	/* Only what we would write ourselves is undone. */
	if (name_parse_path(&text, dir))
		name_path(&again, buf_span(&text));
	if (again.n > 0 && span_eq(buf_span(&again), dir))
		(void)name_add(name, buf_span(&text));
	else
		(void)name_add(name, dir);
	if (!buf_ok(&text) || !buf_ok(&again))
		name->bad = true;
	buf_fini(&text);
	buf_fini(&again);
	return buf_ok(name);
}

/* No component is empty, so that the dots can be put back. */
static bool
is_plus(struct span s)
{
	struct span component;

	if (s.n == 0 || s.p[s.n - 1] == '.')
		return false;
	while (span_next(&s, '.', &component))
		if (component.n == 0)
			return false;
	return true;
}

bool
mdname_add_plus(struct buf *name, struct span dir)
{
	struct span rest = span_from(dir, 1), component;
	struct buf text = BUF_INIT;

	if (!is_plus(rest))
		return name_add(name, dir) && buf_ok(name);
	while (span_next(&rest, '.', &component)) {
		buf_clear(&text);
		if (utf7_decode(component, &text))
			(void)name_add(name, buf_span(&text));
		else
			(void)name_add(name, component);
		if (!buf_ok(&text))
			name->bad = true;
	}
	buf_fini(&text);
	return buf_ok(name);
}
