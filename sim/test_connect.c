/* Two hosts connect: every way in which the initial exchanges go well.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/check.h"
#include "sim/crypto.h"
#include "sim/duo.h"

/*   device                        gateway
 *     | IKE_SA_INIT ---------------> |
 *     | <--------------- IKE_SA_INIT |
 *     | IKE_AUTH ------------------> |
 *     | <------------------ IKE_AUTH |
 *     | ESP <----------------> ESP   |   */
static void a_device_with_a_shared_secret_connects(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    assert_int_equal(d->dev->saw[CV_EV_IKE_UP], 1);
    assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 1);
    assert_int_equal(d->dev->saw[CV_EV_CHILD_UP], 1);
    assert_int_equal(d->gw->saw[CV_EV_CHILD_UP], 1);
    assert_int_equal(d->dev->saw[CV_EV_RETRANSMIT], 0);
    assert_int_equal(d->w->net.count.sent, 4 + 2);
    assert_true(duo_closes(d));
    assert_int_equal(d->dev->saw[CV_EV_IKE_DOWN], 1);
    assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
}

static void both_sides_tell_the_truth_about_what_they_agreed(void **state)
{
    struct duo *d = *state;
    struct cv_ike_info dev, gw;
    struct cv_child_info child;

    assert_true(duo_connect(d));
    dev = host_ike_info(d->dev, d->ike);
    gw = host_ike_info(d->gw, host_ike(d->gw));
    assert_true(dev.initiator);
    assert_false(gw.initiator);
    assert_int_equal(dev.suite.encr, CV_ENCR_AES_GCM_16);
    assert_int_equal(dev.suite.encr_bits, 128);
    assert_int_equal(dev.suite.ke, CV_KE_X25519);
    assert_int_equal(dev.suite.prf, CV_PRF_HMAC_SHA2_256);
    assert_false(dev.nat_local || dev.nat_remote || gw.nat_local || gw.nat_remote);
    assert_memory_equal(gw.remote_id.b, "device.example", 14);
    assert_memory_equal(dev.remote_id.b, "gateway.example", 15);
    child = host_child_info(d->dev, host_child(d->dev));
    assert_int_equal(child.suite.encr, CV_ENCR_AES_GCM_16);
    assert_int_equal(child.packets_in, 1);
    assert_int_equal(child.packets_out, 1);
    assert_int_equal(child.local_ts.n, 2);
}

