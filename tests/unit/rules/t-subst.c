/* SPDX-License-Identifier: ISC */
/* s/// over names and flags: what comes out, and that levels are not torn. */

#include "try.h"

struct row {
	const char	*rule;
	const char	*in;		/* levels joined by "|" */
	const char	*out;		/* NULL: the same */
};

static const struct row names[] = {
	/* as people have them for imapsync */
	{ "folder s#Trash$#Papelera#", "Trash", "Papelera" },
	{ "folder s#Trash$#Papelera#", "Old|Trash", "Old|Papelera" },
	{ "folder s#Trash$#Papelera#", "Trashed", NULL },
	{ "folder s#^Deleted Items$#Papelera#", "Deleted Items", "Papelera" },
	{ "folder s#^Deleted Items$#Papelera#", "My Deleted Items", NULL },
	{ "folder s/^trash$/Trash/", "trash", "Trash" },
	{ "folder s/^trash$/Trash/", "Trash", NULL },
	{ "folder s/^trash$/Trash/", "trash|2020", NULL },
	{ "folder s,\\[Gmail\\].,,", "[Gmail]|Sent Mail", "Sent Mail" },
	{ "folder s,\\[Gmail\\].,,", "[Gmail]", NULL },
	{ "folder s,E-mails enviados,Sent,", "[Gmail]|E-mails enviados",
	    "[Gmail]|Sent" },
	{ "folder s,Lixeira,Trash,", "Lixeira", "Trash" },
	{ "folder s,Rascunhos,Drafts,", "A|Rascunhos|b", "A|Drafts|b" },
	{ "folder s,\\[Gmail\\].,,\nfolder s,E-mails enviados,Sent,",
	    "[Gmail]|E-mails enviados", "Sent" },

	/* delimiters */
	{ "folder s/a\\/b/c/", "a|b", "c" },
	{ "folder s{a/b}{c}", "a|b", "c" },
	{ "folder s{a{2}}{c}", "aa", "c" },
	{ "folder s{a} {b}", "a", "b" },
	{ "folder s(a)[b]", "a", "b" },
	{ "folder s<a>/b/", "a", "b" },
	{ "folder s{a}{\\}}", "a", "}" },
	{ "folder s,a\\,b,\\,,", "a,b", "," },
	{ "folder s'a'$1\\\\'", "a", "$1\\" },
	{ "folder s!a!b!", "a", "b" },
	{ "folder s|a\\|b|x|", "b", "x" },	/* as in Perl: it is a|b */

	/* flags of the regex */
	{ "folder s/a/b/", "aaa", "baa" },
	{ "folder s/a/b/g", "aaa", "bbb" },
	{ "folder s/A/b/gi", "aAa", "bbb" },
	{ "folder s/ a b /x/x", "ab", "x" },
	{ "folder s/^b$/x/m", "a\nb", "a\nx" },
	{ "folder s/^b$/x/", "a\nb", NULL },
	{ "folder s/a.b/x/", "a\nb", NULL },
	{ "folder s/a.b/x/s", "a\nb", "x" },
	{ "folder s/(?i)INBOX\\.//", "Inbox.a", "a" },
	{ "folder s/(?<=a)b(?!c)/x/g", "abcab", "abcax" },

	/* the replacement */
	{ "folder s/(.)(.)/$2$1/", "abc", "bac" },
	{ "folder s/(.)(.)/\\2\\1/", "abc", "bac" },
	{ "folder s/(.)(.)/${2}1${1}2/", "abc", "b1a2c" },
	{ "folder s/b/[$&${&}]/", "abc", "a[bb]c" },
	{ "folder s/(?<x>b)/<$+{x}>/", "abc", "a<b>c" },
	{ "folder s/(x)?b/[$1]/", "abc", "a[]c" },
	{ "folder s/b/\\$\\@\\\\\\&/", "b", "$@\\&" },
	{ "folder s/b/$&@x/", "b", "b@x" },
	{ "folder s/b/\\t|\\x41\\x{e9}\\075\\o{102}\\N{U+43}\\cI/", "b",
	    "\t|A\xc3\xa9=BC\t" },
	{ "folder s/(.*)/\\U$1/", "ab|c", "AB|C" },
	{ "folder s/(.*)/\\u\\L$1\\E$1/", "aBC", "AbcaBC" },
	{ "folder s/(.*)/\\L\\u$1/", "aBC", "Abc" },
	{ "folder s/(..)/\\l$1X/", "ABc", "aBXc" },

	/* empty matches, as Perl has them */
	{ "folder s/x*/-/g", "axb", "-a--b-" },
	{ "folder s/x*/-/", "axb", "-axb" },
	{ "folder s/$/x/g", "a", "ax" },
	{ "folder s/\\b/-/g", "ab cd", "-ab- -cd-" },
	{ "folder s/(?=\xc3\xa9)/-/g", "\xc3\xa9\xc3\xa9", "-\xc3\xa9-\xc3\xa9" },

	/* where PCRE2 10.42 is wrong when it optimises */
	{ "folder s/(?=b)x??b/c/i", "ab", "ac" },
	{ "folder s/(?:a|b|)b*(?=b)/-/g", "abc", "--bc" },

	/* UTF-8 */
	{ "folder s/^.$/x/", "\xc3\xa9", "x" },
	{ "folder s/\xc3\x89/x/i", "\xc3\xa9", "x" },
	{ "folder s/\\w+/x/", "\xc3\xa9t\xc3\xa9", "x" },
	{ "folder s/\\x{e9}/e/g", "\xc3\xa9", "e" },
	{ "folder s/b/c/", "\xff" "b\xff", "\xff" "c\xff" },
	{ "folder s/./x/g", "a\xff" "b", "x\xff" "x" },

	/* levels */
	{ "folder s,/,.,g", "a|b|c", "a.b.c" },
	{ "folder s,\\.,/,g", "a.b.c", "a|b|c" },
	{ "folder s,^,Old/,", "a", "Old|a" },
	{ "folder s,^,Old\\/,", "a", "Old|a" },
	{ "folder s,^,Old\\x2f,", "a", "Old|a" },
	{ "folder s,b,//x/,", "a|b", "a|x" },
	{ "folder s,^a/,/,", "a|b", "b" },
	{ "folder s,a,,", "a", NULL },		/* nothing would be left */
	{ "folder s,.*,/,", "a", NULL },
	{ "folder s/x/INBOX/", "x", "INBOX" },
	{ "folder s/x/inbox/", "x|inbox", "INBOX|inbox" },
	{ "folder s/^INBOX.//", "INBOX|Sent", "Sent" },

	/* a "/" within a level stays there */
	{ "folder s/c/d/", "A/B|c", "A/B|d" },
	{ "folder s/^/x/", "A/B|c/d", "xA/B|c/d" },
	{ "folder s/^(.*)$/Old\\/$1/", "A/B|c", "Old|A/B|c" },
	{ "folder s,^(.*)/(.*)$,$2/$1,", "A/B|c", "c|A/B" },
	{ "folder s,A/B,x,", "A/B|c", "x|c" },
	{ "folder s,/,.,", "A/B|c", "A.B|c" },
	{ "folder s,(/),$1$1,g", "A/B|c", "A//B|c" },

	{ "folder prefix Old", "a|b", "Old|a|b" },
	{ "folder prefix Old/2020", "INBOX", "Old|2020|INBOX" },
	{ "folder prefix \"My Mail/#1\"", "a", "My Mail|#1|a" },
	{ "folder prefix inbox", "a", "INBOX|a" },
};

