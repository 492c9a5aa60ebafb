/* SPDX-License-Identifier: ISC */
/* From an operand to an open place. */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/maildir/maildir.h"
#include "formats/stream/stream.h"
#include "imap/imap.h"
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
		{ 0, "timeout", OPT_U32, &c->timeout, "SECONDS",
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
	if (!S_ISDIR(st.st_mode))
		p->kind = PLACE_STREAM;
	else if (!archive_is(p->path) && maildir_is(p->path))
		p->kind = PLACE_MAILDIR;
	else
		p->kind = PLACE_ARCHIVE;
	return 0;
}

int
place_init(struct place *p, const char *spec, const struct place_config *c,
    struct tool *tool, const struct report *report, struct err *err)
{
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
	return classify(p, err);
}

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

	*a = (struct imap_account){
		.url = p->url,
		.secret = { c->password_command, c->password_file,
		    c->password_fd, true, NULL },
		.ca_file = c->ca_file, .timeout = c->timeout,
		.sys = &sys_real, .report = p->report,
	};
	if (p->url.user == NULL)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "%s: names no user: imaps://user@host", p->spec);
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

	sel->view = VIEW_AT;
	if (span_u64(span_str(at), &sel->generation))
		return 0;
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
	const struct archive_config c = { tool_program(p->tool), &sys_real,
	    p->report };

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
	p->source = stream_source(fd, &c, need, err);
	return p->source == NULL ? -1 : 0;
}

int
place_open_source(struct place *p, unsigned need, struct err *err)
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
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%s: is written by mx-load, not by %s", p->spec, p->tool->name);
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
	return err_set(err, ERR_RUN, STATUS_USAGE,
	    "%s: an archive or a stream is written by mx-dump and "
	    "mx-transform; name imaps://… or maildir:…", p->spec);
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
