/* SPDX-License-Identifier: ISC */
/* Conditions: one table of tests, a parser without recursion, an evaluator. */

#include "mail/flags.h"
#include "mail/name.h"
#include "rules/cond.h"
#include "rules/subst.h"

/* ---- tests ---- */

enum op {
	OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE,
	OP_MATCH, OP_NOMATCH,
};

struct condition_test {
	const struct condition	*kind;
	enum op			 op;
	int64_t			 number;
	struct span		 text;
	const struct regex	*regex;
};

/* Longer ones first, where one begins with another. */
static const struct {
	const char	*mark;
	enum op		 op;
} compare_ops[] = {
	{ "<=", OP_LE }, { ">=", OP_GE }, { "==", OP_EQ }, { "!=", OP_NE },
	{ "<", OP_LT }, { ">", OP_GT }, { "=~", OP_MATCH },
	{ "!~", OP_NOMATCH },
};

/* One of the operators whose bits are in `allowed`, named by `which`. */
static int
parse_op(struct scan *s, unsigned allowed, const char *which, enum op *op)
{
	size_t i, at;

	scan_blanks(s);
	at = s->at;
	for (i = 0; i < N(compare_ops); i++)
		if (scan_mark(s, compare_ops[i].mark))
			break;
	if (i == N(compare_ops) || (allowed & 1u << compare_ops[i].op) == 0)
		return scan_fail(s, at, "one of %s is wanted here", which);
	*op = compare_ops[i].op;
	return 0;
}

#define OPS_ORDER	(1u << OP_LT | 1u << OP_LE | 1u << OP_GT | 1u << OP_GE | \
			    1u << OP_EQ | 1u << OP_NE)
#define OPS_REGEX	(1u << OP_MATCH | 1u << OP_NOMATCH)
#define OPS_TEXT	(OPS_REGEX | 1u << OP_EQ | 1u << OP_NE)

static int
compare(enum op op, int64_t a, int64_t b)
{
	switch (op) {
	case OP_LT:
		return a < b;
	case OP_LE:
		return a <= b;
	case OP_GT:
		return a > b;
	case OP_GE:
		return a >= b;
	case OP_NE:
		return a != b;
	case OP_EQ:
	case OP_MATCH:
	case OP_NOMATCH:
		break;
	}
	return a == b;
}

struct unit {
	const char	*name;
	int64_t		 factor;
};

/*
 * Digits and a unit.  One unit may be "", which is then the one meant without;
 * `example` shows how it is written.
 */
static int
parse_number(struct scan *s, const struct unit *units, size_t n,
    const char *example, int64_t *out)
{
	struct span word, unit;
	struct buf b = BUF_INIT;
	uint64_t v;
	size_t at, digits = 0, i;
	int rc = -1;

	scan_blanks(s);
	at = s->at;
	if (scan_string(s, &b) == -1)
		goto out;
	word = buf_span(&b);
	while (digits < word.n && word.p[digits] >= '0' && word.p[digits] <= '9')
		digits++;
	unit = span_from(word, digits);
	for (i = 0; i < n; i++)
		if (span_is(unit, units[i].name))
			break;
	if (digits == 0 || i == n) {
		scan_fail(s, at + digits, "a number is wanted here, as in %s",
		    example);
		goto out;
	}
	if (!span_u64(span_head(word, digits), &v) || v > INT64_MAX ||
	    (int64_t)v > INT64_MAX / units[i].factor) {
		scan_fail(s, at, "the number is too big");
		goto out;
	}
	*out = (int64_t)v * units[i].factor;
	rc = 0;
out:
	buf_fini(&b);
	return rc;
}

static int
parse_size(struct scan *s, struct pool *pool, struct condition_test *t)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1000 }, { "M", 1000000 },
		{ "G", 1000000000 }, { "Ki", 1 << 10 }, { "Mi", 1 << 20 },
		{ "Gi", 1 << 30 },
	};

	(void)pool;
	if (parse_op(s, OPS_ORDER, "< <= > >= == !=", &t->op) == -1)
		return -1;
	return parse_number(s, units, N(units), "4096, 45M or 10Mi", &t->number);
}

