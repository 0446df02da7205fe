/* src/ike/keymat.c against published values: NIST CAVP, IKEv2 KDF (SP 800-135).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/keymat.h"
#include "ipsec/ah.h"
#include "tests/support/hex.h"

/* CAVP IKEv2, SHA-1, count 0.  DKM is SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr for
 * HMAC-SHA1-96 with AES-CBC-128. */
#define NI "32b50d5f4a3763f3"
#define NR "9206a04b26564cb1"
#define GIR "4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52"
#define GIR_NEW "863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330"
#define SPI_I "34c9e7c188868785"
#define SPI_R "3ff77d760d2b2199"
#define SK_D "a14293677cc80ff8f9cc0eee30d895da9d8f4056"
#define SK_AI "66e30ef0dfcb63c634a46002a2a63080e514a062"
#define SK_AR "768b76606f9fa5e992204fc5a670bde3f10d6b02"
#define SK_EI "7113936a5c55b648a194ae587b0088d5"
#define SK_ER "2204b702c979fa280870d2ed41efa9c5"
#define SK_PI "49fd11198af1670b143d384bd275c5f594cf266b"
#define SK_PR "05ebadca855e4249520a441a81157435a7a56cc4"
#define KEYMAT_CHILD                                                                           \
    "8059e3ee8810e6c3a91bc8bcd2a7a41151b8d0e6ae239c7b38093ad85ef4c5811a8e7b5d1cdabd9560b2d5e0" \
    "92d1f24e2d4b85eccdf0ad0dc9abd94b51ee71814ca6dbc8bb51b6309f5b9545c7eb35cf5580b1e521a8fe20" \
    "754a2d883ba0c2cf285f524aea6545b33106bc03e614296d319d41d4b50b3f510b1c0a22f3e664994d234cb4"
#define KEYMAT_CHILD_DH                                                                        \
    "bb43244c1860ad65ee1e211ffe8bb3661750c8f89cb9f547df7f4fa61d37301628190e38c66232eab4b3ab14" \
    "c400a5197dd3730ed4820a8a10394d51e1c0400052f63ebd36b0e7ef53aaed31eba4a5080d7d4b5666023a8b" \
    "bb5ffb7857240f9a05884d1b7d2f933708450b7b3288f1fc863ab49fa901227cffc06e27899c7054d56fd74c"
#define SKEYSEED_REKEY "63e81194946ebd05df7df5ebf5d8750056bf1f1d"

static const struct cv_suite cbc_sha1 = {CV_ENCR_AES_CBC,  128, CV_INTEG_HMAC_SHA1_96,
                                         CV_PRF_HMAC_SHA1, 0,   0};
static const struct cv_suite gcm_sha256 = {CV_ENCR_AES_GCM_16,   128, 0,
                                           CV_PRF_HMAC_SHA2_256, 0,   0};

struct inputs {
    uint8_t ni[8], nr[8], gir[32], gir_new[32], spi_i[8], spi_r[8], d[CV_PRF_MAX];
    struct ike_algs algs;
};

static struct inputs inputs_for(const struct cv_suite *suite)
{
    struct inputs in = {.ni = {0}};

    hex_read(in.ni, sizeof(in.ni), NI);
    hex_read(in.nr, sizeof(in.nr), NR);
    hex_read(in.gir, sizeof(in.gir), GIR);
    hex_read(in.gir_new, sizeof(in.gir_new), GIR_NEW);
    hex_read(in.spi_i, sizeof(in.spi_i), SPI_I);
    hex_read(in.spi_r, sizeof(in.spi_r), SPI_R);
    hex_read(in.d, sizeof(in.d), SK_D);
    assert_int_equal(ike_algs_find(&in.algs, &cv_crypto_openssl, suite), CV_OK);
    return in;
}

static void assert_hex(const uint8_t *got, const char *want)
{
    uint8_t b[256];
    struct cv_span s = hex_read(b, sizeof(b), want);

    assert_memory_equal(got, s.p, s.n);
}

