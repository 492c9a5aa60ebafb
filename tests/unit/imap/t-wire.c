/* SPDX-License-Identifier: ISC */
/*
 * Responses and their tokens: what is accepted, what is refused, and that the
 * places where the network cuts make no difference to either.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imap/wire.h"

#include "../base/row.h"

/*
 * A feed of octets, and what came out of it as text.  Tokens: aATOM, qQUOTED,
 * lLITERAL, tSIZE of a taken one, ( and ), "." at the end of a response; "!" tokens
 * were refused, "#" the feed was.  Literals behind BODY[] are taken.
 */
struct run {
	struct wire	*w;
	struct buf	 out;
	uint64_t	 skip;		/* octets of a taken literal to come */
	bool		 failed;
};

static void
show_token(struct buf *out, const struct token *tok)
{
	switch (tok->type) {
	case TOK_ATOM:
		buf_chr(out, 'a');
		break;
	case TOK_QUOTED:
		buf_chr(out, 'q');
		break;
	case TOK_LITERAL:
		buf_chr(out, 'l');
		break;
	case TOK_TAKEN:
		buf_chr(out, 't');
		buf_u64(out, tok->size);
		break;
	case TOK_OPEN:
	case TOK_CLOSE:
		break;
	case TOK_END:
		buf_chr(out, '.');
		break;
	}
	buf_put(out, tok->text);
	buf_chr(out, '|');
}

static void
show_tokens(struct run *r)
{
	struct err err = ERR_INIT;
	struct tokens t;
	struct token tok;
	int rc;

	tokens_begin(&t, r->w);
	do {
		if ((rc = tokens_next(&t, &tok, &err)) == 0)
			show_token(&r->out, &tok);
	} while (rc == 0 && tok.type != TOK_END);
	if (rc == -1) {
		ROW_OK("tokens", err.scope == ERR_SESSION && err.msg[0] != '\0');
		buf_str(&r->out, "!|");
		return;
	}
	ROW_OK("the end stays", tokens_next(&t, &tok, &err) == 0 &&
	    tok.type == TOK_END);
}

static void
at_literal(struct run *r, struct err *err)
{
	const struct span before = wire_before(r->w);
	const uint64_t size = wire_literal(r->w);

	if (before.n >= 7 && span_is(span_from(before, before.n - 7), "BODY[] ")) {
		wire_take(r->w);
		r->skip = size;
	} else if (wire_keep(r->w, err) == -1) {
		r->failed = true;
	}
}

static void
run_feed(struct run *r, struct span in)
{
	struct err err = ERR_INIT;
	enum wire_event event;
	size_t n;

	while (in.n > 0 && !r->failed) {
		n = r->skip < in.n ? (size_t)r->skip : in.n;
		r->skip -= n;
		in = span_from(in, n);
		if (wire_feed(r->w, in, &n, &event, &err) == -1) {
			r->failed = true;
			break;
		}
		in = span_from(in, n);
		switch (event) {
		case WIRE_MORE:
			ROW_OK("more is wanted when all is used", in.n == 0);
			break;
		case WIRE_LITERAL:
			at_literal(r, &err);
			break;
		case WIRE_RESPONSE:
			show_tokens(r);
			break;
		}
	}
	if (r->failed) {
		ROW_OK("feed", err.scope == ERR_SESSION || err.scope == ERR_NONE);
		if (err.scope != ERR_NONE)
			buf_str(&r->out, "#");
	}
}

static void
run_init(struct run *r)
{
	struct err err = ERR_INIT;

	*r = (struct run){ .w = wire_new(&err) };
	assert_non_null(r->w);
}

static void
run_fini(struct run *r)
{
	wire_free(r->w);
	buf_fini(&r->out);
}

/* ---- the table ---- */

/* SPAN() as an initializer of static storage. */
#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }

static const struct row {
	const char	*name;
	struct span	 in;
	struct span	 out;
} rows[] = {
	{ "greeting", LIT("* OK ready\r\n"), LIT("a*|aOK|aready|.|") },
	{ "numbers", LIT("* 23 EXISTS\r\n"), LIT("a*|a23|aEXISTS|.|") },
	{ "a bare LF ends a line", LIT("* 1 RECENT\n"), LIT("a*|a1|aRECENT|.|") },
	{ "CR CR LF", LIT("* 1 RECENT\r\r\n"), LIT("a*|a1|aRECENT|.|") },
	{ "empty lines", LIT("\r\n\n\r\n+ go\r\n\r\n"), LIT("a+|ago|.|") },
	{ "+ alone", LIT("+\r\n+ \r\n"), LIT("a+|.|a+|.|") },
	{ "two at once", LIT("* 1 EXISTS\r\nx OK\r\n"),
	    LIT("a*|a1|aEXISTS|.|ax|aOK|.|") },
	{ "flags", LIT("* FLAGS (\\Seen \\* $Forwarded a]b)\r\n"),
	    LIT("a*|aFLAGS|(|a\\Seen|a\\*|a$Forwarded|aa]b|)|.|") },
	{ "empty list", LIT("* X () (())\r\n"), LIT("a*|aX|(|)|(|(|)|)|.|") },
	{ "blanks", LIT("*  X   (  a  ) \r\n"), LIT("a*|aX|(|aa|)|.|") },
	{ "quoted", LIT("* X \"a b\" \"\" \"a\\\"b\\\\\"\r\n"),
	    LIT("a*|aX|qa b|q|qa\"b\\|.|") },
	{ "8-bit in quoted", LIT("* X \"\xe4\xff\"\r\n"), LIT("a*|aX|q\xe4\xff|.|") },
	{ "8-bit and controls in an atom", LIT("* X \xe4\x01\x7f\"b\r\n"),
	    LIT("a*|aX|a\xe4\x01\x7f\"b|.|") },
	{ "parens and braces in quoted", LIT("* X (\"(}{1}\" b)\r\n"),
	    LIT("a*|aX|(|q(}{1}|ab|)|.|") },
	{ "literal", LIT("* X {3}\r\nab\n (c)\r\n"), LIT("a*|aX|lab\n|(|ac|)|.|") },
	{ "literal with NUL and CRLF", LIT("* X {4}\r\n\0\r\n}\r\n"), LIT("a*|aX|l\0\r\n}|.|") },
	{ "literal8", LIT("* X ~{3}\r\nabc\r\n"), LIT("a*|aX|labc|.|") },
	{ "literal+", LIT("* X {3+}\r\nabc\r\n"), LIT("a*|aX|labc|.|") },
	{ "empty literal", LIT("* X ({0}\r\n)\r\n"), LIT("a*|aX|(|l|)|.|") },
	{ "leading zeros", LIT("* X {003}\r\nabc\r\n"), LIT("a*|aX|labc|.|") },
	{ "two literals", LIT("* X {1}\r\na {1}\r\nb\r\n"), LIT("a*|aX|la|lb|.|") },
	{ "a literal that looks like responses",
	    LIT("* X {14}\r\n* 1 EXISTS{9}\r\n\r\n"), LIT("a*|aX|l* 1 EXISTS{9}\r|.|") },
	{ "a literal right behind an atom", LIT("* X BODY[]{2}\r\n* \r\n"),
	    LIT("a*|aX|aBODY[]|l* |.|") },
	{ "a literal right behind a literal", LIT("* X {1}\r\na{1}\r\nb\r\n"),
	    LIT("a*|aX|la|lb|.|") },
	{ "taken", LIT("* 5 FETCH (UID 7 BODY[] {5}\r\na\r\nb\n FLAGS ())\r\n"),
	    LIT("a*|a5|aFETCH|(|aUID|a7|aBODY[]|t5|aFLAGS|(|)|)|.|") },
	{ "taken, empty", LIT("* 5 FETCH (BODY[] {0}\r\n)\r\n"),
	    LIT("a*|a5|aFETCH|(|aBODY[]|t0|)|.|") },
	{ "taken and kept", LIT("* 5 FETCH (BODY[] {2}\r\nab X {1}\r\nc)\r\n"),
	    LIT("a*|a5|aFETCH|(|aBODY[]|t2|aX|lc|)|.|") },
	{ "partial", LIT("* 5 FETCH (BODY[]<0> NIL)\r\n"),
	    LIT("a*|a5|aFETCH|(|aBODY[]<0>|aNIL|)|.|") },
	{ "section", LIT("* 5 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID DATE)]<0> \"\")\r\n"),
	    LIT("a*|a5|aFETCH|(|aBODY[HEADER.FIELDS (MESSAGE-ID DATE)]<0>|q|)|.|") },
	{ "section with quoted",
	    LIT("* 5 FETCH (body[HEADER.FIELDS (\"a ]) \\\"\" b]c)] \"\")\r\n"),
	    LIT("a*|a5|aFETCH|(|abody[HEADER.FIELDS (\"a ]) \\\"\" b]c)]|q|)|.|") },
	{ "section with a literal",
	    LIT("* 5 FETCH (BODY[HEADER.FIELDS ({3}\r\n]) X)] {1}\r\na)\r\n"),
	    LIT("a*|a5|aFETCH|(|aBODY[HEADER.FIELDS ({3}\r\n]) X)]|la|)|.|") },
	{ "section not closed", LIT("* 5 FETCH (BODY[TEXT NIL)\r\n"),
	    LIT("a*|a5|aFETCH|(|!|") },
	{ "brackets of other atoms", LIT("* LIST () \"/\" [Gmail]/[x\r\n"),
	    LIT("a*|aLIST|(|)|q/|a[Gmail]/[x|.|") },
	{ "no literal in text", LIT("* OK [ALERT] use {5}\r\nx NO {3}\r\n+ {1}\r\n* 1 EXISTS\r\n"),
	    LIT("a*|aOK|a[ALERT]|ause|a{5}|.|ax|aNO|a{3}|.|a+|a{1}|.|a*|a1|aEXISTS|.|") },
	{ "a keyword like OK is no text", LIT("* FLAGS (OK {2}\r\nNO)\r\n"),
	    LIT("a*|aFLAGS|(|aOK|lNO|)|.|") },
	{ "no size", LIT("* X {}\r\n* X {+}\r\n* X {1x}\r\n* X 1}\r\n"),
	    LIT("a*|aX|a{}|.|a*|aX|a{+}|.|a*|aX|a{1x}|.|a*|aX|a1}|.|") },
	{ "brace alone", LIT("}\r\n{1}\r\na\r\n"), LIT("a}|.|la|.|") },
	{ "cut after the head of a literal", LIT("* X {12}\r\n"), LIT("") },
	{ "cut before it", LIT("* X {12"), LIT("") },
	{ "cut within it", LIT("* X {12}\r\nabc"), LIT("") },
	{ "2^64 - 1 taken, cut", LIT("* 1 FETCH (BODY[] {18446744073709551615}\r\nabc"), LIT("") },
	{ "2^64 - 1 kept", LIT("* X {18446744073709551615}\r\n"), LIT("#") },
	{ "2^64", LIT("* X {18446744073709551616}\r\n"), LIT("#") },
	{ "one over the limit", LIT("* X {16777217}\r\n"), LIT("#") },
	{ "over the limit together", LIT("* X {1}\r\na {16777216}\r\n"), LIT("#") },
	{ "quoted not closed", LIT("* X \"a\r\n"), LIT("a*|aX|!|") },
	{ "escape at the end", LIT("* X \"a\\\"\r\n"), LIT("a*|aX|!|") },
	{ "a literal in a string", LIT("* X \"a {3}\r\n"), LIT("#") },
	{ "a quote in an atom opens nothing", LIT("* X a\" {1}\r\nb\r\n"),
	    LIT("a*|aX|aa\"|lb|.|") },
	{ "NUL in an atom", LIT("* O\0K\r\n"), LIT("a*|!|") },
	{ "NUL in quoted", LIT("* \"O\0K\"\r\n"), LIT("a*|!|") },
	{ "NUL in a section", LIT("* BODY[\0] x\r\n"), LIT("a*|!|") },
	{ "unbalanced", LIT("* ) (\r\n"), LIT("a*|)|(|.|") },
	{ "ends within a list", LIT("* 1 FETCH (UID 1\r\n"),
	    LIT("a*|a1|aFETCH|(|aUID|a1|.|") },
};

