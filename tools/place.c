/* SPDX-License-Identifier: ISC */
/* From an operand to an open place. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/maildir/maildir.h"
#include "formats/stream/stream.h"
#include "imap/imap.h"
#include "mail/name.h"
#include "tools/nowhere.h"
#include "tools/place.h"

#define ZSTD_LEVEL	3

size_t
place_opts_net(struct place_config *c, struct opt *v)
{
	const struct opt rows[] = {
		{ 0, "password-command", OPT_STR, &c->password_command,
		    "CMD", "the password is the first line that CMD prints" },
		{ 0, "password-file", OPT_STR, &c->password_file, "FILE",
		    "the password is the first line of FILE" },
		{ 0, "password-fd", OPT_FD, &c->password_fd, "N",
		    "the password is the first line from descriptor N" },
		{ 0, "ca-file", OPT_STR, &c->ca_file, "FILE",
		    "trust the certificates in FILE (PEM) only" },
		{ 0, "timeout", OPT_COUNT, &c->timeout, "SECONDS",
		    "give a silent server up after that long (60)" },
		{ 0, "trace", OPT_STR, &c->trace, "FILE",
		    "write the protocol to FILE, without secrets" },
	};

	memcpy(v, rows, sizeof(rows));
	return N(rows);
}

size_t
place_opts_view(struct place_config *c, struct opt *v)
{
	v[0] = (struct opt){ 0, "view", OPT_STR, &c->view, "VIEW",
	    "of an archive: current, all, at=GENERATION or at=DATE" };
	return 1;
}

static bool
ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && strcmp(s + n - m, tail) == 0;
}

/* What a bare path is, by what stands there. */
static int
classify(struct place *p, struct err *err)
{
	struct stat st;

	if (stat(p->path, &st) == -1) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_sys(err, ERR_RUN, STATUS_NOINPUT, "%s",
			    p->path);
		p->kind = ends_in(p->path, ".tar") ||
		    ends_in(p->path, ".tar.zst") ? PLACE_STREAM : PLACE_ARCHIVE;
		return 0;
	}
	if (S_ISDIR(st.st_mode) && access(p->path, R_OK | X_OK) == -1)
		return err_sys(err, ERR_RUN, STATUS_NOINPUT, "%s", p->path);
	if (!S_ISDIR(st.st_mode))
		p->kind = PLACE_STREAM;
	else if (!archive_is(p->path) && maildir_is(p->path))
		p->kind = PLACE_MAILDIR;
	else
		p->kind = PLACE_ARCHIVE;
	return 0;
}

/* How much of the text is a scheme, as "https" of "https://"; 0: none. */
static size_t
scheme(const char *spec)
{
	size_t n = strspn(spec, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return strncmp(spec + n, "://", 3) == 0 ? n : 0;
}

int
place_init(struct place *p, const char *spec, const struct place_config *c,
    struct tool *tool, const struct report *report, struct err *err)
{
	size_t n;

	memset(p, 0, sizeof(*p));
	p->spec = p->path = spec;
	p->config = c;
	p->tool = tool;
	p->report = report;

	if (strcmp(spec, "-") == 0) {
		p->kind = PLACE_STREAM;
		return 0;
	}
	if (url_is(spec)) {
		p->kind = PLACE_IMAP;
		return url_parse(spec, &p->url, err);
	}
	if (span_starts(span_str(spec), "maildir:")) {
		p->kind = PLACE_MAILDIR;
		p->path = spec + strlen("maildir:");
		return 0;
	}
	if (*spec == '\0')
		return err_set(err, ERR_RUN, STATUS_USAGE, "an empty operand");
	if ((n = scheme(spec)) > 0)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "%.*s://: unknown scheme; imaps:// and imap:// are known",
		    (int)n, spec);
	return classify(p, err);
}

/* ---- what can be told before anything is opened ---- */

static bool
is_path(const struct place *p)
{
	return p->kind != PLACE_IMAP && strcmp(p->spec, "-") != 0;
}

