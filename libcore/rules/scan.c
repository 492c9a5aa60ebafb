/* SPDX-License-Identifier: ISC */
/* A line of rules from left to right, and errors that point into it. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "rules/scan.h"

#define WORD_MAX	32	/* octets; longer words have no neighbours */

/* ---- errors ---- */

/* Characters in the first n octets. */
static size_t
characters(struct span s, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n && i < s.n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			count++;
	return count;
}

/* Append the octets as they can be shown in one line. */
static void
put_shown(struct buf *out, struct span s)
{
	size_t n;

	while (s.n > 0) {
		n = span_find(s, '\t');
		safe_put(out, span_head(s, n));
		if (n < s.n)
			buf_chr(out, ' ');
		s = span_from(s, n + 1);
	}
}

/* The line, and below it a caret where `at` is. */
static void
put_caret(const struct scan *s, size_t at)
{
	struct span before;
	size_t start, n;

	if (s->detail == NULL)
		return;
	start = s->detail->n;
	put_shown(s->detail, span_head(s->text, at));
	before = span_from(buf_span(s->detail), start);
	n = characters(before, before.n);
	put_shown(s->detail, span_from(s->text, at));
	buf_chr(s->detail, '\n');
	for (; n > 0; n--)
		buf_chr(s->detail, ' ');
	buf_str(s->detail, "^\n");
}

int
scan_place(const struct scan *s, size_t at)
{
	err_at(s->err, "%s:%lu:%zu", s->file, (unsigned long)s->line,
	    characters(s->text, at) + 1);
	put_caret(s, at);
	return -1;
}

int
scan_fail(const struct scan *s, size_t at, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(s->err, ERR_RUN, STATUS_USAGE, "%s", msg);
	return scan_place(s, at);
}