static void
every_cut(void **state)
{
	struct run run;
	size_t i, cut;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		for (cut = 0; cut <= rows[i].in.n; cut++) {
			run_init(&run);
			run_feed(&run, span_head(rows[i].in, cut));
			run_feed(&run, span_from(rows[i].in, cut));
			ROW_SPAN(rows[i].name, buf_span(&run.out), rows[i].out);
			run_fini(&run);
		}
	}
}

static void
octet_by_octet(void **state)
{
	struct run run;
	size_t i, at;

	(void)state;
	for (i = 0; i < N(rows); i++) {
		run_init(&run);
		for (at = 0; at < rows[i].in.n; at++)
			run_feed(&run, span_of(rows[i].in.p + at, 1));
		ROW_SPAN(rows[i].name, buf_span(&run.out), rows[i].out);
		run_fini(&run);
	}
}

/* ---- limits ---- */

static void
line_limit(void **state)
{
	static const struct {
		const char	*name;
		size_t		 n;	/* octets without the CRLF */
		bool		 ok;
	} cases[] = {
		{ "just so", WIRE_LINE - 2, true },
		{ "one more", WIRE_LINE - 1, false },
	};
	struct buf in = BUF_INIT;
	struct run run;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		buf_clear(&in);
		memset(buf_room(&in, cases[i].n), '(', cases[i].n);
		in.n += cases[i].n;
		buf_str(&in, "\r\n");
		run_init(&run);
		run_feed(&run, buf_span(&in));
		ROW_OK(cases[i].name, run.failed != cases[i].ok);
		if (cases[i].ok)	/* a million levels, and no stack used */
			ROW_OK(cases[i].name, run.out.n == 2 * cases[i].n + 2);
		run_fini(&run);
	}
	buf_fini(&in);
}

