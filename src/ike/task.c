/* What an SA does next and when: tasks in order, repetition, lifetimes, liveness, NAT
 * keepalives; RFC 7296 sections 2.4, 2.8, 2.23.
 *
 * Tasks are not queued: they follow from flags and states, so that what is no longer
 * wanted is never done.  One timer per SA stands at the earliest thing to do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/exchange.h"
#include "ike/gather.h"
#include "ike/mobike.h"
#include "ike/question.h"
#include "ike/redirect.h"
#include "ike/roam.h"

enum { EFFECTS_PER_TASK = 6 };

/* ---- when ---- */

static bool wants_delete(const struct child_sa *c)
{
    return c->want_delete && (c->installed || c->doomed) && !c->drains;
}

static void earliest(uint64_t *due, uint64_t t)
{
    if (t < *due)
        *due = t;
}

/* The latest sign of life, ESP included. */
static uint64_t sa_heard_ms(const struct ike *k, const struct ike_sa *sa)
{
    uint64_t heard = sa->peer.last_in_ms;

    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        const struct child_sa *c = child_at(&k->core, i);

        if (c->installed && pair_counters(&k->core, i)->last_in_ms > heard)
            heard = pair_counters(&k->core, i)->last_in_ms;
    }
    return heard;
}

static uint64_t sent_ms(const struct ike *k, const struct ike_sa *sa)
{
    uint64_t sent = sa->peer.last_out_ms;

    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        const struct child_sa *c = child_at(&k->core, i);

        if (c->installed && pair_counters(&k->core, i)->last_out_ms > sent)
            sent = pair_counters(&k->core, i)->last_out_ms;
    }
    return sent;
}

static bool handshaking(const struct ike_sa *sa)
{
    return sa->state != ST_FREE && sa->state < ST_UP;
}

/* The peer began a handshake and does not go on.  Neither our own request nor what the host is
 * asked is the peer's to hurry. */
static uint64_t half_open_due(const struct ike *k, const struct ike_sa *sa)
{
    if (!handshaking(sa) || sa->req != POOL_NONE || question_due(k, sa) != TIMER_NEVER)
        return TIMER_NEVER;
    return sa->waits_ms + k->core.set.half_open_ms;
}

/* Whoever refused our IKE_SA_INIT, nobody has taken it meanwhile. */
static uint64_t refused_due(const struct ike *k, const struct ike_sa *sa)
{
    const struct ike_hs *hs = sa->state == ST_I_INIT ? sa_hs(k, sa) : NULL;

    return hs == NULL || hs->refused_ms == 0 ? TIMER_NEVER : hs->refused_ms + REFUSED_MS;
}

static uint64_t liveness_due(const struct ike *k, const struct ike_sa *sa)
{
    if (sa->state != ST_UP || sa->doing != DO_NOTHING || sa->peer.conn->dpd_delay_s == 0 ||
        (sa->want & WANT_LIVENESS)) /* due already: it waits for room */
        return TIMER_NEVER;
    return sa_heard_ms(k, sa) + sa->peer.conn->dpd_delay_s * 1000;
}

static uint64_t keepalive_due(const struct ike *k, const struct ike_sa *sa)
{
    if (sa->state != ST_UP || !sa->peer.nat_local || k->core.set.keepalive_ms == UINT32_MAX)
        return TIMER_NEVER;
    return sent_ms(k, sa) + k->core.set.keepalive_ms;
}

/* A task that waits for its time. */
static uint64_t task_due(const struct ike *k, const struct ike_sa *sa)
{
    uint64_t due = TIMER_NEVER;

    if (sa->doing != DO_NOTHING || (sa->state != ST_UP && sa->state != ST_REKEYED))
        return TIMER_NEVER;
    if ((sa->want & ~WANT_ALERT) != 0)
        earliest(&due, sa->retry_ms);
    if (sa->want & WANT_ALERT)
        earliest(&due, sa->alert_ms > sa->retry_ms ? sa->alert_ms : sa->retry_ms);
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = child_at(&k->core, i)->next) {
        const struct child_sa *c = child_at(&k->core, i);
        uint64_t at = c->retry_ms > sa->retry_ms ? c->retry_ms : sa->retry_ms;

        if (wants_delete(c))
            earliest(&due, sa->retry_ms);
        else if (sa->state == ST_UP && (c->state == CV_CHILD_CREATED ||
                                        (c->want_rekey && c->state == CV_CHILD_INSTALLED)))
            earliest(&due, at);
    }
    return due;
}