/* ---- tokens ---- */

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_word(unsigned char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

/* The octet i further on; NUL beyond the end, since the text has none. */
static unsigned char
peek(const struct scan *s, size_t i)
{
	return i < s->text.n - s->at ? s->text.p[s->at + i] : '\0';
}

void
scan_blanks(struct scan *s)
{
	while (is_blank(peek(s, 0)))
		s->at++;
}

bool
scan_end(struct scan *s)
{
	scan_blanks(s);
	if (s->at == s->text.n)
		return true;
	return peek(s, 0) == '#' &&
	    (s->at == 0 || is_blank(s->text.p[s->at - 1]));
}

static struct span
word_here(struct scan *s)
{
	size_t n = 0;

	scan_blanks(s);
	if (is_letter(peek(s, 0)))
		while (is_word(peek(s, n)))
			n++;
	return span_head(span_from(s->text, s->at), n);
}

struct span
scan_ident(struct scan *s)
{
	const struct span word = word_here(s);

	s->at += word.n;
	return word;
}

bool
scan_keyword(struct scan *s, const char *word)
{
	const struct span here = word_here(s);

	if (!span_is(here, word))
		return false;
	s->at += here.n;
	return true;
}

bool
scan_mark(struct scan *s, const char *mark)
{
	scan_blanks(s);
	if (!span_starts(span_from(s->text, s->at), mark))
		return false;
	s->at += span_str(mark).n;
	return true;
}

/* A string whose opening quote stands at s->at. */
static int
quoted(struct scan *s, struct buf *out)
{
	const unsigned char quote = peek(s, 0);
	const size_t from = s->at++;

	while (s->at < s->text.n && peek(s, 0) != quote) {
		if (peek(s, 0) == '\\' && s->at + 1 < s->text.n)
			s->at++;
		buf_chr(out, peek(s, 0));
		s->at++;
	}
	if (s->at == s->text.n)
		return scan_fail(s, from, "the string has no closing %c", quote);
	s->at++;
	return buf_ok(out) ? 1 : err_nomem(s->err);
}

int
scan_string(struct scan *s, struct buf *out)
{
	const size_t was = out->n;

	if (scan_end(s))
		return 0;
	if (peek(s, 0) == '"' || peek(s, 0) == '\'')
		return quoted(s, out);
	while (s->at < s->text.n && !is_blank(peek(s, 0)) &&
	    peek(s, 0) != '(' && peek(s, 0) != ')') {
		buf_chr(out, peek(s, 0));
		s->at++;
	}
	if (!buf_ok(out))
		return err_nomem(s->err);
	return out->n > was ? 1 : 0;
}

/* ---- delimiters ---- */

static unsigned char
closing(unsigned char open)
{
	switch (open) {
	case '(': return ')';
	case '[': return ']';
	case '{': return '}';
	case '<': return '>';
	}
	return open;
}

static bool
may_delimit(unsigned char c)
{
	return c > ' ' && c < 0x7f && !is_word(c) && c != '\\';
}

int
scan_delimited(struct scan *s, bool keep, struct buf *out, struct delimited *d)
{
	const size_t open = s->at;
	size_t depth = 1;
	unsigned char c;

	d->open = peek(s, 0);
	if (!may_delimit(d->open))
		return scan_fail(s, open, "a delimiter is wanted here, as in s/a/b/");
	d->close = closing(d->open);
	d->kept = keep && d->open != d->close;
	d->from = ++s->at;
	buf_clear(out);
	for (; s->at < s->text.n; s->at++) {
		c = peek(s, 0);
		if (c == '\\' && s->at + 1 < s->text.n) {
			c = peek(s, 1);
			if (d->kept || (c != d->open && c != d->close))
				buf_chr(out, '\\');
			s->at++;
		} else if (c == d->close && --depth == 0) {
			break;
		} else if (c == d->open && d->open != d->close) {
			depth++;
		}
		buf_chr(out, c);
	}
	if (s->at == s->text.n)
		return scan_fail(s, open, "no closing %c is found", d->close);
	s->at++;
	d->text = buf_span(out);
	return buf_ok(out) ? 0 : err_nomem(s->err);
}

size_t
scan_source(const struct scan *s, const struct delimited *d, size_t off)
{
	size_t i = d->from, done = 0, n;
	unsigned char next;

	while (done < off && i < s->text.n) {
		n = 1;
		if (s->text.p[i] == '\\' && i + 1 < s->text.n) {
			next = s->text.p[++i];
			if (d->kept || (next != d->open && next != d->close))
				n = 2;
		}
		/* Within such a pair: at its backslash, or behind it. */
		if (n == 2 && done + 1 == off)
			break;
		i++;
		done += n;
	}
	return i;
}

/* ---- words that are not known ---- */

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters are to be added, left out, replaced or swapped with their
 * neighbour to make b of a; case is ignored.  Both at most WORD_MAX long.
 */
static size_t
distance(struct span a, struct span b)
{
	size_t row[3][WORD_MAX + 1];
	size_t *before = row[0], *last = row[1], *now = row[2], *spare;
	size_t i, k;

	for (k = 0; k <= b.n; k++)
		before[k] = last[k] = k;
	for (i = 1; i <= a.n; i++) {
		now[0] = i;
		for (k = 1; k <= b.n; k++) {
			now[k] = last[k - 1] +
			    (lower(a.p[i - 1]) != lower(b.p[k - 1]));
			now[k] = least(now[k], least(now[k - 1], last[k]) + 1);
			if (i > 1 && k > 1 &&
			    lower(a.p[i - 1]) == lower(b.p[k - 2]) &&
			    lower(a.p[i - 2]) == lower(b.p[k - 1]))
				now[k] = least(now[k], before[k - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b.n];
}

/* The nearest word, if a third of its letters or fewer are wrong. */
static const char *
nearest(struct span word, const struct words *known)
{
	const char *best = NULL;
	size_t i, d, best_d = WORD_MAX + 1;
	struct span other;

	if (word.n == 0 || word.n > WORD_MAX)
		return NULL;
	for (i = 0; i < known->n; i++) {
		other = span_str(known->v[i]);
		if (other.n > WORD_MAX)
			continue;
		d = distance(word, other);
		if (d < best_d && d * 3 <= (other.n < 3 ? 3 : other.n)) {
			best_d = d;
			best = known->v[i];
		}
	}
	return best;
}

int
scan_unknown(const struct scan *s, size_t at, const char *what,
    struct span word, const struct words *known)
{
	struct buf all = BUF_INIT;
	const char *near = nearest(word, known);
	size_t i;

	if (near != NULL)
		return scan_fail(s, at, "\"%.*s\" is no %s; did you mean \"%s\"?",
		    SPAN_ARG(span_head(word, 64)), what, near);
	for (i = 0; i < known->n; i++)
		if (i == 0 || strcmp(known->v[i], known->v[i - 1]) != 0)
			buf_fmt(&all, " %s", known->v[i]);
	if (word.n == 0)
		scan_fail(s, at, "%s %s is wanted here:%s",
		    what[0] == 'a' ? "an" : "a", what, buf_cstr(&all));
	else
		scan_fail(s, at, "\"%.*s\" is no %s; there are:%s",
		    SPAN_ARG(span_head(word, 64)), what, buf_cstr(&all));
	buf_fini(&all);
	return -1;
}

int
scan_wanted(struct scan *s, const char *what, const struct words *known)
{
	const char *near;

	scan_blanks(s);
	near = nearest(word_here(s), known);
	if (near == NULL)
		return scan_fail(s, s->at, "%s is wanted here", what);
	return scan_fail(s, s->at, "%s is wanted here; did you mean \"%s\"?",
	    what, near);
}
