/* SPDX-License-Identifier: ISC */
/*
 * The manual page mx-rules(5): every action and condition is in it, and what
 * its examples say is so.  It is run in the top directory of the sources.
 *
 * A literal block is rules, with comments "# ITEM -> ITEM", where an item is "NAME
 * (FLAGS), 45M, 3d", all but the name left out as wanted, or "dropped"; or commands
 * that begin with "$ ", whose -e '...' are rules.
 */

#include "base/io.h"
#include "mail/flags.h"
#include "rules/action.h"
#include "rules/cond.h"

#include "try.h"

#define PAGE	"tools/mx-rules.5"

static const struct {
	const char	*roff, *is;
} escapes[] = {
	{ "\\(ha", "^" }, { "\\(ti", "~" }, { "\\(aq", "'" },
	{ "\\(dq", "\"" }, { "\\e", "\\" }, { "\\&", "" }, { "\\-", "-" },
};

/* A line as it is shown. */
static void
unescape(struct buf *out, struct span s)
{
	size_t i;

	while (s.n > 0) {
		if (s.p[0] != '\\') {
			buf_chr(out, s.p[0]);
			s = span_from(s, 1);
			continue;
		}
		for (i = 0; i < N(escapes); i++)
			if (span_starts(s, escapes[i].roff))
				break;
		if (i == N(escapes))
			fail_msg("an escape that is not known: %.*s",
			    SPAN_ARG(s));
		buf_str(out, escapes[i].is);
		s = span_from(s, strlen(escapes[i].roff));
	}
}

/* Up to the text `at`, which is taken off as well; all of it where it does not occur. */
static struct span
before(struct span *rest, const char *at)
{
	const struct span all = *rest;
	size_t i;

	for (i = 0; i < all.n; i++)
		if (span_starts(span_from(all, i), at)) {
			*rest = span_from(all, i + strlen(at));
			return span_head(all, i);
		}
	*rest = SPAN_NONE;
	return all;
}

struct example {
	struct buf	name, flags;
	struct item	item;
};

/* Read an item as the page has it. */
static void
parse_item(struct example *x, struct span text)
{
	struct span more, word, name, flags;
	uint64_t v;

	name = before(&text, ",");
	more = text;
	flags = name;
	name = span_trim(before(&flags, "("));
	flags = before(&flags, ")");
	name_split(&x->name, name);
	flags_canon(&x->flags, flags);
	x->item = (struct item){ .uid = 1, .flags = buf_span(&x->flags) };
	x->item.date = (struct date){ .sec = TRY_NOW, .known = true };
	while (more.n > 0) {
		word = span_trim(before(&more, ","));
		assert_true(word.n > 1);
		assert_true(span_u64(span_head(word, word.n - 1), &v));
		if (word.p[word.n - 1] == 'M')
			x->item.size = v * 1000000;
		else if (word.p[word.n - 1] == 'd')
			x->item.date.sec -= (int64_t)v * 86400;
		else
			fail_msg("what is %.*s?", SPAN_ARG(word));
	}
}

static void
fini_item(struct example *x)
{
	buf_fini(&x->name);
	buf_fini(&x->flags);
}

/* One "# ITEM -> ITEM". */
static void
check_claim(struct rules_eval *eval, struct span line)
{
	struct example in = { .item = { 0 } }, want = { .item = { 0 } };
	struct mailbox m = { .delimiter = '/' };
	struct rules_result out;
	struct err err = ERR_INIT;
	struct span rest = span_from(line, 2), left;

	left = before(&rest, " -> ");
	parse_item(&in, left);
	m.name = buf_span(&in.name);
	if (rules_apply(eval, &m, &in.item, &out, &err) == -1)
		fail_msg("%.*s: %s", SPAN_ARG(line), err.msg);
	if (out.dropped != span_is(rest, "dropped"))
		fail_msg("not so: %.*s", SPAN_ARG(line));
	if (!out.dropped) {
		parse_item(&want, rest);
		if (!span_eq(out.mailbox, buf_span(&want.name)) ||
		    !span_eq(out.flags, buf_span(&want.flags)))
			fail_msg("not so: %.*s; it is %.*s (%.*s)",
			    SPAN_ARG(line), SPAN_ARG(out.mailbox),
			    SPAN_ARG(out.flags));
	}
	fini_item(&in);
	fini_item(&want);
}

