/* MOBIKE: both ends, whose addresses change while the tunnel is up; RFC 4555.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "sim/move.h"
#include "wire/ip.h"

enum { SECOND = 1000, PACKET_MS = 20 };

static struct cv_addr v4(uint8_t x)
{
    return recipe_v4(203, 0, 113, x);
}

/* Up, with MOBIKE on both sides; the device is mobile from now on. */
static void connect(struct duo *d)
{
    const struct cv_addr own[] = {d->gw->v4, d->gw->v6};

    d->dev_conn.conn.mobike = d->gw_conn.conn.mobike = true;
    duo_start(d);
    cv_set_addresses(d->gw->engine, own, 2);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    d->dev->mobile = true;
    assert_true(duo_settles(d, 10 * SECOND, 1, 1));
    assert_true(world_ping(d->w, d->flow));
    assert_true(host_ike_info(d->dev, host_ike(d->dev)).mobike);
    assert_true(host_ike_info(d->gw, host_ike(d->gw)).mobike);
}

static struct cv_endpoint seen(const struct duo *d)
{
    return host_ike_info(d->gw, host_ike(d->gw)).remote;
}

/* Nothing about the tunnel is another one but its path, on which traffic goes on. */
static void assert_moved(struct duo *d, const struct cv_addr *to, uint32_t lost_at_most)
{
    const struct cv_endpoint at = seen(d);

    assert_true(addr_equal(&at.addr, to));
    assert_int_equal(host_ike(d->dev), d->ike);
    assert_true(duo_missing(d) <= lost_at_most);
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_settles(d, SECOND, 1, 1));
}

static void both_float_to_4500_without_a_nat(void **state)
{
    struct duo *d = *state;
    struct cv_ike_info info;

    connect(d);
    info = host_ike_info(d->dev, d->ike);
    assert_int_equal(info.local.port, 4500);
    assert_int_equal(info.remote.port, 4500);
    assert_false(info.encap || info.nat_local || info.nat_remote);
    assert_int_equal(seen(d).port, 4500);
    assert_false(host_child_info(d->gw, host_child(d->gw)).encap);
}

static void who_does_not_want_it_stays_where_it_is(void **state)
{
    struct duo *d = *state;

    d->gw_conn.conn.mobike = true;
    assert_true(duo_connect(d));
    assert_int_equal(host_ike_info(d->dev, d->ike).remote.port, 500);
    assert_false(host_ike_info(d->gw, host_ike(d->gw)).mobike);
    assert_int_equal(cv_ways(d->dev->engine, d->ike, NULL, 0, world_now(d->w)),
                     CV_ERR_UNSUPPORTED);
    assert_int_equal(cv_ways(d->dev->engine, 12345, NULL, 0, world_now(d->w)),
                     CV_ERR_NOT_FOUND);
}

/*  device                                    gateway
 *    | (its address is another one)             |
 *    | UPDATE_SA_ADDRESSES, NAT_DETECTION  ---> |
 *    | <---------------------- NAT_DETECTION    |
 *    | <---------------------- COOKIE2          |  is it there?
 *    | COOKIE2  ------------------------------> |  what goes to it, goes there from now on */
static void an_address_is_exchanged_under_traffic(void **state)
{
    struct duo *d = *state;
    const struct cv_addr to = v4(7);

    connect(d);
    duo_traffic(d, PACKET_MS);
    world_run(d->w, SECOND);
    host_move(d->dev, &to, NULL, NET_NO_NAT);
    world_run(d->w, 15 * SECOND);
    assert_moved(d, &to, 4);
    assert_int_equal(d->gw->saw[CV_EV_IKE_MOVED], 1);
    assert_int_equal(d->dev->saw[CV_EV_IKE_MOVED], 1);
}

static void a_device_moves_behind_a_nat_and_out_again(void **state)
{
    struct duo *d = *state;
    const int nat = world_add_nat(d->w, 60 * SECOND);
    const struct cv_addr inside = recipe_v4(172, 16, 0, 9), outside = v4(8);
    const struct cv_addr public = d->w->net.nats[nat].public;

    connect(d);
    duo_traffic(d, PACKET_MS);
    world_run(d->w, SECOND);
    host_move(d->dev, &inside, NULL, nat);
    world_run(d->w, SECOND);
    assert_true(host_child_info(d->gw, host_child(d->gw)).encap);
    assert_true(host_ike_info(d->dev, d->ike).nat_local);
    assert_true(host_ike_info(d->gw, host_ike(d->gw)).nat_remote);
    world_run(d->w, 15 * SECOND);
    assert_moved(d, &public, 8);

    duo_traffic(d, PACKET_MS);
    world_run(d->w, SECOND);
    host_move(d->dev, &outside, NULL, NET_NO_NAT);
    world_run(d->w, 15 * SECOND);
    assert_false(host_child_info(d->gw, host_child(d->gw)).encap);
    assert_false(host_child_info(d->dev, host_child(d->dev)).encap);
    assert_moved(d, &outside, 12);
}

static void the_family_changes_and_back(void **state)
{
    struct duo *d = *state;
    const struct cv_addr v6 = recipe_v6(9, 9), back = v4(9);

    connect(d);
    duo_traffic(d, PACKET_MS);
    world_run(d->w, SECOND);
    host_move(d->dev, NULL, &v6, NET_NO_NAT); /* the gateway has told of its IPv6 address */
    world_run(d->w, 15 * SECOND);
    assert_moved(d, &v6, 4);
    duo_traffic(d, PACKET_MS);
    world_run(d->w, SECOND);
    host_move(d->dev, &back, NULL, NET_NO_NAT);
    world_run(d->w, 15 * SECOND);
    assert_moved(d, &back, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(both_float_to_4500_without_a_nat),
        DUO(who_does_not_want_it_stays_where_it_is),
        DUO(an_address_is_exchanged_under_traffic),
        DUO(a_device_moves_behind_a_nat_and_out_again),
        DUO(the_family_changes_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
