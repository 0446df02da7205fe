/* Owns what gateways have seen of devices.  No change is logged: it is no decision of anyone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "fleet/registry_inside.h"

struct seeing {
    const struct device_seen **v; /* by number: two gateways lock rows in the same order */
    size_t n;
};

static int by_device(const void *a, const void *b)
{
    const int64_t x = (*(const struct device_seen *const *)a)->device;
    const int64_t y = (*(const struct device_seen *const *)b)->device;

    return (x > y) - (x < y);
}

/* That a device has gone, only the gateway says that has it: it may be at another by now. */
static enum registry_err see(struct registry *r, const struct device_seen *s)
{
    const struct device_presence *p = &s->now;

    return REGISTRY_DO(
        r,
        "INSERT INTO presence (device, online, gateway, endpoint, address, since, seen, rx, "
        "tx, "
        "rx_packets, tx_packets, drops) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
        "$12) ON CONFLICT (device) DO UPDATE SET "
        "since = CASE WHEN excluded.online = 1 OR presence.gateway = excluded.gateway THEN "
        "excluded.since ELSE presence.since END, "
        "online = CASE WHEN excluded.online = 1 OR presence.gateway = excluded.gateway THEN "
        "excluded.online ELSE presence.online END, "
        "endpoint = CASE WHEN excluded.online = 1 OR presence.gateway = excluded.gateway THEN "
        "excluded.endpoint ELSE presence.endpoint END, "
        "address = CASE WHEN excluded.online = 1 OR presence.gateway = excluded.gateway THEN "
        "excluded.address ELSE presence.address END, "
        "gateway = CASE WHEN excluded.online = 1 THEN excluded.gateway ELSE presence.gateway "
        "END, "
        "seen = CASE WHEN excluded.seen > presence.seen THEN excluded.seen ELSE presence.seen "
        "END, rx = presence.rx + excluded.rx, tx = presence.tx + excluded.tx, "
        "rx_packets = presence.rx_packets + excluded.rx_packets, "
        "tx_packets = presence.tx_packets + excluded.tx_packets, "
        "drops = presence.drops + excluded.drops",
        SQL_N(s->device), SQL_N(p->online),
        SQL_T(p->gateway[0] != '\0' ? p->gateway : r->gateway), SQL_T(p->endpoint),
        SQL_T(p->address), SQL_N(p->since_s), SQL_N(p->seen_s), SQL_N(p->rx), SQL_N(p->tx),
        SQL_N(p->rx_packets), SQL_N(p->tx_packets), SQL_N(p->drops));
}

static enum registry_err see_all(struct registry *r, void *ctx)
{
    const struct seeing *s = ctx;
    enum registry_err err = REGISTRY_OK;

    for (size_t i = 0; i < s->n && err == REGISTRY_OK; i++)
        err = see(r, s->v[i]);
    return err;
}

enum registry_err registry_seen(struct registry *r, const struct device_seen *v, size_t n)
{
    struct seeing s = {.v = calloc(n > 0 ? n : 1, sizeof(s.v[0])), .n = n};
    enum registry_err err;

    if (s.v == NULL)
        return registry_say(r, REGISTRY_FAILED, "no memory for %zu devices", n);
    for (size_t i = 0; i < n; i++)
        s.v[i] = &v[i];
    qsort(s.v, n, sizeof(s.v[0]), by_device);
    err = n > 0 ? registry_together(r, see_all, &s) : REGISTRY_OK;
    free(s.v);
    return err;
}

enum registry_err registry_seen_none(struct registry *r)
{
    return REGISTRY_DO(
        r,
        "UPDATE presence SET online = 0, since = $2 WHERE online = 1 AND gateway "
        "= $1",
        SQL_T(r->gateway), SQL_N(registry_now_s(r)));
}

struct traffic {
    traffic_each *each;
    void *ctx;
};

static void tell_traffic(void *ctx, const struct sql_row *row)
{
    const struct traffic *t = ctx;
    const struct device_traffic one = {.device = sql_number(row, 0),
                                       .rx = (uint64_t)sql_number(row, 1),
                                       .tx = (uint64_t)sql_number(row, 2)};

    t->each(t->ctx, &one);
}

enum registry_err registry_traffic(struct registry *r, traffic_each *each, void *ctx)
{
    struct traffic t = {each, ctx};

    return registry_run(r,
                        &(struct sql_call){.text = "SELECT device, rx, tx FROM presence WHERE "
                                                   "online = 1 ORDER BY device",
                                           .stream = true,
                                           .each = tell_traffic,
                                           .ctx = &t});
}
