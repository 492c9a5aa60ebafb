/* SPDX-License-Identifier: ISC */
/*
 * The only file that knows PCRE2.
 *
 * Its optimisation of where a match may start is off: with it, release 10.42
 * misses (?=b)x??b in "b", and its JIT (?:a|b|)b*(?=b) from octet 1 of "abc" on.
 * Without it both find what Perl finds (t-perl.c).  The JIT keeps to the match
 * limit, and to a stack of a fixed size instead of the other two.
 */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>

#include "base/utf8.h"
#include "rules/regex.h"

/*
 * Work is counted by the library as calls of its match function, and what a
 * pattern needs in honesty grows with the text.
 */
#define MATCH_LIMIT_LEAST	10000000u
#define MATCH_LIMIT_FACTOR	4u
#define DEPTH_LIMIT		1000000u
#define HEAP_LIMIT_KIB		(64u << 10)
#define JIT_STACK_LEAST		((size_t)32 << 10)
#define JIT_STACK_MOST		((size_t)8 << 20)

struct regex {
	pcre2_code	*code;
	uint32_t	 groups;
};

struct regex_run {
	pcre2_match_data	*data;
	pcre2_match_context	*context;
	pcre2_jit_stack		*stack;		/* NULL: no JIT here */
	uint32_t		 groups;
};

static uint32_t
options_of(unsigned flags)
{
	uint32_t o = PCRE2_NO_START_OPTIMIZE;

	if ((flags & REGEX_UTF) != 0)
		o |= PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF |
		    PCRE2_NEVER_BACKSLASH_C;
	else
		o |= PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
	if ((flags & REGEX_ICASE) != 0)
		o |= PCRE2_CASELESS;
	if ((flags & REGEX_MULTI) != 0)
		o |= PCRE2_MULTILINE;
	if ((flags & REGEX_DOTALL) != 0)
		o |= PCRE2_DOTALL;
	if ((flags & REGEX_EXTENDED) != 0)
		o |= PCRE2_EXTENDED;
	return o;
}

static int
set_error(struct err *err, enum err_scope scope, enum status status, int code)
{
	PCRE2_UCHAR text[256];

	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		return err_set(err, scope, status, "PCRE2 error %d", code);
	return err_set(err, scope, status, "%s", (const char *)text);
}

struct regex *
regex_new(struct span pattern, unsigned flags, size_t *at, struct err *err)
{
	pcre2_compile_context *context = NULL;
	struct regex *r = NULL;
	PCRE2_SIZE off = 0;
	int code = 0;

	*at = 0;
	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    (context = pcre2_compile_context_create(NULL)) == NULL) {
		err_nomem(err);
		goto fail;
	}
	(void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	r->code = pcre2_compile(pattern.n > 0 ? pattern.p : SPAN("").p,
	    pattern.n, options_of(flags), &code, &off, context);
	if (r->code == NULL) {
		*at = off < pattern.n ? off : pattern.n;
		set_error(err, ERR_RUN, STATUS_USAGE, code);
		goto fail;
	}
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
	/* Where there is no JIT the interpreter does the same, slower. */
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	pcre2_compile_context_free(context);
	return r;
fail:
	pcre2_compile_context_free(context);
	regex_free(r);
	return NULL;
}

void
regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	free(r);
}

uint32_t
regex_groups(const struct regex *r)
{
	return r->groups;
}

uint32_t
regex_named(const struct regex *r, const char *name)
{
	const int n = pcre2_substring_number_from_name(r->code,
	    (PCRE2_SPTR)name);

	return n > 0 ? (uint32_t)n : 0;
}

