/* Who gives way when a table of SAs is full: those that nobody would miss, oldest first.  An SA
 * is offered for one reason at a time, and kept again when it becomes somebody's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_ROOM_H
#define PEER_ROOM_H

#include "peer/peer.h"

enum room_reason {
    ROOM_LINGERING = 1, /* closed; it only repeats its last response */
    ROOM_REPLACED,      /* rekeyed; the peer has not deleted it yet */
    ROOM_UNPROVEN,      /* half-open; its peer has not said who it is */
    ROOM_REASONS = ROOM_UNPROVEN
};

void room_offer(struct core *core, const struct peer *p, enum room_reason why);
void room_keep(struct core *core, const struct peer *p);
/* The oldest that is offered for this reason, and the next newer one; NULL: no more. */
struct peer *room_oldest(struct core *core, enum room_reason why);
struct peer *room_newer(struct core *core, const struct peer *p);

#endif
