/* SPDX-License-Identifier: ISC */
#ifndef T_SCRATCH_H
#define T_SCRATCH_H

/* An empty directory to work in, and for temporary files, as cmocka's group setup and teardown. */

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "row.h"

/* Remove what a test left: files, and directories of files. */
static inline void
scratch_clear(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char at[600];

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(at, N(at), "%s/%s", path, e->d_name);
		if (unlink(at) == -1)
			(void)rmdir(at);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static inline int
scratch_begin(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[512];

	(void)snprintf(path, N(path), "%s/mx-t-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(path) == NULL || chdir(path) == -1)
		return -1;
	*state = strdup(path);
	return *state != NULL && setenv("TMPDIR", path, 1) == 0 ? 0 : -1;
}

static inline int
scratch_end(void **state)
{
	const char *path = *state;
	int rc;

	scratch_clear(".");
	rc = chdir("/") == 0 && rmdir(path) == 0 ? 0 : -1;
	free(*state);
	return rc;
}

/* Write a file without the module under test. */
static inline void
scratch_file(const char *path, struct span s)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ROW_OK(path, fd != -1);
	if (s.n > 0)
		ROW_OK(path, write(fd, s.p, s.n) == (ssize_t)s.n);
	ROW_OK(path, close(fd) == 0);
}

/* Whether a file holds exactly this; false where it is not there. */
static inline bool
scratch_holds(const char *path, struct span want)
{
	unsigned char text[4096];
	const int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, text, N(text));
	(void)close(fd);
	return n >= 0 && span_eq(span_of(text, (size_t)n), want);
}

static inline bool
scratch_has(const char *path)
{
	return access(path, F_OK) == 0;
}

#endif