static int
eval_size(const struct condition_test *t, struct state *st, struct err *err)
{
	const struct item *it = st->item;
	const uint64_t size = it->ident != NULL ? it->ident->size : it->size;

	(void)err;
	return compare(t->op, size > INT64_MAX ? INT64_MAX : (int64_t)size,
	    t->number);
}

#define DAY	INT64_C(86400)

static int
parse_age(struct scan *s, struct pool *pool, struct condition_test *t)
{
	static const struct unit units[] = {
		{ "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", DAY },
		{ "w", 7 * DAY },
	};

	(void)pool;
	if (parse_op(s, OPS_ORDER, "< <= > >= == !=", &t->op) == -1)
		return -1;
	return parse_number(s, units, N(units), "2d; units are s m h d w",
	    &t->number);
}

/* What has no date is of no age and of no day. */
static int
eval_age(const struct condition_test *t, struct state *st, struct err *err)
{
	const struct date *d = &st->item->date;
	int64_t age;

	(void)err;
	if (!d->known)
		return 0;
	if (__builtin_sub_overflow(st->now, d->sec, &age))
		age = d->sec < 0 ? INT64_MAX : INT64_MIN;
	return compare(t->op, age, t->number);
}

/* The day as a number, seen in a zone. */
static int64_t
day_of(const struct date *d)
{
	const int64_t zone = d->zone == DATE_NO_ZONE ? 0 : d->zone * 60;
	int64_t sec, day;

	if (__builtin_add_overflow(d->sec, zone, &sec))
		sec = d->sec;
	day = sec / DAY;
	return sec % DAY < 0 ? day - 1 : day;
}

static int
parse_date(struct scan *s, struct pool *pool, struct condition_test *t)
{
	struct buf b = BUF_INIT;
	struct date d;
	size_t at;
	int rc = -1;

	(void)pool;
	if (parse_op(s, OPS_ORDER, "< <= > >= == !=", &t->op) == -1)
		return -1;
	scan_blanks(s);
	at = s->at;
	if (scan_string(s, &b) == -1)
		goto out;
	rc = b.n == 10 ? 0 : -1;
	buf_str(&b, "T00:00:00Z");
	if (rc == -1 || !date_parse_rfc3339(buf_span(&b), &d)) {
		rc = scan_fail(s, at, "a day is wanted here, as in 2026-11-22");
		goto out;
	}
	t->number = day_of(&d);
out:
	buf_fini(&b);
	return rc;
}

static int
eval_date(const struct condition_test *t, struct state *st, struct err *err)
{
	(void)err;
	if (!st->item->date.known)
		return 0;
	return compare(t->op, day_of(&st->item->date), t->number);
}

/* A regex as /re/i or m{re}i. */
static int
parse_regex(struct scan *s, struct pool *pool, unsigned flags,
    const struct regex **out)
{
	struct buf text = BUF_INIT;
	struct delimited d;
	bool global;
	int rc = -1;

	scan_blanks(s);
	if (s->at < s->text.n && s->text.p[s->at] == 'm')
		s->at++;
	else if (s->at < s->text.n && s->text.p[s->at] != '/')
		return scan_fail(s, s->at, "a regex is wanted here, as in "
		    "/re/ or m{re}i");
	if (scan_delimited(s, true, &text, &d) == 0 &&
	    subst_flags(s, "imsx", &flags, &global) == 0 &&
	    (*out = pool_regex(pool, s, &d, flags)) != NULL)
		rc = 0;
	buf_fini(&text);
	return rc;
}

static int
match(const struct condition_test *t, struct state *st, struct span text,
    struct err *err)
{
	const int found = regex_exec(t->regex, st->run, text, 0, false, err);

	if (found == -1 || t->op == OP_MATCH)
		return found;
	return !found;
}

