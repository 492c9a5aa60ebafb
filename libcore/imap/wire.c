/* SPDX-License-Identifier: ISC */
/*
 * Octets from a server into whole responses, and their tokens.
 *
 * A response is lines with literals between them.  It is kept as it was sent,
 * without the octets of taken literals, with a table of where literals are:
 * so what was found to be a literal on the way in is one for the tokens too.
 */

#include <stdlib.h>
#include <string.h>

#include "imap/wire.h"

/* More storage than this is not kept from one response to the next. */
#define WIRE_IDLE	((size_t)1 << 20)

enum wire_state {
	STATE_LINE,
	STATE_PENDING,		/* a literal comes: wire_take() or wire_keep() */
	STATE_KEEPING,		/* ... and is being kept */
	STATE_DONE,
};

/* All offsets are into the text of the response. */
struct literal {
	size_t		head;	/* of its "{" or "~{" */
	size_t		data;	/* behind the line end */
	uint64_t	size;
	bool		taken;	/* its octets are not in the text */
};

struct wire {
	enum wire_state	 state;
	struct buf	 text;
	size_t		 end;		/* of what tokens may see */
	size_t		 segment;	/* start of the text behind the last literal */
	size_t		 line;		/* octets outside literals */
	uint64_t	 kept;		/* octets in kept literals */
	uint64_t	 left;		/* octets to come of the one being kept */
	struct literal	*literals;
	size_t		 literals_n, literals_cap;
	unsigned char	*plain;		/* unescaped strings, each at its offset */
	size_t		 plain_n;
};

static int
bad(struct err *err, const char *what)
{
	return err_set(err, ERR_SESSION, STATUS_CONNECT,
	    "the server's response makes no sense: %s", what);
}

struct wire *
wire_new(struct err *err)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		err_nomem(err);
	return w;
}

void
wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	buf_fini(&w->text);
	free(w->literals);
	free(w->plain);
	free(w);
}

void
wire_reset(struct wire *w)
{
	if (w->text.cap > WIRE_IDLE)
		buf_fini(&w->text);
	else
		buf_clear(&w->text);
	if (w->plain_n > WIRE_IDLE) {
		free(w->plain);
		w->plain = NULL;
		w->plain_n = 0;
	}
	w->state = STATE_LINE;
	w->end = w->segment = w->line = 0;
	w->kept = w->left = 0;
	w->literals_n = 0;
}

/* ---- from octets to a response ---- */

/*
 * Where the string ends whose opening quote is at `at`: the offset of its
 * closing quote, or s.n where there is none.
 */
static size_t
quote_end(struct span s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++) {
		if (s.p[at] == '\\' && at + 1 < s.n)
			at++;
	}
	return at;
}

/* A quote opens a string only where a token starts: never within an atom. */
static bool
is_quote_open(struct span s)
{
	bool fresh = true;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (fresh && s.p[i] == '"') {
			if ((i = quote_end(s, i)) == s.n)
				return true;
			continue;
		}
		fresh = s.p[i] == ' ' || s.p[i] == '(' || s.p[i] == ')';
	}
	return false;
}

/*
 * Whether the line is free text, in which braces mean nothing:
 * "+ text", "tag OK text" and its like (RFC 9051 section 7.1).
 */
static bool
is_text(struct span line)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE", "PREAUTH" };
	struct span tag, word;
	size_t i;

	if (span_starts(line, "+"))
		return true;
	if (!span_next(&line, ' ', &tag) || !span_next(&line, ' ', &word))
		return false;
	for (i = 0; i < N(words); i++) {
		if (span_iis(word, words[i]))
			return true;
	}
	return false;
}

/*
 * The head of a literal at the end of a line without its CRLF: its offset
 * and size.  1 there is one, 0 there is none, -1 failed.
 *
 *	literal  = "{" number64 ["+"] "}" CRLF
 *	literal8 = "~{" number64 "}" CRLF
 *
 * It counts wherever it stands, even behind an atom: taken for text, what
 * follows would be read as responses, and that may be a message.
 */
static int
find_literal(struct span line, bool first, size_t *head, uint64_t *size,
    struct err *err)
{
	size_t end = line.n, at;

