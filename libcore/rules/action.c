/* SPDX-License-Identifier: ISC */
/* Actions: one table, and what its rows do. */

#include "mail/flags.h"
#include "mail/name.h"
#include "rules/action.h"
#include "rules/subst.h"

/* ---- folder ---- */

static int
parse_name_subst(struct scan *s, struct pool *pool, struct action_args *a)
{
	a->subst = subst_parse(s, pool, SUBST_NAME);
	return a->subst != NULL ? 0 : -1;
}

/*
 * The regex sees the name as it is shown; what is taken over from it keeps the
 * levels that it has, so that a level which itself contains a "/" stays whole.
 */
static int
apply_name_subst(const struct action_args *a, struct state *st,
    struct err *err)
{
	struct span shown;
	int rc;

	if (state_shown(st, &shown, err) == -1)
		return -1;
	buf_clear(&st->work);
	rc = subst_apply(a->subst, st->run, shown, st->name, ACTION_NAME_MAX,
	    &st->work, err);
	if (rc < 1)
		return rc;
	return state_set_name(st, buf_span(&st->work), err);
}

static int
parse_prefix(struct scan *s, struct pool *pool, struct action_args *a)
{
	struct buf text = BUF_INIT, name = BUF_INIT;
	size_t at;
	int rc;

	scan_blanks(s);
	at = s->at;
	rc = scan_string(s, &text);
	if (rc != -1) {
		name_split(&name, buf_span(&text));
		if (!buf_ok(&name))
			rc = err_nomem(s->err);
		else if (name.n == 0)
			rc = scan_fail(s, at, "the name of a mailbox is wanted "
			    "here");
		else
			rc = pool_span(pool, buf_span(&name), &a->text, s->err);
	}
	buf_fini(&text);
	buf_fini(&name);
	return rc;
}

static int
apply_prefix(const struct action_args *a, struct state *st, struct err *err)
{
	buf_clear(&st->work);
	buf_put(&st->work, a->text);
	buf_chr(&st->work, '\0');
	buf_put(&st->work, st->name);
	if (!buf_ok(&st->work))
		return err_nomem(err);
	if (st->work.n > ACTION_NAME_MAX)
		return err_set(err, ERR_MESSAGE, STATUS_DATA,
		    "the result is over the limit of %zu octets",
		    ACTION_NAME_MAX);
	return state_set_name(st, buf_span(&st->work), err);
}

/* ---- flags ---- */

static int
parse_flags_subst(struct scan *s, struct pool *pool, struct action_args *a)
{
	a->subst = subst_parse(s, pool, SUBST_FLAGS);
	return a->subst != NULL ? 0 : -1;
}

static int
apply_flags_subst(const struct action_args *a, struct state *st,
    struct err *err)
{
	int rc;

	buf_clear(&st->work);
	rc = subst_apply(a->subst, st->run, st->flags, st->flags,
	    ACTION_FLAGS_MAX, &st->work, err);
	if (rc < 1)
		return rc;
	return state_set_flags(st, buf_span(&st->work), err);
}

/* "seen" for \Seen is an easy slip, and would be a keyword of its own. */
static const char *
meant(struct span flag)
{
	static const char *const system[] = {
		"\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen",
	};
	size_t i;

	for (i = 0; i < N(system); i++)
		if (span_iis(flag, system[i] + 1))
			return system[i];
	return NULL;
}

/* One flag of a list, appended to `out`. */
static int
parse_one_flag(struct scan *s, struct buf *out)
{
	struct buf text = BUF_INIT;
	const size_t at = s->at;
	struct span flag;
	bool bare;
	int rc;

	bare = s->text.p[at] != '"' && s->text.p[at] != '\'';
	rc = scan_string(s, &text);
	flag = buf_span(&text);
	if (rc == 1 && bare && meant(flag) != NULL)
		rc = scan_fail(s, at, "did you mean %s?  A keyword of that "
		    "name is written in quotes", meant(flag));
	else if (rc != -1 && !flags_valid(flag))
		rc = scan_fail(s, at, "no flag is written so; there are \\Seen, "
		    "$Label1, Work");
	if (rc == 1) {
		buf_put(out, flag);
		buf_chr(out, ' ');
	}
	buf_fini(&text);
	return rc == 1 ? 0 : -1;
}

