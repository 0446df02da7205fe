/* Packets that netfilter hands over and waits for: one queue, in batches.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_NFQUEUE_H
#define LINUX_KERNEL_NFQUEUE_H

#include "linux/kernel/nl.h"
#include "linux/net/batch.h"

struct nfqueue {
    struct netlink nl; /* fd -1: not open */
    uint16_t number;
    uint32_t ids[BATCH_LARGE]; /* of the packets in the batch received last */
};

/* Takes the queue of that number for this network namespace, before any rule sends packets to
 * it.  False with errno; EBUSY: somebody else has it. */
bool nfqueue_open(struct nfqueue *q, uint16_t number);
void nfqueue_close(struct nfqueue *q);

/* Whole IP packets; returns how many, 0 when none waits. */
unsigned nfqueue_recv(struct nfqueue *q, struct batch *b);
/* All n packets received last: those with the verdict CV_BYPASS go on, others are dropped. */
void nfqueue_answer(struct nfqueue *q, const struct batch *b, unsigned n);

#endif
