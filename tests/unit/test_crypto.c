/* src/crypto/crypto.c: lookups by number and key length, and prf+.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/support/hex.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct cv_crypto *const c = &cv_crypto_openssl;

static void aes_is_found_by_its_key_length_and_never_without(void **state)
{
    static const uint16_t aeads[] = {
        CV_ENCR_AES_GCM_8, CV_ENCR_AES_GCM_12,    CV_ENCR_AES_GCM_16,
        CV_ENCR_AES_CCM_8, CV_ENCR_AES_CCM_12,    CV_ENCR_AES_CCM_16,
        CV_ENCR_NULL_GMAC, CV_ENCR_AES_CCM_8_IIV, CV_ENCR_AES_GCM_16_IIV};
    static const uint16_t ciphers[] = {CV_ENCR_AES_CBC, CV_ENCR_AES_CTR};

    (void)state;
    for (uint16_t bits = 0; bits <= 512; bits++) {
        bool real = bits == 128 || bits == 192 || bits == 256;

        for (size_t i = 0; i < COUNT_OF(aeads); i++) {
            const struct cv_aead *a = crypto_aead(c, aeads[i], bits);

            assert_int_equal(a != NULL, real);
            assert_true(a == NULL || (a->id == aeads[i] && a->key_len * 8u == bits));
        }
        for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
            const struct cv_cipher *a = crypto_cipher(c, ciphers[i], bits);

            assert_int_equal(a != NULL, real);
            assert_true(a == NULL || (a->id == ciphers[i] && a->key_len * 8u == bits));
        }
    }
}

static void ciphers_with_one_key_length_are_found_without_it(void **state)
{
    (void)state;
    assert_int_equal(crypto_aead(c, CV_ENCR_CHACHA20_POLY1305, 0)->key_len, 32);
    assert_int_equal(crypto_aead(c, CV_ENCR_CHACHA20_POLY1305_IIV, 0)->iv_len, 0);
    assert_int_equal(crypto_cipher(c, CV_ENCR_3DES, 0)->key_len, 24);
    assert_int_equal(crypto_cipher(c, CV_ENCR_NULL, 0)->key_len, 0);
    assert_null(crypto_aead(c, CV_ENCR_CHACHA20_POLY1305, 128));
}

static void unknown_numbers_are_not_found(void **state)
{
    (void)state;
    assert_null(crypto_aead(c, 999, 128));
    assert_null(crypto_aead(c, CV_ENCR_AES_CBC, 128));
    assert_null(crypto_cipher(c, 999, 128));
    assert_null(crypto_cipher(c, CV_ENCR_AES_GCM_16, 128));
    assert_null(crypto_integ(c, 999));
    assert_null(crypto_integ(c, CV_INTEG_NONE));
    assert_null(crypto_prf(c, 999));
    assert_null(crypto_ke(c, CV_KE_NONE));
    assert_null(crypto_hash(c, 5)); /* "Identity" (RFC 8420) is no hash */
}

static void an_aead_needs_no_integrity_transform_and_a_cipher_does(void **state)
{
    (void)state;
    for (const struct cv_aead *const *a = c->aeads; *a != NULL; a++)
        assert_true(crypto_is_aead((*a)->id));
    for (const struct cv_cipher *const *a = c->ciphers; *a != NULL; a++)
        assert_false(crypto_is_aead((*a)->id));
    assert_false(crypto_is_aead(999));
}

