/* SPDX-License-Identifier: ISC */
/* The values of the index's tables as octets, each in the order of its struct. */

#include <string.h>

#include "formats/archive/row.h"
#include "formats/stream/entry.h"
#include "mail/flags.h"

/* ---- small ones ---- */

enum {
	SEGMENT_SEALED	= 1 << 0,
	SEGMENT_DAMAGED	= 1 << 1,
	SEGMENT_UNSURE	= 1 << 2,
};

void
row_put_segment(struct buf *b, const struct row_segment *r)
{
	const bool damaged = r->sealed && r->damage.places > 0;

	codec_put_num(b, r->length);
	codec_put_num(b, r->generation);
	codec_put_num(b, r->items);
	codec_put_num(b, r->bytes);
	codec_put_num(b, (r->sealed ? SEGMENT_SEALED : 0u) |
	    (damaged ? SEGMENT_DAMAGED : 0u) |
	    (damaged && r->damage.unsure ? SEGMENT_UNSURE : 0u));
	if (r->sealed)
		codec_put_digest(b, &r->sha);
	if (damaged) {
		codec_put_num(b, r->damage.places);
		codec_put_num(b, r->damage.first);
		codec_put_num(b, r->damage.lost);
	}
}

bool
row_get_segment(struct span value, struct row_segment *r)
{
	struct codec c = { value, false };
	uint64_t bits;

	*r = (struct row_segment){ .length = codec_num(&c) };
	r->generation = codec_num(&c);
	r->items = codec_num(&c);
	r->bytes = codec_num(&c);
	bits = codec_num(&c);
	r->sealed = (bits & SEGMENT_SEALED) != 0;
	if (r->sealed)
		codec_digest(&c, &r->sha);
	if ((bits & SEGMENT_DAMAGED) != 0) {
		r->damage.places = codec_num(&c);
		r->damage.first = codec_num(&c);
		r->damage.lost = codec_num(&c);
		r->damage.unsure = (bits & SEGMENT_UNSURE) != 0;
	}
	return codec_done(&c);
}

void
row_put_blob(struct buf *b, const struct row_blob *r)
{
	codec_put_num(b, r->segment);
	codec_put_num(b, r->frame);
	codec_put_num(b, r->inside);
	codec_put_num(b, r->length);
	codec_put_num(b, r->item);
}

bool
row_get_blob(struct span value, struct row_blob *r)
{
	struct codec c = { value, false };

	r->segment = codec_num(&c);
	r->frame = codec_num(&c);
	r->inside = codec_num(&c);
	r->length = codec_num(&c);
	r->item = codec_num(&c);
	return codec_done(&c);
}

void
row_put_generation(struct buf *b, const struct row_generation *r)
{
	codec_put_int(b, r->created);
	codec_put_num(b, r->complete ? 1 : 0);
	codec_put_num(b, r->born);
	codec_put_num(b, r->changed);
	codec_put_num(b, r->ended);
}

bool
row_get_generation(struct span value, struct row_generation *r)
{
	struct codec c = { value, false };

	r->created = codec_int(&c);
	r->complete = codec_num(&c) != 0;
	r->born = codec_num(&c);
	r->changed = codec_num(&c);
	r->ended = codec_num(&c);
	return codec_done(&c);
}

static void
put_item_state(struct buf *b, enum item_state s)
{
	codec_put_num(b, (uint64_t)s);
}

static enum item_state
get_item_state(struct codec *c)
{
	const uint64_t v = codec_num(c);

	if (v > ITEM_MOVED) {
		c->bad = true;
		return ITEM_LIVE;
	}
	return (enum item_state)v;
}

void
row_put_change(struct buf *b, const struct row_change *r)
{
	put_item_state(b, r->state);
	codec_put_text(b, r->flags);
}

bool
row_get_change(struct span value, struct row_change *r)
{
	struct codec c = { value, false };

	r->state = get_item_state(&c);
	r->flags = codec_text(&c);
	return codec_done(&c);
}

void
row_put_state(struct buf *b, const struct row_state *r)
{
	codec_put_num(b, r->next_item);
	codec_put_num(b, r->next_mailbox);
	codec_put_num(b, r->octets);
}

bool
row_get_state(struct span value, struct row_state *r)
{
	struct codec c = { value, false };

	r->next_item = codec_num(&c);
	r->next_mailbox = codec_u32(&c);
	r->octets = codec_num(&c);
	return codec_done(&c);
}

/* ---- mailboxes ---- */

enum {
	BOX_KNOWN	= 1 << 0,
	BOX_SCOPED	= 1 << 1,
	BOX_COMPLETE	= 1 << 2,
	BOX_SUBSCRIBED	= 1 << 3,
	BOX_RENAMED	= 1 << 4,
};

