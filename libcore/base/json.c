/* SPDX-License-Identifier: ISC */
/*
 * JSON: reading by jansson, writing by ourselves.  A struct json is one of
 * jansson's values under another name, and nothing else.
 */

#include <jansson.h>
#undef json_is_true		/* a macro there, a function here */

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

static struct json *
ours(json_t *j)
{
	return (struct json *)j;
}

/* jansson's lookups do not change a value, but few of them say const. */
static const json_t *
theirs(const struct json *j)
{
	return (const json_t *)j;
}

struct json *
json_parse(struct span text, struct err *err)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL |
	    JSON_REJECT_DUPLICATES;
	json_error_t why;
	json_t *j;

	j = json_loadb(text.n > 0 ? (const char *)text.p : "", text.n, flags,
	    &why);
	if (j == NULL) {
		if (json_error_code(&why) == json_error_out_of_memory)
			(void)err_nomem(err);
		else
			(void)err_set(err, ERR_RUN, STATUS_DATA,
			    "JSON, column %d: %s", why.column, why.text);
	}
	return ours(j);
}

void
json_free(struct json *j)
{
	json_decref((json_t *)j);
}

struct json *
json_get(const struct json *object, const char *name)
{
	return ours(json_object_get(theirs(object), name));
}

struct json *
json_at(const struct json *array, size_t i)
{
	return ours(json_array_get(theirs(array), i));
}

size_t
json_len(const struct json *array)
{
	return json_array_size(theirs(array));
}

struct span
json_span(const struct json *string)
{
	const json_t *j = theirs(string);

	return json_is_string(j) ?
	    span_of(json_string_value(j), json_string_length(j)) : SPAN_NONE;
}

bool
json_u64(const struct json *number, uint64_t *out)
{
	const json_t *j = theirs(number);

	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*out = (uint64_t)json_integer_value(j);
	return true;
}

bool
json_is_true(const struct json *j)
{
	return j != NULL && json_typeof(theirs(j)) == JSON_TRUE;
}

/* A comma where the text before ends in a value. */
static void
comma(struct buf *b)
{
	unsigned char c;

	if (b->n == 0)
		return;
	c = b->p[b->n - 1];
	if (c == '}' || c == ']' || c == '"' || (c >= '0' && c <= '9') ||
	    (c >= 'a' && c <= 'z'))
		buf_chr(b, ',');
}

void
json_open(struct buf *b, char bracket)
{
	comma(b);
	buf_chr(b, (unsigned char)bracket);
}

void
json_close(struct buf *b, char bracket)
{
	buf_chr(b, (unsigned char)bracket);
}

void
json_key(struct buf *b, const char *name)
{
	json_str(b, span_str(name));
	buf_chr(b, ':');
}

/* One character of a string; those that are not plain are all below 10000. */
static void
put_char(struct buf *b, uint32_t cp)
{
	if (cp == '"' || cp == '\\') {
		buf_chr(b, '\\');
		buf_chr(b, (unsigned char)cp);
	} else if (cp == '\n') {
		buf_str(b, "\\n");
	} else if (cp == '\r') {
		buf_str(b, "\\r");
	} else if (cp == '\t') {
		buf_str(b, "\\t");
	} else if (!utf8_is_plain(cp)) {
		buf_fmt(b, "\\u%04x", (unsigned)cp);
	} else {
		utf8_put(b, cp);
	}
}

void
json_str(struct buf *b, struct span s)
{
	uint32_t cp;
	size_t n;

	comma(b);
	buf_chr(b, '"');
	for (; s.n > 0; s = span_from(s, n)) {
		if ((n = utf8_next(s, &cp)) == 0) {
			cp = 0xfffd;
			n = 1;
		}
		put_char(b, cp);
	}
	buf_chr(b, '"');
}

void
json_num(struct buf *b, uint64_t v)
{
	comma(b);
	buf_u64(b, v);
}

void
json_int(struct buf *b, int64_t v)
{
	comma(b);
	if (v < 0)
		buf_chr(b, '-');
	/* -(v + 1) + 1: INT64_MIN has no positive twin. */
	buf_u64(b, v < 0 ? (uint64_t)-(v + 1) + 1 : (uint64_t)v);
}

void
json_bool(struct buf *b, bool v)
{
	comma(b);
	buf_str(b, v ? "true" : "false");
}
