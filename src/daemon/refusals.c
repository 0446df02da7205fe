/* Owns: what the log says of refusals: who refuses whom and why, who they are, and both offers.
 * Invariant: others can make us write at most QUOTA_BURST lines at once and one a second for
 * each reason, whatever they send; how many were left out is said.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/refusals.h"

#include "daemon/inside.h"
#include "daemon/phrase.h"
#include "kit/clock.h"
#include "wire/ike.h"
#include "wire/ip.h"

/* ---- rations ---- */

static void arm(struct daemon *d)
{
    const struct timeval soon = {1, 0};

    if (!evtimer_pending(d->refusals.owed, NULL))
        (void)evtimer_add(d->refusals.owed, &soon);
}

static void on_owed(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;
    bool more = false;

    (void)fd, (void)what;
    for (unsigned err = 0; err < CV_ERR_COUNT; err++) {
        struct quota *q = &d->refusals.by_err[err];
        uint32_t n = quota_settle(q, clock_now_ms());

        if (n > 0)
            daemon_log(d, 1, LOG_IKE, 0, "%u more refusals like these are not listed: %s", n,
                       cv_err_text((enum cv_err)err));
        more = more || q->left_out > 0;
    }
    if (more)
        arm(d);
}

bool refusals_start(struct daemon *d)
{
    d->refusals.owed = evtimer_new(d->base, on_owed, d);
    return d->refusals.owed != NULL;
}

void refusals_stop(struct daemon *d)
{
    if (d->refusals.owed != NULL)
        event_free(d->refusals.owed);
    d->refusals.owed = NULL;
}

/* May one more line of this reason be written? */
static bool may_tell(struct daemon *d, enum cv_err err)
{
    if (quota_take(&d->refusals.by_err[(unsigned)err % CV_ERR_COUNT], clock_now_ms()))
        return true;
    arm(d);
    return false;
}

/* ---- both offers ---- */

static bool is_about_proposals(const struct cv_effect *fx)
{
    return fx->u.event.err == CV_ERR_NO_PROPOSAL || fx->u.event.notify == N_NO_PROPOSAL_CHOSEN;
}

static bool is_about_selectors(const struct cv_effect *fx)
{
    return fx->u.event.err == CV_ERR_TS || fx->u.event.notify == N_TS_UNACCEPTABLE;
}

static bool has_addr(const struct cv_addr_range *ranges, unsigned n, const struct cv_addr *a)
{
    for (unsigned i = 0; i < n; i++)
        if (range_has(&ranges[i], a))
            return true;
    return n == 0;
}

static bool conn_takes(const struct cv_conn *c, const struct cv_addr *local,
                       const struct cv_addr *remote)
{
    return has_addr(c->local_addrs, c->n_local_addrs, local) &&
           has_addr(c->remote_addrs, c->n_remote_addrs, remote);
}

/* The proposals of all connections that an IKE_SA_INIT to us may have been for. */
static void our_ike(struct phrase *p, const struct daemon *d, const struct cv_effect *fx)
{
    bool first = true;

    if (fx->conn != NULL) {
        phrase_proposals(p, fx->conn->proposals, fx->conn->n_proposals);
        return;
    }
    for (const struct conn *c = d->conns; c != NULL && !p->full; c = c->next) {
        if (!conn_takes(&c->cv, &fx->u.event.local.addr, &fx->u.event.remote.addr))
            continue;
        phrase_add(p, "%s%s: ", first ? "" : "; ", c->cv.name);
        phrase_proposals(p, c->cv.proposals, c->cv.n_proposals);
        first = false;
    }
    if (first)
        phrase_add(p, "no connection for these addresses");
}

static void our_child(struct phrase *p, const struct cv_child_config *c, bool selectors)
{
    phrase_add(p, "%s: ", c->name);
    if (!selectors) {
        phrase_proposals(p, c->proposals, c->n_proposals);
        return;
    }
    phrase_ts_configs(p, c->local_ts, c->n_local_ts);
    phrase_add(p, " === ");
    phrase_ts_configs(p, c->remote_ts, c->n_remote_ts);
}

