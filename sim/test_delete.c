/* Orderly ends: RFC 7296 section 1.4.1 and 2.25.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "sim/invariants.h"

static struct host *side(struct duo *d, unsigned i)
{
    return i == 0 ? d->dev : d->gw;
}

static void either_side_may_delete_the_ike_sa(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);
        struct host *by = side(d, i), *other = side(d, 1 - i);

        assert_true(duo_connect(d));
        host_delete_ike(by, host_ike(by));
        assert_true(duo_settles(d, 200000, 0, 0));
        assert_int_equal(host_last(by, CV_EV_IKE_DOWN)->err, CV_ERR_DELETED_LOCALLY);
        assert_int_equal(host_last(other, CV_EV_IKE_DOWN)->err, CV_ERR_DELETED_BY_PEER);
        assert_int_equal(by->saw[CV_EV_CHILD_DOWN], 1);
        assert_int_equal(other->saw[CV_EV_CHILD_DOWN], 1);
        assert_true(host_is_empty(by) && host_is_empty(other));
        assert_int_equal(cv_conn_users(d->dev->engine, &d->dev_conn.conn), 0);
        assert_true(duo_free(d));
    }
}

static void either_side_may_delete_a_child_and_make_it_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);
        struct host *by = side(d, i);

        assert_true(duo_connect(d));
        host_delete_child(by, host_child(by));
        assert_true(duo_settles(d, 10000, 1, 0));
        assert_false(world_ping(d->w, d->flow));
        host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        assert_true(duo_settles(d, 10000, 1, 1));
        assert_true(world_ping(d->w, d->flow));
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

static void a_lost_delete_is_repeated(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);

        assert_true(duo_connect(d));
        world_lose_nth(d->w, side(d, i), 0); /* the request, then the answer */
        host_delete_ike(d->dev, d->ike);
        assert_true(duo_settles(d, 200000, 0, 0));
        assert_int_equal(d->dev->saw[CV_EV_RETRANSMIT], 1);
        assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
        assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
        assert_true(duo_free(d));
    }
}

static void a_delete_ends_even_when_nobody_answers(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    host_stop(d->gw);
    host_delete_ike(d->dev, d->ike);
    world_run(d->w, 300000);
    assert_true(host_is_empty(d->dev));
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN], 1);
}

static void a_forced_delete_does_not_wait(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    assert_int_equal(cv_terminate_ike(d->dev->engine, d->ike, true, world_now(d->w)), CV_OK);
    host_drain(d->dev);
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN], 1);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
}

static void a_handshake_may_be_given_up_half_way(void **state)
{
    (void)state;
    for (unsigned held = 0; held < 4; held++) {
        struct duo *d = duo_new(held + 1);
        uint32_t ike;

        duo_start(d);
        world_hold_all(d->w);
        ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
        for (unsigned i = 0; i < held; i++)
            world_deliver(d->w, side(d, i % 2));
        host_delete_ike(d->dev, ike);
        world_release(d->w);
        assert_true(duo_settles(d, 300000, 0, 0));
        assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
        assert_true(duo_free(d));
    }
}

/* Answers to requests of an SA that is gone must be refused, not used. */
static void a_handshake_given_up_while_the_host_looks_for_a_key(void **state)
{
    struct duo *d = *state;
    uint32_t ike;

    d->dev->answer_ms = 5000;
    duo_start(d);
    ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 1000);
    host_delete_ike(d->dev, ike);
    assert_true(duo_settles(d, 300000, 0, 0));
    assert_true(d->dev->late_answers > 0);
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
}

static void a_removed_connection_takes_no_new_sa_and_keeps_the_old(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    cv_conn_remove(d->gw->engine, &d->gw_conn.conn);
    assert_true(cv_conn_users(d->gw->engine, &d->gw_conn.conn) > 0);
    assert_true(world_ping(d->w, d->flow));
    host_rekey_child(d->dev, host_child(d->dev));
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_true(duo_closes(d));
    assert_int_equal(cv_conn_users(d->gw->engine, &d->gw_conn.conn), 0);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
}

/* close_action START: what the peer deletes comes back. */
static void a_child_deleted_by_the_peer_may_be_made_again(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].close_action = CV_ACTION_START;
    assert_true(duo_connect(d));
    host_delete_child(d->gw, host_child(d->gw));
    assert_true(duo_settles(d, 20000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_side_may_delete_the_ike_sa),
        cmocka_unit_test(either_side_may_delete_a_child_and_make_it_again),
        cmocka_unit_test(a_lost_delete_is_repeated),
        DUO(a_delete_ends_even_when_nobody_answers),
        DUO(a_forced_delete_does_not_wait),
        cmocka_unit_test(a_handshake_may_be_given_up_half_way),
        DUO(a_handshake_given_up_while_the_host_looks_for_a_key),
        DUO(a_removed_connection_takes_no_new_sa_and_keeps_the_old),
        DUO(a_child_deleted_by_the_peer_may_be_made_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
