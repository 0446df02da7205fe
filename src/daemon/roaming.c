/* Owns: what the engine hears of this host's addresses and of the ways to its peers (MOBIKE).
 *
 * All IKE SAs are looked at when the network has changed, some at a time, so that a gateway's
 * packets need not wait; those of others only when our own addresses are not the same.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "text/text.h"
#include "wire/ip.h"

enum {
    VISITS_A_TURN = 64,    /* IKE SAs */
    PROBE_EVERY_MS = 2000, /* over a way that is as it was */
    TURN_US = 1000
};

static bool list_has(const struct roaming *r, const struct cv_addr *a)
{
    for (unsigned i = 0; i < r->n_own; i++)
        if (addr_equal(&r->own[i], a))
            return true;
    return false;
}

/* True when they are others than the last time. */
static bool learn_addresses(struct daemon *d)
{
    struct cv_addr now[ROAMING_OWN_MAX];
    const unsigned n = route_own_addrs(now, ROAMING_OWN_MAX, d->io.tun.name);
    bool same = n == d->roaming.n_own;

    for (unsigned i = 0; i < n && same; i++)
        same = list_has(&d->roaming, &now[i]);
    memcpy(d->roaming.own, now, n * sizeof(now[0]));
    d->roaming.n_own = n;
    cv_set_addresses(d->engine, now, n);
    return !same;
}

bool roaming_has(const struct daemon *d, const struct cv_addr *addr)
{
    return list_has(&d->roaming, addr);
}

/* The address that the connection names, while there is one, else what routing says. */
static bool local_for(struct daemon *d, const struct cv_conn *conn, const struct cv_addr *to,
                      struct cv_addr *out)
{
    for (unsigned i = 0; i < conn->n_local_addrs; i++) {
        const struct cv_addr_range *r = &conn->local_addrs[i];

        if (r->family != to->family || memcmp(r->lo, r->hi, sizeof(r->lo)) != 0)
            continue;
        *out = (struct cv_addr){.family = r->family};
        memcpy(out->b, r->lo, sizeof(out->b));
        if (roaming_has(d, out))
            return true;
    }
    return route_source(&d->net.nl, to, ROUTE_MARK, out, NULL) == 0;
}

static bool is_in_use(const struct cv_ike_info *ike, const struct cv_way *w)
{
    return addr_equal(&ike->local.addr, &w->local) && addr_equal(&ike->remote.addr, &w->remote);
}

/* The ways to the peer of an IKE SA that we began, and whether the first is the one in use. */
static size_t find_ways(struct daemon *d, const struct cv_ike_info *ike,
                        struct cv_way ways[CV_WAYS_MAX], bool *same)
{
    struct cv_addr peers[CV_WAYS_MAX];
    const size_t n_peers = cv_peer_addresses(d->engine, ike->id, peers, CV_WAYS_MAX);
    size_t n = 0;

    for (size_t i = 0; i < n_peers; i++) {
        ways[n].remote = peers[i];
        if (local_for(d, ike->conn, &peers[i], &ways[n].local))
            n++;
    }
    *same = n > 0 && is_in_use(ike, &ways[0]);
    return n;
}

/* Of an IKE SA that the peer began: as long as we have the address that it knows, that is it.
 */
static size_t find_way_back(struct daemon *d, const struct cv_ike_info *ike, struct cv_way *way)
{
    *way = (struct cv_way){ike->local.addr, ike->remote.addr};
    return roaming_has(d, &way->local) ||
                   local_for(d, ike->conn, &ike->remote.addr, &way->local)
               ? 1
               : 0;
}

static void visit(struct daemon *d, const struct cv_ike_info *ike)
{
    struct cv_way ways[CV_WAYS_MAX];
    bool same = false;
    size_t n;

    if (!ike->mobike || (!ike->began && !d->roaming.others))
        return;
    n = ike->began ? find_ways(d, ike, ways, &same) : find_way_back(d, ike, &ways[0]);
    if (same && !d->roaming.probes) {
        d->roaming.again = true;
        return;
    }
    (void)!cv_ways(d->engine, ike->id, ways, n, clock_now_ms());
}

static void arm(struct daemon *d, uint64_t ms, uint64_t us)
{
    const struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000 + us)};

    (void)evtimer_add(d->roaming.turn, &wait);
}

static void begin(struct daemon *d)
{
    struct roaming *r = &d->roaming;
    const uint64_t now = clock_now_ms();

    r->at = 0;
    r->walks = true;
    r->again = false;
    r->probes = now - r->probed_ms >= PROBE_EVERY_MS;
    if (r->probes)
        r->probed_ms = now;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;
    struct roaming *r = &d->roaming;
    struct cv_ike_info ike;
    unsigned n = 0;

    (void)fd;
    (void)what;
    if (!r->walks)
        begin(d);
    for (; n < VISITS_A_TURN && cv_ike_next(d->engine, &r->at, &ike); n++)
        visit(d, &ike);
    if (n == VISITS_A_TURN) {
        arm(d, 0, TURN_US);
    } else {
        r->walks = r->others = false;
        if (r->again)
            arm(d, PROBE_EVERY_MS, 0);
    }
    daemon_pump(d);
}

