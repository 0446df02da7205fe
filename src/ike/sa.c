/* IKE SA table: birth, lookup, end.  See sa.h.
 *
 * Invariant: an SA is found by its own SPI from sa_new until sa_close without linger or
 * until it is reaped; it is in at most one identity list and one dead list.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/sa.h"

#include <string.h>

#include "base/secret.h"
#include "ident/id.h"
#include "ike/exchange.h"
#include "ike/question.h"
#include "wire/ip.h"

enum { CA_HASH_LEN = 20 }; /* SHA-1: RFC 7296 section 3.7 */

static uint64_t spi_key(const uint8_t spi[IKE_SPI_LEN])
{
    struct rd r = rd_init(span(spi, IKE_SPI_LEN));

    return rd_u64(&r);
}

static void carve_pool(struct pool *p, struct arena *a, uint32_t n, size_t size)
{
    void *slots = arena_take_raw(a, n, size);
    uint32_t *next = arena_take(a, n, sizeof(*next));

    if (next != NULL)
        pool_init(p, slots, next, size, n);
}

static struct htab_slot *carve_htab(struct arena *a, uint32_t n)
{
    return arena_take(a, htab_slots(n), sizeof(struct htab_slot));
}

void ike_carve(struct ike *k, struct arena *a, const struct cv_limits *lim)
{
    struct htab_slot *by_spi, *half_open, *half_addr, *by_id, *questions;

    carve_pool(&k->core.sas, a, lim->ike_sas, sizeof(struct ike_sa));
    k->core.sa_gen = arena_take(a, lim->ike_sas, sizeof(uint32_t));
    carve_pool(&k->core.children, a, lim->child_sas, sizeof(struct child_sa));
    k->core.child_gen = arena_take(a, lim->child_sas, sizeof(uint32_t));
    carve_pool(&k->hs, a, lim->handshakes, sizeof(struct ike_hs));
    msgs_carve(&k->core.msgs, a, lim->messages, lim->message_size);
    effects_carve(&k->core.fx, a, lim->effects);
    k->core.conns = arena_take(a, lim->conns, sizeof(*k->core.conns));
    k->core.scratch_in = arena_take(a, 1, lim->message_size);
    k->core.scratch_out = arena_take(a, 1, lim->message_size);
    by_spi = carve_htab(a, lim->ike_sas);
    half_open = carve_htab(a, lim->handshakes);
    half_addr = carve_htab(a, lim->handshakes);
    by_id = carve_htab(a, lim->ike_sas);
    questions = carve_htab(a, lim->handshakes);
    if (questions == NULL)
        return;
    htab_init(&k->by_spi, by_spi, htab_slots(lim->ike_sas), k->core.seed);
    htab_init(&k->core.half_open, half_open, htab_slots(lim->handshakes), k->core.seed);
    htab_init(&k->core.half_addr, half_addr, htab_slots(lim->handshakes), k->core.seed);
    htab_init(&k->core.by_id, by_id, htab_slots(lim->ike_sas), k->core.seed);
    htab_init(&k->questions, questions, htab_slots(lim->handshakes), k->core.seed);
    k->core.dead_sas = k->core.dead_children = POOL_NONE;
    k->core.next_reqid = 1;
}

uint32_t pool_number(const struct pool *p, uint32_t *gen, uint32_t i)
{
    uint32_t turn = gen[i];

    gen[i] = turn < (UINT32_MAX - p->cap) / p->cap ? turn + 1 : 0;
    return turn * p->cap + i + 1;
}

bool ike_random(const struct ike *k, void *out, size_t n)
{
    return k->core.crypto->random(out, n);
}

uint64_t ike_random_below(const struct ike *k, uint64_t n)
{
    uint8_t b[8] = {0};
    struct rd r = rd_init(span(b, sizeof(b)));

    if (n == 0 || !ike_random(k, b, sizeof(b)))
        return 0;
    return rd_u64(&r) % n;
}

uint32_t sa_index(const struct ike *k, const struct ike_sa *sa)
{
    return (uint32_t)((size_t)((const uint8_t *)sa - k->core.sas.slots) /
                      k->core.sas.slot_size);
}

struct ike_sa *sa_by_number(const struct ike *k, uint32_t id)
{
    struct ike_sa *sa = id == 0 ? NULL : sa_at(k, (id - 1) % k->core.sas.cap);

    return sa != NULL && sa->peer.id == id ? sa : NULL;
}

const uint8_t *sa_own_spi(const struct ike_sa *sa)
{
    return sa->peer.initiator ? sa->spi_i : sa->spi_r;
}

const struct sk_keys *sa_keys_out(const struct ike_sa *sa)
{
    return sa->peer.initiator ? &sa->keys.i : &sa->keys.r;
}

const struct sk_keys *sa_keys_in(const struct ike_sa *sa)
{
    return sa->peer.initiator ? &sa->keys.r : &sa->keys.i;
}