static void initial_keys_are_those_of_nist(void **state)
{
    const struct inputs in = inputs_for(&cbc_sha1);
    struct ike_keys keys;
    struct ike_auth_keys auth;

    (void)state;
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){.secret = span(in.gir, 32),
                                                    .ni = span(in.ni, 8),
                                                    .nr = span(in.nr, 8),
                                                    .spi_i = in.spi_i,
                                                    .spi_r = in.spi_r}),
                     CV_OK);
    assert_hex(keys.d, SK_D);
    assert_hex(keys.i.a, SK_AI);
    assert_hex(keys.r.a, SK_AR);
    assert_hex(keys.i.e, SK_EI);
    assert_hex(keys.r.e, SK_ER);
    assert_hex(auth.pi, SK_PI);
    assert_hex(auth.pr, SK_PR);
}

/* NIST gives SKEYSEED of the rekey; prf+ does the rest. */
static void rekeyed_keys_come_from_the_old_sk_d(void **state)
{
    const struct inputs in = inputs_for(&cbc_sha1);
    const struct cv_span seed[] = {span(in.ni, 8), span(in.nr, 8), span(in.spi_i, 8),
                                   span(in.spi_r, 8)};
    uint8_t skeyseed[20], dkm[132];
    struct ike_keys keys;
    struct ike_auth_keys auth;

    (void)state;
    hex_read(skeyseed, sizeof(skeyseed), SKEYSEED_REKEY);
    assert_true(crypto_prf_plus(in.algs.prf, span(skeyseed, 20), seed, 4, dkm, sizeof(dkm)));
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){.secret = span(in.gir_new, 32),
                                                    .ni = span(in.ni, 8),
                                                    .nr = span(in.nr, 8),
                                                    .spi_i = in.spi_i,
                                                    .spi_r = in.spi_r,
                                                    .old_prf = in.algs.prf,
                                                    .old_d = in.d}),
                     CV_OK);
    assert_memory_equal(keys.d, dkm, 20);
    assert_memory_equal(keys.r.e, dkm + 76, 16);
    assert_memory_equal(auth.pr, dkm + 112, 20);
}

static void a_rekey_to_another_prf_uses_the_old_one_for_skeyseed_alone(void **state)
{
    const struct inputs in = inputs_for(&gcm_sha256);
    const struct cv_span seed[] = {span(in.ni, 8), span(in.nr, 8), span(in.spi_i, 8),
                                   span(in.spi_r, 8)};
    uint8_t skeyseed[20], dkm[136];
    struct ike_keys keys;
    struct ike_auth_keys auth;

    (void)state;
    hex_read(skeyseed, sizeof(skeyseed), SKEYSEED_REKEY);
    assert_true(crypto_prf_plus(in.algs.prf, span(skeyseed, 20), seed, 4, dkm, sizeof(dkm)));
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){
                                    .secret = span(in.gir_new, 32),
                                    .ni = span(in.ni, 8),
                                    .nr = span(in.nr, 8),
                                    .spi_i = in.spi_i,
                                    .spi_r = in.spi_r,
                                    .old_prf = crypto_prf(&cv_crypto_openssl, CV_PRF_HMAC_SHA1),
                                    .old_d = in.d}),
                     CV_OK);
    assert_memory_equal(keys.d, dkm, 32);
    assert_memory_equal(auth.pr, dkm + 104, 32);
}

static void child_keys_are_those_of_nist(void **state)
{
    const struct inputs in = inputs_for(&cbc_sha1);
    uint8_t out[132];

    (void)state;
    assert_int_equal(keymat_child(out, sizeof(out), in.algs.prf, in.d, span(NULL, 0),
                                  span(in.ni, 8), span(in.nr, 8)),
                     CV_OK);
    assert_hex(out, KEYMAT_CHILD);
    assert_int_equal(keymat_child(out, sizeof(out), in.algs.prf, in.d, span(in.gir_new, 32),
                                  span(in.ni, 8), span(in.nr, 8)),
                     CV_OK);
    assert_hex(out, KEYMAT_CHILD_DH);
}

