/* SPDX-License-Identifier: ISC */
/*
 * The identer: what the canon keeps apart and what it does not, lint, and
 * that the pieces in which a message comes make no difference.
 */

#include <string.h>

#include "model.h"

/* Two messages, and whether their canon is the same. */
static const struct row {
	const char	*name;
	struct span	 a, b;
	bool		 same;
} rows[] = {
	{ "line ends", LIT("A: b\r\n\r\nc\r\nd\r\n"), LIT("A: b\n\nc\nd\n"), true },
	{ "mixed line ends", LIT("A: b\n\r\nc\r\nd\n"), LIT("A: b\r\n\nc\nd\r\n"), true },
	{ "last line end", LIT("A: b\n\nc"), LIT("A: b\n\nc\r\n"), true },
	{ "empty lines behind", LIT("A: b\n\nc\n"), LIT("A: b\n\nc\n\r\n\n\r\n"), true },
	{ "empty lines within", LIT("A: b\n\nc\n\nd"), LIT("A: b\n\nc\nd"), false },
	{ "blank line behind", LIT("A: b\n\nc\n"), LIT("A: b\n\nc\n \n"), false },
	{ "blank at a line's end", LIT("A: b\n\nc\n"), LIT("A: b\n\nc \n"), false },
	{ "CR within a line", LIT("A: b\n\nc\rd\n"), LIT("A: b\n\ncd\n"), false },
	{ "CR is no line end", LIT("A: b\n\nc\rd\n"), LIT("A: b\n\nc\nd\n"), false },
	{ "CR CR LF", LIT("A: b\n\nc\r\r\nd"), LIT("A: b\n\nc\nd"), false },
	{ "CR at the end", LIT("A: b\n\nc\r"), LIT("A: b\n\nc"), true },
	{ "CR behind the last line", LIT("A: b\n\nc\r\n\r"), LIT("A: b\n\nc"), true },
	{ "NUL as Dovecot stores it", LIT("A: b\0\n\n\0c\0\0d\0"),
	    LIT("A: b\x80\n\n\x80" "c\x80\x80" "d\x80"), true },
	{ "NUL is not nothing", LIT("A: b\n\nc\0d"), LIT("A: b\n\ncd"), false },
	{ "folds", LIT("A: b\r\n c\r\n\r\nd"), LIT("A: b c\n\nd"), true },
	{ "blanks in a value", LIT("A:b  \t c \n\nd"), LIT("A: b c\n\nd"), true },
	{ "blank before the colon", LIT("A : b\n\nd"), LIT("A: b\n\nd"), true },
	{ "case of a name", LIT("SUBJECT: b\n\nd"), LIT("Subject: b\n\nd"), true },
	{ "case of a value", LIT("A: B\n\nd"), LIT("A: b\n\nd"), false },
	{ "order of fields", LIT("A: b\nC: d\n\n"), LIT("C: d\nA: b\n\n"), false },
	{ "other value", LIT("A: b\n\n"), LIT("A: c\n\n"), false },
	{ "8-bit value", LIT("A: \xfc\n\n"), LIT("A: ?\n\n"), false },
	{ "no body", LIT("A: b\r\n"), LIT("A: b\r\n\r\n"), true },
	{ "header or body", LIT("A: b\nC: d\n"), LIT("A: b\n\nC: d\n"), false },
	{ "status", LIT("A: b\nStatus: RO\nX-UID: 5\nC: d\n\ne"),
	    LIT("A: b\nC: d\n\ne"), true },
	{ "folded labels", LIT("X-Gmail-Labels: a,\n b,\n c\nA: b\n\nc"),
	    LIT("A: b\n\nc"), true },
	{ "status in the body", LIT("A: b\n\nStatus: RO\n"), LIT("A: b\n\n"), false },
	{ "only volatile", LIT("Status: RO\n\nb"), LIT("\n\nb"), false },
	{ "only volatile, no header", LIT("Status: RO\n\nb"), LIT("\nb"), true },
	{ "line of an mbox", LIT("From a@b Mon Jan  1 10:00:00 2001\nA: b\n\nc"),
	    LIT("A: b\n\nc"), true },
	{ "quoted line of an mbox", LIT(">From a@b Mon Jan  1 10:00:00 2001\nA: b\n\nc"),
	    LIT("A: b\n\nc"), true },
	{ "such a line later", LIT("A: b\nFrom a@b Mon Jan  1 10:00:00 2001\n\nc"),
	    LIT("A: b\n\nc"), false },
	{ "From with a blank", LIT("From : a@b\n\nc"), LIT("From: a@b\n\nc"), true },
	{ "Fromage", LIT("Fromage x\nA: b\n"), LIT("A: b\n"), false },
	{ "empty", LIT(""), LIT("\r\n\r\n\n"), true },
};

