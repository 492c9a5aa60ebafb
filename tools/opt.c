/* SPDX-License-Identifier: ISC */
/* Option tables: parsing and help from the same rows. */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/opt.h"

#define HELP_COLUMN	32	/* where the texts begin */

struct parse {
	const struct opt_group	*groups;
	size_t			 n;
	bool			*help, *version;
};

void
opt_list_fini(struct opt_list *l)
{
	free(l->v);
	free(l->from);
	*l = (struct opt_list){ 0 };
}

static int
list_add(struct opt_list *l, const char *arg, const struct opt *o,
    struct err *err)
{
	const char **v;
	const struct opt **from;

	if ((v = realloc(l->v, (l->n + 1) * sizeof(*v))) == NULL)
		return err_nomem(err);
	l->v = v;
	if ((from = realloc(l->from, (l->n + 1) * sizeof(*from))) == NULL)
		return err_nomem(err);
	l->from = from;
	v[l->n] = arg;
	from[l->n++] = o;
	return 0;
}

static int
usage(struct err *err, const char *shown, const char *what)
{
	return err_set(err, ERR_RUN, STATUS_USAGE, "%s %s", shown, what);
}

static int
store(const struct opt *o, const char *shown, const char *arg, struct err *err)
{
	uint64_t u;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		return 0;
	case OPT_STR:
		*(const char **)o->to = arg;
		return 0;
	case OPT_LIST:
		return list_add(o->to, arg, o, err);
	case OPT_COUNT:
		if (!span_u64(span_str(arg), &u) || u == 0 || u > UINT32_MAX)
			return usage(err, shown,
			    "needs a whole number, 1 or more");
		*(uint32_t *)o->to = (uint32_t)u;
		return 0;
	case OPT_FD:
		if (!span_u64(span_str(arg), &u) || u > INT_MAX)
			return usage(err, shown, "needs a file descriptor");
		*(int *)o->to = (int)u;
		return 0;
	}
	return 0;
}

/* Whether `name`, n octets of it, is the long form of this row. */
static bool
is_long(const struct opt_group *g, const struct opt *o, const char *name,
    size_t n)
{
	size_t pre = g->prefix == NULL ? 0 : strlen(g->prefix);

	return n == pre + strlen(o->name) &&
	    (pre == 0 || memcmp(name, g->prefix, pre) == 0) &&
	    memcmp(name + pre, o->name, n - pre) == 0;
}

static const struct opt *
find_long(const struct parse *p, const char *name, size_t n)
{
	size_t g, i;

	for (g = 0; g < p->n; g++)
		for (i = 0; i < p->groups[g].n; i++)
			if (is_long(&p->groups[g], &p->groups[g].v[i], name, n))
				return &p->groups[g].v[i];
	return NULL;
}

static const struct opt *
find_letter(const struct parse *p, char c)
{
	size_t g, i;

	for (g = 0; g < p->n; g++) {
		if (p->groups[g].prefix != NULL)
			continue;
		for (i = 0; i < p->groups[g].n; i++)
			if (p->groups[g].v[i].letter == c && c != '\0')
				return &p->groups[g].v[i];
	}
	return NULL;
}

/* No such option: perhaps one that is given for each side has that name. */
static int
unknown(const struct parse *p, const char *word, size_t n, struct err *err)
{
	struct buf b = BUF_INIT;
	const struct opt_group *group;
	size_t g, i;
	int rc;

	for (g = 0; g < p->n; g++) {
		group = &p->groups[g];
		for (i = 0; group->prefix != NULL && i < group->n; i++)
			if (span_is(span_of(word + 2, n - 2),
			    group->v[i].name))
				buf_fmt(&b, "%s--%s%s", b.n == 0 ? "" : " or ",
				    group->prefix, group->v[i].name);
	}
	rc = b.n == 0 ? usage(err, word, "is not an option; see --help") :
	    err_set(err, ERR_RUN, STATUS_USAGE,
	    "--%.*s is not an option: for one side it is %s", (int)(n - 2),
	    word + 2, buf_cstr(&b));
	buf_fini(&b);
	return rc;
}

