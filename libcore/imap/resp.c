/* SPDX-License-Identifier: ISC */
/*
 * What kind of response it is, and what a refusal means: by response code
 * (RFC 5530, RFC 9051 section 7.1) where there is one, else by the words
 * that servers are known to use.
 */

#include "imap/limits.h"
#include "imap/resp.h"

static const char *const conds[] = {
	[RESP_OK] = "OK",
	[RESP_NO] = "NO",
	[RESP_BAD] = "BAD",
	[RESP_BYE] = "BYE",
	[RESP_PREAUTH] = "PREAUTH",
};

const char *
resp_cond_name(enum resp_cond c)
{
	return conds[c];
}

/* objectid = 1*255(ALPHA / DIGIT / "_" / "-") */
bool
resp_is_objectid(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		const unsigned char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || c == '_' || c == '-'))
			return false;
	}
	return s.n > 0 && s.n <= 255;
}

static bool
cond_of(struct span word, enum resp_cond *out)
{
	size_t i;

	for (i = 0; i < N(conds); i++) {
		if (span_iis(word, conds[i])) {
			*out = (enum resp_cond)i;
			return true;
		}
	}
	return false;
}

/* Our tags are "A" and a number. */
static bool
tag_of(struct span word, uint32_t *tag)
{
	return word.n > 1 && word.p[0] == 'A' &&
	    span_u32(span_from(word, 1), tag);
}

static void
take_text(struct resp *r)
{
	resp_text(span_trim(tokens_rest(&r->rest)), &r->code, &r->args,
	    &r->text);
}

static int
parse_untagged(struct resp *r, struct err *err)
{
	struct token t;

	if (tokens_next(&r->rest, &t, err) == -1)
		return -1;
	if (t.type == TOK_ATOM && cond_of(t.text, &r->cond)) {
		r->type = RESP_STATUS;
		take_text(r);
		return 0;
	}
	r->type = RESP_DATA;
	if (t.type == TOK_ATOM && span_u64(t.text, &r->number) &&
	    tokens_next(&r->rest, &t, err) == -1)
		return -1;
	if (t.type == TOK_ATOM)
		r->keyword = t.text;
	return 0;
}

int
resp_parse(struct wire *w, struct resp *r, struct err *err)
{
	struct token t;

	*r = (struct resp){ .type = RESP_DATA };
	tokens_begin(&r->rest, w);
	if (tokens_next(&r->rest, &t, err) == -1)
		return -1;
	if (t.type == TOK_ATOM && span_is(t.text, "*"))
		return parse_untagged(r, err);
	if (t.type == TOK_ATOM && span_is(t.text, "+")) {
		r->type = RESP_MORE;
		r->text = span_trim(tokens_rest(&r->rest));
		return 0;
	}
	if (t.type != TOK_ATOM || !tag_of(t.text, &r->tag))
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server sent what is no IMAP response: \"%.*s\"",
		    SPAN_ARG(span_head(t.text, 80)));
	r->type = RESP_TAGGED;
	if (tokens_next(&r->rest, &t, err) == -1)
		return -1;
	if (t.type != TOK_ATOM || !cond_of(t.text, &r->cond) ||
	    r->cond > RESP_BAD)
		return err_set(err, ERR_SESSION, STATUS_CONNECT,
		    "the server ended a command with \"%.*s\"",
		    SPAN_ARG(span_head(t.text, 80)));
	take_text(r);
	return 0;
}

