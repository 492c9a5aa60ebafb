/* SPDX-License-Identifier: ISC */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Mail is bytes: a borrowed span, an owned buffer, an arena of copies.
 */

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* Borrowed bytes; never ended by a NUL.  p may be NULL where n is 0. */
struct span {
	const unsigned char	*p;
	size_t			 n;
};

#define SPAN(s)		((struct span){ (const unsigned char *)("" s), sizeof(s) - 1 })
#define SPAN_NONE	((struct span){ NULL, 0 })

/* For printf: "%.*s", SPAN_ARG(s). */
#define SPAN_ARG(s)	(int)((s).n > 4096 ? 4096 : (s).n), (const char *)((s).n > 0 ? (s).p : (const unsigned char *)"")

struct span	 span_of(const void *p, size_t n);
struct span	 span_str(const char *);	/* up to its NUL; NULL gives none */
bool		 span_eq(struct span, struct span);
bool		 span_ieq(struct span, struct span);	/* ASCII case ignored */
bool		 span_is(struct span, const char *);
bool		 span_iis(struct span, const char *);
bool		 span_starts(struct span, const char *);
bool		 span_istarts(struct span, const char *);
int		 span_cmp(struct span, struct span);	/* bytewise, as memcmp */
struct span	 span_from(struct span, size_t off);	/* the rest, from off on */
struct span	 span_head(struct span, size_t n);	/* at most n octets */
struct span	 span_trim(struct span);		/* no SP HT CR LF at the ends */

/* Offset of c, or n where it does not occur. */
size_t		 span_find(struct span, unsigned char c);

/*
 * Take what stands before the next `c` off the front of *rest, and the `c`
 * with it.  False when *rest was empty.  "a b" gives "a", then "b".
 */
bool		 span_next(struct span *rest, unsigned char c, struct span *out);

/* A NUL-terminated copy; the caller frees it.  NULL when out of memory. */
char		*span_dup(struct span);

/*
 * A whole decimal number without sign, blanks or overflow.  False else.
 */
bool		 span_u64(struct span, uint64_t *);
bool		 span_u32(struct span, uint32_t *);

/*
 * An owned buffer that grows.  Running out of memory sets `bad`, every
 * later addition is then a no-op, and the one who uses the result asks once
 * with buf_ok().  Zeroed storage is an empty buffer.
 */
struct buf {
	unsigned char	*p;
	size_t		 n, cap;
	bool		 bad;
};

#define BUF_INIT	{ NULL, 0, 0, false }

void		 buf_fini(struct buf *);
void		 buf_clear(struct buf *);		/* keeps the storage */
void		 buf_put(struct buf *, struct span);
void		 buf_mem(struct buf *, const void *, size_t);
void		 buf_str(struct buf *, const char *);
void		 buf_chr(struct buf *, unsigned char);
void		 buf_fmt(struct buf *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
void		 buf_u64(struct buf *, uint64_t);	/* decimal */
void		 buf_hex(struct buf *, struct span);	/* lower case */

/* Room for n more octets, to be filled by the caller, who then adds to ->n. */
unsigned char	*buf_room(struct buf *, size_t n);	/* NULL when bad */
void		 buf_drop(struct buf *, size_t n);	/* from the front */
bool		 buf_ok(const struct buf *);
struct span	 buf_span(const struct buf *);

/* NUL-terminated view, valid until the buffer changes; "" when bad. */
const char	*buf_cstr(struct buf *);

/* Hex to octets: false unless `in` is exactly 2 * n hex digits. */
bool		 hex_decode(struct span in, unsigned char *out, size_t n);

/*
 * An arena: copies that live until it is reset.  Zeroed storage is empty.
 * A reset keeps one block, so that a window's arena settles.
 */
struct arena {
	struct arena_block	*head;
	size_t			 used;		/* octets handed out since the reset */
};

void		 arena_fini(struct arena *);
void		 arena_reset(struct arena *);
void		*arena_alloc(struct arena *, size_t);	/* aligned; NULL: no memory */

/* Copy into the arena.  False when out of memory; *out is then none. */
bool		 arena_span(struct arena *, struct span in, struct span *out);

#endif
