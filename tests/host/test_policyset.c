/* What children, traps and shunts put into the engine's table, seen through the engine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plane/policyset.h"
#include "tests/support/ipsec_fixture.h"

enum { ROOM = 8, CHILD = 1, OTHER = 2, COOKIE = 5 };

static struct policyset set;
static struct cv_engine *engine;
static void *memory;
static char noted[256];

static void note(void *ctx, const char *text)
{
    (void)ctx;
    (void)snprintf(noted, sizeof(noted), "%s", text);
}

static int set_up(void **state)
{
    const struct cv_settings settings = {
        .limits = {.ike_sas = 1,
                   .child_sas = 1,
                   .conns = 1,
                   .handshakes = 1,
                   .messages = 4,
                   .message_size = 1280,
                   .effects = 16,
                   .policies = ROOM},
        .crypto = &cv_crypto_openssl,
    };
    const size_t n = cv_engine_size(&settings.limits);

    (void)state;
    memory = malloc(n);
    noted[0] = '\0';
    set = (struct policyset){.note = note};
    if (memory == NULL || cv_engine_init(&engine, memory, n, &settings, 0) != CV_OK)
        return -1;
    policyset_init(&set, engine, ROOM);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    policyset_free(&set);
    cv_engine_close(engine);
    free(memory);
    return 0;
}

static struct cv_ts host(uint8_t d, uint8_t proto, uint16_t lo, uint16_t hi)
{
    struct cv_ts ts = ts_host(ip4(10, 0, 0, d));

    ts.proto = proto;
    ts.port_lo = lo;
    ts.port_hi = hi;
    return ts;
}

/* UDP from 10.0.0.1 to 10.0.0.d; fragment: not the first one. */
static const struct cv_policy *policy_for(uint8_t direction, uint8_t d, uint16_t port,
                                          bool fragment)
{
    static uint8_t packet[100];
    struct cv_addr us = ip4(10, 0, 0, 1), peer = ip4(10, 0, 0, d);
    size_t n = direction == CV_OUT ? make_udp(packet, us, peer, 1000, port, 20)
                                   : make_udp(packet, peer, us, port, 1000, 20);

    if (fragment) {
        uint16_t sum;

        packet[7] = 100;
        packet[10] = packet[11] = 0;
        sum = ip_checksum(span(packet, 20));
        packet[10] = (uint8_t)(sum >> 8);
        packet[11] = (uint8_t)sum;
    }
    return cv_policy_find(engine, direction, span(packet, n));
}

static uint8_t action_for(uint8_t direction, uint8_t d, uint16_t port, bool fragment)
{
    const struct cv_policy *p = policy_for(direction, d, port, fragment);

    return p != NULL ? p->action : 0;
}

/* A child configured with these. */
static struct cv_child_config child_of(struct cv_ts_config own[2])
{
    return (struct cv_child_config){
        .local_ts = &own[0], .n_local_ts = 1, .remote_ts = &own[1], .n_remote_ts = 1};
}

static void the_rest_of_a_narrow_childs_traffic_goes_around_it(void **state)
{
    const struct cv_ts_list local = ts_one(host(1, 0, 0, UINT16_MAX));
    const struct cv_ts_list remote = ts_one(host(2, IPPROTO_NUM_UDP, 53, 53));
    struct cv_ts_config own[2] = {{.ts = local.ts[0]}, {.ts = remote.ts[0]}};
    const struct cv_child_config child = child_of(own);

    (void)state;
    policyset_protect(&set, CHILD, &local, &remote, COOKIE);
    policyset_narrow(&set, CHILD, &child, &local, &remote);
    for (uint8_t way = CV_OUT; way <= CV_IN; way++) {
        assert_int_equal(action_for(way, 2, 53, false), CV_POLICY_PROTECT);
        assert_int_equal(policy_for(way, 2, 53, false)->cookie, COOKIE);
        assert_int_equal(action_for(way, 2, 54, false), CV_POLICY_BYPASS);
        assert_true(policy_for(way, 2, 54, false)->priority > CV_PRIORITY_SA);
        /* it may be of a packet that is to be protected */
        assert_int_equal(action_for(way, 2, 54, true), CV_POLICY_DISCARD);
        assert_int_equal(action_for(way, 3, 54, false), 0);
    }
}

static void what_only_the_peer_has_narrowed_leaves_no_rest(void **state)
{
    const struct cv_ts_list local = ts_one(host(1, 0, 0, UINT16_MAX));
    const struct cv_ts_list remote = ts_one(host(2, IPPROTO_NUM_UDP, 53, 53));
    struct cv_ts_config own[2] = {
        {.dynamic = true, .ts.port_hi = UINT16_MAX},
        {.ts = ts_any(CV_IPV4)              },
    };
    struct cv_child_config child = child_of(own);

    (void)state;
    policyset_narrow(&set, CHILD, &child, &local, &remote);
    assert_int_equal(action_for(CV_OUT, 2, 54, false), 0);
    own[1].ts = host(3, 0, 0, UINT16_MAX); /* for another address, so not for this one */
    policyset_narrow(&set, CHILD, &child, &local, &remote);
    assert_int_equal(action_for(CV_OUT, 2, 54, false), CV_POLICY_BYPASS);
}

