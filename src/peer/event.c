/* Events for the host, and the end of what has been told.
 *
 * Freed addresses come first, then the queue; then each ended Child SA and each ended IKE
 * SA is announced from the dead lists, which need no room in the queue.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/event.h"

struct cv_effect *event_put(struct core *core, uint8_t kind, const struct peer *p,
                            enum cv_err err)
{
    struct effect_slot *s = effects_put(&core->fx, CV_EVENT);

    if (s == NULL) {
        core->stats.errors[CV_ERR_BUSY]++;
        return NULL;
    }
    s->fx.ike = p == NULL ? 0 : p->id;
    s->fx.conn = p == NULL ? NULL : p->conn;
    s->fx.u.event.kind = kind;
    s->fx.u.event.err = err;
    if (p != NULL) {
        s->fx.u.event.local = p->local;
        s->fx.u.event.remote = p->remote;
    }
    return &s->fx;
}

void event_child(struct core *core, uint8_t kind, const struct peer *p,
                 const struct child_sa *c, enum cv_err err)
{
    struct cv_effect *fx = event_put(core, kind, p, err);

    if (fx == NULL)
        return;
    fx->u.event.child = c->id;
    fx->u.event.child_cfg = c->cfg;
}

static void fill_down(struct cv_effect *fx, uint8_t kind, const struct peer *p,
                      enum cv_err reason)
{
    *fx = (struct cv_effect){.kind = CV_EVENT, .ike = p->id, .conn = p->conn};
    fx->u.event.kind = kind;
    fx->u.event.err = reason;
    fx->u.event.local = p->local;
    fx->u.event.remote = p->remote;
}

/* Announces one ended Child SA. */
static bool next_dead_child(struct core *core, struct cv_effect *fx)
{
    for (uint32_t i = core->dead_children; i != POOL_NONE; i = child_at(core, i)->next) {
        struct child_sa *c = child_at(core, i);

        if (c->quiet)
            continue;
        c->quiet = true;
        fill_down(fx, c->installed ? CV_EV_CHILD_DOWN : CV_EV_CHILD_FAILED,
                  peer_at(core, c->ike), c->reason);
        if (!c->installed && c->reason >= CV_ERR_CRITICAL && c->reason <= CV_ERR_SINGLE_PAIR)
            fx->u.event.notify = notify_of_err(c->reason);
        fx->u.event.child = c->id;
        fx->u.event.child_cfg = c->cfg;
        return true;
    }
    return false;
}

/* The event that gives this number to a rekeyed SA still waits: until the host has it, the
 * lease is known by the old number. */
static bool is_news(const struct core *core, uint32_t id)
{
    for (uint32_t i = 0; i < core->fx.used; i++) {
        const struct cv_effect *fx = &core->fx.slots[(core->fx.head + i) % core->fx.cap].fx;

        if (fx->kind == CV_EVENT && fx->u.event.kind == CV_EV_IKE_REKEYED &&
            fx->u.event.ike_new == id)
            return true;
    }
    return false;
}

/* An address goes back before anybody asks for one: the next SA of the same device wants it. */
static bool next_freed_lease(struct core *core, struct cv_effect *fx)
{
    for (uint32_t i = core->dead_sas; i != POOL_NONE; i = peer_at(core, i)->dead_next) {
        struct peer *p = peer_at(core, i);

        if (!p->has_lease || is_news(core, p->id))
            continue;
        p->has_lease = false;
        *fx = (struct cv_effect){.kind = CV_FREE_ADDRESS, .ike = p->id, .conn = p->conn};
        return true;
    }
    return false;
}

/* Announces one ended IKE SA. */
static bool next_dead_sa(struct core *core, struct cv_effect *fx)
{
    for (uint32_t i = core->dead_sas; i != POOL_NONE; i = peer_at(core, i)->dead_next) {
        struct peer *p = peer_at(core, i);

        if (p->quiet)
            continue;
        p->quiet = true;
        fill_down(fx, CV_EV_IKE_DOWN, p, p->reason);
        return true;
    }
    return false;
}

/* The next of the queue, but for questions whose SA has ended: nobody waits for the answer,
 * and what they show may be gone. */
static bool next_queued(struct core *core, struct cv_effect *fx)
{
    while (effects_take(&core->fx, &core->msgs, fx)) {
        if (fx->question == 0 || htab_get(&core->questions, fx->question) != HTAB_NONE)
            return true;
    }
    return false;
}

bool event_next(struct core *core, struct cv_effect *fx)
{
    return next_freed_lease(core, fx) || next_queued(core, fx) || next_dead_child(core, fx) ||
           next_dead_sa(core, fx);
}
