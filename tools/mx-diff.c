/* SPDX-License-Identifier: ISC */
/* mx-diff: compare any two places where mail rests. */

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "flow/diff.h"
#include "mail/name.h"
#include "tools/choose.h"
#include "tools/place.h"
#include "tools/print.h"

struct diff {
	struct tool		*tool;
	struct place_config	 net[2];	/* of A and of B */
	struct choose		 choose;
	struct opt_list		 ignored;
	const char		*spec[2];
	bool			 stat, zone, body, sizes;
	struct printer		 print;
	struct place		 place[2];
	struct buf		 line;
};

static const struct kind {
	enum diff_kind	 kind;
	const char	*name;
} kinds[] = {
	{ DIFF_MISSING,	"missing" },
	{ DIFF_EXTRA,	"extra" },
	{ DIFF_MOVED,	"moved" },
	{ DIFF_FLAGS,	"flags" },
	{ DIFF_DATE,	"date" },
	{ DIFF_ZONE,	"zone" },
	{ DIFF_BODY,	"body" },
	{ DIFF_MAILBOX_MISSING, "mailbox-missing" },
	{ DIFF_MAILBOX_EXTRA, "mailbox-extra" },
};

/* "flags,date", or in JSON an array of these. */
static void
kinds_put(struct buf *b, unsigned set, bool json)
{
	size_t i;
	bool first = true;

	if (json)
		json_open(b, '[');
	for (i = 0; i < N(kinds); i++) {
		if ((set & kinds[i].kind) == 0)
			continue;
		if (json)
			json_str(b, span_str(kinds[i].name));
		else
			buf_fmt(b, "%s%s", first ? "" : ",", kinds[i].name);
		first = false;
	}
	if (json)
		json_close(b, ']');
}

/* "INBOX: uid 5" of one side. */
static void
side_put(struct buf *b, const struct diff_side *s)
{
	struct item it = { .uid = s->uid, .ref = s->ref };
	struct buf name = BUF_INIT;

	if (s->uid == 0 && s->ref.n == 0) {
		name_put(&name, s->mailbox);
		safe_put(b, buf_span(&name));
		buf_fini(&name);
		return;
	}
	item_put(b, s->mailbox, &it);
}

/* What differs, as "flags \Seen -> \Seen \Flagged". */
static void
change_put(struct buf *b, const struct diff_row *r)
{
	if (r->a == NULL || r->b == NULL)
		return;
	if ((r->kinds & DIFF_FLAGS) != 0) {
		buf_str(b, "\tflags ");
		safe_put(b, r->a->flags);
		buf_str(b, " -> ");
		safe_put(b, r->b->flags);
	}
	if ((r->kinds & (DIFF_DATE | DIFF_ZONE)) != 0) {
		buf_str(b, "\tdate ");
		if (r->a->date.known)
			date_put_imap(b, &r->a->date);
		buf_str(b, " -> ");
		if (r->b->date.known)
			date_put_imap(b, &r->b->date);
	}
	if ((r->kinds & DIFF_BODY) != 0)
		buf_fmt(b, "\tsize %llu -> %llu",
		    (unsigned long long)r->a->size,
		    (unsigned long long)r->b->size);
}

static void
json_side(struct buf *b, const char *key, const struct diff_side *s)
{
	if (s == NULL)
		return;
	json_key(b, key);
	json_open(b, '{');
	json_key(b, "mailbox");
	name_json(b, s->mailbox);
	if (s->uid != 0) {
		json_key(b, "uid");
		json_num(b, s->uid);
	}
	if (s->ref.n > 0) {
		json_key(b, "ref");
		json_str(b, s->ref);
	}
	json_key(b, "flags");
	print_words(b, s->flags);
	json_key(b, "size");
	json_num(b, s->size);
	json_close(b, '}');
}

