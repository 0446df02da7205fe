/* src/wire/ike_id.c: identification payloads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire_test.h"

static const uint8_t fqdn[] = {CV_ID_FQDN, 0, 0, 0, 'g', 'w', '.', 'e', 'x'};

static void id_reads_type_and_octets_and_ignores_reserved(void **state)
{
    uint8_t body[sizeof(fqdn)];
    struct cv_id id;

    (void)state;
    memcpy(body, fqdn, sizeof(body));
    memset(body + 1, 0xff, 3);
    memset(&id, 0xff, sizeof(id));
    assert_int_equal(ike_parse_id(&id, ALL(body)), CV_OK);
    assert_int_equal(id.type, CV_ID_FQDN);
    assert_span_is(span(id.b, id.n), "gw.ex", 5);
    assert_int_equal(id.b[5], 0);
    assert_int_equal(id.b[CV_ID_MAX - 1], 0);
}

static void id_is_written_as_it_is_read(void **state)
{
    uint8_t buf[sizeof(fqdn)];
    struct wr w = wr_init(buf, sizeof(buf));
    struct cv_id id;

    (void)state;
    assert_int_equal(ike_parse_id(&id, ALL(fqdn)), CV_OK);
    ike_put_id_body(&w, &id);
    assert_span_is(wr_done(&w), fqdn, sizeof(fqdn));
    w = wr_init(buf, sizeof(buf) - 1);
    ike_put_id_body(&w, &id);
    assert_false(wr_ok(&w));
}

static void id_refuses_less_than_its_fixed_part(void **state)
{
    struct cv_id id;

    (void)state;
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(ike_parse_id(&id, span(fqdn, n)), CV_ERR_MALFORMED);
}

/* Type 0 is "%any" in a policy.  A peer that could say it would match more than itself. */
static void id_refuses_the_reserved_type(void **state)
{
    static const uint8_t any[] = {CV_ID_ANY, 0, 0, 0, 'x'};
    struct cv_id id;

    (void)state;
    assert_int_equal(ike_parse_id(&id, ALL(any)), CV_ERR_MALFORMED);
    assert_int_equal(ike_parse_id(&id, span(any, 4)), CV_ERR_MALFORMED);
}

/* Patterns of ours that a peer could otherwise claim to be. */
static void id_that_is_a_range_of_addresses_is_refused(void **state)
{
    const uint8_t v4[4 + 8] = {CV_ID_IPV4_RANGE}, v6[4 + 32] = {CV_ID_IPV6_RANGE};
    struct cv_id id;

    (void)state;
    assert_int_equal(ike_parse_id(&id, span(v4, sizeof(v4))), CV_ERR_MALFORMED);
    assert_int_equal(ike_parse_id(&id, span(v6, sizeof(v6))), CV_ERR_MALFORMED);
}

static void id_that_is_an_address_has_its_length(void **state)
{
    static const struct {
        uint8_t type;
        size_t n;
    } kinds[] = {
        {CV_ID_IPV4, 4 },
        {CV_ID_IPV6, 16},
    };
    struct cv_id id;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const uint8_t body[4 + 20] = {kinds[i].type, 0, 0, 0, 10, 0, 0, 1};

        for (size_t n = 0; n <= 20; n++)
            assert_int_equal(ike_parse_id(&id, span(body, 4 + n)),
                             n == kinds[i].n ? CV_OK : CV_ERR_MALFORMED);
    }
}

static void id_longer_than_we_keep_is_refused(void **state)
{
    uint8_t body[4 + 65536] = {CV_ID_KEY_ID};
    struct cv_id id;

    (void)state;
    assert_int_equal(ike_parse_id(&id, span(body, 4 + CV_ID_MAX)), CV_OK);
    assert_int_equal(id.n, CV_ID_MAX);
    assert_int_equal(ike_parse_id(&id, span(body, 4 + CV_ID_MAX + 1)), CV_ERR_LIMIT);
    assert_int_equal(ike_parse_id(&id, span(body, 4 + 256)), CV_ERR_LIMIT);
    assert_int_equal(ike_parse_id(&id, span(body, sizeof(body))), CV_ERR_LIMIT);
}

static void random_ids_survive_a_round_trip(void **state)
{
    uint64_t seed = 35;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct cv_id want = {.type = CV_ID_KEY_ID}, got;
        uint8_t buf[4 + CV_ID_MAX];
        struct wr w = wr_init(buf, sizeof(buf));

        want.n = (uint8_t)(chance(&seed) % (CV_ID_MAX + 1));
        chance_fill(&seed, want.b, want.n);
        ike_put_id_body(&w, &want);
        assert_int_equal(ike_parse_id(&got, wr_done(&w)), CV_OK);
        assert_memory_equal(&got, &want, sizeof(want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_reads_type_and_octets_and_ignores_reserved),
        cmocka_unit_test(id_is_written_as_it_is_read),
        cmocka_unit_test(id_refuses_less_than_its_fixed_part),
        cmocka_unit_test(id_refuses_the_reserved_type),
        cmocka_unit_test(id_that_is_a_range_of_addresses_is_refused),
        cmocka_unit_test(id_that_is_an_address_has_its_length),
        cmocka_unit_test(id_longer_than_we_keep_is_refused),
        cmocka_unit_test(random_ids_survive_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
