/* The fixture of two-host scenarios.  See duo.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/duo.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/invariants.h"

static void add_selectors(struct recipe *r, const struct host *here, const struct host *there)
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned prefix = i == 0 ? 24 : 48;

        recipe_local_ts(r, 0, recipe_subnet(here->inner[i], prefix));
        recipe_remote_ts(r, 0, recipe_subnet(there->inner[i], prefix));
    }
}

struct duo *duo_new(uint64_t seed)
{
    struct duo *d = sim_alloc(sizeof(*d));

    d->w = world_new(seed);
    d->dev = world_add(d->w, "device");
    d->gw = world_add(d->w, "gateway");
    recipe_init(&d->dev_conn, "to-gateway", "device.example", "gateway.example");
    recipe_init(&d->gw_conn, "devices", "gateway.example", "device.example");
    add_selectors(&d->dev_conn, d->dev, d->gw);
    add_selectors(&d->gw_conn, d->gw, d->dev);
    host_add(d->dev, &d->dev_conn);
    host_add(d->gw, &d->gw_conn);
    world_set_links(d->w, (struct net_link){.delay_ms = 10});
    d->flow = world_flow(d->w, d->dev, d->gw, CV_IPV4);
    return d;
}

bool duo_free(struct duo *d)
{
    bool fine = !d->w->failed;

    world_free(d->w);
    free(d);
    return fine;
}

int duo_setup(void **state)
{
    const char *seed = getenv("CULVERT_SEED");

    *state = duo_new(seed == NULL ? 1 : strtoull(seed, NULL, 10));
    return 0;
}

int duo_teardown(void **state)
{
    return duo_free(*state) ? 0 : -1;
}

void duo_start(struct duo *d)
{
    host_start(d->dev);
    host_start(d->gw);
}

void duo_use_certs(struct duo *d, unsigned n, size_t size)
{
    struct host *const hosts[] = {d->dev, d->gw};
    struct recipe *const recipes[] = {&d->dev_conn, &d->gw_conn};

    for (unsigned i = 0; i < 2; i++) {
        recipes[i]->conn.local.kind = CV_AUTH_PUBKEY;
        recipes[i]->conn.remote.kind = CV_AUTH_PUBKEY;
        recipes[i]->conn.send_cert = true;
        hosts[i]->n_certs = n;
        hosts[i]->cert_size = size;
    }
}

void duo_use_virtual_ip(struct duo *d)
{
    struct recipe *r = &d->dev_conn;

    r->vips[0] = (struct cv_addr){.family = CV_IPV4};
    r->conn.vips = r->vips;
    r->conn.n_vips = 1;
    d->gw_conn.conn.has_pool = true;
    r->child[0].n_local_ts = 0;
    recipe_local_ts(r, 0, recipe_dynamic());
    d->gw_conn.child[0].n_remote_ts = 0;
    recipe_remote_ts(&d->gw_conn, 0, recipe_dynamic());
}

uint32_t duo_add_child(struct duo *d)
{
    struct cv_addr dev = recipe_v4(172, 16, 1, 1), gw = recipe_v4(172, 16, 2, 1);
    unsigned i = recipe_add_child(&d->dev_conn), k = recipe_add_child(&d->gw_conn);

    recipe_local_ts(&d->dev_conn, i, recipe_subnet(dev, 24));
    recipe_remote_ts(&d->dev_conn, i, recipe_subnet(gw, 24));
    recipe_local_ts(&d->gw_conn, k, recipe_subnet(gw, 24));
    recipe_remote_ts(&d->gw_conn, k, recipe_subnet(dev, 24));
    return world_flow_between(d->w, d->dev, &dev, d->gw, &gw);
}

bool duo_has(const struct duo *d, unsigned ikes, unsigned children)
{
    unsigned i1 = host_ike_count(d->dev), i2 = host_ike_count(d->gw);
    unsigned c1 = host_child_count(d->dev), c2 = host_child_count(d->gw);
    char why[160];

    if (i1 != ikes || i2 != ikes || c1 != children || c2 != children) {
        trace_dump(&d->w->trace);
        fprintf(stderr, "IKE SAs: device %u, gateway %u, wanted %u; Child SAs: %u, %u, %u\n",
                i1, i2, ikes, c1, c2, children);
        return false;
    }
    if (invariants_agree(d->w, why, sizeof(why)))
        return true;
    trace_dump(&d->w->trace);
    fprintf(stderr, "%s\n", why);
    return false;
}

bool duo_settles(struct duo *d, uint64_t ms, unsigned ikes, unsigned children)
{
    world_run(d->w, ms);
    return !d->w->failed && duo_has(d, ikes, children);
}

bool duo_connect(struct duo *d)
{
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    if (!duo_settles(d, 10000, 1, 1))
        return false;
    if (d->dev_conn.conn.n_vips > 0)
        d->flow = world_flow_between(d->w, d->dev, &host_last(d->dev, CV_EV_ADDRESS)->lease.v4,
                                     d->gw, &d->gw->inner[0]);
    if (world_ping(d->w, d->flow))
        return true;
    trace_dump(&d->w->trace);
    fprintf(stderr, "no answer to a ping\n");
    return false;
}

void duo_traffic(struct duo *d, uint32_t interval_ms)
{
    world_traffic(d->w, d->flow, interval_ms, 10000 / interval_ms);
    world_traffic(d->w, d->flow ^ 1, interval_ms, 10000 / interval_ms);
}

uint32_t duo_missing(const struct duo *d)
{
    return world_missing(d->w, d->flow) + world_missing(d->w, d->flow ^ 1);
}

bool duo_closes(struct duo *d)
{
    struct cv_ike_info info;
    uint32_t at = 0;
    char why[160];

    while (cv_ike_next(d->dev->engine, &at, &info))
        host_delete_ike(d->dev, info.id);
    world_run(d->w, 300000);
    if (d->w->failed)
        return false;
    if (invariants_empty(d->w, why, sizeof(why)))
        return true;
    trace_dump(&d->w->trace);
    fprintf(stderr, "%s\n", why);
    return false;
}
