/* SPDX-License-Identifier: ISC */
/*
 * The receipt file: rows appended and read back, and the table of what they
 * say.  Knows nothing of destinations but what is written there.
 *
 * Only whole rows are ever in the file but for a crash: a write that fails is
 * cut off again, and nothing is written after it.
 */

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/utf8.h"
#include "mail/name.h"

#include "flow/receipt.h"

/*
 * The longest row: an intent of INTENT_ITEMS items, whose refs are file names
 * at the longest, and mailbox names to match.
 */
#define ROW_MAX		((size_t)4 << 20)
#define INTENT_ITEMS	250

#define READ_PIECE	((size_t)256 << 10)

/* Rows in memory come in chunks, so that growing does not copy them. */
#define CHUNK_ROWS	((uint32_t)1 << 14)

#define ID_OCTETS	12

struct row {
	unsigned char	id[ID_OCTETS];
	uint32_t	a, b;		/* UIDVALIDITY; UID, or UIDNEXT of an intent.
					   by_ref: the halves of the ref's hash */
	uint32_t	next;		/* 1 + index, in the same mailbox */
	uint32_t	mailbox : 28;
	uint32_t	state : 2;	/* enum receipt_state */
	uint32_t	by_ref : 1;
	uint32_t	collided : 1;	/* until it is done */
};

#define MAILBOXES_MAX	((size_t)1 << 28)

struct receipt {
	pthread_mutex_t	 lock;		/* over all that follows */
	char		*path;		/* NULL: none (dry) */
	int		 fd;
	bool		 dry, broken;
	off_t		 length;	/* of whole rows */
	struct sha256	*hash;		/* from the last end row on */
	struct buf	 line;		/* the row that is being made */
	uint64_t	 batch;
	uint64_t	 appended, present, refused;	/* in this run */

	struct row	**chunks;
	uint32_t	 n;
	uint32_t	*slots;		/* 1 + index; at most half of them used */
	size_t		 nslots;
	struct mailboxes mailboxes;	/* names alone */
	uint32_t	*heads;		/* first row of each, 1 + index */
	size_t		 nheads;
};

static const struct evidence_row {
	enum evidence	 evidence;
	const char	*name;
} evidence_rows[] = {
	{ EVIDENCE_NONE,	"none" },
	{ EVIDENCE_KEY,		"key" },
	{ EVIDENCE_CANON,	"canon" },
	{ EVIDENCE_DIGEST,	"digest" },
	{ EVIDENCE_APPENDED,	"appended" },
};

const char *
evidence_name(enum evidence evidence)
{
	size_t i;

	for (i = 0; i < N(evidence_rows); i++)
		if (evidence_rows[i].evidence == evidence)
			return evidence_rows[i].name;
	return "none";
}

/* ---- the table ---- */

static struct row *
row_at(const struct receipt *r, uint32_t i)
{
	return &r->chunks[i / CHUNK_ROWS][i % CHUNK_ROWS];
}

/* The span behind its length, so that no two triples give the same octets. */
static void
put_counted(struct buf *b, struct span s)
{
	buf_u64(b, s.n);
	buf_chr(b, ':');
	buf_put(b, s);
}

static int
id_of(struct span src_mailbox, struct span ref, struct span mailbox,
    unsigned char id[ID_OCTETS], struct err *err)
{
	struct buf b = BUF_INIT;
	struct digest digest;

	put_counted(&b, src_mailbox);
	put_counted(&b, ref);
	put_counted(&b, mailbox);
	if (!buf_ok(&b)) {
		buf_fini(&b);
		return err_nomem(err);
	}
	sha256_of(buf_span(&b), &digest);
	memcpy(id, digest.b, ID_OCTETS);
	buf_fini(&b);
	return 0;
}

static size_t
slot_of(const struct receipt *r, const unsigned char id[ID_OCTETS])
{
	uint64_t h;
	size_t i;

	memcpy(&h, id, 8);
	i = (size_t)h & (r->nslots - 1);
	while (r->slots[i] != 0 &&
	    memcmp(row_at(r, r->slots[i] - 1)->id, id, ID_OCTETS) != 0)
		i = (i + 1) & (r->nslots - 1);
	return i;
}

static int
grow_slots(struct receipt *r, struct err *err)
{
	const size_t n = r->nslots == 0 ? 1024 : r->nslots * 2;
	uint32_t *slots, i;

	if (r->n >= UINT32_MAX / 2)
		return err_set(err, ERR_RUN, STATUS_DATA,
		    "%s: too many items", r->path);
	if ((slots = calloc(n, sizeof(*slots))) == NULL)
		return err_nomem(err);
	free(r->slots);
	r->slots = slots;
	r->nslots = n;
	for (i = 0; i < r->n; i++)
		r->slots[slot_of(r, row_at(r, i)->id)] = i + 1;
	return 0;
}