/* A mailbox is compared as it is shown, whatever its levels are. */
static int
parse_mailbox(struct scan *s, struct pool *pool, struct condition_test *t)
{
	struct buf text = BUF_INIT, name = BUF_INIT;
	int rc = -1;

	if (parse_op(s, OPS_TEXT, "=~ !~ == !=", &t->op) == -1)
		return -1;
	if (t->op == OP_MATCH || t->op == OP_NOMATCH)
		return parse_regex(s, pool, REGEX_UTF, &t->regex);
	switch (scan_string(s, &text)) {
	case 0:
		scan_fail(s, s->at, "the name of a mailbox is wanted here");
		goto out;
	case -1:
		goto out;
	}
	name_split(&name, buf_span(&text));
	buf_clear(&text);
	name_put(&text, buf_span(&name));
	if (!buf_ok(&name) || !buf_ok(&text)) {
		err_nomem(s->err);
		goto out;
	}
	rc = pool_span(pool, buf_span(&text), &t->text, s->err);
out:
	buf_fini(&text);
	buf_fini(&name);
	return rc;
}

static int
eval_mailbox(const struct condition_test *t, struct state *st, struct err *err)
{
	struct span shown;

	if (state_shown(st, &shown, err) == -1)
		return -1;
	if (t->regex != NULL)
		return match(t, st, shown, err);
	return span_eq(shown, t->text) == (t->op == OP_EQ);
}

static int
parse_flag(struct scan *s, struct pool *pool, struct condition_test *t)
{
	struct buf text = BUF_INIT;
	size_t at;
	int rc;

	scan_blanks(s);
	at = s->at;
	rc = scan_string(s, &text);
	if (rc == 1 && flags_valid(buf_span(&text)))
		rc = pool_span(pool, buf_span(&text), &t->text, s->err);
	else if (rc != -1)
		rc = scan_fail(s, at, "a flag is wanted here, as in \\Seen or "
		    "$Label1");
	buf_fini(&text);
	return rc;
}

static int
eval_flag(const struct condition_test *t, struct state *st, struct err *err)
{
	(void)err;
	return flags_have(st->flags, t->text);
}

static int
parse_flags(struct scan *s, struct pool *pool, struct condition_test *t)
{
	if (parse_op(s, OPS_REGEX, "=~ !~", &t->op) == -1)
		return -1;
	return parse_regex(s, pool, 0, &t->regex);
}

static int
eval_flags(const struct condition_test *t, struct state *st, struct err *err)
{
	return match(t, st, st->flags, err);
}

static int
eval_bit(const struct condition_test *t, struct state *st, struct err *err)
{
	(void)err;
	return (flags_bits(st->flags) & t->kind->arg) != 0;
}

static int
eval_nobit(const struct condition_test *t, struct state *st, struct err *err)
{
	return !eval_bit(t, st, err);
}

static const struct condition conditions[] = {
	{ "size",	"OP N",	true,	parse_size,	eval_size, 0,
	    "octets of the message; N takes k M G Ki Mi Gi" },
	{ "age",	"OP N",	true,	parse_age,	eval_age, 0,
	    "time since INTERNALDATE; N has one of s m h d w" },
	{ "date",	"OP YYYY-MM-DD", true, parse_date, eval_date, 0,
	    "the day of INTERNALDATE, in its own zone" },
	{ "mailbox",	"=~ /RE/ | !~ /RE/ | == NAME | != NAME", false,
	    parse_mailbox, eval_mailbox, 0,
	    "the name, with / between its levels" },
	{ "flag",	"FLAG",	true,	parse_flag,	eval_flag, 0,
	    "the item has this flag" },
	{ "flags",	"=~ /RE/ | !~ /RE/", true, parse_flags, eval_flags, 0,
	    "all flags, with single spaces between" },
	{ "seen",	"",	true,	NULL, eval_bit, FLAG_SEEN,
	    "the item has \\Seen" },
	{ "answered",	"",	true,	NULL, eval_bit, FLAG_ANSWERED,
	    "the item has \\Answered" },
	{ "flagged",	"",	true,	NULL, eval_bit, FLAG_FLAGGED,
	    "the item has \\Flagged" },
	{ "deleted",	"",	true,	NULL, eval_bit, FLAG_DELETED,
	    "the item has \\Deleted" },
	{ "draft",	"",	true,	NULL, eval_bit, FLAG_DRAFT,
	    "the item has \\Draft" },
	{ "unseen",	"",	true,	NULL, eval_nobit, FLAG_SEEN,
	    "the item has no \\Seen" },
	{ "unanswered",	"",	true,	NULL, eval_nobit, FLAG_ANSWERED,
	    "the item has no \\Answered" },
	{ "unflagged",	"",	true,	NULL, eval_nobit, FLAG_FLAGGED,
	    "the item has no \\Flagged" },
	{ "undeleted",	"",	true,	NULL, eval_nobit, FLAG_DELETED,
	    "the item has no \\Deleted" },
	{ "undraft",	"",	true,	NULL, eval_nobit, FLAG_DRAFT,
	    "the item has no \\Draft" },
};

