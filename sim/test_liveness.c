/* Peers that vanish, NAT mappings that age or move: RFC 7296 sections 2.4 and 2.23,
 * RFC 3948 section 4.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ip.h"

static void a_quiet_peer_is_asked_and_answers(void **state)
{
    struct duo *d = *state;
    uint64_t sent;

    d->dev_conn.conn.dpd_delay_s = 30;
    assert_true(duo_connect(d));
    sent = d->w->net.count.sent;
    world_run(d->w, 300000);
    assert_in_range(d->w->net.count.sent - sent, 18, 22); /* ten rounds of two */
    assert_true(duo_has(d, 1, 1));
}

/* RFC 7296 section 2.4: fresh inbound traffic is proof of life. */
static void traffic_makes_asking_needless(void **state)
{
    struct duo *d = *state;
    uint64_t packets;

    d->dev_conn.conn.dpd_delay_s = 2;
    assert_true(duo_connect(d));
    packets = d->w->net.count.sent;
    duo_traffic(d, 500); /* 20 packets each way in ten seconds */
    world_run(d->w, 9800);
    assert_int_equal(d->w->net.count.sent - packets, 40);
}

static void a_vanished_peer_is_noticed(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.dpd_delay_s = 30;
    assert_true(duo_connect(d));
    host_stop(d->gw);
    world_run(d->w, 300000);
    assert_int_equal(host_ike_count(d->dev), 0);
    assert_int_equal(host_child_count(d->dev), 0);
    assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_PEER_SILENT);
    assert_true(host_is_empty(d->dev));
}

static void a_gateway_notices_a_vanished_device(void **state)
{
    struct duo *d = *state;

    duo_use_virtual_ip(d);
    d->gw_conn.conn.dpd_delay_s = 30;
    assert_true(duo_connect(d));
    host_stop(d->dev);
    world_run(d->w, 300000);
    assert_true(host_is_empty(d->gw));
    assert_int_equal(d->gw->n_leases, 0);
}

/* dpd_action START: the device connects again, as often as it takes. */
static void a_device_connects_again_after_its_gateway_crashed(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.dpd_delay_s = 30;
    d->dev_conn.conn.keyingtries = 0;
    d->dev_conn.child[0].dpd_action = CV_ACTION_START;
    assert_true(duo_connect(d));
    host_stop(d->gw);
    world_run(d->w, 600000);
    host_start(d->gw);
    assert_true(duo_settles(d, 300000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

static void a_short_outage_is_ridden_out(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.dpd_delay_s = 30;
    d->gw_conn.conn.dpd_delay_s = 30;
    assert_true(duo_connect(d));
    d->w->net.ports[d->gw->port].in.down = true;
    world_run(d->w, 60000);
    d->w->net.ports[d->gw->port].in.down = false;
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN] + d->gw->saw[CV_EV_IKE_DOWN], 0);
    assert_true(world_ping(d->w, d->flow));
}

static uint32_t active_tasks(const struct host *h)
{
    struct cv_ike_info info;

    assert_true(cv_ike_info(h->engine, host_ike(h), &info));
    return info.active;
}

/* Retransmissions are far apart by then; the host knows that the way is there again. */
static void a_probe_repeats_what_waits_for_an_answer(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.dpd_delay_s = 10;
    assert_true(duo_connect(d));
    d->w->net.ports[d->gw->port].in.down = true;
    world_run(d->w, 40000);
    d->w->net.ports[d->gw->port].in.down = false;
    assert_int_equal(active_tasks(d->dev), 1U << CV_TASK_LIVENESS);
    world_run(d->w, 1000);
    assert_int_equal(active_tasks(d->dev), 1U << CV_TASK_LIVENESS);
    host_probe(d->dev, host_ike(d->dev));
    world_run(d->w, 1000);
    assert_int_equal(active_tasks(d->dev), 0);
}

static void a_probe_finds_a_peer_that_is_gone(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    host_stop(d->gw);
    host_probe(d->dev, host_ike(d->dev));
    world_run(d->w, 300000);
    assert_true(host_is_empty(d->dev));
}

/* The gateway is away for an hour: each attempt is one of its own, with other keys. */
static void attempts_not_messages_are_repeated(void **state)
{
    struct duo *d = *state;
    uint32_t first;

    d->dev_conn.conn.keyingtries = 0;
    duo_start(d);
    host_stop(d->gw);
    first = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 3600000);
    assert_true(d->dev->saw[CV_EV_CHILD_FAILED] > 20);
    host_start(d->gw);
    assert_true(duo_settles(d, 120000, 1, 1));
    assert_true(host_ike(d->dev) != first);
    assert_true(world_ping(d->w, d->flow));
}

