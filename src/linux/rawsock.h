/* One raw socket for ESP without UDP (IP protocol 50), of one family.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_RAWSOCK_H
#define LINUX_RAWSOCK_H

#include "linux/batch.h"

struct raw_sock {
    int fd; /* -1: not open */
    uint8_t family;
    uint8_t carrier; /* CV_RAW_ESP or CV_RAW_AH */
};

/* Needs CAP_NET_RAW.  False with errno set. */
bool raw_open(struct raw_sock *s, uint8_t family, uint8_t carrier, uint32_t mark);
void raw_close(struct raw_sock *s);

/* Packets start behind the IP header, whatever the family. */
unsigned raw_recv(struct raw_sock *s, struct batch *b);
unsigned raw_send(struct raw_sock *s, struct batch *b, const uint8_t *index, unsigned n);

#endif
