/* SPDX-License-Identifier: ISC */
/* Reports made visible: lines, JSON, a progress line. */

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "mail/name.h"
#include "tools/print.h"

#define SHOW_EVERY	((int64_t)200000000)	/* nanoseconds */

/* Take the progress line off the terminal, so that another can be printed. */
static void
wipe(struct printer *p)
{
	if (p->on_line)
		(void)fputs("\r\033[K", stderr);
	p->on_line = false;
}

static bool
is_bad(enum verdict v)
{
	return v == VERDICT_REFUSED || v == VERDICT_UNAVAILABLE;
}

static void
json_item(struct buf *b, struct span mailbox, const struct item *it,
    const struct err *why)
{
	json_open(b, '{');
	json_key(b, "type");
	json_str(b, SPAN("item"));
	json_key(b, "mailbox");
	name_json(b, mailbox);
	json_key(b, "ref");
	json_str(b, it->ref);
	if (it->uid != 0) {
		json_key(b, "uid");
		json_num(b, it->uid);
	}
	json_key(b, "size");
	json_num(b, it->size);
	json_key(b, "verdict");
	json_str(b, span_str(verdict_name(it->verdict)));
	if (it->reason != NULL) {
		json_key(b, "reason");
		json_str(b, span_str(it->reason));
	}
	if (why != NULL) {
		json_key(b, "text");
		json_str(b, span_str(why->msg));
	}
	json_close(b, '}');
	buf_chr(b, '\n');
}

/* "wanted  INBOX: uid 4711  2048  missing" */
static void
plan_item(struct buf *b, struct span mailbox, const struct item *it)
{
	buf_fmt(b, "%s\t", verdict_name(it->verdict));
	item_put(b, mailbox, it);
	buf_fmt(b, "\t%llu\t%s\n", (unsigned long long)it->size,
	    it->reason == NULL ? "-" : it->reason);
}

static void
tell_item(struct printer *p, struct span mailbox, const struct item *it,
    const struct err *why)
{
	struct buf b = BUF_INIT;

	item_put(&b, mailbox, it);
	tool_say(p->tool, "%s: %s%s%s%s%s", buf_cstr(&b),
	    verdict_name(it->verdict), it->reason == NULL ? "" : ": ",
	    it->reason == NULL ? "" : it->reason, why == NULL ? "" : ": ",
	    why == NULL ? "" : why->msg);
	buf_fini(&b);
}

static void
on_item(void *arg, struct span mailbox, const struct item *it,
    const struct err *why)
{
	struct printer *p = arg;
	struct buf b = BUF_INIT;

	pthread_mutex_lock(&p->lock);
	p->count[it->verdict]++;
	wipe(p);
	if (p->tool->json && p->items_out)
		json_item(&b, mailbox, it, why);
	else if (p->dry && p->items_out)
		plan_item(&b, mailbox, it);
	if (b.n > 0)
		(void)fwrite(b.p, 1, b.n, stdout);
	if (is_bad(it->verdict) || (p->tool->verbose && !p->dry))
		tell_item(p, mailbox, it, why);
	pthread_mutex_unlock(&p->lock);
	buf_fini(&b);
}

static void
on_mailbox(void *arg, struct span mailbox, const struct err *why)
{
	struct printer *p = arg;
	struct buf b = BUF_INIT;

	pthread_mutex_lock(&p->lock);
	p->mailboxes_passed++;
	wipe(p);
	name_put(&b, mailbox);
	tool_say(p->tool, "%s: %s", buf_cstr(&b), why->msg);
	pthread_mutex_unlock(&p->lock);
	buf_fini(&b);
}

static void	on_note(void *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));

static void
on_note(void *arg, const char *fmt, ...)
{
	struct printer *p = arg;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&p->lock);
	wipe(p);
	if (!p->tool->quiet)
		tool_say(p->tool, "%s", text);
	pthread_mutex_unlock(&p->lock);
}

static void
show(struct printer *p, struct span mailbox)
{
	double secs = (double)(p->shown - p->begun) / 1e9;
	double mb = (double)p->octets / 1e6;
	struct buf name = BUF_INIT, safe = BUF_INIT;

	name_put(&name, mailbox);
	safe_put(&safe, buf_span(&name));
	(void)fprintf(stderr, "\r\033[K%llu items, %.1f MB, %.1f MB/s  %.40s",
	    (unsigned long long)p->items, mb, secs > 0 ? mb / secs : 0.0,
	    buf_cstr(&safe));
	(void)fflush(stderr);
	p->on_line = true;
	buf_fini(&name);
	buf_fini(&safe);
}

/* FNV-1a: which mailbox, among those under way. */
static uint64_t
name_hash(struct span name)
{
	uint64_t h = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < name.n; i++)
		h = (h ^ name.p[i]) * UINT64_C(1099511628211);
	return h;
}

/* What a mailbox tells counts from its start: add what is more than before. */
static void
add_up(struct printer *p, struct span mailbox, uint64_t items,
    uint64_t octets)
{
	const uint64_t name = name_hash(mailbox);
	struct progress *w;
	size_t i;

	for (i = 0; i < N(p->under_way); i++)
		if (p->under_way[i].name == name)
			break;
	if (i == N(p->under_way)) {
		i = p->next++ % N(p->under_way);
		p->under_way[i] = (struct progress){ .name = name };
	}
	w = &p->under_way[i];
	if (items < w->items || octets < w->octets)
		w->items = w->octets = 0;
	p->items += items - w->items;
	p->octets += octets - w->octets;
	w->items = items;
	w->octets = octets;
}

static void
on_progress(void *arg, struct span mailbox, uint64_t items, uint64_t octets)
{
	struct printer *p = arg;
	int64_t now;

	pthread_mutex_lock(&p->lock);
	add_up(p, mailbox, items, octets);
	now = sys_mono(&sys_real);
	if (now - p->shown >= SHOW_EVERY) {
		p->shown = now;
		show(p, mailbox);
	}
	pthread_mutex_unlock(&p->lock);
}

void
printer_init(struct printer *p, struct tool *tool, bool dry, bool items_out)
{
	memset(p, 0, sizeof(*p));
	p->tool = tool;
	p->dry = dry;
	p->items_out = items_out;
	p->begun = p->shown = sys_mono(&sys_real);
	p->report = (struct report){ on_item, on_mailbox, on_note,
	    isatty(STDERR_FILENO) != 0 && !tool->quiet && !tool->verbose ?
	    on_progress : NULL, p };
	(void)pthread_mutex_init(&p->lock, NULL);
}

void
printer_fini(struct printer *p)
{
	wipe(p);
	(void)pthread_mutex_destroy(&p->lock);
}

uint64_t
printer_passed(const struct printer *p)
{
	return p->count[VERDICT_REFUSED] + p->count[VERDICT_UNAVAILABLE] +
	    p->mailboxes_passed;
}

void
printer_source(struct printer *p, struct source *source)
{
	struct source_about about = { .complete = true };

	source->ops->about(source, &about);
	p->incomplete = !about.complete;
}

enum status
printer_status(const struct printer *p, int rc, bool interrupted,
    const struct err *err)
{
	if (rc == -1)
		return err->status;
	if (interrupted)
		return STATUS_INTERRUPTED;
	if (p->incomplete)
		return STATUS_DATA;
	return printer_passed(p) > 0 ? STATUS_PASSED : STATUS_OK;
}
