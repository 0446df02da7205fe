/* Owns: wishes (a child that should be up) and traps (a child that traffic brings up):
 * start_action, dpd_action and close_action.
 *
 * A wish is tried at once.  The engine repeats the first message keyingtries times; when the
 * peer refuses a connection with keyingtries = 0, it is tried again with growing pauses, and
 * so is any that could not even be sent; every other failure ends the wish.
 *
 * Invariant: at most one wish per child; wishes and traps point to connections in d->conns
 * only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "text/text.h"

enum { PAUSE_FIRST_MS = 5000, PAUSE_MAX_MS = 300000 };

enum wish_state { WISH_DUE, WISH_RESOLVING, WISH_UNDERWAY };

struct wish {
    struct conn *conn;
    const struct cv_child_config *child; /* NULL: the IKE SA alone */
    enum wish_state state;
    bool once; /* a command's: never repeated */
    uint64_t due_ms, pause_ms;
    struct wish *next;
};

struct trap {
    struct conn *conn;
    const struct cv_child_config *child;
    uint64_t owner; /* of its routes and policies */
    uint32_t cookie;
    uint64_t quiet_until_ms;
    bool ready; /* the tunnel is up: what was caught meanwhile can go */
    struct cv_ts_list local, remote;
    struct trap *next;
};

static bool is_current(const struct daemon *d, const struct conn *c)
{
    const struct conn *i = d->conns;

    while (i != NULL && i != c)
        i = i->next;
    return i != NULL;
}

/* ---- wishes --------------------------------------------------------------- */

static struct wish **wish_find(struct daemon *d, const struct conn *c,
                               const struct cv_child_config *child)
{
    struct wish **at = &d->wishes;

    while (*at != NULL && ((*at)->conn != c || (*at)->child != child))
        at = &(*at)->next;
    return at;
}

static void wish_drop(struct wish **at)
{
    struct wish *gone = *at;

    *at = gone->next;
    free(gone);
}

static void arm_retry(struct daemon *d)
{
    uint64_t first = UINT64_MAX, now = daemon_now_ms(d);
    struct timeval wait;

    for (const struct wish *w = d->wishes; w != NULL; w = w->next)
        if (w->state == WISH_DUE && w->due_ms < first)
            first = w->due_ms;
    if (first == UINT64_MAX) {
        (void)evtimer_del(d->retry);
        return;
    }
    first = first > now ? first - now : 0;
    wait = (struct timeval){(time_t)(first / 1000), (suseconds_t)(first % 1000) * 1000};
    (void)evtimer_add(d->retry, &wait);
}

static struct wish *wish_make(struct daemon *d, struct conn *c,
                              const struct cv_child_config *child)
{
    struct wish **at = wish_find(d, c, child);

    if (*at == NULL) {
        *at = mem_new(1, sizeof(**at));
        **at = (struct wish){.conn = c, .child = child, .pause_ms = PAUSE_FIRST_MS};
    }
    return *at;
}

/* Failed: again after a pause when that makes sense, or never. */
static void wish_failed(struct daemon *d, struct wish **at, bool again)
{
    struct wish *w = *at;

    if (w->once || d->stopping || !again) {
        wish_drop(at);
        return;
    }
    w->state = WISH_DUE;
    w->due_ms = daemon_now_ms(d) + w->pause_ms;
    daemon_log(d, 1, LOG_MGR, 0, "%s: next try in %llu s", w->conn->cv.name,
               (unsigned long long)(w->pause_ms / 1000));
    w->pause_ms = w->pause_ms * 2 < PAUSE_MAX_MS ? w->pause_ms * 2 : PAUSE_MAX_MS;
}

/* No IKE SA exists for it, so the engine has no event to give: listeners still wait. */
static void tell_failed(struct daemon *d, const struct wish *w)
{
    struct cv_effect fx = {.kind = CV_EVENT, .conn = &w->conn->cv};

    fx.u.event.kind = CV_EV_CHILD_FAILED;
    fx.u.event.err = CV_ERR_NOT_FOUND;
    fx.u.event.child_cfg = w->child;
    daemon_tell(d, &fx);
}

