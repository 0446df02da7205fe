/* Owns: carrying out what the engine asks for.
 * Invariant: an effect's spans are used before the next call into the engine, as
 * cv_next_effect demands; questions are only filed, and answered when all effects are drained.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "linux/net/datagram.h"

enum { FAILURES_EVERY_MS = 10000, PATHS_A_TURN = 256 };

/* A protected network that holds the peer itself: the kernel's strict filter takes the peer's
 * outer packets for forged, as the way back would be the tunnel.  They carry no mark, so the
 * rule cannot help. */
static void warn_of_filter(struct daemon *d, uint32_t ike, const struct cv_child_info *c)
{
    const struct cv_endpoint *peer;
    char name[IFNAMSIZ];
    struct cv_ike_info info;
    struct cv_addr src;
    unsigned ifindex;

    if (!cv_ike_info(d->engine, ike, &info))
        return;
    peer = &info.remote;
    for (unsigned i = 0; i < c->remote_ts.n; i++) {
        const struct cv_ts *ts = &c->remote_ts.ts[i];

        if (ts->family != CV_IPV4 || peer->addr.family != CV_IPV4 ||
            memcmp(peer->addr.b, ts->lo, 4) < 0 || memcmp(peer->addr.b, ts->hi, 4) > 0)
            continue;
        if (route_source(&d->net.nl, &peer->addr, ROUTE_MARK, &src, &ifindex) == 0 &&
            route_filters_strictly(ifindex, name))
            daemon_log(d, 0, LOG_KNL, ike,
                       "the peer's address is inside the network behind it, and rp_filter is "
                       "strict: set net.ipv4.conf.%s.rp_filter=2 or its packets are dropped",
                       name);
        return;
    }
}

/* What the kernel knows of the way to the peer: the first large packet need not find out. */
static void path_of(struct daemon *d, const struct cv_child_info *c)
{
    struct cv_ike_info ike;

    if (cv_ike_info(d->engine, c->ike, &ike))
        cv_path_mtu(d->engine, c->id, datagram_path_mtu(&ike.remote.addr, ROUTE_MARK),
                    clock_now_ms());
}

bool daemon_renew_paths(struct daemon *d, uint32_t *at)
{
    struct cv_child_info c;
    unsigned n = 0;

    for (; n < PATHS_A_TURN && cv_child_next(d->engine, 0, at, &c); n++)
        path_of(d, &c);
    return n == PATHS_A_TURN;
}

/* An IKE SA and all that it carries have another path. */
static void paths_of(struct daemon *d, uint32_t ike)
{
    struct cv_child_info c;
    struct cv_ike_info info;

    if (!cv_ike_info(d->engine, ike, &info))
        return;
    if (netconf_lease(&d->net, ike) != NULL)
        shunts_outside(&d->shunts, &info.remote.addr);
    for (uint32_t at = 0; cv_child_next(d->engine, ike, &at, &c);)
        path_of(d, &c);
}

static void routes_of(struct daemon *d, uint32_t child)
{
    struct cv_child_info c;

    if (!cv_child_info(d->engine, child, &c))
        return;
    if (!netconf_add_routes(&d->net, c.id, &c.local_ts, &c.remote_ts, c.mode))
        d->pump.unsteered(d, c.id);
    policyset_drop(&d->policies, c.id);
    if (!conn_is_virtual(c.conn))
        policyset_narrow(&d->policies, c.id, c.cfg, &c.local_ts, &c.remote_ts);
    path_of(d, &c);
    warn_of_filter(d, c.ike, &c);
}

static void routes_end(struct daemon *d, uint32_t child)
{
    netconf_drop_routes(&d->net, child);
    policyset_drop(&d->policies, child);
}

static void scripts_of(struct daemon *d, uint32_t child, bool up)
{
    const struct cv_lease *ours;
    struct cv_child_info c;
    struct cv_ike_info ike;

    if (!cv_child_info(d->engine, child, &c) || !cv_ike_info(d->engine, c.ike, &ike))
        return;
    ours = netconf_lease(&d->net, ike.id);
    if (ours != NULL)
        ike.lease = *ours; /* the engine does not keep the DNS servers */
    updown_run(d->updown, up, &ike, &c, d->io.tun.name);
}

