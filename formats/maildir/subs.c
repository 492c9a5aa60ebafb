/* SPDX-License-Identifier: ISC */
/* The subscriptions of a tree. */

#include <stdlib.h>

#include "base/io.h"

#include "formats/maildir/below.h"
#include "formats/maildir/subs.h"

#define SUBS_FILE	"subscriptions"
#define SUBS_FILE_MAX	((size_t)64 << 20)

#define VERSION_2	"V\t2\n"

static int
read_file(const struct tree *t, struct buf *text, struct err *err)
{
	if (t->fd == -1)
		return 0;
	if (below_slurp(t->fd, SUBS_FILE, SUBS_FILE_MAX, text, t->root,
	    err) == -1) {
		err->scope = ERR_RUN;
		return -1;
	}
	return 0;
}

/* How a mailbox stands in the file. */
static void
put_line(struct buf *out, struct span path, bool tabs)
{
	const char joint = path.n > 0 && path.p[0] == '.' ? '.' : '/';
	struct span component;
	bool first = true;

	if (path.n == 0)
		buf_str(out, "INBOX");
	if (joint == '.')
		path = span_from(path, 1);
	while (span_next(&path, (unsigned char)joint, &component)) {
		if (!first)
			buf_chr(out, tabs ? '\t' : (unsigned char)joint);
		first = false;
		buf_put(out, component);
	}
}

/* The lines as a set, under the names that they are. */
static int
line_set(struct span text, struct mailboxes *set, struct err *err)
{
	struct mailbox m = { .delimiter = 0 };

	while (span_next(&text, '\n', &m.name))
		if (m.name.n > 0 && mailboxes_put(set, &m) == NULL)
			return err_nomem(err);
	return 0;
}

static bool
has_line(const struct mailboxes *set, struct span path, bool tabs)
{
	struct buf line = BUF_INIT;
	bool has;

	put_line(&line, path, tabs);
	has = buf_ok(&line) && mailboxes_get(set, buf_span(&line)) != NULL;
	buf_fini(&line);
	return has;
}

int
subs_read(struct tree *t, struct err *err)
{
	struct mailboxes set = { .v = NULL };
	struct buf text = BUF_INIT;
	bool tabs;
	size_t i;
	int rc = -1;

	if (read_file(t, &text, err) == -1)
		goto out;
	tabs = span_starts(buf_span(&text), VERSION_2);
	if (line_set(buf_span(&text), &set, err) == -1)
		goto out;
	for (i = 0; i < t->all.n; i++)
		t->all.v[i].subscribed = has_line(&set, t->paths[i], tabs);
	rc = 0;
out:
	mailboxes_fini(&set);
	buf_fini(&text);
	return rc;
}

int
subs_add(struct tree *t, size_t i, struct err *err)
{
	struct mailboxes set = { .v = NULL };
	struct buf text = BUF_INIT;
	char *path = NULL;
	bool tabs;
	int rc = -1;

	if (read_file(t, &text, err) == -1 ||
	    line_set(buf_span(&text), &set, err) == -1)
		goto out;
	tabs = span_starts(buf_span(&text), VERSION_2);
	if (has_line(&set, t->paths[i], tabs)) {
		rc = 0;
		goto out;
	}
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_chr(&text, '\n');
	put_line(&text, t->paths[i], tabs);
	buf_chr(&text, '\n');
	if (!buf_ok(&text) || (path = io_path(t->root, SUBS_FILE)) == NULL) {
		(void)err_nomem(err);
		goto out;
	}
	rc = io_replace(path, buf_span(&text), err);
out:
	free(path);
	mailboxes_fini(&set);
	buf_fini(&text);
	return rc;
}
