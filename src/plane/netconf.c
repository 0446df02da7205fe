/* Owns: our routes, addresses and rules in the kernel.
 * Invariant: a route or address is in the kernel as long as one owner wants it, whatever the
 * order in which an old SA goes and its successor comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/netconf.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
#include "text/text.h"
#include "wire/ip.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20 };

struct addr_use {
    uint32_t ike;
    struct prefix addr;
    struct addr_use *next;
};

struct lease_use {
    uint32_t ike;
    struct cv_lease lease; /* its attributes are those below */
    struct lease_use *next;
    uint8_t attributes[];
};

static void complain(struct netconf *n, const char *what, const struct prefix *p, int err)
{
    char addr[64], text[160];

    if (err == 0)
        return;
    addr_format(addr, sizeof(addr), &p->addr);
    (void)snprintf(text, sizeof(text), "%s %s/%u: %s", what, addr, p->len, strerror(err));
    n->note(n->ctx, text);
}

bool netconf_open(struct netconf *n, unsigned ifindex, unsigned mtu, bool ipv6,
                  uint32_t expected, struct problem *why)
{
    int err;

    n->ifindex = ifindex;
    n->mtu = mtu;
    n->addrs = NULL;
    n->leases = NULL;
    if (!netlink_open(&n->nl, NETLINK_ROUTE))
        return problem_set(why, "no netlink socket for routes: %s", strerror(errno));
    routeset_init(&n->routes, expected);
    err = route_link_up(&n->nl, ifindex, mtu);
    if (err != 0)
        return problem_set(why, "cannot set the TUN device up with an MTU of %u: %s", mtu,
                           strerror(err));
    if (!n->install_routes)
        return true;
    err = route_rule_add(&n->nl, CV_IPV4);
    n->rule_v4 = err == 0;
    if (err != 0)
        return problem_set(why, "cannot add the routing rule for table %d: %s", ROUTE_TABLE,
                           strerror(err));
    n->rule_v6 = ipv6 && route_rule_add(&n->nl, CV_IPV6) == 0;
    return true;
}

static void release(struct netconf *n, const struct prefix *to)
{
    if (n->guard != NULL)
        guard_release(n->guard, to);
}

/* use ends; the kernel's route goes too, or turns to the next owner's source. */
static void drop_route(struct netconf *n, const struct route_use *use)
{
    struct prefix to = use->to;
    struct route_via via = use->via;
    const struct route_use *other;

    routeset_remove(&n->routes, use);
    other = routeset_to(&n->routes, &to);
    if (other == NULL) {
        complain(n, "cannot remove the route to", &to,
                 route_del(&n->nl, n->ifindex, &to, &via));
        release(n, &to);
    } else if (!route_via_equal(&other->via, &via))
        complain(n, "cannot change the route to", &to,
                 route_add(&n->nl, n->ifindex, &to, &other->via));
}

void netconf_drop_routes(struct netconf *n, uint64_t owner)
{
    const struct route_use *use;

    while ((use = routeset_of(&n->routes, owner)) != NULL)
        drop_route(n, use);
}

/* Another daemon that ended may have taken the rule along while we had no routes. */
static int renew_rule(struct netconf *n, uint8_t family)
{
    const bool ours = family == CV_IPV6 ? n->rule_v6 : n->rule_v4;

    return ours ? route_rule_add(&n->nl, family) : 0;
}

/* A host without IPv6 has nothing that could leave by it. */
static int forgive_family(const struct netconf *n, uint8_t family, int err)
{
    return family == CV_IPV6 && !n->rule_v6 ? 0 : err;
}

static bool add_route(struct netconf *n, uint64_t owner, const struct prefix *to,
                      const struct route_via *via)
{
    const struct route_use *same = routeset_to(&n->routes, to);
    int err = 0;

    if (same == NULL && n->guard != NULL)
        guard_protect(n->guard, to);
    if (same == NULL)
        err = renew_rule(n, to->addr.family);
    if (err == 0 && (same == NULL || !route_via_equal(&same->via, via)))
        err = route_add(&n->nl, n->ifindex, to, via);
    if (err == 0)
        routeset_add(&n->routes, owner, to, via);
    else if (same == NULL)
        release(n, to);
    complain(n, "cannot add the route to", to, err);
    return forgive_family(n, to->addr.family, err) == 0;
}

/* The source for traffic of this host: a virtual address that the selectors allow, else an
 * address of the host that they allow. */
static struct cv_addr choose_source(const struct netconf *n, const struct cv_ts_list *local,
                                    uint8_t family)
{
    for (unsigned i = 0; i < local->n; i++) {
        struct prefix within[PREFIXES_MAX];
        unsigned n_within = prefixes_of(within, PREFIXES_MAX, &local->ts[i]);
        struct cv_addr found;

        if (local->ts[i].family != family)
            continue;
        for (unsigned k = 0; k < n_within; k++) {
            for (const struct addr_use *a = n->addrs; a != NULL; a = a->next)
                if (prefix_has(&within[k], &a->addr.addr))
                    return a->addr.addr;
            if (route_local_addr(&within[k], &found))
                return found;
        }
    }
    return (struct cv_addr){0};
}

