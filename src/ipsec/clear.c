/* The operator's policies on packets, and packets that come in the clear (RFC 4301 section
 * 5.2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/plane.h"

enum { PORT_IKE = 500, PORT_NAT_T = 4500, ND_FIRST = 133, ND_LAST = 137, IP6_HOP_LIMIT_AT = 7 };

enum cv_err ipsec_policy_add(struct ipsec *p, const struct cv_policy *policy, uint32_t *number)
{
    flows_forget(&p->flows);
    return policies_add(&p->policies, policy, number);
}

void ipsec_policy_remove(struct ipsec *p, uint32_t number)
{
    flows_forget(&p->flows);
    policies_remove(&p->policies, number);
}

const struct cv_policy *ipsec_policy_for(const struct ipsec *p, uint8_t direction,
                                         const struct ip_flow *flow)
{
    return policies_any(&p->policies) ? policies_find(&p->policies, direction, flow) : NULL;
}

const struct cv_policy *ipsec_policy_find(const struct ipsec *p, uint8_t direction,
                                          struct cv_span packet)
{
    struct ip_flow flow;

    return ip_parse(&flow, packet) == CV_OK ? ipsec_policy_for(p, direction, &flow) : NULL;
}

bool ipsec_is_shunt(const struct cv_policy *policy)
{
    return policy != NULL && policy->action != CV_POLICY_PROTECT &&
           policy->priority < CV_PRIORITY_SA;
}

/* An inbound pair's selectors are those of outbound packets the other way round.  A later
 * fragment does not tell its ports: it counts for any of them. */
static struct ip_flow reversed(const struct ip_flow *flow)
{
    struct ip_flow r = *flow;

    r.src = flow->dst;
    r.dst = flow->src;
    r.sport = flow->dport;
    r.dport = flow->sport;
    r.ports_wild = flow->fragment && !flow->ports_known;
    return r;
}

/* RFC 4861: of this link, or they are ignored. */
static bool is_neighbor_discovery(const struct ip_flow *flow, struct cv_span packet)
{
    const unsigned type = flow->dport >> 8;

    return flow->proto == IPPROTO_NUM_ICMPV6 && flow->ports_known && !flow->fragment &&
           type >= ND_FIRST && type <= ND_LAST && packet.p[IP6_HOP_LIMIT_AT] == UINT8_MAX;
}

/* ESP, AH and IKE to ourselves are what protection is made of.  UDP ports that a later fragment
 * does not tell were judged in the first. */
static bool is_outer(const struct cv_endpoint *local, const struct ip_flow *flow)
{
    if (!addr_is_zero(&local->addr) && !addr_equal(&flow->dst, &local->addr))
        return false;
    if (flow->proto == IPPROTO_NUM_ESP || flow->proto == IPPROTO_NUM_AH)
        return true;
    return flow->proto == IPPROTO_NUM_UDP &&
           (!flow->ports_known || flow->dport == PORT_IKE || flow->dport == PORT_NAT_T ||
            flow->dport == local->port);
}

static enum cv_err judge(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms,
                         uint32_t *pair)
{
    const struct cv_span packet = span(cv_packet_data(pkt), pkt->len);
    const struct cv_endpoint anywhere = {0};
    const struct cv_policy *policy;
    struct ip_flow flow, back;
    enum cv_err err = ip_parse(&flow, packet);
    uint32_t i;

    if (err != CV_OK)
        return err;
    pkt->remote = (struct cv_endpoint){.addr = flow.src};
    policy = ipsec_policy_for(p, CV_IN, &flow);
    back = reversed(&flow);
    i = ipsec_is_shunt(policy) ? POOL_NONE : spd_find_out(&p->spd, &back);
    if (i == POOL_NONE && (policy == NULL || policy->action == CV_POLICY_BYPASS))
        return CV_OK;
    if (is_neighbor_discovery(&flow, packet) || ipsec_is_quoted(p, i, packet, now_ms))
        return CV_OK;
    if (i == POOL_NONE && policy->action == CV_POLICY_DISCARD)
        return CV_ERR_DISCARD;
    if (is_outer(i != POOL_NONE ? &p->pairs[i].path.local : &anywhere, &flow))
        return CV_OK;
    *pair = i;
    return CV_ERR_CLEARTEXT;
}

void ipsec_clear(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
                 unsigned *notices)
{
    *pair = POOL_NONE;
    *notices = 0;
    pkt->child = 0;
    pkt->err = judge(p, pkt, now_ms, pair);
    pkt->verdict = pkt->err == CV_OK ? CV_BYPASS : CV_DROP;
    if (*pair == POOL_NONE)
        return;
    pkt->child = p->pairs[*pair].id;
    *notices = ipsec_count_drop(&p->pairs[*pair], pkt->err);
}
