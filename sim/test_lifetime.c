/* What ends by itself: time, octets and packets; rekeys before the end; hard ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"

enum { HOUR_MS = 3600000 };

static void a_child_is_rekeyed_when_its_time_comes(void **state)
{
    struct duo *d = *state;
    struct cv_child_info info;

    d->dev_conn.child[0].life =
        (struct cv_lifetime){.rekey_s = 600, .rand_s = 60, .hard_s = 700};
    assert_true(duo_connect(d));
    info = host_child_info(d->dev, host_child(d->dev));
    assert_in_range(info.rekey_at_ms - info.installed_ms, 540000, 600000);
    assert_int_equal(info.expire_at_ms - info.installed_ms, 700000);
    assert_int_equal(host_child_info(d->gw, host_child(d->gw)).rekey_at_ms, CV_NO_DEADLINE);
    world_run(d->w, HOUR_MS);
    assert_in_range(d->dev->saw[CV_EV_CHILD_REKEYED], 6, 6);
    assert_true(duo_settles(d, 30000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

static void jitter_spreads_the_rekeys_of_a_fleet(void **state)
{
    uint64_t first = 0;
    bool differs = false;

    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct duo *d = duo_new(seed);
        struct cv_child_info info;

        d->dev_conn.child[0].life = (struct cv_lifetime){.rekey_s = 600, .rand_s = 60};
        assert_true(duo_connect(d));
        info = host_child_info(d->dev, host_child(d->dev));
        if (seed == 1)
            first = info.rekey_at_ms - info.installed_ms;
        differs = differs || info.rekey_at_ms - info.installed_ms != first;
        assert_true(duo_free(d));
    }
    assert_true(differs);
}

static void both_sides_with_one_lifetime_do_not_fight(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].life = (struct cv_lifetime){.rekey_s = 300, .hard_s = 400};
    d->gw_conn.child[0].life = d->dev_conn.child[0].life;
    d->dev_conn.conn.rekey_s = d->gw_conn.conn.rekey_s = 900;
    assert_true(duo_connect(d));
    for (unsigned i = 0; i < 24; i++) {
        world_run(d->w, HOUR_MS);
        assert_false(d->w->failed);
    }
    assert_true(duo_settles(d, 90000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN] + d->gw->saw[CV_EV_IKE_DOWN], 0);
    assert_int_equal(d->dev->saw[CV_EV_CHILD_DOWN] + d->gw->saw[CV_EV_CHILD_DOWN], 0);
}

static void packets_and_octets_count_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);

        if (i == 0)
            d->dev_conn.child[0].life =
                (struct cv_lifetime){.rekey_packets = 500, .hard_packets = 1000};
        else
            d->dev_conn.child[0].life =
                (struct cv_lifetime){.rekey_bytes = 30000, .hard_bytes = 60000};
        assert_true(duo_connect(d));
        duo_traffic(d, 5); /* 2000 packets of 60 octets each way */
        assert_true(duo_settles(d, 15000, 1, 1));
        assert_true(d->dev->saw[CV_EV_CHILD_REKEYED] >= 3);
        assert_int_equal(duo_missing(d), 0);
        assert_true(duo_free(d));
    }
}

/* The peer refuses every rekey: the SA ends at its hard limit and nothing leaves. */
static void a_hard_limit_is_the_end(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].life = (struct cv_lifetime){.rekey_s = 100, .hard_s = 120};
    assert_true(duo_connect(d));
    d->gw_conn.esp[0].t[0].key_len = 256;
    assert_true(duo_settles(d, 150000, 1, 0));
    assert_int_equal(host_last(d->dev, CV_EV_CHILD_DOWN)->err, CV_ERR_LIFETIME);
    assert_false(world_ping(d->w, d->flow));
    assert_int_equal(d->w->stack.flows[d->flow].sent, 2);
}

static void a_hard_limit_in_packets_stops_at_once(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].life = (struct cv_lifetime){.hard_packets = 100};
    assert_true(duo_connect(d));
    duo_traffic(d, 5);
    world_run(d->w, 15000);
    assert_in_range(d->w->stack.flows[d->flow].received, 1, 100);
    assert_true(duo_settles(d, 10000, 1, 0));
}

static void an_ike_sa_is_rekeyed_when_its_time_comes(void **state)
{
    struct duo *d = *state;
    uint32_t child;

    d->dev_conn.conn.rekey_s = 600;
    d->dev_conn.conn.over_s = 60;
    d->dev_conn.conn.rand_s = 60;
    assert_true(duo_connect(d));
    child = host_child(d->dev);
    world_run(d->w, HOUR_MS);
    assert_in_range(d->dev->saw[CV_EV_IKE_REKEYED], 6, 6);
    assert_true(duo_settles(d, 70000, 1, 1));
    assert_int_equal(host_child(d->dev), child);
    assert_true(world_ping(d->w, d->flow));
}

/* The gateway vanishes: the IKE SA is past its rekey time and its over time. */
static void an_ike_sa_that_cannot_be_rekeyed_ends(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.rekey_s = 600;
    d->dev_conn.conn.over_s = 60;
    assert_true(duo_connect(d));
    host_stop(d->gw);
    world_run(d->w, 900000);
    assert_int_equal(host_ike_count(d->dev), 0);
    assert_true(host_is_empty(d->dev));
}

