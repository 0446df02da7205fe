/* Nobody pays for another: floods from claimed and from proven addresses, thousands behind one
 * address, and a device with valid credentials that wants everything; beside them an
 * established tunnel loses nothing and an honest newcomer is in within a second.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crowd.h"
#include "sim/crypto.h"

enum { DEVICES = 1000, INIT_MAX = 1500, HDR = 28 };

/* ---- a thousand behind one address ------------------------------------------------------- */

static void start_behind(struct crowd *c, int nat)
{
    for (unsigned i = 0; i < c->n; i++)
        world_behind_nat(c->w, c->dev[i], nat);
    c->gw->settings.limits = (struct cv_limits){.ike_sas = 1200,
                                                .child_sas = 2400,
                                                .conns = 4,
                                                .handshakes = 125,
                                                .messages = 1300,
                                                .message_size = 4096,
                                                .effects = 512};
    crowd_start(c);
}

/* One of them has an old secret, and tries again at once whenever it is refused. */
static void fail_again_and_again(void *ctx, void *arg)
{
    struct crowd *c = ctx;
    struct host *h = c->dev[0];

    (void)arg;
    if (host_ike(h) != 0)
        host_drop_ike(h, host_ike(h));
    crowd_connect(c, 0);
    if (world_now(c->w) < 40000)
        agenda_at(&c->w->agenda, world_now(c->w) + 20, fail_again_and_again, c, sim_alloc(1));
}

static void a_thousand_devices_behind_one_address_are_a_normal_day(void **state)
{
    struct crowd *c = crowd_new(1, DEVICES);
    unsigned up[3];

    (void)state;
    c->w->quick = true;
    world_set_links(c->w, (struct net_link){.delay_ms = 15, .jitter_ms = 10});
    c->dev[0]->psk = "an old secret";
    start_behind(c, world_add_nat(c->w, 300000));
    fail_again_and_again(c, NULL);
    for (unsigned i = 1; i < c->n; i++) { /* 2,500 a second, more than one core can do */
        crowd_connect(c, i);
        if (i % 25 == 0)
            world_run(c->w, 10);
    }
    world_run(c->w, 600);
    up[0] = crowd_up(c);
    world_run(c->w, 4000);
    up[1] = crowd_up(c);
    world_run(c->w, 15000);
    up[2] = crowd_up(c);
    print_message(
        "%u devices behind one address, within 0.4 s, beside one that fails 50 times a second: "
        "up after 1 s %u, 5 s %u, 20 s %u\n",
        DEVICES - 1, up[0], up[1], up[2]);
    assert_int_equal(up[2], DEVICES - 1);
    assert_true(crowd_free(c));
}

/* ---- floods --------------------------------------------------------------------------------
 */

enum { SOURCES = 60, COOKIE_MAX_LEN = 64 };

/* Who sends IKE_SA_INIT, an own one each time, from many addresses; one that gives returns the
 * cookies it is asked for. */
struct flood {
    struct crowd *c;
    bool gives; /* cookies back: its addresses are real */
    unsigned per_ms;
    uint64_t until_ms, sent;
    uint8_t init[INIT_MAX];
    size_t n;
};

static enum net_fate keep_init(void *ctx, struct datagram *d)
{
    struct flood *f = ctx;

    if (f->n == 0 && d->carrier == CV_UDP_500 && d->n <= INIT_MAX) {
        memcpy(f->init, d->data, d->n);
        f->n = d->n;
    }
    return NET_LOSE;
}

/* Half of the sources have an IPv4 address each, the others share a /64. */
static struct cv_addr source(unsigned i)
{
    struct cv_addr a = recipe_v4(203, 0, 113, (uint8_t)i);

    if (i % 2 == 0)
        return a;
    a = recipe_v6(0xbad, (uint16_t)i);
    return a;
}

static void answer_cookie(void *ctx, const struct datagram *d)
{
    struct flood *f = ctx;
    const size_t n = d->n - HDR; /* the notify payload, as the gateway wrote it */
    uint8_t m[INIT_MAX + COOKIE_MAX_LEN];

    if (!f->gives || d->n <= HDR || d->data[16] != 41 || n > COOKIE_MAX_LEN)
        return;
    memcpy(m, f->init, HDR);
    memcpy(m, d->data, 8); /* the SPI that the cookie is for */
    m[16] = 41;
    memcpy(m + HDR, d->data + HDR, n);
    m[HDR] = f->init[16];
    memcpy(m + HDR + n, f->init + HDR, f->n - HDR);
    m[26] = (uint8_t)((f->n + n) >> 8);
    m[27] = (uint8_t)(f->n + n);
    net_inject(&f->c->w->net, &d->dst, &d->src, CV_UDP_500, (struct cv_span){m, f->n + n});
}

