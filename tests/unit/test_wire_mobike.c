/* src/wire/ike_mobike.c: addresses in notifies, RFC 4555 section 4.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire/ip.h"
#include "wire_test.h"

static const struct cv_endpoint v4_a = {
    {CV_IPV4, {192, 0, 2, 1}},
    4500
};
static const struct cv_endpoint v4_b = {
    {CV_IPV4, {198, 51, 100, 2}},
    500
};
static const struct cv_endpoint v6_a = {
    {CV_IPV6, {0x20, 1, 0x0d, 0xb8, 1}},
    4500
};
static const struct cv_endpoint v6_b = {
    {CV_IPV6, {0x20, 1, 0x0d, 0xb8, 2}},
    4500
};

static void an_address_is_written_as_the_rfc_draws_it(void **state)
{
    static const uint8_t want[] = {0, 0, 0, 12, 0, 0, 0x40, 0x0d, 192, 0, 2, 1};
    uint8_t buf[64];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_chain c = ike_chain_init(&w, SIZE_MAX);
    struct ike_msg m;
    struct cv_addr got;

    (void)state;
    ike_put_additional_address(&c, &v4_a.addr);
    assert_span_is(wr_done(&w), want, sizeof(want));
    ike_put_additional_address(&c, &v6_a.addr);
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, wr_done(&w), 0), CV_OK);
    assert_int_equal(m.n_notify, 2);
    assert_true(ike_additional_address(&m.notify[0], &got) && addr_equal(&got, &v4_a.addr));
    assert_int_equal(m.notify[1].type, N_ADDITIONAL_IP6_ADDRESS);
    assert_true(ike_additional_address(&m.notify[1], &got) && addr_equal(&got, &v6_a.addr));
}

static void an_address_of_another_length_is_none(void **state)
{
    struct ike_notify n = {.data = span(v6_a.addr.b, 16)};
    struct cv_addr got;

    (void)state;
    for (size_t len = 0; len <= 16; len++) {
        n.data.n = len;
        n.type = N_ADDITIONAL_IP4_ADDRESS;
        assert_int_equal(ike_additional_address(&n, &got), len == 4);
        n.type = N_ADDITIONAL_IP6_ADDRESS;
        assert_int_equal(ike_additional_address(&n, &got), len == 16);
        n.type = N_NO_ADDITIONAL_ADDRESSES;
        assert_false(ike_additional_address(&n, &got));
    }
}

static struct ike_msg written(uint8_t *buf, size_t cap, const struct cv_endpoint *src,
                              const struct cv_endpoint *dst)
{
    struct wr w = wr_init(buf, cap);
    struct ike_chain c = ike_chain_init(&w, SIZE_MAX);
    struct ike_msg m;

    ike_put_no_nats(&c, src, dst);
    assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, wr_done(&w), 0), CV_OK);
    return m;
}

static void no_nats_allowed_names_both_ends(void **state)
{
    static const uint8_t want[] = {192, 0, 2, 1, 198, 51, 100, 2, 0x11, 0x94, 0x01, 0xf4};
    struct cv_endpoint other;
    uint8_t buf[64];
    struct ike_msg m = written(buf, sizeof(buf), &v4_a, &v4_b);
    struct ike_notify cut = m.notify[0];

    (void)state;
    assert_span_is(m.notify[0].data, want, sizeof(want));
    assert_true(ike_no_nats_fits(&m.notify[0], &v4_a, &v4_b));
    assert_false(ike_no_nats_fits(&m.notify[0], &v4_b, &v4_a));
    assert_false(ike_no_nats_fits(&m.notify[0], &v6_a, &v6_b));
    other = v4_a;
    other.port++;
    assert_false(ike_no_nats_fits(&m.notify[0], &other, &v4_b));
    other = v4_b;
    other.addr.b[3]++;
    assert_false(ike_no_nats_fits(&m.notify[0], &v4_a, &other));
    for (cut.data.n = 0; cut.data.n < sizeof(want); cut.data.n++)
        assert_false(ike_no_nats_fits(&cut, &v4_a, &v4_b));
    m = written(buf, sizeof(buf), &v6_a, &v6_b);
    assert_int_equal(m.notify[0].data.n, IKE_NO_NATS_MAX);
    assert_true(ike_no_nats_fits(&m.notify[0], &v6_a, &v6_b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_written_as_the_rfc_draws_it),
        cmocka_unit_test(an_address_of_another_length_is_none),
        cmocka_unit_test(no_nats_allowed_names_both_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