static void the_gateway_may_be_the_one_that_connects(void **state)
{
    struct duo *d = *state;

    duo_start(d);
    assert_int_not_equal(host_initiate(d->gw, &d->gw_conn, 0, d->dev), 0);
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

static void the_outer_network_may_be_ipv6(void **state)
{
    struct duo *d = *state;
    uint32_t inner6 = world_flow(d->w, d->dev, d->gw, CV_IPV6);

    duo_start(d);
    assert_int_not_equal(host_initiate_v6(d->dev, &d->dev_conn, 0, d->gw), 0);
    assert_true(duo_settles(d, 10000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
    assert_true(world_ping(d->w, inner6));
}

static void behind_a_nat_everything_moves_to_port_4500(void **state)
{
    struct duo *d = *state;
    struct cv_ike_info dev, gw;

    world_behind_nat(d->w, d->dev, world_add_nat(d->w, 60000));
    assert_true(duo_connect(d));
    dev = host_ike_info(d->dev, d->ike);
    gw = host_ike_info(d->gw, host_ike(d->gw));
    assert_true(dev.nat_local && !dev.nat_remote && dev.encap);
    assert_true(!gw.nat_local && gw.nat_remote && gw.encap);
    assert_int_equal(dev.remote.port, 4500);
    assert_int_equal(gw.local.port, 4500);
    assert_true(host_child_info(d->dev, host_child(d->dev)).encap);
    assert_true(duo_closes(d));
}

static void real_key_exchanges_work_too(void **state)
{
    static const uint16_t groups[] = {CV_KE_X25519, CV_KE_ECP_256, CV_KE_ECP_384,
                                      CV_KE_MODP_2048};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct duo *d = duo_new(i + 1);

        d->dev->settings.crypto = d->gw->settings.crypto = sim_crypto_real_ke();
        recipe_ike_kes(&d->dev_conn, &groups[i], 1);
        recipe_ike_kes(&d->gw_conn, &groups[i], 1);
        assert_true(duo_connect(d));
        assert_true(duo_free(d));
    }
}

/*   device                        gateway
 *     | IKE_SA_INIT, KE P-256 -----> |
 *     | <-- N(INVALID_KE_PAYLOAD, 31)|
 *     | IKE_SA_INIT, KE X25519 ----> |
 *     | <--------------- IKE_SA_INIT |   */
static void a_wrong_guess_of_the_group_costs_one_round_trip(void **state)
{
    static const uint16_t dev[] = {CV_KE_ECP_256, CV_KE_X25519};
    static const uint16_t gw[] = {CV_KE_X25519};
    struct duo *d = *state;

    recipe_ike_kes(&d->dev_conn, dev, 2);
    recipe_ike_kes(&d->gw_conn, gw, 1);
    assert_true(duo_connect(d));
    assert_int_equal(d->w->net.count.sent, 6 + 2);
    assert_int_equal(host_ike_info(d->dev, d->ike).suite.ke, CV_KE_X25519);
    assert_true(duo_closes(d));
}

/* Each of the four messages is lost once; a retransmission repairs it. */
static void any_one_message_may_be_lost(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct duo *d = duo_new(i + 1);

        world_lose_nth(d->w, i < 2 ? d->dev : d->gw, i % 2);
        assert_true(duo_connect(d));
        assert_int_equal(d->w->net.count.lost, 1);
        assert_int_equal(d->dev->saw[CV_EV_IKE_UP] + d->gw->saw[CV_EV_IKE_UP], 2);
        assert_int_equal(d->dev->saw[CV_EV_CHILD_UP] + d->gw->saw[CV_EV_CHILD_UP], 2);
        assert_true(d->dev->saw[CV_EV_RETRANSMIT] > 0);
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

static void every_message_may_come_twice_and_late(void **state)
{
    struct duo *d = *state;

    world_set_links(d->w, (struct net_link){.dup_pm = 1000, .delay_ms = 10, .jitter_ms = 900});
    assert_true(duo_connect(d));
    assert_int_equal(d->dev->saw[CV_EV_IKE_UP] + d->gw->saw[CV_EV_IKE_UP], 2);
    assert_true(duo_closes(d));
}

static void selectors_are_narrowed_to_what_both_allow(void **state)
{
    struct duo *d = *state;
    struct cv_child_info child;

    /* The device asks for all of 10/8; the gateway offers one /24. */
    d->dev_conn.child[0].n_remote_ts = 0;
    recipe_remote_ts(&d->dev_conn, 0, recipe_subnet(recipe_v4(10, 0, 0, 0), 8));
    assert_true(duo_connect(d));
    child = host_child_info(d->dev, host_child(d->dev));
    assert_int_equal(child.remote_ts.n, 1);
    assert_memory_equal(child.remote_ts.ts[0].lo, ((uint8_t[]){10, 1, 2, 0}), 4);
    assert_memory_equal(child.remote_ts.ts[0].hi, ((uint8_t[]){10, 1, 2, 255}), 4);
}

static void a_device_gets_a_virtual_address(void **state)
{
    struct duo *d = *state;
    struct cv_child_info child;

    duo_use_virtual_ip(d);
    assert_true(duo_connect(d));
    assert_int_equal(d->dev->saw[CV_EV_ADDRESS], 1);
    assert_int_equal(d->gw->n_leases, 1);
    child = host_child_info(d->gw, host_child(d->gw));
    assert_int_equal(child.remote_ts.n, 1);
    assert_memory_equal(child.remote_ts.ts[0].lo, ((uint8_t[]){10, 200, 0, 1}), 4);
    assert_memory_equal(child.remote_ts.ts[0].hi, ((uint8_t[]){10, 200, 0, 1}), 4);
    assert_memory_equal(host_ike_info(d->gw, host_ike(d->gw)).lease.v4.b,
                        ((uint8_t[]){10, 200, 0, 1}), 4);
    assert_true(duo_closes(d)); /* and the lease came back */
}

static void certificates_and_slow_signatures(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 1, 800);
    d->dev->answer_ms = 700;
    d->gw->answer_ms = 1500;
    assert_true(duo_connect(d));
    assert_true(duo_closes(d));
}

/* The answers come so late that the device repeats IKE_AUTH meanwhile. */
static void a_signature_slower_than_the_peers_patience_is_no_harm(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 1, 800);
    d->gw->answer_ms = 4000;
    duo_start(d);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_true(d->dev->saw[CV_EV_RETRANSMIT] > 0);
    assert_int_equal(d->gw->saw[CV_EV_IKE_UP], 1);
    assert_true(host_errors(d->gw, CV_ERR_IKE_PENDING) > 0);
}

static void long_certificate_chains_pass_a_small_mtu_in_fragments(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 3, 2000);
    world_set_links(d->w, (struct net_link){.delay_ms = 10, .jitter_ms = 5, .mtu = 1280});
    assert_true(duo_connect(d));
    assert_true(d->w->net.count.sent > 10);
    assert_int_equal(d->w->net.count.too_big, 0);
    assert_true(duo_closes(d));
}

