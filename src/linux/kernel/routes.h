/* Routes into the tunnel, addresses on it, and the rule that keeps our own packets out.
 *
 * Protected networks are routed in a table of their own, looked at before the main one:
 *
 *     ip rule: 220: not from all fwmark 0xdc lookup 220
 *
 * Our sockets mark what they send with ROUTE_MARK, so IKE and ESP to a peer inside a
 * protected network (or behind 0.0.0.0/0) still leave through the main table and never loop.
 * The numbers are the ones strongSwan's users know.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_ROUTES_H
#define LINUX_KERNEL_ROUTES_H

#include <net/if.h>

#include <culvert/types.h>

#include "linux/kernel/nl.h"

enum { ROUTE_TABLE = 220, ROUTE_ASK_TABLE, ROUTE_RULE_PRIORITY = 220, ROUTE_MARK = 0xdc };

struct prefix {
    struct cv_addr addr;
    uint8_t len;
};

bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_has(const struct prefix *p, const struct cv_addr *a);

/* The fewest prefixes that are exactly lo..hi of ts; returns how many, at most max.  When max
 * is too small the last one covers the rest. */
enum { PREFIXES_MAX = 254 }; /* what the worst range of IPv6 addresses takes */
unsigned prefixes_of(struct prefix *out, unsigned max, const struct cv_ts *ts);

/* How a destination is reached through the device. */
struct route_via {
    struct cv_addr src; /* what local programs get; family 0: the kernel's choice */
    /* not 0: packets come whole, of any size, while TCP announces segments of this size.
     * Transport mode carries no fragments (RFC 4303 section 3.1.1), so the kernel must not
     * make any for the device's MTU. */
    uint16_t whole_mss;
};

enum { ROUTE_MTU_WHOLE = 65400 }; /* leaves room for what is put around a packet */

bool route_via_equal(const struct route_via *a, const struct route_via *b);

/* All return 0 or an errno.  What is there already, or gone already, is no error; but the ones
 * that end in put say EEXIST when there was nothing to do. */
int route_rule_put(struct netlink *nl, uint8_t family);
int route_addr_put(struct netlink *nl, unsigned ifindex, const struct prefix *addr);
int route_rule_add(struct netlink *nl, uint8_t family);
int route_rule_del(struct netlink *nl, uint8_t family);
/* Does our table lead into other devices than ours?  Another daemon's, which needs the rule. */
bool route_table_shared(struct netlink *nl, uint8_t family, unsigned ifindex);
int route_add(struct netlink *nl, unsigned ifindex, const struct prefix *to,
              const struct route_via *via);
int route_del(struct netlink *nl, unsigned ifindex, const struct prefix *to,
              const struct route_via *via);
/* Each route of table 220. */
struct route_entry {
    struct prefix to;
    struct route_via via;
    unsigned ifindex;
};
int route_list(struct netlink *nl, uint8_t family,
               void (*take)(void *ctx, const struct route_entry *e), void *ctx);
int route_addr_add(struct netlink *nl, unsigned ifindex, const struct prefix *addr);
int route_addr_del(struct netlink *nl, unsigned ifindex, const struct prefix *addr);
int route_link_up(struct netlink *nl, unsigned ifindex, unsigned mtu);

/* Traffic that policy passes around the tunnels, or that must not leave in the clear:
 *
 *     216: from all fwmark 0xdc goto 218
 *     217: from FROM to TO ipproto P sport A-B dport C-D lookup 221
 *     218: nop
 *     219: from FROM to TO ... lookup main
 *     220: not from all fwmark 0xdc lookup 220
 *     221: from all fwmark 0xdc goto 223
 *     222: from FROM to TO ... prohibit, or lookup 221
 *     223: nop
 *
 * so a pass is stronger than any tunnel, and a drop is for what no tunnel takes.  Table 221
 * leads into the device, for what rules cannot tell: there the policies are exact.  The gotos
 * and nops come with the first rule between them. */
enum route_shunt_kind {
    ROUTE_PASS,      /* 219 */
    ROUTE_DROP,      /* 222 */
    ROUTE_ASK_FIRST, /* 217: the device, before all else */
    ROUTE_ASK_LAST   /* 222: the device, when no tunnel's route leads there anyway */
};

struct route_shunt {
    struct prefix from, to;                          /* of one family; len 0: any */
    uint8_t kind;                                    /* route_shunt_kind */
    uint8_t proto;                                   /* 0: any */
    uint16_t sport_lo, sport_hi, dport_lo, dport_hi; /* 0 to 65535: any */
};

int route_shunt_put(struct netlink *nl, const struct route_shunt *s);
int route_past_put(struct netlink *nl, uint8_t family, bool first);
int route_shunt_add(struct netlink *nl, const struct route_shunt *s);
int route_shunt_del(struct netlink *nl, const struct route_shunt *s);
/* Packets of our own sockets go past rules 217, or 222. */
int route_past_add(struct netlink *nl, uint8_t family, bool first);
int route_past_del(struct netlink *nl, uint8_t family, bool first);
/* In table 221, with src (family 0: the kernel's choice) for local programs; ends with the
 * device. */
int route_ask_add(struct netlink *nl, unsigned ifindex, const struct prefix *to,
                  const struct cv_addr *src);

/* The source address the kernel would take towards to for packets with mark, and, when
 * ifindex is not NULL, the device, or 0.  ENETUNREACH and the like when there is no way;
 * EADDRNOTAVAIL when only the source is missing. */
int route_source(struct netlink *nl, const struct cv_addr *to, uint32_t mark,
                 struct cv_addr *out, unsigned *ifindex);

/* Whether the kernel drops IPv4 packets that come in by this device when the way back to
 * their source leads elsewhere (rp_filter = 1, RFC 3704 section 2.2). */
bool route_filters_strictly(unsigned ifindex, char name[IFNAMSIZ]);

/* Addresses of this host, those of links and of loopback left out, on devices that are up, but
 * for the one called so; returns how many of them there was room for. */
unsigned route_own_addrs(struct cv_addr *out, unsigned max, const char *but);

/* An address of this host inside prefix: what protected traffic of our own should carry. */
bool route_local_addr(const struct prefix *within, struct cv_addr *out);

#endif