static void more_child_keys_than_prf_plus_can_give_are_refused(void **state)
{
    const struct inputs in = inputs_for(&cbc_sha1);
    static uint8_t out[255 * 20 + 1];

    (void)state;
    memset(out, 0xee, sizeof(out));
    assert_int_equal(keymat_child(out, sizeof(out), in.algs.prf, in.d, span(NULL, 0),
                                  span(in.ni, 8), span(in.nr, 8)),
                     CV_ERR_CRYPTO);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[sizeof(out) - 1], 0);
}

/* RFC 7296 section 2.14: no SK_a; SK_e has four more octets, a salt (RFC 5282 section 7.1). */
static void combined_modes_take_no_integrity_keys(void **state)
{
    const struct inputs in = inputs_for(&gcm_sha256);
    const struct cv_span seed[] = {span(in.ni, 8), span(in.nr, 8), span(in.spi_i, 8),
                                   span(in.spi_r, 8)};
    const struct cv_span secret = span(in.gir, 32);
    static const uint8_t zero[CV_INTEG_KEY_MAX];
    uint8_t nonces[16], skeyseed[32], dkm[136];
    struct ike_keys keys;
    struct ike_auth_keys auth;

    (void)state;
    hex_read(nonces, sizeof(nonces), NI NR);
    assert_true(in.algs.prf->prf(span(nonces, 16), &secret, 1, skeyseed));
    assert_true(crypto_prf_plus(in.algs.prf, span(skeyseed, 32), seed, 4, dkm, sizeof(dkm)));
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){.secret = secret,
                                                    .ni = seed[0],
                                                    .nr = seed[1],
                                                    .spi_i = in.spi_i,
                                                    .spi_r = in.spi_r}),
                     CV_OK);
    assert_memory_equal(keys.i.e, dkm + 32, 20);
    assert_memory_equal(keys.r.e, dkm + 52, 20);
    assert_memory_equal(auth.pi, dkm + 72, 32);
    assert_memory_equal(keys.i.a, zero, sizeof(zero));
}

/* RFC 7296 section 2.14: SKEYSEED from the first 64 bits of each nonce, prf+ from all. */
static void aes_based_functions_are_keyed_with_half_nonces(void **state)
{
    const struct cv_suite suite = {CV_ENCR_AES_CBC,    128, CV_INTEG_HMAC_SHA1_96,
                                   CV_PRF_AES128_CMAC, 0,   0};
    const struct inputs in = inputs_for(&suite);
    const uint8_t ni[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, nr[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    const struct cv_span seed[] = {span(ni, 16), span(nr, 16), span(in.spi_i, 8),
                                   span(in.spi_r, 8)};
    const struct cv_span secret = span(in.gir, 32);
    uint8_t key[16], skeyseed[16], dkm[16];
    struct ike_keys keys;
    struct ike_auth_keys auth;

    (void)state;
    memcpy(key, ni, 8);
    memcpy(key + 8, nr, 8);
    assert_true(in.algs.prf->prf(span(key, 16), &secret, 1, skeyseed));
    assert_true(crypto_prf_plus(in.algs.prf, span(skeyseed, 16), seed, 4, dkm, sizeof(dkm)));
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){.secret = secret,
                                                    .ni = seed[0],
                                                    .nr = seed[1],
                                                    .spi_i = in.spi_i,
                                                    .spi_r = in.spi_r}),
                     CV_OK);
    assert_memory_equal(keys.d, dkm, 16);
}

