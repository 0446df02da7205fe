/* A random life of two to four hosts.  See chaos.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/crypto.h"
#include "sim/invariants.h"
#include "sim/move.h"

enum {
    DEVICES_MAX = 3,
    COMMANDS = 40,
    PAUSE_MAX_MS = 12000,
    QUIET_MS = 400000,
    PATIENCE = 240, /* further seconds until the hosts must have agreed once */
    CLOSING_MS = 500000
};

struct chaos {
    struct world *w;
    struct prng dice; /* apart from the network's, so that a command list stays a list */
    struct host *gw, *dev[DEVICES_MAX];
    unsigned n;
    struct recipe gw_conn[DEVICES_MAX], dev_conn[DEVICES_MAX];
    bool natted[DEVICES_MAX], vip[DEVICES_MAX], ipv6[DEVICES_MAX], mobile[DEVICES_MAX];
    int nat[DEVICES_MAX];
    uint8_t moves; /* no address comes twice */
    bool down[DEVICES_MAX];
};

/* ---- the cast ---------------------------------------------------------------------------- */

static void roll_lifetimes(struct chaos *c, struct recipe *r)
{
    if (prng_chance(&c->dice, 500))
        r->child[0].life = (struct cv_lifetime){
            .rekey_s = prng_range(&c->dice, 40, 200), .rand_s = 20, .hard_s = 400};
    if (prng_chance(&c->dice, 200))
        r->child[0].life.rekey_packets = prng_range(&c->dice, 50, 500);
    if (prng_chance(&c->dice, 400)) {
        r->conn.rekey_s = prng_range(&c->dice, 60, 300);
        r->conn.rand_s = 20;
        r->conn.over_s = 300;
    }
    /* proving oneself again takes one SA more than there are devices */
    if (prng_chance(&c->dice, 100) && c->gw->settings.limits.ike_sas > c->n)
        r->conn.reauth_s = prng_range(&c->dice, 100, 300);
    r->conn.dpd_delay_s = prng_range(&c->dice, 5, 30);
}

static void roll_actions(struct chaos *c, struct recipe *r)
{
    if (prng_chance(&c->dice, 300))
        r->child[0].dpd_action = CV_ACTION_START;
    if (prng_chance(&c->dice, 200))
        r->child[0].close_action = CV_ACTION_START;
    r->conn.keyingtries = prng_range(&c->dice, 1, 3);
}

static void roll_selectors(struct chaos *c, unsigned i)
{
    struct recipe *g = &c->gw_conn[i], *r = &c->dev_conn[i];

    recipe_local_ts(g, 0, recipe_subnet(c->gw->inner[0], 24));
    recipe_remote_ts(r, 0, recipe_subnet(c->gw->inner[0], 24));
    c->vip[i] = prng_chance(&c->dice, 400);
    if (c->vip[i]) {
        r->vips[0] = (struct cv_addr){.family = CV_IPV4};
        r->conn.vips = r->vips;
        r->conn.n_vips = 1;
        g->conn.has_pool = true;
        recipe_local_ts(r, 0, recipe_dynamic());
        recipe_remote_ts(g, 0, recipe_dynamic());
    } else {
        recipe_local_ts(r, 0, recipe_subnet(c->dev[i]->inner[0], 24));
        recipe_remote_ts(g, 0, recipe_subnet(c->dev[i]->inner[0], 24));
    }
}