/* The first row that fits decides; a row with both needs both. */
static const struct {
	const char	*code, *text;
	enum resp_class	 class;
} classes[] = {
	{ NULL,		"is throttled",			CLASS_THROTTLE },
	{ NULL,		"Suggested Backoff Time",	CLASS_THROTTLE },
	{ NULL,		"Rate limit hit",		CLASS_THROTTLE },
	{ "OVERQUOTA",	"bandwidth",			CLASS_THROTTLE },
	{ "OVERQUOTA",	NULL,				CLASS_QUOTA },
	{ "TOOBIG",	NULL,				CLASS_TOO_BIG },
	{ "LIMIT",	"size",				CLASS_TOO_BIG },
	{ "AUTHENTICATIONFAILED", NULL,			CLASS_AUTH },
	{ "AUTHORIZATIONFAILED", NULL,			CLASS_AUTH },
	{ "EXPIRED",	NULL,				CLASS_AUTH },
	{ "UNAVAILABLE", NULL,				CLASS_LATER },
	{ "INUSE",	NULL,				CLASS_LATER },
	{ "NONEXISTENT", NULL,				CLASS_ABSENT },
	{ "TRYCREATE",	NULL,				CLASS_ABSENT },
	{ "ALREADYEXISTS", NULL,			CLASS_EXISTS },
	{ NULL,		"maximum message size",		CLASS_TOO_BIG },
	{ NULL,		"Maximum size of appendable",	CLASS_TOO_BIG },
	{ NULL,		"over quota",			CLASS_QUOTA },
	{ NULL,		"quota exceeded",		CLASS_QUOTA },
	{ NULL,		"Quota limit",			CLASS_QUOTA },
	{ NULL,		"Blocks limit exceeded",	CLASS_QUOTA },
	{ NULL,		"Inode limit exceeded",		CLASS_QUOTA },
	{ NULL,		"storage limit has been exceeded", CLASS_QUOTA },
	{ NULL,		"already exists",		CLASS_EXISTS },
	{ NULL,		"Mailbox exists",		CLASS_EXISTS },
	{ NULL,		"doesn't exist",		CLASS_ABSENT },
	{ NULL,		"does not exist",		CLASS_ABSENT },
	{ NULL,		"no such mailbox",		CLASS_ABSENT },
	{ NULL,		"unknown mailbox",		CLASS_ABSENT },
};

/* Whether the word stands in the text; ASCII case is ignored. */
static bool
contains(struct span text, const char *word)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (span_istarts(span_from(text, i), word))
			return true;
	return false;
}

/* "... Suggested Backoff Time: 299961 milliseconds" */
static int64_t
asked_wait(struct span text)
{
	struct span digits;
	uint64_t ms;
	size_t i, n = 0;

	for (i = 0; i < text.n; i++)
		if (span_istarts(span_from(text, i), "backoff time:"))
			break;
	if (i == text.n)
		return 0;
	digits = span_trim(span_from(text, i + sizeof("backoff time:") - 1));
	while (n < digits.n && digits.p[n] >= '0' && digits.p[n] <= '9')
		n++;
	if (!span_u64(span_head(digits, n), &ms))
		return 0;
	if (ms > (uint64_t)LIMIT_THROTTLE_MOST * 1000)
		ms = (uint64_t)LIMIT_THROTTLE_MOST * 1000;
	return (int64_t)ms * 1000000;
}

enum resp_class
resp_class(const struct resp *r, int64_t *wait)
{
	size_t i;

	*wait = asked_wait(r->text);
	for (i = 0; i < N(classes); i++) {
		if (classes[i].code != NULL &&
		    !span_iis(r->code, classes[i].code))
			continue;
		if (classes[i].text != NULL &&
		    !contains(r->text, classes[i].text))
			continue;
		return classes[i].class;
	}
	return CLASS_OTHER;
}

int
resp_fail(struct err *err, enum err_scope scope, const struct resp *r,
    const char *what)
{
	enum status status = STATUS_PASSED;
	int64_t wait;

	if (scope == ERR_SESSION)
		status = STATUS_CONNECT;
	switch (resp_class(r, &wait)) {
	case CLASS_THROTTLE:
		scope = ERR_SESSION;
		status = STATUS_CONNECT;
		break;
	case CLASS_QUOTA:
		scope = ERR_RUN;
		status = STATUS_QUOTA;
		break;
	case CLASS_AUTH:
		scope = ERR_RUN;
		status = STATUS_AUTH;
		break;
	case CLASS_OTHER:
	case CLASS_TOO_BIG:
	case CLASS_LATER:
	case CLASS_ABSENT:
	case CLASS_EXISTS:
		break;
	}
	if (r->code.n > 0)
		return err_set(err, scope, status, "%s: %s [%.*s] %.*s", what,
		    resp_cond_name(r->cond), SPAN_ARG(span_head(r->code, 60)),
		    SPAN_ARG(span_head(r->text, 500)));
	return err_set(err, scope, status, "%s: %s %.*s", what,
	    resp_cond_name(r->cond), SPAN_ARG(span_head(r->text, 500)));
}