/* Text between literals counts together. */
static void
line_limit_sum(void **state)
{
	struct buf piece = BUF_INIT;
	struct run run;
	size_t i;

	(void)state;
	run_init(&run);
	run_feed(&run, SPAN("*"));
	buf_str(&piece, " ");
	for (i = 0; i < 1000; i++)
		buf_chr(&piece, 'x');
	buf_str(&piece, " {1}\r\nl");
	for (i = 0; i < 2000 && !run.failed; i++)
		run_feed(&run, buf_span(&piece));
	ROW_OK("sum", run.failed && i > 1000 && i < 1100);
	run_fini(&run);
	buf_fini(&piece);
}

/* Lines as long as may be, of what is dear to parse: time grows with the length. */
static void
dear_lines(void **state)
{
	static const char *const pieces[] = {
		"(", "\"\" ", "\"\\\"\" ", "BODY[(", "BODY[\"] ", "BODY[] ", "BODY[{0}\r\n",
		"{0}\r\n", "({0}\r\n", "{", "}", "[", "\"", "\\", " {1", "\r",
	};
	struct buf in = BUF_INIT;
	struct span code, args, text;
	struct run run;
	size_t i;

	(void)state;
	(void)alarm(60);
	for (i = 0; i < N(pieces); i++) {
		buf_clear(&in);
		while (in.n < WIRE_LINE - 100)
			buf_str(&in, pieces[i]);
		resp_text(buf_span(&in), &code, &args, &text);
		buf_str(&in, "\r\n");
		run_init(&run);
		run_feed(&run, buf_span(&in));
		ROW_OK(pieces[i], !run.failed);
		run_fini(&run);
	}
	buf_fini(&in);
	(void)alarm(0);
}

/* ---- the smaller calls ---- */