struct regex_run *
regex_run_new(uint32_t groups, struct err *err)
{
	struct regex_run *run;

	if ((run = calloc(1, sizeof(*run))) == NULL)
		goto fail;
	run->groups = groups;
	run->data = pcre2_match_data_create(groups + 1, NULL);
	run->context = pcre2_match_context_create(NULL);
	if (run->data == NULL || run->context == NULL)
		goto fail;
	(void)pcre2_set_depth_limit(run->context, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(run->context, HEAP_LIMIT_KIB);
	run->stack = pcre2_jit_stack_create(JIT_STACK_LEAST, JIT_STACK_MOST,
	    NULL);
	if (run->stack != NULL)
		pcre2_jit_stack_assign(run->context, NULL, run->stack);
	return run;
fail:
	regex_run_free(run);
	err_nomem(err);
	return NULL;
}

void
regex_run_free(struct regex_run *run)
{
	if (run == NULL)
		return;
	pcre2_match_data_free(run->data);
	pcre2_match_context_free(run->context);
	pcre2_jit_stack_free(run->stack);
	free(run);
}

static uint32_t
match_limit(size_t n)
{
	if (n > UINT32_MAX / MATCH_LIMIT_FACTOR)
		return UINT32_MAX;
	if (n < MATCH_LIMIT_LEAST / MATCH_LIMIT_FACTOR)
		return MATCH_LIMIT_LEAST;
	return (uint32_t)n * MATCH_LIMIT_FACTOR;
}

int
regex_exec(const struct regex *r, struct regex_run *run, struct span s,
    size_t from, bool nonempty, struct err *err)
{
	const uint32_t options = nonempty ? PCRE2_NOTEMPTY_ATSTART : 0;
	const unsigned char *p = s.n > 0 ? s.p : SPAN("").p;
	int rc;

	(void)pcre2_set_match_limit(run->context, match_limit(s.n));
	rc = pcre2_match(r->code, p, s.n, from, options, run->data,
	    run->context);
	if (rc >= 0)
		return 1;	/* 0: with more groups than *run has room for */
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc == PCRE2_ERROR_NOMEMORY)
		return err_nomem(err);
	return set_error(err, ERR_MESSAGE, STATUS_DATA, rc);
}

bool
regex_group(const struct regex_run *run, uint32_t i, size_t *from, size_t *to)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(run->data);

	*from = *to = 0;
	if (i > run->groups || v[2 * i] == PCRE2_UNSET ||
	    v[2 * i] > v[2 * i + 1])
		return false;
	*from = v[2 * i];
	*to = v[2 * i + 1];
	return true;
}

/* ---- letters ---- */

static void
ascii_case(struct buf *out, struct span s, bool up)
{
	const unsigned char first = up ? 'a' : 'A';
	size_t i;

	for (i = 0; i < s.n; i++)
		buf_chr(out, s.p[i] >= first && s.p[i] <= first + 25 ?
		    s.p[i] ^ 0x20 : s.p[i]);
}

/* PCRE2 knows the letters of Unicode, but tells of them only in this way. */
static bool
unicode_case(struct buf *out, struct span s, bool up)
{
	pcre2_code *code;
	PCRE2_SIZE off, n;
	unsigned char *room;
	int rc = -1, why;

	if (s.n > SIZE_MAX / 4)
		return false;
	n = s.n * 4;	/* no character is longer */
	code = pcre2_compile(SPAN(".+").p, 2, PCRE2_UTF | PCRE2_DOTALL, &why,
	    &off, NULL);
	if (code != NULL && (room = buf_room(out, n)) != NULL) {
		rc = pcre2_substitute(code, s.p, s.n, 0,
		    PCRE2_SUBSTITUTE_EXTENDED, NULL, NULL,
		    up ? SPAN("\\U$0").p : SPAN("\\L$0").p, 4, room, &n);
		if (rc == 1)
			out->n += n;
	}
	pcre2_code_free(code);
	return rc == 1;
}

void
regex_case(struct buf *out, struct span s, bool utf, bool up)
{
	size_t i = 0;

	while (i < s.n && s.p[i] < 0x80)
		i++;
	if (i == s.n || !utf || !utf8_valid(s) || !unicode_case(out, s, up))
		ascii_case(out, s, up);
}
