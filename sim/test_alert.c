/* Tampering on the path is told to both parties within a second, and only where both
 * announced that they understand it.
 *
 *   device                 attacker              gateway
 *     | ESP ---------------> X changed ------------> | drops, counts, alarm
 *     | <------------------ INFORMATIONAL, alert --- | from the fourth on
 *     | peer alarm           |                       |
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(tampering_is_told_to_both_parties),
        DUO(one_damaged_packet_is_no_attack),
        DUO(a_long_attack_is_told_seldom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
