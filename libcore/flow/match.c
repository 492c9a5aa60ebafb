/* SPDX-License-Identifier: ISC */
/* The have-table of a mailbox and the pairing with it: see match.h. */

#include <stdlib.h>
#include <string.h>

#include "flow/match.h"

#define MESSAGES_MAX	(UINT32_MAX / 4)

struct there {
	struct key	key;
	int64_t		sec;		/* INTERNALDATE */
	uint64_t	size;
	uint32_t	uid;
	uint32_t	next_key;	/* 1 + index, same key id */
	uint32_t	next_sec;	/* 1 + index, same instant */
	uint32_t	print;		/* 1 + index into prints; 0: not fetched */
	bool		dated, claimed;
};

/* What was fetched of a message. */
struct print {
	struct digest	digest, canon;
};

/* A hash table of chains: 1 + index of the newest row, by hash. */
struct chains {
	uint32_t	*slots;
	size_t		 n;		/* a power of two, or 0 */
};

/* An item that the source has: by 32 bits of its key and of its canon. */
struct seen {
	uint32_t	id;		/* 0: free */
	uint32_t	canon;		/* 0: several */
};

struct match {
	bool		 rewrites;
	match_fetch_fn	*fetch;
	void		*arg;
	struct body	*body;
	struct identer	*identer;

	struct there	*v;
	uint32_t	 n, cap;
	struct span	*refs;		/* of each, where the place has no UIDs */
	struct arena	 arena;		/* refs */
	struct chains	 by_key, by_sec;
	struct print	*prints;
	uint32_t	 nprints, prints_cap;

	uint64_t	*claims;	/* sorted in match_begin() */
	size_t		 nclaims, claims_cap;
	uint64_t	*known;		/* places of v, sorted in match_begin() */
	size_t		 nknown;

	struct seen	*seen;
	size_t		 nseen, seen_slots;
};

/* ---- sets of places ---- */

static int
u64_cmp(const void *va, const void *vb)
{
	const uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

	return a < b ? -1 : a > b;
}

static bool
u64_have(const uint64_t *v, size_t n, uint64_t x)
{
	return n > 0 && bsearch(&x, v, n, sizeof(*v), u64_cmp) != NULL;
}

/* Sorted, each once: claims are told anew before each scan.  How many stay. */
static size_t
u64_sort(uint64_t *v, size_t n)
{
	size_t i, k = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), u64_cmp);
	for (i = 1; i < n; i++)
		if (v[i] != v[k])
			v[++k] = v[i];
	return k + 1;
}

