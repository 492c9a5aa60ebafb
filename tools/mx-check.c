/* SPDX-License-Identifier: ISC */
/* mx-check: verify every byte of an archive, rebuild its index. */

#include "base/json.h"
#include "mail/name.h"
#include "tools/place.h"
#include "tools/print.h"

struct check {
	struct tool		*tool;
	struct place_config	 config;
	const char		*dir;
	bool			 rebuild, dump;
	uint64_t		 rows;		/* of --dump-index */
	struct printer		 print;
	struct archive_verify	 found;
};

static int
on_damage(void *arg, const struct archive_damage *d, struct err *err)
{
	struct check *c = arg;
	struct buf b = BUF_INIT;

	(void)err;
	if (c->tool->json) {
		json_open(&b, '{');
		json_key(&b, "type");
		json_str(&b, SPAN("damage"));
		json_key(&b, "segment");
		json_str(&b, span_str(d->segment));
		if (!d->file) {
			json_key(&b, "frame");
			json_num(&b, d->frame);
		}
		if (d->mailbox.n > 0) {
			json_key(&b, "mailbox");
			name_json(&b, d->mailbox);
			json_key(&b, "ref");
			json_str(&b, d->ref);
		}
		json_key(&b, "text");
		json_str(&b, span_str(d->what));
		json_close(&b, '}');
		buf_chr(&b, '\n');
		(void)fwrite(b.p, 1, b.n, stdout);
		buf_fini(&b);
		return 0;
	}
	if (!d->file)
		buf_fmt(&b, ": frame at %llu", (unsigned long long)d->frame);
	if (d->mailbox.n > 0) {
		buf_str(&b, ": ");
		name_put(&b, d->mailbox);
		buf_str(&b, " ref ");
		buf_put(&b, d->ref);
	}
	tool_say(c->tool, "%s: %s%s: %s", c->dir, d->segment, buf_cstr(&b),
	    d->what);
	buf_fini(&b);
	return 0;
}

static int
on_line(void *arg, struct span line, struct err *err)
{
	struct check *c = arg;

	(void)err;
	c->rows++;
	(void)fwrite(line.p, 1, line.n, stdout);
	(void)fputc('\n', stdout);
	return 0;
}

static int
check(struct check *c, struct err *err)
{
	const struct archive_config config = {
		.program = tool_program(c->tool), .sys = &sys_real,
		.report = &c->print.report,
	};
	struct place place = { 0 };
	struct buf line = BUF_INIT;
	int rc = -1;

	if (c->dump && c->tool->json)
		return err_set(err, ERR_RUN, STATUS_USAGE,
		    "--dump-index prints text: --json does not go with it");
	if (place_init(&place, c->dir, &c->config, c->tool, &c->print.report,
	    err) == -1 || place_check_archive(&place, err) == -1 ||
	    (c->rebuild && archive_rebuild(c->dir, &config, err) == -1))
		goto out;
	if (place_open_archive(&place, ARCHIVE_READ, err) == -1)
		goto out;
	rc = c->dump ? archive_dump_index(place.archive, &line, on_line, c,
	    err) : archive_verify(place.archive, on_damage, c, &c->found, err);
out:
	buf_fini(&line);
	place_close(&place);
	return rc;
}

/* What the damage means for the messages. */
static void
say_left(struct check *c, const struct archive_verify *found)
{
	if (found->lost > found->unreadable)
		tool_say(c->tool, "%s: %llu items of damaged segments are not "
		    "known any more; what the source still had was dumped "
		    "again by the next run", c->dir,
		    (unsigned long long)(found->lost - found->unreadable));
	if (found->unreadable > 0)
		tool_say(c->tool, "%s: %llu items have no readable octets "
		    "anywhere", c->dir, (unsigned long long)found->unreadable);
	else if (found->missing == 0)
		tool_say(c->tool, "%s: all messages %sare still readable",
		    c->dir, found->lost == 0 ? "" : "that the index knows ");
}

static int
check_run(struct check *c)
{
	const struct archive_verify *found = &c->found;
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;
	char counts[200];

	printer_init(&c->print, c->tool, false, false);
	if (check(c, &err) == -1)
		status = err.status;
	else if (found->damaged > 0)
		status = STATUS_DATA;
	printer_fini(&c->print);
	if (err.scope != ERR_NONE)
		tool_error(c->tool, &err);
	if (err.scope == ERR_NONE && found->damaged > 0)
		say_left(c, found);
	if (c->dump)
		(void)snprintf(counts, sizeof(counts), "%llu rows",
		    (unsigned long long)c->rows);
	else
		(void)snprintf(counts, sizeof(counts), "%llu items, "
		    "%llu octets, %llu frames, %llu segments verified, "
		    "%llu damaged, %llu unreadable", (unsigned long long)found->items,
		    (unsigned long long)found->octets,
		    (unsigned long long)found->frames,
		    (unsigned long long)found->segments,
		    (unsigned long long)found->damaged,
		    (unsigned long long)found->unreadable);
	return tool_end(c->tool, counts, status);
}

int
main(int argc, char *argv[])
{
	struct tool tool = {
		.name = "mx-check",
		.synopsis = "[options] ARCHIVE",
		.about = "Verifies every byte of an archive: checksums of segments "
		    "and frames, the digest of each message, and that the "
		    "index says what the segments say.",
	};
	struct check c = { .tool = &tool, .config = PLACE_CONFIG_INIT };
	const struct opt own[] = {
		{ 0, "rebuild", OPT_FLAG, &c.rebuild, NULL,
		    "build the index anew from the segments first" },
		{ 0, "dump-index", OPT_FLAG, &c.dump, NULL,
		    "print the index as text instead of verifying" },
	};
	const struct opt_group groups[] = { { "Checking", NULL, own, N(own) } };

	(void)tool_start(&tool, argc, argv, groups, N(groups), 1, 1);
	c.dir = argv[1];
	return check_run(&c);
}
