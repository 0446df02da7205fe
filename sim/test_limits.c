/* Bounded tables and attacks on them: full means refuse and count, and what is
 * established stays.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crowd.h"
#include "sim/duo.h"

/* The side that knows says which limit, its value, and whom it met last. */
static void met(const struct host *h, enum cv_limit limit, uint32_t value,
                const struct host *who)
{
    struct cv_limit_met met;

    cv_get_limit(h->engine, limit, &met);
    assert_true(met.times > 0);
    assert_int_equal(met.value, value);
    assert_memory_equal(&met.remote.addr, &who->v4, sizeof(who->v4));
}

static bool is_met(const struct host *h, enum cv_limit limit)
{
    struct cv_limit_met met;

    cv_get_limit(h->engine, limit, &met);
    return met.times > 0;
}

static void a_full_gateway_refuses_and_keeps_what_it_has(void **state)
{
    struct crowd *c = crowd_new(1, 8);

    (void)state;
    c->gw->settings.limits.ike_sas = 4;
    c->gw->settings.limits.child_sas = 4;
    c->gw->settings.block_threshold = 100;
    c->gw->settings.cookie_threshold = 100;
    crowd_start(c);
    for (unsigned i = 0; i < 8; i++) {
        crowd_connect(c, i);
        world_run(c->w, 1000);
    }
    world_run(c->w, 300000);
    assert_int_equal(crowd_up(c), 4);
    assert_true(host_errors(c->gw, CV_ERR_FULL) > 0);
    met(c->gw, CV_LIMIT_IKE_SAS, 4, c->dev[7]);
    assert_false(is_met(c->gw, CV_LIMIT_HANDSHAKES));
    for (unsigned i = 0; i < 4; i++)
        assert_true(crowd_ping(c, i));
    /* One leaves, another gets its place. */
    host_delete_ike(c->dev[0], host_ike(c->dev[0]));
    world_run(c->w, 60000);
    crowd_connect(c, 7);
    world_run(c->w, 10000);
    assert_true(crowd_ping(c, 7));
    assert_true(crowd_free(c));
}

static void no_room_for_a_child_leaves_the_ike_sa(void **state)
{
    struct crowd *c = crowd_new(1, 2);

    (void)state;
    c->gw->settings.limits.child_sas = 1;
    crowd_start(c);
    crowd_connect(c, 0);
    world_run(c->w, 5000);
    crowd_connect(c, 1);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 0));
    assert_int_equal(host_child_count(c->dev[1]), 0);
    met(c->gw, CV_LIMIT_CHILD_SAS, 1, c->dev[1]);
    assert_false(is_met(c->gw, CV_LIMIT_CHILDREN));
    assert_true(crowd_free(c));
}

static void one_device_does_not_get_every_slot(void **state)
{
    struct crowd *c = crowd_new(1, 2);

    (void)state;
    c->gw->settings.children_max = 3;
    crowd_start(c);
    crowd_connect(c, 0);
    world_run(c->w, 5000);
    for (unsigned i = 0; i < 5; i++) { /* the same child again and again */
        crowd_connect(c, 0);
        world_run(c->w, 5000);
    }
    assert_int_equal(host_child_count(c->gw), 3);
    met(c->gw, CV_LIMIT_CHILDREN, 3, c->dev[0]);
    assert_false(is_met(c->gw, CV_LIMIT_CHILD_SAS));
    crowd_connect(c, 1);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 0));
    assert_true(crowd_ping(c, 1));
    assert_true(crowd_free(c));
}

/* Three Child SAs with eight selectors each.  Where room for selectors ends, one of them
 * cannot be installed; it must not go on existing at the peer alone. */
static struct duo *with_many_selectors(unsigned small)
{
    struct duo *d = duo_new(1);