void roaming_news(struct daemon *d)
{
    struct roaming *r = &d->roaming;

    r->others = learn_addresses(d) || r->others;
    if (r->n_began == 0 && !r->others)
        return;
    begin(d); /* what was looked at before the news, too */
    on_turn(-1, EV_TIMEOUT, d);
}

/* ---- other gateways (RFC 5685) ---------------------------------------------- */

static bool find_gateway(struct daemon *d, const struct redirected *r, struct cv_addr *out,
                         bool *waits)
{
    const char *why = NULL;
    enum host_state state = HOST_READY;

    if (!addr_parse(out, r->gateway))
        state = hosts_find(d->hosts, r->gateway, out, &why);
    *waits = state == HOST_PENDING;
    if (state == HOST_FAILED)
        daemon_log(d, 0, LOG_IKE, r->ike, "cannot follow to %s: %s", r->gateway, why);
    return state == HOST_READY;
}

/* False: its name is not known yet. */
static bool go_there(struct daemon *d, const struct redirected *r)
{
    struct cv_endpoint local = {0}, remote = {0};
    struct cv_ike_info ike;
    uint32_t next = 0;
    enum cv_err err;
    bool waits = false;

    if (!cv_ike_info(d->engine, r->ike, &ike) || !find_gateway(d, r, &remote.addr, &waits))
        return !waits;
    remote.port = ike.conn->remote_port != 0 ? ike.conn->remote_port : 500;
    local.port = remote.port == 500 ? d->conf.settings.port : d->conf.settings.port_nat_t;
    if (!local_for(d, ike.conn, &remote.addr, &local.addr)) {
        daemon_log(d, 0, LOG_IKE, r->ike, "cannot follow to %s: no route", r->gateway);
        return true;
    }
    err = cv_follow(d->engine, r->ike, &local, &remote, clock_now_ms(), &next);
    if (err == CV_OK)
        daemon_log(d, 1, LOG_IKE, next, "following to %s instead of IKE SA %u", r->gateway,
                   r->ike);
    else
        daemon_log(d, 0, LOG_IKE, r->ike, "not following to %s: %s", r->gateway,
                   cv_err_text(err));
    return true;
}

static void redirected(struct daemon *d, const struct cv_effect *fx)
{
    const struct cv_id *gw = &fx->u.event.gateway;
    struct redirected *r = &d->roaming.redirected[d->roaming.n_redirected];

    if (d->roaming.n_redirected == ROAMING_REDIRECTED_MAX || d->stopping) {
        daemon_log(d, 0, LOG_IKE, fx->ike, "too many are sent elsewhere at one time");
        return;
    }
    r->ike = fx->ike;
    id_format(r->gateway, sizeof(r->gateway), gw);
    daemon_log(d, 1, LOG_IKE, fx->ike, "the gateway sends us to %s", r->gateway);
    d->roaming.n_redirected += !go_there(d, r);
}

void roaming_resolved(struct daemon *d)
{
    struct roaming *r = &d->roaming;
    unsigned left = 0;

    for (unsigned i = 0; i < r->n_redirected; i++)
        if (!go_there(d, &r->redirected[i]))
            r->redirected[left++] = r->redirected[i];
    r->n_redirected = left;
    daemon_pump(d);
}

void roaming_event(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_way ways[CV_WAYS_MAX];
    struct cv_ike_info ike;
    bool same;
    size_t n;

    if (!cv_ike_info(d->engine, fx->ike, &ike) || !ike.began)
        return;
    switch (fx->u.event.kind) {
    case CV_EV_IKE_UP:
        d->roaming.n_began++;
        break;
    case CV_EV_IKE_DOWN:
        if (ike.established_ms != 0 && d->roaming.n_began > 0)
            d->roaming.n_began--;
        break;
    case CV_EV_REDIRECT:
        redirected(d, fx);
        break;
    case CV_EV_WAYS:
        (void)learn_addresses(d);
        n = find_ways(d, &ike, ways, &same);
        if (n > 1 || !same)
            (void)!cv_ways(d->engine, ike.id, ways, n, clock_now_ms());
        break;
    default:
        break;
    }
}

bool roaming_start(struct daemon *d)
{
    d->roaming.turn = evtimer_new(d->base, on_turn, d);
    if (d->roaming.turn != NULL)
        (void)learn_addresses(d);
    return d->roaming.turn != NULL;
}

void roaming_stop(struct daemon *d)
{
    if (d->roaming.turn != NULL)
        event_free(d->roaming.turn);
    d->roaming.turn = NULL;
}