static void sa_arm(struct ike *k, struct ike_sa *sa)
{
    uint64_t due = sa->resend_ms;

    if (sa->state == ST_LINGER || sa->state == ST_DEAD)
        return;
    earliest(&due, half_open_due(k, sa));
    earliest(&due, question_due(k, sa));
    earliest(&due, refused_due(k, sa));
    earliest(&due, sa->peer.rekey_ms);
    earliest(&due, sa->peer.reauth_ms);
    earliest(&due, sa->peer.hard_ms);
    if (sa->resp != POOL_NONE)
        earliest(&due, sa->resp_ms + RESPONSE_MS);
    earliest(&due, liveness_due(k, sa));
    earliest(&due, keepalive_due(k, sa));
    earliest(&due, task_due(k, sa));
    earliest(&due, gather_due(k, sa));
    timer_set(&k->core.wheel, &sa->peer.timer.node, due);
}

/* ---- tasks ---- */

/* A rekey needs a new Child SA in state CREATED. */
static enum cv_err start_child_rekey(struct ike *k, struct ike_sa *sa, struct child_sa *old)
{
    struct child_sa *c = child_new(&k->core, &sa->peer, old->conn, old->cfg);
    enum cv_err err;

    if (c == NULL)
        return CV_ERR_FULL;
    c->rekeys = old->id;
    c->reqid = old->reqid;
    old->want_rekey = false;
    err = create_child_start(k, sa, c);
    if (err == CV_OK)
        return CV_OK;
    c->quiet = true;
    child_close(&k->core, c, err);
    old->want_rekey = true;
    return err;
}

/* Reauthentication: a new IKE SA with the same Child SAs, made before the old one is
 * deleted, so that nothing is lost meanwhile (RFC 7296 section 2.8.3). */
static enum cv_err start_reauth(struct ike *k, struct ike_sa *old)
{
    const struct ike_sa *already = sa_by_number(k, old->reauth_by);
    struct ike_sa *sa;
    enum cv_err err = CV_OK;

    if (already != NULL && already->state < ST_UP)
        return CV_OK;
    sa = sa_new(k, old->peer.conn, true);
    if (sa == NULL)
        return CV_ERR_FULL;
    sa->peer.local = old->peer.local;
    sa->peer.remote = old->peer.remote;
    peer_link_way(&k->core, &sa->peer);
    sa->peer.carrier = old->peer.carrier;
    sa->reauth_of = old->peer.id;
    old->reauth_by = sa->peer.id;
    for (uint32_t i = old->peer.children; i != POOL_NONE && err == CV_OK;
         i = child_at(&k->core, i)->next) {
        const struct child_sa *c = child_at(&k->core, i);

        if (c->state != CV_CHILD_INSTALLED && c->state != CV_CHILD_REKEYING)
            continue;
        if (child_new(&k->core, &sa->peer, c->conn, c->cfg) == NULL)
            err = CV_ERR_FULL;
    }
    if (err == CV_OK)
        err = init_start(k, sa, NULL);
    sa->peer.quiet = err != CV_OK; /* nobody has heard of it */
    if (err != CV_OK)
        sa_close(k, sa, err, false);
    else
        sa_arm(k, sa);
    return err;
}

/* Starts the exchange that makes c or replaces it.  Without room it is tried again later;
 * what can never be made is given up. */
static bool start_child(struct ike *k, struct ike_sa *sa, struct child_sa *c)
{
    bool created = c->state == CV_CHILD_CREATED;
    enum cv_err err = created ? create_child_start(k, sa, c) : start_child_rekey(k, sa, c);

    if (err == CV_OK)
        return true;
    k->core.stats.errors[err]++;
    c->retry_ms = k->core.now_ms + (created ? RETRY_MIN_MS : RETRY_REKEY_MS);
    if (created && err != CV_ERR_FULL)
        child_close(&k->core, c, err);
    return false;
}

