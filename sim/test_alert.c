/* Tampering on the path is told to both parties within a second, and only where both
 * announced that they understand it.
 *
 *   device                 attacker              gateway
 *     | ESP ---------------> X changed ------------> | drops, counts, alarm
 *     | <------------------ INFORMATIONAL, alert --- | from the fourth on
 *     | peer alarm           |                       |
 *
 * A packet without ESP in an SA's name is tampering like any other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"

/* Changes one bit of each ESP packet that the device sends. */
static enum net_fate tamper(void *ctx, struct datagram *d)
{
    const struct duo *duo = ctx;
    bool esp =
        d->carrier == CV_RAW_ESP ||
        (d->carrier == CV_UDP_4500 && (d->data[0] | d->data[1] | d->data[2] | d->data[3]));

    if (esp && d->from == duo->dev->port)
        d->data[d->n - 1] ^= 1;
    return NET_PASS;
}

static void attack(struct duo *d, unsigned packets)
{
    d->w->tap = tamper;
    d->w->tap_ctx = d;
    for (unsigned i = 0; i < packets; i++)
        assert_false(world_ping(d->w, d->flow));
    d->w->tap = NULL;
}

static void tampering_is_told_to_both_parties(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    attack(d, 4);
    world_run(d->w, 1000);
    assert_true(d->gw->saw[CV_EV_ALARM] >= 1);
    assert_int_equal(d->dev->saw[CV_EV_PEER_ALARM], 1);
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_has(d, 1, 1));
}

/* The same, and whatever else the device sends is lost. */
static enum net_fate tamper_and_silence(void *ctx, struct datagram *d)
{
    const struct duo *duo = ctx;
    bool ike =
        d->carrier == CV_UDP_500 ||
        (d->carrier == CV_UDP_4500 && (d->data[0] | d->data[1] | d->data[2] | d->data[3]) == 0);

    return ike && d->from == duo->dev->port ? NET_LOSE : tamper(ctx, d);
}

/* An alert is no liveness check, and the next one waits for its turn. */
static void an_alert_is_shown_as_one(void **state)
{
    struct duo *d = *state;
    struct cv_ike_info info;

    assert_true(duo_connect(d));
    d->w->tap = tamper_and_silence;
    d->w->tap_ctx = d;
    for (unsigned i = 0; i < 4; i++)
        assert_false(world_ping(d->w, d->flow));
    info = host_ike_info(d->gw, host_ike(d->gw));
    assert_int_equal(info.active, 1U << CV_TASK_ALERT);
    assert_int_equal(info.queued, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_false(world_ping(d->w, d->flow));
    info = host_ike_info(d->gw, host_ike(d->gw));
    assert_int_equal(info.active, 1U << CV_TASK_ALERT);
    assert_int_equal(info.queued, 1U << CV_TASK_ALERT);
    d->w->tap = NULL;
    world_run(d->w, 20000);
    info = host_ike_info(d->gw, host_ike(d->gw));
    assert_int_equal(info.active | info.queued, 0);
}

static void one_damaged_packet_is_no_attack(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    attack(d, 1);
    world_run(d->w, 10000);
    assert_int_equal(d->gw->saw[CV_EV_ALARM], 1);
    assert_int_equal(d->dev->saw[CV_EV_PEER_ALARM], 0);
}

static void a_long_attack_is_told_seldom(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    attack(d, 100);
    world_run(d->w, 10000);
    assert_in_range(d->dev->saw[CV_EV_PEER_ALARM], 2, 6);
    assert_true(world_ping(d->w, d->flow));
}

/* The attacker sends the flow's packets to the gateway, without any tunnel. */
static void send_in_clear(struct duo *d, unsigned packets, enum cv_verdict want)
{
    uint8_t buf[CV_HEADROOM + STACK_PACKET_MAX];

    for (unsigned i = 0; i < packets; i++) {
        struct cv_packet p = {.buf = buf, .cap = sizeof(buf)};

        p.len = stack_build(&d->w->stack, d->flow, i, buf);
        d->w->active = d->gw;
        cv_clear(d->gw->engine, &p, 1, world_now(d->w));
        host_drain(d->gw);
        assert_int_equal(p.verdict, want);
    }
}

static void what_comes_in_the_clear_is_told_to_both_parties(void **state)
{
    struct duo *d = *state;
    struct cv_child_info child;

    assert_true(duo_connect(d));
    send_in_clear(d, 5, CV_DROP);
    world_run(d->w, 1000);
    assert_int_equal(d->gw->saw[CV_EV_ALARM], 3); /* at 1, 2, 4 */
    assert_int_equal(host_last(d->gw, CV_EV_ALARM)->err, CV_ERR_CLEARTEXT);
    assert_int_equal(host_last(d->gw, CV_EV_ALARM)->value, 4);
    assert_int_equal(d->dev->saw[CV_EV_PEER_ALARM], 1);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_ALARM)->err, CV_ERR_CLEARTEXT);
    child = host_child_info(d->gw, host_child(d->gw));
    assert_int_equal(child.drops[CV_CD_CLEARTEXT], 5);
    assert_int_equal(host_errors(d->gw, CV_ERR_CLEARTEXT), 5);
    assert_true(world_ping(d->w, d->flow));
}

static void without_a_tunnel_nothing_is_a_violation(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    send_in_clear(d, 1, CV_DROP);
    assert_true(duo_closes(d));
    send_in_clear(d, 1, CV_BYPASS);
    assert_int_equal(host_errors(d->gw, CV_ERR_CLEARTEXT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(tampering_is_told_to_both_parties),
        DUO(an_alert_is_shown_as_one),
        DUO(one_damaged_packet_is_no_attack),
        DUO(a_long_attack_is_told_seldom),
        DUO(what_comes_in_the_clear_is_told_to_both_parties),
        DUO(without_a_tunnel_nothing_is_a_violation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
