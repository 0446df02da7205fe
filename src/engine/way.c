/* The way of a packet through the engine: IKE or ESP, in, out or in the clear, and what the
 * data plane noticed on the way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/engine.h"

enum { MARKER_LEN = 4, EFFECTS_PER_PACKET = 12 };

/* Is there room for what one more message leads to?  A host may answer each waiting question
 * as it takes it; those answers lead to effects of their own, and none may be lost. */
static bool has_room(const struct ike *k)
{
    return effects_room(&k->core.fx) >=
           EFFECTS_PER_PACKET + EFFECTS_PER_ANSWER * k->core.fx.n_questions;
}

/* Tampering or replay, as often as the data plane says so (1st, 2nd, 4th, 8th ...). */
static void alarm_event(struct ike *k, struct ike_sa *sa, const struct child_sa *c,
                        const struct cv_packet *pkt)
{
    const struct cv_pair_counters *n = pair_counters(&k->core, child_index(&k->core, c));
    const uint64_t count = n->drops[ipsec_drop_kind(pkt->err)];
    struct cv_effect *fx = event_put(&k->core, CV_EV_ALARM, &sa->peer, pkt->err);

    alert_want(k, sa, c, pkt->err, count);
    if (fx == NULL)
        return;
    fx->u.event.child = c->id;
    fx->u.event.child_cfg = c->cfg;
    fx->u.event.value = (uint32_t)count;
    fx->u.event.remote = pkt->remote;
}

/* What the plane has noticed about a Child SA, but for alarms; remote: where its peer is now.
 */
static void act_on_child(struct ike *k, struct ike_sa *sa, struct child_sa *c, unsigned notices,
                         const struct cv_endpoint *remote)
{
    if ((notices & CV_NOTICE_FIRST_IN) && c->out_waits && !c->redundant) {
        c->out_waits = false; /* the peer has shown that it uses the new SA */
        child_use_out(&k->core, c);
    }
    if (notices & CV_NOTICE_SOFT_LIMIT)
        c->want_rekey = true;
    if (notices & CV_NOTICE_HARD_LIMIT) {
        c->want_delete = true;
        if (c->reason == CV_OK)
            c->reason = CV_ERR_LIFETIME;
    }
    if (notices & CV_NOTICE_MOVED) {
        struct ike_path path = {sa->peer.local, *remote, sa->peer.carrier};

        sa_set_path(k, sa, &path);
    }
    if (notices & (CV_NOTICE_SOFT_LIMIT | CV_NOTICE_HARD_LIMIT))
        sa_touch(k, sa);
}

/* The same of our own plane, for which pkt says more. */
static void act_on(struct ike *k, uint32_t pair, unsigned notices, const struct cv_packet *pkt)
{
    const struct cv_endpoint remote = ipsec_remote(k->core.ipsec, pair);
    struct child_sa *c = child_at_mut(&k->core, pair);
    struct ike_sa *sa = c == NULL ? NULL : sa_at_mut(k, c->ike);

    if (sa == NULL)
        return;
    if (notices & CV_NOTICE_ALARM)
        alarm_event(k, sa, c, pkt);
    act_on_child(k, sa, c, notices, &remote);
    ike_run_touched(k);
}

enum cv_err cv_plane_noticed(struct cv_engine *e, uint32_t child, unsigned notices,
                             const struct cv_endpoint *remote, uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct child_sa *c;

    engine_enter(e, now_ms);
    c = child_by_number_mut(&k->core, child);
    if (c == NULL || !c->installed || c->state == CV_CHILD_DEAD)
        return CV_ERR_NOT_FOUND;
    if ((notices & CV_NOTICE_MOVED) && remote == NULL)
        return CV_ERR_ARGUMENT;
    act_on_child(k, sa_at_mut(k, c->ike), c, notices, remote);
    ike_run_touched(k);
    return CV_OK;
}

void engine_act_on(struct ike *k, const struct ipsec_way *way, const struct cv_packet *pkt)
{
    for (unsigned i = 0; i < way->n; i++)
        if (way->notices[i] != 0)
            act_on(k, way->pair[i], way->notices[i], pkt);
}

static void take_esp(struct ike *k, struct cv_packet *pkt)
{
    struct ipsec_way way;

    if (k->core.ipsec == NULL) {
        pkt->err = CV_ERR_UNSUPPORTED;
        return;
    }
    ipsec_in(k->core.ipsec, pkt, k->core.now_ms, &way);
    if (pkt->verdict == CV_DELIVER) {
        k->core.stats.packets_in++;
        k->core.stats.bytes_in += pkt->len;
    }
    engine_act_on(k, &way, pkt);
}

