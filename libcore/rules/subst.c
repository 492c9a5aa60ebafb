/* SPDX-License-Identifier: ISC */
/* Perl's s/// over PCRE2: the replacement is expanded here. */

#include "base/utf8.h"
#include "rules/subst.h"

enum piece_kind {
	PIECE_TEXT,
	PIECE_GROUP,
	PIECE_CASE,	/* \U \L \u \l \E */
};

struct piece {
	enum piece_kind	 kind;
	struct span	 text;
	uint32_t	 group;
	unsigned char	 letter;	/* of the case escape */
};

struct subst {
	const struct regex *regex;
	const struct piece *v;
	size_t		 n;
	enum subst_kind	 kind;
	bool		 global;
};

/* ---- flags ---- */

static const struct {
	unsigned char	letter;
	unsigned	regex;		/* 0: not the regex's */
} flag_rows[] = {
	{ 'g', 0 },
	{ 'i', REGEX_ICASE },
	{ 'm', REGEX_MULTI },
	{ 's', REGEX_DOTALL },
	{ 'x', REGEX_EXTENDED },
};

int
subst_flags(struct scan *s, const char *allowed, unsigned *regex_flags,
    bool *global)
{
	const struct span ok = span_str(allowed);
	unsigned char c;
	size_t i;

	*global = false;
	for (; s->at < s->text.n; s->at++) {
		c = s->text.p[s->at];
		if (c == ' ' || c == '\t' || c == ')')
			break;
		for (i = 0; i < N(flag_rows); i++)
			if (flag_rows[i].letter == c)
				break;
		if (i == N(flag_rows) || span_find(ok, c) == ok.n)
			return scan_fail(s, s->at, "this is no flag of a "
			    "regex; there are: %s", allowed);
		*regex_flags |= flag_rows[i].regex;
		*global = *global || c == 'g';
	}
	return 0;
}

/* ---- the replacement ---- */

struct maker {
	struct scan		*s;
	struct pool		*pool;
	const struct delimited	*d;
	const struct regex	*regex;
	enum subst_kind		 kind;
	size_t			 i;	/* read of d->text */
	struct buf		 text;	/* literal text not yet in a piece */
	struct buf		 pieces;
};

/* Fail at octet i of the replacement. */
#define REFUSE(m, i, ...) \
	scan_fail((m)->s, scan_source((m)->s, (m)->d, (i)), __VA_ARGS__)

static unsigned char
look(const struct maker *m, size_t i)
{
	return i < m->d->text.n - m->i ? m->d->text.p[m->i + i] : '\0';
}

static int
add_piece(struct maker *m, const struct piece *p)
{
	struct piece text = { .kind = PIECE_TEXT };

	if (!buf_ok(&m->text))
		return err_nomem(m->s->err);
	if (m->text.n > 0) {
		if (pool_span(m->pool, buf_span(&m->text), &text.text,
		    m->s->err) == -1)
			return -1;
		buf_mem(&m->pieces, &text, sizeof(text));
		buf_clear(&m->text);
	}
	if (p != NULL)
		buf_mem(&m->pieces, p, sizeof(*p));
	return buf_ok(&m->pieces) ? 0 : err_nomem(m->s->err);
}

static int
add_group(struct maker *m, uint64_t group, size_t at)
{
	const uint32_t most = regex_groups(m->regex);
	struct piece p = { .kind = PIECE_GROUP };

	if (group > most)
		return REFUSE(m, at, "there is no group %llu; the regex has %lu",
		    (unsigned long long)group, (unsigned long)most);
	p.group = (uint32_t)group;
	return add_piece(m, &p);
}

