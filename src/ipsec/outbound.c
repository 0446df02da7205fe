/* Packets out: policy, SA, limits, seal (RFC 4301 section 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/plane.h"

/* Ask for a rekey while this many sequence numbers are left. */
static const uint64_t SEQ_MARGIN = UINT64_C(1) << 20;

/* flow is the packet's own. */
static enum cv_err seal_packet(struct ipsec_pair *pair, struct cv_packet *pkt,
                               const struct ip_flow *flow, uint64_t now_ms, unsigned *notices)
{
    enum cv_err err;

    if (lifetime_over(&pair->life))
        return CV_ERR_EXPIRED;
    path_age(&pair->path, now_ms);
    err = wrap_seal(&pair->path, &pair->out, pkt, flow);
    if (err == CV_ERR_SEQ_EXHAUSTED)
        *notices |= lifetime_say(&pair->life, IPSEC_HARD_LIMIT);
    if (err != CV_OK)
        return err;
    pair->count.packets_out++;
    pair->count.bytes_out += flow->total_len;
    pair->count.last_out_ms = now_ms;
    *notices |= lifetime_note(&pair->life, pair->count.bytes_out, pair->count.packets_out);
    if (esp_seq_left(&pair->out) < SEQ_MARGIN)
        *notices |= lifetime_say(&pair->life, IPSEC_SOFT_LIMIT);
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
 * Not where selectors look at ports: its later fragments would find another way than pair i. */
static bool must_split(const struct ipsec *p, uint32_t i, const struct ip_flow *flow)
{
    struct ip_flow later = *flow;

    later.ports_known = false;
    return path_splits(&p->pairs[i].path, &p->pairs[i].out, flow) &&
           spd_find_out(&p->spd, &later) == i;
}

void ipsec_out(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
               unsigned *notices)
{
    const struct cv_policy *policy;
    struct ip_flow flow;

    *pair = POOL_NONE;
    *notices = 0;
    pkt->verdict = CV_DROP;
    pkt->child = 0;
    pkt->err = ip_parse(&flow, span(cv_packet_data(pkt), pkt->len));
    if (pkt->err != CV_OK)
        return;
    policy = ipsec_policy_for(p, CV_OUT, &flow);
    if (!ipsec_is_shunt(policy))
        *pair = spd_find_out(&p->spd, &flow);
    if (*pair == POOL_NONE) {
        pkt->err = without_sa(p, policy, pkt);
        return;
    }
    pkt->child = p->pairs[*pair].id;
    if (addr_is_group(&flow.dst) && !spd_names_group(&p->spd, *pair, &flow, false)) {
        pkt->err = CV_ERR_MULTICAST;
        return;
    }
    if (must_split(p, *pair, &flow)) {
        pkt->verdict = CV_SPLIT;
        return;
    }
    pkt->err = seal_packet(&p->pairs[*pair], pkt, &flow, now_ms, notices);
}
