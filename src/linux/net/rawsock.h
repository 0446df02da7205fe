/* One raw socket of one family, for ESP without UDP (IP protocol 50) or for AH (51).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_RAWSOCK_H
#define LINUX_NET_RAWSOCK_H

#include "linux/net/datagram.h"

struct raw_sock {
    int fd; /* -1: not open */
    uint8_t family;
    uint8_t carrier; /* CV_RAW_ESP or CV_RAW_AH */
    struct datagram_way way;
};

/* Needs CAP_NET_RAW.  False with errno set. */
bool raw_open(struct raw_sock *s, uint8_t family, uint8_t carrier, uint32_t mark);
void raw_close(struct raw_sock *s);

/* ESP starts behind the IP header, whatever the family, with head as far as the kernel tells;
 * AH comes with that header and what is between, which for IPv6 is built anew.  Where that is
 * not possible the packet is empty. */
unsigned raw_recv(struct raw_sock *s, struct batch *b);
/* As many as the kernel took; errno is the last refusal's.  AH packets too long for the path
 * are fragmented here unless df is set: the kernel does not do it where the sender has written
 * the header.  Nor where IPv6 extension headers are in front of AH: those are not fragmented at
 * all. */
unsigned raw_send(struct raw_sock *s, struct batch *b, const uint8_t *index, unsigned n);

#endif
