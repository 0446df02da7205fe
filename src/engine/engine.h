/* The engine behind include/culvert/engine.h: the IKE side and the data plane of one
 * worker, and what passes between them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "ike/exchange.h"

/* The most effects that one answer of the host leads to. */
enum { EFFECTS_PER_ANSWER = 6 };

struct cv_engine {
    struct ike ike; /* ike.ipsec is the data plane */
};

/* Every call begins here: time moves on, what the host has taken is let go. */
void engine_enter(struct cv_engine *e, uint64_t now_ms);

/* packet.c, for what the data plane has dealt with.  Counts why pkt was dropped, if it was. */
void engine_count(struct ike *k, const struct cv_packet *pkt);
/* Does what follows from what the SAs on pkt's way have noticed: rekey, delete, move, alarm. */
void engine_act_on(struct ike *k, const struct ipsec_way *way, const struct cv_packet *pkt);

#endif