/* An SPI that is not zero, not in use, and carries the worker's number on top. */
bool sa_fresh_spi(const struct ike *k, uint8_t spi[IKE_SPI_LEN])
{
    unsigned bits = k->core.set.worker_bits;

    for (int tries = 0; tries < 16; tries++) {
        if (!ike_random(k, spi, IKE_SPI_LEN))
            return false;
        if (bits > 0)
            spi[0] = (uint8_t)((k->core.set.worker << (8 - bits)) | (spi[0] & (0xff >> bits)));
        if (spi_key(spi) != 0 && htab_get(&k->by_spi, spi_key(spi)) == HTAB_NONE)
            return true;
    }
    return false;
}

struct ike_sa *sa_new(struct ike *k, const struct cv_conn *conn, bool initiator)
{
    uint8_t spi[IKE_SPI_LEN];

    return sa_has_room(k) && sa_fresh_spi(k, spi) ? sa_new_with(k, conn, initiator, spi) : NULL;
}

bool sa_has_room(const struct ike *k)
{
    return k->core.sas.used + k->sas_promised < k->core.sas.cap;
}

struct ike_sa *sa_new_with(struct ike *k, const struct cv_conn *conn, bool initiator,
                           const uint8_t spi[IKE_SPI_LEN])
{
    uint32_t i = pool_take(&k->core.sas);
    struct ike_sa *sa = i == POOL_NONE ? NULL : sa_at(k, i);

    if (sa == NULL)
        return NULL;
    if (!htab_put(&k->by_spi, spi_key(spi), i)) {
        pool_give(&k->core.sas, i);
        return NULL;
    }
    sa->peer.id = pool_number(&k->core.sas, k->core.sa_gen, i);
    sa->peer.initiator = sa->peer.first_initiator = initiator;
    sa->peer.conn = conn;
    memcpy(initiator ? sa->spi_i : sa->spi_r, spi, IKE_SPI_LEN);
    sa->req = sa->resp = sa->gather = sa->hs = POOL_NONE;
    sa->peer.children = sa->peer.same_id_next = sa->peer.same_id_prev = sa->peer.dead_next =
        POOL_NONE;
    sa->waits_ms = sa->peer.last_in_ms = sa->peer.last_out_ms = k->core.now_ms;
    sa->peer.rekey_ms = sa->peer.reauth_ms = sa->peer.hard_ms = sa->resend_ms = TIMER_NEVER;
    return sa;
}

struct ike_sa *sa_find(const struct ike *k, const struct ike_hdr *h)
{
    bool from_initiator = h->flags & IKE_F_INITIATOR;
    const uint8_t *own = from_initiator ? h->spi_r : h->spi_i;
    const uint8_t *peer = from_initiator ? h->spi_i : h->spi_r;
    uint32_t i = htab_get(&k->by_spi, spi_key(own));
    struct ike_sa *sa = i == HTAB_NONE ? NULL : sa_at(k, i);

    if (sa == NULL || sa->peer.initiator == from_initiator)
        return NULL;
    return memcmp(sa->peer.initiator ? sa->spi_r : sa->spi_i, peer, IKE_SPI_LEN) == 0 ? sa
                                                                                      : NULL;
}

struct ike_hs *sa_hs(const struct ike *k, const struct ike_sa *sa)
{
    return sa->hs == POOL_NONE ? NULL : pool_at(&k->hs, sa->hs);
}

enum cv_err sa_take_hs(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs;

    hs_give(k, &sa->hs);
    sa->hs = pool_take(&k->hs);
    hs = sa_hs(k, sa);
    if (hs == NULL)
        return CV_ERR_FULL;
    hs->init_ours = hs->init_peer = hs->peer_auth = hs->octets = POOL_NONE;
    hs->auth_data = hs->auth_certs = POOL_NONE;
    hs->frag_buf = POOL_NONE;
    return CV_OK;
}

void hs_give(struct ike *k, uint32_t *slot)
{
    struct ike_hs *hs = *slot == POOL_NONE ? NULL : pool_at(&k->hs, *slot);

    if (hs == NULL)
        return;
    question_end(k, hs);
    if (hs->ke_key != NULL)
        hs->ke->free_key(hs->ke_key);
    msg_unref(&k->core.msgs, &hs->init_ours);
    msg_unref(&k->core.msgs, &hs->init_peer);
    msg_unref(&k->core.msgs, &hs->peer_auth);
    msg_unref(&k->core.msgs, &hs->octets);
    msg_unref(&k->core.msgs, &hs->auth_data);
    msg_unref(&k->core.msgs, &hs->auth_certs);
    msg_unref(&k->core.msgs, &hs->frag_buf);
    pool_give(&k->hs, *slot);
    *slot = POOL_NONE;
}

