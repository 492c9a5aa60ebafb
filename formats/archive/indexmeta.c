/* SPDX-License-Identifier: ISC */
/* The table `meta`, and whether an index may be trusted. */

#include <fcntl.h>
#include <unistd.h>

#include "formats/archive/indexmeta.h"

static const struct {
	const char	*name;
	bool		 local;
} keys[METAS] = {
	[META_VERSION]	= { "version", false },
	[META_ARCHIVE]	= { "archive", false },
	[META_ORIGIN]	= { "origin", false },
	[META_MAKER]	= { "maker", false },
	[META_MACHINE]	= { "machine", true },
	[META_FILE]	= { "file", true },
	[META_STATE]	= { "state", false },
};

struct span
indexmeta_key(enum meta m)
{
	return span_str(keys[m].name);
}

bool
indexmeta_is_local(struct span key)
{
	size_t i;

	for (i = 0; i < METAS; i++)
		if (span_is(key, keys[i].name))
			return keys[i].local;
	return false;
}

int
indexmeta_get(struct index_txn *t, enum meta m, struct span *out, struct err *err)
{
	return index_get(t, TABLE_META, indexmeta_key(m), out, err);
}

int
indexmeta_put(struct index_txn *t, enum meta m, struct span value, struct err *err)
{
	return index_put(t, TABLE_META, indexmeta_key(m), value, err);
}

/* The machine's id, hashed as machine-id(5) asks for; of nothing where it has none. */
static void
machine(struct digest *out)
{
	unsigned char text[256];
	const int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd != -1) {
		n = read(fd, text, N(text));
		(void)close(fd);
	}
	sha256_of(span_of(text, n > 0 ? (size_t)n : 0), out);
}

static int
file_key(struct index *ix, struct ikey *key, struct err *err)
{
	uint64_t dev, ino;

	if (index_file(ix, &dev, &ino, err) == -1)
		return -1;
	ikey_clear(key);
	ikey_u64(key, dev);
	ikey_u64(key, ino);
	return 0;
}

static int
begin(struct index_txn *t, void *arg, struct err *err)
{
	const struct row_state state = { .next_item = 1, .next_mailbox = 1 };
	struct ikey file, version = { .n = 0 };
	struct digest id;

	(void)arg;
	ikey_u32(&version, INDEX_VERSION);
	machine(&id);
	if (file_key(t->index, &file, err) == -1 ||
	    indexmeta_put(t, META_VERSION, ikey_span(&version), err) == -1 ||
	    indexmeta_put(t, META_MACHINE, digest_span(&id), err) == -1 ||
	    indexmeta_put(t, META_FILE, ikey_span(&file), err) == -1)
		return -1;
	return indexmeta_state_put(t, &state, err);
}

int
indexmeta_begin(struct index *ix, struct err *err)
{
	return index_write(ix, begin, NULL, err);
}

/* NULL: it may be trusted. */
static const char *
distrust(struct index_txn *t, struct span id, const struct ikey *file,
    struct err *err)
{
	struct ikey version = { .n = 0 };
	struct digest here;
	struct span v;

	ikey_u32(&version, INDEX_VERSION);
	machine(&here);
	if (indexmeta_get(t, META_VERSION, &v, err) != 1 ||
	    !span_eq(v, ikey_span(&version)))
		return "it is of another version";
	/* One without segments has no id yet, and a head may be damaged. */
	if (indexmeta_get(t, META_ARCHIVE, &v, err) == 1 && id.n > 0 &&
	    !span_eq(v, id))
		return "it is of another archive";
	if (indexmeta_get(t, META_MACHINE, &v, err) != 1 ||
	    !span_eq(v, digest_span(&here)))
		return "it was made on another machine";
	if (indexmeta_get(t, META_FILE, &v, err) != 1 || !span_eq(v, ikey_span(file)))
		return "it is a copy";
	if (indexmeta_get(t, META_STATE, &v, err) != 1)
		return "it is incomplete";
	return NULL;
}

int
indexmeta_trusted(struct index *ix, struct span id, const char **why, struct err *err)
{
	struct index_txn t;
	struct ikey file;

	if (file_key(ix, &file, err) == -1 || index_read(ix, &t, err) == -1)
		return -1;
	*why = distrust(&t, id, &file, err);
	index_end(&t);
	err_clear(err);
	return *why == NULL;
}

int
indexmeta_state(struct index_txn *t, struct row_state *state, struct err *err)
{
	struct span v;
	int rc;

	if ((rc = indexmeta_get(t, META_STATE, &v, err)) == -1)
		return -1;
	return rc == 1 && row_get_state(v, state) ? 0 : index_bad(TABLE_META, err);
}

int
indexmeta_state_put(struct index_txn *t, const struct row_state *state,
    struct err *err)
{
	struct buf value = BUF_INIT;
	int rc;

	row_put_state(&value, state);
	rc = buf_ok(&value) ? indexmeta_put(t, META_STATE, buf_span(&value), err) :
	    err_nomem(err);
	buf_fini(&value);
	return rc;
}
