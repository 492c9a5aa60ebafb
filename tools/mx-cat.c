/* SPDX-License-Identifier: ISC */
/* mx-cat: print one message of an archive, octet by octet. */

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "mail/name.h"
#include "tools/place.h"

#define CANDIDATES	8	/* named where the digits are of several messages */

struct cat {
	struct tool		*tool;
	struct place_config	 config;
	const char		*archive, *what, *uid;
};

/* One of the items begins with the digits: name its digest, once. */
static void
name_digest(struct cat *c, const struct item *it, struct buf *seen,
    unsigned *named)
{
	struct buf hex = BUF_INIT;
	const size_t n = strlen(c->what);

	digest_put(&hex, &it->ident->digest);
	if (*named < CANDIDATES && buf_ok(&hex) && hex.n >= n &&
	    memcmp(hex.p, c->what, n) == 0 &&
	    (seen->n == 0 || strstr(buf_cstr(seen), buf_cstr(&hex)) == NULL)) {
		tool_say(c->tool, "%s could be %s", c->what, buf_cstr(&hex));
		buf_put(seen, buf_span(&hex));
		buf_chr(seen, ' ');
		(*named)++;
	}
	buf_fini(&hex);
}

/* The digits are of several messages: tell of some of these. */
static void
name_candidates(struct cat *c, struct archive *arc)
{
	const struct archive_select all = { VIEW_ALL, 0 };
	struct source *source = archive_source(arc, &all, NULL);
	struct cursor *cur = NULL;
	struct window w = { .n = 0 };
	const struct mailbox *m;
	struct buf seen = BUF_INIT;
	unsigned named = 0;
	size_t i;

	if (source == NULL || window_init(&w, NULL) == -1 ||
	    (cur = source->ops->open(source, NULL)) == NULL)
		goto out;
	while (named < CANDIDATES && cur->ops->mailbox(cur, &m, NULL) == 1)
		for (window_reset(&w); cur->ops->window(cur, &w, NULL) == 1;
		    window_reset(&w))
			for (i = 0; i < w.n; i++)
				name_digest(c, &w.v[i], &seen, &named);
out:
	if (cur != NULL)
		cur->ops->close(cur);
	window_fini(&w);
	if (source != NULL)
		source->ops->close(source);
	buf_fini(&seen);
}

/* By digest, "#NUMBER", or mailbox and UID.  As archive_read_*(). */
static int
find(struct cat *c, struct archive *arc, struct body *body, struct err *err)
{
	struct buf name = BUF_INIT;
	uint32_t uid;
	uint64_t number;
	int rc;

	if (c->uid == NULL && c->what[0] == '#') {
		if (!span_u64(span_str(c->what + 1), &number))
			return err_set(err, ERR_RUN, STATUS_USAGE,
			    "%s: is no item number", c->what);
		return archive_read_number(arc, number, body, err);
	}
	if (c->uid == NULL) {
		rc = archive_read_digest(arc, span_str(c->what), body, err);
		if (rc == -1 && err->status == STATUS_USAGE &&
		    c->what[0] != '\0' &&
		    c->what[strspn(c->what, "0123456789abcdef")] == '\0')
			name_candidates(c, arc);
		return rc;
	}
	if (!span_u32(span_str(c->uid), &uid) || uid == 0)
		return err_set(err, ERR_RUN, STATUS_USAGE, "%s: is no UID",
		    c->uid);
	name_split(&name, span_str(c->what));
	rc = buf_ok(&name) ? archive_read_uid(arc, buf_span(&name), uid, body,
	    err) : err_nomem(err);
	buf_fini(&name);
	return rc;
}

static int
print(struct body *body, struct err *err)
{
	struct span piece;
	int more;

	body_rewind(body);
	while ((more = body_next(body, &piece, err)) == 1)
		if (io_write(STDOUT_FILENO, piece, "standard output",
		    err) == -1)
			return -1;
	return more;
}

static int
cat(struct cat *c, struct err *err)
{
	struct place place = { 0 };
	struct body *body = NULL;
	int found, rc = -1;

	if (place_init(&place, c->archive, &c->config, c->tool, NULL,
	    err) == -1 || place_check_archive(&place, err) == -1 ||
	    place_open_archive(&place, ARCHIVE_READ, err) == -1 ||
	    (body = body_new(err)) == NULL ||
	    (found = find(c, place.archive, body, err)) == -1)
		goto out;
	if (found == 0) {
		err_set(err, ERR_RUN, STATUS_NOINPUT,
		    "%s: holds no message %s%s%s", c->archive, c->what,
		    c->uid == NULL ? "" : " uid ", c->uid == NULL ? "" :
		    c->uid);
		goto out;
	}
	rc = print(body, err);
out:
	body_free(body);
	place_close(&place);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-cat",
		.synopsis = "[options] ARCHIVE DIGEST | #NUMBER | MAILBOX UID",
		.about = "Prints one message of an archive exactly as it was received.",
		.bare = true,
	};
	struct cat c = { .tool = &tool, .config = PLACE_CONFIG_INIT };
	struct err err = ERR_INIT;
	int operands;

	operands = tool_start(&tool, argc, argv, NULL, 0, 2, 3);
	c.archive = argv[1];
	c.what = argv[2];
	c.uid = operands == 3 ? argv[3] : NULL;
	if (cat(&c, &err) == 0) {
		tool.quiet = true;
		return tool_end(&tool, "1 printed", STATUS_OK);
	}
	tool_error(&tool, &err);
	return tool_end(&tool, "0 printed", err.status);
}
