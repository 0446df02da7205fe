/* Owns: the two sockets that hear the kernel's news, and the layout of those messages.
 * Invariant: reading never waits; what did not fit the socket is one NEWS_LOST.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/kernel/sockaddr.h"
#include "wire/ip.h"

/* Room for the news of some ten thousand changes at once. */
enum { NEWS_BUFFER = 8 << 20, DATAGRAM_MAX = 32768 };

static bool join(struct netlink *nl, int group)
{
    return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == 0;
}

static bool open_socket(struct netlink *nl, int protocol, const int *groups, unsigned n)
{
    const int room = NEWS_BUFFER;

    if (!netlink_open(nl, protocol))
        return false;
    (void)fcntl(nl->fd, F_SETFL, O_NONBLOCK);
    (void)setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    for (unsigned i = 0; i < n; i++)
        if (!join(nl, groups[i]) && i == 0)
            return false;
    return true;
}

bool watch_open(struct watch *w)
{
    static const int routes[] = {RTNLGRP_LINK,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
                                 RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
                                 RTNLGRP_IPV6_RULE};
    static const int tables[] = {NFNLGRP_NFTABLES};

    if (!open_socket(&w->routes, NETLINK_ROUTE, routes, sizeof(routes) / sizeof(routes[0])))
        return false;
    if (!open_socket(&w->tables, NETLINK_NETFILTER, tables, 1))
        netlink_close(&w->tables);
    return true;
}

void watch_close(struct watch *w)
{
    netlink_close(&w->routes);
    netlink_close(&w->tables);
}

/* ---- messages --------------------------------------------------------------- */

struct message {
    struct nlmsghdr h;
    const uint8_t *p; /* from the header on */
    size_t n;
};

static bool family_header(const struct message *m, void *out, size_t n)
{
    if (m->n < sizeof(m->h) + n)
        return false;
    memcpy(out, m->p + sizeof(m->h), n);
    return true;
}

static uint32_t number_of(struct nl_attrs all, uint16_t type, uint32_t otherwise)
{
    const struct nl_attrs a = nl_attr_find(all, type);
    uint32_t v = otherwise;

    if (a.n == sizeof(v))
        memcpy(&v, a.p, sizeof(v));
    return v;
}

static uint8_t family_of(uint8_t af)
{
    return af == AF_INET ? CV_IPV4 : af == AF_INET6 ? CV_IPV6 : CV_ANY_FAMILY;
}

static void take_prefix(struct news *n, uint8_t af, struct nl_attrs addr, uint8_t len)
{
    n->family = n->to.addr.family = family_of(af);
    n->to.len = len;
    if (n->family != CV_ANY_FAMILY && addr.n == addr_len(n->family))
        n->to.addr = addr_make(n->family, addr.p);
}

static bool read_link(struct news *n, const struct message *m)
{
    struct ifinfomsg h;

    if (!family_header(m, &h, sizeof(h)) || h.ifi_family != AF_UNSPEC)
        return false;
    n->kind = NEWS_LINK;
    n->gone = m->h.nlmsg_type == RTM_DELLINK;
    n->ifindex = (unsigned)h.ifi_index;
    n->up = (h.ifi_flags & IFF_UP) != 0;
    n->mtu = number_of(nl_attrs_of(m->p, m->n, sizeof(h)), IFLA_MTU, 0);
    return true;
}

static bool read_addr(struct news *n, const struct message *m)
{
    struct ifaddrmsg h;
    struct nl_attrs all, local;

    if (!family_header(m, &h, sizeof(h)))
        return false;
    all = nl_attrs_of(m->p, m->n, sizeof(h));
    local = nl_attr_find(all, IFA_LOCAL);
    n->kind = NEWS_ADDR;
    n->gone = m->h.nlmsg_type == RTM_DELADDR;
    n->ifindex = h.ifa_index;
    take_prefix(n, h.ifa_family, local.n > 0 ? local : nl_attr_find(all, IFA_ADDRESS),
                h.ifa_prefixlen);
    return true;
}

static bool read_route(struct news *n, const struct message *m)
{
    struct nl_attrs all;
    struct rtmsg h;

    if (!family_header(m, &h, sizeof(h)) || (h.rtm_flags & RTM_F_CLONED) != 0)
        return false;
    all = nl_attrs_of(m->p, m->n, sizeof(h));
    n->kind = NEWS_ROUTE;
    n->gone = m->h.nlmsg_type == RTM_DELROUTE;
    n->table = number_of(all, RTA_TABLE, h.rtm_table);
    n->ifindex = number_of(all, RTA_OIF, 0);
    take_prefix(n, h.rtm_family, nl_attr_find(all, RTA_DST), h.rtm_dst_len);
    return true;
}

static bool read_rule(struct news *n, const struct message *m)
{
    struct fib_rule_hdr h;

    if (!family_header(m, &h, sizeof(h)))
        return false;
    n->kind = NEWS_RULE;
    n->family = family_of(h.family);
    n->gone = m->h.nlmsg_type == RTM_DELRULE;
    n->priority = number_of(nl_attrs_of(m->p, m->n, sizeof(h)), FRA_PRIORITY, 0);
    return true;
}

/* Elements come and go in sets of others all the time: tables, chains and rules that go say
 * enough. */
static bool read_table(struct news *n, const struct message *m)
{
    static const struct {
        uint16_t type, table;
    } names[] = {
        {NFT_MSG_DELTABLE,   NFTA_TABLE_NAME         },
        {NFT_MSG_DELCHAIN,   NFTA_CHAIN_TABLE        },
        {NFT_MSG_DELRULE,    NFTA_RULE_TABLE         },
        {NFT_MSG_DELSET,     NFTA_SET_TABLE          },
        {NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_TABLE},
    };
    const struct nl_attrs all = nl_attrs_of(m->p, m->n, sizeof(struct nfgenmsg));

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct nl_attrs name = nl_attr_find(all, names[i].table);

        if ((m->h.nlmsg_type & 0xff) != names[i].type || name.n == 0 ||
            name.n > sizeof(n->name))
            continue;
        n->kind = NEWS_TABLE;
        n->gone = true;
        memcpy(n->name, name.p, name.n);
        n->name[sizeof(n->name) - 1] = '\0';
        return true;
    }
    return false;
}

static bool read_message(struct news *n, const struct message *m, bool tables)
{
    *n = (struct news){.author = m->h.nlmsg_pid};
    if (tables)
        return m->h.nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && read_table(n, m);
    switch (m->h.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return read_link(n, m);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return read_addr(n, m);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return read_route(n, m);
    case RTM_NEWRULE:
    case RTM_DELRULE:
        return read_rule(n, m);
    default:
        return false;
    }
}

void watch_read(struct watch *w, int fd, unsigned most,
                void (*take)(void *ctx, const struct news *n), void *ctx)
{
    static const struct news lost = {.kind = NEWS_LOST};
    uint8_t buf[DATAGRAM_MAX];

    while (most-- > 0) {
        const ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
        struct nl_walk walk = {buf, got > 0 ? (size_t)got : 0};
        struct message m;
        struct news n;

        if (got < 0 && errno == ENOBUFS) {
            take(ctx, &lost);
            continue;
        }
        if (got <= 0)
            return;
        while (nl_walk_next(&walk, &m.h, &m.p, &m.n))
            if (read_message(&n, &m, fd == w->tables.fd))
                take(ctx, &n);
    }
}
