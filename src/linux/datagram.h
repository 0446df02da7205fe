/* What UDP and raw sockets share: options, control messages, batches of system calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_DATAGRAM_H
#define LINUX_DATAGRAM_H

#include "linux/batch.h"

/* A non-blocking socket that reports local addresses and TOS, fragments freely and carries
 * mark.  -1 with errno set. */
int datagram_open(uint8_t family, int type, int protocol, uint32_t mark);

/* Fills b->pkts: len, remote, local.addr, tos.  Returns how many. */
unsigned datagram_recv(int fd, struct batch *b);

/* See udp_send.  raw: the kernel must not see a port. */
unsigned datagram_send(int fd, struct batch *b, const uint8_t *index, unsigned n, bool raw);

bool datagram_send_one(int fd, const struct cv_endpoint *local,
                       const struct cv_endpoint *remote, uint8_t tos, struct cv_span data,
                       bool raw);

#endif
