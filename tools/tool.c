/* SPDX-License-Identifier: ISC */
/* Start and end of every command. */

#include <sys/stat.h>

#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "mail/date.h"
#include "tools/tool.h"

#define BARE_OPTS	2	/* of the shared options, for a bare command */

static void
on_signal(int sig)
{
	(void)sig;
	stop_flag = 1;
}

/*
 * The first SIGINT asks for an orderly end; SA_RESETHAND makes the second
 * one final.
 */
static void
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
	(void)sigaction(SIGXFSZ, &sa, NULL);
	sa.sa_handler = on_signal;
	sa.sa_flags = (int)SA_RESETHAND;
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
}

static void
print_help(const struct tool *t, const struct opt_group *groups, size_t n)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "usage: %s %s\n\n", t->name, t->synopsis);
	opt_wrap(&b, t->about, 0);
	opt_help(&b, groups, n);
	buf_fmt(&b, "  %-30s%s\n", "-h, --help", "print this");
	buf_fmt(&b, "  %-30s%s\n", "    --version", "print the version");
	buf_fmt(&b, "\nThe manual page %s(1) has the rest.\n", t->name);
	(void)fputs(buf_cstr(&b), stdout);
	buf_fini(&b);
}

static _Noreturn void
usage_exit(struct tool *t, const struct err *err)
{
	tool_error(t, err);
	(void)fprintf(stderr, "usage: %s %s\n", t->name, t->synopsis);
	exit(tool_end(t, NULL, STATUS_USAGE));
}

static void
open_log(struct tool *t)
{
	struct err err = ERR_INIT;

	if (t->log == NULL || (t->logfile = fopen(t->log, "ae")) != NULL)
		return;
	err_sys(&err, ERR_RUN, STATUS_IO, "%s", t->log);
	tool_error(t, &err);
	exit(tool_end(t, NULL, STATUS_IO));
}

bool
tool_is_piped(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
}

int
tool_start(struct tool *t, int argc, char *argv[],
    const struct opt_group *own, size_t n, int min, int max)
{
	const struct opt shared[] = {
		{ 'q', "quiet", OPT_FLAG, &t->quiet, NULL,
		    "say nothing but errors" },
		{ 0, "log", OPT_STR, &t->log, "FILE",
		    "also append messages to FILE, with the time" },
		{ 'v', "verbose", OPT_FLAG, &t->verbose, NULL,
		    "say what becomes of each item" },
		{ 0, "json", OPT_FLAG, &t->json, NULL,
		    "JSON lines on the standard output" },
	};
	struct opt_group groups[8];
	struct err err = ERR_INIT;
	bool help = false, version = false;
	int got;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)umask(077);
	catch_signals();
	t->shared = tool_is_piped() && isatty(STDERR_FILENO) != 0;
	if (n > 0)
		memcpy(groups, own, n * sizeof(*own));
	groups[n] = (struct opt_group){ "Messages", NULL, shared,
	    t->bare ? BARE_OPTS : N(shared) };

	got = opt_parse(argc, argv, groups, n + 1, &help, &version, &err);
	if (help || version) {
		if (help)
			print_help(t, groups, n + 1);
		else
			(void)printf("%s %s\n", t->name, MX_VERSION);
		exit(fflush(stdout) == 0 ? STATUS_OK : STATUS_IO);
	}
	if (got >= 0 && (got < min || got > max))
		err_set(&err, ERR_RUN, STATUS_USAGE, "too %s operands",
		    got < min ? "few" : "many");
	else if (got >= 0 && t->quiet && t->verbose)
		err_set(&err, ERR_RUN, STATUS_USAGE,
		    "-q and -v contradict each other");
	if (err.scope != ERR_NONE)
		usage_exit(t, &err);
	open_log(t);
	return got;
}

/* One line to stderr, unless it is for the log only; the log has the time before it. */
static void
emit(struct tool *t, const char *text, size_t n, bool log_only)
{
	struct buf b = BUF_INIT, line = BUF_INIT, when = BUF_INIT;

	buf_fmt(&b, "%s: ", t->name);
	safe_put(&b, span_of(text, n));
	buf_chr(&b, '\n');
	if (!log_only) {
		/* A later command's progress line may stand there. */
		if (t->shared)
			buf_str(&line, "\r\033[K");
		buf_put(&line, buf_span(&b));
		(void)fwrite(line.p, 1, line.n, stderr);
	}
	if (t->logfile != NULL) {
		date_put_rfc3339(&when, sys_now(&sys_real) / 1000000000);
		(void)fprintf(t->logfile, "%s %s", buf_cstr(&when),
		    buf_cstr(&b));
		(void)fflush(t->logfile);
	}
	buf_fini(&b);
	buf_fini(&line);
	buf_fini(&when);
}

static void	vsay(struct tool *, bool log_only, const char *fmt, va_list)
		    __attribute__((format(printf, 3, 0)));

static void
vsay(struct tool *t, bool log_only, const char *fmt, va_list ap)
{
	char text[2048];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n > 0)
		emit(t, text, (size_t)n < sizeof(text) ? (size_t)n :
		    sizeof(text) - 1, log_only);
}

void
tool_say(struct tool *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(t, false, fmt, ap);
	va_end(ap);
}

void
tool_note(struct tool *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(t, t->quiet, fmt, ap);
	va_end(ap);
}

void
tool_error(struct tool *t, const struct err *err)
{
	emit(t, err->msg, strlen(err->msg), false);
}

int
tool_end(struct tool *t, const char *counts, enum status status)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && status < STATUS_CONNECT) {
		tool_say(t, "standard output: writing failed");
		status = STATUS_IO;
	}
	if (status == STATUS_USAGE)
		counts = NULL;
	(status == STATUS_OK ? tool_note : tool_say)(t, "%s%sexit %d (%s)",
	    counts == NULL ? "" : counts, counts == NULL ? "" : ": ",
	    (int)status, status == STATUS_PASSED && t->passed != NULL ?
	    t->passed : status_name(status));
	if (t->logfile != NULL)
		(void)fclose(t->logfile);
	t->logfile = NULL;
	return (int)status;
}

const char *
tool_program(struct tool *t)
{
	static char text[64];

	(void)snprintf(text, sizeof(text), "%s %s", t->name, MX_VERSION);
	return text;
}
