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
#include "ike/gather.h"
#include "ike/question.h"
#include "ike/roam.h"
#include "peer/room.h"
#include "wire/ip.h"

enum { CA_HASH_LEN = 20 }; /* SHA-1: RFC 7296 section 3.7 */

void ike_carve(struct ike *k, struct arena *a, const struct cv_limits *lim)
{
    const uint32_t n_gathers = lim->gathers != 0 ? lim->gathers : lim->handshakes;

    core_carve(&k->core, a, lim, sizeof(struct ike_sa));
    pool_carve(&k->hs, a, lim->handshakes, sizeof(struct ike_hs));
    pool_carve(&k->gathers, a, n_gathers, sizeof(struct gather));
    pool_carve(&k->roams, a, lim->roams != 0 ? lim->roams : lim->handshakes,
               sizeof(struct roam));
    chain_carve_few(&k->gathering, a, n_gathers, 1, k->core.seed);
}

const struct ike_sa *sa_by_number(const struct ike *k, uint32_t id)
{
    return sa_of_const(peer_by_number(&k->core, id));
}

struct ike_sa *sa_by_number_mut(struct ike *k, uint32_t id)
{
    return sa_of(peer_by_number_mut(&k->core, id));
}

struct ike_algs sa_algs(const struct ike *k, const struct ike_sa *sa)
{
    struct ike_algs algs = {0};

    /* All of it was found when the keys were made, and a backend's tables are const. */
    if (ike_algs_find(&algs, k->core.crypto, &sa->suite) != CV_OK)
        return (struct ike_algs){0};
    return algs;
}

const struct cv_prf *sa_prf(const struct ike *k, const struct ike_sa *sa)
{
    return crypto_prf(k->core.crypto, sa->suite.prf);
}

const struct sk_keys *sa_keys_out(const struct ike_sa *sa)
{
    return sa->peer.initiator ? &sa->keys.i : &sa->keys.r;
}

const struct sk_keys *sa_keys_in(const struct ike_sa *sa)
{
    return sa->peer.initiator ? &sa->keys.r : &sa->keys.i;
}

struct ike_sa *sa_new(struct ike *k, const struct cv_conn *conn, bool initiator)
{
    uint8_t spi[IKE_SPI_LEN];

    if (!peer_has_room(&k->core)) {
        limit_met(&k->core, CV_LIMIT_IKE_SAS);
        return NULL;
    }
    return peer_fresh_spi(&k->core, spi) ? sa_new_with(k, conn, initiator, spi) : NULL;
}

struct ike_sa *sa_new_with(struct ike *k, const struct cv_conn *conn, bool initiator,
                           const uint8_t spi[IKE_SPI_LEN])
{
    struct ike_sa *sa = sa_of(peer_new(&k->core, conn, initiator, spi));

    if (sa == NULL)
        return NULL;
    sa->req = sa->resp = sa->gather = sa->hs = sa->roam = POOL_NONE;
    sa->waits_ms = sa->made_ms = k->core.now_ms;
    sa->resend_ms = TIMER_NEVER;
    return sa;
}

struct ike_sa *sa_find(struct ike *k, const struct ike_hdr *h)
{
    return sa_of(peer_find(&k->core, h->spi_i, h->spi_r, h->flags & IKE_F_INITIATOR));
}

const struct ike_hs *sa_hs(const struct ike *k, const struct ike_sa *sa)
{
    return sa->hs == POOL_NONE ? NULL : pool_at(&k->hs, sa->hs);
}

struct ike_hs *sa_hs_mut(struct ike *k, const struct ike_sa *sa)
{
    return sa->hs == POOL_NONE ? NULL : pool_at(&k->hs, sa->hs);
}

enum cv_err sa_take_hs(struct ike *k, struct ike_sa *sa)
{
    struct ike_hs *hs;

    hs_give(k, &sa->hs);
    sa->hs = pool_take(&k->hs);
    hs = sa_hs_mut(k, sa);
    if (hs == NULL) {
        limit_met(&k->core, CV_LIMIT_HANDSHAKES);
        return CV_ERR_FULL;
    }
    hs->init_ours = hs->init_peer = hs->peer_auth = hs->told = POOL_NONE;
    return CV_OK;
}