size_t
cond_table(const struct condition **v)
{
	*v = conditions;
	return N(conditions);
}

static int
unknown(const struct scan *s, size_t at, struct span word)
{
	const char *v[N(conditions) + 1];
	const struct words words = { v, N(v) };
	size_t i;

	for (i = 0; i < N(conditions); i++)
		v[i] = conditions[i].name;
	v[i] = "not";
	return scan_unknown(s, at, "condition", word, &words);
}

/* ---- the program that a condition becomes ---- */

/*
 * There is one truth value.  A test sets it, a not turns it round, and an
 * "and" or "or" either leaves it and goes on at `to`, behind its right side,
 * or lets the right side set it.
 */
enum step_kind {
	STEP_TEST,
	STEP_NOT,
	STEP_AND,
	STEP_OR,
};

struct step {
	enum step_kind		kind;
	size_t			to;
	struct condition_test	test;
};

struct cond {
	const struct step *v;
	size_t		 n;
	bool		 item;
};

/*
 * What waits for its right side.  Depth is what parentheses and nots make of
 * it, and at most two more (an "or" and an "and") between any two of them.
 */
enum waiting_kind {
	WAIT_PAREN,		/* in order of how tightly they bind */
	WAIT_OR,
	WAIT_AND,
	WAIT_NOT,
};

struct waiting {
	enum waiting_kind kind;
	size_t		 step;	/* of an and or or: the one to complete */
	size_t		 at;	/* where it stands in the line */
};

#define WAITING_MAX	(3 * COND_DEPTH + 2)

struct maker {
	struct scan	*s;
	struct pool	*pool;
	struct buf	 steps;
	size_t		 n;		/* steps */
	struct waiting	 wait[WAITING_MAX];
	size_t		 nwait;
	size_t		 depth;		/* parentheses and nots among them */
	bool		 item;
};

static int
add_step(struct maker *m, const struct step *step)
{
	buf_mem(&m->steps, step, sizeof(*step));
	m->n++;
	return buf_ok(&m->steps) ? 0 : err_nomem(m->s->err);
}

static struct step *
step_at(struct maker *m, size_t i)
{
	return (struct step *)(void *)m->steps.p + i;
}

static int
push(struct maker *m, enum waiting_kind kind, size_t step, size_t at)
{
	const bool deep = kind == WAIT_PAREN || kind == WAIT_NOT;

	if ((deep && m->depth == COND_DEPTH) || m->nwait == WAITING_MAX)
		return scan_fail(m->s, at, "nested deeper than %d", COND_DEPTH);
	m->depth += deep;
	m->wait[m->nwait++] = (struct waiting){ kind, step, at };
	return 0;
}

/* Complete all that binds as tightly as `kind` or tighter. */
static int
complete(struct maker *m, enum waiting_kind kind)
{
	const struct step not = { .kind = STEP_NOT };
	const struct waiting *w;

	while (m->nwait > 0 && m->wait[m->nwait - 1].kind >= kind &&
	    m->wait[m->nwait - 1].kind != WAIT_PAREN) {
		w = &m->wait[--m->nwait];
		if (w->kind != WAIT_NOT) {
			step_at(m, w->step)->to = m->n;
			continue;
		}
		m->depth--;
		if (add_step(m, &not) == -1)
			return -1;
	}
	return 0;
}

static int
join(struct maker *m, enum waiting_kind kind, size_t at)
{
	const struct step step = {
		.kind = kind == WAIT_AND ? STEP_AND : STEP_OR
	};

	if (complete(m, kind) == -1 || add_step(m, &step) == -1)
		return -1;
	return push(m, kind, m->n - 1, at);
}