static void roll_crypto(struct chaos *c, unsigned i)
{
    static const uint16_t kes[] = {CV_KE_X25519, CV_KE_ECP_256};
    struct recipe *g = &c->gw_conn[i], *r = &c->dev_conn[i];

    switch (prng_below(&c->dice, 5)) {
    case 0:
        recipe_cbc(r);
        recipe_cbc(g);
        break;
    case 1:
        recipe_aead(r, CV_ENCR_CHACHA20_POLY1305, 0);
        recipe_aead(g, CV_ENCR_CHACHA20_POLY1305, 0);
        break;
    case 2:
        recipe_aead(r, CV_ENCR_AES_GCM_16, 256);
        recipe_aead(g, CV_ENCR_AES_GCM_16, 256);
        break;
    default:
        break;
    }
    if (prng_chance(&c->dice, 300)) {
        recipe_esn(r);
        recipe_esn(g);
    }
    if (prng_chance(&c->dice, 300)) { /* sometimes a wrong guess */
        recipe_ike_kes(r, prng_chance(&c->dice, 500) ? kes : kes + 1, 1);
        recipe_ike_kes(g, kes, 2);
    }
    if (prng_chance(&c->dice, 300)) {
        recipe_pfs(r, CV_KE_X25519);
        recipe_pfs(g, CV_KE_X25519);
    }
    if (prng_chance(&c->dice, 300)) {
        r->conn.local.kind = r->conn.remote.kind = CV_AUTH_PUBKEY;
        g->conn.local.kind = g->conn.remote.kind = CV_AUTH_PUBKEY;
        c->dev[i]->n_certs = c->gw->n_certs = 2;
        c->dev[i]->cert_size = c->gw->cert_size = 1200;
    }
}

static void cast_device(struct chaos *c, unsigned i)
{
    struct recipe *g = &c->gw_conn[i], *r = &c->dev_conn[i];
    char name[16], id[40];

    snprintf(name, sizeof(name), "d%u", i);
    snprintf(id, sizeof(id), "d%u.fleet.example", i);
    c->dev[i] = world_add(c->w, name);
    recipe_init(r, "up", id, "gateway.example");
    recipe_init(g, name, "gateway.example", id);
    roll_selectors(c, i);
    roll_crypto(c, i);
    r->conn.unique = prng_chance(&c->dice, 500) ? CV_UNIQUE_REPLACE : CV_UNIQUE_NO;
    g->conn.unique = r->conn.unique;
    r->conn.encap = prng_chance(&c->dice, 200);
    roll_lifetimes(c, r);
    roll_lifetimes(c, g);
    roll_actions(c, r);
    c->natted[i] = prng_chance(&c->dice, 400);
    c->ipv6[i] = !c->natted[i] && prng_chance(&c->dice, 300);
    if (c->natted[i]) {
        c->nat[i] = world_add_nat(c->w, prng_range(&c->dice, 25, 120) * 1000);
        world_behind_nat(c->w, c->dev[i], c->nat[i]);
    }
    c->mobile[i] = prng_chance(&c->dice, 500);
    r->conn.mobike = c->mobile[i];
    g->conn.mobike = c->mobile[i];
    c->gw->mobile = true;
    if (prng_chance(&c->dice, 300))
        c->dev[i]->answer_ms = prng_range(&c->dice, 1, 3000);
    if (prng_chance(&c->dice, 300))
        c->dev[i]->whims_pm = prng_range(&c->dice, 50, 500);
    host_add(c->dev[i], r);
    host_add(c->gw, g);
}

/* Sometimes so little room that things are refused all the time. */
static void roll_limits(struct chaos *c)
{
    struct cv_limits *l = &c->gw->settings.limits;

    if (prng_chance(&c->dice, 300))
        l->hot_keys = prng_range(&c->dice, 1, 6); /* keys come and go under traffic */
    if (prng_chance(&c->dice, 800))
        return;
    l->ike_sas = prng_range(&c->dice, 2, 8);
    l->child_sas = prng_range(&c->dice, 2, 12);
    l->handshakes = prng_range(&c->dice, 1, 6);
    l->gathers = prng_range(&c->dice, 0, 3);
    l->messages = prng_range(&c->dice, 12, 40);
    l->effects = prng_range(&c->dice, 16, 32);
}

