/* SPDX-License-Identifier: ISC */
/* mx-ls: what a place holds: mailboxes, items, generations. */

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "mail/name.h"
#include "tools/choose.h"
#include "tools/place.h"
#include "tools/print.h"

struct ls {
	struct tool		*tool;
	struct place_config	 config;
	struct choose		 choose;
	const char		*in;
	bool			 items, generations;
	struct printer		 print;
	struct place		 place;
	struct buf		 line;
	uint64_t		 mailboxes, messages, octets, count;
};

static void
flush_line(struct ls *l)
{
	buf_chr(&l->line, '\n');
	(void)fwrite(l->line.p, 1, l->line.n, stdout);
	buf_clear(&l->line);
}

static void
safe_name(struct buf *b, struct span name)
{
	struct buf shown = BUF_INIT;

	name_put(&shown, name);
	safe_put(b, buf_span(&shown));
	buf_fini(&shown);
}

static void
json_begin(struct buf *b, const char *type, struct span mailbox)
{
	json_open(b, '{');
	json_key(b, "type");
	json_str(b, span_str(type));
	json_key(b, "mailbox");
	name_json(b, mailbox);
}

/* ---- items ---- */

static void
json_item(struct buf *b, struct span mailbox, const struct item *it)
{
	json_begin(b, "item", mailbox);
	json_key(b, "number");
	json_num(b, it->number);
	json_key(b, "uid");
	json_num(b, it->uid);
	json_key(b, "ref");
	json_str(b, it->ref);
	json_key(b, "from");
	name_json(b, it->src_mailbox);
	json_key(b, "size");
	json_num(b, it->size);
	json_key(b, "flags");
	print_words(b, it->flags);
	json_key(b, "date");
	{
		struct buf date = BUF_INIT;

		if (it->date.known)
			date_put_imap(&date, &it->date);
		json_str(b, buf_span(&date));
		buf_fini(&date);
	}
	if (it->ident != NULL) {
		struct buf hex = BUF_INIT;

		digest_put(&hex, &it->ident->digest);
		json_key(b, "digest");
		json_str(b, buf_span(&hex));
		buf_fini(&hex);
	}
	json_close(b, '}');
}

/* "number  uid  size  date  flags  digest  mailbox", columns by tabs. */
static void
text_item(struct buf *b, struct span mailbox, const struct item *it)
{
	buf_fmt(b, "%llu\t%lu\t%llu\t", (unsigned long long)it->number,
	    (unsigned long)it->uid, (unsigned long long)it->size);
	if (it->date.known)
		date_put_imap(b, &it->date);
	buf_chr(b, '\t');
	safe_put(b, it->flags);
	buf_chr(b, '\t');
	if (it->ident != NULL)
		digest_put(b, &it->ident->digest);
	buf_chr(b, '\t');
	safe_name(b, mailbox);
}

static void
count_window(struct ls *l, const struct mailbox *m, const struct window *w,
    uint64_t *messages, uint64_t *octets)
{
	size_t i;

	*messages += w->n;
	for (i = 0; i < w->n; i++) {
		*octets += w->v[i].size;
		if (!l->items)
			continue;
		if (l->tool->json)
			json_item(&l->line, m->name, &w->v[i]);
		else
			text_item(&l->line, m->name, &w->v[i]);
		flush_line(l);
	}
}

static void
mailbox_line(struct ls *l, const struct mailbox *m, uint64_t messages,
    uint64_t octets)
{
	if (l->tool->json) {
		json_begin(&l->line, "mailbox", m->name);
		json_key(&l->line, "status");
		json_str(&l->line, span_str(mailbox_status_name(m->status)));
		json_key(&l->line, "subscribed");
		json_bool(&l->line, m->subscribed);
		json_key(&l->line, "messages");
		json_num(&l->line, messages);
		json_key(&l->line, "octets");
		json_num(&l->line, octets);
		json_close(&l->line, '}');
	} else {
		buf_fmt(&l->line, "%10llu %14llu  ",
		    (unsigned long long)messages, (unsigned long long)octets);
		safe_name(&l->line, m->name);
		if (m->status != MAILBOX_OPEN)
			buf_fmt(&l->line, "  (%s)",
			    mailbox_status_name(m->status));
	}
	flush_line(l);
}

static int
list_mailbox(struct ls *l, struct cursor *cur, const struct mailbox *m,
    struct window *w, struct err *err)
{
	const struct mailbox *state;
	uint64_t messages = 0, octets = 0;
	enum scope scope;
	int more;

	for (;;) {
		window_reset(w);
		if ((more = cur->ops->window(cur, w, err)) != 1)
			break;
		count_window(l, m, w, &messages, &octets);
		if (stop_flag != 0)
			return 0;
	}
	if (more == -1)
		return -1;
	if (!l->items)
		mailbox_line(l, m, messages, octets);
	l->mailboxes++;
	l->messages += messages;
	l->octets += octets;
	return cur->ops->finish(cur, &scope, &state, err);
}

