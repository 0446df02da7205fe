/* What an IKE SA is whatever the version of IKE: its number, where it leads, whose it is, its
 * Child SAs, its times and its end.  The rest of the slot is the version's own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include <culvert/engine.h>

#include "base/timer.h"

/* The timers of an SA and of a Child SA both start with this, so that the wheel's node tells
 * its owner. */
struct peer_timer {
    struct timer node; /* first: the wheel hands back its address */
    bool is_child;
};

struct peer {
    struct peer_timer timer; /* first */
    uint32_t id;
    uint8_t carrier;
    bool initiator;       /* of the first exchange, or of the rekey that made this SA */
    bool first_initiator; /* of the very first exchange: asks for addresses, reauthenticates */
    bool nat_local, nat_remote, encap;
    bool quiet;         /* closes without an event: it was replaced */
    bool half_open;     /* counted as such */
    bool is_listed;     /* in the dead list */
    bool has_lease;     /* responder: the host assigned an address to this SA */
    enum cv_err reason; /* why it closed */
    const struct cv_conn *conn;
    struct cv_endpoint local, remote;
    struct cv_id remote_id;
    struct cv_addr vip4, vip6;
    uint32_t children; /* first Child SA, or POOL_NONE */
    uint32_t n_children;
    uint32_t same_id_next, same_id_prev; /* others with this remote identity */
    uint32_t dead_next;
    uint64_t up_ms, rekey_ms, reauth_ms, hard_ms;
    uint64_t last_in_ms, last_out_ms;
};

#endif
