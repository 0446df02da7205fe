/* The path's MTU (RFC 4301 section 8.2): learnt from the host or from ICMP, told to the sender
 * inside, and kept by cutting what is too long.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"
#include "ipsec/pmtu.h"
#include "ipsec/split.h"

void cv_path_mtu(struct cv_engine *e, uint32_t child, size_t mtu, uint64_t now_ms)
{
    const struct child_sa *c = child_by_number(&e->ike.core, child);
    const struct core *core = &e->ike.core;

    if (c != NULL && c->installed && mtu > 0)
        core->plane->learn_mtu(core->plane_ctx, child_index(core, c), mtu, now_ms);
}

bool cv_icmp(struct cv_engine *e, struct cv_span packet, uint64_t now_ms)
{
    uint32_t pair;

    return e->ike.core.ipsec != NULL &&
           ipsec_take_icmp(e->ike.core.ipsec, packet, now_ms, &pair) == CV_OK;
}

bool cv_split(struct cv_engine *e, struct cv_packet *pkt, struct cv_packet *first)
{
    struct ike *k = &e->ike;
    const struct child_sa *c = child_by_number(&k->core, pkt->child);

    if (c == NULL || k->core.ipsec == NULL || pkt->verdict != CV_SPLIT)
        pkt->err = CV_ERR_NOT_FOUND;
    else
        pkt->err =
            split_first(pkt, ipsec_inner_mtu(k->core.ipsec, child_index(&k->core, c)), first);
    if (pkt->err == CV_OK)
        return true;
    pkt->verdict = CV_DROP;
    k->core.stats.errors[pkt->err]++;
    return false;
}

bool cv_too_big(const struct cv_engine *e, struct cv_packet *pkt)
{
    const struct child_sa *c = child_by_number(&e->ike.core, pkt->child);
    size_t mtu;

    if (c == NULL || e->ike.core.ipsec == NULL || pkt->err != CV_ERR_TOO_BIG)
        return false;
    mtu = ipsec_inner_mtu_for(e->ike.core.ipsec, child_index(&e->ike.core, c),
                              span(cv_packet_data(pkt), pkt->len));
    return pmtu_answer(pkt, mtu, NULL) == CV_OK;
}
