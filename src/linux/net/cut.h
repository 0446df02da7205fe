/* One large TCP or UDP packet that the kernel hands over unsegmented, cut into the packets that
 * it stands for (TSO, USO).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_CUT_H
#define LINUX_NET_CUT_H

#include <culvert/types.h>

#include "linux/net/vnet.h"

struct cut {
    const uint8_t *data; /* the large packet; it stays where it is until all is cut */
    size_t len;
    size_t l4, head; /* where TCP or UDP begins, and where the payload does */
    size_t at, size; /* payload from here on is still to come; octets of it in a segment */
    uint8_t proto;
    uint16_t n; /* segments cut so far */
};

/* False: the packet contradicts what the kernel says of it.  One that needs no cutting is cut
 * in one. */
bool cut_begin(struct cut *c, const struct virtio_net_hdr *say, const uint8_t *data,
               size_t len);

/* Octets of the next segment; 0: all is cut. */
size_t cut_next_len(const struct cut *c);

/* Writes it to out, with checksums. */
void cut_next(struct cut *c, uint8_t *out);

/* A packet that is not to be cut, but whose checksum the kernel has left to us.  False: it is
 * not one. */
bool cut_finish_sum(const struct virtio_net_hdr *say, uint8_t *data, size_t len);

#endif
