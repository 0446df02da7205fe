/* Events for the host, and what it is told of SAs that have ended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_EVENT_H
#define PEER_EVENT_H

#include "peer/child_sa.h"

/* A refusal to be told: of whom (NULL: of none that has an SA), by whom (cv_by), why, and what
 * was asked for. */
struct refusal {
    const struct peer *peer;
    uint8_t kind; /* CV_EV_REJECTED, CV_EV_PEER_NOTIFY, CV_EV_AUTH_FAILED */
    uint8_t by;
    uint16_t notify;
    enum cv_err err;
    struct cv_asked asked;
    uint32_t kept; /* message buffer that asked lies in; POOL_NONE: it is copied, as long as
                      there is room that nobody is short of */
};

/* p NULL: an event of the engine.  NULL when there is no room. */
struct cv_effect *event_put(struct core *core, uint8_t kind, const struct peer *p,
                            enum cv_err err);
void event_child(struct core *core, uint8_t kind, const struct peer *p,
                 const struct child_sa *c, enum cv_err err);
/* kept: message buffer that the lease's attributes lie in. */
void event_address(struct core *core, const struct peer *p, const struct cv_lease *lease,
                   uint32_t kept);
struct cv_effect *event_refusal(struct core *core, const struct refusal *r);
/* to goes on in from's place. */
void event_rekeyed(struct core *core, const struct peer *from, struct peer *to);
/* p has ended, all its Child SAs have: its address goes back, the host is told, its slot waits
 * meanwhile. */
void event_sa_ended(struct core *core, struct peer *p);
/* The next effect for the host, what has ended included; false when all is told. What has ended
 * is in the queues of the told by then, for its slots to be given back.  */
bool event_next(struct core *core, struct cv_effect *fx);

#endif
