/* The out-queue: effects as values, in the order they arose.
 *
 * A slot keeps references to the message buffers its spans point into; they are let go
 * at the next call into the engine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_EFFECT_H
#define PEER_EFFECT_H

#include <culvert/engine.h>

#include "peer/msg.h"

struct effect_slot {
    struct cv_effect fx;
    uint32_t msg[2]; /* references, or POOL_NONE */
    uint32_t at;     /* CV_SEND: offset of the next datagram in msg[0] */
};

struct effects {
    struct effect_slot *slots;
    uint32_t cap;
    uint32_t held;        /* taken by the host, references not let go yet */
    uint32_t head;        /* next to be taken */
    uint32_t used;        /* from head on */
    uint32_t n_questions; /* of those used: what the host is asked; each answer needs room */
};

void effects_carve(struct effects *q, struct arena *a, uint32_t cap);
/* How many of those waiting or held are about conn. */
uint32_t effects_about(const struct effects *q, const struct cv_conn *conn);
uint32_t effects_room(const struct effects *q);
/* The new last slot, cleared but for its kind; NULL when full. */
struct effect_slot *effects_put(struct effects *q, uint8_t kind);
/* Lets go of what the host has taken. */
void effects_release(struct effects *q, struct msgs *m);
/* Takes the oldest; a CV_SEND slot stays until its last datagram was taken. */
bool effects_take(struct effects *q, const struct msgs *m, struct cv_effect *out);

#endif
