/* Owns: what is known to be amiss, and when it is looked after.
 * Invariant: what is amiss has its timer armed until it is right again.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/desired.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    NEWS_A_TURN = 256,  /* datagrams */
    PAUSE_US = 50000,   /* between two rounds, at least */
    RETRY_US = 1000000, /* after one that failed */
    SHARE = 20,         /* a round is followed by so many times its length of rest */
    SETTLE_US = 100000, /* before the host looks for other ways out */
    PATHS_US = 250000,  /* and between two such looks */
    TELL_S = 10,
    FAILURES_MAX = 3, /* in a row, before what needs it is no longer up */
    RULE_FIRST = 216,
    RULE_LAST = 223,
    ALL = (1 << DESIRED_KINDS) - 1,
    /* these are made anew, not compared */
    NOT_BY_GUESS = 1 << DESIRED_DEVICE | 1 << DESIRED_GUARD | 1 << DESIRED_INBOUND
};

static const char *const names[DESIRED_KINDS] = {
    [DESIRED_DEVICE] = "device",         [DESIRED_LINK] = "link",
    [DESIRED_ADDRESSES] = "addresses",   [DESIRED_RULES] = "rules",
    [DESIRED_ROUTES] = "routes",         [DESIRED_GUARD] = "guard-table",
    [DESIRED_INBOUND] = "inbound-table",
};

const char *desired_name(enum desired_kind kind)
{
    return names[kind];
}

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void arm(struct event *timer, uint64_t in_us)
{
    const struct timeval wait = {(time_t)(in_us / 1000000), (suseconds_t)(in_us % 1000000)};

    (void)evtimer_add(timer, &wait);
}

static bool has(const struct desired *d, enum desired_kind kind)
{
    return (d->amiss >> kind & 1) != 0;
}

static void mark(struct desired *d, unsigned kinds)
{
    d->amiss |= (uint8_t)kinds;
    if (d->heard_us == 0)
        d->heard_us = now_us();
}

/* ---- putting right ---------------------------------------------------------- */

/* One line a kind and ten seconds: somebody may keep taking it away. */
static void tell(struct desired *d, enum desired_kind kind, unsigned n, const char *problem)
{
    const uint64_t now_s = now_us() / 1000000 + 1;
    char text[256];

    uint64_t *told = &d->told_s[kind][problem != NULL];

    if (*told != 0 && now_s - *told < TELL_S)
        return;
    *told = now_s;
    if (problem != NULL)
        (void)snprintf(text, sizeof(text), "%s: cannot be restored: %s", names[kind], problem);
    else
        (void)snprintf(text, sizeof(text),
                       "%s: restored what others changed or removed (%u now, %llu so far)",
                       names[kind], n, (unsigned long long)d->stats.restored[kind]);
    d->host.note(d->host.ctx, text);
}

/* True when that kind is as it should be. */
static bool conclude(struct desired *d, enum desired_kind kind, unsigned restored,
                     const char *problem)
{
    d->stats.restored[kind] += restored;
    if (problem == NULL) {
        d->amiss &= (uint8_t) ~(1U << kind);
        if (restored > 0)
            tell(d, kind, restored, NULL);
        return true;
    }
    d->stats.failed[kind]++;
    tell(d, kind, 0, problem);
    if (d->failures + 1 == FAILURES_MAX)
        d->host.give_up(d->host.ctx, kind, problem);
    return false;
}

static bool conclude_renewal(struct desired *d, enum desired_kind kind, const struct renewal *r)
{
    return conclude(d, kind, r->restored, r->err == 0 ? NULL : strerror(r->err));
}

static bool mend_device(struct desired *d)
{
    struct problem why;
    const bool ok = d->host.remake(d->host.ctx, &why);

    if (ok)
        mark(d, ALL & ~(1U << DESIRED_DEVICE | 1U << DESIRED_GUARD));
    return conclude(d, DESIRED_DEVICE, ok, ok ? NULL : why.text);
}

static bool mend_link(struct desired *d)
{
    const int err = netconf_set_device(d->net, d->net->ifindex);

    if (err == ENODEV) { /* a device goes down before it goes: this was the first news of it */
        mark(d, 1U << DESIRED_DEVICE);
        return mend_device(d);
    }
    return conclude(d, DESIRED_LINK, err == 0, err == 0 ? NULL : strerror(err));
}

