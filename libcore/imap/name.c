/* SPDX-License-Identifier: ISC */
/* Mailbox names between the wire and mail/name.h. */

#include "base/utf8.h"
#include "mail/name.h"

#include "imap/utf7.h"

/* What an octet that means nothing is shown as. */
static void
put_escaped(struct buf *out, unsigned char c)
{
	buf_chr(out, '%');
	buf_hex(out, span_of(&c, 1));
}

/* Decode a component; never fails, escapes instead. */
static void
decode_component(struct span in, struct buf *out)
{
	uint32_t cp;
	size_t n, was;

	while (in.n > 0) {
		was = out->n;
		if (in.p[0] == '&') {
			if (utf7_shift(&in, out))
				continue;
			out->n = was;
			put_escaped(out, '&');
			in = span_from(in, 1);
		} else if ((n = utf8_next(in, &cp)) == 0 || cp == 0) {
			put_escaped(out, in.p[0]);
			in = span_from(in, 1);
		} else {
			buf_put(out, span_head(in, n));
			in = span_from(in, n);
		}
	}
}

bool
imap_name_parse(struct buf *name, struct span raw, char delimiter, bool *exact)
{
	struct buf text = BUF_INIT, whole = BUF_INIT, again = BUF_INIT;
	struct span rest = raw, component;
	bool ok = true;

	if (delimiter == '\0') {
		decode_component(raw, &text);
		(void)name_add(&whole, buf_span(&text));
	}
	while (ok && delimiter != '\0' &&
	    span_next(&rest, (unsigned char)delimiter, &component)) {
		buf_clear(&text);
		decode_component(component, &text);
		/* An empty component is left out; *exact then says so. */
		(void)name_add(&whole, buf_span(&text));
		ok = buf_ok(&text);
	}
	*exact = imap_name_wire(&again, buf_span(&whole), delimiter) &&
	    span_eq(buf_span(&again), raw);
	ok = buf_ok(&text) && buf_ok(&again) && buf_ok(&whole) && whole.n > 0;
	if (ok)
		buf_put(name, buf_span(&whole));

	buf_fini(&text);
	buf_fini(&whole);
	buf_fini(&again);
	return ok;
}

bool
imap_name_wire(struct buf *raw, struct span name, char delimiter)
{
	const size_t was = raw->n;
	struct span component, coded;
	size_t start;
	bool ok = name.n > 0;

	while (ok && span_next(&name, '\0', &component)) {
		if (raw->n > was) {
			ok = delimiter != '\0';
			buf_chr(raw, (unsigned char)delimiter);
		}
		start = raw->n;
		ok = ok && utf7_encode(component, raw) && buf_ok(raw);
		if (!ok || delimiter == '\0')
			continue;
		coded = span_from(buf_span(raw), start);
		ok = span_find(coded, (unsigned char)delimiter) == coded.n;
	}
	if (!ok)
		raw->n = was;
	return ok;
}