static int
add_char(struct maker *m, uint64_t cp, size_t at)
{
	if (cp == 0)
		return REFUSE(m, at, "a NUL can stand neither in a name nor in "
		    "a flag");
	if (m->kind == SUBST_FLAGS) {
		if (cp > 0xff)
			return REFUSE(m, at, "flags are octets: at most \\xff");
		buf_chr(&m->text, (unsigned char)cp);
		return 0;
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return REFUSE(m, at, "there is no such character");
	if (cp == '/')
		buf_chr(&m->text, '\0');
	else
		utf8_put(&m->text, (uint32_t)cp);
	return 0;
}

static int
digit_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* At most `most` digits; further ones are not taken.  How many there were. */
static size_t
number(struct maker *m, int base, size_t most, uint64_t *v)
{
	size_t n = 0;

	*v = 0;
	while (n < most && digit_of(look(m, 0)) < base) {
		*v = *v * (uint64_t)base + (uint64_t)digit_of(look(m, 0));
		m->i++;
		n++;
	}
	return n;
}

/* "{...}" or "{U+...}"; m->i is at the brace. */
static int
braced(struct maker *m, const char *prefix, int base, size_t at)
{
	const struct span head = span_str(prefix);
	uint64_t cp;

	if (!span_starts(span_from(m->d->text, m->i), prefix))
		return REFUSE(m, at, "the number of a character is wanted: "
		    "%s...}", prefix);
	m->i += head.n;
	if (number(m, base, 8, &cp) == 0 || look(m, 0) != '}')
		return REFUSE(m, at, "the number of a character is wanted: "
		    "%s...}", prefix);
	m->i++;
	return add_char(m, cp, at);
}

/* \1 to \9 are groups; with a 0 first it is octal. */
static int
escaped_digit(struct maker *m, size_t at)
{
	uint64_t v;

	if (look(m, 0) == '0') {
		(void)number(m, 8, 3, &v);
		return add_char(m, v, at);
	}
	if (digit_of(look(m, 1)) <= 9)
		return REFUSE(m, at, "a group is ${10}, an octal number \\010");
	(void)number(m, 10, 1, &v);
	return add_group(m, v, at);
}

static const struct {
	unsigned char	letter, is;
} escapes[] = {
	{ 't', '\t' }, { 'n', '\n' }, { 'r', '\r' }, { 'f', '\f' },
	{ 'a', '\a' }, { 'b', '\b' }, { 'e', 0x1b },
};

static int
escaped_letter(struct maker *m, unsigned char c, size_t at)
{
	struct piece fold = { .kind = PIECE_CASE, .letter = c };
	uint64_t cp;
	size_t i;

	m->i++;
	for (i = 0; i < N(escapes); i++)
		if (escapes[i].letter == c)
			return add_char(m, escapes[i].is, at);
	switch (c) {
	case 'U': case 'L': case 'u': case 'l': case 'E':
		return add_piece(m, &fold);
	case 'x':
		if (look(m, 0) == '{')
			return braced(m, "{", 16, at);
		(void)number(m, 16, 2, &cp);
		return add_char(m, cp, at);
	case 'o':
		return braced(m, "{", 8, at);
	case 'N':
		return braced(m, "{U+", 16, at);
	case 'c':
		if (look(m, 0) < '?' || look(m, 0) > 'z')
			break;
		cp = look(m, 0) >= 'a' ? look(m, 0) - 32u : look(m, 0);
		m->i++;
		return add_char(m, cp ^ 64, at);
	}
	return REFUSE(m, at, "\\%c stands for nothing; a backslash is \\\\", c);
}

/* m->i is at the backslash. */
static int
escaped(struct maker *m)
{
	const size_t at = m->i++;
	const unsigned char c = look(m, 0);

	if (c >= '0' && c <= '9')
		return escaped_digit(m, at);
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return escaped_letter(m, c, at);
	if (m->i == m->d->text.n)
		return REFUSE(m, at, "a backslash is \\\\");
	m->i++;
	if (c == '/')
		return add_char(m, c, at);
	buf_chr(&m->text, c);
	return 0;
}

/* $+{name}; m->i is behind the brace. */
static int
named(struct maker *m, size_t at)
{
	const struct span rest = span_from(m->d->text, m->i);
	const size_t n = span_find(rest, '}');
	char name[64];
	uint32_t group = 0;
	size_t i;

	if (n < sizeof(name)) {
		for (i = 0; i < n; i++)
			name[i] = (char)rest.p[i];
		name[n] = '\0';
		group = regex_named(m->regex, name);
	}
	if (group == 0 || n == rest.n)
		return REFUSE(m, at, "there is no group of that name");
	m->i += n + 1;
	return add_group(m, group, at);
}

/* ${1} or ${&}; m->i is behind the brace. */
static int
braced_group(struct maker *m, size_t at)
{
	uint64_t group = 0;

	if (look(m, 0) == '&')
		m->i++;
	else if (look(m, 0) == '0' || number(m, 10, 9, &group) == 0)
		return REFUSE(m, at, "there are no variables here; a dollar "
		    "sign is \\$");
	if (look(m, 0) != '}')
		return REFUSE(m, at, "a group is written as ${1}");
	m->i++;
	return add_group(m, group, at);
}

/* m->i is at the dollar sign. */
static int
dollar(struct maker *m)
{
	const size_t at = m->i++;
	uint64_t group = 0;

	if (look(m, 0) == '{') {
		m->i++;
		return braced_group(m, at);
	}
	if (look(m, 0) == '+' && look(m, 1) == '{') {
		m->i += 2;
		return named(m, at);
	}
	if (look(m, 0) == '&') {
		m->i++;
		return add_group(m, 0, at);
	}
	if (look(m, 0) == '0' || number(m, 10, 9, &group) == 0)
		return REFUSE(m, at, "there are no variables here; a dollar "
		    "sign is \\$");
	if (look(m, 0) == '[' || look(m, 0) == '{')
		return REFUSE(m, at, "Perl would look into a variable here; "
		    "write ${%llu}", (unsigned long long)group);
	return add_group(m, group, at);
}

/* Between ' and ' there is only \\, which is one. */
static int
make_plain(struct maker *m)
{
	int rc = 0;

	for (; rc == 0 && m->i < m->d->text.n; m->i++) {
		if (look(m, 0) == '\\' && look(m, 1) == '\\')
			m->i++;
		if (look(m, 0) == '/')
			rc = add_char(m, '/', m->i);
		else
			buf_chr(&m->text, look(m, 0));
	}
	return rc;
}

static int
make_pieces(struct maker *m)
{
	int rc = 0;

	if (m->d->open == '\'')
		rc = make_plain(m);
	while (rc == 0 && m->i < m->d->text.n) {
		switch (look(m, 0)) {
		case '\\':
			rc = escaped(m);
			break;
		case '$':
			rc = dollar(m);
			break;
		case '/':
			rc = add_char(m, '/', m->i++);
			break;
		default:
			buf_chr(&m->text, look(m, 0));
			m->i++;
		}
	}
	return rc == 0 ? add_piece(m, NULL) : -1;
}

/* ---- the whole ---- */

/* Both texts and the flags; the second delimiter is the first where they are no pair. */
static int
parse_parts(struct scan *s, struct buf text[2], struct delimited d[2],
    unsigned *flags, bool *global)
{
	if (scan_delimited(s, true, &text[0], &d[0]) == -1)
		return -1;
	if (d[0].open == d[0].close)
		s->at--;
	else
		scan_blanks(s);
	if (scan_delimited(s, false, &text[1], &d[1]) == -1)
		return -1;
	return subst_flags(s, "gimsx", flags, global);
}

static struct subst *
finish(struct maker *m, bool global)
{
	struct subst sub = {
		.regex = m->regex, .kind = m->kind, .global = global,
	};

	sub.n = m->pieces.n / sizeof(struct piece);
	sub.v = pool_array(m->pool, m->pieces.p, sub.n, sizeof(struct piece),
	    m->s->err);
	if (sub.v == NULL)
		return NULL;
	return pool_array(m->pool, &sub, 1, sizeof(sub), m->s->err);
}

struct subst *
subst_parse(struct scan *s, struct pool *pool, enum subst_kind kind)
{
	struct buf text[2] = { BUF_INIT, BUF_INIT };
	struct delimited d[2];
	struct maker m = { .s = s, .pool = pool, .d = &d[1], .kind = kind };
	struct subst *sub = NULL;
	unsigned flags = kind == SUBST_NAME ? REGEX_UTF : 0;
	bool global;

	if (parse_parts(s, text, d, &flags, &global) == -1)
		goto out;
	if ((m.regex = pool_regex(pool, s, &d[0], flags)) == NULL)
		goto out;
	if (make_pieces(&m) == -1)
		goto out;
	sub = finish(&m, global);
out:
	buf_fini(&m.text);
	buf_fini(&m.pieces);
	buf_fini(&text[0]);
	buf_fini(&text[1]);
	return sub;
}

/* ---- applying it ---- */

/* The case escapes in force: for all that follows, and for one character. */
struct fold {
	unsigned char	all, once;	/* the letter, or 0 */
};

static void
put_case(const struct subst *sub, struct buf *out, struct span s,
    unsigned char letter)
{
	if (letter == 0)
		buf_put(out, s);
	else
		regex_case(out, s, sub->kind == SUBST_NAME,
		    letter == 'U' || letter == 'u');
}

static void
put_folded(const struct subst *sub, struct buf *out, struct fold *f,
    struct span s)
{
	uint32_t cp;
	size_t n;

	if (f->once != 0 && s.n > 0) {
		n = sub->kind == SUBST_NAME ? utf8_next(s, &cp) : 1;
		n = n == 0 ? 1 : n;
		put_case(sub, out, span_head(s, n), f->once);
		s = span_from(s, n);
		f->once = 0;
	}
	put_case(sub, out, s, f->all);
}

/*
 * In Perl \U and \L act on what comes out of \u and \l, and so undo it; but
 * where these follow at once, it is they that are done last.
 */
static void
set_fold(struct fold *f, unsigned char letter, bool at_once)
{
	if (letter == 'U' || letter == 'L' || letter == 'E')
		f->all = letter == 'E' ? 0 : letter;
	else if (f->all == 0 || at_once)
		f->once = letter;
}

static void
expand(const struct subst *sub, const struct regex_run *run,
    struct span shadow, size_t max, struct buf *out)
{
	struct fold fold = { 0, 0 };
	const struct piece *p;
	size_t i, from, to;

	for (i = 0; i < sub->n && out->n <= max; i++) {
		p = &sub->v[i];
		switch (p->kind) {
		case PIECE_TEXT:
			put_folded(sub, out, &fold, p->text);
			break;
		case PIECE_GROUP:
			if (regex_group(run, p->group, &from, &to))
				put_folded(sub, out, &fold, span_head(
				    span_from(shadow, from), to - from));
			break;
		case PIECE_CASE:
			set_fold(&fold, p->letter, i > 0 &&
			    sub->v[i - 1].kind == PIECE_CASE);
			break;
		}
	}
}

/*
 * With /g the search goes on where the last match ended; after an empty
 * match it must find something else there, or look further on.
 */
int
subst_apply(const struct subst *sub, struct regex_run *run,
    struct span subject, struct span shadow, size_t max, struct buf *out,
    struct err *err)
{
	size_t done = 0, from, to;
	bool empty = false;
	int found, any = 0;

	do {
		found = regex_exec(sub->regex, run, subject, done, empty, err);
		if (found == -1)
			return -1;
		if (found == 0 || !regex_group(run, 0, &from, &to) ||
		    from < done)
			break;
		any = 1;
		buf_put(out, span_head(span_from(shadow, done), from - done));
		expand(sub, run, shadow, max, out);
		done = to;
		empty = from == to;
	} while (sub->global && out->n <= max);
	if (any == 1)
		buf_put(out, span_from(shadow, done));
	if (!buf_ok(out))
		return err_nomem(err);
	if (out->n > max)
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "the result is over the limit of %zu octets", max);
	return any;
}
