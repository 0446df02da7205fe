/* The TUN device: inner IP packets to and from the kernel, without packet information.  Where
 * the kernel can, it hands over large TCP and UDP packets that are cut here (TSO, USO), and
 * takes such as are put together here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_TUN_H
#define LINUX_NET_TUN_H

#include <net/if.h>

#include "linux/net/batch.h"
#include "linux/net/cut.h"
#include "linux/net/merge.h"

struct tun {
    int fd; /* -1: not open */
    unsigned index;
    char name[IFNAMSIZ];
    bool vnet;      /* packets have a virtio_net_hdr in front */
    bool tso, uso;  /* and may be large: TCP, UDP */
    struct cut cut; /* a large packet of which segments are still to come */
    struct merge merge;
};

/* Makes the device; pattern may hold one %d.  It stays down: see route_link_up.  Offloads are
 * what the kernel has of them; without offload, none.  False with errno set. */
bool tun_open(struct tun *t, const char *pattern, bool offload);
void tun_close(struct tun *t);

/* Reads what is waiting, up to BATCH_MAX packets; 0 when there is nothing.  Where tun_has_more,
 * the rest of a large packet is there at once, whatever the descriptor says. */
unsigned tun_recv(struct tun *t, struct batch *b);
bool tun_has_more(const struct tun *t);
/* Hands one packet to the kernel.  False with errno set. */
bool tun_send(struct tun *t, const struct cv_packet *p);
/* Hands those of n packets that are CV_DELIVER to the kernel, put together where they may be;
 * in order within a flow.  Their headers may be written over.  Returns how many did not go,
 * errno is the latest reason. */
unsigned tun_deliver(struct tun *t, const struct cv_packet *pkts, unsigned n);

#endif