/* "alice@example.org" is meant as an account. */
static bool
like_account(const struct place *p)
{
	return p->path == p->spec && strchr(p->spec, '@') != NULL &&
	    strchr(p->spec, '/') == NULL;
}

int
place_check_in(const struct place *p, struct err *err)
{
	struct stat st;

	if (!is_path(p) || stat(p->path, &st) == 0)
		return 0;
	err_sys(err, ERR_RUN, STATUS_NOINPUT, "%s", p->path);
	return like_account(p) && err != NULL ? err_set(err, ERR_RUN,
	    STATUS_NOINPUT, "%s: is not there; an account is written "
	    "imaps://%s", p->spec, p->spec) : -1;
}

int
place_check_archive(const struct place *p, struct err *err)
{
	if (place_check_in(p, err) == -1)
		return -1;
	return p->kind == PLACE_ARCHIVE && archive_is(p->path) ? 0 :
	    err_set(err, ERR_RUN, STATUS_DATA, "%s: is no archive", p->spec);
}

static int
check_parent(const char *path, struct err *err)
{
	size_t n = strlen(path);
	struct stat st;
	char *dir;
	int rc = 0;

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n == 0)
		return 0;
	if ((dir = strndup(path, n)) == NULL)
		return err_nomem(err);
	if (stat(dir, &st) == -1)
		rc = err_sys(err, ERR_RUN, STATUS_NOINPUT, "%s", dir);
	else if (!S_ISDIR(st.st_mode))
		rc = err_set(err, ERR_RUN, STATUS_NOINPUT,
		    "%s: is no directory", dir);
	free(dir);
	return rc;
}

/* Names that promise what is not written. */
static int
check_ending(const struct place *p, struct err *err)
{
	static const char *const other[] = {
		".tar/", ".tar.zst/", ".tar.gz", ".tgz", ".tar.xz", ".txz",
		".tar.bz2", ".tbz", ".tbz2", ".tzst", ".gz", ".xz", ".bz2",
		".zst", ".zip", ".7z", ".mbox",
	};
	size_t i;

	for (i = 0; p->kind == PLACE_ARCHIVE && i < N(other); i++)
		if (ends_in(p->path, other[i]))
			return err_set(err, ERR_RUN, STATUS_USAGE,
			    "%s: only .tar and .tar.zst are written, and "
			    "archives", p->spec);
	return 0;
}

int
place_check_out(const struct place *p, bool dry, struct err *err)
{
	struct stat st;

	if (!is_path(p))
		return 0;
	if (stat(p->path, &st) == 0)
		return p->kind != PLACE_STREAM || dry ? 0 : err_set(err,
		    ERR_RUN, STATUS_IO, "%s: exists already; remove it first "
		    "or name another", p->spec);
	return check_ending(p, err) == -1 ? -1 : check_parent(p->path, err);
}

static int
no_sink(const struct place *p, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%s: is written by mx-load, not by %s", p->spec, p->tool->name);
}

int
place_check_writer(const struct place *p, bool dry, struct err *err)
{
	return p->kind == PLACE_IMAP || p->kind == PLACE_MAILDIR ?
	    no_sink(p, err) : place_check_out(p, dry, err);
}

/* ---- mailboxes ---- */

/* Whether it is the one that the URL names; INBOX in whatever case. */
static bool
is_named(const struct place *p, const struct mailbox *m)
{
	struct buf split = BUF_INIT, want = BUF_INIT, name = BUF_INIT;
	bool same;

	name_split(&split, span_str(p->url.mailbox));
	name_put(&want, buf_span(&split));
	name_put(&name, m->name);
	same = span_eq(buf_span(&want), buf_span(&name));
	buf_fini(&split);
	buf_fini(&want);
	buf_fini(&name);
	return same;
}

/* A select_fn. */
static bool
selected(void *arg, const struct mailbox *m)
{
	struct place *p = arg;

	return (p->url.mailbox == NULL || is_named(p, m)) &&
	    (p->choose == NULL ||
	    choose_mailbox((void *)(uintptr_t)p->choose, m));
}

