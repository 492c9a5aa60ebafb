/* SPDX-License-Identifier: ISC */
/* mx-load: replay an archive, a stream or a Maildir to a destination. */

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "flow/copy.h"
#include "flow/replay.h"
#include "tools/choose.h"
#include "tools/place.h"
#include "tools/print.h"

struct load {
	struct tool		*tool;
	struct place_config	 net;
	struct choose		 choose;
	const char		*in, *dest;
	const char		*receipt;	/* --receipt */
	bool			 dry, redeliver;
	struct printer		 print;
	struct place		 from, to;
	char			*receipt_path;
};

/* TARGET of mx-archive(5): a digest of who the destination is. */
static void
target_hex(const struct dest *dest, struct buf *out)
{
	struct digest d;

	sha256_of(dest->ops->target((struct dest *)(uintptr_t)dest), &d);
	buf_hex(out, span_head(digest_span(&d), 16));
}

/*
 * Streams and Maildirs have nowhere to keep a receipt: it goes to the user's state
 * directory, by target and origin.
 */
static int
state_receipt(struct load *l, struct span origin, const char *target,
    struct err *err)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct buf dir = BUF_INIT;
	struct digest d;
	int rc = -1;

	if (state != NULL && *state == '/')
		buf_fmt(&dir, "%s/mx/receipts", state);
	else if (home != NULL && *home == '/')
		buf_fmt(&dir, "%s/.local/state/mx/receipts", home);
	else {
		err_set(err, ERR_RUN, STATUS_USAGE, "no place for the receipt: "
		    "HOME is not set; name it with --receipt");
		goto out;
	}
	if (!l->dry && io_mkdirs(buf_cstr(&dir), err) == -1)
		goto out;
	sha256_of(origin, &d);
	buf_fmt(&dir, "/%s-", target);
	buf_hex(&dir, span_head(digest_span(&d), 8));
	buf_str(&dir, ".jsonl");
	if (!buf_ok(&dir) ||
	    (l->receipt_path = strdup(buf_cstr(&dir))) == NULL) {
		err_nomem(err);
		goto out;
	}
	rc = 0;
out:
	buf_fini(&dir);
	return rc;
}

static int
find_receipt(struct load *l, struct span origin, struct err *err)
{
	struct buf target = BUF_INIT;
	int rc = -1;

	if (l->receipt != NULL) {
		l->receipt_path = strdup(l->receipt);
		return l->receipt_path == NULL ? err_nomem(err) : 0;
	}
	target_hex(l->to.dest, &target);
	if (!buf_ok(&target))
		err_nomem(err);
	else if (l->from.archive == NULL)
		rc = state_receipt(l, origin, buf_cstr(&target), err);
	else if ((l->receipt_path = archive_receipt_path(l->from.archive,
	    buf_cstr(&target), err)) != NULL)
		rc = 0;
	buf_fini(&target);
	return rc;
}

static int
load_open(struct load *l, struct err *err)
{
	struct source_about about = { 0 };
	struct buf origin = BUF_INIT;
	struct replay_config c;
	int rc = -1;

	if (place_open_source(&l->from, NEED_KEY | NEED_IDENT, &l->choose,
	    err) == -1 ||
	    place_open_dest(&l->to, err) == -1)
		return -1;
	l->from.source->ops->about(l->from.source, &about);
	if (about.left_out > 0)
		report_note(&l->print.report, "%s: the view leaves out %llu "
		    "items", l->in, (unsigned long long)about.left_out);
	if (l->from.kind == PLACE_MAILDIR)
		place_origin(&origin, &l->from);
	else
		buf_put(&origin, about.origin);
	if (find_receipt(l, buf_span(&origin), err) == -1)
		goto out;
	c = (struct replay_config){ .dest = l->to.dest,
	    .receipt = l->receipt_path, .origin = buf_span(&origin),
	    .dry = l->dry, .redeliver = l->redeliver, .sys = &sys_real,
	    .report = &l->print.report };
	l->to.sink = replay_sink(&c, err);
	rc = l->to.sink == NULL ? -1 : 0;
out:
	buf_fini(&origin);
	return rc;
}

static bool
is_dest(const struct place *p)
{
	return p->kind == PLACE_IMAP || p->kind == PLACE_MAILDIR;
}