static void take_ike(struct ike *k, struct cv_packet *pkt)
{
    struct ike_path path = {pkt->local, pkt->remote, pkt->carrier};

    pkt->verdict = CV_TAKEN;
    if (!has_room(k)) {
        pkt->verdict = CV_DROP;
        pkt->err = CV_ERR_BUSY;
        return;
    }
    limit_serve(&k->core, &pkt->remote, 0);
    pkt->err = ike_input(k, cv_packet_data(pkt), pkt->len, &path);
    ike_run_touched(k);
}

/* RFC 3948 section 2: one 0xff octet is a keepalive, four zero octets mark IKE, anything
 * else is ESP. */
static void take_udp_encap(struct ike *k, struct cv_packet *pkt)
{
    static const uint8_t marker[MARKER_LEN];
    const uint8_t *p = cv_packet_data(pkt);

    if (pkt->len == 1 && p[0] == 0xff) {
        pkt->verdict = CV_TAKEN;
        pkt->err = CV_ERR_KEEPALIVE;
        return;
    }
    if (pkt->len < MARKER_LEN) {
        pkt->err = CV_ERR_SHORT;
        return;
    }
    if (memcmp(p, marker, MARKER_LEN) != 0) {
        take_esp(k, pkt);
        return;
    }
    pkt->off += MARKER_LEN;
    pkt->len -= MARKER_LEN;
    take_ike(k, pkt);
}

void engine_count(struct ike *k, const struct cv_packet *pkt)
{
    if (pkt->err != CV_OK && pkt->err < CV_ERR_COUNT)
        k->core.stats.errors[pkt->err]++;
}

static void input_one(struct ike *k, struct cv_packet *pkt)
{
    pkt->verdict = CV_DROP;
    pkt->err = CV_OK;
    pkt->child = 0;
    if (pkt->off > pkt->cap || pkt->len > pkt->cap - pkt->off)
        pkt->err = CV_ERR_ARGUMENT;
    else if (pkt->carrier == CV_UDP_500)
        take_ike(k, pkt);
    else if (pkt->carrier == CV_UDP_4500)
        take_udp_encap(k, pkt);
    else if (pkt->carrier == CV_RAW_ESP || pkt->carrier == CV_RAW_AH)
        take_esp(k, pkt);
    else
        pkt->err = CV_ERR_UNSUPPORTED;
    engine_count(k, pkt);
}

void cv_input(struct cv_engine *e, struct cv_packet *pkts, size_t n, uint64_t now_ms)
{
    engine_enter(e, now_ms);
    for (size_t i = 0; i < n; i++) {
        if (IPSEC_AHEAD && i % IPSEC_AHEAD_MAX == 0 && n - i > 1 && e->ike.core.ipsec != NULL)
            ipsec_ahead_in(e->ike.core.ipsec, &pkts[i], n - i);
        input_one(&e->ike, &pkts[i]);
    }
}

/* With a plane of the host's, packets have nothing to do here. */
static bool refuse_all(struct ike *k, struct cv_packet *pkts, size_t n)
{
    if (k->core.ipsec != NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        pkts[i].verdict = CV_DROP;
        pkts[i].err = CV_ERR_UNSUPPORTED;
        pkts[i].child = 0;
        engine_count(k, &pkts[i]);
    }
    return true;
}

void cv_output(struct cv_engine *e, struct cv_packet *pkts, size_t n, uint64_t now_ms)
{
    struct ike *k = &e->ike;

    engine_enter(e, now_ms);
    if (refuse_all(k, pkts, n))
        return;
    for (size_t i = 0; i < n; i++) {
        struct cv_packet *pkt = &pkts[i];
        size_t inner = pkt->len;
        struct ipsec_way way;

        if (IPSEC_AHEAD && i % IPSEC_AHEAD_MAX == 0 && n - i > 1)
            ipsec_ahead_out(k->core.ipsec, pkt, n - i);
        ipsec_out(k->core.ipsec, pkt, k->core.now_ms, &way);
        if (pkt->verdict == CV_TRANSMIT) {
            k->core.stats.packets_out++;
            k->core.stats.bytes_out += inner;
        }
        engine_count(k, pkt);
        engine_act_on(k, &way, pkt);
    }
}

void cv_clear(struct cv_engine *e, struct cv_packet *pkts, size_t n, uint64_t now_ms)
{
    struct ike *k = &e->ike;

    engine_enter(e, now_ms);
    if (refuse_all(k, pkts, n))
        return;
    for (size_t i = 0; i < n; i++) {
        unsigned notices;
        uint32_t pair;

        ipsec_clear(k->core.ipsec, &pkts[i], k->core.now_ms, &pair, &notices);
        engine_count(k, &pkts[i]);
        if (pair != POOL_NONE && notices != 0)
            act_on(k, pair, notices, &pkts[i]);
    }
}
