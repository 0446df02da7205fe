/* Rekeying by one side at a time, under traffic: no packet may be lost on account of it.
 * What happens when both sides act at once is in test_collision.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/duo.h"
#include "wire/ike.h"

static struct host *side(struct duo *d, unsigned i)
{
    return i == 0 ? d->dev : d->gw;
}

/*   device                          gateway
 *     | CREATE_CHILD_SA N(REKEY_SA) -> |
 *     | <------------- CREATE_CHILD_SA |
 *     | INFORMATIONAL D(old) --------> |
 *     | <-------- INFORMATIONAL D(old) |   */
static void rekey_child_under_traffic(struct duo *d, struct host *by)
{
    struct host *other = by == d->dev ? d->gw : d->dev;
    uint32_t before, spi;

    assert_true(duo_connect(d));
    before = host_child(by);
    spi = host_child_info(by, before).spi_in;
    duo_traffic(d, 5);
    world_run(d->w, 1000);
    host_rekey_child(by, before);
    assert_true(duo_settles(d, 15000, 1, 1));
    assert_int_equal(by->saw[CV_EV_CHILD_REKEYED], 1);
    assert_int_equal(other->saw[CV_EV_CHILD_REKEYED], 1);
    assert_int_equal(by->saw[CV_EV_CHILD_DOWN] + other->saw[CV_EV_CHILD_DOWN], 0);
    assert_int_equal(host_last(by, CV_EV_CHILD_REKEYED)->child, before);
    assert_int_equal(host_last(by, CV_EV_CHILD_REKEYED)->child_new, host_child(by));
    assert_int_not_equal(host_child_info(by, host_child(by)).spi_in, spi);
    assert_int_equal(duo_missing(d), 0);
    assert_true(duo_closes(d));
}

static void rekeying_a_child_loses_no_packet(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct duo *d = duo_new(i + 1);

        if (i >= 2) {
            recipe_pfs(&d->dev_conn, CV_KE_X25519);
            recipe_pfs(&d->gw_conn, CV_KE_X25519);
        }
        rekey_child_under_traffic(d, side(d, i % 2));
        assert_true(duo_free(d));
    }
}

static void rekeying_a_child_again_and_again(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    duo_traffic(d, 5);
    for (unsigned i = 0; i < 20; i++) {
        host_rekey_child(side(d, i % 2), host_child(side(d, i % 2)));
        world_run(d->w, 300);
    }
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_int_equal(d->dev->saw[CV_EV_CHILD_REKEYED], 20);
    assert_int_equal(duo_missing(d), 0);
}

static void pfs_with_a_group_the_peer_dislikes_is_tried_again(void **state)
{
    struct duo *d = *state;

    recipe_pfs(&d->dev_conn, CV_KE_ECP_256);
    recipe_pfs(&d->dev_conn, CV_KE_X25519);
    recipe_pfs(&d->gw_conn, CV_KE_X25519);
    assert_true(duo_connect(d));
    host_rekey_child(d->dev, host_child(d->dev));
    assert_true(duo_settles(d, 15000, 1, 1));
    assert_int_equal(d->dev->saw[CV_EV_CHILD_REKEYED], 1);
    assert_int_equal(host_child_info(d->dev, host_child(d->dev)).suite.ke, CV_KE_X25519);
}

/*   device                          gateway
 *     | CREATE_CHILD_SA SA Ni KEi ---> |
 *     | <------------- CREATE_CHILD_SA |
 *     | INFORMATIONAL D (old SA) ----> |
 *     | <-------- INFORMATIONAL        |   */
static void rekeying_the_ike_sa_keeps_its_children(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct duo *d = duo_new(i + 1);
        struct host *by = side(d, i), *other = side(d, 1 - i);
        uint32_t before, child;

        assert_true(duo_connect(d));
        before = host_ike(by);
        child = host_child(by);
        duo_traffic(d, 5);
        host_rekey_ike(by, before);
        assert_true(duo_settles(d, 60000, 1, 1));
        assert_int_equal(by->saw[CV_EV_IKE_REKEYED], 1);
        assert_int_equal(other->saw[CV_EV_IKE_REKEYED], 1);
        assert_int_equal(by->saw[CV_EV_IKE_DOWN] + other->saw[CV_EV_IKE_DOWN], 0);
        assert_int_equal(by->saw[CV_EV_CHILD_DOWN] + other->saw[CV_EV_CHILD_DOWN], 0);
        assert_int_equal(host_last(by, CV_EV_IKE_REKEYED)->ike, before);
        assert_int_equal(host_last(by, CV_EV_IKE_REKEYED)->ike_new, host_ike(by));
        assert_int_equal(host_child(by), child);
        assert_true(host_ike_info(by, host_ike(by)).initiator);
        assert_int_equal(duo_missing(d), 0);
        /* The new SA works: rekey the child through it, both ways. */
        host_rekey_child(by, host_child(by));
        world_run(d->w, 10000);
        host_rekey_child(other, host_child(other));
        assert_true(duo_settles(d, 10000, 1, 1));
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

static void an_ike_sa_may_be_rekeyed_many_times(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    for (unsigned i = 0; i < 10; i++) {
        host_rekey_ike(side(d, i % 2), host_ike(side(d, i % 2)));
        assert_true(duo_settles(d, 20000, 1, 1));
    }
    assert_int_equal(d->dev->saw[CV_EV_IKE_REKEYED], 10);
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
}

static void a_lease_moves_with_a_rekeyed_ike_sa(void **state)
{
    struct duo *d = *state;

    duo_use_virtual_ip(d);
    assert_true(duo_connect(d));
    host_rekey_ike(d->dev, host_ike(d->dev));
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_int_equal(d->gw->n_leases, 1);
    assert_true(world_ping(d->w, d->flow));
    host_rekey_child(d->gw, host_child(d->gw));
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
}

/* A rekey when every message may be lost: in the end one SA is up on both sides and it
 * carries traffic; what was lost, the network lost. */
static void a_rekey_survives_loss(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        struct duo *d = duo_new(i + 1);

        /* So many tries that no exchange fails for good. */
        d->dev->settings.retransmit_tries = d->gw->settings.retransmit_tries = 14;
        d->dev->settings.retransmit_limit_ms = d->gw->settings.retransmit_limit_ms = 5000;
        assert_true(duo_connect(d));
        world_set_links(
            d->w,
            (struct net_link){.delay_ms = 20, .jitter_ms = 100, .loss_pm = 300, .dup_pm = 100});
        if (i % 4 < 2)
            host_rekey_child(side(d, i % 2), host_child(side(d, i % 2)));
        else
            host_rekey_ike(side(d, i % 2), host_ike(side(d, i % 2)));
        world_run(d->w, 200000);
        world_set_links(d->w, (struct net_link){.delay_ms = 10});
        if (!duo_settles(d, 200000, 1, 1) || !world_ping(d->w, d->flow))
            fail_msg("seed %u", i + 1);
        assert_true(duo_free(d));
    }
}

