/* Owns what is seen of the devices that are connected: endpoints, times, counters.
 *
 * The table is walked in turns, a bounded part of it four times a second, and only what has
 * changed is written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kit/clock.h"
#include "kit/mem.h"
#include "roster/inside.h"
#include "text/text.h"

enum { WALKED_A_TURN = 512, ROUND_MS = 5000, PARTED_MAX = 100000 };

/* ---- counters ----------------------------------------------------------------- */

static void add_child(uint64_t n[5], const struct cv_child_info *c)
{
    n[ROLL_RX] += c->bytes_in;
    n[ROLL_TX] += c->bytes_out;
    n[ROLL_RX_PACKETS] += c->packets_in;
    n[ROLL_TX_PACKETS] += c->packets_out;
    for (unsigned i = 0; i < CV_CD_COUNT; i++)
        n[ROLL_DROPS] += c->drops[i];
}

/* A replaced Child SA has been counted when it was. */
static bool counts(const struct cv_child_info *c)
{
    return c->state != CV_CHILD_REKEYED && c->state != CV_CHILD_DEAD;
}

/* Over all lives; *last_in_ms is when the last packet came. */
static void sum(struct roster *r, const struct roll_device *d, uint64_t n[5],
                uint64_t *last_in_ms)
{
    const struct roll_ike *ike;
    struct cv_child_info c;

    memcpy(n, d->ended, sizeof(d->ended));
    for (uint32_t at = d->ikes; (ike = roll_next_ike(r->roll, &at)) != NULL;) {
        for (uint32_t i = 0; cv_child_next(r->host.engine, ike->ike, &i, &c);) {
            if (counts(&c))
                add_child(n, &c);
            if (c.last_in_ms > *last_in_ms)
                *last_in_ms = c.last_in_ms;
        }
    }
}

void presence_child_ends(struct roster *r, const struct cv_effect *fx)
{
    struct roll_device *d = roll_by_ike(r->roll, fx->ike);
    struct cv_child_info c;

    if (d == NULL || !cv_child_info(r->host.engine, fx->u.event.child, &c))
        return;
    if (fx->u.event.kind == CV_EV_CHILD_REKEYED || c.state != CV_CHILD_REKEYED)
        add_child(d->ended, &c);
}

/* ---- writing ------------------------------------------------------------------ */

static void mark(struct roster *r, struct roll_device *d)
{
    if (d->dirty)
        return;
    d->dirty = true;
    r->dirty = mem_grow(r->dirty, &r->dirty_cap, r->n_dirty + 1, sizeof(*r->dirty));
    r->dirty[r->n_dirty++] = d->id;
}

/* What is to be written of it now: counters since the last time. */
static struct device_seen describe(struct roll_device *d, const uint64_t n[5])
{
    struct device_seen s = {.device = d->id};
    struct device_presence *p = &s.now;

    p->online = d->n_up > 0;
    memcpy(p->endpoint, d->endpoint, sizeof(p->endpoint));
    memcpy(p->address, d->inside, sizeof(p->address));
    p->since_s = d->since_s;
    p->seen_s = d->seen_s;
    p->rx = n[ROLL_RX] - d->written[ROLL_RX];
    p->tx = n[ROLL_TX] - d->written[ROLL_TX];
    p->rx_packets = n[ROLL_RX_PACKETS] - d->written[ROLL_RX_PACKETS];
    p->tx_packets = n[ROLL_TX_PACKETS] - d->written[ROLL_TX_PACKETS];
    p->drops = n[ROLL_DROPS] - d->written[ROLL_DROPS];
    memcpy(d->written, n, sizeof(d->written));
    d->dirty = false;
    return s;
}

static int64_t civil(uint64_t at_ms)
{
    return clock_unix_s() - (int64_t)((clock_now_ms() - at_ms) / 1000);
}

/* Has anything come or gone since it was written? */
static void look(struct roster *r, struct roll_device *d)
{
    uint64_t n[5], last_in_ms = 0;

    if (d->n_up == 0)
        return;
    sum(r, d, n, &last_in_ms);
    if (last_in_ms != 0 && civil(last_in_ms) > d->seen_s)
        d->seen_s = civil(last_in_ms);
    if (memcmp(n, d->written, sizeof(n)) != 0)
        mark(r, d);
}

static void walk(struct roster *r)
{
    struct roll_device *d;

    if (r->walk_at == 0 && clock_now_ms() < r->walk_ms)
        return;
    for (unsigned i = 0; i < WALKED_A_TURN; i++) {
        d = roll_next(r->roll, &r->walk_at);
        if (d == NULL) {
            r->walk_ms = clock_now_ms() + ROUND_MS;
            return;
        }
        look(r, d);
    }
}

void presence_turn(struct roster *r)
{
    size_t n = 0;

    walk(r);
    while (n < r->n_parted && clerk_has_room(r->clerk))
        clerk_see(r->clerk, &r->parted[n++]);
    memmove(r->parted, r->parted + n, (r->n_parted - n) * sizeof(*r->parted));
    r->n_parted -= n;
    while (r->n_dirty > 0 && clerk_has_room(r->clerk)) {
        struct roll_device *d = roll_by_id(r->roll, r->dirty[--r->n_dirty]);
        uint64_t counters[5], last_in_ms = 0;
        struct device_seen s;

        if (d == NULL || !d->dirty)
            continue;
        sum(r, d, counters, &last_in_ms);
        s = describe(d, counters);
        clerk_see(r->clerk, &s);
    }
}

/* ---- coming and going --------------------------------------------------------- */

static void take_endpoints(struct roster *r, struct roll_device *d, uint32_t ike)
{
    struct cv_ike_info info;

    if (!cv_ike_info(r->host.engine, ike, &info))
        return;
    endpoint_words(d->endpoint, sizeof(d->endpoint), &info.remote);
    d->inside[0] = '\0';
    if (info.lease.v4.family != 0)
        addr_format(d->inside, sizeof(d->inside), &info.lease.v4);
    else if (info.lease.v6.family != 0)
        addr_format(d->inside, sizeof(d->inside), &info.lease.v6);
}

void presence_up(struct roster *r, uint32_t ike)
{
    struct roll_device *d = roll_by_ike(r->roll, ike);

    if (d == NULL)
        return;
    if (d->n_up == 0)
        d->since_s = clock_unix_s();
    roll_up(r->roll, ike);
    d->seen_s = clock_unix_s();
    take_endpoints(r, d, ike);
    mark(r, d);
    if (d->n_up == 1)
        happened_up(r, d);
}

void presence_moved(struct roster *r, uint32_t ike)
{
    struct roll_device *d = roll_by_ike(r->roll, ike);

    if (d == NULL)
        return;
    d->seen_s = clock_unix_s();
    take_endpoints(r, d, ike);
    mark(r, d);
    happened_moved(r, d);
}

void presence_down(struct roster *r, struct roll_device *d)
{
    uint64_t n[5], last_in_ms = 0;

    sum(r, d, n, &last_in_ms);
    if (last_in_ms != 0 && civil(last_in_ms) > d->seen_s)
        d->seen_s = civil(last_in_ms);
    d->since_s = clock_unix_s();
    if (r->n_parted >= PARTED_MAX)
        return; /* the registry has been away for long: its gateway says so */
    r->parted = mem_grow(r->parted, &r->parted_cap, r->n_parted + 1, sizeof(*r->parted));
    r->parted[r->n_parted++] = describe(d, n);
}