	if (end == 0 || line.p[--end] != '}')
		return 0;
	if (end > 0 && line.p[end - 1] == '+')
		end--;
	for (at = end; at > 0 && line.p[at - 1] >= '0' && line.p[at - 1] <= '9'; )
		at--;
	if (at == end || at == 0 || line.p[at - 1] != '{')
		return 0;
	if (first && is_text(line))
		return 0;
	if (!span_u64(span_of(line.p + at, end - at), size))
		return bad(err, "the size of a literal is out of range");
	*head = at - 1;
	if (*head > 0 && line.p[*head - 1] == '~')
		--*head;
	if (is_quote_open(span_head(line, *head)))
		return bad(err, "a quoted string is not closed");
	return 1;
}

static int
add_literal(struct wire *w, size_t head, uint64_t size, struct err *err)
{
	const size_t cap = w->literals_cap == 0 ? 8 : w->literals_cap * 2;
	struct literal *more;

	if (w->literals_n == w->literals_cap) {
		if ((more = realloc(w->literals, cap * sizeof(*more))) == NULL)
			return err_nomem(err);
		w->literals = more;
		w->literals_cap = cap;
	}
	w->literals[w->literals_n++] = (struct literal){
		.head = head, .data = w->text.n, .size = size,
	};
	return 0;
}

/* A line is complete in the text, its LF included. */
static int
end_line(struct wire *w, enum wire_event *event, struct err *err)
{
	struct span line = span_from(buf_span(&w->text), w->segment);
	size_t head = 0;
	uint64_t size = 0;
	int found;

	line.n--;
	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 && w->literals_n == 0) {
		wire_reset(w);		/* an empty line between responses */
		return 0;
	}
	found = find_literal(line, w->literals_n == 0, &head, &size, err);
	if (found == -1)
		return -1;
	if (found == 0) {
		w->end = w->segment + line.n;
		w->state = STATE_DONE;
		*event = WIRE_RESPONSE;
		return 0;
	}
	w->end = w->segment + head;
	if (add_literal(w, w->end, size, err) == -1)
		return -1;
	w->state = STATE_PENDING;
	*event = WIRE_LITERAL;
	return 0;
}

/* Move what belongs to the line to the text: 1 up to its LF, 0 no LF yet. */
static int
feed_line(struct wire *w, struct span in, size_t *used, struct err *err)
{
	const size_t lf = span_find(in, '\n');
	const size_t n = lf < in.n ? lf + 1 : in.n;

	if (n > WIRE_LINE - w->line)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server's response is longer than %zu octets without its literals",
		    WIRE_LINE);
	w->line += n;
	buf_put(&w->text, span_head(in, n));
	if (!buf_ok(&w->text))
		return err_nomem(err);
	*used += n;
	return lf < in.n;
}

static int
feed_kept(struct wire *w, struct span in, size_t *used, struct err *err)
{
	const size_t n = w->left < in.n ? (size_t)w->left : in.n;

	buf_put(&w->text, span_head(in, n));
	if (!buf_ok(&w->text))
		return err_nomem(err);
	*used += n;
	w->left -= n;
	if (w->left == 0) {
		w->segment = w->text.n;
		w->state = STATE_LINE;
	}
	return 0;
}

int
wire_feed(struct wire *w, struct span in, size_t *used, enum wire_event *event,
    struct err *err)
{
	int lf;

	*used = 0;
	*event = WIRE_MORE;
	if (w->state == STATE_PENDING)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "a literal is neither taken nor kept");
	if (w->state == STATE_DONE)
		wire_reset(w);

	while (*used < in.n && *event == WIRE_MORE) {
		if (w->state == STATE_KEEPING) {
			if (feed_kept(w, span_from(in, *used), used, err) == -1)
				return -1;
			continue;
		}
		if ((lf = feed_line(w, span_from(in, *used), used, err)) == -1)
			return -1;
		if (lf == 1 && end_line(w, event, err) == -1)
			return -1;
	}
	return 0;
}

uint64_t
wire_literal(const struct wire *w)
{
	return w->state == STATE_PENDING ?
	    w->literals[w->literals_n - 1].size : 0;
}

struct span
wire_before(const struct wire *w)
{
	return span_head(buf_span(&w->text), w->end);
}