/* That what was named is there, as far as the place can tell. */
static int
check_selected(struct place *p, struct err *err)
{
	struct mailboxes all = { .v = NULL };
	const char *idle;
	size_t i;
	int rc;

	if ((rc = p->source->ops->list(p->source, &all, err)) != 1)
		goto out;
	rc = 0;
	for (i = 0; p->url.mailbox != NULL && i < all.n; i++)
		if (is_named(p, &all.v[i]))
			break;
	if (p->url.mailbox != NULL && i == all.n)
		rc = err_set(err, ERR_RUN, STATUS_NOINPUT,
		    "%s: there is no such mailbox", p->spec);
	else if (p->choose != NULL &&
	    (idle = choose_idle(p->choose, &all)) != NULL)
		report_note(p->report, "--mailbox '%s' matches no mailbox of "
		    "%s", idle, p->spec);
out:
	mailboxes_fini(&all);
	return rc;
}

uint64_t
place_total(struct place *p)
{
	struct mailboxes all = { .v = NULL };
	uint64_t sum = 0;
	bool known;
	size_t i;

	known = p->source->ops->list(p->source, &all, NULL) == 1;
	for (i = 0; known && i < all.n; i++) {
		if (all.v[i].status != MAILBOX_OPEN ||
		    (p->select != NULL && !p->select(p, &all.v[i])))
			continue;
		known = all.v[i].counted;
		sum += all.v[i].messages;
	}
	mailboxes_fini(&all);
	return known ? sum : 0;
}

/* ---- opening ---- */

static int
open_trace(struct place *p, struct err *err)
{
	if (p->config->trace == NULL ||
	    (p->trace = fopen(p->config->trace, "ae")) != NULL)
		return 0;
	return err_sys(err, ERR_RUN, STATUS_IO, "%s", p->config->trace);
}

static int
account(struct place *p, struct imap_account *a, struct err *err)
{
	const struct place_config *c = p->config;

	if (p->url.user == NULL)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: names no user: imaps://user@host", p->spec);
	buf_clear(&p->account);
	buf_fmt(&p->account, "%s at %s port %s%s%s", p->url.user, p->url.host,
	    p->url.port, c->side == NULL ? "" : ", side ",
	    c->side == NULL ? "" : c->side);
	if (!buf_ok(&p->account))
		return err_nomem(err);
	*a = (struct imap_account){
		.url = p->url,
		.secret = { .command = c->password_command,
		    .file = c->password_file, .fd = c->password_fd,
		    .prompt = true, .account = buf_cstr(&p->account) },
		.ca_file = c->ca_file, .timeout = c->timeout,
		.sys = &sys_real, .report = p->report,
	};
	if (open_trace(p, err) == -1)
		return -1;
	a->trace = p->trace;
	return 0;
}

/* A generation's number, or a time: at=7, at=2026-11-22T08:00:00Z, at=2026-11-22. */
static int
parse_at(struct place *p, const char *at, struct archive_select *sel,
    struct err *err)
{
	struct buf b = BUF_INIT;
	struct date date = { 0 };
	struct archive_info info;

	sel->view = VIEW_AT;
	if (span_u64(span_str(at), &sel->generation)) {
		if (archive_info(p->archive, &info, err) == -1)
			return -1;
		return sel->generation > 0 &&
		    sel->generation <= info.generation ? 0 : err_set(err,
		    ERR_RUN, STATUS_NOINPUT, "%s: has no generation %s; the "
		    "newest is %llu", p->spec, at,
		    (unsigned long long)info.generation);
	}
	buf_str(&b, at);
	if (strlen(at) == strlen("2026-11-22"))
		buf_str(&b, "T23:59:59Z");
	if (!buf_ok(&b) || !date_parse_rfc3339(buf_span(&b), &date)) {
		buf_fini(&b);
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--view at=%s: neither a generation nor a date", at);
	}
	buf_fini(&b);
	sel->generation = archive_generation_at(p->archive, date.sec);
	if (sel->generation == 0)
		return err_set(err, ERR_RUN, STATUS_NOINPUT,
		    "%s: holds nothing as old as %s", p->spec, at);
	return 0;
}

