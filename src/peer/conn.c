/* Which configured connection a peer belongs to: by addresses for IKE_SA_INIT, by
 * identities and method for IKE_AUTH (the Peer Authorization Database of RFC 4301
 * section 4.4.3).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/span.h"
#include "ident/id.h"
#include "ident/selector.h"
#include "peer/conn.h"
#include "wire/ip.h"

enum { FIT_ANY = 1, FIT_RANGE = 2, FIT_EXACT = 3 };

static int ranges_fit(const struct cv_addr_range *r, unsigned n, const struct cv_addr *a)
{
    int best = n == 0 ? FIT_ANY : 0;

    for (unsigned i = 0; i < n; i++) {
        int fit = r[i].family == CV_ANY_FAMILY ? FIT_ANY : FIT_RANGE;

        if (!range_has(&r[i], a))
            continue;
        if (fit == FIT_RANGE && memcmp(r[i].lo, r[i].hi, sizeof(r[i].lo)) == 0)
            fit = FIT_EXACT;
        if (fit > best)
            best = fit;
    }
    return best;
}

int conn_fits(const struct cv_conn *conn, const struct cv_addr *local,
              const struct cv_addr *remote)
{
    int l = ranges_fit(conn->local_addrs, conn->n_local_addrs, local);
    int r = ranges_fit(conn->remote_addrs, conn->n_remote_addrs, remote);

    return l == 0 || r == 0 ? 0 : r * 4 + l;
}

/* ---- the table ---- */

/* Removed ones that are still used have room as well, as many again. */
void conns_carve(struct conns *c, struct arena *a, uint32_t n, const uint64_t seed[2])
{
    const uint32_t n_entries = n < POOL_NONE / 4 ? 2 * n : n;

    pool_carve(&c->entries, a, n_entries, sizeof(struct conn_entry));
    htab_carve(&c->by_conn, a, n_entries, seed);
    for (unsigned by = 0; by < CONN_BY_COUNT; by++)
        chain_carve(&c->exact[by], a, n_entries, seed);
    chain_carve(&c->alike, a, n_entries, seed);
    if (c->by_conn.slots == NULL)
        return;
    for (unsigned by = 0; by < CONN_BY_COUNT; by++)
        c->wide[by].first = c->wide[by].last = POOL_NONE;
}

static struct conn_entry *conn_at(const struct core *core, uint32_t i)
{
    return pool_at(&core->conns.entries, i);
}

static uint64_t conn_key(const struct cv_conn *conn)
{
    return (uintptr_t)conn;
}

static struct conn_entry *conn_find(const struct core *core, const struct cv_conn *conn)
{
    uint32_t i = htab_get(&core->conns.by_conn, conn_key(conn));

    return i == HTAB_NONE ? NULL : conn_at(core, i);
}

/* The entry of conn, a new one if need be; NULL when full. */
static struct conn_entry *conn_entry_for(struct core *core, const struct cv_conn *conn)
{
    struct conns *c = &core->conns;
    struct conn_entry *e = conn_find(core, conn);
    uint32_t i = e != NULL ? POOL_NONE : pool_take(&c->entries);

    if (i == POOL_NONE)
        return e;
    if (!htab_put(&c->by_conn, conn_key(conn), i)) {
        pool_give(&c->entries, i);
        return NULL;
    }
    e = conn_at(core, i);
    e->conn = conn;
    return e;
}

static void conn_give(struct core *core, struct conn_entry *e)
{
    if (e->configured || e->users > 0)
        return;
    htab_del(&core->conns.by_conn, conn_key(e->conn));
    pool_give(&core->conns.entries, pool_index(&core->conns.entries, e));
}

bool conn_use(struct core *core, const struct cv_conn *conn)
{
    struct conn_entry *e = conn == NULL ? NULL : conn_entry_for(core, conn);

    if (e != NULL)
        e->users++;
    return conn == NULL || e != NULL;
}

void conn_drop(struct core *core, const struct cv_conn *conn)
{
    struct conn_entry *e = conn == NULL ? NULL : conn_find(core, conn);

    if (e == NULL || e->users == 0)
        return;
    e->users--;
    conn_give(core, e);
}

uint32_t conn_users(const struct core *core, const struct cv_conn *conn)
{
    const struct conn_entry *e = conn_find(core, conn);

    return e == NULL ? 0 : e->users;
}

/* ---- what finds them ---- */

