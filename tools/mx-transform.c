/* SPDX-License-Identifier: ISC */
/* mx-transform: apply rules to an archive or a stream, offline. */

#include <sys/stat.h>

#include <stdlib.h>

#include "base/io.h"
#include "flow/copy.h"
#include "tools/place.h"
#include "tools/print.h"
#include "tools/rulefilter.h"

#define RULE_FILE_MAX	((size_t)16 << 20)
#define MAKER_OCTETS	8		/* of the rules' SHA-256 */

struct transform {
	struct tool		*tool;
	struct place_config	 net;
	struct opt_list		 rules;		/* -e and -f, in order */
	const char		*now;
	const char		*in, *out;
	bool			 dry;
	struct printer		 print;
	struct place		 from, to;
	struct rules		*parsed;
	struct rulefilter	 filter;
	struct buf		 detail;
	struct buf		 maker;		/* of OUT: its rules make an archive */
};

/* One -e or -f; its text is added to `sha`. */
static int
add_rules(struct transform *t, const char *arg, bool is_file,
    struct sha256 *sha, struct err *err)
{
	struct buf text = BUF_INIT;
	struct span rules;
	int rc = -1;

	if (is_file && io_slurp(arg, RULE_FILE_MAX, &text, err) == -1)
		goto out;
	rules = is_file ? buf_span(&text) : span_str(arg);
	sha256_add(sha, rules);
	sha256_add(sha, SPAN("\n"));
	rc = rules_add(t->parsed, is_file ? arg : "-e", rules, &t->detail, err);
out:
	buf_fini(&text);
	return rc;
}

static int
add_all_rules(struct transform *t, struct err *err)
{
	struct sha256 *sha = sha256_new(err);
	struct digest digest;
	size_t i;
	int rc = sha == NULL ? -1 : 0;

	for (i = 0; rc == 0 && i < t->rules.n; i++)
		rc = add_rules(t, t->rules.v[i],
		    t->rules.from[i]->letter == 'f', sha, err);
	if (rc == 0) {
		sha256_end(sha, &digest);
		buf_fmt(&t->maker, "%s ", t->tool->name);
		buf_hex(&t->maker, span_head(digest_span(&digest),
		    MAKER_OCTETS));
		t->net.maker = buf_cstr(&t->maker);
		rc = buf_ok(&t->maker) ? 0 : err_nomem(err);
	}
	sha256_free(sha);
	return rc;
}

static int
read_rules(struct transform *t, struct err *err)
{
	struct date now = { .sec = sys_now(&sys_real) / 1000000000 };

	if (t->now != NULL && !date_parse_rfc3339(span_str(t->now), &now))
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--now %s: is no date as 2026-11-22T08:00:00Z", t->now);
	if ((t->parsed = rules_new(err)) == NULL || add_all_rules(t, err) == -1)
		return -1;
	rulefilter_init(&t->filter, t->parsed, now.sec, &t->print.report);
	return 0;
}

/*
 * IN as OUT would be written while it is read, and what the rules changed taken
 * for gone from it.
 */
static int
check_dirs(const struct transform *t, struct err *err)
{
	struct stat in, out;

	if (t->from.kind != PLACE_ARCHIVE || t->to.kind != PLACE_ARCHIVE ||
	    stat(t->from.path, &in) == -1 || stat(t->to.path, &out) == -1 ||
	    in.st_dev != out.st_dev || in.st_ino != out.st_ino)
		return 0;
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%s: is IN and OUT; name another archive to write", t->out);
}

/* The same of a copy.  Nothing was written to it so far. */
static int
check_ids(const struct transform *t, struct err *err)
{
	struct archive_info in, out;

	if (t->from.archive == NULL || t->to.archive == NULL)
		return 0;
	if (archive_info(t->from.archive, &in, err) == -1 ||
	    archive_info(t->to.archive, &out, err) == -1)
		return -1;
	if (out.id.n == 0 || !span_eq(in.id, out.id))
		return 0;
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%s: is a copy of %s; name another archive to write", t->out, t->in);
}