/* --name, --name=arg, --name arg.  How many words of argv it took, or -1. */
static int
parse_long(const struct parse *p, char *argv[], struct err *err)
{
	const char *word = argv[0], *eq = strchr(word, '=');
	size_t n = eq != NULL ? (size_t)(eq - word) : strlen(word);
	const struct opt *o;

	if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0) {
		*(word[2] == 'h' ? p->help : p->version) = true;
		return 1;
	}
	if ((o = find_long(p, word + 2, n - 2)) == NULL)
		return unknown(p, word, n, err);
	if (o->type == OPT_FLAG) {
		if (eq != NULL)
			return usage(err, word, "takes no argument");
		return store(o, word, NULL, err) == -1 ? -1 : 1;
	}
	if (eq != NULL)
		return store(o, word, eq + 1, err) == -1 ? -1 : 1;
	if (argv[1] == NULL)
		return usage(err, word, "needs an argument");
	return store(o, word, argv[1], err) == -1 ? -1 : 2;
}

/* -nqe RULE: flags may be joined, an argument may be joined or follow. */
static int
parse_letters(const struct parse *p, char *argv[], struct err *err)
{
	const char *c;
	const struct opt *o;
	char shown[3] = "-?";

	for (c = argv[0] + 1; *c != '\0'; c++) {
		shown[1] = *c;
		if (*c == 'h' && find_letter(p, 'h') == NULL) {
			*p->help = true;
			continue;
		}
		if ((o = find_letter(p, *c)) == NULL)
			return usage(err, shown, "is not an option; see --help");
		if (o->type == OPT_FLAG) {
			if (store(o, shown, NULL, err) == -1)
				return -1;
			continue;
		}
		if (c[1] != '\0')
			return store(o, shown, c + 1, err) == -1 ? -1 : 1;
		if (argv[1] == NULL)
			return usage(err, shown, "needs an argument");
		return store(o, shown, argv[1], err) == -1 ? -1 : 2;
	}
	return 1;
}

int
opt_parse(int argc, char *argv[], const struct opt_group *groups, size_t n,
    bool *help, bool *version, struct err *err)
{
	const struct parse p = { groups, n, help, version };
	int i = 1, operands = 0, took;

	while (i < argc) {
		if (strcmp(argv[i], "--") == 0) {
			for (i++; i < argc; i++)
				argv[++operands] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[++operands] = argv[i++];
			continue;
		}
		took = argv[i][1] == '-' ? parse_long(&p, argv + i, err) :
		    parse_letters(&p, argv + i, err);
		if (took == -1)
			return -1;
		i += took;
	}
	return operands;
}

static void
wrap_line(struct buf *b, struct span rest, size_t column)
{
	struct span word;
	size_t at = column;

	while (span_next(&rest, ' ', &word)) {
		if (at > column && at + 1 + word.n > HELP_WIDTH) {
			buf_fmt(b, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			buf_chr(b, ' ');
			at++;
		}
		buf_put(b, word);
		at += word.n;
	}
	buf_chr(b, '\n');
}

void
opt_wrap(struct buf *b, const char *text, int column)
{
	struct span rest = span_str(text), line;

	while (span_next(&rest, '\n', &line))
		wrap_line(b, line, (size_t)column);
}

static void
help_row(struct buf *b, const struct opt_group *g, const struct opt *o)
{
	size_t start = b->n;

	if (o->letter != '\0' && g->prefix == NULL)
		buf_fmt(b, "  -%c, ", o->letter);
	else
		buf_str(b, "      ");
	buf_fmt(b, "--%s%s", g->prefix == NULL ? "" : g->prefix, o->name);
	if (o->arg != NULL)
		buf_fmt(b, " %s", o->arg);
	if (b->n - start >= HELP_COLUMN)
		buf_fmt(b, "\n%*s", HELP_COLUMN, "");
	else
		buf_fmt(b, "%*s", (int)(HELP_COLUMN - (b->n - start)), "");
	opt_wrap(b, o->help, HELP_COLUMN);
}

void
opt_help(struct buf *b, const struct opt_group *groups, size_t n)
{
	size_t g, i;

	for (g = 0; g < n; g++) {
		buf_fmt(b, "\n%s:\n", groups[g].title);
		for (i = 0; i < groups[g].n; i++)
			help_row(b, &groups[g], &groups[g].v[i]);
	}
}
