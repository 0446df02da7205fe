/* Owns: what we ask of rtnetlink (rtnetlink(7)): rules, routes, addresses, link state.
 * Invariant: only our two tables, our rules and our own device are ever changed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/routes.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/kernel/sockaddr.h"
#include "wire/ip.h"

static int forgive(int err, int harmless)
{
    return err == harmless ? 0 : err;
}

static void rule_request(struct nl_request *r, uint16_t type, uint16_t flags, uint8_t family)
{
    struct fib_rule_hdr h = {
        .family = (uint8_t)addr_family(family),
        .table = ROUTE_TABLE,
        .action = FR_ACT_TO_TBL,
        .flags = FIB_RULE_INVERT,
    };

    nl_begin(r, type, flags, &h, sizeof(h));
    nl_attr_u32(r, FRA_PRIORITY, ROUTE_RULE_PRIORITY);
    nl_attr_u32(r, FRA_TABLE, ROUTE_TABLE);
    nl_attr_u32(r, FRA_FWMARK, ROUTE_MARK);
    nl_attr_u32(r, FRA_FWMASK, UINT32_MAX);
}

int route_rule_put(struct netlink *nl, uint8_t family)
{
    struct nl_request r;

    rule_request(&r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family);
    return netlink_ask(nl, &r, NULL, NULL);
}

int route_rule_add(struct netlink *nl, uint8_t family)
{
    return forgive(route_rule_put(nl, family), EEXIST);
}

int route_rule_del(struct netlink *nl, uint8_t family)
{
    struct nl_request r;

    rule_request(&r, RTM_DELRULE, 0, family);
    return forgive(netlink_ask(nl, &r, NULL, NULL), ENOENT);
}

struct others {
    unsigned ifindex;
    bool found;
};

static void look_for_others(void *ctx, const void *message, size_t n)
{
    struct others *o = ctx;
    uint32_t table = 0, oif = 0;
    size_t len;
    const void *at = nl_find(message, n, sizeof(struct rtmsg), RTA_TABLE, &len);

    if (at != NULL && len == sizeof(table))
        memcpy(&table, at, sizeof(table));
    at = nl_find(message, n, sizeof(struct rtmsg), RTA_OIF, &len);
    if (at != NULL && len == sizeof(oif))
        memcpy(&oif, at, sizeof(oif));
    if (table == ROUTE_TABLE && oif != o->ifindex)
        o->found = true;
}

bool route_table_shared(struct netlink *nl, uint8_t family, unsigned ifindex)
{
    const struct rtmsg h = {.rtm_family = (uint8_t)addr_family(family)};
    struct others o = {.ifindex = ifindex};
    struct nl_request r;

    nl_begin(&r, RTM_GETROUTE, 0, &h, sizeof(h));
    return netlink_dump(nl, &r, look_for_others, &o) == 0 && o.found;
}

/* ---- shunts --------------------------------------------------------------- */

/* By route_shunt_kind; around 217 and 222 our own packets go past (route_past_add). */
static const struct {
    uint32_t priority, table;
    uint8_t action;
} shunt_rules[] = {
    [ROUTE_PASS] = {219, RT_TABLE_MAIN,   FR_ACT_TO_TBL  },
    [ROUTE_DROP] = {222, RT_TABLE_UNSPEC, FR_ACT_PROHIBIT},
    [ROUTE_ASK_FIRST] = {217, ROUTE_ASK_TABLE, FR_ACT_TO_TBL  },
    [ROUTE_ASK_LAST] = {222, ROUTE_ASK_TABLE, FR_ACT_TO_TBL  },
};

static void put_ports(struct nl_request *r, uint16_t type, uint16_t lo, uint16_t hi)
{
    const struct fib_rule_port_range ports = {lo, hi};

    if (lo != 0 || hi != UINT16_MAX)
        nl_attr(r, type, &ports, sizeof(ports));
}

static int ask_shunt(struct netlink *nl, uint16_t type, uint16_t flags,
                     const struct route_shunt *s)
{
    struct fib_rule_hdr h = {
        .family = (uint8_t)addr_family(s->to.addr.family),
        .src_len = s->from.len,
        .dst_len = s->to.len,
        .table = (uint8_t)shunt_rules[s->kind].table,
        .action = shunt_rules[s->kind].action,
    };
    struct nl_request r;

    nl_begin(&r, type, flags, &h, sizeof(h));
    nl_attr_u32(&r, FRA_PRIORITY, shunt_rules[s->kind].priority);
    if (s->from.len != 0)
        nl_attr(&r, FRA_SRC, s->from.addr.b, addr_len(s->from.addr.family));
    if (s->to.len != 0)
        nl_attr(&r, FRA_DST, s->to.addr.b, addr_len(s->to.addr.family));
    if (s->proto != 0)
        nl_attr(&r, FRA_IP_PROTO, &s->proto, sizeof(s->proto));
    put_ports(&r, FRA_SPORT_RANGE, s->sport_lo, s->sport_hi);
    put_ports(&r, FRA_DPORT_RANGE, s->dport_lo, s->dport_hi);
    return netlink_ask(nl, &r, NULL, NULL);
}