static int
list_all(struct ls *l, struct err *err)
{
	const struct mailbox *m;
	struct cursor *cur = NULL;
	struct window w = { 0 };
	int more, rc = -1;

	if (window_init(&w, err) == -1 ||
	    (cur = l->place.source->ops->open(l->place.source, err)) == NULL)
		goto out;
	while (stop_flag == 0 &&
	    (more = cur->ops->mailbox(cur, &m, err)) != 0) {
		if (more == 1 && list_mailbox(l, cur, m, &w, err) == 0)
			continue;
		if (err->scope != ERR_MAILBOX)
			goto out;
		report_mailbox(&l->print.report, m->name, err);
		err_clear(err);
	}
	rc = 0;
out:
	if (cur != NULL)
		cur->ops->close(cur);
	window_fini(&w);
	return rc;
}

/* ---- generations ---- */

static int
on_generation(void *arg, const struct archive_generation *g, struct err *err)
{
	struct ls *l = arg;
	struct buf when = BUF_INIT, *b = &l->line;

	(void)err;
	l->count++;
	date_put_rfc3339(&when, g->created);
	if (l->tool->json) {
		json_open(b, '{');
		json_key(b, "type");
		json_str(b, SPAN("generation"));
		json_key(b, "number");
		json_num(b, g->number);
		json_key(b, "created");
		json_str(b, buf_span(&when));
		json_key(b, "complete");
		json_bool(b, g->complete);
		json_key(b, "born");
		json_num(b, g->born);
		json_key(b, "changed");
		json_num(b, g->changed);
		json_key(b, "ended");
		json_num(b, g->ended);
		json_close(b, '}');
	} else
		buf_fmt(b, "%6llu  %s  %-8s  %llu new, %llu changed, %llu "
		    "ended", (unsigned long long)g->number, buf_cstr(&when),
		    g->complete ? "complete" : "partial",
		    (unsigned long long)g->born,
		    (unsigned long long)g->changed,
		    (unsigned long long)g->ended);
	flush_line(l);
	buf_fini(&when);
	return 0;
}

static int
list_generations(struct ls *l, struct err *err)
{
	if (place_check_archive(&l->place, err) == -1 ||
	    place_open_archive(&l->place, ARCHIVE_READ, err) == -1)
		return -1;
	return archive_generations(l->place.archive, on_generation, l, err);
}

static int
list(struct ls *l, struct err *err)
{
	struct source_about about = { 0 };
	unsigned need;

	if (choose_ready(&l->choose, err) == -1 ||
	    place_init(&l->place, l->in, &l->config, l->tool,
	    &l->print.report, err) == -1)
		return -1;
	if (l->generations)
		return list_generations(l, err);
	need = l->items && l->place.kind != PLACE_IMAP ? NEED_IDENT : 0;
	if (place_open_source(&l->place, need, &l->choose, err) == -1)
		return -1;
	l->place.source->ops->about(l->place.source, &about);
	if (list_all(l, err) == -1)
		return -1;
	printer_source(&l->print, l->place.source);
	if (about.left_out > 0)
		report_note(&l->print.report, "%s: the view leaves out %llu "
		    "items", l->in, (unsigned long long)about.left_out);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-ls",
		.synopsis = "[options] [IN]",
		.about = "Lists what an archive, a stream, a Maildir or an account "
		    "holds: its mailboxes with messages and octets, its items, "
		    "or an archive's generations.",
	};
	struct ls l = { .tool = &tool, .config = PLACE_CONFIG_INIT };
	struct opt which[CHOOSE_OPTS], view[1], net[PLACE_OPTS];
	const struct opt own[] = {
		{ 'l', "items", OPT_FLAG, &l.items, NULL,
		    "each item: number, UID, size, date, flags, digest, "
		    "mailbox" },
		{ 'g', "generations", OPT_FLAG, &l.generations, NULL,
		    "the generations of an archive" },
	};
	const struct opt_group groups[] = {
		{ "Listing", NULL, own, N(own) },
		{ "Choosing", NULL, view, place_opts_view(&l.config, view) },
		{ "Choosing mailboxes", NULL, which,
		    choose_opts(&l.choose, which) },
		{ "Connections", NULL, net, place_opts_net(&l.config, net) },
	};
	struct err err = ERR_INIT;
	enum status status;
	char counts[120];
	int rc;

	l.in = tool_start(&tool, argc, argv, groups, N(groups), 0, 1) == 1 ?
	    argv[1] : "-";
	printer_init(&l.print, &tool, false, false);
	rc = list(&l, &err);
	place_close(&l.place);
	printer_fini(&l.print);
	if (rc == -1)
		tool_error(&tool, &err);
	status = printer_status(&l.print, rc, stop_flag != 0, &err);
	if (l.generations)
		(void)snprintf(counts, sizeof(counts), "%llu generations",
		    (unsigned long long)l.count);
	else
		(void)snprintf(counts, sizeof(counts),
		    "%llu mailboxes, %llu messages, %llu octets",
		    (unsigned long long)l.mailboxes,
		    (unsigned long long)l.messages,
		    (unsigned long long)l.octets);
	choose_fini(&l.choose);
	buf_fini(&l.line);
	return tool_end(&tool, counts, status);
}