static bool mend_addresses(struct desired *d)
{
    struct renewal r = {0};

    netconf_renew_addresses(d->net, &r);
    return conclude_renewal(d, DESIRED_ADDRESSES, &r);
}

static bool mend_rules(struct desired *d)
{
    struct renewal r = {0};

    netconf_renew_rules(d->net, &r);
    shunts_renew(d->shunts, false, &r);
    return conclude_renewal(d, DESIRED_RULES, &r);
}

static bool mend_routes(struct desired *d)
{
    struct renewal r = {0};

    d->stats.compared++;
    netconf_renew_routes(d->net, d->failures + 1 >= FAILURES_MAX, &r);
    return conclude_renewal(d, DESIRED_ROUTES, &r);
}

static bool mend_guard(struct desired *d)
{
    struct renewal r = {0};
    const bool ok = guard_renew(d->guard, &d->net->routes);

    shunts_renew(d->shunts, true, &r);
    return conclude(d, DESIRED_GUARD, ok, ok ? NULL : "nf_tables refuses");
}

static bool mend_inbound(struct desired *d)
{
    const bool ok = d->host.rewrite(d->host.ctx);

    return conclude(d, DESIRED_INBOUND, ok, ok ? NULL : "nf_tables refuses");
}

/* In the order in which one needs the other; the guard early, as it holds what the rest lets
 * out meanwhile. */
static bool mend(struct desired *d)
{
    static const struct {
        enum desired_kind kind;
        bool (*step)(struct desired *d);
    } steps[] = {
        {DESIRED_GUARD,     mend_guard    },
        {DESIRED_INBOUND,   mend_inbound  },
        {DESIRED_LINK,      mend_link     },
        {DESIRED_RULES,     mend_rules    },
        {DESIRED_ADDRESSES, mend_addresses},
        {DESIRED_ROUTES,    mend_routes   },
    };
    bool ok = true;

    if (has(d, DESIRED_DEVICE) && !mend_device(d))
        return false;
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (has(d, steps[i].kind))
            ok = steps[i].step(d) && ok;
    return ok;
}