int route_shunt_put(struct netlink *nl, const struct route_shunt *s)
{
    return ask_shunt(nl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, s);
}

int route_shunt_add(struct netlink *nl, const struct route_shunt *s)
{
    return forgive(route_shunt_put(nl, s), EEXIST);
}

int route_shunt_del(struct netlink *nl, const struct route_shunt *s)
{
    return forgive(ask_shunt(nl, RTM_DELRULE, 0, s), ENOENT);
}

static int ask_end(struct netlink *nl, uint16_t type, uint16_t flags, uint8_t family,
                   uint32_t rule)
{
    struct fib_rule_hdr h = {.family = (uint8_t)addr_family(family), .action = FR_ACT_NOP};
    struct nl_request r;

    nl_begin(&r, type, flags, &h, sizeof(h));
    nl_attr_u32(&r, FRA_PRIORITY, rule + 1);
    return netlink_ask(nl, &r, NULL, NULL);
}

static int ask_goto(struct netlink *nl, uint16_t type, uint16_t flags, uint8_t family,
                    uint32_t rule)
{
    struct fib_rule_hdr h = {.family = (uint8_t)addr_family(family), .action = FR_ACT_GOTO};
    struct nl_request r;

    nl_begin(&r, type, flags, &h, sizeof(h));
    nl_attr_u32(&r, FRA_PRIORITY, rule - 1);
    nl_attr_u32(&r, FRA_GOTO, rule + 1);
    nl_attr_u32(&r, FRA_FWMARK, ROUTE_MARK);
    nl_attr_u32(&r, FRA_FWMASK, UINT32_MAX);
    return netlink_ask(nl, &r, NULL, NULL);
}

static uint32_t rule_past(bool first)
{
    return shunt_rules[first ? ROUTE_ASK_FIRST : ROUTE_DROP].priority;
}

int route_past_put(struct netlink *nl, uint8_t family, bool first)
{
    const uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;
    int err = ask_end(nl, RTM_NEWRULE, flags, family, rule_past(first)), err_goto;

    if (forgive(err, EEXIST) != 0)
        return err;
    err_goto = ask_goto(nl, RTM_NEWRULE, flags, family, rule_past(first));
    return err_goto == EEXIST ? err : err_goto;
}

int route_past_add(struct netlink *nl, uint8_t family, bool first)
{
    return forgive(route_past_put(nl, family, first), EEXIST);
}

int route_past_del(struct netlink *nl, uint8_t family, bool first)
{
    int err = forgive(ask_goto(nl, RTM_DELRULE, 0, family, rule_past(first)), ENOENT);
    int err_end = forgive(ask_end(nl, RTM_DELRULE, 0, family, rule_past(first)), ENOENT);

    return err != 0 ? err : err_end;
}

/* ---- routes --------------------------------------------------------------- */

static void route_request(struct nl_request *r, uint16_t type, uint16_t flags, uint8_t table,
                          unsigned ifindex, const struct prefix *to,
                          const struct route_via *via)
{
    struct rtmsg h = {
        .rtm_family = (uint8_t)addr_family(to->addr.family),
        .rtm_dst_len = to->len,
        .rtm_table = table,
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = to->addr.family == CV_IPV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };

    nl_begin(r, type, flags, &h, sizeof(h));
    nl_attr(r, RTA_DST, to->addr.b, addr_len(to->addr.family));
    nl_attr_u32(r, RTA_OIF, ifindex);
    if (via->src.family == to->addr.family)
        nl_attr(r, RTA_PREFSRC, via->src.b, addr_len(via->src.family));
    if (via->whole_mss != 0) {
        size_t metrics = nl_nest_begin(r, RTA_METRICS);
        nl_attr_u32(r, RTAX_MTU, ROUTE_MTU_WHOLE);
        nl_attr_u32(r, RTAX_ADVMSS, via->whole_mss);
        nl_nest_end(r, metrics);
    }
}

bool route_via_equal(const struct route_via *a, const struct route_via *b)
{
    return a->whole_mss == b->whole_mss && addr_equal(&a->src, &b->src);
}

int route_add(struct netlink *nl, unsigned ifindex, const struct prefix *to,
              const struct route_via *via)
{
    struct nl_request r;

    route_request(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ROUTE_TABLE, ifindex, to,
                  via);
    return netlink_ask(nl, &r, NULL, NULL);
}

