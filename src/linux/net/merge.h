/* TCP and UDP packets that follow each other in one flow, put together for one write to the TUN
 * device: what the kernel calls generic receive offload, done before it.
 *
 * A packet joins others only where the kernel's own segmentation of the whole would give the
 * same packets back, and its checksum has been seen to be right: what was damaged before it
 * came into the tunnel stays damaged.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_MERGE_H
#define LINUX_NET_MERGE_H

#include <sys/uio.h>

#include <culvert/packet.h>

#include "linux/net/vnet.h"

enum { MERGE_RUNS = 8, MERGE_MAX = 64 };

/* Packets of one flow. */
struct merge_run {
    const struct cv_packet *pkts[MERGE_MAX];
    unsigned n;
    size_t l4, head,
        size;   /* of the first: where TCP or UDP and the payload begin, octets of it */
    size_t len; /* of the whole */
    uint8_t proto;
    bool closed;  /* nothing may follow */
    bool checked; /* the first one's checksum is right */
};

struct merge {
    struct merge_run runs[MERGE_RUNS];
    unsigned n;
    bool udp; /* the kernel takes UDP put together */
    /* Hands one packet to the kernel, with what it is to know of it; false: it did not go. */
    bool (*write)(void *ctx, const struct iovec *iov, int n);
    void *ctx;
    unsigned lost; /* packets that did not go */
};

void merge_begin(struct merge *m);

/* p goes, now or with others, in order with those of its flow; it stays where it is until
 * merge_end. */
void merge_packet(struct merge *m, const struct cv_packet *p);
void merge_end(struct merge *m);

#endif