static void fragments_survive_loss_and_reordering(void **state)
{
    struct duo *d = *state;

    duo_use_certs(d, 2, 1500);
    world_set_links(
        d->w,
        (struct net_link){
            .delay_ms = 10, .jitter_ms = 200, .mtu = 1280, .loss_pm = 100, .dup_pm = 100});
    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 120000, 1, 1));
}

static void both_may_connect_at_the_same_moment(void **state)
{
    struct duo *d = *state;

    duo_start(d);
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    host_initiate(d->gw, &d->gw_conn, 0, d->dev);
    assert_true(duo_settles(d, 10000, 2, 2));
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
}

static void a_second_child_uses_the_ike_sa_that_is_up(void **state)
{
    struct duo *d = *state;
    uint32_t second = duo_add_child(d);

    assert_true(duo_connect(d));
    assert_int_equal(host_initiate(d->dev, &d->dev_conn, 1, d->gw), d->ike);
    assert_true(duo_settles(d, 5000, 1, 2));
    assert_true(world_ping(d->w, second));
    assert_true(world_ping(d->w, d->flow));
    assert_true(duo_closes(d));
}

static void a_childless_ike_sa_takes_a_child_later(void **state)
{
    struct duo *d = *state;

    d->dev_conn.conn.childless = d->gw_conn.conn.childless = true;
    duo_start(d);
    d->ike = host_initiate_childless(d->dev, &d->dev_conn, d->gw);
    assert_true(duo_settles(d, 5000, 1, 0));
    host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 5000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
}

static void traffic_outside_the_selectors_stays_home(void **state)
{
    struct duo *d = *state;
    struct cv_addr elsewhere = recipe_v4(10, 77, 0, 1);
    uint32_t stray;

    assert_true(duo_connect(d));
    stray = world_flow_between(d->w, d->dev, &d->dev->inner[0], d->gw, &elsewhere);
    assert_false(world_ping(d->w, stray));
    assert_int_equal(d->w->stack.flows[stray].refused, 1);
    stray = world_flow_between(d->w, d->dev, &elsewhere, d->gw, &d->gw->inner[0]);
    assert_false(world_ping(d->w, stray));
    assert_int_equal(d->w->stack.flows[stray].refused, 1);
}

/* The device lost power: its new SA takes the place of the old one. */
static void a_device_that_reboots_replaces_its_old_sa(void **state)
{
    struct duo *d = *state;

    d->gw_conn.conn.unique = d->dev_conn.conn.unique = CV_UNIQUE_REPLACE;
    assert_true(duo_connect(d));
    host_reboot(d->dev);
    assert_int_equal(host_ike_count(d->gw), 1);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_true(world_ping(d->w, d->flow));
    assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
}

/* Identities match without case, so the new SA is of the same peer. */
static void a_device_that_writes_its_name_otherwise_replaces_its_old_sa(void **state)
{
    struct duo *d = *state;

    d->gw_conn.conn.unique = d->dev_conn.conn.unique = CV_UNIQUE_REPLACE;
    assert_true(duo_connect(d));
    host_reboot(d->dev);
    d->dev_conn.conn.local.id.b[0] ^= 'a' ^ 'A';
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 60000, 1, 1));
    assert_int_equal(d->gw->saw[CV_EV_IKE_DOWN], 1);
}

/* `remote { id = 10.0.0.0/8 }`: whoever names an address in it, as a device without an id does.
 */