/* Flags up to the end or a bare "if". */
static int
parse_flag_list(struct scan *s, struct pool *pool, struct action_args *a)
{
	struct buf list = BUF_INIT;
	struct scan ahead;
	int rc = 0;

	while (rc == 0 && !scan_end(s)) {
		ahead = *s;
		if (scan_keyword(&ahead, "if"))
			break;
		rc = parse_one_flag(s, &list);
	}
	if (rc == 0 && list.n == 0)
		rc = scan_fail(s, s->at, "a flag is wanted here, as in \\Seen "
		    "or $Label1");
	if (rc == 0)
		rc = buf_ok(&list) ? pool_span(pool, buf_span(&list), &a->text,
		    s->err) : err_nomem(s->err);
	buf_fini(&list);
	return rc;
}

/* Take over what is or is not in the list. */
static int
select_flags(const struct action_args *a, struct state *st, bool listed,
    struct err *err)
{
	struct span rest = st->flags, flag;

	buf_clear(&st->work);
	while (span_next(&rest, ' ', &flag)) {
		if (flags_have(a->text, flag) != listed)
			continue;
		buf_put(&st->work, flag);
		buf_chr(&st->work, ' ');
	}
	if (!buf_ok(&st->work))
		return err_nomem(err);
	return state_set_flags(st, buf_span(&st->work), err);
}

static int
apply_add(const struct action_args *a, struct state *st, struct err *err)
{
	buf_clear(&st->work);
	buf_put(&st->work, st->flags);
	buf_chr(&st->work, ' ');
	buf_put(&st->work, a->text);
	if (!buf_ok(&st->work))
		return err_nomem(err);
	return state_set_flags(st, buf_span(&st->work), err);
}

static int
apply_drop_flags(const struct action_args *a, struct state *st,
    struct err *err)
{
	return select_flags(a, st, false, err);
}

static int
apply_only(const struct action_args *a, struct state *st, struct err *err)
{
	return select_flags(a, st, true, err);
}

/* ---- drop and keep ---- */

static int
apply_drop(const struct action_args *a, struct state *st, struct err *err)
{
	(void)a;
	(void)err;
	st->dropped = true;
	return 0;
}

/* ---- the table ---- */

static const struct action actions[] = {
	{ "folder", "s", "/RE/TEXT/gimsx", true, false, false,
	    parse_name_subst, apply_name_subst,
	    "change the mailbox's name" },
	{ "folder", "prefix", "NAME", true, false, false,
	    parse_prefix, apply_prefix,
	    "put the mailbox below NAME" },
	{ "flags", "s", "/RE/TEXT/gimsx", false, false, false,
	    parse_flags_subst, apply_flags_subst,
	    "change the flags, which have single spaces between" },
	{ "flags", "add", "FLAG ...", false, false, false,
	    parse_flag_list, apply_add,
	    "add these flags" },
	{ "flags", "drop", "FLAG ...", false, false, false,
	    parse_flag_list, apply_drop_flags,
	    "take these flags away" },
	{ "flags", "only", "FLAG ...", false, false, false,
	    parse_flag_list, apply_only,
	    "take all other flags away" },
	{ "drop", "", "", true, false, false,
	    NULL, apply_drop,
	    "leave the item out" },
	{ "keep", "", "", true, true, true,
	    NULL, apply_drop,
	    "leave every item out for which the condition does not hold" },
};

size_t
action_table(const struct action **v)
{
	*v = actions;
	return N(actions);
}

/* The words that may stand at `at`: of all rows, or of an object's. */
static int
unknown(const struct scan *s, size_t at, const char *what, struct span word,
    const char *object)
{
	const char *v[N(actions)];
	struct words words = { v, 0 };
	size_t i;

	for (i = 0; i < N(actions); i++)
		if (object == NULL)
			v[words.n++] = actions[i].object;
		else if (span_is(span_str(object), actions[i].object))
			v[words.n++] = actions[i].verb;
	return scan_unknown(s, at, what, word, &words);
}

const struct action *
action_parse(struct scan *s, struct pool *pool, struct action_args *args)
{
	const struct action *a = actions, *const end = actions + N(actions);
	struct span word;
	size_t at;

	scan_blanks(s);
	at = s->at;
	word = scan_ident(s);
	while (a < end && !span_is(word, a->object))
		a++;
	if (a == end) {
		unknown(s, at, "action", word, NULL);
		return NULL;
	}
	if (a->verb[0] != '\0') {
		const char *const object = a->object;

		scan_blanks(s);
		at = s->at;
		word = scan_ident(s);
		while (a < end && !(span_is(span_str(object), a->object) &&
		    span_is(word, a->verb)))
			a++;
		if (a == end) {
			unknown(s, at, "verb", word, object);
			return NULL;
		}
	}
	*args = (struct action_args){ 0 };
	return a->parse == NULL || a->parse(s, pool, args) == 0 ? a : NULL;
}