static int
grow_rows(struct receipt *r, struct err *err)
{
	const size_t n = r->n / CHUNK_ROWS;
	struct row **chunks, *chunk;

	if (r->n % CHUNK_ROWS != 0)
		return 0;
	if ((chunks = realloc(r->chunks, (n + 1) * sizeof(*chunks))) == NULL)
		return err_nomem(err);
	r->chunks = chunks;
	if ((chunk = calloc(CHUNK_ROWS, sizeof(*chunk))) == NULL)
		return err_nomem(err);
	r->chunks[n] = chunk;
	return 0;
}

/* Number of a mailbox in r->mailboxes; it is put there when missing. */
static int
mailbox_number(struct receipt *r, struct span name, uint32_t *number,
    struct err *err)
{
	struct mailbox *m = mailboxes_get(&r->mailboxes, name);
	const struct mailbox new = { .name = name };
	uint32_t *heads;

	if (m == NULL && (m = mailboxes_put(&r->mailboxes, &new)) == NULL)
		return err_nomem(err);
	if (r->mailboxes.n > r->nheads) {
		const size_t n = r->mailboxes.cap;

		if (n > MAILBOXES_MAX ||
		    (heads = realloc(r->heads, n * sizeof(*heads))) == NULL)
			return err_nomem(err);
		memset(heads + r->nheads, 0, (n - r->nheads) * sizeof(*heads));
		r->heads = heads;
		r->nheads = n;
	}
	*number = (uint32_t)(m - r->mailboxes.v);
	return 0;
}

/* The row of an item, made when it is missing; its id says its mailbox too. */
static struct row *
row_get(struct receipt *r, struct span src_mailbox, struct span ref,
    struct span mailbox, struct err *err)
{
	unsigned char id[ID_OCTETS];
	struct row *row;
	uint32_t number = 0;
	size_t slot;

	if (id_of(src_mailbox, ref, mailbox, id, err) == -1)
		return NULL;
	if ((size_t)r->n * 2 >= r->nslots && grow_slots(r, err) == -1)
		return NULL;
	slot = slot_of(r, id);
	if (r->slots[slot] != 0)
		return row_at(r, r->slots[slot] - 1);
	if (mailbox_number(r, mailbox, &number, err) == -1 ||
	    grow_rows(r, err) == -1)
		return NULL;
	row = row_at(r, r->n);
	memcpy(row->id, id, ID_OCTETS);
	row->mailbox = number & (MAILBOXES_MAX - 1);
	row->next = r->heads[number];
	r->slots[slot] = r->heads[number] = ++r->n;
	return row;
}

/* What there is, or NULL. */
static const struct row *
row_find(const struct receipt *r, struct span src_mailbox, struct span ref,
    struct span mailbox)
{
	unsigned char id[ID_OCTETS];
	size_t slot;

	if (r->nslots == 0 ||
	    id_of(src_mailbox, ref, mailbox, id, NULL) == -1)
		return NULL;
	slot = slot_of(r, id);
	return r->slots[slot] == 0 ? NULL : row_at(r, r->slots[slot] - 1);
}

static void
row_set(struct row *row, enum receipt_state state, uint32_t uidvalidity,
    uint32_t uid, struct span ref)
{
	const uint64_t h = ref.n > 0 ? receipt_ref_hash(ref) : 0;

	row->state = (unsigned)state & 3;
	if (state == RECEIPT_DONE)
		row->collided = 0;
	row->by_ref = uid == 0 && ref.n > 0;
	row->a = row->by_ref ? (uint32_t)(h >> 32) : uidvalidity;
	row->b = row->by_ref ? (uint32_t)(h & UINT32_MAX) : uid;
}

/* Another message was taken for it: an intent to send it does not undo that. */
static void
row_refuse(struct row *row, struct span reason)
{
	row_set(row, RECEIPT_REFUSED, 0, 0, SPAN_NONE);
	if (span_is(reason, "key-collision"))
		row->collided = 1;
}

static bool
row_is_valid(const struct row *row, uint32_t uidvalidity)
{
	if (row->state == RECEIPT_REFUSED)
		return true;
	return (row->by_ref ? 0 : row->a) == uidvalidity;
}

