/* SPDX-License-Identifier: ISC */
#ifndef MAIL_KEY_H
#define MAIL_KEY_H

#include "mail/header.h"
#include "mail/ident.h"

/*
 * The making of a key from values that come in pieces: what key_of() and
 * the identer share, so that they cannot differ.  Internal to mail/.
 */

enum key_field {
	KEY_FIELD_MSGID,
	KEY_FIELD_DATE,
	KEY_FIELD_FROM,
	KEY_FIELD_TO,
	KEY_FIELD_SUBJECT,
	KEY_FIELD_CC,
	KEY_FIELD_COUNT,	/* also: none of these */
};

/* A value normalised as it comes; the rest beyond KEY_VALUE_MAX is lost. */
struct key_value {
	struct header_runs	runs;
	bool			seen;
	size_t			n;
	unsigned char		text[KEY_VALUE_MAX];
};

struct key_values {
	struct key_value	v[KEY_FIELD_COUNT];
};

void		 key_reset(struct key_values *);

/*
 * A field of this name begins, with the colon right behind it: where its
 * pieces go, NULL when it is none of the key's, or not the first of its name.
 */
struct key_value *key_begin(struct key_values *, struct span name);
void		 key_add(struct key_value *, struct span piece);

/* All fields are in. */
void		 key_end(const struct key_values *, struct key *);

#endif