static void
before_a_literal(void **state)
{
	struct err err = ERR_INIT;
	struct wire *w = wire_new(&err);
	enum wire_event event;
	struct tokens t;
	struct token tok;
	struct span in = SPAN("* 3 FETCH (X {1}\r\na BODY[] ~{4}\r\n....)\r\n");
	size_t used;

	(void)state;
	assert_int_equal(wire_feed(w, in, &used, &event, &err), 0);
	assert_int_equal(event, WIRE_LITERAL);
	assert_int_equal(wire_literal(w), 1);
	ROW_SPAN("first", wire_before(w), SPAN("* 3 FETCH (X "));
	assert_int_equal(wire_keep(w, &err), 0);

	in = span_from(in, used);
	assert_int_equal(wire_feed(w, in, &used, &event, &err), 0);
	assert_int_equal(event, WIRE_LITERAL);
	assert_int_equal(wire_literal(w), 4);
	ROW_SPAN("second", wire_before(w), SPAN("* 3 FETCH (X {1}\r\na BODY[] "));

	/* Tokens of what is there so far. */
	tokens_begin(&t, w);
	for (used = 0; used < 6; used++)
		assert_int_equal(tokens_next(&t, &tok, &err), 0);
	assert_int_equal(tok.type, TOK_LITERAL);
	ROW_SPAN("kept", tok.text, SPAN("a"));
	assert_int_equal(tokens_next(&t, &tok, &err), 0);
	ROW_SPAN("atom", tok.text, SPAN("BODY[]"));
	assert_int_equal(tokens_next(&t, &tok, &err), 0);
	assert_int_equal(tok.type, TOK_END);

	/* Neither taken nor kept: a mistake of the caller's. */
	assert_int_equal(wire_feed(w, SPAN("x"), &used, &event, &err), -1);
	assert_int_equal(err.status, STATUS_BUG);
	wire_free(w);
}

static void
reset_forgets(void **state)
{
	struct run run;

	(void)state;
	run_init(&run);
	run_feed(&run, SPAN("* X {100}\r\nabc"));
	wire_reset(run.w);
	run_feed(&run, SPAN("* 1 EXISTS\r\n* \"half"));
	wire_reset(run.w);
	run_feed(&run, SPAN("+ x\r\n"));
	ROW_SPAN("reset", buf_span(&run.out), SPAN("a*|a1|aEXISTS|.|a+|ax|.|"));
	run_fini(&run);
}

static void
skip_and_rest(void **state)
{
	static const struct {
		const char	*name;
		struct span	 in;
		int		 rc;
		const char	*rest;
	} cases[] = {
		{ "atom", LIT("a b\r\n"), 0, "b" },
		{ "quoted", LIT("\"a b\" c\r\n"), 0, "c" },
		{ "literal", LIT("{3}\r\n(( c\r\n"), 0, "c" },
		{ "list", LIT("(a (b \")\") {1}\r\n) c) [x] y\r\n"), 0, "[x] y" },
		{ "nothing behind", LIT("(a)\r\n"), 0, "" },
		{ "nothing", LIT(" \r\n"), -1, "" },
		{ "the end of a list", LIT(") a\r\n"), -1, "" },
		{ "not closed", LIT("((a) b\r\n"), -1, "" },
	};
	struct err err = ERR_INIT;
	struct run run;
	struct tokens t, ahead;
	struct token tok;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		run_init(&run);
		run_feed(&run, cases[i].in);
		tokens_begin(&t, run.w);
		ahead = t;
		ROW_OK(cases[i].name, tokens_skip(&t, &err) == cases[i].rc);
		if (cases[i].rc == 0) {
			ROW_SPAN(cases[i].name, tokens_rest(&t), span_str(cases[i].rest));
			ROW_OK(cases[i].name, tokens_next(&t, &tok, &err) == 0 &&
			    tok.type == TOK_END);
			/* A copy is where it was. */
			ROW_OK(cases[i].name, tokens_skip(&ahead, &err) == 0);
		}
		run_fini(&run);
	}
}

static void
resp_texts(void **state)
{
	static const struct {
		const char *in, *code, *args, *text;
	} cases[] = {
		{ "done", "", "", "done" },
		{ "", "", "", "" },
		{ "[ALERT] full", "ALERT", "", "full" },
		{ "[ALERT]", "ALERT", "", "" },
		{ "[HIGHESTMODSEQ 12]", "HIGHESTMODSEQ", "12", "" },
		{ "[UIDNEXT 7]x", "UIDNEXT", "7", "x" },
		{ "[PERMANENTFLAGS (\\Seen \\*)] ok", "PERMANENTFLAGS",
		    "(\\Seen \\*)", "ok" },
		{ "[BADCHARSET (\"a]b\" c)] no", "BADCHARSET", "(\"a]b\" c)", "no" },
		{ "[X \"a] b", "X", "\"a", "b" },
		{ "[not closed", "", "", "[not closed" },
		{ "[] x", "", "", "[] x" },
		{ "a [b] c", "", "", "a [b] c" },
		{ "[APPENDUID 1 2]  two", "APPENDUID", "1 2", " two" },
	};
	struct span code, args, text;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		resp_text(span_str(cases[i].in), &code, &args, &text);
		ROW_SPAN(cases[i].in, code, span_str(cases[i].code));
		ROW_SPAN(cases[i].in, args, span_str(cases[i].args));
		ROW_SPAN(cases[i].in, text, span_str(cases[i].text));
	}
}