static void a_child_for_everything_leaves_no_rest(void **state)
{
    const struct cv_ts_list local = ts_one(host(1, 0, 0, UINT16_MAX));
    const struct cv_ts_list remote = ts_one(host(2, 0, 0, UINT16_MAX));
    struct cv_ts_config own[2] = {{.ts = local.ts[0]}, {.ts = remote.ts[0]}};
    const struct cv_child_config child = child_of(own);

    (void)state;
    policyset_narrow(&set, CHILD, &child, &local, &remote);
    assert_int_equal(action_for(CV_OUT, 2, 53, false), 0);
}

static void any_address_of_ours_takes_the_peers_family_and_rules_outbound_only(void **state)
{
    const struct cv_ts any = {.port_hi = UINT16_MAX};
    const struct cv_ts_list local = ts_one(any);
    const struct cv_ts_list remote = ts_one(host(2, 0, 0, UINT16_MAX));

    (void)state;
    policyset_protect(&set, CHILD, &local, &remote, COOKIE);
    policyset_protect(&set, CHILD, &local, &local, COOKIE); /* no family at all */
    assert_string_equal(noted, "");
    assert_int_equal(action_for(CV_OUT, 2, 53, false), CV_POLICY_PROTECT);
    assert_int_equal(action_for(CV_IN, 2, 53, false), 0);
}

static void policies_end_with_their_owner_and_no_other(void **state)
{
    const struct cv_ts_list local = ts_one(host(1, 0, 0, UINT16_MAX));
    const struct cv_ts_list here = ts_one(host(2, 0, 0, UINT16_MAX));
    const struct cv_ts_list there = ts_one(host(3, 0, 0, UINT16_MAX));

    (void)state;
    policyset_protect(&set, CHILD, &local, &here, COOKIE);
    policyset_protect(&set, OTHER, &local, &there, COOKIE);
    policyset_drop(&set, CHILD);
    policyset_drop(&set, CHILD);
    assert_int_equal(action_for(CV_OUT, 2, 53, false), 0);
    assert_int_equal(action_for(CV_OUT, 3, 53, false), CV_POLICY_PROTECT);
}

static void of_two_traps_the_narrower_one_is_asked(void **state)
{
    const struct cv_ts_list local = ts_one(host(1, 0, 0, UINT16_MAX));
    const struct cv_ts_list net = ts_one(ts_range(ip4(10, 0, 0, 0), ip4(10, 0, 0, 255)));
    const struct cv_ts_list one = ts_one(host(2, 0, 0, UINT16_MAX));
    const struct cv_ts_list port = ts_one(host(2, IPPROTO_NUM_UDP, 53, 53));

    (void)state;
    policyset_protect(&set, CHILD, &local, &net, 1);
    policyset_protect(&set, CHILD, &local, &one, 2);
    policyset_protect(&set, CHILD, &local, &port, 3);
    assert_int_equal(policy_for(CV_OUT, 9, 53, false)->cookie, 1);
    assert_int_equal(policy_for(CV_OUT, 2, 54, false)->cookie, 2);
    assert_int_equal(policy_for(CV_OUT, 2, 53, false)->cookie, 3);
}

static void a_full_table_is_told_with_the_setting_that_helps(void **state)
{
    const struct cv_ts_list local = ts_one(host(1, 0, 0, UINT16_MAX));

    (void)state;
    for (uint8_t i = 0; i < ROOM; i++) {
        const struct cv_ts_list remote = ts_one(host((uint8_t)(2 + i), 0, 0, UINT16_MAX));

        assert_string_equal(noted, "");
        policyset_protect(&set, CHILD, &local, &remote, COOKIE);
    }
    policyset_protect(&set, CHILD, &local, &local, COOKIE);
    assert_string_equal(noted, "cannot add a policy: a table is full (culvert.policies)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_rest_of_a_narrow_childs_traffic_goes_around_it),
        TEST(what_only_the_peer_has_narrowed_leaves_no_rest),
        TEST(a_child_for_everything_leaves_no_rest),
        TEST(any_address_of_ours_takes_the_peers_family_and_rules_outbound_only),
        TEST(policies_end_with_their_owner_and_no_other),
        TEST(of_two_traps_the_narrower_one_is_asked),
        TEST(a_full_table_is_told_with_the_setting_that_helps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