static void nonces_longer_than_the_protocol_allows_are_refused(void **state)
{
    const struct inputs in = inputs_for(&cbc_sha1);
    static const uint8_t zero[sizeof(struct ike_keys)], nonce[257];
    struct ike_keys keys;
    struct ike_auth_keys auth;

    (void)state;
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){.secret = span(in.gir, 32),
                                                    .ni = span(nonce, 257),
                                                    .nr = span(nonce, 256),
                                                    .spi_i = in.spi_i,
                                                    .spi_r = in.spi_r}),
                     CV_ERR_CRYPTO);
    assert_memory_equal(&keys, zero, sizeof(keys));
    assert_int_equal(keymat_ike(&keys, &auth, &in.algs,
                                &(struct keymat_in){.secret = span(in.gir, 32),
                                                    .ni = span(nonce, 256),
                                                    .nr = span(nonce, 256),
                                                    .spi_i = in.spi_i,
                                                    .spi_r = in.spi_r}),
                     CV_OK);
}

/* Computed with Python's hmac module. */
static void the_shared_key_proof_pads_the_secret_first(void **state)
{
    const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, CV_PRF_HMAC_SHA2_256);
    const struct cv_span octets[3] = {span("message octets", 14), span("nonce", 5),
                                      span("mac of id", 9)};
    uint8_t out[CV_PRF_MAX];

    (void)state;
    assert_int_equal(keymat_psk_auth(out, prf, span("correct horse", 13), octets), CV_OK);
    assert_hex(out, "1599cd76def148c5b7c152a9b529297a8052fdf50d220a4f0116cfcaeeba8a5b");
}

static void the_identity_mac_covers_the_payload_body(void **state)
{
    const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, CV_PRF_HMAC_SHA2_256);
    uint8_t sk_p[32], out[CV_PRF_MAX];

    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        sk_p[i] = i;
    assert_int_equal(keymat_id_mac(out, prf, sk_p, span("\x02\0\0\0a.example", 13)), CV_OK);
    assert_hex(out, "b1b8eca2eb8a5d6d29e410b270f252d80ff8a4dc921d1b3b66cec532899b802e");
}

static void algorithms_that_protect_no_ike_message_are_not_found(void **state)
{
    static const uint16_t not_for_ike[] = {CV_ENCR_NULL, CV_ENCR_NULL_GMAC,
                                           CV_ENCR_AES_GCM_16_IIV};
    struct ike_algs algs;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct cv_suite suite = cbc_sha1;

        suite.encr = not_for_ike[i];
        suite.encr_bits = i == 0 ? 0 : 128;
        assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &suite), CV_ERR_UNSUPPORTED);
    }
    assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &(struct cv_suite){0}),
                     CV_ERR_UNSUPPORTED);
    for (uint16_t id = CV_INTEG_AES_128_GMAC; id <= CV_INTEG_AES_256_GMAC; id++) {
        struct cv_suite suite = cbc_sha1;

        suite.integ = id; /* RFC 4543 section 5: for AH */
        assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &suite), CV_ERR_UNSUPPORTED);
        assert_int_equal(esp_key_len(&cv_crypto_openssl, &suite), 0);
        suite.encr = suite.encr_bits = 0;
        assert_int_equal(ah_key_len(&cv_crypto_openssl, &suite),
                         20 + 8 * (id - CV_INTEG_AES_128_GMAC));
    }
    assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &cbc_sha1), CV_OK);
    assert_null(algs.aead);
    assert_int_equal(ike_algs_find(&algs, &cv_crypto_openssl, &gcm_sha256), CV_OK);
    assert_null(algs.integ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_keys_are_those_of_nist),
        cmocka_unit_test(rekeyed_keys_come_from_the_old_sk_d),
        cmocka_unit_test(a_rekey_to_another_prf_uses_the_old_one_for_skeyseed_alone),
        cmocka_unit_test(child_keys_are_those_of_nist),
        cmocka_unit_test(more_child_keys_than_prf_plus_can_give_are_refused),
        cmocka_unit_test(combined_modes_take_no_integrity_keys),
        cmocka_unit_test(aes_based_functions_are_keyed_with_half_nonces),
        cmocka_unit_test(nonces_longer_than_the_protocol_allows_are_refused),
        cmocka_unit_test(the_shared_key_proof_pads_the_secret_first),
        cmocka_unit_test(the_identity_mac_covers_the_payload_body),
        cmocka_unit_test(algorithms_that_protect_no_ike_message_are_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
