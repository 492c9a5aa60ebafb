/* SPDX-License-Identifier: ISC */
/*
 * s/// against Perl's own: the same substitutions of the same subjects, by
 * rules and by perl(1), give the same octets.  Skipped where there is no perl.
 */

#include <sys/wait.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "rules/subst.h"

#include "try.h"

/*
 * Reads "KIND SUBST NUL SUBJECT NUL" and writes what becomes of the subject and a NUL.
 * Names (n) are characters, flags (f) are octets.
 */
static const char script[] =
    "use strict; no warnings; use utf8;\n"
    "binmode STDIN; binmode STDOUT; local $/ = \"\\0\";\n"
    "while (defined(my $s = <STDIN>)) {\n"
    "	my $t = <STDIN>; chomp($s, $t);\n"
    "	my $kind = substr($s, 0, 1, '');\n"
    "	if ($kind eq 'n') { utf8::decode($s); utf8::decode($t); }\n"
    "	{ local $_ = $t; local $/ = \"\\n\"; eval \"use utf8; $s; 1\"\n"
    "	    or $_ = \"ERROR $@\"; $t = $_; }\n"
    "	utf8::encode($t) if $kind eq 'n';\n"
    "	print $t, \"\\0\";\n"
    "}\n";

static const char *const substs[] = {
	"s#Trash$#Papelera#", "s#^Deleted Items$#Papelera#",
	"s/^trash$/Trash/", "s,\\[Gmail\\].,,", "s,E-mails enviados,Sent,",
	"s,Lixeira,Trash,", "s,Rascunhos,Drafts,", "s/\\\\Flagged//g",
	"s/a/b/", "s/a/b/g", "s/A/b/gi", "s/x*/-/g", "s/x*/-/", "s/x*?/-/g",
	"s/(?=a)|b/<$&>/g", "s/\\b/|/g", "s/$/!/g", "s/^/!/mg", "s/$/!/mg",
	"s/(a)|(b)/[$1$2]/g", "s/(a)|b/[$1]/g", "s/(a)?(b)?/<$2$1>/g",
	"s/(.)(.)/$2$1/g", "s/(.)(.)/\\2\\1/g", "s/(.)(.)/${2}0${1}0/g",
	"s/(?<c>[ab])/$+{c}$+{c}/g", "s/./$&$&/g", "s/./x/gs", "s/a.b/x/s",
	"s/ a  b #c\n/x/x", "s{a{1}}{b}g", "s{a}  {b}", "s(a)[b]", "s<a>/b/",
	"s{(a)}{\\{$1\\}}", "s,a\\,b,\\,,", "s|a\\|b|x|", "s'a'$1\\n\\\\'",
	"s!a!b!", "s.a\\.b.x.", "s?a\\?b?x?", "s/\\//./g", "s,/,.,g",
	"s,\\.,/,g", "s{/}{\\/\\/}g", "s/a/\\t\\n\\r\\f\\a\\b\\e/", "s/a/\\x41\\x{42}\\x7/",
	"s/a/\\075\\o{76}\\cA/", "s/a/\\$\\@\\\\\\.\\&\\-\\//", "s/(.*)/\\U$1/",
	"s/(.*)/\\L$1\\E!/", "s/(\\w+)/\\u\\L$1/g", "s/(\\w+)/\\L\\u$1/g",
	"s/(\\w)(\\w*)/\\l$1\\U$2\\Ex/g", "s/(\\w+) (\\w+)/\\U$1\\L$2\\E$1/",
	"s/(a+)+$/x/", "s/(?i)A(?-i)b/x/g", "s/(?<!a)b/x/g", "s/(?<=a)b/x/g",
	"s/(?>a+)b/x/g", "s/a++/x/g", "s/(a)(?=b)/<$1>/g", "s/\\s+//g",
	"s/^\\s+|\\s+$//g", "s/\\A.//s", "s/.\\z//s", "s/.\\Z//s", "s/\\R/-/g",
	"s/[^a-z]//g", "s/[[:alpha:]]/A/g", "s/\\d+/<$&>/g", "s/\\w/w/g",
	"s/\\W/W/g", "s/((a)|(b))+/[$1|$2|$3]/g", "s/(?|(a)|(b))/<$1>/g",
	"s/(a|ab)(c|bcd)(d*)/$1-$2-$3/", "s/a\\Kb/x/g", "s/\\Ga/x/g",
	"s/(.)\\1/<$1>/g", "s/(?:(a)|b)*/<$1>/", "s/a{2,}/x/g",
	"s/b|/-/g", "s/|b/-/g", "s/(?:)/-/g", "s/(a*)(b*)/$2$1,/g",
	"s/\\x{e9}/e/g", "s/\xc3\xa9/e/g", "s/(.)$/<$1>/", "s/\\N/./g",
	"s/(?#note)a/b/", "s/\\Qa.b\\E/x/", "s/a$/x/", "s/a$/x/m", "s/\\h/_/g",
};