static void wish_try(struct daemon *d, struct wish **at)
{
    struct wish *w = *at;
    struct problem why;
    enum initiate_result result = initiate(d, w->conn, w->child, NULL, &why);

    switch (result) {
    case INITIATE_STARTED:
        w->state = WISH_UNDERWAY;
        break;
    case INITIATE_WAITS:
        w->state = WISH_RESOLVING;
        break;
    case INITIATE_NOT_NOW: /* at boot, before the network is up, this is normal */
    case INITIATE_FAILED:
        daemon_log(d, 0, LOG_CFG, 0, "%s", why.text);
        tell_failed(d, w);
        wish_failed(d, at, result == INITIATE_NOT_NOW);
        break;
    }
}

static void start(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w;

    if (d->stopping)
        return;
    w = wish_make(d, c, child);
    if (w->state == WISH_UNDERWAY || w->state == WISH_RESOLVING)
        return;
    w->due_ms = 0;
    arm_retry(d);
}

void actions_again(struct daemon *d, const struct cv_conn *conn,
                   const struct cv_child_config *child)
{
    struct conn *c = (struct conn *)(uintptr_t)conn->host;
    struct wish *w;

    if (d->stopping || !is_current(d, c) || (child->start_action & CV_ACTION_START) == 0)
        return;
    w = wish_make(d, c, child);
    w->state = WISH_DUE;
    w->due_ms = daemon_now_ms(d) + w->pause_ms;
    arm_retry(d);
}

/* What waits for a later try may work now. */
void actions_paths(struct daemon *d)
{
    for (struct wish *w = d->wishes; w != NULL; w = w->next)
        if (w->state == WISH_DUE)
            w->due_ms = 0;
    arm_retry(d);
}

void actions_wait(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w = wish_make(d, c, child);

    w->state = WISH_RESOLVING;
    w->once = true;
}

void actions_resolved(struct daemon *d, const char *name)
{
    (void)name; /* trying a wish that waits for another name finds it still waiting */
    for (struct wish *w = d->wishes; w != NULL; w = w->next) {
        if (w->state != WISH_RESOLVING)
            continue;
        w->state = WISH_DUE;
        w->due_ms = 0;
    }
    arm_retry(d);
}

void actions_retry(struct daemon *d)
{
    uint64_t now = daemon_now_ms(d);
    struct wish **at = &d->wishes;

    while (*at != NULL) {
        struct wish *w = *at;

        if (w->state == WISH_DUE && w->due_ms <= now)
            wish_try(d, at);
        if (*at == w)
            at = &w->next;
    }
    arm_retry(d);
    daemon_pump(d);
}

/* ---- traps ---------------------------------------------------------------- */

/* "dynamic" means the peer itself (one address) or, on our side, whatever address we have. */
static bool trap_ts(struct cv_ts *out, const struct cv_ts_config *cfg,
                    const struct cv_addr_range *hosts, unsigned n_hosts, bool ours)
{
    *out = cfg->ts;
    if (!cfg->dynamic)
        return true;
    if (n_hosts == 1 && memcmp(hosts[0].lo, hosts[0].hi, 16) == 0) {
        out->family = hosts[0].family;
        memcpy(out->lo, hosts[0].lo, 16);
        memcpy(out->hi, hosts[0].hi, 16);
        return out->family != 0;
    }
    out->family = CV_ANY_FAMILY;
    return ours;
}

static void trap_selectors(struct trap *t)
{
    const struct cv_conn *c = &t->conn->cv;

    for (unsigned i = 0; i < t->child->n_local_ts && t->local.n < CV_TS_MAX; i++)
        if (trap_ts(&t->local.ts[t->local.n], &t->child->local_ts[i], c->local_addrs,
                    c->n_local_addrs, true))
            t->local.n++;
    for (unsigned i = 0; i < t->child->n_remote_ts && t->remote.n < CV_TS_MAX; i++)
        if (trap_ts(&t->remote.ts[t->remote.n], &t->child->remote_ts[i], c->remote_addrs,
                    c->n_remote_addrs, false))
            t->remote.n++;
}