    (small == 0 ? d->dev : d->gw)->settings.limits.child_sas = 4;
    (void)duo_add_child(d);
    (void)duo_add_child(d);
    for (unsigned i = 0; i < 3; i++) {
        d->dev_conn.child[i].n_local_ts = d->dev_conn.child[i].n_remote_ts = 0;
        d->gw_conn.child[i].n_local_ts = d->gw_conn.child[i].n_remote_ts = 0;
        for (unsigned k = 0; k < CV_TS_MAX; k++) {
            struct cv_addr dev = recipe_v4(10, (uint8_t)(50 + i), (uint8_t)(2 * k), 0);
            struct cv_addr gw = recipe_v4(10, (uint8_t)(80 + i), (uint8_t)(2 * k), 0);

            recipe_local_ts(&d->dev_conn, i, recipe_subnet(dev, 24));
            recipe_remote_ts(&d->dev_conn, i, recipe_subnet(gw, 24));
            recipe_local_ts(&d->gw_conn, i, recipe_subnet(gw, 24));
            recipe_remote_ts(&d->gw_conn, i, recipe_subnet(dev, 24));
        }
    }
    return d;
}

static void selectors_that_find_no_room_are_no_ones(void **state)
{
    (void)state;
    for (unsigned small = 0; small < 2; small++) {
        struct duo *d = with_many_selectors(small);

        duo_start(d);
        for (unsigned i = 0; i < 3; i++) {
            host_initiate(d->dev, &d->dev_conn, i, d->gw);
            world_run(d->w, 1000);
        }
        assert_true(host_errors(small == 0 ? d->dev : d->gw, CV_ERR_FULL) > 0);
        assert_true(duo_settles(d, 10000, 1, host_child_count(d->gw)));
        assert_true(host_child_count(d->gw) < 3);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

static void a_device_with_one_slot_of_each_kind_works(void **state)
{
    struct crowd *c = crowd_new(1, 1);

    (void)state;
    c->dev[0]->settings.limits.ike_sas = 1;
    c->dev[0]->settings.limits.child_sas = 1;
    c->dev[0]->settings.limits.handshakes = 1;
    crowd_start(c);
    crowd_connect(c, 0);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 0));
    /* No room to rekey: refused, and the tunnel goes on. */
    host_rekey_child(c->dev[0], host_child(c->dev[0]));
    host_rekey_child(c->gw, host_child(c->gw));
    host_rekey_ike(c->dev[0], host_ike(c->dev[0]));
    world_run(c->w, 100000);
    assert_true(crowd_ping(c, 0));
    met(c->dev[0], CV_LIMIT_CHILD_SAS, 1, c->gw);
    met(c->dev[0], CV_LIMIT_IKE_SAS, 1, c->gw);
    assert_true(crowd_free(c));
}

/* What comes in fragments takes no slot from the exchange that it belongs to. */
static void a_device_with_one_slot_of_each_kind_takes_fragments(void **state)
{
    struct duo *d = *state;

    d->dev->settings.limits.handshakes = 1;
    d->gw->settings.limits.handshakes = 1;
    d->dev->settings.fragment_size = d->gw->settings.fragment_size = 600;
    duo_use_certs(d, 2, 600);
    assert_true(duo_connect(d));
    assert_int_equal(host_errors(d->dev, CV_ERR_FULL), 0);
    assert_int_equal(host_errors(d->gw, CV_ERR_FULL), 0);
    assert_true(duo_has(d, 1, 1));
}

static void one_address_is_asked_for_cookies_before_it_holds_much(void **state)
{
    struct crowd *c = crowd_new(1, 2);
    struct cv_stats stats;

    (void)state;
    c->gw->settings.cookie_threshold = 1000;
    crowd_start(c);
    crowd_connect(c, 1);
    world_run(c->w, 2000);
    c->dev[0]->settings.limits.handshakes = 2;
    /* A device behind whose address someone starts over and over. */
    for (unsigned i = 0; i < 20; i++) {
        c->w->net.ports[c->gw->port].out.down = true;
        crowd_connect(c, 0);
        world_run(c->w, 100);
        host_reboot(c->dev[0]);
    }
    cv_get_stats(c->gw->engine, &stats);
    assert_int_equal(stats.half_open, 4);
    assert_int_equal(stats.handshakes, 4);
    assert_int_equal(stats.messages, 2 * 4 + 2);    /* theirs and ours; two of device 1 */
    assert_int_equal(c->gw->saw[CV_EV_COOKIES], 0); /* nobody else is */
    c->w->net.ports[c->gw->port].out.down = false;
    assert_true(crowd_ping(c, 1));
    assert_true(crowd_free(c));
}