void
row_put_mailbox(struct buf *b, const struct row_mailbox *r)
{
	codec_put_num(b, (r->known ? BOX_KNOWN : 0u) |
	    (r->scoped ? BOX_SCOPED : 0u) | (r->complete ? BOX_COMPLETE : 0u) |
	    (r->m.subscribed ? BOX_SUBSCRIBED : 0u) |
	    (r->renamed ? BOX_RENAMED : 0u));
	codec_put_text(b, r->m.name);
	codec_put_text(b, r->m.raw);
	codec_put_num(b, (unsigned char)r->m.delimiter);
	codec_put_text(b, r->m.attributes);
	codec_put_num(b, (uint64_t)r->m.status);
	codec_put_num(b, r->m.uidvalidity);
	codec_put_num(b, r->m.uidnext);
	codec_put_num(b, r->m.modseq);
	codec_put_text(b, r->m.id);
	codec_put_num(b, r->scope);
	codec_put_num(b, r->first);
	codec_put_num(b, r->gone);
	codec_put_num(b, r->strays);
	codec_put_num(b, r->items);
	codec_put_num(b, r->octets);
	codec_put_num(b, r->live);
	codec_put_num(b, r->live_octets);
}

static void
get_mailbox(struct codec *c, struct mailbox *m)
{
	uint64_t status;

	m->name = codec_text(c);
	m->raw = codec_text(c);
	m->delimiter = (char)(codec_num(c) & 0xff);
	m->attributes = codec_text(c);
	if ((status = codec_num(c)) > MAILBOX_GONE)
		c->bad = true;
	else
		m->status = (enum mailbox_status)status;
	m->uidvalidity = codec_u32(c);
	m->uidnext = codec_u32(c);
	m->modseq = codec_num(c);
	m->id = codec_text(c);
}

bool
row_get_mailbox(struct span value, struct row_mailbox *r)
{
	struct codec c = { value, false };
	uint64_t bits;

	*r = (struct row_mailbox){ .known = false };
	bits = codec_num(&c);
	r->known = (bits & BOX_KNOWN) != 0;
	r->scoped = (bits & BOX_SCOPED) != 0;
	r->complete = (bits & BOX_COMPLETE) != 0;
	r->m.subscribed = (bits & BOX_SUBSCRIBED) != 0;
	r->renamed = (bits & BOX_RENAMED) != 0;
	get_mailbox(&c, &r->m);
	r->scope = codec_num(&c);
	r->first = codec_num(&c);
	r->gone = codec_num(&c);
	r->strays = codec_num(&c);
	r->items = codec_num(&c);
	r->octets = codec_num(&c);
	r->live = codec_num(&c);
	r->live_octets = codec_num(&c);
	return codec_done(&c);
}

/* ---- items ---- */

enum {
	ITEM_ALTERED	= 1 << 0,
	ITEM_DATED	= 1 << 1,
};

/* Texts that most items do not have: a bit for each that is there. */
#define TEXTS	7

static void
texts_of(const struct item *item, struct span out[TEXTS])
{
	out[0] = item->emailid;
	out[1] = item->threadid;
	out[2] = item->gm_msgid;
	out[3] = item->gm_thrid;
	out[4] = item->labels;
	out[5] = item->was;
	out[6] = item->note;
}

static void
texts_to(const struct span in[TEXTS], struct item *item)
{
	item->emailid = in[0];
	item->threadid = in[1];
	item->gm_msgid = in[2];
	item->gm_thrid = in[3];
	item->labels = in[4];
	item->was = in[5];
	item->note = in[6];
}

static void
put_texts(struct buf *b, const struct item *item)
{
	struct span text[TEXTS];
	uint64_t bits = 0;
	size_t i;

	texts_of(item, text);
	for (i = 0; i < TEXTS; i++)
		if (text[i].n > 0)
			bits |= UINT64_C(1) << i;
	codec_put_num(b, bits);
	for (i = 0; i < TEXTS; i++)
		if (text[i].n > 0)
			codec_put_text(b, text[i]);
}

static void
get_texts(struct codec *c, struct item *item)
{
	struct span text[TEXTS] = { SPAN_NONE };
	const uint64_t bits = codec_num(c);
	size_t i;

	for (i = 0; i < TEXTS; i++)
		if ((bits & UINT64_C(1) << i) != 0)
			text[i] = codec_text(c);
	texts_to(text, item);
}

static void
put_ident(struct buf *b, const struct ident *id)
{
	codec_put_num(b, id->size);
	codec_put_digest(b, &id->digest);
	codec_put_digest(b, &id->canon);
	codec_put_num(b, id->lint);
	codec_put_num(b, id->longest_line);
	codec_put_num(b, (uint64_t)id->key.kind);
	if (id->key.kind == KEY_NONE)
		return;
	buf_mem(b, id->key.id, N(id->key.id));
	codec_put_int(b, id->key.date);
	buf_mem(b, id->key.from, N(id->key.from));
}

