/* SPDX-License-Identifier: ISC */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; never ended by a NUL.  p may be NULL where n is 0. */
struct span {
	const unsigned char	*p;
	size_t			 n;
};

/* A string literal: as an initializer in a static table, and as a value. */
#define LIT(s)	{ (const unsigned char *)("" s), sizeof(s) - 1 }
#define SPAN(s)		((struct span)LIT(s))
#define SPAN_NONE	((struct span){ NULL, 0 })

/* For printf: "%.*s", SPAN_ARG(s). */
#define SPAN_ARG(s)	(int)((s).n > 4096 ? 4096 : (s).n), (const char *)((s).n > 0 ? (s).p : (const unsigned char *)"")

/* Octets as ASCII, whatever the locale. */
static inline unsigned char
ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static inline bool
ascii_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span	 span_of(const void *p, size_t n);
struct span	 span_str(const char *);	/* up to its NUL; NULL gives none */
bool		 span_eq(struct span, struct span);
bool		 span_ieq(struct span, struct span);	/* ASCII case ignored */
bool		 span_is(struct span, const char *);
bool		 span_iis(struct span, const char *);
bool		 span_starts(struct span, const char *);
bool		 span_istarts(struct span, const char *);
int		 span_cmp(struct span, struct span);	/* bytewise, as memcmp; -1, 0, 1 */
struct span	 span_from(struct span, size_t off);	/* the rest, from off on */
struct span	 span_head(struct span, size_t n);	/* at most n octets */
struct span	 span_trim(struct span);		/* no SP HT CR LF at the ends */

/* Offset of c, or n where it does not occur. */
size_t		 span_find(struct span, unsigned char c);

/*
 * Take what stands before the next `c` off the front of *rest, and the `c`
 * with it.  False when *rest was empty.  "a b" gives "a", then "b"; "a " gives
 * "a" only, and " a" gives "" first.
 */
bool		 span_next(struct span *rest, unsigned char c, struct span *out);

/*
 * A NUL-terminated copy; the caller frees it.  A NUL within stays, and ends
 * the string for those who read it as one.  NULL when out of memory.
 */
char		*span_dup(struct span);

/*
 * A whole decimal number without sign, blanks or overflow.  False else, and
 * the number is then as it was.
 */
bool		 span_u64(struct span, uint64_t *);
bool		 span_u32(struct span, uint32_t *);

#endif