/* A trap whose own address is only known once the IKE SA is up. */
static bool any_address(const struct cv_ts_list *local)
{
    return local->n > 0 && local->ts[0].family == CV_ANY_FAMILY;
}

/* The address this host has towards a peer that is protected itself.  The kernel's own choice
 * on a device without addresses may be any. */
static struct cv_addr source_to(struct netconf *n, const struct cv_addr *peer)
{
    struct cv_addr src;

    return route_source(&n->nl, peer, ROUTE_MARK, &src, NULL) == 0 ? src : (struct cv_addr){0};
}

/* What TCP may put into one packet of the device's MTU. */
static uint16_t segment_size(const struct netconf *n, uint8_t family)
{
    unsigned header = family == CV_IPV6 ? IPV6_HEADER : IPV4_HEADER;

    return (uint16_t)(n->mtu - header - TCP_HEADER);
}

bool netconf_add_routes(struct netconf *n, uint64_t owner, const struct cv_ts_list *local,
                        const struct cv_ts_list *remote, uint8_t mode)
{
    bool ok = true;

    netconf_drop_routes(n, owner);
    if (!n->install_routes)
        return true;
    for (unsigned i = 0; i < remote->n; i++) {
        uint8_t family = remote->ts[i].family;
        struct prefix to[PREFIXES_MAX];
        unsigned n_to = prefixes_of(to, PREFIXES_MAX, &remote->ts[i]);
        struct route_via via = {.src = choose_source(n, local, family)};

        if (mode == CV_TRANSPORT)
            via.whole_mss = segment_size(n, family);
        if (any_address(local) && n_to == 1 && to[0].len == addr_len(family) * 8)
            via.src = source_to(n, &to[0].addr);
        for (unsigned k = 0; k < n_to; k++)
            ok = add_route(n, owner, &to[k], &via) && ok;
    }
    return ok;
}

static struct addr_use *find_address(struct netconf *n, const struct prefix *addr)
{
    struct addr_use *a = n->addrs;

    while (a != NULL && !prefix_equal(&a->addr, addr))
        a = a->next;
    return a;
}

static void add_address(struct netconf *n, uint32_t ike, const struct cv_addr *addr)
{
    struct prefix p = {.addr = *addr, .len = (uint8_t)(addr_len(addr->family) * 8)};
    struct addr_use *use;
    int err = 0;

    if (addr->family == CV_ANY_FAMILY || !n->install_addresses)
        return;
    if (find_address(n, &p) == NULL)
        err = route_addr_add(&n->nl, n->ifindex, &p);
    if (err != 0) {
        complain(n, "cannot add the virtual address", &p, err);
        return;
    }
    use = mem_new(1, sizeof(*use));
    *use = (struct addr_use){ike, p, n->addrs};
    n->addrs = use;
}

/* With an address go the routes that name it as their source, with the last IPv4 address of a
 * device all others, too. */
static void mend_routes(struct netconf *n)
{
    struct renewal r = {0};

    if (n->install_routes)
        netconf_renew_routes(n, false, &r);
}

static void drop_addresses(struct netconf *n, uint32_t ike)
{
    struct addr_use **at = &n->addrs;
    bool changed = false;

    while (*at != NULL) {
        struct addr_use *gone = *at;

        if (gone->ike != ike) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        if (find_address(n, &gone->addr) == NULL) {
            complain(n, "cannot remove the virtual address", &gone->addr,
                     route_addr_del(&n->nl, n->ifindex, &gone->addr));
            changed = true;
        }
        free(gone);
    }
    if (changed)
        mend_routes(n);
}

static struct lease_use **find_lease(struct netconf *n, uint32_t ike)
{
    struct lease_use **at = &n->leases;

    while (*at != NULL && (*at)->ike != ike)
        at = &(*at)->next;
    return at;
}

void netconf_add_lease(struct netconf *n, uint32_t ike, const struct cv_lease *lease)
{
    struct lease_use *use;

    netconf_drop_lease(n, ike);
    use = mem_new(1, sizeof(*use) + lease->attributes.n);
    use->ike = ike;
    use->lease = *lease;
    use->lease.attributes = (struct cv_span){use->attributes, lease->attributes.n};
    if (lease->attributes.n > 0)
        memcpy(use->attributes, lease->attributes.p, lease->attributes.n);
    use->next = n->leases;
    n->leases = use;
    add_address(n, ike, &lease->v4);
    add_address(n, ike, &lease->v6);
}

void netconf_drop_lease(struct netconf *n, uint32_t ike)
{
    struct lease_use **at = find_lease(n, ike), *gone = *at;

    if (gone == NULL)
        return;
    drop_addresses(n, ike);
    *at = gone->next;
    free(gone);
}