static uint64_t conn_id_key(const struct core *core, const struct cv_id *id)
{
    uint8_t b[CV_ID_MAX + 1];
    struct cv_id one;

    id_canonical(&one, id);
    b[0] = one.type;
    memcpy(&b[1], one.b, one.n);
    return siphash24(core->seed, b, (size_t)one.n + 1);
}

static uint64_t hash_ranges(const struct core *core, uint64_t key,
                            const struct cv_addr_range *r, unsigned n)
{
    uint8_t b[8 + 2 + 2 * sizeof(r->lo)];

    for (unsigned i = 0; i < n; i++) {
        struct wr w = wr_init(b, sizeof(b));

        wr_u64(&w, key);
        wr_u16(&w, r[i].family);
        wr_copy(&w, r[i].lo, sizeof(r[i].lo));
        wr_copy(&w, r[i].hi, sizeof(r[i].hi));
        key = siphash24(core->seed, b, w.n);
    }
    return key;
}

static uint64_t hash_proposal(const struct core *core, uint64_t key,
                              const struct cv_proposal *p)
{
    uint8_t b[8 + 2 + 5 * CV_TRANSFORMS_MAX];
    struct wr w = wr_init(b, sizeof(b));

    wr_u64(&w, key);
    wr_u8(&w, p->protocol);
    wr_u8(&w, p->n);
    for (unsigned i = 0; i < p->n; i++) {
        wr_u8(&w, p->t[i].type);
        wr_u16(&w, p->t[i].id);
        wr_u16(&w, p->t[i].key_len);
    }
    return siphash24(core->seed, b, w.n);
}

static void conn_note_keys(const struct core *core, struct conn_entry *e)
{
    const struct cv_conn *c = e->conn;

    e->offer = 0;
    for (unsigned i = 0; i < c->n_proposals; i++)
        e->offer = hash_proposal(core, e->offer, &c->proposals[i]);
    e->alike = hash_ranges(core, e->offer, c->local_addrs, c->n_local_addrs);
    /* where one list ends and the other begins */
    e->alike = hash_ranges(core, e->alike + 1, c->remote_addrs, c->n_remote_addrs);
}

static bool bit_of(const uint8_t *b, unsigned i)
{
    return b[i / 8] >> (7 - i % 8) & 1;
}

/* Is the range a network, so that its addresses are all that begin with *bits bits? */
static bool is_network(const struct cv_addr_range *r, unsigned *bits)
{
    const unsigned most = (unsigned)addr_len(r->family) * 8;
    unsigned n = 0, i;

    while (n < most && bit_of(r->lo, n) == bit_of(r->hi, n))
        n++;
    for (i = n; i < most && !bit_of(r->lo, i) && bit_of(r->hi, i); i++)
        ;
    *bits = n;
    return most > 0 && i == most;
}

/* The one network of remote addresses, or the one remote identity, that conn is for; false: for
 * more.  bits: of the network, which may be a single address. */
static bool conn_exact_key(const struct core *core, const struct cv_conn *conn, enum conn_by by,
                           uint64_t *key, unsigned *bits)
{
    const struct cv_addr_range *r = conn->remote_addrs;

    *bits = 0;
    if (by == CONN_BY_ID) {
        *key = conn_id_key(core, &conn->remote.id);
        return !id_has_wildcard(&conn->remote.id);
    }
    if (conn->n_remote_addrs != 1 || !is_network(r, bits))
        return false;
    *key = selector_hash(core->seed, r->family, *bits, r->lo);
    return true;
}

static void conn_link(struct core *core, struct conn_entry *e, enum conn_by by)
{
    struct conns *c = &core->conns;
    uint32_t i = pool_index(&c->entries, e);
    unsigned bits;
    uint64_t key;

    e->is_wide[by] = !conn_exact_key(core, e->conn, by, &key, &bits);
    if (!e->is_wide[by]) {
        chain_put(&c->exact[by], i, key);
        if (by == CONN_BY_ADDRESS)
            lengths_add(&c->networks[e->conn->remote_addrs->family == CV_IPV6], bits);
        return;
    }
    e->next[by] = POOL_NONE;
    e->prev[by] = c->wide[by].last;
    if (e->prev[by] != POOL_NONE)
        conn_at(core, e->prev[by])->next[by] = i;
    else
        c->wide[by].first = i;
    c->wide[by].last = i;
}

