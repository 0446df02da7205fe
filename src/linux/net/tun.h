/* The TUN device: inner IP packets to and from the kernel, without packet information
 * and without offloads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_TUN_H
#define LINUX_NET_TUN_H

#include <net/if.h>

#include "linux/net/batch.h"

struct tun {
    int fd; /* -1: not open */
    unsigned index;
    char name[IFNAMSIZ];
};

/* Makes the device; pattern may hold one %d.  It stays down: see route_link_up.
 * False with errno set. */
bool tun_open(struct tun *t, const char *pattern);
void tun_close(struct tun *t);

/* Reads what is waiting, up to BATCH_MAX packets; 0 when there is nothing. */
unsigned tun_recv(struct tun *t, struct batch *b);
/* Hands one packet to the kernel.  False with errno set. */
bool tun_send(struct tun *t, const struct cv_packet *p);

#endif