void
wire_take(struct wire *w)
{
	if (w->state != STATE_PENDING)
		return;
	w->literals[w->literals_n - 1].taken = true;
	w->segment = w->text.n;
	w->end = 0;
	w->state = STATE_LINE;
}

int
wire_keep(struct wire *w, struct err *err)
{
	const uint64_t size = wire_literal(w);

	if (w->state != STATE_PENDING)
		return 0;
	if (size > WIRE_KEEP - w->kept)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "a literal of %llu octets makes the server's response larger than %zu",
		    (unsigned long long)size, WIRE_KEEP);
	w->kept += size;
	w->left = size;
	w->end = 0;
	w->segment = w->text.n;
	w->state = size > 0 ? STATE_KEEPING : STATE_LINE;
	return 0;
}

/* ---- tokens ---- */

void
tokens_begin(struct tokens *t, struct wire *w)
{
	*t = (struct tokens){ w, 0, 0 };
}

/* Up to where a token may go: the next literal, or the end. */
static size_t
token_stop(const struct tokens *t)
{
	const struct wire *w = t->wire;

	if (t->literal < w->literals_n && w->literals[t->literal].head < w->end)
		return w->literals[t->literal].head;
	return w->end;
}

/* Step over the literal that starts here. */
static const struct literal *
take_literal(struct tokens *t)
{
	const struct literal *l = &t->wire->literals[t->literal++];

	t->at = l->data + (l->taken ? 0 : (size_t)l->size);
	return l;
}

static bool
at_literal(const struct tokens *t)
{
	return t->at < t->wire->end && t->at == token_stop(t);
}

static int
literal_token(struct tokens *t, struct token *tok)
{
	const struct literal *l = take_literal(t);

	tok->type = l->taken ? TOK_TAKEN : TOK_LITERAL;
	tok->size = l->size;
	if (!l->taken)
		tok->text = span_of(t->wire->text.p + l->data, (size_t)l->size);
	return 0;
}

/*
 * Without its escapes.  The plain text stands at the same offset in a buffer
 * of the text's size, so that reading it twice takes no more room.
 */
static int
unescape(struct wire *w, size_t at, size_t n, struct span *out,
    struct err *err)
{
	const unsigned char *from = w->text.p + at;
	unsigned char *to;
	size_t i;

	if (w->plain_n < w->text.n) {
		if ((to = realloc(w->plain, w->text.n)) == NULL)
			return err_nomem(err);
		w->plain = to;
		w->plain_n = w->text.n;
	}
	to = w->plain + at;
	for (i = 0; i < n; i++) {
		if (from[i] == '\\' && i + 1 < n)
			i++;
		*to++ = from[i];
	}
	*out = span_of(w->plain + at, (size_t)(to - (w->plain + at)));
	return 0;
}

static int
quoted_token(struct tokens *t, struct token *tok, struct err *err)
{
	struct wire *w = t->wire;
	const struct span s = span_of(w->text.p, token_stop(t));
	const size_t start = t->at + 1, end = quote_end(s, t->at);

	if (end >= s.n)
		return bad(err, "a quoted string is not closed");
	tok->type = TOK_QUOTED;
	tok->text = span_of(s.p + start, end - start);
	if (span_find(tok->text, '\0') < tok->text.n)
		return bad(err, "a NUL in a string");
	if (span_find(tok->text, '\\') < tok->text.n &&
	    unescape(w, start, end - start, &tok->text, err) == -1)
		return -1;
	t->at = end + 1;
	return 0;
}

/* Attributes whose "[" opens a section, with blanks and lists in it. */
static bool
has_section(struct span atom)
{
	static const char *const names[] = {
		"BODY", "BINARY", "BINARY.SIZE", "BODY.PEEK", "BINARY.PEEK",
	};
	size_t i;

	for (i = 0; i < N(names); i++) {
		if (span_iis(atom, names[i]))
			return true;
	}
	return false;
}

/*
 * Go from a section's "[" to behind its "]".  A "]" within a list, a string
 * or a literal is part of a header field's name.
 */