static void conn_unlink(struct core *core, struct conn_entry *e, enum conn_by by)
{
    struct conns *c = &core->conns;

    if (!e->is_wide[by]) {
        chain_del(&c->exact[by], pool_index(&c->entries, e));
        return;
    }
    if (e->next[by] != POOL_NONE)
        conn_at(core, e->next[by])->prev[by] = e->prev[by];
    else
        c->wide[by].last = e->prev[by];
    if (e->prev[by] != POOL_NONE)
        conn_at(core, e->prev[by])->next[by] = e->next[by];
    else
        c->wide[by].first = e->next[by];
}

/* Of connections that are alike to a first message, it can only be for the oldest. */
static struct conn_entry *conn_oldest_alike(const struct core *core, uint64_t alike)
{
    uint32_t i = chain_last(&core->conns.alike, alike);

    return i == CHAIN_NONE ? NULL : conn_at(core, i);
}

enum cv_err conn_add(struct core *core, const struct cv_conn *conn)
{
    struct conns *c = &core->conns;
    struct conn_entry *e = c->n < core->set.limits.conns ? conn_entry_for(core, conn) : NULL;

    if (e == NULL)
        return CV_ERR_FULL;
    if (e->configured)
        return CV_OK;
    e->configured = true;
    e->order = c->added++;
    c->n++;
    conn_note_keys(core, e);
    chain_put(&c->alike, pool_index(&c->entries, e), e->alike);
    if (conn_oldest_alike(core, e->alike) == e)
        conn_link(core, e, CONN_BY_ADDRESS);
    conn_link(core, e, CONN_BY_ID);
    return CV_OK;
}

void conn_remove(struct core *core, const struct cv_conn *conn)
{
    struct conn_entry *e = conn_find(core, conn), *heir;

    if (e == NULL || !e->configured)
        return;
    if (conn_oldest_alike(core, e->alike) == e) {
        conn_unlink(core, e, CONN_BY_ADDRESS);
        chain_del(&core->conns.alike, pool_index(&core->conns.entries, e));
        heir = conn_oldest_alike(core, e->alike);
        if (heir != NULL)
            conn_link(core, heir, CONN_BY_ADDRESS);
    }
    chain_del(&core->conns.alike, pool_index(&core->conns.entries, e));
    conn_unlink(core, e, CONN_BY_ID);
    e->configured = false;
    core->conns.n--;
    conn_give(core, e);
}

/* ---- choosing ---- */

/* The candidates for an address or an identity: first those for more than one, then its own; of
 * an address those for each network that it is in, by the lengths that there are. */
struct conn_walk {
    enum conn_by by;
    const struct cv_addr *addr; /* or */
    const struct cv_id *id;
    unsigned bits; /* of the networks that are next */
    uint32_t at;   /* POOL_NONE: at the beginning */
    bool is_exact;
};

static bool conn_next_key(const struct core *core, struct conn_walk *w, uint64_t *key)
{
    if (w->by == CONN_BY_ID) {
        if (w->is_exact)
            return false;
        *key = conn_id_key(core, w->id);
        return true;
    }
    if (!lengths_shorter(&core->conns.networks[w->addr->family == CV_IPV6], &w->bits))
        return false;
    *key = selector_hash(core->seed, w->addr->family, w->bits, w->addr->b);
    return true;
}

static const struct conn_entry *conn_walk(const struct core *core, struct conn_walk *w)
{
    const struct conns *c = &core->conns;
    uint64_t key;

    if (w->is_exact)
        w->at = chain_next(&c->exact[w->by], w->at);
    else
        w->at = w->at == POOL_NONE ? c->wide[w->by].first : conn_at(core, w->at)->next[w->by];
    while (w->at == POOL_NONE && conn_next_key(core, w, &key)) {
        w->is_exact = true;
        w->at = chain_first(&c->exact[w->by], key);
    }
    return w->at == POOL_NONE ? NULL : conn_at(core, w->at);
}

/* Of two that fit alike the one added first. */
static bool conn_is_better(const struct conn_entry *e, int fit, const struct conn_entry *best,
                           int best_fit)
{
    return best == NULL || fit > best_fit || (fit == best_fit && e->order < best->order);
}

/* What the sets of proposals said to one message.  Each is asked once. */
struct offers_asked {
    const struct offered *theirs;
    uint16_t ke_group;
    unsigned n;
    struct {
        uint64_t offer;
        enum cv_err err;
    } was[CONN_OFFERS_MAX];
};

static enum cv_err offers_ask(struct offers_asked *a, const struct conn_entry *e)
{
    struct proposal_choice choice;
    unsigned i = 0;