static void run(struct desired *d)
{
    const uint64_t start = now_us();
    uint64_t end, rest;
    bool ok;

    if (d->amiss == 0)
        return;
    if (start < d->next_us) {
        arm(d->timer, d->next_us - start);
        return;
    }
    ok = mend(d);
    end = now_us();
    rest = (end - start) * SHARE > PAUSE_US ? (end - start) * SHARE : PAUSE_US;
    d->next_us = end + (ok ? rest : RETRY_US);
    if (!ok) {
        d->failures++;
        arm(d->timer, RETRY_US);
        return;
    }
    if (end - d->heard_us > d->stats.longest_us)
        d->stats.longest_us = end - d->heard_us;
    d->heard_us = 0;
    d->failures = 0;
    if (d->amiss != 0) {
        d->heard_us = end;
        arm(d->timer, rest);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    run(ctx);
}

/* ---- news ------------------------------------------------------------------- */

static void ways_out(struct desired *d)
{
    const uint64_t now = now_us(), since = now - d->paths_us;

    if (d->settling)
        return;
    d->settling = true;
    arm(d->settle, since >= PATHS_US ? SETTLE_US : PATHS_US - since + SETTLE_US);
}

static void on_settled(evutil_socket_t fd, short what, void *ctx)
{
    struct desired *d = ctx;

    (void)fd;
    (void)what;
    d->settling = false;
    d->paths_us = now_us();
    d->host.paths(d->host.ctx);
}

static void hear_link(struct desired *d, const struct news *n)
{
    if (n->ifindex != d->net->ifindex)
        ways_out(d);
    else if (n->gone)
        mark(d, 1U << DESIRED_DEVICE);
    else if (!n->up || (n->mtu != 0 && n->mtu != d->net->mtu))
        mark(d, 1U << DESIRED_LINK | 1U << DESIRED_ADDRESSES | 1U << DESIRED_ROUTES |
                    1U << DESIRED_RULES);
}

static void hear_address(struct desired *d, const struct news *n)
{
    if (n->ifindex != d->net->ifindex)
        ways_out(d);
    else if (n->gone)
        mark(d, 1U << DESIRED_ADDRESSES);
    mark(d, 1U << DESIRED_ROUTES); /* those with this source, or all: nobody says which */
}

/* One of ours is put back by itself; of too many at once the next round takes care. */
static void hear_route(struct desired *d, const struct news *n)
{
    struct renewal r = {0};

    if (n->table == ROUTE_ASK_TABLE)
        mark(d, 1U << DESIRED_RULES);
    else if (n->table != ROUTE_TABLE) {
        if (n->ifindex != d->net->ifindex)
            ways_out(d);
    } else if (d->amiss == 0 && (n->gone || n->ifindex != d->net->ifindex)) {
        if (!netconf_renew_route(d->net, &n->to, &r))
            return;
        d->stats.restored[DESIRED_ROUTES] += r.restored;
        if (r.restored > 0)
            tell(d, DESIRED_ROUTES, r.restored, NULL);
        if (r.err != 0)
            mark(d, 1U << DESIRED_LINK | 1U << DESIRED_ADDRESSES | 1U << DESIRED_ROUTES);
    }
}

/* Ports are numbers of their own in each netlink protocol. */
static bool is_ours(const struct desired *d, const struct news *n)
{
    if (n->kind == NEWS_TABLE)
        return d->guard->on && n->author == d->guard->nl.port;
    return n->author != 0 && n->author == d->net->nl.port;
}

static void hear(void *ctx, const struct news *n)
{
    struct desired *d = ctx;

    d->stats.news++;
    if (is_ours(d, n))
        return;
    switch (n->kind) {
    case NEWS_LINK:
        hear_link(d, n);
        break;
    case NEWS_ADDR:
        hear_address(d, n);
        break;
    case NEWS_ROUTE:
        hear_route(d, n);
        break;
    case NEWS_RULE:
        if (n->gone && n->priority >= RULE_FIRST && n->priority <= RULE_LAST)
            mark(d, 1U << DESIRED_RULES);
        break;
    case NEWS_TABLE:
        if (d->guard->on && strcmp(n->name, d->guard->table.table) == 0)
            mark(d, 1U << DESIRED_GUARD);
        else if (strcmp(n->name, d->inbound) == 0)
            mark(d, 1U << DESIRED_INBOUND);
        break;
    default:
        d->stats.lost++;
        mark(d, ALL & ~NOT_BY_GUESS);
        ways_out(d);
        break;
    }
}

static void on_news(evutil_socket_t fd, short what, void *ctx)
{
    struct desired *d = ctx;

    (void)what;
    watch_read(&d->watch, fd, NEWS_A_TURN, hear, d);
    run(d);
}

/* ---- life ------------------------------------------------------------------- */

void desired_init(struct desired *d)
{
    *d = (struct desired){
        .watch = {{.fd = -1}, {.fd = -1}}
    };
}

bool desired_start(struct desired *d, struct event_base *base)
{
    const struct netlink *sockets[] = {&d->watch.routes, &d->watch.tables};

    d->timer = evtimer_new(base, on_timer, d);
    d->settle = evtimer_new(base, on_settled, d);
    if (d->timer == NULL || d->settle == NULL || !watch_open(&d->watch))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (sockets[i]->fd < 0)
            continue;
        d->events[i] = event_new(base, sockets[i]->fd, EV_READ | EV_PERSIST, on_news, d);
        if (d->events[i] == NULL || event_add(d->events[i], NULL) != 0)
            return false;
    }
    return true;
}

static void free_event(struct event **e)
{
    if (*e != NULL)
        event_free(*e);
    *e = NULL;
}

void desired_stop(struct desired *d)
{
    free_event(&d->events[0]);
    free_event(&d->events[1]);
    free_event(&d->timer);
    free_event(&d->settle);
    watch_close(&d->watch);
}

void desired_check(struct desired *d)
{
    if (d->timer == NULL)
        return;
    mark(d, ALL & ~NOT_BY_GUESS);
    if (!guard_stands(d->guard))
        mark(d, 1U << DESIRED_GUARD);
    d->next_us = 0;
    run(d);
}

void desired_amiss(struct desired *d, enum desired_kind kind)
{
    mark(d, 1U << kind);
    if (d->timer != NULL)
        run(d);
}
