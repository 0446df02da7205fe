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

static bool is_seen_at(const struct duo *d, const struct cv_addr *addr)
{
    const struct cv_endpoint at = seen(d);

    return addr_equal(&at.addr, addr);
}

static bool sees_at(const struct duo *d, const struct cv_addr *addr)
{
    const struct cv_ike_info info = host_ike_info(d->dev, host_ike(d->dev));

    return addr_equal(&info.remote.addr, addr);
}

/* Nothing about the tunnel is another one but its path, on which traffic goes on. */
static void assert_moved(struct duo *d, const struct cv_addr *to, uint32_t lost_at_most)
{
    assert_true(is_seen_at(d, to));
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

/* ---- loss, and what was outstanding ---- */

static void whatever_is_lost_of_the_move_comes_again(void **state)
{
    const struct cv_addr to[] = {v4(20), v4(21), v4(22), v4(23)};
    struct duo *d = *state;

    connect(d);
    for (unsigned lost = 0; lost < 4; lost++) {
        duo_traffic(d, PACKET_MS);
        world_run(d->w, SECOND);
        /* UPDATE, its answer, COOKIE2, its answer */
        world_lose_nth(d->w, lost % 2 == 0 ? d->dev : d->gw, lost / 2);
        host_move(d->dev, &to[lost], NULL, NET_NO_NAT);
        world_run(d->w, 15 * SECOND);
        assert_moved(d, &to[lost], 60 * (lost + 1));
    }
}

/* What the device, or the gateway, had asked before the move is answered after it, once, and
 * whatever it is. */
static void exchanges_under_way_go_on_from_the_new_address(void **state)
{
    static void (*const commands[])(struct host * h, uint32_t number) = {host_rekey_child,
                                                                         host_rekey_ike};
    struct duo *d = *state;
    uint8_t x = 30;

    connect(d);
    for (unsigned i = 0; i < 8; i++) {
        struct host *asks = i & 1 ? d->gw : d->dev;
        const struct cv_addr to = v4(x++);

        d->ike = host_ike(d->dev);
        world_hold_all(d->w);
        commands[i / 2 % 2](asks, i / 2 % 2 ? host_ike(asks) : host_child(asks));
        world_run(d->w, 30);
        if (i >= 4 &&
            world_held(d->w, asks) > 0) { /* the request arrives, its answer does not */
            world_deliver(d->w, asks);
            world_run(d->w, 30);
        }
        while (world_held(d->w, d->dev) > 0)
            world_drop(d->w, d->dev);
        while (world_held(d->w, d->gw) > 0)
            world_drop(d->w, d->gw);
        world_unhold(d->w);
        host_move(d->dev, &to, NULL, NET_NO_NAT);
        assert_true(duo_settles(d, 20 * SECOND, 1, 1));
        assert_true(is_seen_at(d, &to));
        assert_true(world_ping(d->w, d->flow));
        assert_true(world_ping(d->w, d->flow ^ 1));
    }
}

static void deletes_under_way_end_what_they_are_for(void **state)
{
    struct duo *d = *state;
    const struct cv_addr to = v4(50), further = v4(51);

    connect(d);
    world_hold_all(d->w);
    host_delete_child(d->gw, host_child(d->gw));
    host_move(d->dev, &to, NULL, NET_NO_NAT);
    while (world_held(d->w, d->gw) > 0)
        world_drop(d->w, d->gw);
    world_release(d->w);
    assert_true(duo_settles(d, 20 * SECOND, 1, 0));
    assert_true(is_seen_at(d, &to));

    world_hold_all(d->w);
    host_delete_ike(d->gw, host_ike(d->gw));
    host_move(d->dev, &further, NULL, NET_NO_NAT);
    while (world_held(d->w, d->gw) > 0)
        world_drop(d->w, d->gw);
    world_release(d->w);
    assert_true(duo_settles(d, 30 * SECOND, 0, 0));
}

/* It moves on before the answer, or the question, of the last move has reached it. */
static void who_moves_on_at_once_is_found_where_it_is_in_the_end(void **state)
{
    struct duo *d = *state;
    struct cv_addr to = {0};

    connect(d);
    for (uint8_t i = 0; i < 30; i++) {
        to = v4((uint8_t)(60 + i));
        host_move(d->dev, &to, NULL, NET_NO_NAT);
        world_run(d->w, i * 3U); /* every step of the exchange, at 10 ms a link */
    }
    duo_traffic(d, PACKET_MS);
    world_run(d->w, 15 * SECOND);
    assert_moved(d, &to, 60);
}

static void old_messages_that_come_late_move_nothing(void **state)
{
    struct duo *d = *state;
    const struct cv_addr first = v4(100), second = v4(101);

    connect(d);
    world_hold(d->w, d->dev);
    host_move(d->dev, &first, NULL, NET_NO_NAT);
    assert_int_equal(world_held(d->w, d->dev), 1);
    host_move(d->dev, &second, NULL, NET_NO_NAT); /* the same request, from there */
    assert_int_equal(world_held(d->w, d->dev), 2);
    world_deliver_nth(d->w, d->dev, 1);
    world_deliver(d->w, d->dev);
    world_release(d->w);
    assert_true(duo_settles(d, 10 * SECOND, 1, 1));
    assert_true(is_seen_at(d, &second));
    assert_true(world_ping(d->w, d->flow));
}

/* ---- the other side ---- */

static void a_gateway_that_gets_another_address_is_followed(void **state)
{
    struct duo *d = *state;
    const struct cv_addr to = v4(110);
    const struct cv_addr v6 = d->gw->v6;

    connect(d);
    duo_traffic(d, PACKET_MS);
    world_run(d->w, SECOND);
    host_move(d->gw, &to, &v6, NET_NO_NAT); /* it tells, from there */
    world_run(d->w, 15 * SECOND);
    assert_true(sees_at(d, &to));
    assert_true(duo_missing(d) <= 20);
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_settles(d, SECOND, 1, 1));
    assert_int_equal(host_ike(d->dev), d->ike);
}

