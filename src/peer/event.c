/* Events for the host, and the end of what has been told.
 *
 * Freed addresses come first, then the queue; then each ended Child SA and each ended IKE
 * SA is announced from queues of slots, which need no room in the queue of effects.
 * Each announcement looks at what it announces and at nothing else, however many have ended.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/event.h"

/* What every event about p says.  Whom a responder speaks for is only known with its peer. */
static void fill(struct cv_effect *fx, uint8_t kind, const struct peer *p, enum cv_err err)
{
    fx->u.event.kind = kind;
    fx->u.event.err = err;
    if (p == NULL)
        return;
    fx->ike = p->id;
    fx->conn = p->conn;
    fx->u.event.local = p->local;
    fx->u.event.remote = p->remote;
    if (p->remote_id.type != CV_ID_ANY)
        fx->u.event.remote_id = &p->remote_id;
    if ((p->initiator || fx->u.event.remote_id != NULL) && p->conn != NULL &&
        p->conn->local.id.type != CV_ID_ANY)
        fx->u.event.local_id = &p->conn->local.id;
}

static struct effect_slot *put(struct core *core, uint8_t kind, const struct peer *p,
                               enum cv_err err)
{
    struct effect_slot *s = effects_put(&core->fx, CV_EVENT);

    if (s == NULL) {
        core->stats.errors[CV_ERR_BUSY]++;
        return NULL;
    }
    fill(&s->fx, kind, p, err);
    return s;
}

struct cv_effect *event_put(struct core *core, uint8_t kind, const struct peer *p,
                            enum cv_err err)
{
    struct effect_slot *s = put(core, kind, p, err);

    return s == NULL ? NULL : &s->fx;
}

void event_address(struct core *core, const struct peer *p, const struct cv_lease *lease,
                   uint32_t kept)
{
    struct effect_slot *s = put(core, CV_EV_ADDRESS, p, CV_OK);

    if (s == NULL)
        return;
    s->fx.u.event.lease = *lease;
    s->msg[0] = kept;
    msg_ref(&core->msgs, kept);
}

/* ---- refusals ---- */

/* Copies what s shows to w and shows the copy. */
static void copy_body(struct wr *w, struct cv_span *s)
{
    size_t at = w->n;

    wr_span(w, *s);
    *s = wr_ok(w) ? span(&w->p[at], s->n) : span(NULL, 0);
}

/* Words are worth less than exchanges: they take a buffer only while most are free. */
static void keep_asked(struct core *core, struct effect_slot *s, struct cv_asked *asked)
{
    struct msgs *msgs = &core->msgs;
    struct wr w;

    if (msgs->pool.used < msgs->pool.cap / 2)
        s->msg[0] = msg_new(msgs);
    if (s->msg[0] == POOL_NONE) {
        *asked = (struct cv_asked){0};
        return;
    }
    w = wr_init(msg_at(msgs, s->msg[0])->data, msgs->cap);
    copy_body(&w, &asked->sa);
    copy_body(&w, &asked->tsi);
    copy_body(&w, &asked->tsr);
    copy_body(&w, &asked->idi);
    copy_body(&w, &asked->idr);
}

static bool asks_for_something(const struct cv_asked *a)
{
    return a->sa.n + a->tsi.n + a->tsr.n + a->idi.n + a->idr.n > 0;
}

struct cv_effect *event_refusal(struct core *core, const struct refusal *r)
{
    struct effect_slot *s = put(core, r->kind, r->peer, r->err);
    struct cv_asked *asked;

    if (s == NULL)
        return NULL;
    s->fx.u.event.by = r->by;
    s->fx.u.event.notify = r->notify;
    asked = &s->fx.u.event.asked;
    *asked = r->asked;
    if (!asks_for_something(asked))
        return &s->fx;
    s->msg[0] = r->kept;
    msg_ref(&core->msgs, r->kept);
    if (r->kept == POOL_NONE)
        keep_asked(core, s, asked);
    return &s->fx;
}

