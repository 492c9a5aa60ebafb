/* SPDX-License-Identifier: ISC */
/* What an archive holds, in numbers, and its index as text. */

#include "formats/archive/local.h"
#include "formats/archive/indexmeta.h"

int
archive_generations(struct archive *a,
    int (*fn)(void *, const struct archive_generation *, struct err *),
    void *arg, struct err *err)
{
	struct archive_generation g;
	struct index_walk walk = { NULL };
	struct row_generation row;
	struct index_txn t;
	struct span key, v;
	int rc;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	rc = index_seek(&t, TABLE_GENERATIONS, &walk, SPAN_NONE, &key, &v, err);
	while (rc == 1) {
		if (!row_get_generation(v, &row)) {
			rc = index_bad(TABLE_GENERATIONS, err);
			break;
		}
		g = (struct archive_generation){
			.number = ikey_get64(key, 0), .created = row.created,
			.complete = row.complete, .born = row.born,
			.changed = row.changed, .ended = row.ended,
		};
		rc = fn(arg, &g, err) == -1 ? -1 :
		    index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	index_end(&t);
	return rc;
}

/* The newest one so far that is not too late. */
struct newest {
	int64_t		sec;
	uint64_t	number;
};

static int
take_newest(void *arg, const struct archive_generation *g, struct err *err)
{
	struct newest *n = arg;

	(void)err;
	if (g->created <= n->sec)
		n->number = g->number;
	return 0;
}

uint64_t
archive_generation_at(struct archive *a, int64_t sec)
{
	struct newest n = { sec, 0 };
	struct err err = ERR_INIT;

	return archive_generations(a, take_newest, &n, &err) == 0 ? n.number : 0;
}

static int
count_segments(struct index_txn *t, struct archive_info *info, struct err *err)
{
	struct index_walk walk = { NULL };
	struct row_segment row;
	struct span key, v;
	int rc;

	rc = index_seek(t, TABLE_SEGMENTS, &walk, SPAN_NONE, &key, &v, err);
	while (rc == 1) {
		if (!row_get_segment(v, &row)) {
			rc = index_bad(TABLE_SEGMENTS, err);
			break;
		}
		info->segments++;
		info->stored += row.length;
		rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return rc;
}

int
archive_info(struct archive *a, struct archive_info *info, struct err *err)
{
	struct row_generation generation;
	struct row_state state;
	struct index_txn t;
	int rc = -1;

	if (lookup_names(a, err) == -1 || index_read(a->index, &t, err) == -1)
		return -1;
	*info = (struct archive_info){
		.id = buf_span(&a->id), .origin = buf_span(&a->origin),
		.maker = buf_span(&a->maker),
	};
	if (indexmeta_state(&t, &state, err) == 0 &&
	    index_count(&t, TABLE_ITEMS, &info->items, err) == 0 &&
	    index_count(&t, TABLE_BLOBS, &info->blobs, err) == 0 &&
	    lookup_generation(&t, &info->generation, &generation, err) != -1 &&
	    count_segments(&t, info, err) == 0) {
		info->octets = state.octets;
		rc = 0;
	}
	index_end(&t);
	return rc;
}

/* ---- the index as text ---- */

/* TABLE KEY VALUE, in hex. */
static int
dump_table(struct index_txn *t, enum table table, struct buf *line,
    int (*fn)(void *, struct span, struct err *), void *arg, struct err *err)
{
	struct index_walk walk = { NULL };
	struct span key, v;
	int rc;

	rc = index_seek(t, table, &walk, SPAN_NONE, &key, &v, err);
	while (rc == 1) {
		buf_clear(line);
		buf_fmt(line, "%s ", index_table(table));
		buf_hex(line, key);
		buf_chr(line, ' ');
		buf_hex(line, v);
		if (!buf_ok(line))
			rc = err_nomem(err);
		else if ((table != TABLE_META || !indexmeta_is_local(key)) &&
		    fn(arg, buf_span(line), err) == -1)
			rc = -1;
		else
			rc = index_next(&walk, &key, &v, err);
	}
	index_walk_end(&walk);
	return rc;
}

int
archive_dump_index(struct archive *a, struct buf *line,
    int (*fn)(void *, struct span, struct err *), void *arg, struct err *err)
{
	struct index_txn t;
	int rc = 0;
	size_t i;

	if (index_read(a->index, &t, err) == -1)
		return -1;
	for (i = 0; rc == 0 && i < TABLES; i++)
		rc = dump_table(&t, (enum table)i, line, fn, arg, err);
	index_end(&t);
	return rc;
}
