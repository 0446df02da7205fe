/* The operator's policies on packets, and packets that come in the clear (RFC 4301 section
 * 5.2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/plane.h"

enum cv_err ipsec_policy_add(struct ipsec *p, const struct cv_policy *policy, uint32_t *number)
{
    return policies_add(&p->policies, policy, number);
}

void ipsec_policy_remove(struct ipsec *p, uint32_t number)
{
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

/* An inbound pair's selectors are those of outbound packets the other way round. */
static struct ip_flow reversed(const struct ip_flow *flow)
{
    struct ip_flow r = *flow;

    r.src = flow->dst;
    r.dst = flow->src;
    r.sport = flow->dport;
    r.dport = flow->sport;
    return r;
}

enum cv_err ipsec_clear_ok(const struct ipsec *p, struct cv_span packet)
{
    const struct cv_policy *policy;
    struct ip_flow flow, back;
    enum cv_err err = ip_parse(&flow, packet);

    if (err != CV_OK)
        return err;
    policy = ipsec_policy_for(p, CV_IN, &flow);
    back = reversed(&flow);
    if (!ipsec_is_shunt(policy) && spd_find_out(&p->spd, &back) != POOL_NONE)
        return CV_ERR_CLEARTEXT;
    if (policy == NULL || policy->action == CV_POLICY_BYPASS)
        return CV_OK;
    return policy->action == CV_POLICY_DISCARD ? CV_ERR_DISCARD : CV_ERR_CLEARTEXT;
}
