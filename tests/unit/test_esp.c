/* src/ipsec/esp.c: one packet sealed or opened, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/esp_fixture.h"
#include "tests/support/own_sa.h"

static void open_pair(struct esp_sa *a, struct esp_sa *b, unsigned suite, bool esn)
{
    open_sa(a, &suites[suite], esn, 0);
    open_sa(b, &suites[suite], esn, 0);
}

static void sealed_packet_opens_only_with_its_own_high_half(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa a, b;
        uint8_t buf[BUF_LEN] = {0}, copy[BUF_LEN];
        struct cv_packet pkt = packet_in(buf, 100), other;

        open_pair(&a, &b, i, true);
        a.seq = 3 * TWO_32 + 5;
        assert_int_equal(esp_seal(&a, &pkt, IPPROTO_NUM_IPIP), CV_OK);
        memcpy(copy, buf, sizeof(copy));
        other = pkt;
        other.buf = copy;
        assert_int_equal(esp_open(&b, 2 * TWO_32 + 6, &other), CV_ERR_ICV);
        assert_int_equal(other.off, pkt.off);
        assert_int_equal(other.len, pkt.len);
        assert_int_equal(esp_open(&b, 3 * TWO_32 + 6, &pkt), CV_OK);
        own_close(&a);
        own_close(&b);
    }
}

static void every_flipped_bit_and_every_prefix_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa a, b;
        uint8_t buf[BUF_LEN] = {0}, copy[BUF_LEN];
        struct cv_packet pkt = packet_in(buf, 33), try;

        open_pair(&a, &b, i, false);
        assert_int_equal(esp_seal(&a, &pkt, IPPROTO_NUM_IPIP), CV_OK);
        for (size_t bit = 0; bit < pkt.len * 8; bit++) {
            uint32_t spi, seq;

            memcpy(copy, buf, sizeof(copy));
            try = pkt;
            try.buf = copy;
            copy[pkt.off + bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(esp_read_header(&try, &spi, &seq), CV_OK);
            if (bit >= 32) /* the SPI finds the SA, so it is not the SA's to check */
                assert_int_equal(esp_open(&b, seq, &try), CV_ERR_ICV);
        }
        for (size_t n = 0; n < pkt.len; n++) {
            memcpy(copy, buf, sizeof(copy));
            try = pkt;
            try.buf = copy;
            try.len = n;
            if (esp_check_len(&b, n) == CV_OK)
                assert_int_equal(esp_open(&b, 1, &try), CV_ERR_ICV);
        }
        own_close(&a);
        own_close(&b);
    }
}

static void header_of_fewer_than_eight_octets_is_short(void **state)
{
    uint8_t buf[BUF_LEN] = {0};
    uint32_t spi, seq;

    (void)state;
    for (size_t n = 0; n < 9; n++) {
        struct cv_packet pkt = packet_in(buf, n);

        assert_int_equal(esp_read_header(&pkt, &spi, &seq), n < 8 ? CV_ERR_SHORT : CV_OK);
    }
}

static void length_must_leave_room_for_a_trailer_and_whole_blocks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa sa;
        size_t fixed, block;

        open_sa(&sa, &suites[i], false, 0);
        fixed = 8U + sa.iv_len + sa.icv_len;
        block = sa.key->cipher != NULL ? sa.key->cipher->block : 1;
        for (size_t n = 0; n < fixed + 64; n++) {
            const bool is_short = n < fixed + 2;
            const enum cv_err want = is_short                   ? CV_ERR_SHORT
                                     : (n - fixed) % block != 0 ? CV_ERR_MALFORMED
                                                                : CV_OK;

            assert_int_equal(esp_check_len(&sa, n), want);
        }
        own_close(&sa);
    }
}

static void padding_must_count_from_one_and_fit(void **state)
{
    /* clang-format off */
    static const struct {
        uint8_t plain[8];
        size_t n;
        enum cv_err want;
        size_t left;
    } cases[] = {
        {{0xaa, 0xaa, 1, 2, 3, 3, 4},    7, CV_OK, 2},
        {{0xaa, 0xaa, 1, 2, 4, 3, 4},    7, CV_ERR_PADDING, 0},
        {{0xaa, 0xaa, 0, 0, 0, 3, 4},    7, CV_ERR_PADDING, 0},
        {{0xaa, 0xaa, 0, 1, 2, 3, 4},    7, CV_ERR_PADDING, 0},
        {{1, 2, 3, 4, 5, 5, 4},          7, CV_OK, 0},
        {{1, 2, 3, 4, 5, 6, 4},          7, CV_ERR_PADDING, 0},
        {{0, 4},                         2, CV_OK, 0},
        {{1, 4},                         2, CV_ERR_PADDING, 0},
        {{255, 4},                       2, CV_ERR_PADDING, 0},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buf[BUF_LEN], next_header;
        struct cv_packet pkt = packet_in(buf, cases[i].n);

        memcpy(cv_packet_data(&pkt), cases[i].plain, cases[i].n);
        assert_int_equal(esp_strip(&pkt, &next_header), cases[i].want);
        if (cases[i].want == CV_OK) {
            assert_int_equal(pkt.len, cases[i].left);
            assert_int_equal(next_header, 4);
        } else {
            assert_int_equal(pkt.len, cases[i].n);
        }
    }
}

