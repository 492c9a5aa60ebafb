/* SPDX-License-Identifier: ISC */
/* Flags and keywords as letters in the names of messages. */

#include "mail/flags.h"

#include "formats/maildir/keywords.h"

void
keywords_fini(struct keywords *k)
{
	arena_fini(&k->arena);
	*k = (struct keywords){ .arena = { .head = NULL } };
}

/* A keyword that means one flag and is none of the system's. */
static bool
is_keyword(struct span s)
{
	return s.n > 0 && s.p[0] != '\\' && flags_valid(s);
}

bool
keywords_parse(struct keywords *k, struct span text)
{
	struct span line, number;
	uint64_t i;

	keywords_fini(k);
	while (span_next(&text, '\n', &line)) {
		number = span_head(line, span_find(line, ' '));
		line = span_trim(span_from(line, number.n));
		if (!span_u64(number, &i) || i >= KEYWORDS_MAX ||
		    !is_keyword(line) || keywords_letter(k, line) != 0)
			continue;
		if (!arena_span(&k->arena, line, &k->name[i]))
			return false;
	}
	return true;
}

void
keywords_put(struct buf *out, const struct keywords *k)
{
	size_t i;

	for (i = 0; i < KEYWORDS_MAX; i++)
		if (k->name[i].n > 0) {
			buf_u64(out, i);
			buf_chr(out, ' ');
			buf_put(out, k->name[i]);
			buf_chr(out, '\n');
		}
}

char
keywords_letter(const struct keywords *k, struct span keyword)
{
	size_t i;

	for (i = 0; i < KEYWORDS_MAX; i++)
		if (k->name[i].n > 0 && span_ieq(k->name[i], keyword))
			return (char)('a' + (char)i);
	return 0;
}

char
keywords_add(struct keywords *k, struct span keyword)
{
	size_t i;

	if (!is_keyword(keyword))
		return 0;
	for (i = 0; i < KEYWORDS_MAX; i++)
		if (k->name[i].n == 0)
			return arena_span(&k->arena, keyword, &k->name[i]) ?
			    (char)('a' + (char)i) : 0;
	return 0;
}

void
keywords_flags(struct buf *out, const struct keywords *k, struct span letters)
{
	struct buf list = BUF_INIT;
	const char *flag;
	size_t i;

	for (i = 0; i < letters.n; i++) {
		const unsigned char c = letters.p[i];

		if (c >= 'a' && c <= 'z')
			buf_put(&list, k->name[c - 'a']);
		else if (c < 0x80 && (flag = flags_of_letter((char)c)) != NULL)
			buf_str(&list, flag);
		buf_chr(&list, ' ');
	}
	flags_canon(out, buf_span(&list));
	if (!buf_ok(&list))
		out->bad = true;
	buf_fini(&list);
}