static int
on_row(void *arg, const struct diff_row *r, struct err *err)
{
	struct diff *d = arg;
	struct buf *b = &d->line;

	(void)err;
	if (d->stat)
		return 0;
	buf_clear(b);
	if (d->tool->json) {
		json_open(b, '{');
		json_key(b, "type");
		json_str(b, SPAN("difference"));
		json_key(b, "kinds");
		kinds_put(b, r->kinds, true);
		json_side(b, "a", r->a);
		json_side(b, "b", r->b);
		json_close(b, '}');
	} else {
		kinds_put(b, r->kinds, false);
		buf_chr(b, '\t');
		if (r->a != NULL)
			side_put(b, r->a);
		if (r->a != NULL && r->b != NULL)
			buf_str(b, " -> ");
		if (r->b != NULL)
			side_put(b, r->b);
		change_put(b, r);
	}
	buf_chr(b, '\n');
	(void)fwrite(b->p, 1, b->n, stdout);
	return 0;
}

static int
on_stat(void *arg, const struct diff_stat *s, struct err *err)
{
	struct diff *d = arg;
	const struct col {
		const char	*name;
		uint64_t	 n;
	} cols[] = {
		{ "a", s->a }, { "b", s->b }, { "same", s->same },
		{ "missing", s->missing }, { "extra", s->extra },
		{ "moved", s->moved }, { "flags", s->flags },
		{ "date", s->date }, { "body", s->body },
	};
	struct buf name = BUF_INIT, *b = &d->line;
	size_t i;

	(void)err;
	if (!d->stat)
		return 0;
	buf_clear(b);
	if (d->tool->json) {
		json_open(b, '{');
		json_key(b, "type");
		json_str(b, SPAN("mailbox"));
		json_key(b, "mailbox");
		name_json(b, s->mailbox);
	}
	for (i = 0; i < N(cols); i++) {
		if (!d->tool->json) {
			buf_fmt(b, "%8llu ", (unsigned long long)cols[i].n);
			continue;
		}
		json_key(b, cols[i].name);
		json_num(b, cols[i].n);
	}
	if (d->tool->json) {
		json_close(b, '}');
	} else {
		name_put(&name, s->mailbox);
		buf_chr(b, ' ');
		safe_put(b, buf_span(&name));
	}
	buf_chr(b, '\n');
	(void)fwrite(b->p, 1, b->n, stdout);
	buf_fini(&name);
	return 0;
}

static int
ignore_set(const struct diff *d, unsigned *set, struct err *err)
{
	size_t i, k;

	for (i = 0; i < d->ignored.n; i++) {
		for (k = 0; k < N(kinds); k++)
			if (strcmp(kinds[k].name, d->ignored.v[i]) == 0)
				break;
		if (k == N(kinds))
			return err_set(err, ERR_RUN, STATUS_USAGE,
			    "--ignore %s: is no kind of difference; see "
			    "mx-diff(1)", d->ignored.v[i]);
		*set |= (unsigned)kinds[k].kind;
	}
	return 0;
}

static int
open_sides(struct diff *d, struct err *err)
{
	unsigned need = NEED_KEY;
	int i;

	if (strcmp(d->spec[0], "-") == 0 && strcmp(d->spec[1], "-") == 0)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "only one side can be standard input");
	for (i = 0; i < 2; i++)
		if (place_init(&d->place[i], d->spec[i], &d->net[i], d->tool,
		    &d->print.report, err) == -1 ||
		    place_check_in(&d->place[i], err) == -1)
			return -1;
	for (i = 0; i < 2; i++) {
		if (d->body || d->place[i].kind != PLACE_IMAP)
			need = NEED_KEY | NEED_IDENT;
		else
			need = NEED_KEY;
		if (place_open_source(&d->place[i], need, &d->choose,
		    err) == -1)
			return -1;
	}
	return 0;
}

