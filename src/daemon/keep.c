/* Owns what outlives the daemon: leases and counters on their way to the state directory.
 *
 * Invariants: memory is the truth and the disk follows; the loop hands a batch over when the
 * one before is done, so a slow disk makes batches larger and never the loop late.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "daemon/inside.h"

enum { KEEP_EVERY_S = 60 }; /* counters */

/* ---- counters --------------------------------------------------------------- */

/* In the order of struct daemon_lifetime. */
static const char *const names[DAEMON_LIFETIME_COUNT] = {
    [LIFE_STARTS] = "starts",
    [LIFE_PACKETS_IN] = "packets-in",
    [LIFE_BYTES_IN] = "bytes-in",
    [LIFE_PACKETS_OUT] = "packets-out",
    [LIFE_BYTES_OUT] = "bytes-out",
    [LIFE_IKE_ESTABLISHED] = "ike-established",
    [LIFE_CHILD_ESTABLISHED] = "child-established",
};

const char *daemon_lifetime_name(unsigned i)
{
    return names[i];
}

void daemon_lifetime(const struct daemon *d, uint64_t out[DAEMON_LIFETIME_COUNT])
{
    struct cv_stats now;

    cv_get_stats(d->engine, &now);
    memcpy(out, d->keep.before, sizeof(d->keep.before));
    out[LIFE_STARTS] += 1;
    out[LIFE_PACKETS_IN] += now.packets_in;
    out[LIFE_BYTES_IN] += now.bytes_in;
    out[LIFE_PACKETS_OUT] += now.packets_out;
    out[LIFE_BYTES_OUT] += now.bytes_out;
    out[LIFE_IKE_ESTABLISHED] += now.ike_established;
    out[LIFE_CHILD_ESTABLISHED] += now.child_established;
}

static void put_counters(struct daemon *d)
{
    uint64_t now[DAEMON_LIFETIME_COUNT];

    daemon_lifetime(d, now);
    for (unsigned i = 0; i < DAEMON_LIFETIME_COUNT; i++)
        if (now[i] != d->keep.written[i])
            state_put_counter(d->keep.state, names[i], now[i]);
    memcpy(d->keep.written, now, sizeof(now));
    d->keep.counters_due = false;
}

/* ---- writing ---------------------------------------------------------------- */

bool keep_flush(struct daemon *d)
{
    struct state *state = d->keep.state;
    struct pool_lease lease;
    char *pool;

    if (!pools_changed(d->pools) && !d->keep.counters_due)
        return false;
    if (state == NULL || !state_is_idle(state))
        return false;
    while ((pool = pools_next_forgotten(d->pools)) != NULL) {
        state_forget_pool(state, pool);
        free(pool);
    }
    while (state_has_room(state) && pools_next_changed(d->pools, &lease))
        state_put_lease(state, &lease);
    if (d->keep.counters_due)
        put_counters(d);
    return state_write(state);
}

static void on_news(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;
    struct state_news news;

    (void)fd;
    (void)what;
    state_hear(d->keep.state, &news);
    if (news.renewed) {
        daemon_log(d, 0, LOG_DMN, 0, "state: %s: made anew from memory", news.told.text);
        pools_touch(d->pools);
        memset(d->keep.written, 0, sizeof(d->keep.written));
        d->keep.counters_due = true;
    }
    if (news.failed)
        daemon_log(d, 0, LOG_DMN, 0,
                   "state: %s. Until then leases are in memory only: traffic goes on, but a "
                   "device may get another address after a restart",
                   news.told.text);
    if (news.mended)
        daemon_log(d, 0, LOG_DMN, 0, "state: the database can be written again");
    (void)keep_flush(d);
}

static void on_keep(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;

    (void)fd;
    (void)what;
    d->keep.counters_due = true;
    (void)keep_flush(d);
}

/* ---- reading ---------------------------------------------------------------- */

static void take_lease(void *ctx, const struct pool_lease *lease)
{
    struct daemon *d = ctx;

    d->keep.n_leases++;
    pools_remember(d->pools, lease);
}

static void take_counter(void *ctx, const char *name, uint64_t value)
{
    struct daemon *d = ctx;

    for (unsigned i = 0; i < DAEMON_LIFETIME_COUNT; i++)
        if (strcmp(name, names[i]) == 0)
            d->keep.before[i] = value;
}

/* ---- life ------------------------------------------------------------------- */

void daemon_keep(struct daemon *d)
{
    static const struct timeval every = {.tv_sec = KEEP_EVERY_S};
    const struct state_reader reader = {take_lease, take_counter, d};
    struct keep *k = &d->keep;
    struct problem told;

    k->state = state_open(d->opt.state_dir, &reader, &told);
    if (told.text[0] != '\0') {
        daemon_log(d, 0, LOG_DMN, 0,
                   "state: %s. Traffic is not affected; leases stay in memory meanwhile",
                   told.text);
        pools_touch(d->pools); /* of a damaged one, some were read */
    }
    if (k->n_leases > 0)
        daemon_log(d, 1, LOG_DMN, 0, "state: %zu leases of %s", k->n_leases, d->opt.state_dir);
    k->news = event_new(d->base, state_fd(k->state), EV_READ | EV_PERSIST, on_news, d);
    k->every = event_new(d->base, -1, EV_PERSIST, on_keep, d);
    if (k->news != NULL)
        (void)event_add(k->news, NULL);
    if (k->every != NULL)
        (void)event_add(k->every, &every);
    k->counters_due = true;
    (void)keep_flush(d);
}

void keep_close(struct daemon *d)
{
    struct keep *k = &d->keep;

    if (k->state == NULL)
        return;
    k->counters_due = true;
    while (state_settle(k->state) && keep_flush(d))
        ;
    state_close(k->state);
    k->state = NULL;
    if (k->news != NULL)
        event_free(k->news);
    if (k->every != NULL)
        event_free(k->every);
}