void hs_note_certreqs(struct ike_hs *hs, const struct ike_msg *m)
{
    for (unsigned i = 0; i < m->n_certreq; i++) {
        struct cv_span s = m->certreq[i];
        size_t room = sizeof(hs->certreq) - hs->certreq_len;
        size_t n = s.n < room ? s.n : room;

        n -= n % CA_HASH_LEN;
        if (n > 0)
            memcpy(hs->certreq + hs->certreq_len, s.p, n);
        hs->certreq_len = (uint16_t)(hs->certreq_len + n);
    }
}

void sa_local_id(const struct ike_sa *sa, struct cv_id *out)
{
    const struct cv_addr *a = &sa->peer.local.addr;

    if (sa->peer.conn != NULL && sa->peer.conn->local.id.type != CV_ID_ANY) {
        *out = sa->peer.conn->local.id;
        return;
    }
    memset(out, 0, sizeof(*out));
    out->type = a->family == CV_IPV6 ? CV_ID_IPV6 : CV_ID_IPV4;
    out->n = (uint8_t)addr_len(a->family);
    memcpy(out->b, a->b, out->n);
}

static uint64_t half_open_key(const struct ike *k, const uint8_t spi_i[IKE_SPI_LEN],
                              const struct cv_addr *from)
{
    uint8_t b[IKE_SPI_LEN + 1 + 16];
    struct wr w = wr_init(b, sizeof(b));

    wr_copy(&w, spi_i, IKE_SPI_LEN);
    wr_u8(&w, from->family);
    wr_copy(&w, from->b, 16);
    return siphash24(k->core.seed, b, sizeof(b));
}

struct ike_sa *half_open_find(const struct ike *k, const uint8_t spi_i[IKE_SPI_LEN],
                              const struct cv_addr *from)
{
    uint32_t i = htab_get(&k->core.half_open, half_open_key(k, spi_i, from));

    return i == HTAB_NONE ? NULL : sa_at(k, i);
}

static uint64_t addr_key(const struct ike *k, const struct cv_addr *a)
{
    uint8_t b[17];

    b[0] = a->family;
    memcpy(b + 1, a->b, 16);
    return siphash24(k->core.seed, b, sizeof(b));
}

unsigned half_open_from(const struct ike *k, const struct cv_addr *from)
{
    uint32_t n = htab_get(&k->core.half_addr, addr_key(k, from));

    return n == HTAB_NONE ? 0 : n;
}

bool sa_set_half_open(struct ike *k, struct ike_sa *sa)
{
    uint64_t key = half_open_key(k, sa->spi_i, &sa->peer.remote.addr);
    uint64_t akey = addr_key(k, &sa->peer.remote.addr);
    unsigned n = half_open_from(k, &sa->peer.remote.addr);

    if (!htab_put(&k->core.half_open, key, sa_index(k, sa)))
        return false;
    htab_del(&k->core.half_addr, akey);
    if (!htab_put(&k->core.half_addr, akey, n + 1)) {
        htab_del(&k->core.half_open, key);
        return false;
    }
    k->core.n_half_open++;
    sa->peer.half_open = true;
    return true;
}

void sa_clear_half_open(struct ike *k, struct ike_sa *sa)
{
    uint64_t akey = addr_key(k, &sa->peer.remote.addr);
    unsigned n = half_open_from(k, &sa->peer.remote.addr);

    if (!sa->peer.half_open)
        return;
    htab_del(&k->core.half_open, half_open_key(k, sa->spi_i, &sa->peer.remote.addr));
    htab_del(&k->core.half_addr, akey);
    if (n > 1 && !htab_put(&k->core.half_addr, akey, n - 1))
        k->core.stats.errors[CV_ERR_BUG]++;
    k->core.n_half_open--;
    sa->peer.half_open = false;
    cookies_note_load(k);
}

bool sa_move_half_open(struct ike *k, struct ike_sa *sa, const struct cv_endpoint *to)
{
    if (!sa->peer.half_open || addr_equal(&sa->peer.remote.addr, &to->addr))
        return true;
    if (half_open_find(k, sa->spi_i, &to->addr) != NULL)
        return false;
    sa_clear_half_open(k, sa);
    sa->peer.remote = *to;
    return sa_set_half_open(k, sa);
}

static uint64_t id_key(const struct ike *k, const struct cv_id *id)
{
    uint8_t b[CV_ID_MAX + 1];

    b[0] = id->type;
    memcpy(b + 1, id->b, id->n);
    return siphash24(k->core.seed, b, (size_t)id->n + 1);
}