static void
on_names(void **state)
{
	struct item item = { .uid = 1 };
	const struct row *r;
	struct try t;
	size_t i;

	(void)state;
	for (i = 0; i < N(names); i++) {
		r = &names[i];
		try_parse(&t, r->rule, span_str(r->rule));
		try_apply(&t, r->in, &item);
		CHECK(r->rule, t.rc == 0 && !t.out.dropped);
		CHECK_SPAN(r->rule, buf_span(&t.shown),
		    span_str(r->out != NULL ? r->out : r->in));
		CHECK(r->rule, (t.out.fired.n > 0) == (r->out != NULL));
		try_apply(&t, r->in, NULL);
		CHECK(r->rule, t.rc == 0);
		CHECK_SPAN(r->rule, buf_span(&t.shown),
		    span_str(r->out != NULL ? r->out : r->in));
		try_fini(&t);
	}
}

static const struct row flags[] = {
	{ "flags s/\\\\Flagged//g", "\\Flagged \\Seen", "\\Seen" },
	{ "flags s/\\\\Flagged//g", "\\Flagged", "" },
	{ "flags s/\\\\Flagged//g", "\\Seen x", NULL },
	{ "flags s/\\\\Seen/\\\\Flagged Work/", "\\Seen", "\\Flagged Work" },
	{ "flags s/\\b(?:NonJunk|Junk)\\b//gi", "\\Seen junk NonJunk x",
	    "\\Seen x" },
	{ "flags s/^/\\$Old /", "", "$Old" },
	{ "flags s/(\\S+)/$1/g", "\\Seen a", NULL },
	{ "flags s/ /\\r\\n/g", "\\Seen a b", NULL },
	{ "flags s/$/ zz Aa AA \\\\seen/", "\\Draft b", "\\Draft \\Seen Aa b zz" },
	{ "flags s/\\xff/x/", "\xff", "x" },
	{ "flags s/x/\\xe9/", "x", "\xe9" },
	{ "flags s,^(.*)$,$1 a/b,", "", "a/b" },
	{ "flags add \\Flagged", "\\Seen", "\\Flagged \\Seen" },
	{ "flags add \\seen", "\\Seen", NULL },
	{ "flags add b A \\Draft", "c", "\\Draft A b c" },
	{ "flags add \"if\" 'seen'", "", "if seen" },
	{ "flags drop \\Flagged $x", "\\Flagged \\Seen $X y", "\\Seen y" },
	{ "flags drop z", "a", NULL },
	{ "flags only \\Seen \\Flagged", "\\Draft \\Flagged a", "\\Flagged" },
	{ "flags only \\Seen", "a b", "" },
	{ "flags only A b", "a B", NULL },
};