static void trap_set(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct trap *t;

    for (t = d->traps; t != NULL; t = t->next)
        if (t->conn == c && t->child == child)
            return;
    t = mem_new(1, sizeof(*t));
    *t = (struct trap){.conn = c, .child = child, .cookie = d->trap_count++, .next = d->traps};
    t->owner = NETCONF_TRAP | t->cookie;
    d->traps = t;
    trap_selectors(t);
    if (t->remote.n == 0)
        daemon_log(d, 0, LOG_CFG, 0,
                   "%s: a trap needs remote_ts or a single remote address; no traffic will "
                   "start it",
                   child->name);
    policyset_protect(&d->policies, t->owner, &t->local, &t->remote, t->cookie);
    if (!conn_is_virtual(&c->cv))
        policyset_narrow(&d->policies, t->owner, child, &t->local, &t->remote);
    netconf_add_routes(&d->net, t->owner, &t->local, &t->remote, t->child->mode);
}

/* The trap whose policy the packet meets. */
static struct trap *trap_for(struct daemon *d, struct cv_span packet)
{
    const struct cv_policy *p = cv_policy_find(d->engine, CV_OUT, packet);
    struct trap *t = p != NULL && p->action == CV_POLICY_PROTECT ? d->traps : NULL;

    while (t != NULL && t->cookie != p->cookie)
        t = t->next;
    return t;
}

/* The packet waits for the tunnel that is on its way. */
static void trap_catch(struct daemon *d, const struct trap *t, struct cv_span packet)
{
    if (*wish_find(d, t->conn, t->child) != NULL)
        (void)hold_put(&d->hold, t->owner, packet, daemon_now_ms(d));
}

void actions_packet(struct daemon *d, const struct cv_packet *p)
{
    struct cv_span packet = {cv_packet_data(p), p->len};
    struct trap *t;

    if (d->traps == NULL || d->stopping || d->releasing || p->err != CV_ERR_NO_TUNNEL)
        return;
    t = trap_for(d, packet);
    if (t == NULL)
        return;
    if (*wish_find(d, t->conn, t->child) == NULL && daemon_now_ms(d) >= t->quiet_until_ms) {
        daemon_log(d, 1, LOG_MGR, 0, "%s: traffic wants the tunnel", t->child->name);
        start(d, t->conn, t->child);
    }
    trap_catch(d, t, packet);
}

static void trap_ready(struct daemon *d, const struct conn *c,
                       const struct cv_child_config *child)
{
    const struct timeval now = {0};

    for (struct trap *t = d->traps; t != NULL; t = t->next)
        if (t->conn == c && t->child == child)
            t->ready = true;
    (void)evtimer_add(d->release, &now);
}

static struct trap *next_ready(struct daemon *d)
{
    struct trap *t = d->traps;

    while (t != NULL && !t->ready)
        t = t->next;
    return t;
}

/* What the tunnel does not take even now is lost: caught again, it could go round for ever. */
void actions_release(struct daemon *d)
{
    struct trap *t;

    d->releasing = true;
    while ((t = next_ready(d)) != NULL) {
        struct cv_span packets[HOLD_EACH];
        struct held *held[HOLD_EACH];
        unsigned n = hold_take(&d->hold, t->owner, daemon_now_ms(d), held);

        t->ready = false;
        for (unsigned i = 0; i < n; i++)
            packets[i] = held_packet(held[i]);
        if (n > 0)
            netio_inject(&d->io, packets, n);
        for (unsigned i = 0; i < n; i++)
            free(held[i]);
    }
    d->releasing = false;
}

/* ---- connections and events ----------------------------------------------- */

static void act(struct daemon *d, struct conn *c, const struct cv_child_config *child,
                uint8_t action)
{
    if (action & CV_ACTION_TRAP)
        trap_set(d, c, child);
    if (action & CV_ACTION_START)
        start(d, c, child);
}

void actions_take(struct daemon *d, struct conn *c, uint8_t kind)
{
    for (unsigned i = 0; i < c->cv.n_children; i++)
        act(d, c, c->cv.children[i], c->cv.children[i]->start_action & kind);
}