void sa_link_id(struct ike *k, struct ike_sa *sa)
{
    uint64_t key = id_key(k, &sa->peer.remote_id);
    uint32_t i = sa_index(k, sa), first = htab_get(&k->core.by_id, key);

    htab_del(&k->core.by_id, key);
    if (!htab_put(&k->core.by_id, key, i)) {
        k->core.stats.errors[CV_ERR_BUG]++;
        return;
    }
    sa->peer.same_id_prev = POOL_NONE;
    sa->peer.same_id_next = first == HTAB_NONE ? POOL_NONE : first;
    if (first != HTAB_NONE)
        sa_at(k, first)->peer.same_id_prev = i;
}

void sa_unlink_id(struct ike *k, struct ike_sa *sa)
{
    uint64_t key = id_key(k, &sa->peer.remote_id);
    uint32_t i = sa_index(k, sa);

    if (sa->peer.same_id_next != POOL_NONE)
        sa_at(k, sa->peer.same_id_next)->peer.same_id_prev = sa->peer.same_id_prev;
    if (sa->peer.same_id_prev != POOL_NONE)
        sa_at(k, sa->peer.same_id_prev)->peer.same_id_next = sa->peer.same_id_next;
    else if (htab_get(&k->core.by_id, key) == i) {
        htab_del(&k->core.by_id, key);
        if (sa->peer.same_id_next != POOL_NONE &&
            !htab_put(&k->core.by_id, key, sa->peer.same_id_next))
            k->core.stats.errors[CV_ERR_BUG]++;
    }
    sa->peer.same_id_next = sa->peer.same_id_prev = POOL_NONE;
}

struct ike_sa *sa_first_with_id(const struct ike *k, const struct cv_id *id)
{
    uint32_t i = htab_get(&k->core.by_id, id_key(k, id));

    return i == HTAB_NONE ? NULL : sa_at(k, i);
}

/* The successor that the peer made while we were rekeying sa ourselves, if it has inherited
 * nothing: nobody knows of it, so nobody else would end it. */
static void drop_rival(struct ike *k, const struct ike_sa *sa)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct ike_sa *rival = hs == NULL ? NULL : sa_by_number(k, hs->rival_sa);

    if (rival == NULL || !sa_is_secret(rival))
        return;
    rival->peer.hard_ms = k->core.now_ms;
    sa_arm(k, rival);
}

void sa_close(struct ike *k, struct ike_sa *sa, enum cv_err reason, bool linger)
{
    if (sa->state == ST_DEAD || sa->state == ST_LINGER)
        return;
    while (sa->peer.children != POOL_NONE)
        child_close(k, child_at(k, sa->peer.children), reason);
    sa_unlink_id(k, sa);
    msg_unref(&k->core.msgs, &sa->req);
    hs_give(k, &sa->gather);
    if (sa_hs(k, sa) != NULL)
        question_end(k, sa_hs(k, sa));
    if (sa->doing == DO_REKEY_IKE) {
        k->sas_promised--;
        drop_rival(k, sa);
    }
    sa->doing = DO_NOTHING;
    sa->want = 0;
    sa->peer.reason = reason;
    sa->state = linger && sa->resp != POOL_NONE ? ST_LINGER : ST_DEAD;
    sa->resend_ms = TIMER_NEVER;
    if (sa->state == ST_DEAD) /* one that lingers still takes its room */
        sa_clear_half_open(k, sa);
    timer_set(&k->core.wheel, &sa->peer.timer.node,
              sa->state == ST_LINGER ? k->core.now_ms + LINGER_MS : TIMER_NEVER);
    sa->peer.dead_next = k->core.dead_sas;
    sa->peer.is_listed = true;
    k->core.dead_sas = sa_index(k, sa);
}

void sa_reap(struct ike *k, struct ike_sa *sa)
{
    uint32_t i = sa_index(k, sa);

    hs_give(k, &sa->hs);
    if (sa->state == ST_LINGER) {
        wipe(&sa->keys.d, sizeof(sa->keys.d));
        return; /* its timer brings it back as ST_DEAD */
    }
    timer_cancel(&k->core.wheel, &sa->peer.timer.node);
    htab_del(&k->by_spi, spi_key(sa_own_spi(sa)));
    msg_unref(&k->core.msgs, &sa->resp);
    pool_give(&k->core.sas, i);
}

void ike_close_all(struct ike *k)
{
    for (uint32_t i = 0; i < k->hs.cap; i++) {
        uint32_t slot = i;

        if (pool_in_use(&k->hs, i))
            hs_give(k, &slot);
    }
    wipe(k->core.sas.slots, k->core.sas.slot_size * k->core.sas.cap);
    wipe(k->core.children.slots, k->core.children.slot_size * k->core.children.cap);
    wipe(k->core.msgs.pool.slots, k->core.msgs.pool.slot_size * k->core.msgs.pool.cap);
    wipe(&k->core.cookies, sizeof(k->core.cookies));
    wipe(k->core.scratch_in, k->core.set.limits.message_size);
    wipe(k->core.scratch_out, k->core.set.limits.message_size);
}
