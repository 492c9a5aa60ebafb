/* SPDX-License-Identifier: ISC */
/*
 * Sealing.  The order, and what a crash behind each step leaves:
 *
 *	1. end entry and trailer, one frame	.part with a torn tail or with an
 *	2. fdatasync				end entry: recovery cuts the one
 *						and takes the other
 *	3. rename to the sealed name		a sealed segment that the index
 *	4. fsync of the directory		does not know as sealed, or not
 *						as long as it is: catchup
 *	5. the index's row			SHA256SUMS lacks its line: the
 *						next writer adds it
 *	6. SHA256SUMS, by rename		all is done
 */

#include <sys/stat.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/archive/layout.h"
#include "formats/archive/seal.h"
#include "formats/stream/frame.h"
#include "formats/stream/pack.h"

static int
write_end(const struct seal *s, int fd, const char *path, struct err *err)
{
	struct buf raw = BUF_INIT, frame = BUF_INIT;
	struct pack *pack = pack_new(err);
	int rc = -1;

	if (pack == NULL || pack_end(pack, &raw, s->number, s->now, &s->totals,
	    err) == -1)
		goto out;
	pack_trailer(&raw);
	if (!buf_ok(&raw)) {
		(void)err_nomem(err);
		goto out;
	}
	if (frame_wrap(SEGMENT_LEVEL, buf_span(&raw), &frame, err) == 0)
		rc = io_write(fd, buf_span(&frame), path, err);
out:
	pack_free(pack);
	buf_fini(&raw);
	buf_fini(&frame);
	return rc;
}

/* The row of a sealed segment, and its line in SHA256SUMS. */
static int
write_row(const struct seal *s, uint64_t length, const struct digest *sha,
    struct err *err)
{
	struct batch b = {
		.segment = s->number, .generation = s->generation,
		.length = length, .items = s->totals.items,
		.bytes = s->totals.bytes, .sealed = true, .sha = *sha,
	};
	int rc;

	rc = batch_apply(s->index, &b, err);
	batch_fini(&b);
	if (rc == 0)
		rc = layout_add_sum(s->dir, s->number, sha, err);
	return rc;
}

static int
rename_sealed(const struct seal *s, const char *part, struct err *err)
{
	char *final = layout_segment(s->dir, s->number, false);
	char *segments = layout_segments(s->dir);
	int rc = -1;

	if (final == NULL || segments == NULL)
		(void)err_nomem(err);
	else if (access(final, F_OK) == 0)
		(void)err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: is there already: copied in while this was written?", final);
	else if (io_rename(part, final, err) == 0)
		rc = io_sync_dir(segments, err);
	free(final);
	free(segments);
	return rc;
}

int
seal_segment(const struct seal *s, int fd, struct digest *sha, struct err *err)
{
	char *part = layout_segment(s->dir, s->number, true);
	struct stat st;
	int rc = -1;

	if (part == NULL)
		return err_nomem(err);
	if (!s->ended && write_end(s, fd, part, err) == -1)
		goto out;
	if (io_datasync(fd, part, err) == -1 ||
	    layout_hash(fd, part, sha, err) == -1)
		goto out;
	if (fstat(fd, &st) == -1) {
		(void)err_sys(err, ERR_RUN, STATUS_IO, "%s", part);
		goto out;
	}
	if (rename_sealed(s, part, err) == 0)
		rc = write_row(s, (uint64_t)st.st_size, sha, err);
out:
	free(part);
	return rc;
}