static void sealing_without_room_leaves_packet_and_number_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        struct esp_sa sa;
        uint8_t buf[BUF_LEN] = {0}, before[BUF_LEN];
        const size_t len = 41;
        size_t front, back;

        open_sa(&sa, &suites[i], false, 0);
        memcpy(before, buf, sizeof(before));
        front = 8U + sa.iv_len;
        back = (0 - (len + 2)) % sa.align + 2U + sa.icv_len;
        assert_true(front <= CV_HEADROOM && back <= CV_TAILROOM);
        for (unsigned what = 0; what < 3; what++) {
            struct cv_packet pkt = {.buf = buf, .off = front, .len = len};

            pkt.cap = front + len + back;
            if (what == 0)
                pkt.off--;
            if (what == 1)
                pkt.cap--;
            assert_int_equal(esp_seal(&sa, &pkt, 4), what < 2 ? CV_ERR_NO_ROOM : CV_OK);
            assert_int_equal(sa.seq, what < 2 ? 0 : 1);
            if (what < 2)
                assert_memory_equal(buf, before, sizeof(buf));
            else
                assert_true(pkt.off == 0 && pkt.len == pkt.cap);
        }
        own_close(&sa);
    }
}

static void sequence_numbers_end_before_they_wrap(void **state)
{
    (void)state;
    for (unsigned esn = 0; esn < 2; esn++) {
        struct esp_sa sa;
        uint8_t buf[BUF_LEN] = {0};
        struct cv_packet pkt = packet_in(buf, 40);

        open_sa(&sa, &suites[0], esn, 0);
        sa.seq = (esn ? UINT64_MAX : UINT32_MAX) - 2;
        for (unsigned i = 0; i < 4; i++) {
            pkt = packet_in(buf, 40);
            assert_int_equal(esp_seq_left(&sa), i < 2 ? 2 - i : 0);
            assert_int_equal(esp_seal(&sa, &pkt, 4), i < 2 ? CV_OK : CV_ERR_SEQ_EXHAUSTED);
        }
        assert_int_equal(pkt.off, CV_HEADROOM);
        assert_int_equal(pkt.len, 40);
        own_close(&sa);
    }
}

/* A backend whose cipher fails, to see that its number is not used again. */
static bool failing_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                         size_t n, uint8_t *icv)
{
    (void)key, (void)nonce, (void)aad, (void)data, (void)n, (void)icv;
    return false;
}

static void number_of_a_failed_seal_is_spent(void **state)
{
    struct esp_sa sa;
    struct cv_aead broken;
    uint8_t buf[BUF_LEN] = {0};
    struct cv_packet pkt = packet_in(buf, 40);
    const struct cv_aead *whole;

    (void)state;
    open_sa(&sa, &suites[0], false, 0);
    whole = sa.key->aead;
    broken = *whole;
    broken.seal = failing_seal;
    sa.key->aead = &broken;
    assert_int_equal(esp_seal(&sa, &pkt, 4), CV_ERR_CRYPTO);
    assert_int_equal(sa.seq, 1);
    sa.key->aead = whole;
    own_close(&sa);
}

/* ---- suites and keys ---- */

static void key_length_is_that_of_the_suite(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES; i++) {
        const size_t n = suites[i].key_len;
        struct esp_sa sa;

        assert_int_equal(esp_key_len(&cv_crypto_openssl, &suites[i].suite), n);
        for (size_t wrong = n - 1; wrong <= n + 1; wrong += 2)
            assert_int_equal(own_esp_open(&sa, &cv_crypto_openssl, &suites[i].suite, 1,
                                          span(keymat[0], wrong)),
                             CV_ERR_ARGUMENT);
    }
}

static void suites_that_do_not_protect_are_refused(void **state)
{
    /* clang-format off */
    static const struct cv_suite bad[] = {
        {.encr = CV_ENCR_AES_CBC, .encr_bits = 128},
        {.encr = CV_ENCR_AES_CTR, .encr_bits = 128},
        {.encr = CV_ENCR_NULL},
        {.integ = CV_INTEG_HMAC_SHA1_96},
        {.encr = CV_ENCR_AES_GCM_16},
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 129},
        {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128, .integ = CV_INTEG_HMAC_SHA1_96},
        {.encr = 9999, .encr_bits = 128},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct esp_sa sa;

        assert_int_equal(esp_key_len(&cv_crypto_openssl, &bad[i]), 0);
        assert_int_equal(own_esp_open(&sa, &cv_crypto_openssl, &bad[i], 1, span(keymat[0], 20)),
                         CV_ERR_UNSUPPORTED);
        assert_null(sa.key);
    }
}

static void closed_keys_hold_no_secret_and_may_be_closed_again(void **state)
{
    static const struct esp_key empty;
    struct esp_key k;

    (void)state;
    assert_int_equal(esp_key_open(&k, &cv_crypto_openssl, &suites[0].suite,
                                  span(keymat[0], suites[0].key_len)),
                     CV_OK);
    assert_non_null(k.key);
    esp_key_close(&k);
    assert_memory_equal(&k, &empty, sizeof(k));
    esp_key_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_packet_opens_only_with_its_own_high_half),
        cmocka_unit_test(every_flipped_bit_and_every_prefix_is_refused),
        cmocka_unit_test(header_of_fewer_than_eight_octets_is_short),
        cmocka_unit_test(length_must_leave_room_for_a_trailer_and_whole_blocks),
        cmocka_unit_test(padding_must_count_from_one_and_fit),
        cmocka_unit_test(sealing_without_room_leaves_packet_and_number_alone),
        cmocka_unit_test(sequence_numbers_end_before_they_wrap),
        cmocka_unit_test(number_of_a_failed_seal_is_spent),
        cmocka_unit_test(key_length_is_that_of_the_suite),
        cmocka_unit_test(suites_that_do_not_protect_are_refused),
        cmocka_unit_test(closed_keys_hold_no_secret_and_may_be_closed_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
