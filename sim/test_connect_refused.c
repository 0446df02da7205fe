/* Two hosts do not connect: what each is told, and that nothing of it stays.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crypto.h"
#include "sim/duo.h"
#include "wire/ike.h"

static void no_common_algorithm_is_told_and_leaves_nothing(void **state)
{
    static const uint16_t gw[] = {CV_KE_ECP_384};
    struct duo *d = *state;

    recipe_ike_kes(&d->gw_conn, gw, 1);
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN], 1);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_NO_PROPOSAL_CHOSEN);
    assert_true(host_errors(d->gw, CV_ERR_NO_PROPOSAL) > 0);
}

static void no_common_child_algorithm_leaves_the_ike_sa_up(void **state)
{
    struct duo *d = *state;

    d->gw_conn.esp[0].t[0].key_len = 256;
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 10000, 1, 0));
    assert_int_equal(d->dev->saw[CV_EV_CHILD_FAILED], 1);
    assert_int_equal(host_last(d->dev, CV_EV_CHILD_FAILED)->notify, N_NO_PROPOSAL_CHOSEN);
    assert_true(duo_closes(d));
}

static void a_wrong_secret_is_refused_without_a_reason(void **state)
{
    struct duo *d = *state;

    d->dev->psk = "not the secret";
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_AUTHENTICATION_FAILED);
    assert_true(d->gw->saw[CV_EV_AUTH_FAILED] > 0);
    assert_int_equal(host_last(d->gw, CV_EV_AUTH_FAILED)->err, CV_ERR_SIGNATURE);
    assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 0);
    assert_int_equal(d->dev->saw[CV_EV_IKE_UP], 0);
}

/* Only the gateway lies: the device must notice, and tell it (RFC 7296 section 2.21.2). */
static void a_gateway_without_the_secret_is_refused_by_the_device(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 0, 0);
    d->dev->trusts_nobody = true;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
    assert_int_equal(d->dev->saw[CV_EV_IKE_UP], 0);
    assert_true(d->dev->saw[CV_EV_AUTH_FAILED] > 0);
}

static void an_unknown_identity_is_refused(void **state)
{
    struct duo *d = *state;

    recipe_id(&d->dev_conn.conn.local.id, "stranger.example");
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_AUTHENTICATION_FAILED);
    assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 0);
}

static void a_device_checks_who_answers(void **state)
{
    struct duo *d = *state;

    recipe_id(&d->dev_conn.conn.remote.id, "elsewhere.example");
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_int_equal(d->dev->saw[CV_EV_IKE_UP], 0);
}

static void a_host_without_a_secret_says_so(void **state)
{
    struct duo *d = *state;

    d->gw->psk = NULL;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_int_equal(host_last(d->gw, CV_EV_AUTH_FAILED)->err, CV_ERR_NO_CREDENTIAL);
}

/* How much is computed for a device that the gateway has this secret for. */
static uint64_t work_of_a_refusal(const char *psk)
{
    struct duo *d = duo_new(7);
    uint64_t before = sim_crypto_prfs(), work;

    d->gw->psk = psk;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    work = sim_crypto_prfs() - before;
    assert_true(duo_free(d));
    return work;
}

/* How long the answer takes would tell which identities there are. */
static void a_refusal_costs_the_same_whether_there_is_a_secret_or_not(void **state)
{
    (void)state;
    assert_int_equal(work_of_a_refusal(NULL), work_of_a_refusal("another secret"));
}

static void an_untrusted_certificate_is_refused(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 1, 800);
    d->gw->trusts_nobody = true;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_int_equal(host_last(d->gw, CV_EV_AUTH_FAILED)->err, CV_ERR_CERT_CHAIN);
    assert_int_equal(host_last(d->dev, CV_EV_PEER_NOTIFY)->notify, N_AUTHENTICATION_FAILED);
}

static void a_host_that_cannot_sign_gives_up(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 1, 800);
    d->dev->sign_err = CV_ERR_NO_CREDENTIAL;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 200000, 0, 0));
    assert_true(host_is_empty(d->dev) && host_is_empty(d->gw));
}

static void a_silent_gateway_is_given_up(void **state)
{
    struct duo *d = *state;

    d->w->net.ports[d->gw->port].in.down = true;
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 300000, 0, 0));
    assert_true(host_is_empty(d->dev));
    assert_int_equal(d->w->net.count.sent, 6); /* the request and five repeats */
    assert_int_equal(host_last(d->dev, CV_EV_IKE_DOWN)->err, CV_ERR_PEER_SILENT);
}

static void a_device_that_never_authenticates_is_forgotten(void **state)
{
    struct duo *d = *state;

    world_lose_nth(d->w, d->dev, 1);
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 1000);
    assert_int_equal(host_ike_count(d->gw), 1);
    d->w->net.ports[d->dev->port].out.down = true;
    world_run(d->w, 300000);
    assert_int_equal(host_ike_count(d->gw), 0);
    assert_true(host_is_empty(d->gw));
    assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 0);
}

static void disjoint_selectors_make_no_child_but_an_ike_sa(void **state)
{
    struct duo *d = *state;

    d->dev_conn.child[0].n_remote_ts = 0;
    recipe_remote_ts(&d->dev_conn, 0, recipe_subnet(recipe_v4(172, 16, 0, 0), 24));
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 10000, 1, 0));
    assert_int_equal(host_last(d->dev, CV_EV_CHILD_FAILED)->notify, N_TS_UNACCEPTABLE);
}

static void an_empty_pool_makes_no_child(void **state)
{
    struct duo *d = *state;

    duo_use_virtual_ip(d);
    d->gw->pool_empty = true;
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    world_run(d->w, 10000);
    assert_int_equal(host_child_count(d->dev), 0);
    assert_int_equal(host_last(d->dev, CV_EV_CHILD_FAILED)->notify, N_INTERNAL_ADDRESS_FAILURE);
    assert_int_equal(d->gw->n_leases, 0);
}

static void without_fragmentation_a_small_mtu_is_a_wall(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 3, 2000);
    d->dev_conn.conn.fragmentation = false;
    world_set_links(d->w, (struct net_link){.delay_ms = 10, .mtu = 1280});
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 400000, 0, 0));
    assert_true(d->w->net.count.too_big > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(no_common_algorithm_is_told_and_leaves_nothing),
        DUO(no_common_child_algorithm_leaves_the_ike_sa_up),
        DUO(a_wrong_secret_is_refused_without_a_reason),
        DUO(a_gateway_without_the_secret_is_refused_by_the_device),
        DUO(an_unknown_identity_is_refused),
        DUO(a_device_checks_who_answers),
        DUO(a_host_without_a_secret_says_so),
        cmocka_unit_test(a_refusal_costs_the_same_whether_there_is_a_secret_or_not),
        DUO(an_untrusted_certificate_is_refused),
        DUO(a_host_that_cannot_sign_gives_up),
        DUO(a_silent_gateway_is_given_up),
        DUO(a_device_that_never_authenticates_is_forgotten),
        DUO(disjoint_selectors_make_no_child_but_an_ike_sa),
        DUO(an_empty_pool_makes_no_child),
        DUO(without_fragmentation_a_small_mtu_is_a_wall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