static void the_backend_has_what_its_tables_list_and_nothing_else(void **state)
{
    static const struct {
        struct cv_transform t;
        bool has;
    } cases[] = {
        {{CV_ENCR, CV_ENCR_AES_GCM_16, 128},        true },
        {{CV_ENCR, CV_ENCR_AES_GCM_16, 0},          false},
        {{CV_ENCR, CV_ENCR_AES_CBC, 256},           true },
        {{CV_ENCR, CV_ENCR_AES_CBC, 64},            false},
        {{CV_ENCR, CV_ENCR_CHACHA20_POLY1305, 0},   true },
        {{CV_ENCR, CV_ENCR_NULL, 0},                true },
        {{CV_ENCR, 2, 0},                           false}, /* DES */
        {{CV_PRF, CV_PRF_HMAC_SHA2_256, 0},         true },
        {{CV_PRF, CV_PRF_HMAC_SHA2_256, 256},       false},
        {{CV_PRF, 3, 0},                            false}, /* HMAC-TIGER */
        {{CV_INTEG, CV_INTEG_NONE, 0},              true },
        {{CV_INTEG, CV_INTEG_HMAC_SHA2_512_256, 0}, true },
        {{CV_INTEG, 3, 0},                          false}, /* DES-MAC */
        {{CV_KE, CV_KE_NONE, 0},                    true },
        {{CV_KE, CV_KE_X25519, 0},                  true },
        {{CV_KE, 1, 0},                             false}, /* 768-bit MODP */
        {{CV_ESN, CV_ESN_NO, 0},                    true },
        {{CV_ESN, CV_ESN_YES, 0},                   true },
        {{CV_ESN, 2, 0},                            false},
        {{6, 1, 0},                                 false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(crypto_has(c, &cases[i].t), cases[i].has);
}

/* ---- prf+ ------------------------------------------------------------------- */

/* NIST CAVP, IKEv2 with SHA-1, count 0: DKM = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr). */
static void prf_plus_gives_the_published_keying_material(void **state)
{
    static const char *const seed_text[] = {"32b50d5f4a3763f3", "9206a04b26564cb1",
                                            "34c9e7c188868785", "3ff77d760d2b2199"};
    uint8_t key[20], seed_room[4][8], expected[132], got[132 + 1];
    struct cv_span seed[4];
    const struct cv_prf *prf = crypto_prf(c, CV_PRF_HMAC_SHA1);
    struct cv_span k = hex_read(key, sizeof(key), "a9a7b222b59f8f48645f28a1db5b5f5d7479cba7");

    (void)state;
    for (size_t i = 0; i < 4; i++)
        seed[i] = hex_read(seed_room[i], 8, seed_text[i]);
    hex_read(expected, sizeof(expected),
             "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062"
             "768b76606f9fa5e992204fc5a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702"
             "c979fa280870d2ed41efa9c549fd11198af1670b143d384bd275c5f594cf266b05ebadca855e4249"
             "520a441a81157435a7a56cc4");
    for (size_t n = 0; n <= sizeof(expected); n++) {
        memset(got, 0xee, sizeof(got));
        assert_true(crypto_prf_plus(prf, k, seed, 4, got, n));
        assert_memory_equal(got, expected, n);
        assert_int_equal(got[n], 0xee);
    }
}

static void prf_plus_stops_where_its_counter_octet_does(void **state)
{
    const struct cv_prf *prf = crypto_prf(c, CV_PRF_AES128_CMAC);
    const struct cv_span seed = span("seed", 4), key = span("0123456789abcdef", 16);
    static uint8_t out[255 * 16 + 1];

    (void)state;
    assert_true(crypto_prf_plus(prf, key, &seed, 1, out, 255 * 16));
    assert_false(crypto_prf_plus(prf, key, &seed, 1, out, 255 * 16 + 1));
}

static unsigned calls_left;

static bool failing_prf(struct cv_span key, const struct cv_span *parts, size_t n_parts,
                        uint8_t *out)
{
    (void)key;
    (void)parts;
    (void)n_parts;
    memset(out, 0x55, 8);
    return calls_left-- > 0;
}

static void prf_plus_leaves_nothing_behind_when_the_prf_fails(void **state)
{
    static const struct cv_prf failing = {.id = 1, .out_len = 8, .prf = failing_prf};
    const struct cv_span seed = span("seed", 4);
    uint8_t out[32];

    (void)state;
    for (unsigned good = 0; good < 4; good++) {
        calls_left = good;
        memset(out, 0xee, sizeof(out));
        assert_false(crypto_prf_plus(&failing, seed, &seed, 1, out, sizeof(out)));
        for (size_t i = 0; i < sizeof(out); i++)
            assert_int_equal(out[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_is_found_by_its_key_length_and_never_without),
        cmocka_unit_test(ciphers_with_one_key_length_are_found_without_it),
        cmocka_unit_test(unknown_numbers_are_not_found),
        cmocka_unit_test(an_aead_needs_no_integrity_transform_and_a_cipher_does),
        cmocka_unit_test(the_backend_has_what_its_tables_list_and_nothing_else),
        cmocka_unit_test(prf_plus_gives_the_published_keying_material),
        cmocka_unit_test(prf_plus_stops_where_its_counter_octet_does),
        cmocka_unit_test(prf_plus_leaves_nothing_behind_when_the_prf_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