static void
ident_of(struct identer *id, struct span s, struct ident *out)
{
	identer_add(id, s);
	identer_end(id, out);
}

static void
canons(void **state)
{
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	struct ident a, b;
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		ident_of(id, rows[i].a, &a);
		ident_of(id, rows[i].b, &b);
		CHECK_INT(rows[i].name, digest_eq(&a.canon, &b.canon), rows[i].same);
		CHECK(rows[i].name, !digest_eq(&a.digest, &b.digest));
	}
	identer_free(id);
	identer_free(NULL);
}

/* What mx-archive(5) says, to the octet. */
static void
canon_octets(void **state)
{
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	struct digest want;
	struct ident got;

	(void)state;
	ident_of(id, SPAN("From x@y\r\nSUBject :  a\r\n\tb \r\nX-UID: 4\r\nTo:\r\n"
	    "odd  line\r\n\r\n  body \r\n\r\nend\r\n\r\n"), &got);
	sha256_of(SPAN("subject: a b\nto:\nodd line\n\n  body \n\nend"), &want);
	assert_true(digest_eq(&got.canon, &want));
	ident_of(id, SPAN(""), &got);
	sha256_of(SPAN(""), &want);
	assert_true(digest_eq(&got.canon, &want));
	identer_free(id);
}

static void
lints(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
		unsigned	 lint;
		uint32_t	 longest;
	} cases[] = {
		{ "clean",	LIT("A: b\r\n\r\nccc\r\n"), 0, 4 },
		{ "empty",	LIT(""), LINT_NO_HEADER, 0 },
		{ "NUL",	LIT("A: b\r\n\r\nc\0c\r\n"), LINT_NUL, 4 },
		{ "bare LF",	LIT("A: b\n\r\nc\r\n"), LINT_BARE_LF, 4 },
		{ "bare LF first", LIT("\nA\r\n"), LINT_BARE_LF | LINT_NO_HEADER, 1 },
		{ "bare CR",	LIT("A: b\r\n\r\nc\rc\r\n"), LINT_BARE_CR, 4 },
		{ "CR CR LF",	LIT("A: b\r\n\r\nc\r\r\n"), LINT_BARE_CR, 4 },
		{ "CR at the end", LIT("A: b\r\n\r\nc\r"),
		    LINT_BARE_CR | LINT_NO_EOL, 4 },
		{ "CR in the header", LIT("A:\rb\r\n\r\n"), LINT_BARE_CR, 4 },
		{ "no end",	LIT("A: b\r\n\r\nlonger"), LINT_NO_EOL, 6 },
		{ "8-bit header", LIT("A: \xfc\r\n\r\n"), LINT_8BIT_HEADER, 4 },
		{ "8-bit name",	LIT("\xfc: b\r\n\r\n"),
		    LINT_8BIT_HEADER | LINT_NO_HEADER, 4 },
		{ "8-bit body",	LIT("A: b\r\n\r\n\xfc\r\n"), 0, 4 },
		{ "body only",	LIT("\r\nA: b\r\n"), LINT_NO_HEADER, 4 },
		{ "no field first", LIT("odd\r\nA: b\r\n"), LINT_NO_HEADER, 4 },
		{ "odd later",	LIT("A: b\r\nodd\r\n"), 0, 4 },
	};
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	struct ident got;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		ident_of(id, cases[i].in, &got);
		CHECK_INT(cases[i].name, got.lint, cases[i].lint);
		CHECK_INT(cases[i].name, got.longest_line, cases[i].longest);
		CHECK_INT(cases[i].name, got.size, cases[i].in.n);
	}
	identer_free(id);
}

/* Every cut into three, and octet by octet, against the model. */
static void
check_cuts(struct identer *id, const char *name, struct span s)
{
	struct ident want, got;
	size_t i, k;

	model_ident(s, &want);
	ident_of(id, s, &got);
	model_eq(name, &got, &want);
	for (i = 0; i <= s.n; i++)
		for (k = i; k <= s.n && k <= i + 3; k++) {
			identer_add(id, span_head(s, i));
			identer_add(id, span_head(span_from(s, i), k - i));
			ident_of(id, span_from(s, k), &got);
			model_eq(name, &got, &want);
		}
	for (i = 0; i < s.n; i++)
		identer_add(id, span_head(span_from(s, i), 1));
	identer_end(id, &got);
	model_eq(name, &got, &want);
}

static void
every_cut(void **state)
{
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	size_t i;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		check_cuts(id, rows[i].name, rows[i].a);
		check_cuts(id, rows[i].name, rows[i].b);
	}
	identer_free(id);
}

