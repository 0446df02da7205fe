/* Two identities that may ask for the same network: traffic belongs to the one who came first,
 * and the operator hears who wanted it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crowd.h"
#include "wire/ike.h"

enum { ALICE = 0, BOB = 1, NET = 24, HOST = 32 };

static struct cv_addr inside(uint8_t last)
{
    return recipe_v4(10, 99, 10, last);
}

/* Device i is for this network, which the gateway shares among all of its peers. */
static void is_for(struct crowd *c, unsigned i, struct cv_addr net, unsigned prefix)
{
    struct recipe *r = &c->dev_conn[i];

    r->conn.n_vips = 0;
    r->child[0].n_local_ts = 0;
    recipe_local_ts(r, 0, recipe_subnet(net, prefix));
    c->dev[i]->inner[0] = inside(5);
}

static struct crowd *begin(uint64_t seed)
{
    struct crowd *c = crowd_new(seed, 2);

    c->gw_conn.conn.has_pool = false;
    c->gw_conn.conn.unique = CV_UNIQUE_REPLACE;
    c->gw_conn.child[0].n_remote_ts = 0;
    recipe_remote_ts(&c->gw_conn, 0, recipe_subnet(inside(0), NET));
    is_for(c, ALICE, inside(5), HOST);
    is_for(c, BOB, inside(5), HOST);
    return c;
}

static void connect(struct crowd *c, unsigned i)
{
    crowd_connect(c, i);
    world_run(c->w, 3000);
    assert_int_equal(host_ike_info(c->dev[i], host_ike(c->dev[i])).state, CV_IKE_ESTABLISHED);
}

/* What the gateway sends to 10.99.10.5 arrives at this device. */
static bool has_it(struct crowd *c, unsigned i)
{
    const struct cv_addr to = inside(5);
    uint32_t flow = world_flow_between(c->w, c->gw, &c->gw->inner[0], c->dev[i], &to);

    return world_ping(c->w, flow);
}

static void assert_refused(struct crowd *c, unsigned times)
{
    const struct host_event *taken = host_last(c->gw, CV_EV_TAKEN);
    struct cv_child_info owner;

    assert_int_equal(host_child_count(c->dev[BOB]), 0);
    assert_int_equal(host_last(c->dev[BOB], CV_EV_CHILD_FAILED)->notify, N_TS_UNACCEPTABLE);
    assert_int_equal(host_errors(c->gw, CV_ERR_TS_TAKEN), times);
    assert_int_equal(c->gw->saw[CV_EV_TAKEN], times);
    assert_non_null(taken);
    owner = host_child_info(c->gw, taken->child);
    assert_int_equal(owner.ike, taken->ike_new);
    assert_memory_equal(host_ike_info(c->gw, taken->ike).remote_id.b, "d1.", 3);
    assert_memory_equal(host_ike_info(c->gw, taken->ike_new).remote_id.b, "d0.", 3);
}

static void nobody_gets_what_is_another_ones(void **state)
{
    struct crowd *c = begin(1);

    (void)state;
    crowd_start(c);
    connect(c, ALICE);
    assert_true(has_it(c, ALICE));
    connect(c, BOB);
    assert_refused(c, 1);
    assert_true(has_it(c, ALICE));
    host_delete_ike(c->dev[ALICE], host_ike(c->dev[ALICE]));
    world_run(c->w, 3000);
    host_delete_ike(c->dev[BOB], host_ike(c->dev[BOB]));
    world_run(c->w, 3000);
    connect(c, BOB); /* now it is nobody's */
    assert_true(has_it(c, BOB));
    assert_true(crowd_free(c));
}

static void a_part_of_what_is_another_ones_is_refused_too(void **state)
{
    struct crowd *c = begin(2);

    (void)state;
    c->dev_conn[ALICE].child[0].n_local_ts = 0;
    is_for(c, ALICE, inside(0), NET);
    crowd_start(c);
    connect(c, ALICE);
    connect(c, BOB);
    assert_refused(c, 1);
    assert_true(has_it(c, ALICE));
    assert_true(crowd_free(c));
}