static void cast(struct chaos *c)
{
    c->gw = world_add(c->w, "gateway");
    c->n = 1 + prng_below(&c->dice, DEVICES_MAX);
    roll_limits(c);
    if (prng_chance(&c->dice, 300))
        c->gw->answer_ms = prng_range(&c->dice, 1, 3000);
    if (prng_chance(&c->dice, 300))
        c->gw->whims_pm = prng_range(&c->dice, 50, 500);
    if (prng_chance(&c->dice, 300))
        c->gw->settings.cookie_threshold = 1;
    c->gw->batches = prng_chance(&c->dice, 500);
    for (unsigned i = 0; i < c->n; i++)
        cast_device(c, i);
    for (uint32_t i = 0; i < c->w->n_hosts; i++)
        host_start(c->w->hosts[i]);
    world_set_links(c->w, (struct net_link){.loss_pm = prng_below(&c->dice, 300),
                                            .dup_pm = prng_below(&c->dice, 100),
                                            .mtu = prng_chance(&c->dice, 300) ? 1280 : 0,
                                            .delay_ms = prng_range(&c->dice, 1, 100),
                                            .jitter_ms = prng_below(&c->dice, 200)});
}

/* ---- the play ------------------------------------------------------------ */

static void traffic(struct chaos *c, unsigned i)
{
    struct host *d = c->dev[i];
    struct cv_addr src = d->inner[0];
    uint32_t flow;

    if (c->vip[i]) {
        src = host_ike_info(d, host_ike(d)).lease.v4;
        if (src.family != CV_IPV4)
            return;
    }
    flow = world_flow_between(c->w, d, &src, c->gw, &c->gw->inner[0]);
    world_traffic(c->w, flow, 20, prng_range(&c->dice, 10, 200));
    world_traffic(c->w, flow ^ 1, 20, prng_range(&c->dice, 10, 200));
}

/* To another address, perhaps behind the NAT or out of it; the IPv6 one stays, or is lost until
 * the next time. */
static void move(struct chaos *c, unsigned i, bool whole)
{
    const int nat = c->w->net.ports[c->dev[i]->port].nat;
    const struct cv_addr v6 = recipe_v6(7, ++c->moves);
    const bool inside = c->natted[i] && (nat == NET_NO_NAT || prng_chance(&c->dice, 500));
    const struct cv_addr v4 =
        inside ? recipe_v4(172, 31, (uint8_t)i, c->moves) : recipe_v4(203, 0, 113, c->moves);

    host_move(c->dev[i], &v4, whole || prng_chance(&c->dice, 700) ? &v6 : NULL,
              inside ? c->nat[i] : NET_NO_NAT);
}

static void mishap(struct chaos *c, unsigned i)
{
    struct net_port *p = &c->w->net.ports[c->dev[i]->port];

    if (c->mobile[i] && prng_chance(&c->dice, 600)) {
        move(c, i, false);
    } else if (prng_chance(&c->dice, 400)) {
        c->down[i] = !c->down[i];
        p->out.down = p->in.down = c->down[i];
    } else if (c->natted[i] && prng_chance(&c->dice, 500)) {
        nat_rebind(&c->w->net.nats[c->nat[i]]);
    } else if (prng_chance(&c->dice, 300)) {
        host_reboot(c->dev[i]);
    } else if (prng_chance(&c->dice, 50)) {
        host_reboot(c->gw);
    }
}

static void initiate(struct chaos *c, unsigned i, bool at_gw)
{
    struct host *from = at_gw ? c->gw : c->dev[i], *to = at_gw ? c->dev[i] : c->gw;
    struct recipe *r = at_gw ? &c->gw_conn[i] : &c->dev_conn[i];

    if (c->ipv6[i] && (c->dev[i]->v6.family == 0 || c->gw->v6.family == 0))
        return;
    if (c->ipv6[i])
        host_initiate_v6(from, r, 0, to);
    else
        host_initiate(from, r, 0, to);
}

static void end_ike(struct chaos *c, struct host *h)
{
    if (prng_chance(&c->dice, 200))
        host_reauth(h, host_ike(h));
    else if (prng_chance(&c->dice, 200))
        host_drop_ike(h, host_ike(h));
    else if (prng_chance(&c->dice, 500))
        host_delete_ike(h, host_ike(h));
}

