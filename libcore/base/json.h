/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * JSON (RFC 8259): values read through jansson, and a writer that appends
 * to a buffer.  The only file that knows jansson is json.c.
 */

struct json;	/* borrowed from its root, which json_free() frees */

/*
 * One value, nothing behind it, no key twice.  NULL: ERR_RUN, STATUS_DATA, with
 * the column.  Integers beyond 64 bits with sign are refused, so what json_num()
 * wrote reads back up to INT64_MAX.
 */
struct json	*json_parse(struct span, struct err *);
void		 json_free(struct json *);

/* Lookups are NULL-safe, and give NULL, none or false where it does not fit. */
struct json	*json_get(const struct json *object, const char *name);
struct json	*json_at(const struct json *array, size_t);
size_t		 json_len(const struct json *array);
struct span	 json_span(const struct json *string);	/* lives as the root */
bool		 json_u64(const struct json *number, uint64_t *);
bool		 json_is_true(const struct json *);

/*
 * The writer.  Commas are put where the text before calls for one:
 *
 *	json_open(b, '{'); json_key(b, "n"); json_num(b, 1); json_close(b, '}');
 *
 * Strings: invalid UTF-8 becomes U+FFFD; control characters, and the others
 * that safe_put() would not let through, are escaped.
 */
void		 json_open(struct buf *, char bracket);
void		 json_close(struct buf *, char bracket);
void		 json_key(struct buf *, const char *);
void		 json_str(struct buf *, struct span);
void		 json_num(struct buf *, uint64_t);
void		 json_int(struct buf *, int64_t);
void		 json_bool(struct buf *, bool);

#endif