/* Messages of pieces that hurt, put together at random. */
static void
random_message(struct buf *out, uint64_t *seed, size_t pieces)
{
	static const struct span pool[] = {
		LIT("\r"), LIT("\n"), LIT("\r\n"), LIT("\n"), LIT("\r\n"), LIT(" "),
		LIT("\t"), LIT(":"), LIT("a"), LIT("b"), LIT("From "), LIT(">From "),
		LIT("From: x@y\r\n"), LIT("Date: 2 Jan 2006 15:04:05 GMT\n"),
		LIT("Message-ID: <a@b>\r\n"), LIT("Subject : x\r\n y\r\n"), LIT("To: c\n"),
		LIT("Status: RO\n"), LIT("X-UID: 1\r\n 2\n"), LIT("\xfc"), LIT("\0"),
		LIT("nothing\n"), LIT("X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"),
	};

	buf_clear(out);
	while (pieces-- > 0)
		buf_put(out, pool[check_below(seed, N(pool))]);
}

static void
random_messages(void **state)
{
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	struct buf b = BUF_INIT;
	struct ident want, got;
	struct span rest;
	uint64_t seed = 5;
	size_t i, k;

	(void)state;
	for (i = 0; i < 20000; i++) {
		random_message(&b, &seed, check_below(&seed, 30));
		model_ident(buf_span(&b), &want);
		for (rest = buf_span(&b); rest.n > 0; rest = span_from(rest, k)) {
			k = 1 + check_below(&seed, 12);
			k = k < rest.n ? k : rest.n;
			identer_add(id, span_head(rest, k));
		}
		identer_end(id, &got);
		model_eq(buf_cstr(&b), &got, &want);
	}
	buf_fini(&b);
	identer_free(id);
}

/* Sizes beyond every buffer, header and body, in random pieces. */
static void
large_messages(void **state)
{
	static const struct {
		const char	*name, *head, *fill, *tail;
		size_t		 times;
	} cases[] = {
		{ "CRLF text", "A: b\r\n\r\n",
		    "The quick brown fox jumps over the lazy dog.\r\n", "", 20000 },
		{ "LF text", "A: b\n\n",
		    "The quick brown fox jumps over the lazy dog.\n", "", 20000 },
		{ "one line", "A: b\n\n", "0123456789", "", 100000 },
		{ "line ends, then text", "A: b\n\n", "\n", "x", 300000 },
		{ "CRLFs, then text", "A: b\n\n", "\r\n", "x", 200000 },
		{ "only line ends", "A: b\n\n", "\r\n", "", 200000 },
		{ "CRs", "A: b\n\n", "\r", "", 200000 },
		{ "a long header", "Message-ID: <a@b>\nX: y", "\n word", "\n\nbody\n", 300000 },
		{ "many fields", "", "Subject: word\r\n", "From: a@b\r\n\r\nbody\r\n", 100000 },
		{ "a long name", "", "name", ": value\n\nbody\n", 50000 },
		{ "a long value", "To: ", "value", "\n\nbody\n", 200000 },
		{ "a header of line noise", "", "a\n", "\n", 200000 },
	};
	static const size_t sizes[] = { 100, 5000, 200000 };
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	struct buf b = BUF_INIT;
	struct ident want, got;
	struct span rest;
	uint64_t seed = 9;
	size_t i, k, s;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		buf_clear(&b);
		buf_str(&b, cases[i].head);
		for (k = 0; k < cases[i].times; k++)
			buf_str(&b, cases[i].fill);
		buf_str(&b, cases[i].tail);
		assert_true(buf_ok(&b));
		model_ident(buf_span(&b), &want);
		for (s = 0; s < N(sizes); s++) {
			for (rest = buf_span(&b); rest.n > 0; rest = span_from(rest, k)) {
				k = 1 + check_below(&seed, sizes[s]);
				k = k < rest.n ? k : rest.n;
				identer_add(id, span_head(rest, k));
			}
			identer_end(id, &got);
			model_eq(cases[i].name, &got, &want);
		}
	}
	buf_fini(&b);
	identer_free(id);
}

static void
volatile_names(void **state)
{
	static const char *const names[] = {
		"Status", "X-Status", "X-UID", "X-Mozilla-Status",
		"X-Mozilla-Status2", "X-Mozilla-Keys", "X-Keywords", "X-GM-LABELS",
		"X-Gmail-Labels", "X-GM-THRID", "X-IMAPbase", "X-IMAP",
		"Content-Length", "X-Message-Flag", "X-TUID", "X-OfflineIMAP",
	};
	static const char *const others[] = {
		"", "Subject", "Received", "X-Spam-Status", "Content-Type", "X-UI",
		"X-UIDs",
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(names); i++)
		CHECK(names[i], ident_is_volatile(span_str(names[i])));
	for (i = 0; i < N(others); i++)
		CHECK(others[i], !ident_is_volatile(span_str(others[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canons),
		cmocka_unit_test(canon_octets),
		cmocka_unit_test(lints),
		cmocka_unit_test(every_cut),
		cmocka_unit_test(random_messages),
		cmocka_unit_test(large_messages),
		cmocka_unit_test(volatile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
