/* One UDP socket for IKE and ESP-in-UDP, of one family and port.  It tells which local
 * address a datagram came to, sends from the address asked for, and carries the TOS
 * octet both ways.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_UDPSOCK_H
#define LINUX_NET_UDPSOCK_H

#include "linux/net/datagram.h"

struct udp_sock {
    int fd;         /* -1: not open */
    uint8_t family; /* CV_IPV4, CV_IPV6 */
    uint8_t carrier;
    uint16_t port;
    bool gro; /* datagrams come put together */
    struct datagram_way way;
};

/* Binds to every address of the family.  mark, when not 0, is put on what the socket sends,
 * so that routing rules keep it out of the tunnel.  False with errno set. */
bool udp_open(struct udp_sock *s, uint8_t family, uint16_t port, uint8_t carrier,
              uint32_t mark);
/* From now on several datagrams of a flow come and go in one call, as far as the kernel can. */
void udp_offload(struct udp_sock *s);
void udp_close(struct udp_sock *s);

/* Receives up to BATCH_MAX datagrams; 0 when nothing is waiting. */
unsigned udp_recv(struct udp_sock *s, struct batch *b);

/* Sends b's packets listed in index, in order; returns how many the kernel took.  errno is
 * the last refusal's. */
unsigned udp_send(struct udp_sock *s, struct batch *b, const uint8_t *index, unsigned n);

/* Sends one datagram.  False with errno set. */
bool udp_send_one(struct udp_sock *s, const struct cv_endpoint *local,
                  const struct cv_endpoint *remote, uint8_t tos, struct cv_span data);

#endif
