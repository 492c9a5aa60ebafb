/* SPDX-License-Identifier: ISC */
#ifndef IMAP_WIRE_H
#define IMAP_WIRE_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Octets from a server into whole responses (RFC 9051 section 9, with what real
 * servers send besides), and the tokens of a response.  No I/O, no recursion.
 *
 * Literals: those up to WIRE_KEEP octets become part of the response;
 * for each literal the caller may instead take the octets off the
 * connection itself, as is done for message bodies.
 */

#define WIRE_LINE	((size_t)1 << 20)	/* outside literals */
#define WIRE_KEEP	((size_t)16 << 20)	/* all kept literals of a response */

enum wire_event {
	WIRE_MORE,		/* all input was used, more is needed */
	WIRE_LITERAL,		/* the next octets are a literal */
	WIRE_RESPONSE,		/* one response is complete */
};

struct wire;

struct wire	*wire_new(struct err *);
void		 wire_free(struct wire *);

/* Forget everything: a new connection, or TLS was turned on. */
void		 wire_reset(struct wire *);

/*
 * Use up input.  *used octets of `in` are done with.  After WIRE_RESPONSE the
 * response stays until the next call.  -1: a protocol error, ERR_SESSION.
 * After WIRE_LITERAL the caller must call wire_take() or wire_keep() first.
 */
int		 wire_feed(struct wire *, struct span in, size_t *used,
		    enum wire_event *, struct err *);

/*
 * Size of the literal that comes, and the response's text before it.  Until
 * it is taken or kept, tokens_begin() shows the tokens of that text.
 */
uint64_t	 wire_literal(const struct wire *);
struct span	 wire_before(const struct wire *);

void		 wire_take(struct wire *);	/* the caller reads the octets */
int		 wire_keep(struct wire *, struct err *);	/* ERR_SESSION: too large */

/*
 * ---- tokens of the complete response ----
 *
 * Atoms may hold what RFC 9051 forbids (8-bit and control octets, braces,
 * quotes in their middle), since servers send names so; a NUL outside a literal is refused.
 */

enum tok {
	TOK_ATOM,	/* also numbers, flags, NIL, "BODY[HEADER.FIELDS (X Y)]<0>" as one */
	TOK_QUOTED,	/* text is unescaped */
	TOK_LITERAL,
	TOK_TAKEN,	/* a literal that was taken; size is its */
	TOK_OPEN,	/* ( */
	TOK_CLOSE,	/* ) */
	TOK_END,
};

struct token {
	enum tok	 type;
	struct span	 text;		/* lives as the response */
	uint64_t	 size;
};

/* A place in the response; copy it to look ahead. */
struct tokens {
	struct wire	*wire;
	size_t		 at;
	size_t		 literal;
};

void		 tokens_begin(struct tokens *, struct wire *);

/* The next one; at the end TOK_END again and again.  -1: ERR_SESSION. */
int		 tokens_next(struct tokens *, struct token *, struct err *);

/* Skip one value: an atom, a string, or a list with all within. */
int		 tokens_skip(struct tokens *, struct err *);

/* The rest of the line as it is, for resp-text. */
struct span	 tokens_rest(struct tokens *);

/*
 * Of a resp-text: "[CODE args] text" is cut; code and args are none where there is no
 * code.  Missing text is fine.
 */
void		 resp_text(struct span in, struct span *code, struct span *args,
		    struct span *text);

#endif
