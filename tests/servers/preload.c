/* SPDX-License-Identifier: ISC */
/*
 * Preloaded into a server that logs to syslog only and insists on syncing:
 * what it says goes to the file that $SYSLOG_FILE names, and nothing waits for
 * the disk, since no test lets the machine crash.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char *name = "?";

void
openlog(const char *ident, int option, int facility)
{
	(void)option;
	(void)facility;
	if (ident != NULL)
		name = ident;
}

static size_t
put(char *line, size_t size, const char *fmt, va_list ap)
{
	const time_t now = time(NULL);
	struct tm tm;
	size_t n;
	int len;

	if (localtime_r(&now, &tm) == NULL)
		return 0;
	n = strftime(line, size, "%H:%M:%S ", &tm);
	if ((len = snprintf(line + n, size - n, "%s[%d]: ", name,
	    (int)getpid())) > 0)
		n += (size_t)len;
	if (n < size - 2 && (len = vsnprintf(line + n, size - n, fmt, ap)) > 0)
		n += (size_t)len;
	if (n > size - 2)
		n = size - 2;
	if (line[n - 1] != '\n')
		line[n++] = '\n';
	return n;
}

void
vsyslog(int priority, const char *fmt, va_list ap)
{
	const char *path = getenv("SYSLOG_FILE");
	char line[2048];
	size_t n;
	int fd;

	if ((priority & LOG_PRIMASK) == LOG_DEBUG || path == NULL)
		return;
	if ((fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)) == -1)
		return;
	if ((n = put(line, sizeof line, fmt, ap)) > 0 && write(fd, line, n) == -1)
		(void)0;
	(void)close(fd);
}

void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsyslog(priority, fmt, ap);
	va_end(ap);
}

/* What _FORTIFY_SOURCE makes of the calls. */
void	__vsyslog_chk(int, int, const char *, va_list);
void	__syslog_chk(int, int, const char *, ...);

void
__vsyslog_chk(int priority, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	vsyslog(priority, fmt, ap);
}

void
__syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list ap;

	(void)flag;
	va_start(ap, fmt);
	vsyslog(priority, fmt, ap);
	va_end(ap);
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}
