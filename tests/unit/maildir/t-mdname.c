/* SPDX-License-Identifier: ISC */
/* Mailbox names and the directories that stand for them. */

#include "formats/maildir/mdname.h"

#include <stdlib.h>

#include "../base/row.h"

#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }

#define X50	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250	X50 X50 X50 X50 X50

static const struct row {
	const char		*name;
	struct span		 mailbox;
	enum mdname_form	 form;
	struct span		 path;	/* none: only its hash is known */
	bool			 told;	/* the path says the name */
} rows[] = {
	{ "fs", LIT("A\0B"), MDNAME_FS, LIT("A/B"), true },
	{ "fs INBOX", LIT("INBOX"), MDNAME_FS, LIT("INBOX"), true },
	{ "fs slash", LIT("A/B"), MDNAME_FS, LIT("A%2FB"), true },
	{ "fs up", LIT(".."), MDNAME_FS, LIT("%2E%2E"), true },
	{ "fs cur", LIT("A\0cur"), MDNAME_FS, LIT("A/%63ur"), true },
	{ "fs percent", LIT("100%"), MDNAME_FS, LIT("100%25"), true },
	{ "fs Latin-1", LIT("a\xe4"), MDNAME_FS, LIT("a%E4"), true },
	{ "fs ampersand", LIT("A&-B"), MDNAME_FS, LIT("A&-B"), true },
	{ "fs long", LIT(X250), MDNAME_FS, LIT(""), false },
	{ "plus", LIT("A\0B"), MDNAME_PLUS, LIT(".A.B"), true },
	{ "plus INBOX", LIT("INBOX"), MDNAME_PLUS, LIT(""), true },
	{ "plus below INBOX", LIT("INBOX\0B"), MDNAME_PLUS, LIT(".INBOX.B"), true },
	{ "plus coded", LIT("Entw\xc3\xbcrfe"), MDNAME_PLUS,
	    LIT(".Entw&APw-rfe"), true },
	{ "plus ampersand", LIT("A&B"), MDNAME_PLUS, LIT(".A&-B"), true },
	{ "plus percent", LIT("100%"), MDNAME_PLUS, LIT(".100%"), true },
	{ "plus cur", LIT("cur"), MDNAME_PLUS, LIT(".cur"), true },
	{ "plus dot", LIT("a.b"), MDNAME_PLUS, LIT(""), false },
	{ "plus slash", LIT("a/b"), MDNAME_PLUS, LIT(""), false },
	{ "plus up", LIT(".."), MDNAME_PLUS, LIT(""), false },
	{ "plus Latin-1", LIT("a\xe4"), MDNAME_PLUS, LIT(""), false },
	{ "plus long", LIT(X250), MDNAME_PLUS, LIT(""), false },
	{ "plus as if hashed", LIT("a_b%~0123456789abcdef"), MDNAME_PLUS,
	    LIT(""), false },
	{ "plus raw", LIT("Entw\xc3\xbcrfe\0B"), MDNAME_PLUS_UTF8,
	    LIT(".Entw\xc3\xbcrfe.B"), true },
	{ "plus raw ampersand", LIT("A&B"), MDNAME_PLUS_UTF8, LIT(".A&B"), true },
	{ "plus raw as if coded", LIT("A&-B"), MDNAME_PLUS_UTF8, LIT(""), false },
	{ "plus raw Latin-1", LIT("a\xe4"), MDNAME_PLUS_UTF8, LIT(""), false },
};

/* The name that a path alone gives. */
static void
add_path(struct buf *name, struct span path)
{
	struct span dir;

	while (span_next(&path, '/', &dir))
		ROW_OK("memory", dir.p[0] == '.' ? mdname_add_plus(name, dir) :
		    mdname_add_fs(name, dir));
}

static void
paths(void **state)
{
	struct buf path = BUF_INIT, back = BUF_INIT;
	struct span rest, dir;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		const struct row *r = &rows[i];

		buf_clear(&path);
		buf_clear(&back);
		mdname_path(&path, r->mailbox, r->form);
		ROW_OK(r->name, buf_ok(&path));
		if (r->path.n > 0 || r->told)
			ROW_SPAN(r->name, buf_span(&path), r->path);
		else
			ROW_OK(r->name, path.n > 18 &&
			    span_starts(span_of(path.p + path.n - 18, 2), "%~"));
		rest = buf_span(&path);
		while (span_next(&rest, '/', &dir)) {
			ROW_OK(r->name, dir.n > 0 && dir.n <= 255);
			ROW_OK(r->name, (dir.p[0] == '.') == (r->form != MDNAME_FS));
			ROW_OK(r->name, !span_is(dir, "..") && !span_is(dir, "."));
		}
		add_path(&back, buf_span(&path));
		if (path.n > 0)
			ROW_OK(r->name, span_eq(buf_span(&back), r->mailbox) == r->told);
	}
	buf_fini(&path);
	buf_fini(&back);
}

/* Directories that we would not have made: nothing is lost of them. */
static void
foreign(void **state)
{
	static const struct {
		const char	*name;
		struct span	 dir, want;
	} odd[] = {
		{ "lone percent", LIT("100%"), LIT("100%") },
		{ "small hex", LIT("a%2fb"), LIT("a%2fb") },
		{ "needless escape", LIT("%41"), LIT("%41") },
		{ "cut", LIT("abc%~0123456789abcdef"), LIT("abc%~0123456789abcdef") },
		{ "Latin-1", LIT("\xe4"), LIT("\xe4") },
		{ "inbox", LIT("Inbox"), LIT("INBOX") },
		{ "raw in plus", LIT(".Entw\xc3\xbcrfe"), LIT("Entw\xc3\xbcrfe") },
		{ "Latin-1 in plus", LIT(".\xe4.b"), LIT("\xe4\0b") },
		{ "bad code in plus", LIT(".A&B.c"), LIT("A&B\0c") },
		{ "empty in plus", LIT(".a..b"), LIT(".a..b") },
		{ "dot at the end", LIT(".a."), LIT(".a.") },
		{ "dots", LIT("..."), LIT("...") },
	};
	struct buf name = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(odd); i++) {
		buf_clear(&name);
		add_path(&name, odd[i].dir);
		ROW_SPAN(odd[i].name, buf_span(&name), odd[i].want);
	}
	buf_fini(&name);
}

/* No two names have one path, whatever they are made of. */
static void
no_two(void **state)
{
	static const unsigned char parts[] = { 'a', '.', '/', '%', '~', '&', '-',
	    '_', 0xe4, '\0' };
	static const enum mdname_form forms[] = {
		MDNAME_FS, MDNAME_PLUS, MDNAME_PLUS_UTF8
	};
	const size_t all = N(parts) * N(parts) * N(parts);
	struct buf *path = calloc(all, sizeof(*path));
	size_t f, i, j, n;

	(void)state;
	assert_non_null(path);
	for (f = 0; f < N(forms); f++) {
		for (i = 0, n = 0; i < all; i++) {
			const unsigned char name[] = { parts[i / 100],
			    parts[i / 10 % 10], parts[i % 10] };

			if (name[0] == 0 || name[2] == 0)
				continue;
			buf_clear(&path[n]);
			mdname_path(&path[n++], span_of(name, 3), forms[f]);
		}
		for (i = 0; i < n; i++)
			for (j = 0; j < i; j++)
				assert_false(span_eq(buf_span(&path[i]),
				    buf_span(&path[j])));
	}
	for (i = 0; i < all; i++)
		buf_fini(&path[i]);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(foreign),
		cmocka_unit_test(no_two),
	};

	return cmocka_run_group_tests_name("mdname", tests, NULL, NULL);
}