static void what_only_surrounds_it_leaves_it_where_it_is(void **state)
{
    struct crowd *c = begin(3);

    (void)state;
    c->dev_conn[BOB].child[0].n_local_ts = 0;
    is_for(c, BOB, inside(0), NET);
    crowd_start(c);
    connect(c, ALICE);
    connect(c, BOB);
    assert_int_equal(host_child_count(c->dev[BOB]), 1);
    assert_int_equal(c->gw->saw[CV_EV_TAKEN], 0);
    assert_true(has_it(c, ALICE));
    assert_true(crowd_free(c));
}

static void one_identity_may_take_its_own_place(void **state)
{
    struct crowd *c = begin(4);

    (void)state;
    crowd_start(c);
    connect(c, ALICE);
    host_reboot(c->dev[ALICE]); /* the gateway knows nothing of it */
    connect(c, ALICE);
    assert_int_equal(c->gw->saw[CV_EV_TAKEN], 0);
    assert_true(has_it(c, ALICE));
    host_rekey_child(c->dev[ALICE], host_child(c->dev[ALICE]));
    world_run(c->w, 3000);
    host_rekey_ike(c->dev[ALICE], host_ike(c->dev[ALICE]));
    world_run(c->w, 10000);
    assert_true(has_it(c, ALICE));
    assert_int_equal(host_errors(c->gw, CV_ERR_TS_TAKEN), 0);
    assert_true(crowd_free(c));
}

static void nor_in_an_exchange_of_its_own(void **state)
{
    struct crowd *c = begin(5);
    uint32_t ike;

    (void)state;
    crowd_start(c);
    connect(c, ALICE);
    connect(c, BOB);
    ike = host_ike(c->dev[BOB]);
    assert_int_equal(host_initiate(c->dev[BOB], &c->dev_conn[BOB], 0, c->gw), ike);
    world_run(c->w, 3000); /* CREATE_CHILD_SA */
    assert_refused(c, 2);
    assert_true(has_it(c, ALICE));
    assert_true(crowd_free(c));
}

static void a_default_route_is_not_a_claim_to_everything(void **state)
{
    struct crowd *c = begin(6);

    (void)state;
    c->gw_conn.child[0].n_remote_ts = 0;
    recipe_remote_ts(&c->gw_conn, 0, recipe_subnet(recipe_v4(0, 0, 0, 0), 0));
    c->dev_conn[BOB].child[0].n_local_ts = 0;
    is_for(c, BOB, recipe_v4(0, 0, 0, 0), 0);
    crowd_start(c);
    connect(c, BOB);
    connect(c, ALICE);
    assert_int_equal(c->gw->saw[CV_EV_TAKEN], 0);
    assert_true(has_it(c, ALICE));
    assert_true(crowd_free(c));
}

/* What we ask for is what our own operator has written: two ways to one network are a choice,
 * not a claim, and the newer one is used. */
static void who_begins_may_have_two_ways_to_one_network(void **state)
{
    struct crowd *c = begin(8);

    (void)state;
    crowd_start(c);
    for (unsigned i = 0; i < 2; i++) {
        (void)host_initiate(c->gw, &c->gw_conn, 0, c->dev[i]);
        world_run(c->w, 3000);
        assert_int_equal(host_child_count(c->dev[i]), 1);
    }
    assert_int_equal(host_child_count(c->gw), 2);
    assert_int_equal(c->gw->saw[CV_EV_TAKEN], 0);
    assert_int_equal(host_errors(c->gw, CV_ERR_TS_TAKEN), 0);
    assert_true(has_it(c, BOB));
    assert_true(crowd_free(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_what_is_another_ones),
        cmocka_unit_test(a_part_of_what_is_another_ones_is_refused_too),
        cmocka_unit_test(what_only_surrounds_it_leaves_it_where_it_is),
        cmocka_unit_test(one_identity_may_take_its_own_place),
        cmocka_unit_test(nor_in_an_exchange_of_its_own),
        cmocka_unit_test(a_default_route_is_not_a_claim_to_everything),
        cmocka_unit_test(who_begins_may_have_two_ways_to_one_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
