/* SPDX-License-Identifier: ISC */
/* Reports made visible: lines, JSON, a progress line. */

#include <sys/ioctl.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "mail/name.h"
#include "tools/print.h"

#define SHOW_EVERY	((int64_t)200000000)	/* nanoseconds */
#define WIDTH		80			/* columns, where none can be asked */

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

void
print_words(struct buf *json, struct span words)
{
	struct span word;

	json_open(json, '[');
	while (span_next(&words, ' ', &word))
		if (word.n > 0)
			json_str(json, word);
	json_close(json, ']');
}

/* Whether the copy moves it from one mailbox to another. */
static bool
is_moved(const struct printer *p, struct span mailbox, const struct item *it)
{
	return p->from != NULL && it->verdict != VERDICT_DROPPED &&
	    !span_eq(*p->from, mailbox);
}

/* Where it stands: a dropped item is told of along with its neighbours' target. */
static struct span
stands_in(const struct printer *p, struct span mailbox, const struct item *it)
{
	return p->from != NULL && it->verdict == VERDICT_DROPPED ? *p->from :
	    mailbox;
}

static void
json_item(struct buf *b, const struct printer *p, struct span mailbox,
    const struct item *it, const struct err *why)
{
	json_open(b, '{');
	json_key(b, "type");
	json_str(b, SPAN("item"));
	json_key(b, "mailbox");
	name_json(b, stands_in(p, mailbox, it));
	if (is_moved(p, mailbox, it)) {
		json_key(b, "from");
		name_json(b, *p->from);
	}
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
	if (it->verdict == VERDICT_DROPPED && it->note.n > 0) {
		json_key(b, "rule");
		json_str(b, it->note);
	}
	if (why != NULL) {
		json_key(b, "text");
		json_str(b, span_str(why->msg));
	}
	json_close(b, '}');
	buf_chr(b, '\n');
}

static void
put_name(struct buf *b, struct span mailbox)
{
	struct buf name = BUF_INIT;

	name_put(&name, mailbox);
	safe_put(b, buf_span(&name));
	buf_fini(&name);
}

/* "wanted  INBOX: uid 4711 -> Work  2048  new" */
static void
plan_item(struct buf *b, const struct printer *p, struct span mailbox,
    const struct item *it)
{
	buf_fmt(b, "%s\t", verdict_name(it->verdict));
	item_put(b, p->from == NULL ? mailbox : *p->from, it);
	if (is_moved(p, mailbox, it)) {
		buf_str(b, " -> ");
		put_name(b, mailbox);
	}
	buf_fmt(b, "\t%llu\t%s", (unsigned long long)it->size,
	    it->reason == NULL ? "-" : it->reason);
	if (it->verdict == VERDICT_DROPPED && it->note.n > 0) {
		buf_chr(b, ' ');
		safe_put(b, it->note);
	}
	buf_chr(b, '\n');
}

static void
tell_item(struct printer *p, struct span mailbox, const struct item *it,
    const struct err *why)
{
	const char *verdict = verdict_name(it->verdict);
	const char *reason = it->reason == NULL ||
	    strcmp(it->reason, verdict) == 0 ? "" : it->reason;
	struct buf b = BUF_INIT;

	item_put(&b, stands_in(p, mailbox, it), it);
	tool_say(p->tool, "%s: %s%s%s%s%s", buf_cstr(&b), verdict,
	    *reason == '\0' ? "" : ": ", reason, why == NULL ? "" : ": ",
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
		json_item(&b, p, mailbox, it, why);
	else if (p->dry && p->items_out)
		plan_item(&b, p, mailbox, it);
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
	tool_note(p->tool, "%s", text);
	pthread_mutex_unlock(&p->lock);
}

static size_t
columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ?
	    w.ws_col : WIDTH;
}

/* What fits in a line: a character beyond ASCII may need two columns. */
static struct span
cut(struct span line, size_t width)
{
	struct span rest = line;
	size_t n, used = 0;
	uint32_t cp;

	while (rest.n > 0) {
		if ((n = utf8_next(rest, &cp)) == 0)
			n = 1;
		used += n == 1 ? 1 : 2;
		if (used > width)
			break;
		rest = span_of(rest.p + n, rest.n - n);
	}
	return span_head(line, line.n - rest.n);
}

/* "1234 of 5000 (24%), 12.3 MB, 610/s, 6.1 MB/s, 0:06 left  INBOX" */
static void
progress_put(struct buf *b, const struct printer *p, struct span mailbox)
{
	const double secs = (double)(p->shown - p->begun) / 1e9;
	const double mb = (double)p->octets / 1e6;
	const double pace = secs > 0 ? (double)p->items / secs : 0;
	const bool known = p->total > 0 && p->items <= p->total;
	unsigned long left;

	buf_fmt(b, "%llu", (unsigned long long)p->items);
	if (known)
		buf_fmt(b, " of %llu (%.0f%%)", (unsigned long long)p->total,
		    100.0 * (double)p->items / (double)p->total);
	else
		buf_str(b, " items");
	buf_fmt(b, ", %.1f MB, %.0f/s, %.1f MB/s", mb, pace,
	    secs > 0 ? mb / secs : 0.0);
	if (known && pace > 0) {
		left = (unsigned long)((double)(p->total - p->items) / pace);
		if (left < 3600)
			buf_fmt(b, ", %lu:%02lu left", left / 60, left % 60);
		else
			buf_fmt(b, ", %lu:%02lu h left", left / 3600,
			    left / 60 % 60);
	}
	buf_str(b, "  ");
	put_name(b, mailbox);
}

static void
show(struct printer *p, struct span mailbox)
{
	struct buf b = BUF_INIT;
	struct span line;

	progress_put(&b, p, mailbox);
	line = cut(buf_span(&b), columns() - 1);
	(void)fprintf(stderr, "\r\033[K%.*s", (int)line.n,
	    (const char *)line.p);
	(void)fflush(stderr);
	p->on_line = true;
	buf_fini(&b);
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
	if (p->begun == 0)
		p->begun = p->shown = now;
	if (now - p->shown >= SHOW_EVERY) {
		p->shown = now;
		show(p, mailbox);
	}
	pthread_mutex_unlock(&p->lock);
}

/*
 * Whether a progress line has a place: in a pipeline only the last command,
 * whose output is not the next one's input.
 */
static bool
may_show(const struct tool *tool)
{
	return isatty(STDERR_FILENO) != 0 && !tool->quiet && !tool->verbose &&
	    !tool_is_piped();
}

void
printer_init(struct printer *p, struct tool *tool, bool dry, bool items_out)
{
	memset(p, 0, sizeof(*p));
	p->tool = tool;
	p->dry = dry;
	p->items_out = items_out;
	p->report = (struct report){ on_item, on_mailbox, on_note,
	    may_show(tool) ? on_progress : NULL, p };
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
	if (rc == -1 && stop_flag != 0 && err->status == STATUS_IO &&
	    err->sys == EPIPE)
		return STATUS_INTERRUPTED;
	if (rc == -1)
		return err->status;
	if (interrupted)
		return STATUS_INTERRUPTED;
	if (p->incomplete)
		return STATUS_DATA;
	return printer_passed(p) > 0 ? STATUS_PASSED : STATUS_OK;
}