/* The first Child SA with something to do, oldest last.  One that finds no room does not
 * hold up the others. */
static enum cv_err child_task(struct ike *k, struct ike_sa *sa, bool *started)
{
    uint32_t next;

    *started = true;
    for (uint32_t i = sa->peer.children; i != POOL_NONE; i = next) {
        struct child_sa *c = child_at_mut(&k->core, i);

        next = c->next;
        if (wants_delete(c))
            return delete_child_start(k, sa, c);
        if (sa->state != ST_UP || k->core.now_ms < c->retry_ms)
            continue;
        if ((c->state == CV_CHILD_CREATED ||
             (c->want_rekey && c->state == CV_CHILD_INSTALLED)) &&
            start_child(k, sa, c))
            return CV_OK;
    }
    *started = false;
    return CV_OK;
}

static enum cv_err next_task(struct ike *k, struct ike_sa *sa)
{
    bool started = false;
    enum cv_err err;

    if (sa->want & WANT_DELETE)
        return delete_ike_start(k, sa);
    if ((sa->want & WANT_MOVE) && sa->state == ST_UP)
        return move_start(k, sa);
    if ((sa->want & WANT_PROVE) && sa->state == ST_UP)
        return prove_start(k, sa);
    if ((sa->want & WANT_REKEY) && sa->state == ST_UP) {
        sa->want &= (uint16_t)~WANT_REKEY;
        err = rekey_ike_start(k, sa);
        if (err != CV_OK)
            sa->peer.rekey_ms = k->core.now_ms + RETRY_REKEY_MS;
        return err;
    }
    if ((sa->want & WANT_REAUTH) && sa->state == ST_UP) {
        sa->want &= (uint16_t)~WANT_REAUTH;
        err = start_reauth(k, sa);
        if (err != CV_OK)
            sa->peer.reauth_ms = k->core.now_ms + RETRY_REKEY_MS;
    }
    if ((sa->want & WANT_REDIRECT) && sa->state == ST_UP)
        return redirect_start(k, sa);
    err = child_task(k, sa, &started);
    if (err != CV_OK || started)
        return err;
    if ((sa->want & WANT_ALERT) && k->core.now_ms >= sa->alert_ms)
        return alert_start(k, sa);
    if ((sa->want & WANT_TELL) && sa->state == ST_UP)
        return tell_start(k, sa);
    if (sa->want & WANT_LIVENESS) {
        err = liveness_start(k, sa);
        if (err == CV_OK)
            sa->want &= (uint16_t)~WANT_LIVENESS;
    }
    return err;
}

static void sa_run(struct ike *k, struct ike_sa *sa)
{
    bool up = sa->state == ST_UP || sa->state == ST_REKEYED;

    if (up && sa->doing == DO_NOTHING && k->core.now_ms >= sa->retry_ms &&
        effects_room(&k->core.fx) >= EFFECTS_PER_TASK) {
        enum cv_err err;

        limit_serve(&k->core, &sa->peer.remote, sa->peer.id);
        err = next_task(k, sa);
        if (err == CV_ERR_SEQ_EXHAUSTED) {
            sa_close(k, sa, CV_ERR_LIFETIME, false);
            return;
        }
        if (err != CV_OK) { /* no room: later */
            k->core.stats.errors[err]++;
            sa->retry_ms = k->core.now_ms + RETRY_MIN_MS;
        }
    }
    sa_arm(k, sa);
}

void ike_run_touched(struct ike *k)
{
    struct peer *p;

    while ((p = peer_take_touched(&k->core)) != NULL)
        sa_run(k, sa_of(p));
}

/* ---- timers ---- */

