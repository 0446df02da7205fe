/* Owns: traps, the children that traffic brings up; what they catch meanwhile waits.
 * Invariant: at most one trap per child; traps point to connections in d->conns only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum { TRAP_QUIET_MS = 5000 };

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

void trap_set(struct daemon *d, struct conn *c, const struct cv_child_config *child)
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
    if (wish_exists(d, t->conn, t->child))
        (void)hold_put(&d->hold, t->owner, packet, clock_now_ms());
}

/* Nobody tries, or the next try is not due and traffic has not had one of its own lately. */
static bool trap_springs(struct daemon *d, const struct trap *t)
{
    return clock_now_ms() >= t->quiet_until_ms && wish_at_rest(d, t->conn, t->child);
}

void trap_packet(struct daemon *d, const struct cv_packet *p)
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
        wish_start(d, t->conn, t->child, false);
    }
    trap_catch(d, t, packet);
}

void trap_ready(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
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
void trap_release(struct daemon *d)
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

/* Until then traffic does not try again: a peer that refuses at once must not be asked for
 * every packet. */
void trap_failed(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    for (struct trap *t = d->traps; t != NULL; t = t->next)
        if (t->conn == c && (child == NULL || t->child == child) &&
            wish_underway(d, c, t->child))
            t->quiet_until_ms = clock_now_ms() + TRAP_QUIET_MS;
}

static void drop(struct daemon *d, struct trap **at)
{
    struct trap *gone = *at;

    *at = gone->next;
    netconf_drop_routes(&d->net, gone->owner);
    policyset_drop(&d->policies, gone->owner);
    hold_drop(&d->hold, gone->owner);
    free(gone);
}

bool trap_is_set(const struct daemon *d, const struct cv_child_config *child)
{
    const struct trap *t = d->traps;

    while (t != NULL && t->child != child)
        t = t->next;
    return t != NULL;
}

void trap_remove(struct daemon *d, const struct conn *c, const struct cv_child_config *child)
{
    struct trap **t = &d->traps;

    while (*t != NULL)
        if ((*t)->conn == c && (child == NULL || (*t)->child == child))
            drop(d, t);
        else
            t = &(*t)->next;
}

void trap_clear(struct daemon *d)
{
    while (d->traps != NULL) {
        struct trap *t = d->traps;
        d->traps = t->next;
        free(t);
    }
    hold_clear(&d->hold);
}