void netconf_rename_lease(struct netconf *n, uint32_t ike_old, uint32_t ike_new)
{
    struct lease_use *use = *find_lease(n, ike_old);

    if (use != NULL)
        use->ike = ike_new;
    for (struct addr_use *a = n->addrs; a != NULL; a = a->next)
        if (a->ike == ike_old)
            a->ike = ike_new;
}

void netconf_each_lease(const struct netconf *n,
                        void (*take)(void *ctx, const struct cv_lease *lease), void *ctx)
{
    for (const struct lease_use *use = n->leases; use != NULL; use = use->next)
        take(ctx, &use->lease);
}

const struct cv_lease *netconf_lease(const struct netconf *n, uint32_t ike)
{
    for (const struct lease_use *use = n->leases; use != NULL; use = use->next)
        if (use->ike == ike)
            return &use->lease;
    return NULL;
}

/* ---- what the kernel has of it ---------------------------------------------- */

void netconf_renew_rules(struct netconf *n, struct renewal *r)
{
    if (n->rule_v4)
        renewal_note(r, route_rule_put(&n->nl, CV_IPV4));
    if (n->rule_v6)
        renewal_note(r, route_rule_put(&n->nl, CV_IPV6));
}

void netconf_renew_addresses(struct netconf *n, struct renewal *r)
{
    for (const struct addr_use *a = n->addrs; a != NULL; a = a->next)
        renewal_note(r, route_addr_put(&n->nl, n->ifindex, &a->addr));
}

/* The kernel's list marks ours as seen; what is not marked is missing, or is not as it was. */
static void mark_seen(void *ctx, const struct route_entry *e)
{
    struct netconf *n = ctx;
    struct route_use *use = routeset_to(&n->routes, &e->to);

    if (use != NULL && e->ifindex == n->ifindex && use->via.whole_mss == e->via.whole_mss &&
        (use->via.src.family == 0 || addr_equal(&use->via.src, &e->via.src)))
        use->seen = n->round;
}

static bool is_local(const struct cv_addr *addr)
{
    const struct prefix host = {*addr, (uint8_t)(addr_len(addr->family) * 8)};
    struct cv_addr found;

    return route_local_addr(&host, &found);
}

/* EEXIST: it was there, as well as it can be. */
static int put_route(struct netconf *n, const struct route_use *use)
{
    const struct route_via bare = {.whole_mss = use->via.whole_mss};
    int err = route_add(&n->nl, n->ifindex, &use->to, &use->via);

    /* Its source is no address of ours, for now: better none than no route. */
    if (err == EINVAL && use->via.src.family != 0 && !is_local(&use->via.src)) {
        err = route_add(&n->nl, n->ifindex, &use->to, &bare);
        if (err == 0)
            return EEXIST;
    }
    return forgive_family(n, use->to.addr.family, err);
}

/* Without it packets would take another way: no tunnel with it is up. */
static void lose(struct netconf *n, const struct prefix *to, int err)
{
    const struct route_use *use = routeset_to(&n->routes, to);

    complain(n, "cannot restore the route to", to, err);
    for (; use != NULL && n->lost != NULL; use = use->next_same)
        if (prefix_equal(&use->to, to))
            n->lost(n->ctx, use->owner);
}

struct mending {
    struct netconf *n;
    struct renewal *r;
    bool last; /* try */
};

static void mend_unseen(void *ctx, struct route_use *use)
{
    struct mending *m = ctx;

    int err;

    if (use->seen == m->n->round)
        return;
    err = put_route(m->n, use);
    renewal_note(m->r, err);
    if (m->last && err != 0 && err != EEXIST)
        lose(m->n, &use->to, err);
}

void netconf_renew_routes(struct netconf *n, bool last, struct renewal *r)
{
    struct mending m = {n, r, last};
    int err;

    n->round++;
    err = route_list(&n->nl, CV_IPV4, mark_seen, n);
    if (err == 0 && n->rule_v6)
        err = route_list(&n->nl, CV_IPV6, mark_seen, n);
    if (err != 0 && r->err == 0)
        r->err = err;
    routeset_each(&n->routes, mend_unseen, &m);
}

bool netconf_renew_route(struct netconf *n, const struct prefix *to, struct renewal *r)
{
    struct route_use *use = routeset_to(&n->routes, to);

    if (use == NULL)
        return false;
    renewal_note(r, put_route(n, use));
    return true;
}

int netconf_set_device(struct netconf *n, unsigned ifindex)
{
    n->ifindex = ifindex;
    return route_link_up(&n->nl, ifindex, n->mtu);
}

void netconf_close(struct netconf *n)
{
    if (n->nl.fd < 0)
        return;
    n->install_routes = false; /* none is put back */
    while (n->leases != NULL)
        netconf_drop_lease(n, n->leases->ike);
    routeset_free(&n->routes);
    if (n->rule_v4 && !route_table_shared(&n->nl, CV_IPV4, n->ifindex))
        (void)route_rule_del(&n->nl, CV_IPV4);
    if (n->rule_v6 && !route_table_shared(&n->nl, CV_IPV6, n->ifindex))
        (void)route_rule_del(&n->nl, CV_IPV6);
    netlink_close(&n->nl);
}