/* At a ")": 1 it closes a parenthesis of ours, 0 there is none, -1. */
static int
close_paren(struct maker *m)
{
	if (complete(m, WAIT_OR) == -1)
		return -1;
	if (m->nwait == 0)
		return 0;
	m->nwait--;
	m->depth--;
	return 1;
}

static int
add_test(struct maker *m, struct span word, size_t at)
{
	struct step step = { .kind = STEP_TEST };
	size_t i;

	for (i = 0; i < N(conditions); i++)
		if (span_is(word, conditions[i].name))
			break;
	if (i == N(conditions))
		return unknown(m->s, at, word);
	step.test.kind = &conditions[i];
	m->item = m->item || conditions[i].item;
	if (conditions[i].parse != NULL &&
	    conditions[i].parse(m->s, m->pool, &step.test) == -1)
		return -1;
	return add_step(m, &step);
}

/* Up to and with the next test. */
static int
operand(struct maker *m)
{
	struct span word;
	size_t at;

	for (;;) {
		scan_blanks(m->s);
		at = m->s->at;
		if (scan_mark(m->s, "(")) {
			if (push(m, WAIT_PAREN, 0, at) == -1)
				return -1;
		} else if (scan_keyword(m->s, "not")) {
			if (push(m, WAIT_NOT, 0, at) == -1)
				return -1;
		} else {
			break;
		}
	}
	word = scan_ident(m->s);
	return add_test(m, word, at);
}

/* What follows a test.  1: another operand must come; 0: it is the end. */
static int
operator(struct maker *m)
{
	static const char *const word[] = { "and", "or" };
	static const struct words words = { word, N(word) };
	size_t at;
	int rc;

	for (;;) {
		scan_blanks(m->s);
		at = m->s->at;
		if (scan_keyword(m->s, "and"))
			return join(m, WAIT_AND, at) == -1 ? -1 : 1;
		if (scan_keyword(m->s, "or"))
			return join(m, WAIT_OR, at) == -1 ? -1 : 1;
		if (!scan_mark(m->s, ")"))
			break;
		if ((rc = close_paren(m)) == 0)
			rc = scan_fail(m->s, at, "this ) closes nothing");
		if (rc == -1)
			return -1;
	}
	if (!scan_end(m->s))
		return scan_wanted(m->s, "\"and\", \"or\", or the end of the "
		    "rule,", &words);
	if (complete(m, WAIT_OR) == -1)
		return -1;
	if (m->nwait > 0)
		return scan_fail(m->s, m->wait[m->nwait - 1].at,
		    "this ( is not closed");
	return 0;
}

const struct cond *
cond_parse(struct scan *s, struct pool *pool)
{
	struct maker m = { .s = s, .pool = pool };
	struct cond c = { NULL, 0, false };
	const struct cond *out = NULL;
	int more;

	do {
		if (operand(&m) == -1)
			goto out;
		if ((more = operator(&m)) == -1)
			goto out;
	} while (more == 1);
	c.n = m.n;
	c.item = m.item;
	c.v = pool_array(pool, m.steps.p, m.n, sizeof(struct step), s->err);
	if (c.v != NULL)
		out = pool_array(pool, &c, 1, sizeof(c), s->err);
out:
	buf_fini(&m.steps);
	return out;
}

bool
cond_needs_item(const struct cond *c)
{
	return c->item;
}

int
cond_eval(const struct cond *c, struct state *st, struct err *err)
{
	const struct step *step;
	int truth = 0;
	size_t i = 0;

	while (i < c->n) {
		step = &c->v[i++];
		switch (step->kind) {
		case STEP_TEST:
			truth = step->test.kind->eval(&step->test, st, err);
			if (truth == -1)
				return -1;
			break;
		case STEP_NOT:
			truth = !truth;
			break;
		case STEP_AND:
			if (!truth)
				i = step->to;
			break;
		case STEP_OR:
			if (truth)
				i = step->to;
			break;
		}
	}
	return truth;
}
