/* src/ike/natd.c and src/peer/cookie.c: what is computed before there is any state.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/natd.h"
#include "peer/cookie.h"
#include "tests/support/hex.h"

static const uint8_t spi_i[8] = {1, 2, 3, 4, 5, 6, 7, 8}, spi_r[8] = {8, 7, 6, 5, 4, 3, 2, 1};
static const struct cv_endpoint here = {
    {CV_IPV4, {192, 0, 2, 1}},
    500
};
static const struct cv_endpoint there = {
    {CV_IPV6, {0x20, 1, 0xd, 0xb8, [15] = 9}},
    4500
};
static const struct cv_crypto *const crypto = &cv_crypto_openssl;

/* ---- NAT detection ---- */

struct hashes {
    uint8_t local[NATD_LEN], remote[NATD_LEN], other[NATD_LEN];
};

static struct hashes make_hashes(void)
{
    const struct cv_endpoint elsewhere = {here.addr, 501};
    struct hashes h;

    assert_int_equal(natd_hash(h.local, crypto, spi_i, spi_r, &here), CV_OK);
    assert_int_equal(natd_hash(h.remote, crypto, spi_i, spi_r, &there), CV_OK);
    assert_int_equal(natd_hash(h.other, crypto, spi_i, spi_r, &elsewhere), CV_OK);
    return h;
}

static void add(struct ike_msg *m, uint16_t type, const uint8_t *hash, size_t n)
{
    m->notify[m->n_notify++] = (struct ike_notify){.type = type, .data = span(hash, n)};
}

static struct natd_result check(const struct ike_msg *m)
{
    return natd_check(m, crypto, spi_i, spi_r, &here, &there);
}

/* SHA-1 of SPIs, address and port, computed with Python's hashlib. */
static void the_hash_covers_spis_address_and_port(void **state)
{
    const struct hashes h = make_hashes();
    uint8_t want[NATD_LEN];

    (void)state;
    hex_read(want, sizeof(want), "b24a5718ad642b91b797fd42699b58963b353ee8");
    assert_memory_equal(h.local, want, NATD_LEN);
    hex_read(want, sizeof(want), "3e593384bb8bf8cab94c06b1e563eb2f12b42f16");
    assert_memory_equal(h.remote, want, NATD_LEN);
}

static void fitting_hashes_mean_that_there_is_no_nat(void **state)
{
    const struct hashes h = make_hashes();
    struct ike_msg m = {0};

    (void)state;
    add(&m, N_NAT_DETECTION_SOURCE_IP, h.remote, NATD_LEN);
    add(&m, N_NAT_DETECTION_DESTINATION_IP, h.local, NATD_LEN);
    assert_true(check(&m).present);
    assert_false(check(&m).local_nat);
    assert_false(check(&m).remote_nat);
}

static void a_translated_address_is_seen_on_its_side(void **state)
{
    const struct hashes h = make_hashes();
    struct ike_msg far = {0}, near = {0};

    (void)state;
    add(&far, N_NAT_DETECTION_SOURCE_IP, h.other, NATD_LEN);
    add(&far, N_NAT_DETECTION_DESTINATION_IP, h.local, NATD_LEN);
    assert_true(check(&far).remote_nat);
    assert_false(check(&far).local_nat);
    add(&near, N_NAT_DETECTION_SOURCE_IP, h.remote, NATD_LEN);
    add(&near, N_NAT_DETECTION_DESTINATION_IP, h.other, NATD_LEN);
    assert_true(check(&near).local_nat);
    assert_false(check(&near).remote_nat);
}

static void one_fitting_source_of_several_is_enough(void **state)
{
    const struct hashes h = make_hashes();
    struct ike_msg m = {0};

    (void)state;
    add(&m, N_NAT_DETECTION_SOURCE_IP, h.other, NATD_LEN);
    add(&m, N_NAT_DETECTION_SOURCE_IP, h.remote, NATD_LEN);
    add(&m, N_NAT_DETECTION_DESTINATION_IP, h.local, NATD_LEN);
    assert_false(check(&m).remote_nat);
}

static void hashes_of_another_length_fit_nothing(void **state)
{
    const struct hashes h = make_hashes();
    struct ike_msg m = {0};

    (void)state;
    add(&m, N_NAT_DETECTION_SOURCE_IP, h.remote, NATD_LEN - 1);
    add(&m, N_NAT_DETECTION_DESTINATION_IP, h.local, 0);
    assert_true(check(&m).present);
    assert_true(check(&m).remote_nat);
    assert_true(check(&m).local_nat);
}

static void a_peer_that_sends_one_kind_alone_detects_nothing(void **state)
{
    const struct hashes h = make_hashes();
    struct ike_msg m = {0};

    (void)state;
    assert_false(check(&m).present);
    add(&m, N_NAT_DETECTION_SOURCE_IP, h.remote, NATD_LEN);
    assert_false(check(&m).present);
}

/* ---- cookies ---- */

static const uint8_t ni[16] = {0xaa, 0xbb};

static struct cookie_jar full_jar(uint64_t now_ms)
{
    struct cookie_jar j = {.filled = false};

    assert_int_equal(cookie_refresh(&j, crypto, now_ms), CV_OK);
    return j;
}

