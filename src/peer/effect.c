/* The out-queue; see effect.h.
 *
 * Ring: [held slots][waiting slots][free]; held + used never exceeds cap.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/effect.h"

#include <string.h>

void effects_carve(struct effects *q, struct arena *a, uint32_t cap)
{
    void *slots = arena_take(a, cap, sizeof(*q->slots));

    if (slots == NULL)
        return;
    memset(q, 0, sizeof(*q));
    q->slots = slots;
    q->cap = cap;
}

uint32_t effects_room(const struct effects *q)
{
    return q->cap - q->used - q->held;
}

static struct effect_slot *slot_at(const struct effects *q, uint32_t i)
{
    return &q->slots[i % q->cap];
}

uint32_t effects_about(const struct effects *q, const struct cv_conn *conn)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < q->used + q->held; i++)
        n += slot_at(q, q->head + q->cap - q->held + i)->fx.conn == conn;
    return n;
}

static bool is_question(uint8_t kind)
{
    return kind >= CV_NEED_PSK && kind <= CV_NEED_ADDRESS;
}

struct effect_slot *effects_put(struct effects *q, uint8_t kind)
{
    struct effect_slot *s;

    if (effects_room(q) == 0)
        return NULL;
    s = slot_at(q, q->head + q->used);
    memset(s, 0, sizeof(*s));
    s->msg[0] = POOL_NONE;
    s->msg[1] = POOL_NONE;
    s->fx.kind = kind;
    q->used++;
    q->n_questions += is_question(kind);
    return s;
}

void effects_release(struct effects *q, struct msgs *m)
{
    for (; q->held > 0; q->held--) {
        struct effect_slot *s = slot_at(q, q->head + q->cap - q->held);

        msg_unref(m, &s->msg[0]);
        msg_unref(m, &s->msg[1]);
    }
}

static void advance(struct effects *q)
{
    q->n_questions -= is_question(slot_at(q, q->head)->fx.kind);
    q->head = (q->head + 1) % q->cap;
    q->used--;
    q->held++;
}

bool effects_take(struct effects *q, const struct msgs *m, struct cv_effect *out)
{
    while (q->used > 0) {
        struct effect_slot *s = slot_at(q, q->head);
        const struct msg *b = s->msg[0] == POOL_NONE ? NULL : msg_at(m, s->msg[0]);
        bool marker = s->fx.u.send.carrier == CV_UDP_4500;

        *out = s->fx;
        if (s->fx.kind != CV_SEND || b == NULL) {
            advance(q);
            return true;
        }
        if (msg_next_part(b, &s->at, marker, &out->u.send.data)) {
            if (s->at >= b->len)
                advance(q);
            return true;
        }
        advance(q);
    }
    return false;
}