/* ---- mutations ---- */

static uint64_t seed;

/* xorshift64: the same numbers in every run. */
static size_t
random_below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed % n);
}

static void
mutate(struct buf *in)
{
	static const unsigned char odd[] = "\r\n\"\\(){}[]~+* \0\xff""0123BODY";
	size_t times = random_below(4) + 1, at, n;
	unsigned char c;

	while (times-- > 0 && in->n > 2) {
		at = random_below(in->n);
		c = odd[random_below(N(odd))];
		switch (random_below(3)) {
		case 0:
			in->p[at] = c;
			break;
		case 1:
			n = random_below(in->n - at) % 8;
			memmove(in->p + at, in->p + at + n, in->n - at - n);
			in->n -= n;
			break;
		default:
			buf_chr(in, c);
			memmove(in->p + at + 1, in->p + at, in->n - at - 1);
			in->p[at] = c;
			break;
		}
	}
}

/* Some rows of the table after each other, and then damaged. */
static void
make_input(struct buf *in)
{
	size_t n = random_below(4) + 1;

	buf_clear(in);
	while (n-- > 0)
		buf_put(in, rows[random_below(N(rows))].in);
	mutate(in);
}

static void
mutations(void **state)
{
	struct buf in = BUF_INIT;
	struct run whole, pieces;
	struct span rest, piece;
	char name[64];
	size_t i;

	(void)state;
	seed = UINT64_C(0x9e3779b97f4a7c15);
	for (i = 0; i < 30000; i++) {
		(void)snprintf(name, N(name), "mutation %zu", i);
		make_input(&in);
		run_init(&whole);
		run_init(&pieces);
		run_feed(&whole, buf_span(&in));
		for (rest = buf_span(&in); rest.n > 0; ) {
			piece = span_head(rest, random_below(rest.n % 40 + 1) + 1);
			run_feed(&pieces, piece);
			rest = span_from(rest, piece.n);
		}
		ROW_SPAN(name, buf_span(&pieces.out), buf_span(&whole.out));
		run_fini(&whole);
		run_fini(&pieces);
	}
	buf_fini(&in);
}

/* ---- speed ---- */

/* A million responses of metadata; a limit with room for slow machines. */
static void
speed(void **state)
{
	static const struct span in = LIT(
	    "* 12345 FETCH (UID 123456 FLAGS (\\Seen $Label1) INTERNALDATE "
	    "\"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 MODSEQ (12121231000))\r\n");
	struct err err = ERR_INIT;
	struct wire *w = wire_new(&err);
	const clock_t start = clock();
	enum wire_event event;
	struct tokens t;
	struct token tok;
	size_t used, i, n = 0;
	double took;

	(void)state;
	for (i = 0; i < 1000000; i++) {
		assert_int_equal(wire_feed(w, in, &used, &event, &err), 0);
		tokens_begin(&t, w);
		do {
			(void)tokens_next(&t, &tok, &err);
			n++;
		} while (tok.type != TOK_END);
	}
	took = (double)(clock() - start) / (double)CLOCKS_PER_SEC;
	wire_free(w);
	assert_int_equal(n, 21 * 1000000);
	print_message("a million FETCH responses: %.2f s\n", took);
	assert_true(took < 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut),
		cmocka_unit_test(octet_by_octet),
		cmocka_unit_test(line_limit),
		cmocka_unit_test(line_limit_sum),
		cmocka_unit_test(dear_lines),
		cmocka_unit_test(before_a_literal),
		cmocka_unit_test(reset_forgets),
		cmocka_unit_test(skip_and_rest),
		cmocka_unit_test(resp_texts),
		cmocka_unit_test(mutations),
		cmocka_unit_test(speed),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