/* ---- Child SAs ---- */

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
    *fx = (struct cv_effect){.kind = CV_EVENT};
    fill(fx, kind, p, reason);
}

void event_rekeyed(struct core *core, const struct peer *from, struct peer *to)
{
    struct cv_effect *fx = event_put(core, CV_EV_IKE_REKEYED, from, CV_OK);

    if (fx == NULL)
        return;
    fx->u.event.ike_new = to->id;
    to->is_news = true;
}

/* ---- ends ---- */

void event_sa_ended(struct core *core, struct peer *p)
{
    p->is_ended = true;
    if (!p->has_lease)
        queue_put(&core->ended.sas, peer_index(core, p));
    else if (!p->is_news)
        queue_put(&core->ended.leases, peer_index(core, p));
}

/* The host learns the number of an SA; until then it knows the lease by the old one. */
static void event_learnt(struct core *core, const struct cv_effect *fx)
{
    struct peer *p = fx->kind == CV_EVENT && fx->u.event.kind == CV_EV_IKE_REKEYED
                         ? peer_by_number_mut(core, fx->u.event.ike_new)
                         : NULL;

    if (p == NULL)
        return;
    p->is_news = false;
    if (p->is_ended && p->has_lease)
        queue_put(&core->ended.leases, peer_index(core, p));
}

/* An address goes back before anybody asks for one: the next SA of the same device wants it. */
static bool next_freed_lease(struct core *core, struct cv_effect *fx)
{
    uint32_t i = queue_take(&core->ended.leases);
    struct peer *p = i == QUEUE_NONE ? NULL : peer_at_mut(core, i);

    if (p == NULL)
        return false;
    p->has_lease = false;
    queue_put(&core->ended.sas, i);
    *fx = (struct cv_effect){.kind = CV_FREE_ADDRESS, .ike = p->id, .conn = p->conn};
    return true;
}

/* The next of the queue, but for questions whose SA has ended: nobody waits for the answer,
 * and what they show may be gone. */
static bool next_queued(struct core *core, struct cv_effect *fx)
{
    while (effects_take(&core->fx, &core->msgs, fx)) {
        event_learnt(core, fx);
        if (fx->question == 0 || htab_get(&core->questions, fx->question) != HTAB_NONE)
            return true;
    }
    return false;
}

/* Announces one ended Child SA. */
static bool next_ended_child(struct core *core, struct cv_effect *fx)
{
    uint32_t i;

    while ((i = queue_take(&core->ended.children)) != QUEUE_NONE) {
        const struct child_sa *c = child_at(core, i);

        queue_put(&core->ended.told_children, i);
        if (c->quiet)
            continue;
        fill_down(fx, c->installed ? CV_EV_CHILD_DOWN : CV_EV_CHILD_FAILED,
                  peer_at(core, c->ike), c->reason);
        fx->u.event.by = c->refused_by;
        if (!c->installed && c->refused_by == CV_BY_PEER)
            fx->u.event.notify = notify_of_err(c->reason);
        fx->u.event.child = c->id;
        fx->u.event.child_cfg = c->cfg;
        return true;
    }
    return false;
}

/* Announces one ended IKE SA. */
static bool next_ended_sa(struct core *core, struct cv_effect *fx)
{
    uint32_t i;

    while ((i = queue_take(&core->ended.sas)) != QUEUE_NONE) {
        const struct peer *p = peer_at(core, i);

        queue_put(&core->ended.told_sas, i);
        if (p->quiet)
            continue;
        fill_down(fx, CV_EV_IKE_DOWN, p, p->reason);
        return true;
    }
    return false;
}

bool event_next(struct core *core, struct cv_effect *fx)
{
    return next_freed_lease(core, fx) || next_queued(core, fx) || next_ended_child(core, fx) ||
           next_ended_sa(core, fx);
}
