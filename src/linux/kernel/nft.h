/* An nf_tables table that hands packets in the clear from protected addresses, and from those
 * that policy lets nothing go to, to a queue (nfqueue.h).
 *
 *     table inet NAME {                     # flags owner: it ends with our socket
 *         chain inbound {
 *             type filter hook prerouting priority -99;
 *             iif { lo, TUN } accept
 *             fib saddr oif != TUN, none accept  # the way back is neither tunnel nor closed
 *             fib daddr type local meta l4proto { esp, ah } accept
 *             fib daddr type local udp dport { 500, 4500 } accept
 *             icmpv6 type 133-137 accept
 *             counter queue to N            # no listener, no way in
 *         }
 *     }
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_NFT_H
#define LINUX_KERNEL_NFT_H

#include "linux/kernel/nl.h"

struct nft_inbound {
    const char *table;
    unsigned tun; /* ifindex of the device that protected networks are routed into */
    uint16_t port, port_nat_t;
    uint16_t queue;
};

/* Installs the table on a socket of NETLINK_NETFILTER: 0 or an errno.  EEXIST: somebody has a
 * table of this name. */
int nft_queue_inbound(struct netlink *nl, const struct nft_inbound *in);

#endif