static void pour(void *ctx, void *arg)
{
    struct flood *f = ctx;
    struct world *w = f->c->w;

    (void)arg;
    for (unsigned i = 0; i < f->per_ms; i++) {
        struct cv_endpoint from = {source((unsigned)(f->sent++ % SOURCES)), 500};
        struct cv_endpoint to = {from.addr.family == CV_IPV6 ? f->c->gw->v6 : f->c->gw->v4,
                                 500};

        if (!f->gives && from.addr.family == CV_IPV4) /* anybody's address */
            prng_fill(&w->prng, from.addr.b + 1, 3);
        prng_fill(&w->prng, f->init, 8);
        net_inject(&w->net, &from, &to, CV_UDP_500, (struct cv_span){f->init, f->n});
    }
    if (world_now(w) < f->until_ms)
        agenda_at(&w->agenda, world_now(w) + 1, pour, f, sim_alloc(1));
}

static void learn_init(struct flood *f)
{
    struct crowd *c = f->c;

    c->w->tap = keep_init;
    c->w->tap_ctx = f;
    crowd_connect(c, 2); /* its message is taken off the wire, and it gives up */
    c->w->tap = NULL;
    host_stop(c->dev[2]);
    assert_true(f->n > 0);
}

static void under_flood(bool gives, unsigned per_ms)
{
    struct crowd *c = crowd_new(5, 3);
    struct flood f = {.c = c, .gives = gives, .per_ms = per_ms};
    uint64_t from;
    uint32_t flow;

    c->w->quick = true;
    c->gw->settings.limits.ike_sas = 128;
    c->gw->settings.limits.handshakes = 64;
    c->gw->settings.limits.messages = 512;
    crowd_start(c);
    crowd_connect(c, 0);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 0));
    flow = c->w->stack.n - 2;
    learn_init(&f);
    for (unsigned i = 0; i < SOURCES; i++) {
        struct cv_addr a = source(i);
        bool v6 = a.family == CV_IPV6;

        (void)net_attach(&c->w->net, "flood", v6 ? NULL : &a, v6 ? &a : NULL, answer_cookie,
                         &f);
    }
    f.until_ms = world_now(c->w) + 1500;
    pour(&f, NULL);
    world_traffic(c->w, flow, 10, 150);
    world_run(c->w, 200);
    from = world_now(c->w);
    crowd_connect(c, 1);
    host_rekey_child(c->dev[0], host_child(c->dev[0])); /* and the one that is up may rekey */
    while (host_ike_info(c->dev[1], host_ike(c->dev[1])).state != CV_IKE_ESTABLISHED &&
           world_now(c->w) < from + 5000)
        world_run(c->w, 10);
    print_message(
        "%s flood of %u a second: a newcomer is in after %u ms, %u of 150 pings lost\n",
        gives ? "proven" : "forged", per_ms * 1000, (unsigned)(world_now(c->w) - from),
        (unsigned)world_missing(c->w, flow));
    assert_true(world_now(c->w) - from <= 1000);
    assert_true(c->dev[0]->saw[CV_EV_CHILD_REKEYED] == 1);
    world_run(c->w, 3000);
    assert_int_equal(world_missing(c->w, flow), 0);
    world_run(c->w, 100000);
    assert_true(crowd_ping(c, 0) && crowd_ping(c, 1));
    c->dev[2]->n_recipes = 0;
    assert_true(crowd_free(c));
}

static void a_forged_flood_costs_nobody_anything(void **state)
{
    (void)state;
    under_flood(false, 100);
}

static void a_flood_from_real_addresses_leaves_room_for_others(void **state)
{
    (void)state;
    under_flood(true, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forged_flood_costs_nobody_anything),
        cmocka_unit_test(a_flood_from_real_addresses_leaves_room_for_others),
        cmocka_unit_test(a_thousand_devices_behind_one_address_are_a_normal_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
