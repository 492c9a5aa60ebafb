/* SPDX-License-Identifier: ISC */
/* The header of a message, scanned as it is. */

#include <string.h>

#include "mail/header.h"

/* Length of the first line with its LF. */
static size_t
line_length(struct span s)
{
	const size_t n = span_find(s, '\n');

	return n < s.n ? n + 1 : n;
}

static bool
is_empty_line(struct span s)
{
	return s.n > 0 && (s.p[0] == '\n' ||
	    (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n'));
}

size_t
header_length(struct span message)
{
	struct span rest = message;

	while (rest.n > 0 && !is_empty_line(rest))
		rest = span_from(rest, line_length(rest));
	if (rest.n > 0)
		rest = span_from(rest, line_length(rest));
	return message.n - rest.n;
}

/* The name and the length up to behind the colon; 0 where there is none. */
static size_t
name_length(struct span line, struct span *name)
{
	size_t n = 0, colon;

	while (n < line.n && n <= HEADER_NAME_MAX && header_is_ftext(line.p[n]))
		n++;
	for (colon = n; colon < line.n; colon++)
		if (line.p[colon] != ' ' && line.p[colon] != '\t')
			break;
	if (n == 0 || n > HEADER_NAME_MAX || colon == line.n ||
	    line.p[colon] != ':')
		return 0;
	*name = span_head(line, n);
	return colon + 1;
}

/* Without the LF or CRLF at the end. */
static struct span
cut_line_end(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n') {
		s.n--;
		if (s.n > 0 && s.p[s.n - 1] == '\r')
			s.n--;
	}
	return s;
}

bool
header_next(struct span *rest, struct field *f)
{
	struct span whole = *rest;
	size_t n;

	if (rest->n == 0 || is_empty_line(*rest))
		return false;
	n = line_length(whole);
	while (n < whole.n && (whole.p[n] == ' ' || whole.p[n] == '\t'))
		n += line_length(span_from(whole, n));
	f->whole = span_head(whole, n);
	f->name = SPAN_NONE;
	f->value = cut_line_end(f->whole);
	f->value = span_from(f->value,
	    name_length(span_head(whole, line_length(whole)), &f->name));
	*rest = span_from(whole, n);
	return true;
}

bool
header_get(struct span header, const char *name, struct field *f)
{
	while (header_next(&header, f))
		if (span_iis(f->name, name))
			return true;
	return false;
}

bool
header_run(struct header_runs *r, struct span *rest, struct span *run,
    bool *gap)
{
	size_t i = 0, n;

	while (i < rest->n && ascii_is_blank(rest->p[i]))
		i++;
	if (i > 0)
		r->blank = true;
	for (n = i; n < rest->n && !ascii_is_blank(rest->p[n]); n++)
		;
	*run = span_head(span_from(*rest, i), n - i);
	*rest = span_from(*rest, n);
	if (run->n == 0)
		return false;
	*gap = r->any && r->blank;
	r->any = true;
	r->blank = false;
	return true;
}

void
header_normal(struct buf *out, struct span value)
{
	struct header_runs runs = { false, false };
	struct span run;
	unsigned char *p;
	bool gap;
	size_t i;

	while (header_run(&runs, &value, &run, &gap)) {
		if (gap)
			buf_chr(out, ' ');
		if ((p = buf_room(out, run.n)) == NULL)
			return;
		for (i = 0; i < run.n; i++)
			p[i] = run.p[i] == 0 || run.p[i] >= 0x80 ? '?' : run.p[i];
		out->n += run.n;
	}
}