static int
parse_view(struct place *p, struct archive_select *sel, struct err *err)
{
	const char *view = p->config->view;

	*sel = (struct archive_select){ VIEW_CURRENT, 0 };
	if (view == NULL || strcmp(view, "current") == 0)
		return 0;
	if (strcmp(view, "all") == 0) {
		sel->view = VIEW_ALL;
		return 0;
	}
	if (strncmp(view, "at=", 3) == 0)
		return parse_at(p, view + 3, sel, err);
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "--view %s: is none of current, all, at=", view);
}

int
place_open_archive(struct place *p, enum archive_mode mode, struct err *err)
{
	const struct archive_config c = {
		.program = tool_program(p->tool), .sys = &sys_real,
		.report = p->report,
		.maker = p->config->maker != NULL ? p->config->maker :
		    p->tool->name,
	};

	p->archive = archive_open(p->path, mode, &c, err);
	return p->archive == NULL ? -1 : 0;
}

static int
open_archive_source(struct place *p, struct err *err)
{
	struct archive_select sel;

	if (place_open_archive(p, ARCHIVE_READ, err) == -1 ||
	    parse_view(p, &sel, err) == -1)
		return -1;
	p->source = archive_source(p->archive, &sel, err);
	return p->source == NULL ? -1 : 0;
}

/* A new file, whose name is durable too before anything in it is reported. */
static int
create_stream(const char *path, int *fd, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc;

	if (io_create(path, O_WRONLY | O_CREAT | O_EXCL, fd, err) == -1)
		return -1;
	dir = slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path));
	rc = dir == NULL ? err_nomem(err) : io_sync_dir(dir, err);
	free(dir);
	if (rc == -1)
		(void)io_close(fd, path, NULL);
	return rc;
}

/* Wait for the command before: one that failed sends nothing at all. */
static int
check_pipe(int fd, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode))
		return 0;
	while (poll(&p, 1, -1) == -1)
		if (errno != EINTR || stop_flag != 0)
			return err_set(err, ERR_RUN, STATUS_INTERRUPTED,
			    "interrupted before anything came");
	return (p.revents & POLLIN) != 0 ? 0 : err_set(err, ERR_RUN,
	    STATUS_DATA, "nothing came: did the command before it fail?");
}