static int
skip_section(struct tokens *t, struct err *err)
{
	const unsigned char *p = t->wire->text.p;
	struct token string;
	size_t depth = 0;
	bool fresh = false;

	for (t->at++; t->at < t->wire->end && p[t->at] != '\0'; ) {
		if (at_literal(t)) {
			(void)take_literal(t);
			fresh = false;
			continue;
		}
		if (fresh && p[t->at] == '"') {
			if (quoted_token(t, &string, err) == -1)
				return -1;
			fresh = false;
			continue;
		}
		if (p[t->at] == '(')
			depth++;
		if (p[t->at] == ')' && depth > 0)
			depth--;
		fresh = p[t->at] == ' ' || p[t->at] == '(';
		if (p[t->at++] == ']' && depth == 0)
			return 0;
	}
	return bad(err, "a section is not closed, or has a NUL in it");
}

/*
 * An atom: all up to a blank, a parenthesis or a literal.  That is more than
 * RFC 9051 lets in, since servers send names unquoted that should not be; a
 * NUL is refused.
 */
static int
atom_token(struct tokens *t, struct token *tok, struct err *err)
{
	const unsigned char *p = t->wire->text.p;
	const size_t start = t->at;
	size_t stop = token_stop(t);
	unsigned char c;

	while (t->at < stop) {
		c = p[t->at];
		if (c == ' ' || c == '(' || c == ')')
			break;
		if (c == '\0')
			return bad(err, "a NUL in an atom");
		if (c == '[' && has_section(span_of(p + start, t->at - start))) {
			if (skip_section(t, err) == -1)
				return -1;
			stop = token_stop(t);
			continue;
		}
		t->at++;
	}
	tok->type = TOK_ATOM;
	tok->text = span_of(p + start, t->at - start);
	return 0;
}

int
tokens_next(struct tokens *t, struct token *tok, struct err *err)
{
	const struct wire *w = t->wire;

	*tok = (struct token){ .type = TOK_END };
	while (t->at < w->end && !at_literal(t) && w->text.p[t->at] == ' ')
		t->at++;
	if (t->at >= w->end)
		return 0;
	if (at_literal(t))
		return literal_token(t, tok);
	switch (w->text.p[t->at]) {
	case '(':
	case ')':
		tok->type = w->text.p[t->at] == '(' ? TOK_OPEN : TOK_CLOSE;
		tok->text = span_of(w->text.p + t->at++, 1);
		return 0;
	case '"':
		return quoted_token(t, tok, err);
	default:
		return atom_token(t, tok, err);
	}
}

int
tokens_skip(struct tokens *t, struct err *err)
{
	struct token tok;
	size_t depth = 0;

	do {
		if (tokens_next(t, &tok, err) == -1)
			return -1;
		if (tok.type == TOK_END || (tok.type == TOK_CLOSE && depth == 0))
			return bad(err, "a value is missing");
		if (tok.type == TOK_OPEN)
			depth++;
		if (tok.type == TOK_CLOSE)
			depth--;
	} while (depth > 0);
	return 0;
}

struct span
tokens_rest(struct tokens *t)
{
	struct span rest = span_from(wire_before(t->wire), t->at);

	t->at = t->wire->end;
	t->literal = t->wire->literals_n;
	return span_starts(rest, " ") ? span_from(rest, 1) : rest;
}

/* ---- resp-text ---- */

/* The offset of the "]" of a code that starts at the front; s.n: none. */
static size_t
code_end(struct span s)
{
	bool fresh = false;
	size_t i;

	for (i = 1; i < s.n; i++) {
		if (fresh && s.p[i] == '"' && (i = quote_end(s, i)) == s.n)
			return span_find(s, ']');
		if (s.p[i] == ']')
			return i;
		fresh = s.p[i] == ' ' || s.p[i] == '(';
	}
	return s.n;
}

void
resp_text(struct span in, struct span *code, struct span *args,
    struct span *text)
{
	struct span inner;
	size_t end;

	*code = *args = SPAN_NONE;
	*text = in;
	if (!span_starts(in, "[") || (end = code_end(in)) == in.n)
		return;
	inner = span_trim(span_of(in.p + 1, end - 1));
	if (!span_next(&inner, ' ', code))
		return;
	*args = span_trim(inner);
	*text = span_from(in, end + 1);
	if (span_starts(*text, " "))
		*text = span_from(*text, 1);
}