static void a_range_lets_devices_in_by_their_address(void **state)
{
    struct duo *d = *state;
    struct cv_id *want = &d->gw_conn.conn.remote.id;

    recipe_id(&d->dev_conn.conn.local.id, NULL);
    *want = (struct cv_id){.type = CV_ID_IPV4_RANGE, .n = 8};
    memset(want->b + 4, 0xff, 4);
    assert_true(duo_connect(d));
    assert_true(world_ping(d->w, d->flow));
}

/* RFC 4543: AES-GMAC is a transform of AH in three key lengths, and one of ESP whose key length
 * is an attribute.  The gateway would rather have others, which the device does not offer. */
static void aes_gmac_is_agreed_on_for_ah_and_esp(void **state)
{
    static const struct cv_transform first[] = {
        {CV_INTEG, CV_INTEG_AES_128_GMAC, 0  },
        {CV_INTEG, CV_INTEG_AES_192_GMAC, 0  },
        {CV_INTEG, CV_INTEG_AES_256_GMAC, 0  },
        {CV_ENCR,  CV_ENCR_NULL_GMAC,     128},
        {CV_ENCR,  CV_ENCR_NULL_GMAC,     192},
        {CV_ENCR,  CV_ENCR_NULL_GMAC,     256},
    };

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct duo *d = duo_new(i + 1);
        struct cv_child_info info;

        d->w->readable = true;
        for (unsigned end = 0; end < 2; end++) {
            struct cv_proposal *p = end ? &d->gw_conn.esp[0] : &d->dev_conn.esp[0];

            p->protocol = first[i].type == CV_INTEG ? CV_PROTO_AH : CV_PROTO_ESP;
            p->t[0] = first[i];
        }
        if (first[i].type == CV_INTEG) { /* between the other two */
            d->gw_conn.esp[0].t[d->gw_conn.esp[0].n++] = d->gw_conn.esp[0].t[0];
            d->gw_conn.esp[0].t[0].id = CV_INTEG_HMAC_SHA2_512_256;
        }
        assert_true(duo_connect(d));
        info = host_child_info(d->gw, host_child(d->gw));
        assert_int_equal(first[i].type == CV_INTEG ? info.suite.integ : info.suite.encr,
                         first[i].id);
        assert_int_equal(info.suite.encr_bits, first[i].key_len);
        host_rekey_child(d->gw, host_child(d->gw));
        assert_true(duo_settles(d, 10000, 1, 1));
        assert_true(world_ping(d->w, d->flow));
        assert_true(duo_closes(d));
        assert_true(duo_free(d));
    }
}

/* RFC 7296 section 2.4: INITIAL_CONTACT says that no other SA exists. */
static void initial_contact_clears_what_a_crash_left(void **state)
{
    struct duo *d = *state;

    assert_true(duo_connect(d));
    host_reboot(d->dev);
    d->ike = host_initiate(d->dev, &d->dev_conn, 0, d->gw);
    assert_true(duo_settles(d, 60000, 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DUO(a_device_with_a_shared_secret_connects),
        DUO(both_sides_tell_the_truth_about_what_they_agreed),
        DUO(the_gateway_may_be_the_one_that_connects),
        DUO(the_outer_network_may_be_ipv6),
        DUO(behind_a_nat_everything_moves_to_port_4500),
        cmocka_unit_test(real_key_exchanges_work_too),
        DUO(a_wrong_guess_of_the_group_costs_one_round_trip),
        cmocka_unit_test(any_one_message_may_be_lost),
        DUO(every_message_may_come_twice_and_late),
        DUO(selectors_are_narrowed_to_what_both_allow),
        DUO(a_device_gets_a_virtual_address),
        DUO(certificates_and_slow_signatures),
        DUO(a_signature_slower_than_the_peers_patience_is_no_harm),
        DUO(long_certificate_chains_pass_a_small_mtu_in_fragments),
        DUO(fragments_survive_loss_and_reordering),
        DUO(both_may_connect_at_the_same_moment),
        DUO(a_second_child_uses_the_ike_sa_that_is_up),
        DUO(a_childless_ike_sa_takes_a_child_later),
        cmocka_unit_test(aes_gmac_is_agreed_on_for_ah_and_esp),
        DUO(traffic_outside_the_selectors_stays_home),
        DUO(a_device_that_reboots_replaces_its_old_sa),
        DUO(a_range_lets_devices_in_by_their_address),
        DUO(a_device_that_writes_its_name_otherwise_replaces_its_old_sa),
        DUO(initial_contact_clears_what_a_crash_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