static void
on_flags(void **state)
{
	struct item item = { .uid = 1 };
	const struct row *r;
	struct try t;
	size_t i;

	(void)state;
	for (i = 0; i < N(flags); i++) {
		r = &flags[i];
		item.flags = span_str(r->in);
		try_parse(&t, r->rule, span_str(r->rule));
		try_apply(&t, "a|b", &item);
		CHECK(r->rule, t.rc == 0 && !t.out.dropped);
		CHECK_SPAN(r->rule, t.out.flags,
		    span_str(r->out != NULL ? r->out : r->in));
		CHECK_SPAN(r->rule, buf_span(&t.shown), SPAN("a|b"));
		CHECK(r->rule, (t.out.fired.n > 0) == (r->out != NULL));
		try_fini(&t);
	}
}

/* Rules whose cost or result would know no bounds. */
static const struct {
	const char	*name;
	size_t		 times;		/* the rule is there */
	const char	*rule;
	size_t		 as;		/* that the mailbox's name begins with */
	bool		 fits_b;	/* a mailbox "b" is no trouble */
} heavy[] = {
	{ "nested stars", 1, "folder s/^(a+)+$/x/", 50, true },
	{ "nested stars in a condition", 1,
	    "drop if mailbox =~ /^(\\w*\\w*)*!$/", 50, true },
	{ "backward", 1, "folder s/(a*a*a*a*a*)*c/x/", 50, true },
	{ "recursion without end", 1, "folder s/^((a|(?1))+)c/x/", 50, false },
	{ "growth", 20, "folder s/(.*)/$1$1/s", 1, false },
	{ "growth in one", 1, "folder s/.?/aaaaaaaaaaaaaaaaaaaaaaaa/g", 15000,
	    true },
	{ "growth of levels", 20, "folder s,(.*),$1/$1,s", 1, false },
	{ "a long prefix", 3000, "folder prefix abcdefgh", 1, false },
};

static void
limits(void **state)
{
	struct item item = { .uid = 1 };
	struct buf text = BUF_INIT, name = BUF_INIT;
	struct try t;
	size_t i, k;

	(void)state;
	for (i = 0; i < N(heavy); i++) {
		buf_clear(&text);
		for (k = 0; k < heavy[i].times; k++)
			buf_fmt(&text, "%s\n", heavy[i].rule);
		buf_clear(&name);
		for (k = 0; k < heavy[i].as; k++)
			buf_chr(&name, 'a');
		buf_chr(&name, 'b');
		try_parse(&t, heavy[i].name, buf_span(&text));
		try_apply(&t, buf_cstr(&name), &item);
		CHECK(heavy[i].name, t.rc == -1);
		CHECK(heavy[i].name, t.err.scope == ERR_MESSAGE);
		CHECK(heavy[i].name, strncmp(t.err.msg, "-e:", 3) == 0);
		try_apply(&t, buf_cstr(&name), NULL);
		CHECK(heavy[i].name, t.rc == -1);
		CHECK(heavy[i].name, t.err.scope == ERR_MAILBOX);
		try_apply(&t, "b", &item);	/* it goes on with the next */
		CHECK(heavy[i].name, (t.rc == 0) == heavy[i].fits_b);
		try_fini(&t);
	}
	buf_fini(&text);
	buf_fini(&name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_names),
		cmocka_unit_test(on_flags),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