static int
load_prepare(struct load *l, struct err *err)
{
	if (choose_ready(&l->choose, err) == -1 ||
	    place_init(&l->from, l->in, &l->net, l->tool, &l->print.report,
	    err) == -1 ||
	    place_init(&l->to, l->dest, &l->net, l->tool, &l->print.report,
	    err) == -1)
		return -1;
	if (l->from.kind == PLACE_IMAP)
		return err_set(err, ERR_RUN, STATUS_USAGE, "%s: a server is "
		    "read by mx-dump: mx-dump %s %s%s", l->in, l->in,
		    is_dest(&l->to) ? "| mx-load " : "", l->dest);
	if (!is_dest(&l->to))
		return err_set(err, ERR_RUN, STATUS_USAGE, "%s: is no "
		    "destination; name imaps://… or maildir:…%s%s", l->dest,
		    strchr(l->dest, '@') == NULL ? "" : ", as imaps://",
		    strchr(l->dest, '@') == NULL ? "" : l->dest);
	if (l->to.url.mailbox != NULL)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: name the account, without a mailbox", l->dest);
	return place_check_in(&l->from, err) == -1 ? -1 :
	    place_check_out(&l->to, l->dry, err);
}

static int
load_copy(struct load *l, struct copy_result *res, struct err *err)
{
	struct copy c = {
		.select_arg = &l->from, .jobs = 1, .dry = l->dry,
		.sys = &sys_real, .report = &l->print.report,
	};

	if (load_prepare(l, err) == -1 || load_open(l, err) == -1)
		return -1;
	if (l->print.report.progress != NULL)
		l->print.total = place_total(&l->from);
	c.select = l->from.select;
	c.from = l->from.source;
	c.to = l->to.sink;
	if (copy_run(&c, res, err) == -1)
		return -1;
	printer_source(&l->print, c.from);
	return 0;
}

static int
load_run(struct load *l)
{
	struct copy_result res = { 0 };
	struct err err = ERR_INIT;
	const uint64_t *n = l->print.count;
	char counts[200];
	int rc;

	printer_init(&l->print, l->tool, l->dry, true);
	rc = load_copy(l, &res, &err);
	place_close(&l->to);
	place_close(&l->from);
	printer_fini(&l->print);
	if (rc == -1)
		tool_error(l->tool, &err);
	(void)snprintf(counts, sizeof(counts), "%llu %s, %llu present, "
	    "%llu refused, %llu unavailable, %llu mailboxes passed over",
	    (unsigned long long)n[l->dry ? VERDICT_WANTED : VERDICT_DONE],
	    l->dry ? "to load" : "loaded", (unsigned long long)n[VERDICT_HAVE],
	    (unsigned long long)n[VERDICT_REFUSED],
	    (unsigned long long)n[VERDICT_UNAVAILABLE],
	    (unsigned long long)l->print.mailboxes_passed);
	choose_fini(&l->choose);
	free(l->receipt_path);
	return tool_end(l->tool, counts, printer_status(&l->print, rc,
	    res.interrupted, &err));
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-load",
		.synopsis = "[options] [IN] DEST",
		.about = "Replays an archive, a stream or a Maildir to an IMAP "
		    "account or a Maildir, and adds only what is missing "
		    "there.  IN is an archive's directory, a stream file, "
		    "maildir:PATH or - (the default); DEST "
		    "imaps://user@host[:port], imap://… (STARTTLS) or "
		    "maildir:PATH.",
	};
	struct load l = { .tool = &tool, .net = PLACE_CONFIG_INIT };
	struct opt net[PLACE_OPTS], which[CHOOSE_OPTS], view[1];
	const struct opt own[] = {
		{ 'n', "dry-run", OPT_FLAG, &l.dry, NULL,
		    "print what would become of each item, and why" },
		{ 0, "redeliver", OPT_FLAG, &l.redeliver, NULL,
		    "bring back what was deleted there since it was loaded" },
		{ 0, "receipt", OPT_STR, &l.receipt, "FILE",
		    "keep the receipt in FILE" },
	};
	const struct opt_group groups[] = {
		{ "Loading", NULL, own, N(own) },
		{ "Choosing", NULL, view, place_opts_view(&l.net, view) },
		{ "Choosing mailboxes", NULL, which,
		    choose_opts(&l.choose, which) },
		{ "Connections", NULL, net, place_opts_net(&l.net, net) },
	};
	int operands;

	operands = tool_start(&tool, argc, argv, groups, N(groups), 1, 2);
	l.in = operands == 2 ? argv[1] : "-";
	l.dest = argv[operands];
	return load_run(&l);
}