static bool is_valid(const struct cookie_jar *j, const uint8_t cookie[COOKIE_LEN])
{
    return cookie_check(j, crypto, span(cookie, COOKIE_LEN), span(ni, 16), &here, spi_i);
}

static void make(uint8_t cookie[COOKIE_LEN], const struct cookie_jar *j)
{
    assert_int_equal(cookie_make(cookie, j, crypto, span(ni, 16), &here, spi_i), CV_OK);
}

static void a_cookie_is_valid_for_its_own_message_alone(void **state)
{
    const struct cookie_jar j = full_jar(0);
    struct cv_endpoint port = here, addr = here;
    uint8_t c[COOKIE_LEN];

    (void)state;
    make(c, &j);
    port.port++;
    addr.addr.b[3]++;
    assert_true(is_valid(&j, c));
    assert_false(cookie_check(&j, crypto, span(c, COOKIE_LEN), span(ni, 15), &here, spi_i));
    assert_false(cookie_check(&j, crypto, span(c, COOKIE_LEN), span(ni, 16), &port, spi_i));
    assert_false(cookie_check(&j, crypto, span(c, COOKIE_LEN), span(ni, 16), &addr, spi_i));
    assert_false(cookie_check(&j, crypto, span(c, COOKIE_LEN), span(ni, 16), &here, spi_r));
}

static void a_changed_or_cut_cookie_is_refused(void **state)
{
    const struct cookie_jar j = full_jar(0);
    uint8_t c[COOKIE_LEN];

    (void)state;
    make(c, &j);
    for (unsigned i = 0; i < COOKIE_LEN; i++) {
        c[i] ^= 1;
        assert_false(is_valid(&j, c));
        c[i] ^= 1;
        assert_false(cookie_check(&j, crypto, span(c, i), span(ni, 16), &here, spi_i));
    }
    c[0] = (uint8_t)(c[0] - 2); /* a version whose secret lay where the current one lies */
    assert_false(is_valid(&j, c));
    c[0] = (uint8_t)(c[0] + 2);
    assert_true(is_valid(&j, c));
}

static void a_cookie_outlives_one_new_secret_but_not_two(void **state)
{
    struct cookie_jar j = full_jar(1000);
    uint8_t c[COOKIE_LEN];

    (void)state;
    make(c, &j);
    assert_int_equal(cookie_refresh(&j, crypto, 1000 + COOKIE_SECRET_MS - 1), CV_OK);
    assert_int_equal(j.made_ms, 1000);
    assert_int_equal(cookie_refresh(&j, crypto, 1000 + COOKIE_SECRET_MS), CV_OK);
    assert_true(is_valid(&j, c));
    assert_int_equal(cookie_refresh(&j, crypto, 1000 + 2 * COOKIE_SECRET_MS), CV_OK);
    assert_false(is_valid(&j, c));
}

static void a_long_silence_ends_both_secrets(void **state)
{
    struct cookie_jar j = full_jar(0);
    uint8_t c[COOKIE_LEN];

    (void)state;
    make(c, &j);
    assert_int_equal(cookie_refresh(&j, crypto, 2 * COOKIE_SECRET_MS), CV_OK);
    assert_false(is_valid(&j, c));
}

static void versions_wrap_around(void **state)
{
    struct cookie_jar j = full_jar(0);

    (void)state;
    for (uint64_t i = 1; i < 600; i++) {
        uint8_t c[COOKIE_LEN];

        make(c, &j);
        assert_int_equal(cookie_refresh(&j, crypto, i * COOKIE_SECRET_MS), CV_OK);
        assert_true(is_valid(&j, c));
    }
}

static void an_empty_jar_neither_makes_nor_accepts(void **state)
{
    const struct cookie_jar j = {.filled = false};
    uint8_t c[COOKIE_LEN] = {0};

    (void)state;
    assert_int_equal(cookie_make(c, &j, crypto, span(ni, 16), &here, spi_i), CV_ERR_BUG);
    assert_false(is_valid(&j, c));
}

static void the_secret_that_never_was_accepts_nothing(void **state)
{
    static const uint8_t zero[COOKIE_SECRET_LEN];
    const struct cookie_jar j = full_jar(0);

    (void)state;
    assert_memory_not_equal(j.secret[0], zero, COOKIE_SECRET_LEN);
    assert_memory_not_equal(j.secret[1], zero, COOKIE_SECRET_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_covers_spis_address_and_port),
        cmocka_unit_test(fitting_hashes_mean_that_there_is_no_nat),
        cmocka_unit_test(a_translated_address_is_seen_on_its_side),
        cmocka_unit_test(one_fitting_source_of_several_is_enough),
        cmocka_unit_test(hashes_of_another_length_fit_nothing),
        cmocka_unit_test(a_peer_that_sends_one_kind_alone_detects_nothing),
        cmocka_unit_test(a_cookie_is_valid_for_its_own_message_alone),
        cmocka_unit_test(a_changed_or_cut_cookie_is_refused),
        cmocka_unit_test(a_cookie_outlives_one_new_secret_but_not_two),
        cmocka_unit_test(a_long_silence_ends_both_secrets),
        cmocka_unit_test(versions_wrap_around),
        cmocka_unit_test(an_empty_jar_neither_makes_nor_accepts),
        cmocka_unit_test(the_secret_that_never_was_accepts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
