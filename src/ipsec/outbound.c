/* Packets out: policy, SA, limits, seal (RFC 4301 section 5.1); and where an SA is nested, all
 * of it but the policy again (appendix E).
 *
 * Invariant: what a nested pair seals never leaves as it is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/ipsec.h>

#include "ipsec/plane.h"

/* Ask for a rekey while this many sequence numbers are left. */
static const uint64_t SEQ_MARGIN = UINT64_C(1) << 20;

/* RFC 9333 section 4.  Each millisecond spends a number: 2^32 last 49 days, and a receiver of
 * extended ones follows a gap of up to 2^31, 24 days (RFC 4303 appendix A2.2). */
static void follow_clock(struct ipsec_pair *pair, uint64_t now_ms)
{
    const uint32_t s = (uint32_t)(now_ms / 1000 & UINT32_MAX) - pair->since_s;

    esp_raise_seq(&pair->out, (uint64_t)s * 1000 + now_ms % 1000);
}

/* flow is the packet's own. */
static enum cv_err seal_packet(struct ipsec *p, uint32_t i, struct cv_packet *pkt,
                               const struct ip_flow *flow, uint64_t now_ms, unsigned *notices)
{
    struct ipsec_pair *pair = &p->pairs[i];
    enum cv_err err = CV_OK;

    if (lifetime_over(&pair->life))
        return CV_ERR_EXPIRED;
    path_age(&pair->path, now_ms);
    if (pair->clock_seq)
        follow_clock(pair, now_ms);
    if (pair->out.key == NULL)
        err = hot_warm(&p->hot, &pair->out, &p->raw[i], p->raw[i].out);
    if (err == CV_OK)
        err = wrap_seal(&pair->path, &pair->out, pkt, flow);
    if (err == CV_ERR_SEQ_EXHAUSTED)
        *notices |= lifetime_say(&pair->life, CV_NOTICE_HARD_LIMIT);
    if (err != CV_OK)
        return err;
    hot_note(&p->hot, &pair->out);
    pair->count.packets_out++;
    pair->count.bytes_out += flow->total_len;
    pair->count.last_out_ms = now_ms;
    *notices |= lifetime_note(&pair->life, pair->count.bytes_out, pair->count.packets_out);
    if (esp_seq_left(&pair->out) < SEQ_MARGIN)
        *notices |= lifetime_say(&pair->life, CV_NOTICE_SOFT_LIMIT);
    return CV_OK;
}

/* What becomes of a packet that no SA takes. */
static enum cv_err without_sa(const struct ipsec *p, const struct cv_policy *policy,
                              struct cv_packet *pkt)
{
    if (policy == NULL)
        return policies_any(&p->policies) ? CV_ERR_NO_POLICY : CV_ERR_NO_TUNNEL;
    if (policy->action == CV_POLICY_DISCARD)
        return CV_ERR_DISCARD;
    if (policy->action == CV_POLICY_PROTECT)
        return CV_ERR_NO_TUNNEL;
    pkt->verdict = CV_BYPASS;
    return CV_OK;
}

/* Is flow's packet one to cut before it is sealed (RFC 4301 section 7, RFC 4303 section 3.3.4)?
 * Not where policy looks at ports: its later fragments would find another way than pair i. */
static bool must_split(const struct ipsec *p, uint32_t i, const struct ip_flow *flow)
{
    struct ip_flow later;

    if (!path_splits(&p->pairs[i].path, &p->pairs[i].out, flow))
        return false;
    later = *flow;
    later.ports_known = false;
    return !ipsec_is_shunt(ipsec_policy_for(p, CV_OUT, &later)) &&
           spd_find_out(&p->spd, &later) == i;
}

/* ---- SAs inside SAs ---- */

/* What the SPD sees of a packet that pair has sealed. */
static struct ip_flow outer_flow(const struct ipsec_pair *pair)
{
    const struct path *path = &pair->path;

    return (struct ip_flow){
        .src = path->local.addr,
        .dst = path->remote.addr,
        .proto = path->ah      ? IPPROTO_NUM_AH
                 : path->encap ? IPPROTO_NUM_UDP
                               : IPPROTO_NUM_ESP,
        .ports_known = path->encap,
        .sport = path->encap ? path->local.port : 0,
        .dport = path->encap ? path->remote.port : 0,
    };
}

/* The pairs from first on to one that is not nested.  Each time the best match that the packet
 * has not been through: a way has no loop.  The last one is nested: the pair around it is
 * missing, or there would be too many. */