static struct rules *
parse(struct span text)
{
	struct err err = ERR_INIT;
	struct rules *rules = rules_new(&err);

	assert_non_null(rules);
	if (rules_add(rules, PAGE, text, NULL, &err) == -1)
		fail_msg("%s", err.msg);
	return rules;
}

/* How many claims a block makes; all of them hold. */
static size_t
check_rules(struct span block)
{
	struct err err = ERR_INIT;
	struct rules *rules = parse(block);
	struct rules_eval *eval = rules_eval_new(rules, TRY_NOW, &err);
	struct span line;
	size_t n = 0;

	assert_non_null(eval);
	while (span_next(&block, '\n', &line)) {
		if (!span_starts(line, "# "))
			continue;
		check_claim(eval, line);
		n++;
	}
	rules_eval_free(eval);
	rules_free(rules);
	return n;
}

static void
check_commands(struct span block)
{
	struct rules *rules;

	for (;;) {
		(void)before(&block, "-e '");
		if (block.n == 0)
			break;
		rules = parse(before(&block, "'"));
		assert_int_equal(rules_count(rules), 1);
		rules_free(rules);
	}
}

static void
slurp(struct buf *page)
{
	struct err err = ERR_INIT;

	if (io_slurp(PAGE, 1 << 20, page, &err) == -1)
		fail_msg("%s", err.msg);
}

static void
examples(void **state)
{
	struct buf page = BUF_INIT, block = BUF_INIT;
	struct span rest, line;
	size_t claims = 0, blocks = 0;
	bool inside = false;

	(void)state;
	slurp(&page);
	rest = buf_span(&page);
	while (span_next(&rest, '\n', &line)) {
		if (span_starts(line, ".Bd -literal")) {
			inside = true;
			buf_clear(&block);
		} else if (inside && span_is(line, ".Ed")) {
			inside = false;
			blocks++;
			if (span_starts(buf_span(&block), "$ "))
				check_commands(buf_span(&block));
			else
				claims += check_rules(buf_span(&block));
		} else if (inside) {
			unescape(&block, line);
			buf_chr(&block, '\n');
		}
	}
	assert_false(inside);
	assert_true(blocks >= 7);
	assert_true(claims >= 20);
	buf_fini(&page);
	buf_fini(&block);
}

/* Whether a line ".It Ic ..." has these words at its start, or the one among others. */
static bool
has_entry(struct span page, const char *word, const char *verb)
{
	struct buf want = BUF_INIT;
	struct span line, entry;
	bool found = false;

	buf_fmt(&want, "%s%s%s", word, verb[0] == '\0' ? "" : " ", verb);
	while (!found && span_next(&page, '\n', &line)) {
		if (!span_starts(line, ".It Ic "))
			continue;
		line = span_from(line, 7);
		found = span_starts(line, buf_cstr(&want)) &&
		    (line.n == want.n || line.p[want.n] == ' ');
		while (!found && span_next(&line, ' ', &entry) &&
		    !span_is(entry, "Ar"))
			found = span_eq(entry, buf_span(&want));
	}
	buf_fini(&want);
	return found;
}

static void
complete(void **state)
{
	const struct condition *c;
	const struct action *a;
	struct buf page = BUF_INIT;
	size_t i, n;

	(void)state;
	slurp(&page);
	n = action_table(&a);
	for (i = 0; i < n; i++)
		if (!has_entry(buf_span(&page), a[i].object, a[i].verb))
			fail_msg("%s has no %s %s", PAGE, a[i].object, a[i].verb);
	n = cond_table(&c);
	for (i = 0; i < n; i++)
		if (!has_entry(buf_span(&page), c[i].name, ""))
			fail_msg("%s has no %s", PAGE, c[i].name);
	buf_fini(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