/* The old SA's packets may overtake nothing and still be taken after the delete. */
static void packets_on_their_way_during_a_rekey_arrive(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    world_set_links(d->w, (struct net_link){.delay_ms = 10, .jitter_ms = 400});
    duo_traffic(d, 5);
    world_run(d->w, 500);
    host_rekey_child(d->dev, host_child(d->dev));
    assert_true(duo_settles(d, 30000, 1, 1));
    /* Some may have left the replay window of 64 packets, which is the network's doing. */
    assert_int_equal(duo_missing(d),
                     host_errors(d->dev, CV_ERR_REPLAY) + host_errors(d->gw, CV_ERR_REPLAY));
}

static void a_refused_rekey_leaves_the_old_sa_at_work(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    d->gw_conn.esp[0].t[0].key_len = 256; /* the operator changed the gateway's mind */
    host_rekey_child(d->dev, host_child(d->dev));
    assert_true(duo_settles(d, 5000, 1, 1));
    assert_int_equal(d->dev->saw[CV_EV_CHILD_REKEYED], 0);
    assert_true(world_ping(d->w, d->flow));
}

static void rekeying_what_is_not_there_is_an_error(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    assert_int_equal(cv_rekey_child(d->dev->engine, 0x7fffffff, world_now(d->w)),
                     CV_ERR_NOT_FOUND);
    assert_int_equal(cv_rekey_ike(d->dev->engine, 0x7fffffff, false, world_now(d->w)),
                     CV_ERR_NOT_FOUND);
    assert_int_equal(cv_terminate_ike(d->dev->engine, 0, false, world_now(d->w)),
                     CV_ERR_NOT_FOUND);
    assert_int_equal(cv_terminate_child(d->dev->engine, 0, false, world_now(d->w)),
                     CV_ERR_NOT_FOUND);
}

static void assert_exchange(const struct cv_exchange_stats *n, unsigned asked,
                            unsigned answered)
{
    assert_int_equal(n->requests_out, asked);
    assert_int_equal(n->responses_in, asked);
    assert_int_equal(n->requests_in, answered);
    assert_int_equal(n->responses_out, answered);
}

/* Each whole message once, though the network loses and repeats them. */
static void messages_are_counted_by_exchange(void **state)
{
    struct duo *d = *state;
    struct cv_stats dev, gw;

    d->w->net.ports[d->dev->port].in.dup_pm = 500;
    d->w->net.ports[d->gw->port].in.dup_pm = 500;
    assert_true(duo_connect(d));
    host_rekey_ike(d->dev, host_ike(d->dev));
    assert_true(duo_settles(d, 10000, 1, 1));
    host_rekey_child(d->gw, host_child(d->gw));
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_true(duo_closes(d));
    cv_get_stats(d->dev->engine, &dev);
    cv_get_stats(d->gw->engine, &gw);
    assert_exchange(&dev.sa_init, 1, 0);
    assert_exchange(&gw.sa_init, 0, 1);
    assert_exchange(&dev.auth, 1, 0);
    assert_exchange(&gw.auth, 0, 1);
    assert_exchange(&dev.create_child, 1, 1);
    assert_exchange(&gw.create_child, 1, 1);
    assert_exchange(&dev.informational, 2, 1); /* the old IKE SA's end, the last one's */
    assert_exchange(&gw.informational, 1, 2);  /* the old Child SA's */
    assert_int_equal(dev.ike_rekeyed, 1);
    assert_int_equal(dev.ike_rekeyed_by_us, 1);
    assert_int_equal(gw.ike_rekeyed, 1);
    assert_int_equal(gw.ike_rekeyed_by_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rekeying_a_child_loses_no_packet),
        DUO(rekeying_a_child_again_and_again),
        DUO(pfs_with_a_group_the_peer_dislikes_is_tried_again),
        cmocka_unit_test(rekeying_the_ike_sa_keeps_its_children),
        DUO(an_ike_sa_may_be_rekeyed_many_times),
        DUO(a_lease_moves_with_a_rekeyed_ike_sa),
        cmocka_unit_test(a_rekey_survives_loss),
        DUO(packets_on_their_way_during_a_rekey_arrive),
        DUO(a_refused_rekey_leaves_the_old_sa_at_work),
        DUO(rekeying_what_is_not_there_is_an_error),
        DUO(messages_are_counted_by_exchange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