static int
open_both(struct transform *t, struct err *err)
{
	struct source_about about = { 0 };
	struct buf origin = BUF_INIT;
	int rc = -1;

	if (place_init(&t->from, t->in, &t->net, t->tool, &t->print.report,
	    err) == -1 ||
	    place_init(&t->to, t->out, &t->net, t->tool, &t->print.report,
	    err) == -1)
		return -1;
	if (t->tool->json && !t->dry && span_is(span_str(t->out), "-"))
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--json and the stream would both go to standard output: "
		    "name a file for the stream");
	if (t->from.kind == PLACE_IMAP || t->to.kind == PLACE_IMAP)
		return err_set(err, ERR_RUN, STATUS_USAGE, "%s: is a server; "
		    "mx-transform opens no socket: dump it first",
		    t->from.kind == PLACE_IMAP ? t->in : t->out);
	if (check_dirs(t, err) == -1 || place_check_in(&t->from, err) == -1 ||
	    place_check_writer(&t->to, t->dry, err) == -1 ||
	    place_open_source(&t->from, NEED_KEY | NEED_IDENT, NULL,
	    err) == -1)
		return -1;
	t->from.source->ops->about(t->from.source, &about);
	if (about.left_out > 0)
		report_note(&t->print.report, "%s: the view leaves out %llu "
		    "items", t->in, (unsigned long long)about.left_out);
	if (t->from.kind == PLACE_MAILDIR)
		place_origin(&origin, &t->from);
	else
		buf_put(&origin, about.origin);
	rc = place_open_sink(&t->to, buf_cstr(&origin), t->dry, err);
	buf_fini(&origin);
	return rc == -1 ? -1 : check_ids(t, err);
}

static int
transform_copy(struct transform *t, struct copy_result *res, struct err *err)
{
	struct copy c = {
		.filter = &t->filter.filter, .jobs = 1, .dry = t->dry,
		.sys = &sys_real, .report = &t->print.report,
	};

	if (read_rules(t, err) == -1 || open_both(t, err) == -1)
		return -1;
	if (t->print.report.progress != NULL)
		t->print.total = place_total(&t->from);
	c.from = t->from.source;
	c.to = t->to.sink;
	if (copy_run(&c, res, err) == -1)
		return -1;
	printer_source(&t->print, c.from);
	return 0;
}

static int
transform_run(struct transform *t)
{
	struct copy_result res = { 0 };
	struct err err = ERR_INIT;
	const uint64_t *n = t->print.count;
	enum status status;
	char counts[200];
	int rc;

	printer_init(&t->print, t->tool, t->dry, true);
	t->print.from = &t->filter.from;
	t->print.items_out = t->dry || !span_is(span_str(t->out), "-");
	rc = transform_copy(t, &res, &err);
	place_close(&t->to);
	place_close(&t->from);
	printer_fini(&t->print);
	if (rc == -1) {
		tool_error(t->tool, &err);
		if (t->detail.n > 0)
			(void)fwrite(t->detail.p, 1, t->detail.n, stderr);
	}
	(void)snprintf(counts, sizeof(counts), "%llu %s, %llu present, "
	    "%llu dropped, %llu unavailable",
	    (unsigned long long)n[t->dry ? VERDICT_WANTED : VERDICT_DONE],
	    t->dry ? "to write" : "written",
	    (unsigned long long)(n[VERDICT_HAVE] + n[VERDICT_CHANGED]),
	    (unsigned long long)n[VERDICT_DROPPED],
	    (unsigned long long)(n[VERDICT_UNAVAILABLE] + n[VERDICT_REFUSED]));
	status = printer_status(&t->print, rc, res.interrupted, &err);
	if (status == STATUS_OK && t->filter.limited > 0)
		status = STATUS_PASSED;
	rules_free(t->parsed);
	opt_list_fini(&t->rules);
	buf_fini(&t->detail);
	buf_fini(&t->maker);
	return tool_end(t->tool, counts, status);
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-transform",
		.synopsis = "[options] [-e RULE] [-f FILE] [IN [OUT]]",
		.about = "Applies rules to an archive or a stream, without any "
		    "network and without changing its input.  IN is an "
		    "archive's directory, a stream file, maildir:PATH or - "
		    "(the default); OUT another archive, a new file x.tar or "
		    "x.tar.zst, or - (the default).",
	};
	struct transform t = { .tool = &tool, .net = PLACE_CONFIG_INIT };
	struct opt view[1];
	const struct opt own[] = {
		{ 'e', "rule", OPT_LIST, &t.rules, "RULE",
		    "apply this rule; may be repeated" },
		{ 'f', "file", OPT_LIST, &t.rules, "FILE",
		    "apply the rules in FILE, one a line; may be repeated" },
		{ 'n', "dry-run", OPT_FLAG, &t.dry, NULL,
		    "print what would become of each item" },
		{ 0, "now", OPT_STR, &t.now, "DATE",
		    "count ages from DATE (RFC 3339) instead of the clock" },
	};
	const struct opt_group groups[] = {
		{ "Rules", NULL, own, N(own) },
		{ "Choosing", NULL, view, place_opts_view(&t.net, view) },
	};
	int operands;

	operands = tool_start(&tool, argc, argv, groups, N(groups), 0, 2);
	t.in = operands >= 1 ? argv[1] : "-";
	t.out = operands == 2 ? argv[2] : "-";
	return transform_run(&t);
}
