/* What UDP and raw sockets share: options, control messages, batches of system calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_DATAGRAM_H
#define LINUX_NET_DATAGRAM_H

#include "linux/net/batch.h"

/* A non-blocking socket that reports local addresses and TOS, fragments freely and carries
 * mark.  -1 with errno set. */
int datagram_open(uint8_t family, int type, int protocol, uint32_t mark);

/* Fills b->pkts: len, remote, local.addr, tos.  Returns how many.  Datagrams that the kernel
 * has put together (UDP_GRO) become packets that share a buffer and have no room in front of
 * them, or copies with room where b->copies.  Where datagram_has_more, the next call gives the
 * rest of what was received, whatever the descriptor says. */
unsigned datagram_recv(int fd, struct batch *b);
bool datagram_has_more(const struct batch *b);

/* The kernel may put together the datagrams of a flow. */
bool datagram_gather(int fd);

/* What a socket does with what it sends. */
struct datagram_way {
    bool df;  /* see datagram_set_df */
    bool gso; /* packets of one size to one peer go in one call (UDP_SEGMENT) */
};

/* Turns the DF bit on or off for what is sent from now on; way says what the socket does
 * already.  With DF, what does not fit the path as the kernel knows it is EMSGSIZE; without,
 * the kernel fragments.  IPv6 has no such bit, and there the kernel always fragments. */
void datagram_set_df(int fd, uint8_t family, struct datagram_way *way, bool df);

/* The path's MTU as the kernel knows it; 0: it does not. */
unsigned datagram_path_mtu(const struct cv_addr *to, uint32_t mark);

/* See udp_send.  raw: the kernel must not see a port.  A packet that is too long for its path
 * gets CV_ERR_TOO_BIG. */
unsigned datagram_send(int fd, struct batch *b, const uint8_t *index, unsigned n, bool raw,
                       struct datagram_way *way);

bool datagram_send_one(int fd, const struct cv_endpoint *local,
                       const struct cv_endpoint *remote, uint8_t tos, struct cv_span data,
                       bool raw);

#endif
