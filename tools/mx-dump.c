/* SPDX-License-Identifier: ISC */
/* mx-dump: read a place into an archive or a stream. */

#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"
#include "flow/copy.h"
#include "imap/imap.h"
#include "mail/name.h"
#include "tools/choose.h"
#include "tools/place.h"
#include "tools/print.h"

#define JOBS_MAX	64

struct dump {
	struct tool		*tool;
	struct place_config	 net;
	struct choose		 choose;
	const char		*source, *out;
	bool			 dry, sizes;
	uint32_t		 jobs;
	struct mailbox		 sum;		/* of --sizes */
	uint64_t		 mailboxes;	/* likewise */
	struct printer		 print;
	struct place		 from, to;
};

static void
size_row(const struct dump *d, const struct mailbox *m, struct buf *b)
{
	struct buf name = BUF_INIT;

	if (d->tool->json) {
		json_open(b, '{');
		json_key(b, "type");
		json_str(b, SPAN("mailbox"));
		json_key(b, "mailbox");
		name_json(b, m->name);
		json_key(b, "messages");
		json_num(b, m->messages);
		json_key(b, "octets");
		json_num(b, m->octets);
		json_close(b, '}');
		buf_chr(b, '\n');
		return;
	}
	name_put(&name, m->name);
	buf_fmt(b, "%10llu %14llu  ", (unsigned long long)m->messages,
	    (unsigned long long)m->octets);
	safe_put(b, buf_span(&name));
	buf_chr(b, '\n');
	buf_fini(&name);
}

/* --sizes: what is there, without moving it. */
static int
dump_sizes(struct dump *d, struct err *err)
{
	struct mailboxes all = { 0 };
	struct buf b = BUF_INIT;
	size_t i;
	int rc = -1;

	if (d->from.kind != PLACE_IMAP) {
		err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: --sizes asks a server; mx-ls tells of other places",
		    d->source);
		goto out;
	}
	d->sum.name = SPAN("TOTAL");
	if (place_open_source(&d->from, 0, &d->choose, err) == -1 ||
	    imap_sizes(d->from.source, &all, err) == -1)
		goto out;
	mailboxes_sort(&all);
	for (i = 0; i < all.n; i++) {
		if (all.v[i].status != MAILBOX_OPEN ||
		    (d->from.select != NULL &&
		    !d->from.select(&d->from, &all.v[i])))
			continue;
		size_row(d, &all.v[i], &b);
		d->sum.messages += all.v[i].messages;
		d->sum.octets += all.v[i].octets;
		d->mailboxes++;
	}
	if (!d->tool->json)
		size_row(d, &d->sum, &b);
	if (b.n > 0)
		(void)fwrite(b.p, 1, b.n, stdout);
	rc = 0;
out:
	buf_fini(&b);
	mailboxes_fini(&all);
	return rc;
}

static int
open_both(struct dump *d, struct err *err)
{
	struct buf origin = BUF_INIT;
	int rc = -1;

	place_origin(&origin, &d->from);
	if (!buf_ok(&origin)) {
		err_nomem(err);
		goto out;
	}
	if (place_open_source(&d->from, 0, &d->choose, err) == -1)
		goto out;
	rc = place_open_sink(&d->to, buf_cstr(&origin), d->dry, err);
out:
	buf_fini(&origin);
	return rc;
}

static int
dump_copy(struct dump *d, struct copy_result *res, struct err *err)
{
	struct copy c = {
		.select_arg = &d->from, .jobs = d->jobs, .dry = d->dry,
		.sys = &sys_real, .report = &d->print.report,
	};

	if (open_both(d, err) == -1)
		return -1;
	if (d->print.report.progress != NULL)
		d->print.total = place_total(&d->from);
	c.select = d->from.select;
	c.from = d->from.source;
	c.to = d->to.sink;
	return copy_run(&c, res, err);
}

