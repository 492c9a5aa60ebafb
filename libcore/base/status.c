/* SPDX-License-Identifier: ISC */
/* Names and meanings of the exit statuses, out of the one table. */

#include "base/bytes.h"
#include "base/status.h"

static const struct row {
	enum status	 status;
	const char	*name;
	const char	*text;
} rows[] = {
#define X(id, number, name, text) { id, name, text },
	STATUS_TABLE(X)
#undef X
};

static const struct row *
row_of(enum status status)
{
	size_t i;

	for (i = 0; i < N(rows); i++)
		if (rows[i].status == status)
			return &rows[i];
	return NULL;
}

const char *
status_name(enum status status)
{
	const struct row *r = row_of(status);

	return r != NULL ? r->name : "UNKNOWN";
}

const char *
status_text(enum status status)
{
	const struct row *r = row_of(status);

	return r != NULL ? r->text : "a status that is in no table";
}