/* Both at once: each other's last address leads nowhere, but the IPv6 one that was told. */
static void both_move_at_once(void **state)
{
    struct duo *d = *state;
    const struct cv_addr dev4 = v4(120), gw4 = v4(121);
    const struct cv_addr dev6 = d->dev->v6, gw6 = d->gw->v6;

    connect(d);
    host_carry(d->dev, &dev4, &dev6, NET_NO_NAT);
    host_carry(d->gw, &gw4, &gw6, NET_NO_NAT);
    host_tell_all_ways(d->dev);
    host_tell_all_ways(d->gw);
    assert_true(duo_settles(d, 30 * SECOND, 1, 1));
    assert_int_equal(host_ike(d->dev), d->ike);
    assert_true(world_ping(d->w, d->flow));
    assert_true(world_ping(d->w, d->flow ^ 1));
}

/* Nothing has changed here, but nothing comes back: the peer's other address may answer. */
static void a_peer_that_is_silent_is_asked_at_its_other_address(void **state)
{
    struct duo *d = *state;
    const struct cv_addr gw6 = d->gw->v6;

    d->dev_conn.conn.dpd_delay_s = 2;
    connect(d);
    host_carry(d->gw, NULL, &gw6,
               NET_NO_NAT); /* its IPv4 uplink is dead, and it does not know */
    assert_true(duo_settles(d, 15 * SECOND, 1, 1));
    assert_true(sees_at(d, &gw6));
    assert_true(world_ping(d->w, d->flow));
}

static void a_nat_that_maps_anew_is_noticed_by_the_next_question(void **state)
{
    struct duo *d = *state;
    uint16_t before;

    d->dev_conn.conn.dpd_delay_s = 5;
    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 600000));
    connect(d);
    world_run(d->w, 7 * SECOND); /* one question, so that it knows how it is seen */
    before = seen(d).port;
    nat_rebind(&d->w->net.nats[0]);
    world_run(d->w, 10 * SECOND);
    assert_int_not_equal(seen(d).port, before);
    assert_true(world_ping(d->w, d->flow ^ 1));
}

/* ---- bounds ---- */

/* With no slot to remember where the peer says it is, its word is as if lost, and comes again.
 */
static void one_after_the_other_when_slots_are_few(void **state)
{
    struct duo *d = *state;
    const struct cv_addr to = v4(130), v6 = recipe_v6(5, 5);

    d->gw->settings.limits.roams = 1;
    d->dev->settings.limits.roams = 1;
    connect(d);
    host_move(d->dev, &to, &v6, NET_NO_NAT);
    assert_true(duo_settles(d, 10 * SECOND, 1, 1));
    assert_true(is_seen_at(d, &to));
    assert_true(world_ping(d->w, d->flow));
}

static void a_replaced_sa_is_deleted_from_the_new_address(void **state)
{
    struct duo *d = *state;
    const struct cv_addr to = v4(140);

    connect(d);
    world_hold_all(d->w);
    host_rekey_ike(d->dev, d->ike);
    world_deliver(d->w, d->dev);
    world_deliver(d->w, d->gw);
    world_run(d->w, 100); /* the delete of the old one waits */
    while (world_held(d->w, d->dev) > 0)
        world_drop(d->w, d->dev);
    world_unhold(d->w);
    host_move(d->dev, &to, NULL, NET_NO_NAT);
    assert_true(duo_settles(d, 20 * SECOND, 1, 1));
    assert_true(is_seen_at(d, &to));
    assert_true(world_ping(d->w, d->flow));
}

static void it_proves_itself_again_from_where_it_is(void **state)
{
    struct duo *d = *state;
    const struct cv_addr to = v4(150);

    d->gw_conn.conn.unique = CV_UNIQUE_REPLACE;
    connect(d);
    host_move(d->dev, &to, NULL, NET_NO_NAT);
    world_run(d->w, SECOND);
    host_reauth(d->dev, d->ike);
    assert_true(duo_settles(d, 20 * SECOND, 1, 1));
    assert_true(is_seen_at(d, &to));
    assert_true(host_ike_info(d->dev, host_ike(d->dev)).mobike);
    assert_true(world_ping(d->w, d->flow));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(both_float_to_4500_without_a_nat),
        DUO(who_does_not_want_it_stays_where_it_is),
        DUO(an_address_is_exchanged_under_traffic),
        DUO(a_device_moves_behind_a_nat_and_out_again),
        DUO(the_family_changes_and_back),
        DUO(whatever_is_lost_of_the_move_comes_again),
        DUO(exchanges_under_way_go_on_from_the_new_address),
        DUO(deletes_under_way_end_what_they_are_for),
        DUO(who_moves_on_at_once_is_found_where_it_is_in_the_end),
        DUO(old_messages_that_come_late_move_nothing),
        DUO(a_gateway_that_gets_another_address_is_followed),
        DUO(both_move_at_once),
        DUO(a_peer_that_is_silent_is_asked_at_its_other_address),
        DUO(a_nat_that_maps_anew_is_noticed_by_the_next_question),
        DUO(one_after_the_other_when_slots_are_few),
        DUO(a_replaced_sa_is_deleted_from_the_new_address),
        DUO(it_proves_itself_again_from_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
