/* IKE messages inside other connections' Child SAs: where the children of a connection are
 * nested, so is what negotiates them (RFC 4301 section 4.1, iterated tunnels).
 *
 * Invariant: no IKE message goes by a Child SA of its own connection, which it is there for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <culvert/ipsec.h>

#include "engine/engine.h"
#include "ipsec/wrap.h"

/* Pairs of one connection that fit one packet: old and new ones of some children. */
enum { OWN_PAIRS = 8 };

static bool has_nested(const struct cv_conn *conn)
{
    unsigned i = 0;

    while (i < conn->n_children && !conn->children[i]->nested)
        i++;
    return i < conn->n_children;
}

/* The pair for an IKE message of conn: not one of its own children, which it is there for. */
static uint32_t find_carrier(const struct ike *k, const struct cv_conn *conn,
                             const struct cv_packet *pkt)
{
    const struct cv_span packet = span(cv_packet_data(pkt), pkt->len);
    uint32_t own[OWN_PAIRS], pair;

    for (unsigned n = 0; n < OWN_PAIRS; own[n++] = pair) {
        const struct child_sa *c;

        pair = ipsec_find_other(k->core.ipsec, packet, own, n);
        c = pair == POOL_NONE ? NULL : child_at(&k->core, pair);
        if (c == NULL || c->conn != conn)
            return pair;
    }
    return POOL_NONE;
}

/* As the host's socket would send it. */
static enum cv_err put_message(struct cv_packet *pkt, const struct cv_effect *fx)
{
    const uint16_t port = fx->u.send.carrier == CV_UDP_500 ? 500 : 4500;

    pkt->carrier = fx->u.send.carrier;
    pkt->local = fx->u.send.local;
    pkt->remote = fx->u.send.remote;
    if (pkt->local.port == 0)
        pkt->local.port = port;
    pkt->tos = 0;
    pkt->df = false;
    pkt->len = fx->u.send.data.n;
    if (pkt->len > pkt->cap - pkt->off)
        return CV_ERR_NO_ROOM;
    memcpy(cv_packet_data(pkt), fx->u.send.data.p, pkt->len);
    return cv_outer_put(pkt);
}

/* fx's octets stay valid for a host that sends it as always: no engine_enter. */
bool cv_send_nested(struct cv_engine *e, const struct cv_effect *fx, struct cv_packet *pkt,
                    uint64_t now_ms)
{
    struct ike *k = &e->ike;
    struct ipsec_way way;
    uint32_t pair;

    if (!IPSEC_NESTED || k->core.ipsec == NULL || fx->conn == NULL || !has_nested(fx->conn) ||
        put_message(pkt, fx) != CV_OK)
        return false;
    pair = find_carrier(k, fx->conn, pkt);
    if (pair == POOL_NONE)
        return false;
    ipsec_out_by(k->core.ipsec, pkt, now_ms, pair, &way);
    engine_count(k, pkt);
    engine_act_on(k, &way, pkt);
    return true;
}
