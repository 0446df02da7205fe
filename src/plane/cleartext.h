/* Packets that come in the clear though policy protects them: netfilter hands over what comes
 * from protected addresses outside the tunnel, the engine judges.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_CLEARTEXT_H
#define PLANE_CLEARTEXT_H

#include "linux/kernel/nfqueue.h"
#include "plane/netio.h"

struct cleartext {
    struct nfqueue queue;
    struct netlink nft; /* the table lives as long as this socket */
    struct event *event;
    struct netio *io; /* engine, clock, buffers */
};

void cleartext_init(struct cleartext *c);
/* Begins to watch.  io is started and outlives c.  False: this kernel cannot, or somebody is in
 * the way; the problem says what to do. */
bool cleartext_start(struct cleartext *c, struct netio *io, struct event_base *base,
                     struct problem *why);
void cleartext_stop(struct cleartext *c);

#endif