static void find_way(struct ipsec *p, uint32_t first, struct ipsec_way *way)
{
    *way = (struct ipsec_way){.n = 1, .pair = {first}};
    while (IPSEC_NESTED && p->pairs[first].nested && way->n < CV_NESTED_MAX) {
        const struct ip_flow outer = outer_flow(&p->pairs[first]);

        first = spd_find_other(&p->spd, &outer, way->pair, way->n);
        if (first == POOL_NONE)
            break;
        way->pair[way->n++] = first;
    }
    /* Each but the last has the next one for a path: what is too big is known before anything
     * is sealed. */
    for (unsigned i = way->n; i-- > 1;)
        path_set_mtu(&p->pairs[way->pair[i - 1]].path, ipsec_inner_mtu(p, way->pair[i]));
}

/* A nested pair's packet becomes an IP packet again. */
static enum cv_err reenter(struct cv_packet *pkt, struct ip_flow *flow)
{
    enum cv_err err = cv_outer_put(pkt);

    pkt->verdict = CV_DROP;
    if (err == CV_OK)
        err = ip_parse(flow, span(cv_packet_data(pkt), pkt->len));
    flow->df = pkt->df; /* what may be fragmented inside may be so outside, in IPv6 too */
    return err;
}

static enum cv_err seal_way(struct ipsec *p, struct cv_packet *pkt, struct ip_flow *flow,
                            uint64_t now_ms, struct ipsec_way *way)
{
    const bool whole = !p->pairs[way->pair[way->n - 1]].nested;
    enum cv_err err = whole || way->n < CV_NESTED_MAX ? CV_OK : CV_ERR_LIMIT;

    for (unsigned i = 0; i < way->n && err == CV_OK; i++) {
        struct ipsec_pair *pair = &p->pairs[way->pair[i]];

        pkt->child = pair->id;
        err = seal_packet(p, way->pair[i], pkt, flow, now_ms, &way->notices[i]);
        if (IPSEC_NESTED && err == CV_OK && pair->nested)
            err = reenter(pkt, flow);
    }
    return err == CV_OK && !whole ? CV_ERR_NO_TUNNEL : err;
}

/* ---- the two ways in ---- */

static enum cv_err begin(struct cv_packet *pkt, struct ip_flow *flow, struct ipsec_way *way)
{
    way->n = 0;
    pkt->verdict = CV_DROP;
    pkt->child = 0;
    return ip_parse(flow, span(cv_packet_data(pkt), pkt->len));
}

/* The pair for flow's packet; POOL_NONE: none, and pkt says what becomes of it. */
static uint32_t find_pair(struct ipsec *p, struct cv_packet *pkt, const struct ip_flow *flow)
{
    uint32_t i = flows_find(&p->flows, flow, POOL_NONE);
    const struct cv_policy *policy;

    if (i != POOL_NONE) {
        pkt->child = p->pairs[i].id;
        return i;
    }
    policy = ipsec_policy_for(p, CV_OUT, flow);
    if (!ipsec_is_shunt(policy))
        i = spd_find_out(&p->spd, flow);
    if (i == POOL_NONE) {
        pkt->err = without_sa(p, policy, pkt);
        return POOL_NONE;
    }
    pkt->child = p->pairs[i].id;
    if (addr_is_group(&flow->dst) && !spd_names_group(&p->spd, i, flow, false)) {
        pkt->err = CV_ERR_MULTICAST;
        return POOL_NONE;
    }
    flows_keep(&p->flows, flow, POOL_NONE, i);
    return i;
}

void ipsec_out(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, struct ipsec_way *way)
{
    struct ip_flow flow;
    uint32_t first;

    pkt->err = begin(pkt, &flow, way);
    if (pkt->err != CV_OK)
        return;
    first = find_pair(p, pkt, &flow);
    if (first == POOL_NONE)
        return;
    find_way(p, first, way);
    if (must_split(p, first, &flow)) {
        pkt->verdict = CV_SPLIT;
        return;
    }
    pkt->err = seal_way(p, pkt, &flow, now_ms, way);
}

void ipsec_out_by(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t pair,
                  struct ipsec_way *way)
{
    struct ip_flow flow;

    pkt->err = begin(pkt, &flow, way);
    if (pkt->err != CV_OK)
        return;
    find_way(p, pair, way);
    pkt->err = seal_way(p, pkt, &flow, now_ms, way);
}

uint32_t ipsec_find_other(const struct ipsec *p, struct cv_span packet, const uint32_t *but,
                          unsigned n)
{
    struct ip_flow flow;

    return ip_parse(&flow, packet) == CV_OK ? spd_find_other(&p->spd, &flow, but, n)
                                            : POOL_NONE;
}
