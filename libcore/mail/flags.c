/* SPDX-License-Identifier: ISC */
/* Flags and keywords as one canonical text. */

#include <stdlib.h>

#include "mail/flags.h"

static const struct flag_row {
	const char	*name;
	unsigned	 bit;
	char		 letter;	/* of a Maildir name */
} rows[] = {
	/* The system flags, in canonical order; \Recent is none of them. */
	{ "\\Answered",	FLAG_ANSWERED,	'R' },
	{ "\\Deleted",	FLAG_DELETED,	'T' },
	{ "\\Draft",	FLAG_DRAFT,	'D' },
	{ "\\Flagged",	FLAG_FLAGGED,	'F' },
	{ "\\Seen",	FLAG_SEEN,	'S' },
	{ "$Forwarded",	FLAG_FORWARDED,	'P' },
};

#define SYSTEM_ROWS	5

/* A keyword and where it stood, since qsort() is not stable. */
struct word {
	struct span	s;
	size_t		at;
};

static bool
next_flag(struct span *rest, struct span *flag)
{
	size_t i = 0, n;

	while (i < rest->n && ascii_is_blank(rest->p[i]))
		i++;
	for (n = i; n < rest->n && !ascii_is_blank(rest->p[n]); n++)
		;
	*flag = span_of(rest->n > 0 ? rest->p + i : NULL, n - i);
	*rest = span_from(*rest, n);
	return flag->n > 0;
}

static unsigned
bit_of(struct span flag)
{
	size_t i;

	for (i = 0; i < N(rows); i++)
		if (span_iis(flag, rows[i].name))
			return rows[i].bit;
	return 0;
}

/* The bit of a system flag; 0 for a keyword. */
static unsigned
system_bit_of(struct span flag)
{
	return bit_of(flag) & ~(unsigned)FLAG_FORWARDED;
}

static int
word_icmp(const struct word *a, const struct word *b)
{
	size_t i;

	for (i = 0; i < a->s.n && i < b->s.n; i++)
		if (ascii_lower(a->s.p[i]) != ascii_lower(b->s.p[i]))
			return ascii_lower(a->s.p[i]) <
			    ascii_lower(b->s.p[i]) ? -1 : 1;
	if (a->s.n != b->s.n)
		return a->s.n < b->s.n ? -1 : 1;
	return 0;
}

static int
word_cmp(const void *va, const void *vb)
{
	const struct word *a = va, *b = vb;
	const int c = word_icmp(a, b);

	if (c != 0)
		return c;
	return a->at < b->at ? -1 : a->at > b->at;
}

static void
put_flag(struct buf *out, bool *first, struct span flag)
{
	if (!*first)
		buf_chr(out, ' ');
	*first = false;
	buf_put(out, flag);
}

/* The keywords, sorted and each once, behind the system flags. */
static void
put_words(struct buf *out, bool *first, struct span list, size_t n)
{
	struct word *v;
	struct span flag;
	size_t i = 0;

	if (n == 0)
		return;
	if ((v = calloc(n, sizeof(*v))) == NULL) {
		out->bad = true;
		return;
	}
	while (next_flag(&list, &flag)) {
		if (span_iis(flag, "\\Recent") || system_bit_of(flag) != 0)
			continue;
		v[i] = (struct word){ flag, i };
		i++;
	}
	qsort(v, n, sizeof(*v), word_cmp);
	for (i = 0; i < n; i++)
		if (i == 0 || word_icmp(&v[i - 1], &v[i]) != 0)
			put_flag(out, first, v[i].s);
	free(v);
}

void
flags_canon(struct buf *out, struct span list)
{
	struct span rest = list, flag;
	unsigned bits = 0, bit;
	size_t i, words = 0;
	bool first = true;

	while (next_flag(&rest, &flag)) {
		bit = system_bit_of(flag);
		bits |= bit;
		if (bit == 0 && !span_iis(flag, "\\Recent"))
			words++;
	}
	for (i = 0; i < SYSTEM_ROWS; i++)
		if ((bits & rows[i].bit) != 0)
			put_flag(out, &first, span_str(rows[i].name));
	put_words(out, &first, list, words);
}

bool
flags_eq(struct span a, struct span b)
{
	return span_ieq(a, b);
}

bool
flags_have(struct span list, struct span flag)
{
	struct span one;

	while (next_flag(&list, &one))
		if (span_ieq(one, flag))
			return true;
	return false;
}

unsigned
flags_bits(struct span list)
{
	struct span flag;
	unsigned bits = 0;

	while (next_flag(&list, &flag))
		bits |= bit_of(flag);
	return bits;
}

void
flags_letters(struct span list, char out[8])
{
	static const char order[] = "DFPRST";
	const unsigned bits = flags_bits(list);
	size_t i, k, n = 0;

	for (k = 0; order[k] != '\0'; k++)
		for (i = 0; i < N(rows); i++)
			if (rows[i].letter == order[k] && (bits & rows[i].bit) != 0)
				out[n++] = order[k];
	out[n] = '\0';
}

const char *
flags_of_letter(char letter)
{
	size_t i;

	for (i = 0; i < N(rows); i++)
		if (rows[i].letter == letter)
			return rows[i].name;
	return NULL;
}

/* ATOM-CHAR = <any CHAR except atom-specials>, RFC 9051 section 9. */
static bool
is_atom_char(unsigned char c)
{
	switch (c) {
	case '(': case ')': case '{': case '%': case '*': case '"':
	case '\\': case ']':
		return false;
	}
	return c > ' ' && c < 0x7f;
}

bool
flags_valid(struct span flag)
{
	size_t i = flag.n > 0 && flag.p[0] == '\\' ? 1 : 0;

	if (flag.n == i || span_iis(flag, "\\Recent"))
		return false;
	for (; i < flag.n; i++)
		if (!is_atom_char(flag.p[i]))
			return false;
	return true;
}
