/* src/wire/ike_redirect.c: gateways in notifies, RFC 5685 section 9.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire_test.h"

static const uint8_t nonce[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t golden[] = {1, 4, 192, 0, 2,  7,  1,  2,  3,  4,  5,
                                 6, 7, 8,   9, 10, 11, 12, 13, 14, 15, 16};

static struct ike_notify of(struct cv_span data)
{
    return (struct ike_notify){.type = N_REDIRECT, .data = data};
}

static void a_gateway_comes_back_as_it_was_written(void **state)
{
    static const struct cv_id gateways[] = {
        {CV_ID_IPV4, 4,  {192, 0, 2, 7}          },
        {CV_ID_IPV6, 16, {0x20, 1, 0x0d, 0xb8, 7}},
        {CV_ID_FQDN, 11, {"gw2.example"}         },
    };
    uint8_t buf[400];
    struct ike_msg m;
    struct cv_span got_nonce;
    struct cv_id got;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(gateways); i++) {
        struct wr w = wr_init(buf, sizeof(buf));
        struct ike_chain c = ike_chain_init(&w, SIZE_MAX);

        ike_put_gateway(&c, N_REDIRECT, &gateways[i], ALL(nonce));
        assert_int_equal(ike_parse_payloads(&m, PL_NOTIFY, wr_done(&w), 0), CV_OK);
        if (i == 0)
            assert_span_is(m.notify[0].data, golden, sizeof(golden));
        assert_int_equal(ike_read_gateway(&m.notify[0], &got, &got_nonce), CV_OK);
        assert_int_equal(got.type, gateways[i].type);
        assert_int_equal(got.n, gateways[i].n);
        assert_memory_equal(got.b, gateways[i].b, got.n);
        assert_span_is(got_nonce, nonce, sizeof(nonce));
    }
}

static void what_is_no_gateway_is_refused(void **state)
{
    static const uint8_t nothing[] = {3, 0}, short_v6[] = {2, 4, 1, 2, 3, 4},
                         kind[] = {4, 1, 1};
    static const uint8_t space[] = {3, 3, 'a', ' ', 'b'}, zero[] = {3, 3, 'a', 0, 'b'};
    static const uint8_t dash[] = {3, 2, '-', 'a'};
    const struct cv_span bad[] = {ALL(nothing), ALL(short_v6), ALL(kind),
                                  ALL(space),   ALL(zero),     ALL(dash)};
    struct cv_span rest;
    struct cv_id got;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct ike_notify n = of(bad[i]);

        assert_int_equal(ike_read_gateway(&n, &got, &rest), CV_ERR_MALFORMED);
    }
    for (size_t len = 0; len < 6; len++) {
        const struct ike_notify n = of(span(golden, len));

        assert_int_equal(ike_read_gateway(&n, &got, &rest), CV_ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_comes_back_as_it_was_written),
        cmocka_unit_test(what_is_no_gateway_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