uint64_t
receipt_ref_hash(struct span ref)
{
	struct digest digest;
	uint64_t h;

	sha256_of(ref, &digest);
	memcpy(&h, digest.b, sizeof(h));
	return h;
}

enum receipt_state
receipt_get(struct receipt *r, struct span src_mailbox, struct span ref,
    struct span mailbox, uint32_t uidvalidity, uint32_t *uid)
{
	enum receipt_state state = RECEIPT_UNKNOWN;
	const struct row *row;

	*uid = 0;
	(void)pthread_mutex_lock(&r->lock);
	row = row_find(r, src_mailbox, ref, mailbox);
	if (row != NULL && row_is_valid(row, uidvalidity)) {
		state = (enum receipt_state)row->state;
		if (state == RECEIPT_DONE && !row->by_ref)
			*uid = row->b;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return state;
}

bool
receipt_collided(struct receipt *r, struct span src_mailbox, struct span ref,
    struct span mailbox)
{
	const struct row *row;
	bool collided;

	(void)pthread_mutex_lock(&r->lock);
	row = row_find(r, src_mailbox, ref, mailbox);
	collided = row != NULL && row->collided;
	(void)pthread_mutex_unlock(&r->lock);
	return collided;
}

bool
receipt_placed(struct receipt *r, struct span src_mailbox, struct span ref,
    struct span mailbox, uint32_t uidvalidity)
{
	const struct row *row;
	bool placed;

