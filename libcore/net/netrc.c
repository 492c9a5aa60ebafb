/* SPDX-License-Identifier: ISC */
/* The netrc format. */

#include "net/netrc.h"

struct reader {
	unsigned char	*p;
	size_t		 n, at;
};

/* What was said so far about one machine. */
struct entry {
	bool		host, user;	/* they are the ones we want */
	bool		password;	/* there is one */
	struct span	text;
};

static void
skip_line(struct reader *r)
{
	while (r->at < r->n && r->p[r->at] != '\n')
		r->at++;
}

/* Behind the opening quote.  Undoes escapes where they stand. */
static struct span
quoted_word(struct reader *r)
{
	unsigned char *to = r->p + r->at, *const start = to;

	for (; r->at < r->n && r->p[r->at] != '"'; r->at++) {
		if (r->p[r->at] != '\\' || r->at + 1 == r->n) {
			*to++ = r->p[r->at];
			continue;
		}
		r->at++;
		*to++ = r->p[r->at] == 'n' ? '\n' : r->p[r->at] == 't' ? '\t' :
		    r->p[r->at] == 'r' ? '\r' : r->p[r->at];
	}
	if (r->at < r->n)
		r->at++;
	return span_of(start, (size_t)(to - start));
}

/* The next word; false at the end. */
static bool
next_word(struct reader *r, struct span *word)
{
	size_t start;

	while (r->at < r->n && ascii_is_blank(r->p[r->at]))
		r->at++;
	if (r->at == r->n)
		return false;
	if (r->p[r->at] == '"') {
		r->at++;
		*word = quoted_word(r);
		return true;
	}
	for (start = r->at; r->at < r->n && !ascii_is_blank(r->p[r->at]); )
		r->at++;
	*word = span_of(r->p + start, r->at - start);
	return true;
}

/* A macro goes on up to an empty line. */
static void
skip_macro(struct reader *r)
{
	size_t start;

	do {
		skip_line(r);
		r->at += r->at < r->n;
		start = r->at;
		skip_line(r);
	} while (r->at < r->n &&
	    span_trim(span_of(r->p + start, r->at - start)).n > 0);
}

static bool
is_it(const struct entry *e)
{
	return e->host && e->user && e->password;
}

/* Words that have an argument.  False: this is none of them. */
static bool
take_pair(struct reader *r, struct span key, struct span user, struct entry *e)
{
	struct span value = SPAN_NONE;

	if (!span_is(key, "login") && !span_is(key, "password") &&
	    !span_is(key, "account"))
		return false;
	if (!next_word(r, &value))
		return true;
	if (span_is(key, "login"))
		e->user = span_eq(value, user);
	if (span_is(key, "password")) {
		e->password = value.n > 0;
		e->text = value;
	}
	return true;
}

bool
netrc_find(struct buf *text, struct span user, struct span host,
    struct span *password)
{
	struct reader r = { text->p, text->n, 0 };
	struct entry e = { .host = false };
	struct span key, value;

	while (next_word(&r, &key)) {
		if (span_starts(key, "#")) {
			skip_line(&r);
		} else if (span_is(key, "macdef")) {
			skip_macro(&r);
		} else if (span_is(key, "machine") || span_is(key, "default")) {
			if (is_it(&e))
				break;
			e = (struct entry){ .host = true, .user = true };
			if (span_is(key, "machine"))
				e.host = next_word(&r, &value) && span_ieq(value, host);
		} else {
			(void)take_pair(&r, key, user, &e);
		}
	}
	*password = e.text;
	return is_it(&e);
}
