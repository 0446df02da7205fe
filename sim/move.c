/* See move.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/move.h"

#include <string.h>

#include "wire/ip.h"

bool host_has(const struct host *h, const struct cv_addr *addr)
{
    return addr_equal(addr, &h->v4) || addr_equal(addr, &h->v6);
}

static const struct cv_addr *of_family(const struct host *h, uint8_t family)
{
    const struct cv_addr *a = family == CV_IPV6 ? &h->v6 : &h->v4;

    return a->family == family ? a : NULL;
}

static void tell_addresses(struct host *h)
{
    const struct cv_addr own[] = {h->v4, h->v6};

    cv_set_addresses(h->engine, own, 2);
}

void host_tell_ways(struct host *h, uint32_t ike)
{
    struct cv_addr peers[CV_WAYS_MAX];
    struct cv_way ways[CV_WAYS_MAX];
    size_t n_peers = cv_peer_addresses(h->engine, ike, peers, CV_WAYS_MAX), n = 0;

    tell_addresses(h);
    for (size_t i = 0; i < n_peers; i++) {
        const struct cv_addr *local = of_family(h, peers[i].family);

        if (local != NULL)
            ways[n++] = (struct cv_way){*local, peers[i]};
    }
    h->world->active = h;
    (void)!cv_ways(h->engine, ike, ways, n, world_now(h->world));
    host_drain(h);
}

void host_tell_all_ways(struct host *h)
{
    struct cv_ike_info info;
    uint32_t at = 0;

    tell_addresses(h);
    while (cv_ike_next(h->engine, &at, &info))
        host_tell_ways(h, info.id);
}

void host_carry(struct host *h, const struct cv_addr *v4, const struct cv_addr *v6, int nat)
{
    struct net_port *p = &h->world->net.ports[h->port];

    h->mobile = true;
    h->v4 = v4 != NULL ? *v4 : (struct cv_addr){0};
    h->v6 = v6 != NULL ? *v6 : (struct cv_addr){0};
    p->addr[0] = h->v4;
    p->addr[1] = h->v6;
    p->nat = nat;
}

void host_move(struct host *h, const struct cv_addr *v4, const struct cv_addr *v6, int nat)
{
    host_carry(h, v4, v6, nat);
    if (h->engine != NULL)
        host_tell_all_ways(h);
}