void hs_give(struct ike *k, uint32_t *slot)
{
    struct ike_hs *hs = *slot == POOL_NONE ? NULL : pool_at(&k->hs, *slot);

    if (hs == NULL)
        return;
    question_drop(k, hs);
    if (hs->ke_key != NULL)
        hs->ke->free_key(hs->ke_key);
    msg_unref(&k->core.msgs, &hs->init_ours);
    msg_unref(&k->core.msgs, &hs->init_peer);
    msg_unref(&k->core.msgs, &hs->peer_auth);
    msg_unref(&k->core.msgs, &hs->told);
    pool_give(&k->hs, *slot);
    *slot = POOL_NONE;
}

void hs_note_certreqs(struct ike_hs *hs, const struct ike_msg *m)
{
    hs->wants_ocsp = hs->wants_ocsp || m->wants_ocsp;
    hs->takes_urls = hs->takes_urls || ike_find_notify(m, N_HTTP_CERT_LOOKUP_SUPPORTED) != NULL;
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

const struct ike_sa *sa_first_with_id(const struct ike *k, const struct cv_id *id)
{
    return sa_of_const(peer_first_with_id(&k->core, id));
}

struct ike_sa *sa_first_with_id_mut(struct ike *k, const struct cv_id *id)
{
    return sa_of(peer_first_with_id_mut(&k->core, id));
}

uint64_t retry_pause(const struct ike *k, enum cv_err refused, uint8_t *n)
{
    uint64_t pause = RETRY_REKEY_MS;

    if (refused == CV_ERR_TEMPORARY) {
        pause = (uint64_t)RETRY_MIN_MS << *n;
        if (*n < RETRY_DOUBLINGS)
            (*n)++;
    }
    return pause + core_random_below(&k->core, pause);
}

static void set_ends(struct ike *k, struct ike_sa *sa, const struct ike_path *path)
{
    sa->peer.local = path->local;
    sa->peer.remote = path->remote;
    sa->peer.carrier = path->carrier;
    peer_link_way(&k->core, &sa->peer);
}

void sa_set_path(struct ike *k, struct ike_sa *sa, const struct ike_path *path)
{
    struct ike_sa *older = sa_by_number_mut(k, sa->peer.predecessor);

    set_ends(k, sa, path);
    if (older != NULL && older->state == ST_REKEYED)
        set_ends(k, older, path);
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        if (child_at(&k->core, i)->installed)
            child_moved(&k->core, i, &sa->peer);
    }
    if (sa->state == ST_UP)
        event_put(&k->core, CV_EV_IKE_MOVED, &sa->peer, CV_OK);
}

static uint64_t at_least_jittered(const struct ike *k, uint64_t s, uint64_t rand_s)
{
    uint64_t jitter = rand_s < s ? rand_s : s / 2;

    return s == 0 ? TIMER_NEVER
                  : k->core.now_ms + s * 1000 - core_random_below(&k->core, jitter * 1000 + 1);
}

void sa_established(struct ike *k, struct ike_sa *sa)
{
    const struct cv_conn *conn = sa->peer.conn;
    uint64_t longest = conn->rekey_s > conn->reauth_s ? conn->rekey_s : conn->reauth_s;
    uint64_t reauth_hard;

    half_open_del(&k->core, &sa->peer);
    sa->peer.up_ms = sa->peer.last_in_ms = k->core.now_ms;
    if (sa->peer.proven_ms == 0)
        sa->peer.proven_ms = k->core.now_ms;
    sa->peer.rekey_ms = at_least_jittered(k, conn->rekey_s, conn->rand_s);
    sa->peer.reauth_ms = at_least_jittered(k, conn->reauth_s, conn->rand_s);
    if (longest != 0 && conn->over_s != 0)
        sa->peer.hard_ms = k->core.now_ms + (longest + conn->over_s) * 1000;
    /* what one has proven holds for its time, however often the SA is rekeyed meanwhile */
    reauth_hard = sa->peer.proven_ms + (conn->reauth_s + conn->over_s) * 1000;
    if (conn->reauth_s != 0 && conn->over_s != 0 && sa->peer.hard_ms > reauth_hard)
        sa->peer.hard_ms = reauth_hard;
    peer_link_id(&k->core, &sa->peer);
    if (!sa->peer.quiet) {
        k->core.stats.ike_established++;
        event_put(&k->core, CV_EV_IKE_UP, &sa->peer, CV_OK);
    }
    sa_touch(k, sa);
}