int route_ask_add(struct netlink *nl, unsigned ifindex, const struct prefix *to,
                  const struct cv_addr *src)
{
    const struct route_via via = {.src = *src};
    struct nl_request r;

    route_request(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ROUTE_ASK_TABLE, ifindex, to,
                  &via);
    return netlink_ask(nl, &r, NULL, NULL);
}

/* ---- what is there ---------------------------------------------------------- */

struct route_listing {
    uint8_t family;
    void (*take)(void *ctx, const struct route_entry *e);
    void *ctx;
};

static uint32_t attr_number(struct nl_attrs all, uint16_t type)
{
    const struct nl_attrs a = nl_attr_find(all, type);
    uint32_t v = 0;

    if (a.n == sizeof(v))
        memcpy(&v, a.p, sizeof(v));
    return v;
}

static void list_route(void *ctx, const void *message, size_t n)
{
    const struct route_listing *l = ctx;
    const struct nl_attrs all = nl_attrs_of(message, n, sizeof(struct rtmsg));
    const struct nl_attrs dst = nl_attr_find(all, RTA_DST),
                          src = nl_attr_find(all, RTA_PREFSRC);
    const size_t len = addr_len(l->family);
    struct route_entry e = {.ifindex = attr_number(all, RTA_OIF)};
    struct rtmsg h;

    if (n < sizeof(struct nlmsghdr) + sizeof(h))
        return;
    memcpy(&h, (const uint8_t *)message + sizeof(struct nlmsghdr), sizeof(h));
    if (attr_number(all, RTA_TABLE) != ROUTE_TABLE)
        return;
    e.to.addr.family = l->family;
    e.to.len = h.rtm_dst_len;
    if (dst.n == len)
        e.to.addr = addr_make(l->family, dst.p);
    if (src.n == len)
        e.via.src = addr_make(l->family, src.p);
    e.via.whole_mss = (uint16_t)attr_number(nl_attr_find(all, RTA_METRICS), RTAX_ADVMSS);
    l->take(l->ctx, &e);
}

int route_list(struct netlink *nl, uint8_t family,
               void (*take)(void *ctx, const struct route_entry *e), void *ctx)
{
    const struct rtmsg h = {.rtm_family = (uint8_t)addr_family(family),
                            .rtm_table = ROUTE_TABLE};
    const int strict = 1, lax = 0;
    struct route_listing l = {family, take, ctx};
    struct nl_request r;
    int err;

    /* With this the kernel looks into our table alone; an older one lists all. */
    (void)setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof(strict));
    nl_begin(&r, RTM_GETROUTE, 0, &h, sizeof(h));
    err = netlink_dump(nl, &r, list_route, &l);
    (void)setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &lax, sizeof(lax));
    return forgive(err, ENOENT); /* no such table yet */
}

int route_del(struct netlink *nl, unsigned ifindex, const struct prefix *to,
              const struct route_via *via)
{
    struct nl_request r;

    route_request(&r, RTM_DELROUTE, 0, ROUTE_TABLE, ifindex, to, via);
    return forgive(netlink_ask(nl, &r, NULL, NULL), ESRCH);
}

static int change_addr(struct netlink *nl, uint16_t type, uint16_t flags, unsigned ifindex,
                       const struct prefix *addr)
{
    struct nl_request r;
    size_t n = addr_len(addr->addr.family);
    struct ifaddrmsg h = {
        .ifa_family = (uint8_t)addr_family(addr->addr.family),
        .ifa_prefixlen = addr->len,
        .ifa_flags = addr->addr.family == CV_IPV6 ? IFA_F_NODAD : 0,
        .ifa_index = ifindex,
    };

    nl_begin(&r, type, flags, &h, sizeof(h));
    nl_attr(&r, IFA_LOCAL, addr->addr.b, n);
    nl_attr(&r, IFA_ADDRESS, addr->addr.b, n);
    return netlink_ask(nl, &r, NULL, NULL);
}

int route_addr_put(struct netlink *nl, unsigned ifindex, const struct prefix *addr)
{
    return change_addr(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr);
}

int route_addr_add(struct netlink *nl, unsigned ifindex, const struct prefix *addr)
{
    return forgive(change_addr(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr),
                   EEXIST);
}

int route_addr_del(struct netlink *nl, unsigned ifindex, const struct prefix *addr)
{
    return forgive(change_addr(nl, RTM_DELADDR, 0, ifindex, addr), EADDRNOTAVAIL);
}

/* A tunnel has no link-layer neighbours: without this the kernel would give it a link-local
 * address and send router solicitations into it.  A kernel without IPv6 may refuse. */