	(void)pthread_mutex_lock(&r->lock);
	row = row_find(r, src_mailbox, ref, mailbox);
	placed = row != NULL && row->state == RECEIPT_DONE &&
	    row_is_valid(row, uidvalidity) && (row->by_ref || row->b != 0);
	(void)pthread_mutex_unlock(&r->lock);
	return placed;
}

/* The first row of a mailbox, 1 + index. */
static uint32_t
first_of(const struct receipt *r, struct span mailbox)
{
	const struct mailbox *m = mailboxes_get(&r->mailboxes, mailbox);

	return m == NULL ? 0 : r->heads[m - r->mailboxes.v];
}

int
receipt_claimed(struct receipt *r, struct span mailbox, uint32_t uidvalidity,
    int (*fn)(void *, uint32_t), void *arg)
{
	const struct row *row;
	uint32_t i;
	int rc = 0;

	(void)pthread_mutex_lock(&r->lock);
	for (i = first_of(r, mailbox); i != 0 && rc == 0; i = row->next) {
		row = row_at(r, i - 1);
		if (row->state == RECEIPT_DONE && !row->by_ref &&
		    row->a == uidvalidity && row->b != 0)
			rc = fn(arg, row->b);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

int
receipt_claimed_refs(struct receipt *r, struct span mailbox,
    int (*fn)(void *, uint64_t), void *arg)
{
	const struct row *row;
	uint32_t i;
	int rc = 0;

	(void)pthread_mutex_lock(&r->lock);
	for (i = first_of(r, mailbox); i != 0 && rc == 0; i = row->next) {
		row = row_at(r, i - 1);
		if (row->state == RECEIPT_DONE && row->by_ref)
			rc = fn(arg, (uint64_t)row->a << 32 | row->b);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

uint32_t
receipt_unresolved(struct receipt *r, struct span mailbox,
    uint32_t uidvalidity)
{
	const struct row *row;
	uint32_t i, least = 0, uidnext;

	(void)pthread_mutex_lock(&r->lock);
	for (i = first_of(r, mailbox); i != 0; i = row->next) {
		row = row_at(r, i - 1);
		if (row->state != RECEIPT_INTENT || row->a != uidvalidity)
			continue;
		uidnext = row->b == 0 ? 1 : row->b;
		if (least == 0 || uidnext < least)
			least = uidnext;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return least;
}

static void
forget(struct receipt *r, struct span mailbox)
{
	uint32_t i;

	for (i = first_of(r, mailbox); i != 0; i = row_at(r, i - 1)->next) {
		row_set(row_at(r, i - 1), RECEIPT_UNKNOWN, 0, 0, SPAN_NONE);
		row_at(r, i - 1)->collided = 0;
	}
}

void
receipt_forget(struct receipt *r)
{
	size_t i;

	(void)pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->mailboxes.n; i++)
		forget(r, r->mailboxes.v[i].name);
	(void)pthread_mutex_unlock(&r->lock);
}

bool
receipt_has(struct receipt *r, struct span mailbox)
{
	bool has = false;
	uint32_t i;

	(void)pthread_mutex_lock(&r->lock);
	for (i = first_of(r, mailbox); i != 0 && !has;
	    i = row_at(r, i - 1)->next)
		has = row_at(r, i - 1)->state == RECEIPT_DONE ||
		    row_at(r, i - 1)->state == RECEIPT_INTENT;
	(void)pthread_mutex_unlock(&r->lock);
	return has;
}

/* ---- writing ---- */

static void
put_ref(struct buf *b, struct span ref)
{
	if (utf8_valid(ref)) {
		json_str(b, ref);
		return;
	}
	json_open(b, '{');
	json_key(b, "hex");
	buf_chr(b, '"');
	buf_hex(b, ref);
	buf_chr(b, '"');
	json_close(b, '}');
}

static void
put_name(struct buf *b, const char *member, struct span name)
{
	json_key(b, member);
	name_json(b, name);
}

static void
put_digest(struct buf *b, const char *member, const struct digest *digest)
{
	json_key(b, member);
	buf_chr(b, '"');
	digest_put(b, digest);
	buf_chr(b, '"');
}

static void
put_num(struct buf *b, const char *member, uint64_t n)
{
	if (n == 0)
		return;
	json_key(b, member);
	json_num(b, n);
}

static struct buf *
row_begin(struct receipt *r, const char *type)
{
	buf_clear(&r->line);
	json_open(&r->line, '{');
	json_key(&r->line, "type");
	json_str(&r->line, span_str(type));
	return &r->line;
}

/* "item" and "src". */
static void
put_item(struct buf *b, const struct item *item)
{
	const struct digest *src = item->src_digest;

	if (src == NULL && item->ident != NULL)
		src = &item->ident->digest;
	put_num(b, "item", item->number);
	json_key(b, "src");
	json_open(b, '{');
	put_name(b, "mailbox", item->src_mailbox);
	json_key(b, "ref");
	put_ref(b, item->ref);
	if (src != NULL)
		put_digest(b, "digest", src);
	json_close(b, '}');
}

/* Append the row in hand to the file. */
static int
row_write(struct receipt *r, struct err *err)
{
	struct buf *b = &r->line;

	json_close(b, '}');
	buf_chr(b, '\n');
	if (!buf_ok(b))
		return err_nomem(err);
	if (r->dry)
		return err_set(err, ERR_RUN, STATUS_BUG,
		    "a receipt that is only read");
	if (r->broken)
		return err_set(err, ERR_RUN, STATUS_IO,
		    "%s: an earlier row could not be written", r->path);
	if (b->n > ROW_MAX)
		return err_set(err, ERR_MAILBOX, STATUS_DATA,
		    "%s: a row of %zu octets is over the limit of %zu",
		    r->path, b->n, ROW_MAX);
	if (io_write(r->fd, buf_span(b), r->path, err) == -1) {
		/* A half of a row would be damage if anything came behind it. */
		r->broken = true;
		(void)io_truncate(r->fd, r->length, r->path, NULL);
		return -1;
	}
	r->length += (off_t)b->n;
	sha256_add(r->hash, buf_span(b));
	return 0;
}

static int
sync_locked(struct receipt *r, struct err *err)
{
	if (r->dry)
		return 0;
	if (r->broken)
		return err_set(err, ERR_RUN, STATUS_IO,
		    "%s: an earlier row could not be written", r->path);
	if (io_datasync(r->fd, r->path, err) == -1) {
		/* What was not synced may be gone, and a second try would not say so. */
		r->broken = true;
		return -1;
	}
	return 0;
}

/* The "src" of an intent row: runs of items of one source mailbox. */
static void
put_sources(struct buf *b, struct item *const *items, size_t n)
{
	size_t i;

	json_key(b, "src");
	json_open(b, '[');
	for (i = 0; i < n; i++) {
		const bool first = i == 0 || !span_eq(items[i]->src_mailbox,
		    items[i - 1]->src_mailbox);
		const bool last = i + 1 == n || !span_eq(items[i]->src_mailbox,
		    items[i + 1]->src_mailbox);

		if (first) {
			json_open(b, '{');
			put_name(b, "mailbox", items[i]->src_mailbox);
			json_key(b, "refs");
			json_open(b, '[');
		}
		put_ref(b, items[i]->ref);
		if (last) {
			json_close(b, ']');
			json_close(b, '}');
		}
	}
	json_close(b, ']');
}

static int
intend_some(struct receipt *r, struct span mailbox, uint32_t uidvalidity,
    uint32_t uidnext, struct item *const *items, size_t n, struct err *err)
{
	struct buf *b = row_begin(r, "intent");
	struct row *row;
	size_t i;

	put_num(b, "batch", r->batch + 1);
	put_name(b, "mailbox", mailbox);
	put_num(b, "uidvalidity", uidvalidity);
	put_num(b, "uidnext", uidnext);
	put_sources(b, items, n);
	if (row_write(r, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		row = row_get(r, items[i]->src_mailbox, items[i]->ref, mailbox,
		    err);
		if (row == NULL)
			return -1;
		row_set(row, RECEIPT_INTENT, uidvalidity, uidnext, SPAN_NONE);
	}
	return 0;
}

int
receipt_intend(struct receipt *r, struct span mailbox, uint32_t uidvalidity,
    uint32_t uidnext, struct item *const *items, size_t n, struct err *err)
{
	size_t i, k;
	int rc = 0;

	if (n == 0)
		return 0;
	(void)pthread_mutex_lock(&r->lock);
	for (i = 0; i < n && rc == 0; i += k) {
		k = n - i < INTENT_ITEMS ? n - i : INTENT_ITEMS;
		rc = intend_some(r, mailbox, uidvalidity, uidnext, items + i, k,
		    err);
	}
	if (rc == 0)
		rc = sync_locked(r, err);
	if (rc == 0)
		r->batch++;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

static int
done_locked(struct receipt *r, struct span mailbox, const struct item *item,
    uint32_t uidvalidity, uint32_t uid, struct span ref,
    enum evidence evidence, struct err *err)
{
	struct buf *b = row_begin(r, "done");
	struct row *row;

	put_item(b, item);
	if (item->ident != NULL)
		put_digest(b, "digest", &item->ident->digest);
	put_name(b, "mailbox", mailbox);
	put_num(b, "uidvalidity", uidvalidity);
	put_num(b, "uid", uid);
	if (uid == 0 && ref.n > 0) {
		json_key(b, "ref");
		put_ref(b, ref);
	}
	json_key(b, "evidence");
	json_str(b, span_str(evidence_name(evidence)));
	if (row_write(r, err) == -1)
		return -1;
	row = row_get(r, item->src_mailbox, item->ref, mailbox, err);
	if (row == NULL)
		return -1;
	/* Told again, when its place was found, it counts once. */
	if (row->state != RECEIPT_DONE || !row_is_valid(row, uidvalidity)) {
		if (evidence == EVIDENCE_APPENDED)
			r->appended++;
		else
			r->present++;
	}
	row_set(row, RECEIPT_DONE, uidvalidity, uid, ref);
	return 0;
}

int
receipt_done(struct receipt *r, struct span mailbox, const struct item *item,
    uint32_t uidvalidity, uint32_t uid, struct span ref,
    enum evidence evidence, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	rc = done_locked(r, mailbox, item, uidvalidity, uid, ref, evidence,
	    err);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

static int
refused_locked(struct receipt *r, struct span mailbox,
    const struct item *item, const char *reason, const char *text,
    struct err *err)
{
	struct buf *b = row_begin(r, "refused");
	struct row *row;

	put_item(b, item);
	put_name(b, "mailbox", mailbox);
	json_key(b, "reason");
	json_str(b, span_str(reason));
	if (text != NULL && text[0] != '\0') {
		json_key(b, "text");
		json_str(b, span_str(text));
	}
	if (row_write(r, err) == -1)
		return -1;
	row = row_get(r, item->src_mailbox, item->ref, mailbox, err);
	if (row == NULL)
		return -1;
	row_refuse(row, span_str(reason));
	r->refused++;
	return 0;
}

int
receipt_refused(struct receipt *r, struct span mailbox,
    const struct item *item, const char *reason, const char *text,
    struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	rc = refused_locked(r, mailbox, item, reason, text, err);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

static int
void_locked(struct receipt *r, struct span mailbox, struct err *err)
{
	struct buf *b;

	forget(r, mailbox);
	if (r->dry)
		return 0;
	b = row_begin(r, "void");
	put_name(b, "mailbox", mailbox);
	if (row_write(r, err) == -1)
		return -1;
	return sync_locked(r, err);
}

int
receipt_void(struct receipt *r, struct span mailbox, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	rc = void_locked(r, mailbox, err);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

int
receipt_sync(struct receipt *r, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	rc = sync_locked(r, err);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

static int
end_locked(struct receipt *r, bool complete, struct err *err)
{
	struct digest digest;
	struct buf *b;

	if (r->dry)
		return 0;
	sha256_end(r->hash, &digest);
	sha256_reset(r->hash);
	b = row_begin(r, "end");
	json_key(b, "complete");
	json_bool(b, complete);
	json_key(b, "counts");
	json_open(b, '{');
	json_key(b, "appended");
	json_num(b, r->appended);
	json_key(b, "present");
	json_num(b, r->present);
	json_key(b, "refused");
	json_num(b, r->refused);
	json_close(b, '}');
	put_digest(b, "hash", &digest);
	if (row_write(r, err) == -1)
		return -1;
	return sync_locked(r, err);
}

int
receipt_end(struct receipt *r, bool complete, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	rc = end_locked(r, complete, err);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

/* ---- reading ---- */

struct reader {
	struct receipt			*r;
	const struct receipt_target	*target;
	uint64_t			 line;
	bool				 target_seen;
	struct buf			 ref, place;
	struct name {			/* the last one, to be parsed once */
		struct buf	 text, name;
	}				 src, mailbox;
	struct buf			 text;
};

static int
damaged(const struct reader *rd, const char *what, struct err *err)
{
	return err_set(err, ERR_RUN, STATUS_DATA, "%s: line %llu: %s",
	    rd->r->path, (unsigned long long)rd->line, what);
}

/* A ref as put_ref() writes it. */
static bool
read_ref(struct buf *out, const struct json *j)
{
	struct span hex = json_span(json_get(j, "hex"));
	unsigned char *p;

	buf_clear(out);
	if (hex.n == 0) {
		buf_put(out, json_span(j));
		return out->n > 0;
	}
	if ((p = buf_room(out, hex.n / 2)) == NULL ||
	    !hex_decode(hex, p, hex.n / 2))
		return false;
	out->n += hex.n / 2;
	return true;
}

static bool
read_name(struct reader *rd, struct name *out, const struct json *object)
{
	const struct json *array = json_get(object, "mailbox");
	const size_t n = json_len(array);
	size_t i;

	/* name_parse_json() wants the text: its way with odd octets is its own. */
	buf_clear(&rd->text);
	json_open(&rd->text, '[');
	for (i = 0; i < n; i++)
		json_str(&rd->text, json_span(json_at(array, i)));
	json_close(&rd->text, ']');
	if (n == 0 || !buf_ok(&rd->text))
		return false;
	if (span_eq(buf_span(&rd->text), buf_span(&out->text)))
		return true;
	buf_clear(&out->text);
	buf_clear(&out->name);
	if (!name_parse_json(&out->name, buf_span(&rd->text)) ||
	    !buf_ok(&out->name))
		return false;
	buf_put(&out->text, buf_span(&rd->text));
	return buf_ok(&out->text);
}

/* 0 where the member is missing; false where it is no such number. */
static bool
read_u32(const struct json *object, const char *member, uint32_t *out)
{
	const struct json *j = json_get(object, member);
	uint64_t n = 0;

	*out = 0;
	if (j == NULL)
		return true;
	if (!json_u64(j, &n) || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	return true;
}

/* The row of rd->src, rd->ref, rd->mailbox. */
static struct row *
read_row(struct reader *rd, struct err *err)
{
	return row_get(rd->r, buf_span(&rd->src.name), buf_span(&rd->ref),
	    buf_span(&rd->mailbox.name), err);
}

static int
read_target(struct reader *rd, const struct json *j, struct err *err)
{
	uint64_t version = 0;

	if (!json_u64(json_get(j, "version"), &version) || version != 1)
		return damaged(rd, "a version that is not known here", err);
	(void)read_ref(&rd->ref, json_get(j, "target"));
	if (!span_eq(buf_span(&rd->ref), rd->target->target))
		return damaged(rd, "the receipt of another target", err);
	(void)read_ref(&rd->ref, json_get(j, "origin"));
	if (!span_eq(buf_span(&rd->ref), rd->target->origin))
		return damaged(rd, "the receipt of mail of another origin",
		    err);
	rd->target_seen = true;
	return 0;
}

static int
read_intent(struct reader *rd, const struct json *j, struct err *err)
{
	const struct json *src = json_get(j, "src"), *group, *refs;
	uint32_t uidvalidity, uidnext;
	uint64_t batch = 0;
	struct row *row;
	size_t i, k;

	if (!read_name(rd, &rd->mailbox, j) || json_len(src) == 0 ||
	    !read_u32(j, "uidvalidity", &uidvalidity) ||
	    !read_u32(j, "uidnext", &uidnext) ||
	    !json_u64(json_get(j, "batch"), &batch))
		return damaged(rd, "not a good intent row", err);
	if (batch > rd->r->batch)
		rd->r->batch = batch;
	for (i = 0; i < json_len(src); i++) {
		group = json_at(src, i);
		refs = json_get(group, "refs");
		if (!read_name(rd, &rd->src, group) || json_len(refs) == 0)
			return damaged(rd, "not a good intent row", err);
		for (k = 0; k < json_len(refs); k++) {
			if (!read_ref(&rd->ref, json_at(refs, k)))
				return damaged(rd, "not a good ref", err);
			if ((row = read_row(rd, err)) == NULL)
				return -1;
			row_set(row, RECEIPT_INTENT, uidvalidity, uidnext,
			    SPAN_NONE);
		}
	}
	return 0;
}

/* What done and refused rows have in common. */
static int
read_item(struct reader *rd, const struct json *j, struct err *err)
{
	const struct json *src = json_get(j, "src");

	if (!read_name(rd, &rd->mailbox, j) || !read_name(rd, &rd->src, src) ||
	    !read_ref(&rd->ref, json_get(src, "ref")))
		return damaged(rd, "not a good row", err);
	return 0;
}

static int
read_done(struct reader *rd, const struct json *j, struct err *err)
{
	const struct json *place = json_get(j, "ref");
	uint32_t uidvalidity, uid;
	struct row *row;

	if (read_item(rd, j, err) == -1)
		return -1;
	buf_clear(&rd->place);
	if (!read_u32(j, "uidvalidity", &uidvalidity) ||
	    !read_u32(j, "uid", &uid) ||
	    (place != NULL && !read_ref(&rd->place, place)))
		return damaged(rd, "not a good done row", err);
	if ((row = read_row(rd, err)) == NULL)
		return -1;
	row_set(row, RECEIPT_DONE, uidvalidity, uid, buf_span(&rd->place));
	return 0;
}

static int
read_refused(struct reader *rd, const struct json *j, struct err *err)
{
	struct row *row;

	if (read_item(rd, j, err) == -1)
		return -1;
	if ((row = read_row(rd, err)) == NULL)
		return -1;
	row_refuse(row, json_span(json_get(j, "reason")));
	return 0;
}

static int
read_void(struct reader *rd, const struct json *j, struct err *err)
{
	if (!read_name(rd, &rd->mailbox, j))
		return damaged(rd, "not a good void row", err);
	forget(rd->r, buf_span(&rd->mailbox.name));
	return 0;
}

static int
read_end(struct reader *rd, const struct json *j, struct err *err)
{
	struct digest said, is;

	sha256_end(rd->r->hash, &is);
	sha256_reset(rd->r->hash);
	if (!digest_parse(json_span(json_get(j, "hash")), &said))
		return damaged(rd, "not a good end row", err);
	if (!digest_eq(&said, &is))
		return damaged(rd, "the rows before it were changed", err);
	return 0;
}

static const struct row_type {
	const char	*name;
	int		(*read)(struct reader *, const struct json *,
			    struct err *);
} row_types[] = {
	{ "target",	read_target },
	{ "intent",	read_intent },
	{ "done",	read_done },
	{ "refused",	read_refused },
	{ "void",	read_void },
	{ "end",	read_end },
};

/* One line with its newline.  Rows of types to come are passed over. */
static int
read_line(struct reader *rd, struct span line, struct err *err)
{
	struct json *j;
	struct span type;
	size_t i;
	int rc = 0;

	rd->line++;
	if ((j = json_parse(span_head(line, line.n - 1), err)) == NULL) {
		err_at(err, "%s: line %llu", rd->r->path,
		    (unsigned long long)rd->line);
		return -1;
	}
	type = json_span(json_get(j, "type"));
	if (type.n == 0)
		rc = damaged(rd, "a row without a type", err);
	else if (span_is(type, "target") == rd->target_seen)
		rc = damaged(rd, rd->target_seen ?
		    "a second target row" : "no target row before it", err);
	for (i = 0; rc == 0 && i < N(row_types); i++)
		if (span_is(type, row_types[i].name))
			rc = row_types[i].read(rd, j, err);
	if (rc == 0)
		sha256_add(rd->r->hash, line);
	json_free(j);
	return rc;
}

/* Every whole line that is in `text`; they are taken off its front. */
static int
read_lines(struct reader *rd, struct buf *text, struct err *err)
{
	struct span rest = buf_span(text);
	size_t n, done = 0;

	while ((n = span_find(rest, '\n')) < rest.n) {
		if (read_line(rd, span_head(rest, n + 1), err) == -1)
			return -1;
		done += n + 1;
		rest = span_from(rest, n + 1);
	}
	buf_drop(text, done);
	rd->r->length += (off_t)done;
	if (text->n > ROW_MAX) {
		rd->line++;
		return damaged(rd, "a line that is too long", err);
	}
	return 0;
}

static int
read_all(struct receipt *r, const struct receipt_target *target,
    bool *empty, struct err *err)
{
	struct reader rd = { .r = r, .target = target };
	struct buf text = BUF_INIT;
	unsigned char *p;
	ssize_t n = 0;
	int rc = -1;

	for (;;) {
		if ((p = buf_room(&text, READ_PIECE)) == NULL) {
			(void)err_nomem(err);
			goto out;
		}
		if ((n = io_read(r->fd, p, READ_PIECE, r->path, err)) == -1)
			goto out;
		if (n == 0)
			break;
		text.n += (size_t)n;
		if (read_lines(&rd, &text, err) == -1)
			goto out;
	}
	*empty = !rd.target_seen;
	/* The end of a row that a crash cut short. */
	if (text.n > 0 && !r->dry &&
	    (io_truncate(r->fd, r->length, r->path, err) == -1 ||
	    io_datasync(r->fd, r->path, err) == -1))
		goto out;
	rc = 0;
out:
	buf_fini(&rd.src.text);
	buf_fini(&rd.src.name);
	buf_fini(&rd.mailbox.text);
	buf_fini(&rd.mailbox.name);
	buf_fini(&rd.ref);
	buf_fini(&rd.place);
	buf_fini(&rd.text);
	buf_fini(&text);
	return rc;
}

/* ---- opening ---- */

/* "dir" of "dir/name" and "." of "name"; the caller frees it. */
static char *
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return span_dup(SPAN("."));
	if (slash == path)
		return span_dup(SPAN("/"));
	return span_dup(span_of(path, (size_t)(slash - path)));
}

/* The first row of a new file; file and name are durable after it. */
static int
start_file(struct receipt *r, const struct receipt_target *target,
    struct err *err)
{
	struct buf *b = row_begin(r, "target");
	char *dir = NULL;
	int rc = -1;

	put_num(b, "version", 1);
	json_key(b, "url");
	json_str(b, target->url);
	json_key(b, "target");
	put_ref(b, target->target);
	json_key(b, "origin");
	put_ref(b, target->origin);
	if (row_write(r, err) == -1 || io_sync(r->fd, r->path, err) == -1)
		return -1;
	if ((dir = dir_of(r->path)) == NULL)
		return err_nomem(err);
	rc = io_sync_dir(dir, err);
	free(dir);
	return rc;
}

static int
open_file(struct receipt *r, struct err *err)
{
	if (r->dry) {
		if (access(r->path, F_OK) == -1 && errno == ENOENT)
			return 0;
		return io_open(r->path, &r->fd, err);
	}
	if (io_create(r->path, O_RDWR | O_CREAT | O_APPEND, &r->fd, err) == -1)
		return -1;
	if (flock(r->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_RUN, STATUS_LOCKED,
		    "%s: another command is writing there", r->path);
	return err_sys(err, ERR_RUN, STATUS_IO, "%s: cannot lock", r->path);
}

struct receipt *
receipt_open(const char *path, const struct receipt_target *target, bool dry,
    const struct sys *sys, struct err *err)
{
	struct receipt *r;
	bool empty = true;

	(void)sys;
	if ((r = calloc(1, sizeof(*r))) == NULL ||
	    pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		(void)err_nomem(err);
		return NULL;
	}
	r->fd = -1;
	r->dry = dry;
	if ((r->hash = sha256_new(err)) == NULL)
		goto fail;
	if (path == NULL)
		return r;
	if ((r->path = span_dup(span_str(path))) == NULL) {
		(void)err_nomem(err);
		goto fail;
	}
	if (open_file(r, err) == -1)
		goto fail;
	if (r->fd != -1 && read_all(r, target, &empty, err) == -1)
		goto fail;
	if (!dry && empty && start_file(r, target, err) == -1)
		goto fail;
	return r;
fail:
	receipt_close(r);
	return NULL;
}

void
receipt_close(struct receipt *r)
{
	uint32_t i;

	if (r == NULL)
		return;
	/* Whoever needs its rows durable has synced; the lock goes with it. */
	(void)io_close(&r->fd, r->path, NULL);
	for (i = 0; i < r->n; i += CHUNK_ROWS)
		free(r->chunks[i / CHUNK_ROWS]);
	free(r->chunks);
	free(r->slots);
	free(r->heads);
	free(r->path);
	mailboxes_fini(&r->mailboxes);
	buf_fini(&r->line);
	sha256_free(r->hash);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}