/* The peer has not answered in time. */
static void resend(struct ike *k, struct ike_sa *sa)
{
    struct cv_effect *fx;

    sa->tries++;
    mobike_unanswered(k, sa);
    if (sa->tries <= k->core.set.retransmit_tries + (roam_hurries(k, sa) ? ROAM_TRIES : 0)) {
        resend_arm(k, sa);
        send_again(k, sa, sa->req);
        k->core.stats.ike_retransmits++;
        fx = event_put(&k->core, CV_EV_RETRANSMIT, &sa->peer, CV_OK);
        if (fx != NULL)
            fx->u.event.value = sa->tries;
        return;
    }
    if (sa->doing == DO_DELETE_IKE && sa->peer.reason != CV_OK)
        sa_close(k, sa, sa->peer.reason, false);
    else
        sa_close(k, sa,
                 sa->doing == DO_DELETE_IKE ? CV_ERR_DELETED_LOCALLY : CV_ERR_PEER_SILENT,
                 false);
}

static void hard_limit(struct ike_sa *sa)
{
    sa->peer.hard_ms = TIMER_NEVER;
    sa->want |= WANT_DELETE;
    if (sa->peer.reason == CV_OK)
        sa->peer.reason = CV_ERR_LIFETIME;
}

/* The host has not answered in time. */
static void unanswered(struct ike *k, struct ike_sa *sa)
{
    const struct ike_in in = {.kind = NO_ANSWER, .kept = POOL_NONE};

    question_end(k, sa);
    ike_step(k, sa, &in);
}

static void sa_timeout(struct ike *k, struct ike_sa *sa)
{
    uint64_t now = k->core.now_ms;

    if (sa->state == ST_LINGER) {
        sa->state = ST_DEAD;
        if (!sa->peer.is_ended) /* else with the others, when its end has been told */
            sa_free(k, sa);
        return;
    }
    if (now >= half_open_due(k, sa)) {
        sa->peer.quiet = !sa->peer.initiator;
        sa_close(k, sa, CV_ERR_PEER_SILENT, false);
        return;
    }
    if (now >= refused_due(k, sa)) {
        sa_close(k, sa, sa_hs(k, sa)->refusal, false);
        return;
    }
    if (now >= question_due(k, sa))
        unanswered(k, sa);
    if (now >= sa->resend_ms)
        resend(k, sa);
    if (sa->state == ST_DEAD)
        return;
    if (now >= sa->peer.rekey_ms) {
        sa->peer.rekey_ms = TIMER_NEVER;
        sa->want |= WANT_REKEY;
    }
    if (now >= sa->peer.reauth_ms) {
        sa->peer.reauth_ms = TIMER_NEVER;
        if (sa->peer.first_initiator)
            sa->want |= WANT_REAUTH;
    }
    if (now >= sa->peer.hard_ms)
        hard_limit(sa);
    if (sa->resp != POOL_NONE && now >= sa->resp_ms + RESPONSE_MS)
        msg_unref(&k->core.msgs, &sa->resp);
    if (now >= gather_due(k, sa))
        gather_end(k, sa);
    if (now >= liveness_due(k, sa))
        sa->want |= WANT_LIVENESS;
    if (now >= keepalive_due(k, sa))
        send_keepalive(k, sa);
    sa_run(k, sa);
}

static void child_timeout(struct ike *k, struct child_sa *c)
{
    struct ike_sa *sa = sa_at_mut(k, c->ike);

    if (c->drains) {
        child_close(&k->core, c, CV_ERR_REPLACED);
        return;
    }
    if (k->core.now_ms >= c->rekey_ms) {
        c->rekey_ms = TIMER_NEVER;
        c->want_rekey = true;
    }
    if (k->core.now_ms >= c->hard_ms || k->core.now_ms >= child_inactive_due(&k->core, c)) {
        c->hard_ms = TIMER_NEVER;
        c->want_delete = true;
        if (c->reason == CV_OK)
            c->reason = CV_ERR_LIFETIME;
    }
    child_arm(&k->core, c);
    sa_run(k, sa);
}

void ike_timeout(struct ike *k, struct peer_timer *t)
{
    if (t->is_child)
        child_timeout(k, (struct child_sa *)t);
    else
        sa_timeout(k, (struct ike_sa *)t);
}
