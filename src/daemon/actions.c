/* Owns: wishes (a child that should be up) and traps (a child that traffic brings up):
 * start_action, dpd_action and close_action.
 *
 * A wish of start_action stands as long as its connection is loaded: it is tried at once, after
 * a failure again with growing pauses, keyingtries times (0: for ever), and so after the tunnel
 * has ended but by an operator's word.  Each attempt is made anew: name, source address, keys.
 * What traffic or a command asks for is tried once.
 *
 * Invariant: at most one wish per child; wishes and traps point to connections in d->conns
 * only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "text/text.h"
#include "wire/ip.h"

enum {
    PAUSE_FIRST_MS = 2000,
    PAUSE_MAX_MS = 60000,
    STABLE_MS = 60000,     /* a tunnel that was up so long has not failed */
    SOON_MS = 500,         /* when there is news: not all devices in the same moment */
    PROBE_EVERY_MS = 2000, /* of one tunnel */
    TRAP_QUIET_MS = 5000
};

enum wish_state { WISH_DUE, WISH_RESOLVING, WISH_UNDERWAY, WISH_UP };

struct wish {
    struct conn *conn;
    const struct cv_child_config *child; /* NULL: the IKE SA alone */
    enum wish_state state;
    bool stands;    /* start_action's; what traffic and commands want is tried once */
    uint32_t ike;   /* underway or up: the IKE SA's number, as far as it is known */
    unsigned tries; /* that failed since it was up */
    uint64_t due_ms, pause_ms, up_ms, probed_ms;
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
    uint64_t first = UINT64_MAX, now = clock_now_ms();
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

static uint64_t random_below(uint64_t n)
{
    uint32_t v;

    if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t)sizeof(v))
        v = (uint32_t)clock_now_ms();
    return n == 0 ? 0 : v % n;
}

/* After the pause or up to half of it sooner: devices that failed together do not come
 * together. */
static void wish_later(struct daemon *d, struct wish *w)
{
    const uint64_t pause = w->pause_ms - random_below(w->pause_ms / 2);

    w->state = WISH_DUE;
    w->ike = 0;
    w->due_ms = clock_now_ms() + pause;
    w->pause_ms = w->pause_ms * 2 < PAUSE_MAX_MS ? w->pause_ms * 2 : PAUSE_MAX_MS;
    daemon_log(d, 1, LOG_MGR, 0, "%s: next attempt in %llu.%llu s, or when the network changes",
               w->conn->cv.name, (unsigned long long)(pause / 1000),
               (unsigned long long)(pause % 1000 / 100));
}

/* An attempt failed: another one after a pause, or none.  sent: the peer had its chance. */
static void wish_failed(struct daemon *d, struct wish **at, bool sent)
{
    struct wish *w = *at;
    const unsigned most = w->conn->cv.keyingtries;

    w->tries += sent;
    if (!w->stands || d->stopping) {
        wish_drop(at);
    } else if (most != 0 && w->tries >= most) {
        daemon_log(d, 0, LOG_MGR, 0, "%s: gave up after %u attempts, as keyingtries says",
                   w->conn->cv.name, w->tries);
        wish_drop(at);
    } else {
        wish_later(d, w);
    }
}

/* No IKE SA exists for it, so the engine has no event to give: listeners still wait. */
static void tell_failed(struct daemon *d, const struct wish *w, enum cv_err err)
{
    struct cv_effect fx = {.kind = CV_EVENT, .conn = &w->conn->cv};

    fx.u.event.kind = CV_EV_CHILD_FAILED;
    fx.u.event.err = err;
    fx.u.event.child_cfg = w->child;
    daemon_tell(d, &fx);
}

static void wish_try(struct daemon *d, struct wish **at)
{
    struct wish *w = *at;
    struct problem why;
    enum initiate_result result = initiate(d, w->conn, w->child, &w->ike, &why);

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
        tell_failed(d, w, result == INITIATE_NOT_NOW ? CV_ERR_UNREACHABLE : CV_ERR_ARGUMENT);
        if (result == INITIATE_NOT_NOW)
            wish_failed(d, at, false);
        else
            wish_drop(at);
        break;
    }
}

static void start(struct daemon *d, struct conn *c, const struct cv_child_config *child,
                  bool stands)
{
    struct wish *w;

    if (d->stopping)
        return;
    w = wish_make(d, c, child);
    w->stands = w->stands || stands;
    if (w->state == WISH_UNDERWAY || w->state == WISH_RESOLVING)
        return;
    w->state = WISH_DUE;
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
    w->stands = true;
    wish_later(d, w);
    arm_retry(d);
}

static bool is_ours(const struct cv_addr *addr)
{
    const struct prefix host = {*addr, (uint8_t)(addr_len(addr->family) * 8)};
    struct cv_addr found;

    return route_local_addr(&host, &found);
}

/* The address that the tunnel has is gone and another leads to the peer: nothing comes back. */
static bool path_is_gone(struct daemon *d, const struct cv_ike_info *ike)
{
    struct cv_addr src;

    return route_source(&d->net.nl, &ike->remote.addr, ROUTE_MARK, &src, NULL) == 0 &&
           !addr_equal(&src, &ike->local.addr) && !is_ours(&ike->local.addr);
}

static void wish_check_path(struct daemon *d, struct wish *w)
{
    const uint64_t now = clock_now_ms();
    struct cv_ike_info ike;
    char text[64];

    if (!cv_ike_info(d->engine, w->ike, &ike))
        return;
    if (path_is_gone(d, &ike)) {
        addr_format(text, sizeof(text), &ike.local.addr);
        daemon_log(d, 1, LOG_MGR, ike.id, "our address %s is gone, connecting anew", text);
        w->state = WISH_DUE;
        w->ike = 0;
        w->due_ms = now;
        (void)!cv_terminate_ike(d->engine, ike.id, true, now);
    } else if (now - w->probed_ms >= PROBE_EVERY_MS) {
        w->probed_ms = now;
        (void)!cv_probe(d->engine, ike.id, now);
    }
}