/* The mapping would age after 30 s; keepalives every 20 s hold it open. */
static void keepalives_hold_a_nat_mapping_open(void **state)
{
    struct duo *d = *state;

    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 30000));
    assert_true(duo_connect(d));
    world_run(d->w, 600000);
    assert_true(world_ping(d->w, d->flow ^ 1)); /* from the outside in */
    assert_true(host_errors(d->gw, CV_ERR_KEEPALIVE) >= 25);
}

static void no_keepalives_where_no_nat_is(void **state)
{
    struct duo *d = *state;
    uint64_t sent;

    assert_true(duo_connect(d));
    sent = d->w->net.count.sent;
    world_run(d->w, 600000);
    assert_int_equal(d->w->net.count.sent, sent);
}

static void without_keepalives_the_mapping_ages(void **state)
{
    struct duo *d = *state;

    d->dev->settings.keepalive_ms = UINT32_MAX;
    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 30000));
    assert_true(duo_connect(d));
    world_run(d->w, 60000);
    assert_false(world_ping(d->w, d->flow ^ 1));
    assert_true(d->w->net.count.filtered > 0);
    assert_true(world_ping(d->w, d->flow)); /* from the inside it opens again */
    assert_true(world_ping(d->w, d->flow ^ 1));
}

/* RFC 7296 section 2.23: authentic packets from a new port move the endpoint. */
static void a_rebound_nat_moves_the_endpoint(void **state)
{
    struct duo *d = *state;
    uint16_t before;

    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 60000));
    assert_true(duo_connect(d));
    before = host_ike_info(d->gw, host_ike(d->gw)).remote.port;
    for (unsigned i = 0; i < 5; i++) {
        nat_rebind(&d->w->net.nats[0]);
        world_run(d->w, 15000);
        assert_true(world_ping(d->w, d->flow));
        assert_true(world_ping(d->w, d->flow ^ 1));
    }
    assert_int_not_equal(host_ike_info(d->gw, host_ike(d->gw)).remote.port, before);
    assert_true(d->gw->saw[CV_EV_IKE_MOVED] >= 5);
    assert_int_equal(d->dev->saw[CV_EV_IKE_MOVED], 0);
    host_rekey_ike(d->gw, host_ike(d->gw));
    assert_true(duo_settles(d, 60000, 1, 1));
}

/* Takes an ESP packet off the wire and sends it on from another address. */
struct thief {
    struct world *w;
    struct host *victim;
    bool done;
};

static enum net_fate steal_esp(void *ctx, struct datagram *d)
{
    struct thief *t = ctx;
    struct cv_endpoint elsewhere = {recipe_v4(203, 0, 113, 66), d->src.port};

    if (t->done || d->from != t->victim->port || trace_ike(d).n != 0)
        return NET_PASS;
    t->done = true;
    net_inject(&t->w->net, &elsewhere, &d->dst, d->carrier, (struct cv_span){d->data, d->n});
    return NET_LOSE;
}

/* Where no NAT was seen, an authentic packet from elsewhere moves nothing. */
static void a_peer_without_a_nat_does_not_move(void **state)
{
    struct duo *d = *state;
    struct thief thief = {d->w, d->dev, false};
    struct cv_endpoint dev = {d->dev->v4, 500}, after;

    assert_true(duo_connect(d));
    d->w->tap = steal_esp;
    d->w->tap_ctx = &thief;
    assert_true(world_ping(d->w, d->flow));
    assert_true(thief.done);
    after = host_ike_info(d->gw, host_ike(d->gw)).remote;
    assert_true(endpoint_equal(&after, &dev));
    assert_int_equal(d->gw->saw[CV_EV_IKE_MOVED], 0);
    assert_true(world_ping(d->w, d->flow ^ 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_quiet_peer_is_asked_and_answers),
        DUO(traffic_makes_asking_needless),
        DUO(a_vanished_peer_is_noticed),
        DUO(a_gateway_notices_a_vanished_device),
        DUO(a_device_connects_again_after_its_gateway_crashed),
        DUO(a_short_outage_is_ridden_out),
        DUO(a_probe_repeats_what_waits_for_an_answer),
        DUO(a_probe_finds_a_peer_that_is_gone),
        DUO(attempts_not_messages_are_repeated),
        DUO(keepalives_hold_a_nat_mapping_open),
        DUO(no_keepalives_where_no_nat_is),
        DUO(without_keepalives_the_mapping_ages),
        DUO(a_rebound_nat_moves_the_endpoint),
        DUO(a_peer_without_a_nat_does_not_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