/*   device                        gateway under load
 *     | IKE_SA_INIT ---------------> |
 *     | <----------------- N(COOKIE) |
 *     | IKE_SA_INIT, N(COOKIE) ----> |
 *     | <--------------- IKE_SA_INIT |   (RFC 7296 section 2.6) */
static void a_flood_of_spoofed_requests_harms_nobody(void **state)
{
    struct crowd *c = crowd_new(1, 4);
    struct cv_stats stats;
    uint32_t flow;

    (void)state;
    crowd_start(c);
    crowd_connect(c, 0);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 0));
    flow = c->w->stack.n - 2;
    world_traffic(c->w, flow, 10, 2000);
    crowd_flood(c, 2, 10000);
    world_run(c->w, 5000);
    cv_get_stats(c->gw->engine, &stats);
    assert_in_range(stats.half_open, 1, 10);
    assert_int_equal(c->gw->saw[CV_EV_COOKIES], 1);
    /* An honest device gets in through the flood, with a cookie. */
    crowd_connect(c, 1);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 1));
    world_run(c->w, 20000);
    assert_int_equal(world_missing(c->w, flow), 0);
    world_run(c->w, 120000);
    cv_get_stats(c->gw->engine, &stats);
    assert_int_equal(stats.half_open, 0);
    assert_int_equal(stats.ike_sas, 2);
    assert_int_equal(host_last(c->gw, CV_EV_COOKIES)->value, 0);
    crowd_connect(c, 2);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 2));
    assert_true(crowd_free(c));
}

/* No cookie is asked for, and the tables fill up: still nothing breaks. */
static void a_flood_into_full_tables_passes(void **state)
{
    struct crowd *c = crowd_new(1, 2);
    struct cv_stats stats;

    (void)state;
    c->gw->settings.cookie_threshold = 1000000;
    c->gw->settings.block_threshold = 1000000;
    crowd_start(c);
    crowd_connect(c, 0);
    world_run(c->w, 5000);
    crowd_flood(c, 2, 5000);
    world_run(c->w, 8000);
    cv_get_stats(c->gw->engine, &stats);
    assert_true(stats.errors[CV_ERR_FULL] + stats.gave_way > 1000);
    assert_true(stats.gave_way > 0); /* the stale ones of the flood, for the newer */
    assert_true(crowd_ping(c, 0));
    host_rekey_child(c->dev[0], host_child(c->dev[0]));
    world_run(c->w, 120000);
    crowd_connect(c, 1);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 1));
    assert_true(crowd_ping(c, 0));
    assert_true(crowd_free(c));
}

static enum net_fate lose_auth(void *ctx, struct datagram *d)
{
    (void)ctx;
    return d->carrier == CV_UDP_500 && d->n > 20 && d->data[18] == 35 ? NET_LOSE : NET_PASS;
}

/* An address that has proven itself, and begins over and over. */
static void a_source_has_its_own_limit_where_one_is_set(void **state)
{
    struct crowd *c = crowd_new(1, 2);

    (void)state;
    c->gw->settings.cookie_threshold = 1;
    c->gw->settings.block_threshold = 2;
    crowd_start(c);
    crowd_flood(c, 1, 2); /* so that cookies are asked for */
    world_run(c->w, 100);
    c->w->tap = lose_auth;
    for (unsigned i = 0; i < 2; i++) {
        crowd_connect(c, 0);
        world_run(c->w, 500);
        assert_false(is_met(c->gw, CV_LIMIT_SOURCE));
        host_reboot(c->dev[0]);
    }
    crowd_connect(c, 0);
    world_run(c->w, 500);
    met(c->gw, CV_LIMIT_SOURCE, 2, c->dev[0]);
    c->w->tap = NULL;
    crowd_connect(c, 1);
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 1));
    assert_true(crowd_free(c));
}

/* Answers that are kept for who asks again: without room for one nothing is begun. */
static void handshakes_and_messages_without_room_are_not_begun(void **state)
{
    (void)state;
    for (unsigned messages = 0; messages < 2; messages++) {
        struct crowd *c = crowd_new(1, 8);
        const enum cv_limit limit = messages ? CV_LIMIT_MESSAGES : CV_LIMIT_HANDSHAKES;

        *(messages ? &c->gw->settings.limits.messages : &c->gw->settings.limits.handshakes) = 7;
        c->gw->settings.cookie_threshold = 100;
        crowd_start(c);
        c->w->tap = lose_auth;
        for (unsigned i = 0; i < 8; i++)
            crowd_connect(c, i);
        world_run(c->w, 300);
        met(c->gw, limit, 7, c->dev[7]);
        assert_false(is_met(c->gw, messages ? CV_LIMIT_HANDSHAKES : CV_LIMIT_MESSAGES));
        c->w->tap = NULL;
        world_run(c->w, 200000);
        assert_true(crowd_up(c) > 0);
        assert_true(crowd_free(c));
    }
}