static int
dump_prepare(struct dump *d, struct err *err)
{
	if (d->jobs > JOBS_MAX)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--jobs %lu: %d connections are the most",
		    (unsigned long)d->jobs, JOBS_MAX);
	if (d->sizes && d->out != NULL)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--sizes writes no mail: %s is one operand too many",
		    d->out);
	if (d->out == NULL)
		d->out = "-";
	if (choose_ready(&d->choose, err) == -1 ||
	    place_init(&d->from, d->source, &d->net, d->tool,
	    &d->print.report, err) == -1 ||
	    place_init(&d->to, d->out, &d->net, d->tool, &d->print.report,
	    err) == -1)
		return -1;
	if (place_check_in(&d->from, err) == -1)
		return -1;
	if (d->from.kind != PLACE_IMAP && d->from.kind != PLACE_MAILDIR)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: is read by mx-transform or mx-load; mx-dump reads "
		    "imaps://… or maildir:…", d->source);
	if (d->tool->json && !d->dry && !d->sizes &&
	    span_is(span_str(d->out), "-"))
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--json and the stream would both go to standard output: "
		    "name a file for the stream");
	d->print.items_out = d->dry || !span_is(span_str(d->out), "-");
	return d->sizes ? 0 : place_check_writer(&d->to, d->dry, err);
}

static void
dump_counts(const struct dump *d, const struct copy_result *res, char *out,
    size_t n)
{
	const uint64_t *count = d->print.count;

	if (d->sizes) {
		(void)snprintf(out, n, "%llu mailboxes, %llu messages, "
		    "%llu octets", (unsigned long long)d->mailboxes,
		    (unsigned long long)d->sum.messages,
		    (unsigned long long)d->sum.octets);
		return;
	}
	(void)snprintf(out, n, "%llu %s, %llu present, %llu changed, "
	    "%llu unavailable, %llu mailboxes, %llu mailboxes passed over",
	    (unsigned long long)count[d->dry ? VERDICT_WANTED : VERDICT_DONE],
	    d->dry ? "to dump" : "dumped",
	    (unsigned long long)count[VERDICT_HAVE],
	    (unsigned long long)count[VERDICT_CHANGED],
	    (unsigned long long)(count[VERDICT_UNAVAILABLE] +
	    count[VERDICT_REFUSED]), (unsigned long long)res->mailboxes,
	    (unsigned long long)d->print.mailboxes_passed);
}

static int
dump_run(struct dump *d)
{
	struct copy_result res = { 0 };
	struct err err = ERR_INIT;
	enum status status;
	char counts[200];
	int rc;

	printer_init(&d->print, d->tool, d->dry, true);
	if ((rc = dump_prepare(d, &err)) == 0)
		rc = d->sizes ? dump_sizes(d, &err) : dump_copy(d, &res, &err);
	place_close(&d->to);
	place_close(&d->from);
	printer_fini(&d->print);
	if (rc == -1)
		tool_error(d->tool, &err);

	status = printer_status(&d->print, rc, res.interrupted, &err);
	dump_counts(d, &res, counts, sizeof(counts));
	choose_fini(&d->choose);
	return tool_end(d->tool, counts, status);
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-dump",
		.synopsis = "[options] SOURCE [OUT]",
		.about = "Reads an IMAP account or a Maildir into an archive, "
		    "incrementally, or into a stream. SOURCE is "
		    "imaps://user@host[:port][/mailbox], imap://… (STARTTLS) "
		    "or maildir:PATH; OUT an archive's directory, a new file "
		    "x.tar or x.tar.zst, or - (the default).",
	};
	struct dump d = { .tool = &tool, .net = PLACE_CONFIG_INIT, .jobs = 1 };
	struct opt net[PLACE_OPTS], which[CHOOSE_OPTS];
	const struct opt own[] = {
		{ 'n', "dry-run", OPT_FLAG, &d.dry, NULL,
		    "print what would be dumped, item by item" },
		{ 0, "sizes", OPT_FLAG, &d.sizes, NULL,
		    "print messages and octets of each mailbox, and stop" },
		{ 'j', "jobs", OPT_COUNT, &d.jobs, "N",
		    "read over N connections at once (1)" },
	};
	const struct opt_group groups[] = {
		{ "Dumping", NULL, own, N(own) },
		{ "Choosing mailboxes", NULL, which,
		    choose_opts(&d.choose, which) },
		{ "Connections", NULL, net, place_opts_net(&d.net, net) },
	};
	int operands;

	operands = tool_start(&tool, argc, argv, groups, N(groups), 1, 2);
	d.source = argv[1];
	d.out = operands == 2 ? argv[2] : NULL;
	return dump_run(&d);
}
