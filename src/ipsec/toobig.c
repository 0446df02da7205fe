/* Packets too big for a pair's path: what routers outside say, and how far they are believed
 * (RFC 4301 section 8.2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/plane.h"
#include "ipsec/pmtu.h"

enum { ICMP_PER_SECOND = 8 };

size_t ipsec_inner_mtu(const struct ipsec *p, uint32_t i)
{
    if (i >= p->n_pairs || !p->pairs[i].used)
        return SIZE_MAX;
    return path_inner_mtu(&p->pairs[i].path, &p->pairs[i].out);
}

size_t ipsec_inner_mtu_for(const struct ipsec *p, uint32_t i, struct cv_span packet)
{
    const struct path *path = &p->pairs[i].path;
    struct ip_front front;

    if (i >= p->n_pairs || !p->pairs[i].used || !path->transport || path->ah ||
        ip_front_split(&front, packet) != CV_OK)
        return ipsec_inner_mtu(p, i);
    return path_inner_mtu_behind(path, &p->pairs[i].out, front.len);
}

void ipsec_learn_mtu(struct ipsec *p, uint32_t i, size_t mtu, uint64_t now_ms)
{
    struct ipsec_pair *pair = ipsec_used_pair(p, i);

    if (pair != NULL)
        path_learn(&pair->path, mtu, now_ms);
}

/* A report is believed as far as it quotes what only our path has seen: addresses and SPI, or
 * where the router quoted too little, both UDP ports. */
static bool is_about(const struct pmtu_report *r, const struct ipsec_pair *pair)
{
    const struct path *path = &pair->path;
    const uint8_t proto = path->ah      ? IPPROTO_NUM_AH
                          : path->encap ? IPPROTO_NUM_UDP
                                        : IPPROTO_NUM_ESP;

    if (!pair->used || r->proto != proto || !addr_equal(&r->remote, &path->remote.addr))
        return false;
    if (!addr_is_zero(&path->local.addr) && !addr_equal(&r->local, &path->local.addr))
        return false;
    if (path->encap && (r->sport != path->local.port || r->dport != path->remote.port))
        return false;
    return r->spi == pair->out.spi || (path->encap && r->spi == 0);
}

/* Bounds the search through all pairs that a forger could ask for. */
static bool icmp_is_welcome(struct ipsec *p, uint64_t now_ms)
{
    if (p->icmp_second != now_ms / 1000) {
        p->icmp_second = now_ms / 1000;
        p->icmp_seen = 0;
    }
    return p->icmp_seen++ < ICMP_PER_SECOND;
}

bool ipsec_is_quoted(struct ipsec *p, uint32_t likely, struct cv_span packet, uint64_t now_ms)
{
    struct pmtu_report report;

    if (pmtu_parse_error(&report, packet) != CV_OK)
        return false;
    if (likely != POOL_NONE && is_about(&report, &p->pairs[likely]))
        return true;
    if (!icmp_is_welcome(p, now_ms))
        return false;
    for (uint32_t i = 0; i < p->n_pairs; i++) {
        if (is_about(&report, &p->pairs[i]))
            return true;
    }
    return false;
}

enum cv_err ipsec_take_icmp(struct ipsec *p, struct cv_span packet, uint64_t now_ms,
                            uint32_t *pair)
{
    struct pmtu_report report;
    enum cv_err err = pmtu_parse(&report, packet);

    *pair = POOL_NONE;
    if (err != CV_OK)
        return err;
    if (!icmp_is_welcome(p, now_ms))
        return CV_ERR_BUSY;
    for (uint32_t i = 0; i < p->n_pairs; i++) {
        if (!is_about(&report, &p->pairs[i]))
            continue;
        path_learn(&p->pairs[i].path, report.mtu, now_ms);
        *pair = i;
    }
    return *pair != POOL_NONE ? CV_OK : CV_ERR_NO_SA;
}