static void silence_ipv6(struct netlink *nl, unsigned ifindex)
{
    struct ifinfomsg h = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    struct nl_request r;
    uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    size_t spec, inet6;

    nl_begin(&r, RTM_NEWLINK, 0, &h, sizeof(h));
    spec = nl_nest_begin(&r, IFLA_AF_SPEC);
    inet6 = nl_nest_begin(&r, AF_INET6);
    nl_attr(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
    nl_nest_end(&r, inet6);
    nl_nest_end(&r, spec);
    (void)netlink_ask(nl, &r, NULL, NULL);
}

int route_link_up(struct netlink *nl, unsigned ifindex, unsigned mtu)
{
    struct ifinfomsg h = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = (int)ifindex,
        .ifi_flags = IFF_UP,
        .ifi_change = IFF_UP,
    };
    struct nl_request r;

    silence_ipv6(nl, ifindex);
    nl_begin(&r, RTM_NEWLINK, 0, &h, sizeof(h));
    nl_attr_u32(&r, IFLA_MTU, mtu);
    return netlink_ask(nl, &r, NULL, NULL);
}

int route_source(struct netlink *nl, const struct cv_addr *to, uint32_t mark,
                 struct cv_addr *out, unsigned *ifindex)
{
    struct rtmsg h = {
        .rtm_family = (uint8_t)addr_family(to->family),
        .rtm_dst_len = (uint8_t)(addr_len(to->family) * 8),
    };
    struct nl_request r;
    uint8_t reply[1024];
    size_t n = sizeof(reply), src_n = 0, oif_n = 0;
    const void *src, *oif;
    int err;

    memset(out, 0, sizeof(*out));
    if (ifindex != NULL)
        *ifindex = 0;
    nl_begin(&r, RTM_GETROUTE, 0, &h, sizeof(h));
    nl_attr(&r, RTA_DST, to->b, addr_len(to->family));
    nl_attr_u32(&r, RTA_MARK, mark);
    err = netlink_ask(nl, &r, reply, &n);
    if (err != 0)
        return err;
    oif = nl_find(reply, n, sizeof(h), RTA_OIF, &oif_n);
    if (ifindex != NULL && oif != NULL && oif_n == sizeof(*ifindex))
        memcpy(ifindex, oif, sizeof(*ifindex));
    src = nl_find(reply, n, sizeof(h), RTA_PREFSRC, &src_n);
    if (src == NULL || src_n != addr_len(to->family))
        return EADDRNOTAVAIL;
    *out = addr_make(to->family, src);
    return 0;
}

static int read_rp_filter(const char *device)
{
    char path[64 + IFNAMSIZ];
    int value = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", device);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%d", &value) != 1)
        value = 0;
    fclose(f);
    return value;
}

bool route_filters_strictly(unsigned ifindex, char name[IFNAMSIZ])
{
    int all = read_rp_filter("all"), own;

    if (if_indextoname(ifindex, name) == NULL)
        return false;
    own = read_rp_filter(name);
    return (own > all ? own : all) == 1; /* the larger one counts */
}

/* The address of one entry of getifaddrs; false for what is no host's towards others. */
static bool read_local(const struct ifaddrs *i, struct cv_addr *out)
{
    static const struct prefix link_local = {
        {CV_IPV6, {0xfe, 0x80}},
        10
    };
    static const struct prefix loopback = {
        {CV_IPV4, {127}},
        8
    };
    const int family = i->ifa_addr == NULL ? AF_UNSPEC : i->ifa_addr->sa_family;
    struct sockaddr_storage sa = {0};
    struct cv_endpoint ep;

    if (family != AF_INET && family != AF_INET6)
        return false;
    memcpy(&sa, i->ifa_addr,
           family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    if (!addr_from_sockaddr(&ep, &sa) || prefix_has(&link_local, &ep.addr) ||
        prefix_has(&loopback, &ep.addr))
        return false;
    *out = ep.addr;
    return true;
}

bool route_local_addr(const struct prefix *within, struct cv_addr *out)
{
    struct ifaddrs *all = NULL;
    struct cv_addr addr;
    bool found = false;

    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
        found = read_local(i, &addr) && prefix_has(within, &addr);
        if (found)
            *out = addr;
    }
    freeifaddrs(all);
    return found;
}

/* What is sent from the address of a device that is down comes nowhere. */
static bool is_up(const struct ifaddrs *i)
{
    return (i->ifa_flags & IFF_UP) != 0 && (i->ifa_flags & IFF_RUNNING) != 0;
}

unsigned route_own_addrs(struct cv_addr *out, unsigned max, const char *but)
{
    struct ifaddrs *all = NULL;
    unsigned n = 0;

    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *i = all; i != NULL && n < max; i = i->ifa_next)
        if (is_up(i) && strcmp(i->ifa_name, but) != 0 && read_local(i, &out[n]))
            n++;
    freeifaddrs(all);
    return n;
}