static void command(struct chaos *c)
{
    unsigned i = prng_below(&c->dice, c->n);
    bool at_gw = prng_chance(&c->dice, 400);
    struct host *h = at_gw ? c->gw : c->dev[i];

    switch (prng_below(&c->dice, 10)) {
    case 0:
    case 1:
    case 2:
        initiate(c, i, at_gw && !c->natted[i] && !c->vip[i]);
        break;
    case 3:
        host_rekey_child(h, host_child(h));
        break;
    case 4:
        host_rekey_ike(h, host_ike(h));
        break;
    case 5:
        host_delete_child(h, host_child(h));
        break;
    case 6:
        end_ike(c, h);
        break;
    case 7:
    case 8:
        traffic(c, i);
        break;
    default:
        mishap(c, i);
    }
}

static void play(struct chaos *c)
{
    for (unsigned i = 0; i < c->n; i++)
        initiate(c, i, false);
    for (unsigned i = 0; i < COMMANDS && !c->w->failed; i++) {
        /* Often at once, sometimes while the last command's messages are on their way. */
        if (prng_chance(&c->dice, 700))
            world_run(c->w,
                      prng_below(&c->dice, prng_chance(&c->dice, 500) ? 300 : PAUSE_MAX_MS));
        command(c);
    }
}

/* ---- the end ------------------------------------------------------------- */

/* Lifetimes go on during the quiet time, so the hosts must agree at some moment. */
static bool agree_once(struct chaos *c, char *why, size_t cap)
{
    world_set_links(c->w, (struct net_link){.delay_ms = 10});
    for (unsigned i = 0; i < c->n; i++)
        if (c->mobile[i])
            move(c, i, true);
    world_run(c->w, QUIET_MS);
    for (unsigned i = 0; i < PATIENCE && !c->w->failed; i++) {
        if (invariants_agree(c->w, why, cap))
            return true;
        world_run(c->w, 1000);
    }
    return false;
}

static bool tunnels_work(struct chaos *c, char *why, size_t cap)
{
    c->w->trace.ike_only = false;
    for (unsigned i = 0; i < c->n; i++) {
        struct host *d = c->dev[i];
        uint32_t child = host_child(d);
        struct cv_addr src = d->inner[0];

        if (child == 0 || host_child_info(d, child).state != CV_CHILD_INSTALLED)
            continue;
        if (c->vip[i])
            src = host_ike_info(d, host_child_info(d, child).ike).lease.v4;
        if (world_ping(c->w, world_flow_between(c->w, d, &src, c->gw, &c->gw->inner[0])) ||
            host_child_info(d, child).state != CV_CHILD_INSTALLED) /* its life is over */
            continue;
        snprintf(why, cap, "%s: no answer to a ping through Child SA %u", d->name,
                 (unsigned)child);
        return false;
    }
    return true;
}

static void delete_all(struct host *h)
{
    struct cv_ike_info info;

    h->resting = true;
    for (unsigned i = 0; i < h->n_recipes; i++)
        cv_conn_remove(h->engine, &h->recipes[i]->conn);
    for (uint32_t at = 0; cv_ike_next(h->engine, &at, &info);)
        host_delete_ike(h, info.id);
}

static bool close_all(struct chaos *c, char *why, size_t cap)
{
    for (uint32_t i = 0; i < c->w->n_hosts; i++)
        delete_all(c->w->hosts[i]);
    world_run(c->w, CLOSING_MS);
    if (!invariants_empty(c->w, why, cap))
        return false;
    if (sim_crypto_live_keys() == 0)
        return true;
    snprintf(why, cap, "%llu crypto keys left over",
             (unsigned long long)sim_crypto_live_keys());
    return false;
}

bool chaos_run(uint64_t seed, bool silent, char *why, size_t cap)
{
    struct chaos *c = sim_alloc(sizeof(*c));
    bool fine;

    c->w = world_new(seed);
    c->w->silent = silent;
    c->w->trace.ike_only = true;
    c->dice = prng_seed(seed + 0x5eed);
    cast(c);
    play(c);
    fine = agree_once(c, why, cap) && tunnels_work(c, why, cap) && close_all(c, why, cap);
    if (c->w->failed)
        snprintf(why, cap, "%s", c->w->why);
    else if (!fine && !silent)
        trace_dump(&c->w->trace);
    fine = fine && !c->w->failed;
    world_free(c->w);
    free(c);
    return fine;
}