/* The successor that the peer made while we were rekeying sa ourselves, if it has inherited
 * nothing: nobody knows of it, so nobody else would end it. */
static void drop_rival(struct ike *k, const struct ike_sa *sa)
{
    const struct ike_hs *hs = sa_hs(k, sa);
    struct ike_sa *rival = hs == NULL ? NULL : sa_by_number_mut(k, hs->rival_sa);

    if (rival == NULL || !sa_is_secret(rival))
        return;
    rival->peer.hard_ms = k->core.now_ms;
    sa_touch(k, rival);
}

/* The SA that should have replaced another one has failed: the other goes on, and tries
 * again. */
static void retry_reauth(struct ike *k, const struct ike_sa *sa)
{
    struct ike_sa *old = sa_by_number_mut(k, sa->reauth_of);

    if (old == NULL || old->state != ST_UP)
        return;
    old->peer.reauth_ms = k->core.now_ms + RETRY_REKEY_MS;
    sa_touch(k, old);
}

void sa_close(struct ike *k, struct ike_sa *sa, enum cv_err reason, bool linger)
{
    if (sa->state == ST_DEAD || sa->state == ST_LINGER)
        return;
    while (sa->peer.children != POOL_NONE)
        child_close(&k->core, child_at_mut(&k->core, sa->peer.children), reason);
    peer_unlink(&k->core, &sa->peer);
    msg_unref(&k->core.msgs, &sa->req);
    gather_end(k, sa);
    roam_end(k, sa);
    question_end(k, sa);
    if (sa->doing == DO_REKEY_IKE) {
        k->core.sas_promised--;
        drop_rival(k, sa);
    }
    if (sa->state < ST_UP && reason != CV_ERR_DELETED_LOCALLY)
        retry_reauth(k, sa);
    sa->doing = DO_NOTHING;
    sa->want = 0;
    sa->peer.reason = reason;
    sa->state = linger && sa->resp != POOL_NONE ? ST_LINGER : ST_DEAD;
    sa->resend_ms = TIMER_NEVER;
    half_open_del(&k->core, &sa->peer);
    if (sa->state == ST_LINGER)
        room_offer(&k->core, &sa->peer, ROOM_LINGERING);
    else
        room_keep(&k->core, &sa->peer);
    timer_set(&k->core.wheel, &sa->peer.timer.node,
              sa->state == ST_LINGER ? k->core.now_ms + LINGER_MS : TIMER_NEVER);
    event_sa_ended(&k->core, &sa->peer);
}

/* Frees what has been announced; one that lingers comes back as ST_DEAD by its timer. */
static void reap_sa(struct ike *k, struct ike_sa *sa)
{
    hs_give(k, &sa->hs);
    if (sa->state == ST_LINGER)
        wipe(&sa->keys.d, sizeof(sa->keys.d));
    else
        sa_free(k, sa);
}

void sa_free(struct ike *k, struct ike_sa *sa)
{
    msg_unref(&k->core.msgs, &sa->resp);
    peer_free(&k->core, &sa->peer);
}

void ike_reap(struct ike *k)
{
    uint32_t i;

    while ((i = queue_take(&k->core.ended.told_children)) != QUEUE_NONE)
        child_reap(&k->core, child_at_mut(&k->core, i));
    while ((i = queue_take(&k->core.ended.told_sas)) != QUEUE_NONE) {
        sa_at_mut(k, i)->peer.is_ended = false;
        reap_sa(k, sa_at_mut(k, i));
    }
}

void ike_close_all(struct ike *k)
{
    for (uint32_t i = 0; i < k->hs.cap; i++) {
        uint32_t slot = i;

        if (pool_in_use(&k->hs, i))
            hs_give(k, &slot);
    }
    core_wipe(&k->core);
}