/* The stream's descriptor; standard input and output are duplicated. */
static int
stream_fd(struct place *p, bool out, int *fd, struct err *err)
{
	if (strcmp(p->path, "-") != 0)
		return out ? create_stream(p->path, fd, err) :
		    io_open(p->path, fd, err);
	if (isatty(out ? STDOUT_FILENO : STDIN_FILENO) != 0)
		return err_set(err, ERR_RUN, STATUS_USAGE, out ?
		    "standard output is a terminal; a stream is binary: "
		    "name a file, or use a pipe" :
		    "standard input is a terminal: name an archive or a "
		    "stream, or use a pipe");
	*fd = fcntl(out ? STDOUT_FILENO : STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return *fd == -1 ? err_sys(err, ERR_RUN, STATUS_IO, "-") : 0;
}

static int
open_stream_source(struct place *p, unsigned need, struct err *err)
{
	const struct stream_config c = { .name = p->path, .sys = &sys_real,
	    .report = p->report };
	int fd = -1;

	if (stream_fd(p, false, &fd, err) == -1)
		return -1;
	if (strcmp(p->path, "-") == 0 && check_pipe(fd, err) == -1) {
		(void)io_close(&fd, "-", NULL);
		return -1;
	}
	p->source = stream_source(fd, &c, need, err);
	return p->source == NULL ? -1 : 0;
}

static int
open_source(struct place *p, unsigned need, struct err *err)
{
	const struct maildir_config m = { &sys_real, p->report };
	struct imap_account a;

	switch (p->kind) {
	case PLACE_IMAP:
		if (account(p, &a, err) == -1)
			return -1;
		p->source = imap_source(&a, need, err);
		break;
	case PLACE_MAILDIR:
		p->source = maildir_source(p->path, &m, need, err);
		break;
	case PLACE_ARCHIVE:
		return open_archive_source(p, err);
	case PLACE_STREAM:
		return open_stream_source(p, need, err);
	}
	return p->source == NULL ? -1 : 0;
}

int
place_open_source(struct place *p, unsigned need, const struct choose *c,
    struct err *err)
{
	if (place_check_in(p, err) == -1 || open_source(p, need, err) == -1)
		return -1;
	p->choose = c != NULL && choose_any(c) ? c : NULL;
	if (p->choose == NULL && p->url.mailbox == NULL)
		return 0;
	p->select = selected;
	p->source->ops->select(p->source, selected, p);
	return check_selected(p, err);
}

static int
open_stream_sink(struct place *p, const char *origin, bool dry,
    struct err *err)
{
	const struct stream_config c = { p->path, origin,
	    tool_program(p->tool), ends_in(p->path, ".zst") ? ZSTD_LEVEL : 0,
	    &sys_real, p->report };
	int fd = -1;

	if (!dry && stream_fd(p, true, &fd, err) == -1)
		return -1;
	p->sink = dry ? nowhere_sink(err) : stream_sink(fd, &c, err);
	return p->sink == NULL ? -1 : 0;
}

int
place_open_sink(struct place *p, const char *origin, bool dry, struct err *err)
{
	struct stat st;

	switch (p->kind) {
	case PLACE_STREAM:
		return open_stream_sink(p, origin, dry, err);
	case PLACE_ARCHIVE:
		if (dry && stat(p->path, &st) == -1) {
			p->sink = nowhere_sink(err);
			return p->sink == NULL ? -1 : 0;
		}
		if (place_open_archive(p, dry ? ARCHIVE_READ : ARCHIVE_WRITE,
		    err) == -1)
			return -1;
		p->sink = archive_sink(p->archive, origin, dry, err);
		return p->sink == NULL ? -1 : 0;
	case PLACE_IMAP:
	case PLACE_MAILDIR:
		break;
	}
	return no_sink(p, err);
}

int
place_open_dest(struct place *p, struct err *err)
{
	const struct maildir_config m = { &sys_real, p->report };
	struct imap_account a;

	switch (p->kind) {
	case PLACE_IMAP:
		if (account(p, &a, err) == -1)
			return -1;
		p->dest = imap_dest(&a, err);
		return p->dest == NULL ? -1 : 0;
	case PLACE_MAILDIR:
		p->dest = maildir_dest(p->path, &m, err);
		return p->dest == NULL ? -1 : 0;
	case PLACE_ARCHIVE:
	case PLACE_STREAM:
		break;
	}
	return err_set(err, ERR_RUN, STATUS_USAGE, "%s: is no destination",
	    p->spec);
}

void
place_close(struct place *p)
{
	if (p->source != NULL)
		p->source->ops->close(p->source);
	if (p->sink != NULL)
		p->sink->ops->close(p->sink);
	if (p->dest != NULL)
		p->dest->ops->close(p->dest);
	archive_close(p->archive);
	if (p->trace != NULL)
		(void)fclose(p->trace);
	url_fini(&p->url);
	buf_fini(&p->account);
	p->source = NULL;
	p->sink = NULL;
	p->dest = NULL;
	p->archive = NULL;
	p->trace = NULL;
}

void
place_origin(struct buf *b, const struct place *p)
{
	char *real;

	switch (p->kind) {
	case PLACE_IMAP:
		url_put(b, &p->url);
		break;
	case PLACE_MAILDIR:
		real = realpath(p->path, NULL);
		buf_fmt(b, "maildir:%s", real == NULL ? p->path : real);
		free(real);
		break;
	case PLACE_ARCHIVE:
	case PLACE_STREAM:
		buf_str(b, p->path);
		break;
	}
}
