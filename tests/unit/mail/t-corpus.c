/* SPDX-License-Identifier: ISC */
/*
 * Mail that no one of this project wrote, where ../shared/corpus holds it:
 * the identer agrees with its model, and a key is the same whether it is made of
 * the whole header or of the fields that a server gives back.
 */

#include <archive.h>
#include <archive_entry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

#define CORPUS		"../shared/corpus/mail.tar.zst"
#define MESSAGE_MAX	((size_t)64 << 20)

static bool
is_key_field(struct span name)
{
	struct span names = SPAN(KEY_FIELDS), one;

	while (span_next(&names, ' ', &one))
		if (span_ieq(one, name))
			return true;
	return false;
}

/* What BODY[HEADER.FIELDS (...)] gives: line ends made CRLF, NULs 0x80. */
static void
as_server(struct buf *out, struct span header)
{
	struct field f;
	size_t i;

	buf_clear(out);
	while (header_next(&header, &f)) {
		if (!is_key_field(f.name))
			continue;
		for (i = 0; i < f.whole.n; i++) {
			if (f.whole.p[i] == '\n' && (i == 0 || f.whole.p[i - 1] != '\r'))
				buf_chr(out, '\r');
			buf_chr(out, f.whole.p[i] == 0 ? 0x80 : f.whole.p[i]);
		}
		if (f.whole.p[f.whole.n - 1] != '\n')
			buf_str(out, "\r\n");
	}
	buf_str(out, "\r\n");
}

struct counts {
	size_t	all, msgid, headers, none;
};

static void
check_message(struct identer *id, const char *name, struct span m,
    struct counts *n)
{
	struct buf fields = BUF_INIT;
	struct span rest = m;
	struct ident want, got;
	struct key key;
	uint64_t seed = 3;
	size_t k;

	model_ident(m, &want);
	while (rest.n > 0) {
		k = 1 + check_below(&seed, 8000);
		k = k < rest.n ? k : rest.n;
		identer_add(id, span_head(rest, k));
		rest = span_from(rest, k);
	}
	identer_end(id, &got);
	model_eq(name, &got, &want);

	key_of(span_head(m, header_length(m)), &key);
	model_key_eq(name, &key, &want.key);
	as_server(&fields, m);
	key_of(buf_span(&fields), &key);
	model_key_eq(name, &key, &want.key);

	n->all++;
	n->msgid += key.kind == KEY_MSGID ? 1 : 0;
	n->headers += key.kind == KEY_HEADERS ? 1 : 0;
	n->none += key.kind == KEY_NONE ? 1 : 0;
	buf_fini(&fields);
}

/* 1 and the octets; 0 at the end. */
static int
next_file(struct archive *a, struct buf *data, const char **name)
{
	struct archive_entry *entry;
	unsigned char *p;
	int64_t size;
	int rc;

	for (;;) {
		if ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_EOF)
			return 0;
		assert_true(rc == ARCHIVE_OK || rc == ARCHIVE_WARN);
		size = archive_entry_size(entry);
		if (archive_entry_filetype(entry) == AE_IFREG && size >= 0 &&
		    (uint64_t)size <= MESSAGE_MAX)
			break;
	}
	*name = archive_entry_pathname(entry);
	buf_clear(data);
	if (size > 0) {
		p = buf_room(data, (size_t)size);
		assert_non_null(p);
		assert_true(archive_read_data(a, p, (size_t)size) == size);
		data->n = (size_t)size;
	}
	return 1;
}

static void
all_of_it(void **state)
{
	struct err err = ERR_INIT;
	struct identer *id = identer_new(&err);
	struct counts n = { 0, 0, 0, 0 };
	struct buf data = BUF_INIT;
	struct archive *a;
	const char *name;

	(void)state;
	if (access(CORPUS, R_OK) == -1) {
		printf("no corpus at %s: nothing to compare\n", CORPUS);
		identer_free(id);
		return;
	}
	a = archive_read_new();
	assert_non_null(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_filename(a, CORPUS, 65536), ARCHIVE_OK);
	while (next_file(a, &data, &name) == 1)
		check_message(id, name, buf_span(&data), &n);
	archive_read_free(a);
	printf("%zu files: %zu keys by Message-ID, %zu by headers, %zu none\n",
	    n.all, n.msgid, n.headers, n.none);
	assert_true(n.all > 1000);
	buf_fini(&data);
	identer_free(id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