static int
claim_place(struct match *m, uint64_t place, struct err *err)
{
	const size_t cap = m->claims_cap == 0 ? 256 : m->claims_cap * 2;
	uint64_t *v;

	if (m->nclaims == m->claims_cap) {
		if ((v = realloc(m->claims, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		m->claims = v;
		m->claims_cap = cap;
	}
	m->claims[m->nclaims++] = place;
	return 0;
}

int
match_claim_uid(struct match *m, uint32_t uid, struct err *err)
{
	return claim_place(m, uid, err);
}

int
match_claim_ref(struct match *m, uint64_t ref_hash, struct err *err)
{
	return claim_place(m, ref_hash, err);
}

/* ---- what is there ---- */

static uint64_t
key_hash(const struct key *key)
{
	uint64_t h;

	memcpy(&h, key->id, sizeof(h));
	return h ^ (uint64_t)key->kind;
}

/* Seconds are near each other: spread them (Fibonacci hashing). */
static uint64_t
sec_hash(int64_t sec)
{
	return ((uint64_t)sec * UINT64_C(0x9e3779b97f4a7c15)) >> 16;
}

static void
link_row(struct match *m, uint32_t i)
{
	struct there *t = &m->v[i];
	uint32_t *slot;

	slot = &m->by_key.slots[key_hash(&t->key) & (m->by_key.n - 1)];
	t->next_key = *slot;
	*slot = i + 1;
	slot = &m->by_sec.slots[sec_hash(t->sec) & (m->by_sec.n - 1)];
	t->next_sec = *slot;
	*slot = i + 1;
}

/*
 * Chains are walked from their head, and messages there are matched in their
 * order: so rows are linked from the last to the first.
 */
static void
link_all(struct match *m)
{
	uint32_t i;

	memset(m->by_key.slots, 0, m->by_key.n * sizeof(*m->by_key.slots));
	memset(m->by_sec.slots, 0, m->by_sec.n * sizeof(*m->by_sec.slots));
	for (i = m->n; i > 0; i--)
		link_row(m, i - 1);
}

static int
grow_chains(struct chains *c, size_t rows, struct err *err)
{
	size_t n = 256;
	uint32_t *slots;

	while (n < rows)
		n *= 2;
	if (n == c->n)
		return 0;
	if ((slots = calloc(n, sizeof(*slots))) == NULL)
		return err_nomem(err);
	free(c->slots);
	c->slots = slots;
	c->n = n;
	return 0;
}

/* Make the chains anew where rows were added. */
static int
match_index(struct match *m, struct err *err)
{
	if (grow_chains(&m->by_key, m->n, err) == -1 ||
	    grow_chains(&m->by_sec, m->n, err) == -1)
		return -1;
	link_all(m);
	return 0;
}

struct match *
match_new(match_fetch_fn *fetch, void *arg, struct err *err)
{
	struct match *m;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	m->fetch = fetch;
	m->arg = arg;
	if ((m->body = body_new(err)) == NULL ||
	    (m->identer = identer_new(err)) == NULL) {
		match_free(m);
		return NULL;
	}
	return m;
}

void
match_free(struct match *m)
{
	if (m == NULL)
		return;
	body_free(m->body);
	identer_free(m->identer);
	free(m->v);
	free(m->refs);
	free(m->by_key.slots);
	free(m->by_sec.slots);
	free(m->prints);
	free(m->claims);
	free(m->known);
	free(m->seen);
	arena_fini(&m->arena);
	free(m);
}

void
match_rewrites(struct match *m, bool rewrites)
{
	m->rewrites = rewrites;
}

static uint64_t
place_of(const struct match *m, uint32_t i)
{
	if (m->v[i].uid != 0 || m->refs == NULL)
		return m->v[i].uid;
	return receipt_ref_hash(m->refs[i]);
}

/* A scan comes: sort what it is compared with. */
int
match_begin(struct match *m, struct err *err)
{
	uint32_t i;

	free(m->known);
	m->known = NULL;
	m->nknown = 0;
	if (m->n > 0 &&
	    (m->known = calloc(m->n, sizeof(*m->known))) == NULL)
		return err_nomem(err);
	for (i = 0; i < m->n; i++)
		m->known[i] = place_of(m, i);
	m->nknown = m->n;
	if (m->nknown > 0)
		qsort(m->known, m->nknown, sizeof(*m->known), u64_cmp);
	m->nclaims = u64_sort(m->claims, m->nclaims);
	m->by_key.n = m->by_sec.n = 0;
	free(m->by_key.slots);
	free(m->by_sec.slots);
	m->by_key.slots = m->by_sec.slots = NULL;
	return 0;
}

static int
grow_rows(struct match *m, bool refs, struct err *err)
{
	const uint32_t cap = m->cap == 0 ? 64 : m->cap * 2;
	struct there *v;
	struct span *r;

	if (m->n == m->cap) {
		if (cap > MESSAGES_MAX)
			return err_set(err, ERR_MAILBOX, STATUS_DATA,
			    "more than %u messages", MESSAGES_MAX);
		if ((v = realloc(m->v, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		m->v = v;
		if (m->refs != NULL) {
			r = realloc(m->refs, cap * sizeof(*r));
			if (r == NULL)
				return err_nomem(err);
			memset(r + m->cap, 0, (cap - m->cap) * sizeof(*r));
			m->refs = r;
		}
		m->cap = cap;
	}
	if (refs && m->refs == NULL &&
	    (m->refs = calloc(m->cap, sizeof(*m->refs))) == NULL)
		return err_nomem(err);
	return 0;
}

int
match_add(struct match *m, const struct dest_message *in, struct err *err)
{
	const bool by_ref = in->uid == 0;
	const uint64_t place = by_ref ? receipt_ref_hash(in->ref) : in->uid;
	struct there *t;

	if (u64_have(m->known, m->nknown, place))
		return 0;
	if (grow_rows(m, by_ref, err) == -1)
		return -1;
	t = &m->v[m->n];
	*t = (struct there){
		.key = in->key,
		.sec = in->date.known ? in->date.sec : 0,
		.dated = in->date.known,
		.size = in->size,
		.uid = in->uid,
		.claimed = u64_have(m->claims, m->nclaims, place),
	};
	if (by_ref && !arena_span(&m->arena, in->ref, &m->refs[m->n]))
		return err_nomem(err);
	m->n++;
	return 0;
}

void
match_claim(struct match *m, uint32_t row)
{
	m->v[row].claimed = true;
}

void
match_place(const struct match *m, uint32_t row, uint32_t *uid,
    struct span *ref)
{
	*uid = m->v[row].uid;
	*ref = m->refs == NULL ? SPAN_NONE : m->refs[row];
}

/* ---- what the source has ---- */

bool
match_want(const struct item *item, struct want *want)
{
	if (item->ident == NULL)
		return false;
	*want = (struct want){
		.key = item->key != NULL ? *item->key : item->ident->key,
		.digest = item->ident->digest,
		.canon = item->ident->canon,
		.size = item->ident->size,
		.date = item->date,
	};
	return true;
}

/* Of what is hashed already; never 0. */
static uint32_t
print32(uint64_t h)
{
	const uint32_t x = (uint32_t)(h >> 32) ^ (uint32_t)(h & UINT32_MAX);

	return x == 0 ? 1 : x;
}

static uint32_t
canon32(const struct digest *canon)
{
	uint64_t h;

	memcpy(&h, canon->b, sizeof(h));
	return print32(h);
}

static struct seen *
seen_slot(const struct match *m, uint32_t id)
{
	size_t i = id & (m->seen_slots - 1);

	while (m->seen[i].id != 0 && m->seen[i].id != id)
		i = (i + 1) & (m->seen_slots - 1);
	return &m->seen[i];
}

static int
grow_seen(struct match *m, struct err *err)
{
	const size_t n = m->seen_slots == 0 ? 1024 : m->seen_slots * 2;
	const size_t old_slots = m->seen_slots;
	struct seen *old = m->seen;
	size_t i;

	if ((m->seen = calloc(n, sizeof(*m->seen))) == NULL) {
		m->seen = old;
		return err_nomem(err);
	}
	m->seen_slots = n;
	for (i = 0; i < old_slots; i++)
		if (old[i].id != 0)
			*seen_slot(m, old[i].id) = old[i];
	free(old);
	return 0;
}

int
match_seen(struct match *m, const struct want *want, struct err *err)
{
	const uint32_t id = print32(key_hash(&want->key));
	const uint32_t canon = canon32(&want->canon);
	struct seen *s;

	if (want->key.kind == KEY_NONE)
		return 0;
	if (m->nseen * 2 >= m->seen_slots && grow_seen(m, err) == -1)
		return -1;
	s = seen_slot(m, id);
	if (s->id == 0) {
		*s = (struct seen){ id, canon };
		m->nseen++;
	} else if (s->canon != 0 && s->canon != canon) {
		s->canon = 0;
		return 1;
	}
	return 0;
}

bool
match_same_id(const struct want *a, const struct want *b)
{
	return print32(key_hash(&a->key)) == print32(key_hash(&b->key));
}

static bool
is_ambiguous(const struct match *m, const struct want *want)
{
	const struct seen *s;

	if (m->seen_slots == 0)
		return false;
	s = seen_slot(m, print32(key_hash(&want->key)));
	return s->id != 0 && s->canon == 0;
}

/* ---- comparing octets ---- */

/* Identify the body that was fetched. */
static int
print_body(struct match *m, struct print *out, struct err *err)
{
	struct ident ident;
	struct span piece;
	int more;

	body_rewind(m->body);
	while ((more = body_next(m->body, &piece, err)) == 1)
		identer_add(m->identer, piece);
	identer_end(m->identer, &ident);
	if (more == -1)
		return -1;
	out->digest = ident.digest;
	out->canon = ident.canon;
	return 0;
}

/* Fetch a message unless that was done: 1; 0: it is not to be had; -1. */
static int
fetch_row(struct match *m, uint32_t i, struct err *err)
{
	const uint32_t cap = m->prints_cap == 0 ? 64 : m->prints_cap * 2;
	struct print *v;
	struct span ref;
	uint32_t uid;

	if (m->v[i].print != 0)
		return 1;
	if (m->nprints == m->prints_cap) {
		if ((v = realloc(m->prints, cap * sizeof(*v))) == NULL)
			return err_nomem(err);
		m->prints = v;
		m->prints_cap = cap;
	}
	match_place(m, i, &uid, &ref);
	body_reset(m->body);
	if (m->fetch(m->arg, uid, ref, m->body, err) == -1) {
		if (err->scope != ERR_MESSAGE)
			return -1;
		err_clear(err);
		m->v[i].claimed = true;	/* gone, or unreadable: no candidate */
		return 0;
	}
	if (print_body(m, &m->prints[m->nprints], err) == -1)
		return -1;
	m->v[i].print = ++m->nprints;
	return 1;
}

/* 1: the same by its octets; 0: not; -1. */
static int
compare_row(struct match *m, uint32_t i, const struct want *want,
    enum evidence *evidence, struct err *err)
{
	const struct print *p;
	const int rc = fetch_row(m, i, err);

	if (rc != 1)
		return rc;
	p = &m->prints[m->v[i].print - 1];
	if (!digest_eq(&p->canon, &want->canon))
		return 0;
	*evidence = digest_eq(&p->digest, &want->digest) ?
	    EVIDENCE_DIGEST : EVIDENCE_CANON;
	return 1;
}

int
match_verify(struct match *m, uint32_t row, const struct want *want,
    struct err *err)
{
	enum evidence evidence;
	int rc;

	if (m->rewrites)
		return 1;
	if ((rc = compare_row(m, row, want, &evidence, err)) == 0 &&
	    m->v[row].print != 0)
		m->v[row].claimed = false;
	return rc;
}

/* ---- candidates ---- */

/* How candidates are told from the others on a chain. */
enum by {
	BY_KEY_AND_SIZE,
	BY_KEY,
	BY_SIZE_AND_DATE,
	BY_NO_KEY,		/* nor has that one any */
};

static bool
is_candidate(const struct there *t, const struct want *want, enum by by)
{
	if (t->claimed)
		return false;
	switch (by) {
	case BY_KEY_AND_SIZE:
		return t->size == want->size && key_match(&t->key, &want->key);
	case BY_KEY:
		return key_match(&t->key, &want->key);
	case BY_SIZE_AND_DATE:
		return t->size == want->size && t->dated &&
		    want->date.known && t->sec == want->date.sec;
	case BY_NO_KEY:
		return t->key.kind == KEY_NONE;
	}
	return false;
}

/* 1 + index of the first on the chain; 0 for none. */
static uint32_t
first_row(const struct match *m, const struct want *want, enum by by)
{
	if (m->n == 0)
		return 0;
	if (by == BY_SIZE_AND_DATE)
		return m->by_sec.slots[sec_hash(want->date.sec) &
		    (m->by_sec.n - 1)];
	return m->by_key.slots[key_hash(&want->key) & (m->by_key.n - 1)];
}

static uint32_t
next_row(const struct match *m, uint32_t i, enum by by)
{
	return by == BY_SIZE_AND_DATE ? m->v[i].next_sec : m->v[i].next_key;
}

/* The first candidate, believed as it is: 1 or 0. */
static int
find_first(const struct match *m, const struct want *want, enum by by,
    uint32_t *row)
{
	uint32_t i;

	for (i = first_row(m, want, by); i != 0; i = next_row(m, i - 1, by))
		if (is_candidate(&m->v[i - 1], want, by)) {
			*row = i - 1;
			return 1;
		}
	return 0;
}

/* The first candidate whose octets agree. */
static int
find_same(struct match *m, const struct want *want, enum by by,
    uint32_t *row, enum evidence *evidence, struct err *err)
{
	uint32_t i;
	int rc;

	for (i = first_row(m, want, by); i != 0; i = next_row(m, i - 1, by)) {
		if (!is_candidate(&m->v[i - 1], want, by))
			continue;
		if ((rc = compare_row(m, i - 1, want, evidence, err)) != 0) {
			*row = i - 1;
			return rc;
		}
	}
	return 0;
}

/* By key: 1, 0, -1. */
static int
find_by_key(struct match *m, const struct want *want, bool strict,
    uint32_t *row, enum evidence *evidence, struct err *err)
{
	const bool ambiguous = strict || is_ambiguous(m, want);
	int rc;

	*evidence = EVIDENCE_KEY;
	if (!ambiguous && find_first(m, want, BY_KEY_AND_SIZE, row) == 1)
		return 1;
	if (!m->rewrites || ambiguous) {
		if ((rc = find_same(m, want, BY_KEY_AND_SIZE, row, evidence,
		    err)) != 0)
			return rc;
		if ((rc = find_same(m, want, BY_KEY, row, evidence, err)) != 0)
			return rc;
	}
	*evidence = EVIDENCE_KEY;
	return m->rewrites ? find_first(m, want, BY_KEY, row) : 0;
}

int
match_find(struct match *m, const struct want *want, bool strict,
    uint32_t *row, enum evidence *evidence, struct err *err)
{
	uint32_t any;
	int rc;

	if (m->by_key.n == 0 && match_index(m, err) == -1)
		return -1;
	if (want->key.kind != KEY_NONE) {
		if (find_first(m, want, BY_KEY, &any) == 1)
			return find_by_key(m, want, strict, row, evidence,
			    err);
		return find_same(m, want, BY_SIZE_AND_DATE, row, evidence, err);
	}
	if ((rc = find_same(m, want, BY_SIZE_AND_DATE, row, evidence,
	    err)) != 0)
		return rc;
	return find_same(m, want, BY_NO_KEY, row, evidence, err);
}