static void without_a_cookie_nothing_is_kept_under_load(void **state)
{
    struct crowd *c = crowd_new(1, 2);
    struct cv_stats stats;

    (void)state;
    c->gw->settings.cookie_threshold = 1;
    crowd_start(c);
    crowd_flood(c, 1, 200);
    world_run(c->w, 1000);
    cv_get_stats(c->gw->engine, &stats);
    assert_int_equal(stats.half_open, 1);
    assert_true(stats.errors[CV_ERR_IKE_COOKIE] >= 190);
    assert_true(crowd_free(c));
}

/* Takes the first IKE_SA_INIT that carries a cookie off the wire. */
struct jar {
    uint8_t init[1500];
    size_t n;
};

static enum net_fate steal_cookie(void *ctx, struct datagram *d)
{
    struct jar *j = ctx;

    if (j->n > 0 || d->carrier != CV_UDP_500 || d->n < 36 || d->n > sizeof(j->init) ||
        d->data[16] != 41 || d->data[19] & 0x20)
        return NET_PASS;
    memcpy(j->init, d->data, d->n);
    j->n = d->n;
    return NET_LOSE;
}

static void a_cookie_is_good_for_its_own_address_and_spi_only(void **state)
{
    struct crowd *c = crowd_new(1, 2);
    struct jar jar = {.n = 0};
    struct cv_endpoint gw = {c->gw->v4, 500}, dev = {c->dev[0]->v4, 500};
    struct cv_stats stats;

    (void)state;
    c->gw->settings.cookie_threshold = 1;
    crowd_start(c);
    crowd_flood(c, 1, 2); /* load */
    world_run(c->w, 100);
    c->w->tap = steal_cookie;
    c->w->tap_ctx = &jar;
    crowd_connect(c, 0);
    world_run(c->w, 500);
    assert_true(jar.n > 0);
    for (unsigned i = 0; i < 50; i++) {
        struct cv_endpoint src = {recipe_v4(203, 0, 113, (uint8_t)i), 500};

        net_inject(&c->w->net, &src, &gw, CV_UDP_500, (struct cv_span){jar.init, jar.n});
        jar.init[i % 8]++; /* the initiator's SPI */
        net_inject(&c->w->net, &dev, &gw, CV_UDP_500, (struct cv_span){jar.init, jar.n});
        jar.init[i % 8]--;
    }
    world_settle(c->w);
    cv_get_stats(c->gw->engine, &stats);
    assert_int_equal(stats.half_open, 1);
    net_inject(&c->w->net, &dev, &gw, CV_UDP_500, (struct cv_span){jar.init, jar.n});
    world_run(c->w, 5000);
    assert_true(crowd_ping(c, 0));
    assert_true(crowd_free(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_gateway_refuses_and_keeps_what_it_has),
        cmocka_unit_test(no_room_for_a_child_leaves_the_ike_sa),
        cmocka_unit_test(one_device_does_not_get_every_slot),
        cmocka_unit_test(selectors_that_find_no_room_are_no_ones),
        cmocka_unit_test(a_device_with_one_slot_of_each_kind_works),
        DUO(a_device_with_one_slot_of_each_kind_takes_fragments),
        cmocka_unit_test(one_address_is_asked_for_cookies_before_it_holds_much),
        cmocka_unit_test(a_flood_of_spoofed_requests_harms_nobody),
        cmocka_unit_test(a_flood_into_full_tables_passes),
        cmocka_unit_test(a_source_has_its_own_limit_where_one_is_set),
        cmocka_unit_test(handshakes_and_messages_without_room_are_not_begun),
        cmocka_unit_test(without_a_cookie_nothing_is_kept_under_load),
        cmocka_unit_test(a_cookie_is_good_for_its_own_address_and_spi_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
