/* What UDP and raw sockets share: options, control messages, batches of system calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_DATAGRAM_H
#define LINUX_NET_DATAGRAM_H

#include "linux/net/batch.h"

/* A non-blocking socket that reports local addresses and TOS, fragments freely and carries
 * mark.  -1 with errno set. */
int datagram_open(uint8_t family, int type, int protocol, uint32_t mark);

/* Fills b->pkts: len, remote, local.addr, tos.  Returns how many. */
unsigned datagram_recv(int fd, struct batch *b);

/* Turns the DF bit on or off for what is sent from now on; now is what the socket does
 * already.  With DF, what does not fit the path as the kernel knows it is EMSGSIZE; without,
 * the kernel fragments.  IPv6 has no such bit, and there the kernel always fragments. */
void datagram_set_df(int fd, uint8_t family, bool *now, bool df);

/* The path's MTU as the kernel knows it; 0: it does not. */
unsigned datagram_path_mtu(const struct cv_addr *to, uint32_t mark);

/* See udp_send.  raw: the kernel must not see a port.  now: of datagram_set_df.  A packet that
 * is too long for its path gets CV_ERR_TOO_BIG. */
unsigned datagram_send(int fd, struct batch *b, const uint8_t *index, unsigned n, bool raw,
                       bool *now);

bool datagram_send_one(int fd, const struct cv_endpoint *local,
                       const struct cv_endpoint *remote, uint8_t tos, struct cv_span data,
                       bool raw);

#endif