static int
diff_compare(struct diff *d, struct diff_result *res, struct err *err)
{
	struct diff_config c = {
		.zone = d->zone, .sizes = d->sizes,
		.select_arg = { &d->place[0], &d->place[1] }, .row = on_row, .stat = on_stat,
		.arg = d, .report = &d->print.report,
	};

	if (ignore_set(d, &c.ignore, err) == -1 ||
	    choose_ready(&d->choose, err) == -1 || open_sides(d, err) == -1)
		return -1;
	c.select[0] = d->place[0].select;
	c.select[1] = d->place[1].select;
	c.a = d->place[0].source;
	c.b = d->place[1].source;
	if (d->stat && !d->tool->json)
		(void)printf("%8s %8s %8s %8s %8s %8s %8s %8s %8s  %s\n", "A",
		    "B", "same", "missing", "extra", "moved", "flags", "date",
		    "body", "mailbox");
	return diff_run(&c, res, err);
}

static enum status
diff_status(const struct diff *d, int rc, const struct diff_result *res,
    const struct err *err)
{
	if (rc == -1)
		return err->status;
	if (stop_flag != 0)
		return STATUS_INTERRUPTED;
	if (!res->complete || printer_passed(&d->print) > 0)
		return STATUS_DATA;
	return res->differ > 0 ? STATUS_PASSED : STATUS_OK;
}

static int
run(struct diff *d)
{
	struct diff_result res = { 0 };
	struct err err = ERR_INIT;
	char counts[100];
	enum status status;
	int rc;

	printer_init(&d->print, d->tool, false, false);
	rc = diff_compare(d, &res, &err);
	place_close(&d->place[0]);
	place_close(&d->place[1]);
	printer_fini(&d->print);
	status = diff_status(d, rc, &res, &err);
	if (rc == -1)
		tool_error(d->tool, &err);
	else if (status == STATUS_DATA)
		tool_say(d->tool, "a side could not be read completely; what "
		    "is said above holds only for what was read");
	(void)snprintf(counts, sizeof(counts), "%llu same, %llu differ",
	    (unsigned long long)res.same, (unsigned long long)res.differ);
	choose_fini(&d->choose);
	opt_list_fini(&d->ignored);
	buf_fini(&d->line);
	return tool_end(d->tool, counts, status);
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-diff",
		.synopsis = "[options] A B",
		.about = "Compares any two of IMAP account, archive, stream and "
		    "Maildir, message by message.\n"
		    "Exit status: 0 the same, 1 they differ, above that trouble.",
		.passed = "DIFFER",
	};
	struct diff d = { .tool = &tool,
	    .net = { PLACE_CONFIG_INIT, PLACE_CONFIG_INIT } };
	struct opt a[PLACE_OPTS], b[PLACE_OPTS], which[CHOOSE_OPTS];
	const struct opt own[] = {
		{ 's', "stat", OPT_FLAG, &d.stat, NULL,
		    "a line of counts for each mailbox instead" },
		{ 0, "body", OPT_FLAG, &d.body, NULL,
		    "fetch messages from servers and compare every octet" },
		{ 0, "sizes", OPT_FLAG, &d.sizes, NULL,
		    "compare sizes where a side gives no octets" },
		{ 0, "zone", OPT_FLAG, &d.zone, NULL,
		    "compare the zones of dates too, where both have one" },
		{ 0, "ignore", OPT_LIST, &d.ignored, "KIND",
		    "leave out a kind of difference; may be repeated" },
	};
	size_t na = place_opts_net(&d.net[0], a),
	    nb = place_opts_net(&d.net[1], b);
	const struct opt_group groups[] = {
		{ "Comparing", NULL, own, N(own) },
		{ "Choosing mailboxes", NULL, which,
		    choose_opts(&d.choose, which) },
		{ "Side A", "a-", a, na + place_opts_view(&d.net[0], a + na) },
		{ "Side B", "b-", b, nb + place_opts_view(&d.net[1], b + nb) },
	};

	(void)tool_start(&tool, argc, argv, groups, N(groups), 2, 2);
	d.net[0].side = "A";
	d.net[1].side = "B";
	d.spec[0] = argv[1];
	d.spec[1] = argv[2];
	return run(&d);
}
