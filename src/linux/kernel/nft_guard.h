/* An nf_tables table that lets nothing to protected networks leave but by our device: routes
 * bring packets to the tunnel, this keeps those that a missing route, rule or device would let
 * past it.
 *
 *     table inet NAME {                            # flags owner, unless it is to outlive us
 *         set v4 { type mark . ipv4_addr }         # length of a prefix . prefix; v6 likewise
 *         chain out {
 *             type filter hook postrouting priority 99;
 *             mark 0xdc accept                     # our own sockets
 *             oifname { lo, DEVICE } accept
 *             fib daddr type broadcast accept      # what no router forwards, and DHCP
 *             ip daddr 224.0.0.0/24 accept; ip6 daddr { ff02::/16, fe80::/10 } accept
 *             udp sport 68 dport 67 accept; udp sport 546 dport 547 accept
 *             icmpv6 type 133-137 accept
 *             jump first; jump pass; jump last     # shunts
 *             ip daddr & MASK of 24 . 24 @v4 counter drop    # one for each length in use
 *         }
 *     }
 *
 * One set for all lengths, so prefixes may lie in each other, and adding one costs the same
 * however many there are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_NFT_GUARD_H
#define LINUX_KERNEL_NFT_GUARD_H

#include "linux/kernel/routes.h"

struct nft_guard {
    char table[32];
    char device[IFNAMSIZ]; /* names that begin so, when it ends with *; else this one */
    bool outlives;         /* stays when the socket is closed */
};

/* All return 0 or an errno.  nl is a socket of NETLINK_NETFILTER. */

/* The table with its chains, empty ones.  One that outlived its daemon keeps its elements when
 * it is to outlive this one, too, and goes otherwise. */
int nft_guard_install(struct netlink *nl, const struct nft_guard *g);
/* Has packets of a family looked up by prefixes of that length; once for each. */
int nft_guard_length(struct netlink *nl, const struct nft_guard *g, uint8_t family,
                     uint8_t len);
/* What is there already, or gone already, is no error. */
int nft_guard_add(struct netlink *nl, const struct nft_guard *g, const struct prefix *to);
int nft_guard_del(struct netlink *nl, const struct nft_guard *g, const struct prefix *to);
/* A shunt passes, or leaves by the device or not at all. */
int nft_guard_shunt(struct netlink *nl, const struct nft_guard *g, const struct route_shunt *s);
int nft_guard_forget_shunts(struct netlink *nl, const struct nft_guard *g);
/* Each prefix in the table. */
int nft_guard_list(struct netlink *nl, const struct nft_guard *g,
                   void (*take)(void *ctx, const struct prefix *to), void *ctx);
/* ENOENT: there is none. */
int nft_guard_remove(struct netlink *nl, const struct nft_guard *g);

#endif
