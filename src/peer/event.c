/* Events for the host, and the end of what has been told.
 *
 * Freed addresses come first, then the queue; then each ended Child SA and each ended IKE
 * SA is announced from the dead lists, which need no room in the queue; last, their slots
 * are freed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/exchange.h"
#include "ike/question.h"

struct cv_effect *event_put(struct ike *k, uint8_t kind, const struct ike_sa *sa,
                            enum cv_err err)
{
    struct effect_slot *s = effects_put(&k->core.fx, CV_EVENT);

    if (s == NULL) {
        k->core.stats.errors[CV_ERR_BUSY]++;
        return NULL;
    }
    s->fx.ike = sa == NULL ? 0 : sa->peer.id;
    s->fx.conn = sa == NULL ? NULL : sa->peer.conn;
    s->fx.u.event.kind = kind;
    s->fx.u.event.err = err;
    if (sa != NULL) {
        s->fx.u.event.local = sa->peer.local;
        s->fx.u.event.remote = sa->peer.remote;
    }
    return &s->fx;
}

void event_child(struct ike *k, uint8_t kind, const struct ike_sa *sa, const struct child_sa *c,
                 enum cv_err err)
{
    struct cv_effect *fx = event_put(k, kind, sa, err);

    if (fx == NULL)
        return;
    fx->u.event.child = c->id;
    fx->u.event.child_cfg = c->cfg;
}

static void fill_down(struct cv_effect *fx, uint8_t kind, const struct ike_sa *sa,
                      enum cv_err reason)
{
    *fx = (struct cv_effect){.kind = CV_EVENT, .ike = sa->peer.id, .conn = sa->peer.conn};
    fx->u.event.kind = kind;
    fx->u.event.err = reason;
    fx->u.event.local = sa->peer.local;
    fx->u.event.remote = sa->peer.remote;
}

/* Announces one ended Child SA. */
static bool next_dead_child(struct ike *k, struct cv_effect *fx)
{
    for (uint32_t i = k->core.dead_children; i != POOL_NONE; i = child_at(k, i)->next) {
        struct child_sa *c = child_at(k, i);

        if (c->quiet)
            continue;
        c->quiet = true;
        fill_down(fx, c->installed ? CV_EV_CHILD_DOWN : CV_EV_CHILD_FAILED, sa_at(k, c->ike),
                  c->reason);
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
static bool is_news(const struct ike *k, uint32_t id)
{
    for (uint32_t i = 0; i < k->core.fx.used; i++) {
        const struct cv_effect *fx =
            &k->core.fx.slots[(k->core.fx.head + i) % k->core.fx.cap].fx;

        if (fx->kind == CV_EVENT && fx->u.event.kind == CV_EV_IKE_REKEYED &&
            fx->u.event.ike_new == id)
            return true;
    }
    return false;
}

/* An address goes back before anybody asks for one: the next SA of the same device wants it. */
static bool next_freed_lease(struct ike *k, struct cv_effect *fx)
{
    for (uint32_t i = k->core.dead_sas; i != POOL_NONE; i = sa_at(k, i)->peer.dead_next) {
        struct ike_sa *sa = sa_at(k, i);

        if (!sa->peer.has_lease || is_news(k, sa->peer.id))
            continue;
        sa->peer.has_lease = false;
        *fx = (struct cv_effect){
            .kind = CV_FREE_ADDRESS, .ike = sa->peer.id, .conn = sa->peer.conn};
        return true;
    }
    return false;
}

/* Announces one ended IKE SA. */
static bool next_dead_sa(struct ike *k, struct cv_effect *fx)
{
    for (uint32_t i = k->core.dead_sas; i != POOL_NONE; i = sa_at(k, i)->peer.dead_next) {
        struct ike_sa *sa = sa_at(k, i);

        if (sa->peer.quiet)
            continue;
        sa->peer.quiet = true;
        fill_down(fx, CV_EV_IKE_DOWN, sa, sa->peer.reason);
        return true;
    }
    return false;
}

static void reap_all(struct ike *k)
{
    while (k->core.dead_children != POOL_NONE) {
        struct child_sa *c = child_at(k, k->core.dead_children);

        k->core.dead_children = c->next;
        child_reap(k, c);
    }
    while (k->core.dead_sas != POOL_NONE) {
        struct ike_sa *sa = sa_at(k, k->core.dead_sas);

        k->core.dead_sas = sa->peer.dead_next;
        sa->peer.dead_next = POOL_NONE;
        sa->peer.is_listed = false;
        sa_reap(k, sa);
    }
}

/* The next of the queue, but for questions whose SA has ended: nobody waits for the answer,
 * and what they show may be gone. */
static bool next_queued(struct ike *k, struct cv_effect *fx)
{
    while (effects_take(&k->core.fx, &k->core.msgs, fx)) {
        if (fx->question == 0 || question_sa(k, fx->question, fx->kind) != NULL)
            return true;
    }
    return false;
}

bool ike_next_effect(struct ike *k, struct cv_effect *fx)
{
    if (next_freed_lease(k, fx) || next_queued(k, fx))
        return true;
    if (next_dead_child(k, fx) || next_dead_sa(k, fx))
        return true;
    reap_all(k);
    return false;
}