/* The child that it is about, or all that it may be about. */
static void our_children(struct phrase *p, const struct cv_effect *fx, bool selectors)
{
    if (fx->u.event.child_cfg != NULL) {
        our_child(p, fx->u.event.child_cfg, selectors);
        return;
    }
    for (unsigned i = 0; fx->conn != NULL && i < fx->conn->n_children; i++) {
        phrase_add(p, "%s", i == 0 ? "" : "; ");
        our_child(p, fx->conn->children[i], selectors);
    }
}

/* An IKE proposal, in IKE_SA_INIT or a rekey; else it is a Child SA's. */
static bool is_ike(const struct cv_effect *fx)
{
    const struct cv_asked *a = &fx->u.event.asked;

    if (fx->u.event.kind == CV_EV_REJECTED)
        return fx->ike == 0 || (a->sa.n > 0 && a->tsi.n == 0);
    return fx->u.event.child_cfg == NULL;
}

static void ours(struct phrase *p, const struct daemon *d, const struct cv_effect *fx)
{
    if (is_about_selectors(fx))
        our_children(p, fx, true);
    else if (is_ike(fx))
        our_ike(p, d, fx);
    else
        our_children(p, fx, false);
}

static void theirs(struct phrase *p, const struct cv_effect *fx)
{
    const struct cv_asked *a = &fx->u.event.asked;

    if (!is_about_selectors(fx)) {
        phrase_sa_body(p, a->sa);
        return;
    }
    phrase_ts_body(p, a->tsr);
    phrase_add(p, " === ");
    phrase_ts_body(p, a->tsi);
}

/* What both sides want, where that is what people compare next; from our side, as the
 * configuration has it. */
static void both_offers(struct phrase *p, const struct daemon *d, const struct cv_effect *fx)
{
    if (!is_about_proposals(fx) && !is_about_selectors(fx))
        return;
    if (fx->u.event.kind == CV_EV_REJECTED && fx->u.event.asked.sa.n > 0) {
        phrase_add(p, "; it asks for ");
        theirs(p, fx);
    }
    phrase_add(p, fx->u.event.kind == CV_EV_REJECTED ? "; ours is " : "; we asked for ");
    ours(p, d, fx);
}

/* ---- who ---- */

static void peer_of(struct phrase *p, const struct cv_effect *fx)
{
    phrase_peer(p, &fx->u.event.remote, fx->u.event.remote_id);
}

static void as_whom(struct phrase *p, const struct cv_effect *fx)
{
    if (fx->u.event.local_id == NULL)
        return;
    phrase_add(p, " as ");
    phrase_id(p, fx->u.event.local_id);
}

/* Whom the peer said it is and asked for, where no connection says it for us. */
static void as_it_says(struct phrase *p, const struct cv_asked *a)
{
    if (a->idi.n > 0) {
        phrase_add(p, "; it is ");
        phrase_id_body(p, a->idi);
    }
    if (a->idr.n > 0) {
        phrase_add(p, ", it wants ");
        phrase_id_body(p, a->idr);
    }
}

/* ---- sentences ---- */

void refusals_rejected(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};

    if (!may_tell(d, fx->u.event.err))
        return;
    phrase_add(&p, "we refuse ");
    peer_of(&p, fx);
    as_whom(&p, fx);
    phrase_add(&p, ": %s", cv_err_text(fx->u.event.err));
    if (fx->u.event.notify != 0) {
        phrase_add(&p, " (");
        phrase_notify(&p, fx->u.event.notify);
        phrase_add(&p, ")");
    }
    both_offers(&p, d, fx);
    daemon_log(d, 1, is_ike(fx) ? LOG_IKE : LOG_CHD, fx->ike, "%s", p.text);
}

