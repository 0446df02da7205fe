/* Devices by the dozen.  See crowd.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_MESSAGE = 2048, FLOOD_MAX = 1500 };

static void add_device(struct crowd *c, unsigned i)
{
    struct recipe *r = &c->dev_conn[i];
    char name[32], id[40];

    snprintf(name, sizeof(name), "d%u", i);
    snprintf(id, sizeof(id), "d%u.fleet.example", i);
    c->dev[i] = world_add(c->w, name);
    c->dev[i]->settings.limits = (struct cv_limits){.ike_sas = 2,
                                                    .child_sas = 4,
                                                    .conns = 1,
                                                    .handshakes = 2,
                                                    .messages = 12,
                                                    .message_size = SMALL_MESSAGE,
                                                    .effects = 16};
    recipe_init(r, "to-gateway", id, "gateway.example");
    r->vips[0] = (struct cv_addr){.family = CV_IPV4};
    r->conn.vips = r->vips;
    r->conn.n_vips = 1;
    recipe_local_ts(r, 0, recipe_dynamic());
    recipe_remote_ts(r, 0, recipe_subnet(c->gw->inner[0], 24));
    host_add(c->dev[i], r);
}

struct crowd *crowd_new(uint64_t seed, unsigned n)
{
    struct crowd *c = sim_alloc(sizeof(*c));

    c->w = world_new(seed);
    c->n = n;
    c->dev = sim_alloc(n * sizeof(struct host *));
    c->dev_conn = sim_alloc(n * sizeof(*c->dev_conn));
    c->gw = world_add(c->w, "gateway");
    recipe_init(&c->gw_conn, "fleet", "gateway.example", "*.fleet.example");
    c->gw_conn.conn.has_pool = true;
    recipe_local_ts(&c->gw_conn, 0, recipe_subnet(c->gw->inner[0], 24));
    recipe_remote_ts(&c->gw_conn, 0, recipe_dynamic());
    host_add(c->gw, &c->gw_conn);
    c->gw->settings.limits.message_size = SMALL_MESSAGE;
    for (unsigned i = 0; i < n; i++)
        add_device(c, i);
    world_set_links(c->w, (struct net_link){.delay_ms = 10});
    return c;
}

bool crowd_free(struct crowd *c)
{
    bool fine = !c->w->failed;

    world_free(c->w);
    free(c->dev);
    free(c->dev_conn);
    free(c);
    return fine;
}

void crowd_start(struct crowd *c)
{
    host_start(c->gw);
    for (unsigned i = 0; i < c->n; i++)
        host_start(c->dev[i]);
}

void crowd_connect(struct crowd *c, unsigned i)
{
    (void)host_initiate(c->dev[i], &c->dev_conn[i], 0, c->gw);
}

unsigned crowd_up(const struct crowd *c)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->n; i++)
        n += host_ike_info(c->dev[i], host_ike(c->dev[i])).state == CV_IKE_ESTABLISHED;
    return n;
}

bool crowd_ping(struct crowd *c, unsigned i)
{
    struct cv_ike_info info = host_ike_info(c->dev[i], host_ike(c->dev[i]));
    uint32_t flow;

    if (info.lease.v4.family != CV_IPV4)
        return false;
    flow = world_flow_between(c->w, c->dev[i], &info.lease.v4, c->gw, &c->gw->inner[0]);
    return world_ping(c->w, flow);
}

/* ---- the flood --------------------------------------------------------------------- */

struct flood {
    struct crowd *crowd;
    uint32_t interval_ms, left;
    size_t n;
    uint8_t init[FLOOD_MAX];
};

/* Keeps a copy of the first IKE_SA_INIT request that passes. */
static enum net_fate copy_init(void *ctx, struct datagram *d)
{
    struct flood *f = ctx;

    if (f->n == 0 && d->carrier == CV_UDP_500 && d->n <= FLOOD_MAX) {
        memcpy(f->init, d->data, d->n);
        f->n = d->n;
    }
    return NET_LOSE;
}

static void spoof(void *ctx, void *arg)
{
    struct world *w = ctx;
    const struct flood *f = arg;
    struct flood *next;
    struct cv_endpoint src =
                           {
                               {CV_IPV4, {0}},
                               500
    },
                       dst = {f->crowd->gw->v4, 500};
    uint8_t copy[FLOOD_MAX];

    memcpy(copy, f->init, f->n);
    prng_fill(&w->prng, copy, 8); /* the initiator's SPI */
    src.addr.b[0] = 203;
    prng_fill(&w->prng, src.addr.b + 1, 3);
    net_inject(&w->net, &src, &dst, CV_UDP_500, (struct cv_span){copy, f->n});
    if (f->left <= 1)
        return;
    next = sim_alloc(sizeof(*next));
    *next = *f;
    next->left--;
    agenda_at(&w->agenda, world_now(w) + f->interval_ms, spoof, w, next);
}

void crowd_flood(struct crowd *c, uint32_t interval_ms, uint32_t count)
{
    struct flood *f = sim_alloc(sizeof(*f));
    struct host *h = world_add(c->w, "attacker");
    struct recipe *r = sim_alloc(sizeof(*r));

    /* Its own engine writes the message; the network swallows it. */
    recipe_init(r, "attack", "a.fleet.example", "gateway.example");
    recipe_local_ts(r, 0, recipe_dynamic());
    recipe_remote_ts(r, 0, recipe_dynamic());
    host_add(h, r);
    host_start(h);
    *f = (struct flood){.crowd = c, .interval_ms = interval_ms, .left = count};
    c->w->tap = copy_init;
    c->w->tap_ctx = f;
    (void)host_initiate(h, r, 0, c->gw);
    c->w->tap = NULL;
    host_stop(h);
    h->n_recipes = 0;
    free(r);
    agenda_at(&c->w->agenda, world_now(c->w), spoof, c->w, f);
}