static const char *const subjects[] = {
	"", "a", "b", "ab", "aab", "axb", "aaa", "abcd", "abab", "a b", "a/b",
	"A/B/c", "Trash", "Old/Trash", "trash", "Deleted Items", "[Gmail]",
	"[Gmail]/E-mails enviados", "Lixeira", "Rascunhos", "a.b", "a,b", "a|b",
	"a?b", "a{b", " a ", "hello wide World", "a\n", "a\nb\n", "\n",
	"a1b22c333", "\\Flagged \\Seen", "\\Seen $Label1 NonJunk", "aXbXc xx x",
	"abcabcabc", "bbbaaabbb", "-_.", "ABba", "a\tb",
};

/* Only in names: characters of more than one octet. */
static const char *const wide[] = {
	"\xc3\xa9", "\xc3\xa9t\xc3\xa9", "a\xc3\xa9z", "\xc3\xa9\xc3\xa9/\xc3\xa9",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "x\xf0\x9f\x98\x80x", "\xc3\x89",
};

/* ---- random ones ---- */

static const char *
pick(uint64_t *s, const char *const *v, size_t n)
{
	return v[try_random(s) % n];
}

static void
put_random(struct buf *out, uint64_t *s)
{
	static const char *const atoms[] = {
		"a", "b", "c", ".", "[ab]", "[^a]", "(a)", "(b|c)", "(?:ab)",
		"(a|)", "/", "\\w", "(?:a|b|)", "\xc3\xa9", "[^/]",
	};
	static const char *const places[] = {
		"\\b", "\\B", "^", "(?:$)", "(?=b)", "(?!a)", "(?<=a)", "(?<!b)", "()",
	};
	static const char *const counts[] = {
		"", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}",
	};
	static const char *const parts[] = {
		"x", "$&", "<", ">", "", "\\U.", "\\E", "\\lX", "/", "\\t", "${&}",
	};
	static const char *const flags[] = { "g", "", "gi", "gm", "gs", "i" };
	size_t n;

	buf_str(out, "s{");
	for (n = 1 + try_random(s) % 4; n > 0; n--) {
		if (try_random(s) % 4 == 0) {
			buf_str(out, pick(s, places, N(places)));
			continue;
		}
		buf_str(out, pick(s, atoms, N(atoms)));
		buf_str(out, pick(s, counts, N(counts)));
	}
	buf_str(out, "}{");
	for (n = try_random(s) % 4; n > 0; n--)
		buf_str(out, pick(s, parts, N(parts)));
	buf_chr(out, '}');
	buf_str(out, pick(s, flags, N(flags)));
}

/* ---- both ---- */

/* What is asked, and the answers of each side, a NUL behind every text. */
struct both {
	struct buf	ask, ours, theirs;
	size_t		n;
};