static void
get_key(struct codec *c, struct key *key)
{
	const uint64_t kind = codec_num(c);

	key->date = INT64_MIN;
	if (kind > KEY_HEADERS)
		c->bad = true;
	if (c->bad || kind == KEY_NONE)
		return;
	key->kind = (enum key_kind)kind;
	codec_raw(c, key->id, N(key->id));
	key->date = codec_int(c);
	codec_raw(c, key->from, N(key->from));
}

static void
get_ident(struct codec *c, struct ident *id)
{
	id->size = codec_num(c);
	codec_digest(c, &id->digest);
	codec_digest(c, &id->canon);
	id->lint = codec_u32(c);
	id->longest_line = codec_u32(c);
	get_key(c, &id->key);
}

void
row_put_item(struct buf *b, const struct row_item *r)
{
	const struct item *item = &r->item;

	codec_put_num(b, (r->altered ? ITEM_ALTERED : 0u) |
	    (item->date.known ? ITEM_DATED : 0u));
	codec_put_num(b, r->home);
	codec_put_num(b, r->src);
	codec_put_num(b, r->born);
	codec_put_num(b, r->since);
	put_item_state(b, r->state);
	codec_put_num(b, r->letters);
	codec_put_num(b, item->uidvalidity);
	codec_put_num(b, item->uid);
	codec_put_num(b, item->modseq);
	codec_put_text(b, item->ref);
	codec_put_text(b, item->flags);
	if (item->date.known) {
		codec_put_int(b, item->date.sec);
		codec_put_int(b, item->date.zone);
	}
	if (r->altered)
		codec_put_digest(b, &r->src_digest);
	put_ident(b, &r->ident);
	put_texts(b, item);
}

static void
get_date(struct codec *c, struct date *date)
{
	int64_t zone;

	date->known = true;
	date->sec = codec_int(c);
	zone = codec_int(c);
	if (zone < INT16_MIN || zone > INT16_MAX)
		c->bad = true;
	else
		date->zone = (int16_t)zone;
}

bool
row_get_item(struct span value, struct row_item *r)
{
	struct codec c = { value, false };
	struct item *item = &r->item;
	uint64_t bits;

	*r = (struct row_item){ .home = 0 };
	bits = codec_num(&c);
	r->home = codec_u32(&c);
	r->src = codec_u32(&c);
	r->born = codec_num(&c);
	r->since = codec_num(&c);
	r->state = get_item_state(&c);
	r->letters = codec_u32(&c);
	item->uidvalidity = codec_u32(&c);
	item->uid = codec_u32(&c);
	item->modseq = codec_num(&c);
	item->ref = codec_text(&c);
	item->flags = codec_text(&c);
	if ((bits & ITEM_DATED) != 0)
		get_date(&c, &item->date);
	if ((r->altered = (bits & ITEM_ALTERED) != 0))
		codec_digest(&c, &r->src_digest);
	get_ident(&c, &r->ident);
	get_texts(&c, item);
	item->size = r->ident.size;
	return codec_done(&c);
}

/* ---- refs and paths ---- */

/* Decimal as it is written: no leading zero, so that one text is one number. */
static bool
plain_u32(struct span s, uint32_t *out)
{
	return (s.n == 1 || (s.n > 1 && s.p[0] != '0')) && span_u32(s, out);
}

bool
row_ref8(struct span ref, unsigned char out[8])
{
	const size_t dot = span_find(ref, '.');
	struct digest digest;
	struct ikey key = { .n = 0 };
	uint32_t validity, uid;

	if (dot < ref.n && plain_u32(span_head(ref, dot), &validity) &&
	    plain_u32(span_from(ref, dot + 1), &uid)) {
		ikey_u32(&key, validity);
		ikey_u32(&key, uid);
		memcpy(out, key.b, 8);
		return true;
	}
	sha256_of(ref, &digest);
	memcpy(out, digest.b, 8);
	return false;
}

static const struct {
	unsigned	bit;
	const char	*flag;
} letter_flags[] = {
	{ FLAG_ANSWERED,	"\\Answered" },
	{ FLAG_DELETED,		"\\Deleted" },
	{ FLAG_DRAFT,		"\\Draft" },
	{ FLAG_FLAGGED,		"\\Flagged" },
	{ FLAG_SEEN,		"\\Seen" },
	{ FLAG_FORWARDED,	"$Forwarded" },
};

void
row_item_path(struct buf *out, struct span home, struct span src,
    const struct row_item *r)
{
	struct buf flags = BUF_INIT;
	struct item item = r->item;
	size_t i;

	for (i = 0; i < N(letter_flags); i++)
		if ((r->letters & letter_flags[i].bit) != 0) {
			if (flags.n > 0)
				buf_chr(&flags, ' ');
			buf_str(&flags, letter_flags[i].flag);
		}
	item.flags = buf_span(&flags);
	item.src_mailbox = src;
	entry_item_path(out, home, &item, &r->ident.digest, r->ident.size);
	if (!buf_ok(&flags))
		out->bad = true;
	buf_fini(&flags);
}
