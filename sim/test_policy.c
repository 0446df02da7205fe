/* Policies on packets beside real SAs, through the public engine: what is sent around them,
 * what is dropped, and in which order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"

enum { ROOM = 2, COOKIE = 77 };

static struct cv_policy policy(const struct duo *d, uint8_t action, uint32_t priority)
{
    const struct flow *f = &d->w->stack.flows[d->flow];

    return (struct cv_policy){
        .action = action,
        .directions = CV_BOTH,
        .priority = priority,
        .cookie = COOKIE,
        .local = recipe_subnet(f->src, 32).ts,
        .remote = recipe_subnet(f->dst, 32).ts,
    };
}

static uint32_t add(struct duo *d, struct cv_policy p)
{
    uint32_t number = 0;

    assert_int_equal(cv_policy_add(d->dev->engine, &p, &number), CV_OK);
    return number;
}

static bool goes_around(struct duo *d)
{
    const struct flow *f = &d->w->stack.flows[d->flow];
    uint32_t before = f->bypassed;

    host_send_inner(d->dev, d->flow);
    return f->bypassed == before + 1;
}

static uint64_t dropped_by(struct duo *d, enum cv_err err)
{
    uint64_t before = host_errors(d->dev, err);

    host_send_inner(d->dev, d->flow);
    return host_errors(d->dev, err) - before;
}

static void shunts_before_and_behind_an_sa(void **state)
{
    struct duo *d = *state;
    uint32_t drop, pass;

    d->dev->settings.limits.policies = ROOM;
    assert_true(duo_connect(d));
    drop = add(d, policy(d, CV_POLICY_DISCARD, CV_PRIORITY_SA + 1));
    assert_true(world_ping(d->w, d->flow)); /* behind the SA */
    pass = add(d, policy(d, CV_POLICY_BYPASS, CV_PRIORITY_SA - 1));
    assert_true(goes_around(d));
    cv_policy_remove(d->dev->engine, pass);
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
    assert_int_equal(dropped_by(d, CV_ERR_DISCARD), 1);
    cv_policy_remove(d->dev->engine, drop);
    assert_int_equal(dropped_by(d, CV_ERR_NO_TUNNEL), 1);
    cv_policy_remove(d->dev->engine, drop); /* nothing happens */
}

static void a_policy_that_protects_waits_for_its_sa_and_says_which(void **state)
{
    struct duo *d = *state;
    uint8_t packet[STACK_PACKET_MAX];
    const struct cv_policy *found;
    struct cv_span octets = {packet, 0};

    d->dev->settings.limits.policies = ROOM;
    duo_start(d);
    add(d, policy(d, CV_POLICY_PROTECT, CV_PRIORITY_SA));
    assert_int_equal(dropped_by(d, CV_ERR_NO_TUNNEL), 1);
    octets.n = stack_build(&d->w->stack, d->flow, 0, packet);
    found = cv_policy_find(d->dev->engine, CV_OUT, octets);
    assert_non_null(found);
    assert_int_equal(found->cookie, COOKIE);
    octets.n = stack_build(&d->w->stack, d->flow ^ 1, 0, packet);
    assert_null(cv_policy_find(d->dev->engine, CV_OUT, octets));
    assert_ptr_equal(cv_policy_find(d->dev->engine, CV_IN, octets), found);
}

static void with_policies_what_none_is_for_is_dropped_under_its_own_name(void **state)
{
    struct duo *d = *state;
    struct cv_policy other = policy(d, CV_POLICY_BYPASS, 1);

    d->dev->settings.limits.policies = ROOM;
    duo_start(d);
    other.remote = recipe_subnet(recipe_v4(203, 0, 113, 0), 24).ts;
    add(d, other);
    assert_int_equal(dropped_by(d, CV_ERR_NO_POLICY), 1);
}

static void no_room_and_senseless_policies_are_refused(void **state)
{
    struct duo *d = *state;
    struct cv_policy p;
    uint32_t number = 7;

    duo_start(d);
    p = policy(d, CV_POLICY_BYPASS, 1);
    assert_int_equal(cv_policy_add(d->dev->engine, &p, &number),
                     CV_ERR_FULL); /* 0 by default */
    assert_int_equal(cv_policy_add(d->gw->engine, &p, &number), CV_OK);
    assert_int_equal(cv_policy_add(d->gw->engine, &p, &number), CV_ERR_FULL);
    cv_policy_remove(d->gw->engine, number);
    p.remote.family = CV_IPV6;
    assert_int_equal(cv_policy_add(d->gw->engine, &p, &number), CV_ERR_ARGUMENT);
    p.remote.family = CV_IPV4;
    p.action = 0;
    assert_int_equal(cv_policy_add(d->gw->engine, &p, &number), CV_ERR_ARGUMENT);
}

static int with_one_policy(void **state)
{
    int err = duo_setup(state);
    struct duo *d = *state;

    d->gw->settings.limits.policies = 1;
    return err;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(shunts_before_and_behind_an_sa),
        DUO(a_policy_that_protects_waits_for_its_sa_and_says_which),
        DUO(with_policies_what_none_is_for_is_dropped_under_its_own_name),
        cmocka_unit_test_setup_teardown(no_room_and_senseless_policies_are_refused,
                                        with_one_policy, duo_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