static void reauthentication_makes_a_new_sa_and_deletes_the_old(void **state)
{
    struct duo *d = *state;
    uint32_t before;

    d->dev_conn.conn.reauth_s = 600;
    assert_true(duo_connect(d));
    before = host_ike(d->dev);
    world_run(d->w, 700000);
    assert_true(duo_has(d, 1, 1));
    assert_int_not_equal(host_ike(d->dev), before);
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
}

static void an_idle_child_ends_after_its_inactivity_time(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].inactivity_s = 60;
    assert_true(duo_connect(d));
    world_run(d->w, 30000);
    assert_true(world_ping(d->w, d->flow));
    world_run(d->w, 50000);
    assert_true(duo_has(d, 1, 1));
    assert_true(duo_settles(d, 60000, 1, 0));
}

/* A year in a second or two. */
static void a_tunnel_lives_for_a_year(void **state)
{
    struct duo *d = *state;

    d->w->quick = true;
    d->dev_conn.child[0].life = (struct cv_lifetime){.rekey_s = 3600, .rand_s = 300};
    d->gw_conn.child[0].life = (struct cv_lifetime){.rekey_s = 3600, .rand_s = 300};
    d->dev_conn.conn.rekey_s = d->gw_conn.conn.rekey_s = 14400;
    d->dev_conn.conn.rand_s = d->gw_conn.conn.rand_s = 1440;
    assert_true(duo_connect(d));
    for (unsigned day = 0; day < 365; day++) {
        world_run(d->w, 24ull * HOUR_MS);
        assert_true(world_ping(d->w, d->flow));
    }
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN] + d->gw->saw[CV_EV_IKE_DOWN], 0);
    assert_true(duo_closes(d));
}

/* RFC 9333: no lifetime asks for it, but the clock's numbers would end. */
static void numbers_from_the_clock_bring_a_rekey_in_time(void **state)
{
    (void)state;
    for (unsigned esn = 0; esn < 2; esn++) {
        struct duo *d = duo_new(esn + 1);

        d->dev_conn.child[0].minimal_esp = true;
        d->dev_conn.conn.dpd_delay_s = HOUR_MS / 1000;
        if (esn) {
            recipe_esn(&d->dev_conn);
            recipe_esn(&d->gw_conn);
        }
        assert_true(duo_connect(d));
        for (unsigned hour = 0; hour < 50 * 24; hour++) {
            world_run(d->w, HOUR_MS);
            if (hour % 100 == 0)
                assert_true(world_ping(d->w, d->flow));
        }
        assert_int_equal(d->dev->saw[CV_EV_CHILD_REKEYED], 2);
        d->w->net.ports[d->dev->port].out.jitter_ms = 20; /* late, but not too late */
        duo_traffic(d, 3);
        assert_true(duo_settles(d, 20000, 1, 1));
        assert_int_equal(duo_missing(d), 0);
        assert_true(duo_free(d));
    }
}

/* over_time is what comes on top of a lifetime: without one there is no end. */
static void without_a_lifetime_nothing_is_over_it(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.rekey_s = d->dev_conn.conn.reauth_s = 0;
    d->gw_conn.conn.rekey_s = d->gw_conn.conn.reauth_s = 0;
    d->dev_conn.conn.over_s = d->gw_conn.conn.over_s = 10;
    assert_true(duo_connect(d));
    world_run(d->w, HOUR_MS);
    assert_true(duo_has(d, 1, 1));
    assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 0);
}

/* What one has proven holds for its time, however often the SA is rekeyed meanwhile: the
 * responder, which cannot reauthenticate, ends it. */
static void rekeys_do_not_prolong_an_authentication(void **state)
{
    struct duo *d = *state;
    const struct host_event *down;

    d->gw_conn.conn.reauth_s = 100;
    d->gw_conn.conn.over_s = 10;
    assert_true(duo_connect(d));
    for (unsigned i = 0; i < 20 && host_ike(d->gw) != 0; i++) {
        host_rekey_ike(d->dev, host_ike(d->dev));
        world_run(d->w, 7000);
    }
    down = host_last(d->gw, CV_EV_IKE_DOWN);
    assert_non_null(down);
    assert_int_equal(down->err, CV_ERR_LIFETIME);
    assert_in_range(down->at_ms, 1000000 + 100000, 1000000 + 125000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_child_is_rekeyed_when_its_time_comes),
        cmocka_unit_test(jitter_spreads_the_rekeys_of_a_fleet),
        DUO(both_sides_with_one_lifetime_do_not_fight),
        cmocka_unit_test(packets_and_octets_count_too),
        DUO(a_hard_limit_is_the_end),
        DUO(a_hard_limit_in_packets_stops_at_once),
        DUO(an_ike_sa_is_rekeyed_when_its_time_comes),
        DUO(an_ike_sa_that_cannot_be_rekeyed_ends),
        DUO(reauthentication_makes_a_new_sa_and_deletes_the_old),
        DUO(an_idle_child_ends_after_its_inactivity_time),
        cmocka_unit_test(numbers_from_the_clock_bring_a_rekey_in_time),
        DUO(a_tunnel_lives_for_a_year),
        DUO(without_a_lifetime_nothing_is_over_it),
        DUO(rekeys_do_not_prolong_an_authentication),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