    while (i < a->n && a->was[i].offer != e->offer)
        i++;
    if (i == CONN_OFFERS_MAX)
        return CV_ERR_NO_PROPOSAL;
    if (i == a->n) {
        a->n++;
        a->was[i].offer = e->offer;
        a->was[i].err = proposal_choose(&choice, a->theirs, e->conn->proposals,
                                        e->conn->n_proposals, true, a->ke_group);
    }
    return a->was[i].err;
}

static const struct conn_entry *conn_best(const struct core *core, const struct cv_addr *local,
                                          const struct cv_addr *remote,
                                          struct offers_asked *asked, enum cv_err *err)
{
    struct conn_walk walk = {
        .by = CONN_BY_ADDRESS, .addr = remote, .bits = LENGTHS_MAX + 1, .at = POOL_NONE};
    const struct conn_entry *e, *found = NULL;
    int best = 0;

    *err = CV_ERR_NO_CONN;
    while ((e = conn_walk(core, &walk)) != NULL) {
        const int fit = conn_fits(e->conn, local, remote);

        if (fit == 0 || !conn_is_better(e, fit, found, best))
            continue;
        *err = offers_ask(asked, e);
        if (*err != CV_OK)
            continue;
        best = fit;
        found = e;
    }
    return found;
}

enum cv_err conn_for_init(const struct core *core, const struct cv_addr *local,
                          const struct cv_addr *remote, struct cv_span sa_body,
                          uint16_t ke_group, const struct cv_conn **conn,
                          struct proposal_choice *choice)
{
    struct offered theirs;
    struct offers_asked asked = {.theirs = &theirs, .ke_group = ke_group};
    const struct conn_entry *found;
    enum cv_err err;

    proposal_read(&theirs, core->crypto, sa_body);
    found = conn_best(core, local, remote, &asked, &err);
    if (found == NULL)
        return err;
    *conn = found->conn;
    return proposal_choose(choice, &theirs, found->conn->proposals, found->conn->n_proposals,
                           true, ke_group);
}

/* Could conn have agreed to the suite that IKE_SA_INIT chose? */
static bool suite_allowed(const struct cv_conn *conn, const struct cv_suite *suite)
{
    struct cv_proposal have;

    proposal_from_suite(&have, CV_PROTO_IKE, suite, true);
    for (unsigned i = 0; i < conn->n_proposals; i++) {
        unsigned ok = 0;

        for (unsigned t = 0; t < have.n; t++) {
            for (unsigned o = 0; o < conn->proposals[i].n; o++) {
                const struct cv_transform *a = &have.t[t], *b = &conn->proposals[i].t[o];

                if (a->type == b->type && a->id == b->id && a->key_len == b->key_len) {
                    ok++;
                    break;
                }
            }
        }
        if (ok == have.n)
            return true;
    }
    return false;
}

static bool method_allowed(const struct cv_conn *conn, uint8_t method)
{
    if (conn->remote.kind == CV_AUTH_ANY)
        return true;
    return (method == CV_METHOD_PSK) == (conn->remote.kind == CV_AUTH_PSK);
}

/* 0: q is not of c's peer; else how well it fits.  Identities count most. */
static int conn_fits_query(const struct cv_conn *c, const struct conn_query *q)
{
    const int fit = conn_fits(c, q->local, q->remote);
    const enum id_match theirs = id_matches(&c->remote.id, q->theirs);
    enum id_match ours = ID_MATCH_ANY;

    if (q->ours != NULL && c->local.id.type != CV_ID_ANY)
        ours = id_matches(&c->local.id, q->ours);
    if (fit == 0 || theirs == ID_NO || ours == ID_NO || !suite_allowed(c, q->suite))
        return 0;
    return fit + (int)theirs * 64 + (int)ours * 16;
}

enum cv_err conn_for_auth(const struct core *core, const struct conn_query *q,
                          const struct cv_conn **conn)
{
    struct conn_walk walk = {.by = CONN_BY_ID, .id = q->theirs, .at = POOL_NONE};
    const struct conn_entry *e, *found = NULL;
    enum cv_err result = CV_ERR_NO_CONN;
    int best = 0;

    while ((e = conn_walk(core, &walk)) != NULL) {
        const int fit = conn_fits_query(e->conn, q);

        if (fit == 0 || !conn_is_better(e, fit, found, best))
            continue;
        if (!method_allowed(e->conn, q->method)) {
            result = CV_ERR_AUTH_METHOD;
            continue;
        }
        best = fit;
        found = e;
        *conn = e->conn;
    }
    return found != NULL ? CV_OK : result;
}