/* Ours: subst_apply() itself, since names and flags would be made canonical. */
static void
ask(struct both *b, char kind, struct span subst, struct span subject)
{
	struct err err = ERR_INIT;
	struct scan s = { .file = "x", .line = 1, .text = subst, .at = 1,
	    .err = &err };
	struct pool pool = { 0 };
	struct subst *sub;
	struct regex_run *run;
	struct buf out = BUF_INIT;
	size_t i;
	int rc;

	sub = subst_parse(&s, &pool, kind == 'n' ? SUBST_NAME : SUBST_FLAGS);
	if (sub == NULL)
		fail_msg("%.*s: %s", SPAN_ARG(subst), err.msg);
	run = regex_run_new(pool.groups, &err);
	assert_non_null(run);
	rc = subst_apply(sub, run, subject, subject, 1 << 16, &out, &err);
	assert_true(rc == 0 || rc == 1);
	if (rc == 0)
		buf_put(&out, subject);
	for (i = 0; kind == 'n' && i < out.n; i++)
		if (out.p[i] == '\0')
			out.p[i] = '/';
	buf_put(&b->ours, buf_span(&out));
	buf_chr(&b->ours, '\0');

	buf_chr(&b->ask, (unsigned char)kind);
	buf_put(&b->ask, subst);
	buf_chr(&b->ask, '\0');
	buf_put(&b->ask, subject);
	buf_chr(&b->ask, '\0');
	b->n++;
	regex_run_free(run);
	pool_fini(&pool);
	buf_fini(&out);
}

/* The child: perl with these as its input and output. */
static _Noreturn void
become_perl(int in, int out)
{
	if (dup2(in, 0) != -1 && dup2(out, 1) != -1)
		(void)execlp("perl", "perl", "-e", script, (char *)NULL);
	_exit(127);
}

/* False: there is no perl here. */
static bool
run_perl(struct both *b)
{
	unsigned char *room;
	ssize_t n;
	int in, out, status;
	pid_t pid;

	assert_int_equal(io_temp(&in, NULL), 0);
	assert_int_equal(io_temp(&out, NULL), 0);
	assert_int_equal(io_write(in, buf_span(&b->ask), "ask", NULL), 0);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	if ((pid = fork()) == 0)
		become_perl(in, out);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return false;
	assert_int_equal(status, 0);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	do {
		room = buf_room(&b->theirs, 1 << 16);
		assert_non_null(room);
		n = io_read(out, room, 1 << 16, "answers", NULL);
		assert_true(n >= 0);
		b->theirs.n += (size_t)n;
	} while (n > 0);
	(void)io_close(&in, "ask", NULL);
	(void)io_close(&out, "answers", NULL);
	return true;
}

static void
compare(struct both *b)
{
	struct span asked = buf_span(&b->ask), ours = buf_span(&b->ours);
	struct span theirs, subst, subject, we, they;
	size_t i, bad = 0;

	if (!run_perl(b))
		skip();
	theirs = buf_span(&b->theirs);
	for (i = 0; i < b->n; i++) {
		assert_true(span_next(&asked, '\0', &subst));
		assert_true(span_next(&asked, '\0', &subject));
		assert_true(span_next(&ours, '\0', &we));
		assert_true(span_next(&theirs, '\0', &they));
		if (span_eq(we, they))
			continue;
		print_error("%.*s of \"%.*s\": \"%.*s\", Perl has \"%.*s\"\n",
		    SPAN_ARG(subst), SPAN_ARG(subject), SPAN_ARG(we),
		    SPAN_ARG(they));
		bad++;
	}
	buf_fini(&b->ask);
	buf_fini(&b->ours);
	buf_fini(&b->theirs);
	assert_int_equal(bad, 0);
}

static void
known(void **state)
{
	struct both b = { .n = 0 };
	size_t i, k;

	(void)state;
	for (i = 0; i < N(substs); i++) {
		for (k = 0; k < N(subjects); k++) {
			ask(&b, 'n', span_str(substs[i]), span_str(subjects[k]));
			ask(&b, 'f', span_str(substs[i]), span_str(subjects[k]));
		}
		for (k = 0; k < N(wide); k++)
			ask(&b, 'n', span_str(substs[i]), span_str(wide[k]));
	}
	compare(&b);
}

static void
random_ones(void **state)
{
	struct both b = { .n = 0 };
	struct buf subst = BUF_INIT;
	uint64_t seed = 4711;
	size_t i, k;

	(void)state;
	for (i = 0; i < 2000; i++) {
		buf_clear(&subst);
		put_random(&subst, &seed);
		for (k = 0; k < 4; k++)
			ask(&b, 'n', buf_span(&subst), span_str(
			    k == 0 ? pick(&seed, wide, N(wide)) :
			    pick(&seed, subjects, N(subjects))));
	}
	buf_fini(&subst);
	compare(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known),
		cmocka_unit_test(random_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