/* Ends what start_action = start brought up: the children, and an IKE SA that has no others. */
static void stop_started(struct daemon *d, const struct conn *c)
{
    struct cv_child_info child;
    struct cv_ike_info ike;
    uint64_t now = daemon_now_ms(d);

    for (uint32_t at = 0; cv_ike_next(d->engine, &at, &ike);) {
        unsigned started = 0, others = 0;

        if (ike.conn != &c->cv)
            continue;
        for (uint32_t k = 0; cv_child_next(d->engine, ike.id, &k, &child);) {
            if (!(child.cfg->start_action & CV_ACTION_START)) {
                others++;
                continue;
            }
            started++;
            if (ike.n_children > 1)
                (void)!cv_terminate_child(d->engine, child.id, false, now);
        }
        if (started > 0 && others == 0)
            (void)!cv_terminate_ike(d->engine, ike.id, false, now);
    }
}

void actions_remove(struct daemon *d, struct conn *c)
{
    struct trap **t = &d->traps;
    struct wish **w = &d->wishes;

    while (*w != NULL) {
        if ((*w)->conn == c)
            wish_drop(w);
        else
            w = &(*w)->next;
    }
    while (*t != NULL) {
        struct trap *gone = *t;

        if (gone->conn != c) {
            t = &gone->next;
            continue;
        }
        *t = gone->next;
        netconf_drop_routes(&d->net, gone->owner);
        policyset_drop(&d->policies, gone->owner);
        hold_drop(&d->hold, gone->owner);
        free(gone);
    }
    for (unsigned i = 0; i < c->cv.n_children; i++) {
        if (c->cv.children[i]->start_action & CV_ACTION_START) {
            stop_started(d, c);
            break;
        }
    }
    arm_retry(d);
}

/* A child that was up has ended. */
static void child_down(struct daemon *d, struct conn *c, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;

    if (fx->u.event.err == CV_ERR_PEER_SILENT)
        act(d, c, child, child->dpd_action);
    else if (fx->u.event.err == CV_ERR_DELETED_BY_PEER)
        act(d, c, child, child->close_action);
}

/* Until then traffic does not try again: a peer that refuses at once must not be asked for
 * every packet. */
static void trap_pause(struct daemon *d, const struct wish *w)
{
    for (struct trap *t = d->traps; t != NULL; t = t->next)
        if (t->conn == w->conn && t->child == w->child)
            t->quiet_until_ms = daemon_now_ms(d) + PAUSE_FIRST_MS;
}

/* Wishes underway on conn have failed: that of child, or all when the IKE SA ended. */
static void tries_failed(struct daemon *d, const struct conn *c,
                         const struct cv_child_config *child, bool all)
{
    struct wish **at = &d->wishes;

    while (*at != NULL) {
        struct wish *w = *at;

        if (w->conn == c && w->state == WISH_UNDERWAY && (all || w->child == child)) {
            trap_pause(d, w);
            wish_failed(d, at, c->cv.keyingtries == 0);
        }
        if (*at == w)
            at = &w->next;
    }
    arm_retry(d);
}

void actions_event(struct daemon *d, const struct cv_effect *fx)
{
    struct conn *c = fx->conn == NULL ? NULL : (struct conn *)(uintptr_t)fx->conn->host;
    struct wish **w;

    if (c == NULL || !is_current(d, c) || d->stopping)
        return;
    switch (fx->u.event.kind) {
    case CV_EV_CHILD_UP:
        trap_ready(d, c, fx->u.event.child_cfg);
        w = wish_find(d, c, fx->u.event.child_cfg);
        if (*w != NULL)
            wish_drop(w);
        break;
    case CV_EV_IKE_UP:
        w = wish_find(d, c, NULL);
        if (*w != NULL)
            wish_drop(w);
        break;
    case CV_EV_CHILD_DOWN:
        child_down(d, c, fx);
        break;
    case CV_EV_CHILD_FAILED:
        tries_failed(d, c, fx->u.event.child_cfg, false);
        break;
    case CV_EV_IKE_DOWN:
        tries_failed(d, c, NULL, true);
        break;
    default:
        break;
    }
}

void actions_clear(struct daemon *d)
{
    while (d->wishes != NULL)
        wish_drop(&d->wishes);
    while (d->traps != NULL) {
        struct trap *t = d->traps;
        d->traps = t->next;
        free(t);
    }
    hold_clear(&d->hold);
    if (d->retry != NULL)
        (void)evtimer_del(d->retry);
}
