/* Whole IP packets out, with the header that somebody else has written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_WHOLE_H
#define LINUX_NET_WHOLE_H

#include <culvert/packet.h>

/* A raw socket that sends nothing but such packets, from any source address, with the mark of
 * our own packets.  Needs CAP_NET_RAW.  -1 with errno set. */
int whole_socket(uint8_t family);

/* Sockets of both families for our own packets to peers. */
struct whole {
    int fd4, fd6; /* -1: not open */
    /* How long a packet to the destination asked for last may be; 0: any. */
    struct cv_addr to;
    unsigned mtu;
    uint64_t asked_ms;
};

/* What does not open stays at -1. */
void whole_open(struct whole *w);
void whole_close(struct whole *w);
bool whole_has(const struct whole *w, uint8_t family);

/* Sends p from p->local to p->remote.  What is longer than the path as the kernel knows it goes
 * in fragments, or where p->df is set, not: EMSGSIZE. */
bool whole_send(struct whole *w, struct cv_packet *p, uint64_t now_ms);

/* The same for a packet that a socket refused with EMSGSIZE, in fragments whatever its DF bit
 * says. */
bool whole_fragment(int fd, struct cv_packet *p);

#endif
