/* Packets that policy sends as they are: out by raw sockets, headers included, marked so that
 * the routes into the TUN device do not see them again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_BYPASS_H
#define LINUX_NET_BYPASS_H

#include <culvert/packet.h>

#include "linux/kernel/nl.h"

struct bypass {
    int fd4, fd6; /* -1: not open */
    /* Which device leads to the destination asked for last. */
    struct cv_addr to;
    unsigned ifindex;
    uint64_t asked_ms;
};

/* Needs CAP_NET_RAW.  False with errno set when there is not even IPv4. */
bool bypass_open(struct bypass *b);
void bypass_close(struct bypass *b);

/* Sends a whole IP packet whose headers are right, in fragments if it is too long for its path:
 * whatever the DF bit says.  Its sender knew only the TUN device's MTU, which may stand for
 * none at all (ROUTE_MTU_WHOLE).
 *
 * ELOOP: the way out is the device tun itself, by an operator's own rule or route.  Such a
 * packet would go round for ever. */
bool bypass_send(struct bypass *b, struct netlink *nl, unsigned tun, struct cv_packet *p,
                 uint64_t now_ms);

#endif