/* What the event means for the kernel, the pools and the scripts. */
static void apply(struct daemon *d, const struct cv_effect *fx)
{
    struct cv_ike_info ike;

    switch (fx->u.event.kind) {
    case CV_EV_ADDRESS:
        if (cv_ike_info(d->engine, fx->ike, &ike))
            shunts_outside(&d->shunts, &ike.remote.addr);
        netconf_add_lease(&d->net, fx->ike, &fx->u.event.lease);
        dns_update(d);
        break;
    case CV_EV_CHILD_UP:
        routes_of(d, fx->u.event.child);
        scripts_of(d, fx->u.event.child, true);
        break;
    case CV_EV_CHILD_REKEYED: /* the new routes first: they never leave the kernel */
        routes_of(d, fx->u.event.child_new);
        routes_end(d, fx->u.event.child);
        break;
    case CV_EV_CHILD_DOWN:
        scripts_of(d, fx->u.event.child, false);
        break;
    case CV_EV_IKE_REKEYED:
        netconf_rename_lease(&d->net, fx->ike, fx->u.event.ike_new);
        pools_rename(d->pools, fx->ike, fx->u.event.ike_new);
        break;
    case CV_EV_IKE_MOVED:
        paths_of(d, fx->ike);
        break;
    case CV_EV_IKE_DOWN:
        ask_ended(d->ask, fx->ike, fx->u.event.err);
        netconf_drop_lease(&d->net, fx->ike);
        dns_update(d);
        break;
    default:
        break;
    }
}

static void carry_out(struct daemon *d, const struct cv_effect *fx)
{
    switch (fx->kind) {
    case CV_SEND:
        if (!delay_send(d, fx))
            netio_send(&d->io, fx);
        break;
    case CV_NEED_PSK:
    case CV_NEED_SIGNATURE:
    case CV_NEED_VERIFY:
    case CV_NEED_ADMISSION:
    case CV_NEED_ADDRESS:
        ask_file(d->ask, fx);
        break;
    case CV_FREE_ADDRESS:
        pools_release(d->pools, fx->ike);
        break;
    case CV_EVENT:
        narrate(d, fx);
        members_event(d, fx);
        apply(d, fx);
        d->pump.event(d, fx);
        roaming_event(d, fx);
        if (fx->u.event.kind == CV_EV_CHILD_DOWN)
            routes_end(d, fx->u.event.child); /* a trap in its place has its own by now */
        daemon_tell(d, fx);
        break;
    default:
        break;
    }
}

static void arm_alarm(struct daemon *d)
{
    uint64_t at = cv_next_deadline(d->engine);

    if (at != d->alarm_ms)
        clock_alarm_set(d->alarm_fd, at);
    d->alarm_ms = at;
}

/* Failed system calls of the packet path, summed up. */
static void tell_failures(struct daemon *d)
{
    struct netio_failures *f = &d->io.failures;
    uint64_t now = clock_now_ms();

    if ((f->sends == 0 && f->deliveries == 0) || now - d->failures_told_ms < FAILURES_EVERY_MS)
        return;
    if (f->sends != 0)
        daemon_log(d, 1, LOG_NET, 0, "could not send %llu packets: %s",
                   (unsigned long long)f->sends, strerror(f->send_errno));
    if (f->deliveries != 0)
        daemon_log(d, 1, LOG_ESP, 0, "%s did not take %llu packets: %s", d->io.tun.name,
                   (unsigned long long)f->deliveries, strerror(f->deliver_errno));
    memset(f, 0, sizeof(*f));
    d->failures_told_ms = now;
}

void daemon_pump(struct daemon *d)
{
    struct cv_effect fx;

    if (d->pumping)
        return; /* a listener called a command; the round that told it goes on */
    d->pumping = true;
    do
        while (cv_next_effect(d->engine, &fx))
            carry_out(d, &fx);
    while (ask_serve(d->ask));
    d->pumping = false;
    arm_alarm(d);
    (void)keep_flush(d);
    tell_failures(d);
    limits_tell(d);
    d->pump.rest(d);
}
