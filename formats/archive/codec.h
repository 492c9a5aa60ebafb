/* SPDX-License-Identifier: ISC */
#ifndef ARCHIVE_CODEC_H
#define ARCHIVE_CODEC_H

#include "base/bytes.h"
#include "base/sha256.h"

/*
 * Integers and texts of the index as octets; mx-archive(5), "Index".  Keys
 * are of fixed width and big-endian, so that their order is that of the
 * numbers; values are packed.
 */

/* ---- keys ---- */

#define KEY_MAX	32

struct ikey {
	unsigned char	b[KEY_MAX];
	size_t		n;
};

void		ikey_clear(struct ikey *);
void		ikey_u32(struct ikey *, uint32_t);
void		ikey_u64(struct ikey *, uint64_t);
void		ikey_mem(struct ikey *, const void *, size_t);	/* n <= what is left */
struct span	ikey_span(const struct ikey *);

/* The number at `off` of a key; 0 where the key is shorter. */
uint32_t	ikey_get32(struct span key, size_t off);
uint64_t	ikey_get64(struct span key, size_t off);

/* ---- values ---- */

void		codec_put_num(struct buf *, uint64_t);		/* LEB128 */
void		codec_put_int(struct buf *, int64_t);		/* zigzag */
void		codec_put_text(struct buf *, struct span);	/* length, octets */
void		codec_put_digest(struct buf *, const struct digest *);

/* Reading: what does not fit sets `bad`, and all that follows gives 0. */
struct codec {
	struct span	rest;
	bool		bad;
};

uint64_t	codec_num(struct codec *);
uint32_t	codec_u32(struct codec *);
int64_t		codec_int(struct codec *);
struct span	codec_text(struct codec *);	/* points into the value */
void		codec_raw(struct codec *, void *, size_t);
void		codec_digest(struct codec *, struct digest *);

/* All went well, and nothing is left. */
bool		codec_done(const struct codec *);

#endif