/* What waits for a later attempt may work now; what is up, or on its way, may have to go
 * another way, or hears from its peer again. */
void actions_paths(struct daemon *d)
{
    const uint64_t now = clock_now_ms();

    hosts_forget(d->hosts);
    for (struct wish *w = d->wishes; w != NULL; w = w->next) {
        if (w->state == WISH_DUE && w->due_ms > now + SOON_MS)
            w->due_ms = now + random_below(SOON_MS);
        else if (w->state == WISH_UNDERWAY || w->state == WISH_UP)
            wish_check_path(d, w);
    }
    arm_retry(d);
    daemon_pump(d);
}

void actions_wait(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w = wish_make(d, c, child);

    w->state = WISH_RESOLVING;
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
    uint64_t now = clock_now_ms();
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
        (void)hold_put(&d->hold, t->owner, packet, clock_now_ms());
}

/* Nobody tries, or the next try is not due and traffic has not had one of its own lately. */
static bool trap_springs(struct daemon *d, const struct trap *t)
{
    const struct wish *w = *wish_find(d, t->conn, t->child);

    return clock_now_ms() >= t->quiet_until_ms && (w == NULL || w->state == WISH_DUE);
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
    if (trap_springs(d, t)) {
        daemon_log(d, 1, LOG_MGR, 0, "%s: traffic wants the tunnel", t->child->name);
        start(d, t->conn, t->child, false);
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
        unsigned n = hold_take(&d->hold, t->owner, clock_now_ms(), held);

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
        start(d, c, child, true);
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
    uint64_t now = clock_now_ms();

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

/* A tunnel of the file's is to be up again.  One that stood for long has earned a fresh start.
 */
static void start_again(struct daemon *d, struct conn *c, const struct cv_child_config *child)
{
    struct wish *w = wish_make(d, c, child);

    w->stands = true;
    if (w->state != WISH_UP && w->state != WISH_DUE)
        return;
    if (clock_now_ms() - w->up_ms >= STABLE_MS)
        w->pause_ms = PAUSE_FIRST_MS;
    wish_later(d, w);
    arm_retry(d);
}

/* A child that was up has ended. */
static void child_down(struct daemon *d, struct conn *c, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    const enum cv_err why = fx->u.event.err;
    const uint8_t action = why == CV_ERR_PEER_SILENT ? child->dpd_action : child->close_action;
    struct wish **w = wish_find(d, c, child);

    if (why == CV_ERR_REPLACED)
        return;
    if (why ==
        CV_ERR_DELETED_LOCALLY) { /* an operator's word, or ours with a wish that is due */
        if (*w != NULL && (*w)->state == WISH_UP)
            wish_drop(w);
        return;
    }
    if (action & CV_ACTION_TRAP)
        trap_set(d, c, child);
    if (action & CV_ACTION_START)
        start_again(d, c, child);
    else if (*w != NULL && (*w)->state == WISH_UP)
        wish_drop(w);
}

static void child_up(struct daemon *d, struct conn *c, const struct cv_effect *fx)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    struct wish **at = wish_find(d, c, child);
    struct wish *w;

    trap_ready(d, c, child);
    if ((child->start_action & CV_ACTION_START) == 0) {
        if (*at != NULL)
            wish_drop(at);
        return;
    }
    w = wish_make(d, c, child);
    w->stands = true;
    w->state = WISH_UP;
    w->ike = fx->ike;
    w->tries = 0;
    w->up_ms = w->probed_ms = clock_now_ms();
}

static void ike_renamed(struct daemon *d, const struct cv_effect *fx)
{
    for (struct wish *w = d->wishes; w != NULL; w = w->next)
        if (w->ike == fx->ike)
            w->ike = fx->u.event.ike_new;
}

/* RFC 7296 section 3.15.4: without the address asked for the IKE SA is of no use, and only a
 * new one can ask again. */
static void end_without_address(struct daemon *d, const struct cv_effect *fx)
{
    if (fx->u.event.err == CV_ERR_ADDRESS && fx->conn->n_vips > 0)
        (void)!cv_terminate_ike(d->engine, fx->ike, false, clock_now_ms());
}

/* Until then traffic does not try again: a peer that refuses at once must not be asked for
 * every packet. */
static void trap_pause(struct daemon *d, const struct wish *w)
{
    for (struct trap *t = d->traps; t != NULL; t = t->next)
        if (t->conn == w->conn && t->child == w->child)
            t->quiet_until_ms = clock_now_ms() + TRAP_QUIET_MS;
}

/* Wishes underway on conn have failed: that of child, or all when the IKE SA ended. */
static void tries_failed(struct daemon *d, const struct cv_effect *fx, bool all)
{
    const struct cv_child_config *child = fx->u.event.child_cfg;
    struct wish **at = &d->wishes;

    while (*at != NULL) {
        struct wish *w = *at;

        if (&w->conn->cv == fx->conn && w->state == WISH_UNDERWAY &&
            (all || w->child == child)) {
            trap_pause(d, w);
            w->stands = w->stands && fx->u.event.err != CV_ERR_DELETED_LOCALLY;
            wish_failed(d, at, true);
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
        child_up(d, c, fx);
        break;
    case CV_EV_IKE_REKEYED:
        ike_renamed(d, fx);
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
        tries_failed(d, fx, false);
        end_without_address(d, fx);
        break;
    case CV_EV_IKE_DOWN:
        tries_failed(d, fx, true);
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
