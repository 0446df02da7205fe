/* Events for the host, and what it is told of SAs that have ended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_EVENT_H
#define PEER_EVENT_H

#include "peer/child_sa.h"

/* p NULL: an event of the engine.  NULL when there is no room. */
struct cv_effect *event_put(struct core *core, uint8_t kind, const struct peer *p,
                            enum cv_err err);
void event_child(struct core *core, uint8_t kind, const struct peer *p,
                 const struct child_sa *c, enum cv_err err);
/* to goes on in from's place. */
void event_rekeyed(struct core *core, const struct peer *from, struct peer *to);
/* p has ended, all its Child SAs have: its address goes back, the host is told, its slot waits
 * meanwhile. */
void event_sa_ended(struct core *core, struct peer *p);
/* The next effect for the host, what has ended included; false when all is told. What has ended
 * is in the queues of the told by then, for its slots to be given back.  */
bool event_next(struct core *core, struct cv_effect *fx);

#endif