static void whom_we_want(struct phrase *p, const struct cv_effect *fx)
{
    if (fx->u.event.err == CV_ERR_NO_CONN) {
        as_it_says(p, &fx->u.event.asked);
        return;
    }
    if (fx->conn == NULL || fx->u.event.err != CV_ERR_ID_MISMATCH)
        return;
    phrase_add(p, "; configured is ");
    phrase_id(p, &fx->conn->remote.id);
}

void refusals_auth_failed(struct daemon *d, const struct cv_effect *fx)
{
    bool ours_lacks = fx->u.event.by == CV_BY_NOBODY;
    struct phrase p = {0};

    if (!may_tell(d, fx->u.event.err))
        return;
    if (ours_lacks) {
        phrase_add(&p, "we cannot authenticate ourselves");
        as_whom(&p, fx);
        phrase_add(&p, " to ");
        peer_of(&p, fx);
    } else {
        phrase_add(&p, "authentication of ");
        peer_of(&p, fx);
        phrase_add(&p, " failed");
    }
    phrase_add(&p, ": %s", cv_err_text(fx->u.event.err));
    if (!ours_lacks)
        whom_we_want(&p, fx);
    daemon_log(d, 0, LOG_IKE, fx->ike, "%s", p.text);
}

/* "peer 10.0.0.2[500] (gw) refused us, device.example: AUTHENTICATION_FAILED" */
static void refused_us(struct phrase *p, const struct cv_effect *fx)
{
    phrase_add(p, "peer ");
    peer_of(p, fx);
    phrase_add(p, " refused us");
    as_whom(p, fx);
    phrase_add(p, ": ");
    phrase_notify(p, fx->u.event.notify);
    phrase_add(p, ", %s", cv_err_text(fx->u.event.err));
}

void refusals_by_peer(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};

    refused_us(&p, fx);
    if (fx->u.event.notify == N_AUTHENTICATION_FAILED && fx->conn != NULL &&
        fx->u.event.remote_id == NULL) {
        phrase_add(&p, "; we asked for ");
        phrase_id(&p, &fx->conn->remote.id);
    }
    /* of a child tells CV_EV_CHILD_FAILED, which knows what was asked for */
    if (is_about_proposals(fx) && fx->u.event.remote_id == NULL)
        both_offers(&p, d, fx);
    daemon_log(d, 1, LOG_IKE, fx->ike, "%s", p.text);
}

void refusals_child_failed(struct daemon *d, const struct cv_effect *fx)
{
    const struct cv_child_config *cfg = fx->u.event.child_cfg;
    struct phrase p = {0};

    phrase_add(&p, "no Child SA %s: ", cfg != NULL ? cfg->name : "(none)");
    if (fx->u.event.by == CV_BY_PEER) {
        refused_us(&p, fx);
    } else {
        phrase_add(&p, fx->u.event.by == CV_BY_US ? "we refuse what " : "");
        peer_of(&p, fx);
        phrase_add(&p, fx->u.event.by == CV_BY_US ? " answered: %s" : ": %s",
                   cv_err_text(fx->u.event.err));
    }
    if (fx->u.event.by != CV_BY_NOBODY && cfg != NULL)
        both_offers(&p, d, fx);
    daemon_log(d, 1, LOG_CHD, fx->ike, "%s", p.text);
}

void refusals_taken(struct daemon *d, const struct cv_effect *fx)
{
    struct phrase p = {0};
    struct cv_child_info owner;
    struct cv_ike_info ike;

    if (!cv_child_info(d->engine, fx->u.event.child, &owner) ||
        !cv_ike_info(d->engine, owner.ike, &ike) || !may_tell(d, fx->u.event.err))
        return;
    phrase_add(&p, "alarm: ");
    peer_of(&p, fx);
    phrase_add(&p, " asked for traffic of ");
    phrase_peer(&p, &ike.remote, &ike.remote_id);
    phrase_add(&p, ", whose Child SA %s has ", owner.cfg->name);
    phrase_ts(&p, &owner.remote_ts);
    phrase_add(&p, ": refused");
    daemon_log(d, 0, LOG_CHD, fx->ike, "%s", p.text);
}
