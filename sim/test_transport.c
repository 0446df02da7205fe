/* Which mode two hosts agree on, and transport mode through a NAT (RFC 7296 sections 1.3.1 and
 * 2.23.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

static void make_transport(struct recipe *r, uint8_t mode)
{
    r->child[0].mode = mode;
    r->child[0].n_local_ts = r->child[0].n_remote_ts = 0;
    recipe_local_ts(r, 0, recipe_dynamic());
    recipe_remote_ts(r, 0, recipe_dynamic());
}

/* mode[0] is the device's, mode[1] the gateway's; both end up with what is agreed. */
static void connect_in_mode(struct duo *d, const uint8_t mode[2], uint8_t agreed)
{
    make_transport(&d->dev_conn, mode[0]);
    make_transport(&d->gw_conn, mode[1]);
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_int_equal(host_child_info(d->gw, host_child(d->gw)).mode, agreed);
    assert_int_equal(host_child_info(d->dev, host_child(d->dev)).mode, agreed);
}

static void assert_mode(struct duo *d, const uint8_t mode[2], uint8_t agreed)
{
    uint32_t own;

    connect_in_mode(d, mode, agreed);
    own = world_flow_between(d->w, d->dev, &d->dev->v4, d->gw, &d->gw->v4);
    assert_true(world_ping(d->w, own));
}

static void transport_mode_protects_the_hosts_own_packets(void **state)
{
    assert_mode(*state, (const uint8_t[]){CV_TRANSPORT, CV_TRANSPORT}, CV_TRANSPORT);
}

static void transport_mode_falls_back_to_a_tunnel_between_the_hosts(void **state)
{
    assert_mode(*state, (const uint8_t[]){CV_TRANSPORT, CV_TUNNEL}, CV_TUNNEL);
}

static void nobody_gets_transport_mode_unasked(void **state)
{
    assert_mode(*state, (const uint8_t[]){CV_TUNNEL, CV_TRANSPORT}, CV_TUNNEL);
}

static void assert_one_address(const struct cv_ts_list *ts, const struct cv_addr *want)
{
    assert_int_equal(ts->n, 1);
    assert_memory_equal(ts->ts[0].lo, want->b, 4);
    assert_memory_equal(ts->ts[0].hi, want->b, 4);
}

/* Each side names both ends by the addresses that its own packets have. */
static void assert_addresses_as_seen(struct duo *d)
{
    const struct cv_child_info dev = host_child_info(d->dev, host_child(d->dev)),
                               gw = host_child_info(d->gw, host_child(d->gw));
    const struct cv_addr seen = host_ike_info(d->gw, host_ike(d->gw)).remote.addr;

    assert_memory_not_equal(seen.b, d->dev->v4.b, 4);
    assert_one_address(&dev.local_ts, &d->dev->v4);
    assert_one_address(&dev.remote_ts, &d->gw->v4);
    assert_one_address(&gw.local_ts, &d->gw->v4);
    assert_one_address(&gw.remote_ts, &seen);
}

static void behind_a_nat_each_side_names_the_addresses_it_sees(void **state)
{
    struct duo *d = *state;

    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 60000));
    connect_in_mode(d, (const uint8_t[]){CV_TRANSPORT, CV_TRANSPORT}, CV_TRANSPORT);
    assert_addresses_as_seen(d);
    host_rekey_child(d->gw, host_child(d->gw));
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_addresses_as_seen(d);
    host_rekey_child(d->dev, host_child(d->dev));
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_addresses_as_seen(d);
}

/* Else what is for the first would be sealed for the second. */
static void of_two_devices_behind_one_nat_the_first_has_transport_mode(void **state)
{
    static struct recipe to_gw, to_other;
    struct duo *d = *state;
    const int nat = world_add_nat(d->w, 60000);
    struct host *other = world_add(d->w, "other");

    recipe_init(&to_gw, "to-gateway", "other.example", "gateway.example");
    recipe_init(&to_other, "other", "gateway.example", "other.example");
    make_transport(&to_gw, CV_TRANSPORT);
    make_transport(&to_other, CV_TRANSPORT);
    host_add(other, &to_gw);
    host_add(d->gw, &to_other);
    world_behind_nat(d->w, d->dev, nat);
    world_behind_nat(d->w, other, nat);
    connect_in_mode(d, (const uint8_t[]){CV_TRANSPORT, CV_TRANSPORT}, CV_TRANSPORT);

    host_start(other);
    (void)host_initiate(other, &to_gw, 0, d->gw);
    world_run(d->w, 10000);
    assert_int_equal(other->saw[CV_EV_CHILD_FAILED], 1);
    assert_int_equal(host_last(other, CV_EV_CHILD_FAILED)->notify, N_TS_UNACCEPTABLE);
    assert_int_equal(host_child_count(other), 0);
    assert_int_equal(host_child_count(d->gw), 1);

    host_delete_ike(d->dev, d->ike);
    world_run(d->w, 10000);
    (void)host_initiate(other, &to_gw, 0, d->gw);
    world_run(d->w, 10000);
    assert_int_equal(host_child_count(other), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(transport_mode_protects_the_hosts_own_packets),
        DUO(transport_mode_falls_back_to_a_tunnel_between_the_hosts),
        DUO(nobody_gets_transport_mode_unasked),
        DUO(behind_a_nat_each_side_names_the_addresses_it_sees),
        DUO(of_two_devices_behind_one_nat_the_first_has_transport_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
