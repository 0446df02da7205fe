/* Wycheproof's cases (Apache-2.0): wycheproof/ of the shared test vectors, read in place.
 * Skipped when they are not there.
 *
 * Each file counts the cases it ran and those that our interfaces cannot even express
 * (nonces of another length, keys that no IKE transform has).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto/crypto.h"
#include "tests/support/openssl_key.h"
#include "tests/support/vectors.h"

/* One case with its group; false when it is not for us. */
typedef bool check_fn(uint16_t id, const json_t *group, const json_t *test);

static bool has_flag(const json_t *test, const char *flag)
{
    const json_t *f;
    size_t i;

    json_array_foreach(json_object_get(test, "flags"), i, f)
    {
        if (strcmp(json_string_value(f), flag) == 0)
            return true;
    }
    return false;
}

static bool result_is(const json_t *test, const char *result)
{
    return strcmp(vectors_text(test, "result"), result) == 0;
}

/* Runs check over every case of a file; at_least guards against a file read wrongly. */
static void run_file(const char *name, uint16_t id, check_fn *check, unsigned at_least)
{
    char path[128];
    unsigned ran = 0, left = 0;
    const json_t *group, *test;
    json_t *file;
    size_t i, j;

    snprintf(path, sizeof(path), "wycheproof/%s_test.json", name);
    file = vectors_load(path);
    assert_non_null(file);
    json_array_foreach(json_object_get(file, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            if (check(id, group, test))
                ran++;
            else
                left++;
        }
    }
    printf("%s: %u vectors ran, %u do not fit\n", name, ran, left);
    assert_int_equal(ran + left, json_integer_value(json_object_get(file, "numberOfTests")));
    assert_true(ran >= at_least);
    json_decref(file);
}

/* ---- AEADs ------------------------------------------------------------------ */

static void check_seal(const struct cv_aead *aead, void *key, const json_t *test)
{
    struct octets nonce, aad, data, cipher, tag;
    uint8_t icv[CV_ICV_MAX];

    vectors_octets(&nonce, test, "iv");
    vectors_octets(&aad, test, "aad");
    vectors_octets(&data, test, "msg");
    vectors_octets(&cipher, test, "ct");
    vectors_octets(&tag, test, "tag");
    assert_true(aead->seal(key, nonce.room, aad.s, data.room, data.s.n, icv));
    assert_true(span_equal(data.s, cipher.s));
    assert_true(span_equal(span(icv, aead->icv_len), tag.s));
}

static bool opens(const struct cv_aead *aead, void *key, const json_t *test)
{
    struct octets nonce, aad, data, plain, tag;

    vectors_octets(&nonce, test, "iv");
    vectors_octets(&aad, test, "aad");
    vectors_octets(&data, test, "ct");
    vectors_octets(&plain, test, "msg");
    vectors_octets(&tag, test, "tag");
    return aead->open(key, nonce.room, aad.s, data.room, data.s.n, tag.room) &&
           span_equal(data.s, plain.s);
}

static bool check_aead_of(const struct cv_crypto *crypto, uint16_t id, const json_t *group,
                          const json_t *test)
{
    size_t bits = vectors_number(group, "keySize");
    const struct cv_aead *aead = crypto_aead(crypto, id, (uint16_t)bits);
    struct octets key;
    void *k;

    assert_non_null(aead);
    if (vectors_number(group, "ivSize") != 8u * (aead->salt_len + 8u) ||
        vectors_number(group, "tagSize") != 8u * aead->icv_len)
        return false;
    k = aead->new_key(vectors_octets(&key, test, "key").p);
    if (result_is(test, "valid"))
        check_seal(aead, k, test);
    assert_int_equal(opens(aead, k, test), result_is(test, "valid"));
    aead->free_key(k);
    return true;
}

static bool check_aead(uint16_t id, const json_t *group, const json_t *test)
{
    return check_aead_of(&cv_crypto_openssl, id, group, test) &&
           check_aead_of(cv_crypto_best(), id, group, test);
}

/* GMAC is GCM with nothing to encrypt. */
static bool check_gmac(uint16_t id, const json_t *group, const json_t *test)
{
    size_t bits = vectors_number(group, "keySize");
    const struct cv_aead *aead = crypto_aead(&cv_crypto_openssl, id, (uint16_t)bits);
    struct octets key, nonce, aad, tag;
    void *k;

    if (vectors_number(group, "ivSize") != 96)
        return false;
    k = aead->new_key(vectors_octets(&key, test, "key").p);
    vectors_octets(&nonce, test, "iv");
    vectors_octets(&aad, test, "msg");
    vectors_octets(&tag, test, "tag");
    assert_int_equal(aead->open(k, nonce.room, aad.s, NULL, 0, tag.room),
                     result_is(test, "valid"));
    aead->free_key(k);
    return true;
}

/* And so is AH's, where the nonce is taken apart: salt with the key, IV in front of the tag. */
static bool check_ah_gmac(uint16_t id, const json_t *group, const json_t *test)
{
    const size_t bits = vectors_number(group, "keySize");
    const struct cv_integ *gmac =
        crypto_integ(&cv_crypto_openssl, (uint16_t)(id + (bits - 128) / 64));
    struct octets key, nonce, aad, tag;
    uint8_t icv[CV_ICV_MAX];
    void *k;

    if (vectors_number(group, "ivSize") != 96)
        return false;
    vectors_octets(&nonce, test, "iv");
    vectors_octets(&aad, test, "msg");
    vectors_octets(&tag, test, "tag");
    vectors_octets(&key, test, "key");
    memcpy(key.room + key.s.n, nonce.room, 4);
    assert_int_equal(gmac->key_len, key.s.n + 4);
    k = gmac->new_key(key.room);
    memcpy(icv, nonce.room + 4, 8);
    assert_int_equal(gmac->icv_len, 24);
    assert_true(gmac->mac(k, &aad.s, 1, icv));
    assert_int_equal(memcmp(icv + 8, tag.room, 16) == 0, result_is(test, "valid"));
    gmac->free_key(k);
    return true;
}

/* ---- AES-CBC ---------------------------------------------------------------- */

/* The padding (RFC 5652 section 6.3) is added here; bad padding is not ours to see. */
static bool check_cbc(uint16_t id, const json_t *group, const json_t *test)
{
    size_t bits = vectors_number(group, "keySize");
    const struct cv_cipher *cbc = crypto_cipher(&cv_crypto_openssl, id, (uint16_t)bits);
    struct octets key, iv, data, cipher;
    size_t pad;
    void *k;

    if (!result_is(test, "valid"))
        return false;
    k = cbc->new_key(vectors_octets(&key, test, "key").p);
    vectors_octets(&iv, test, "iv");
    vectors_octets(&data, test, "msg");
    vectors_octets(&cipher, test, "ct");
    pad = cbc->block - data.s.n % cbc->block;
    memset(data.room + data.s.n, (int)pad, pad);
    data.s.n += pad;
    assert_true(cbc->encrypt(k, iv.room, data.room, data.s.n));
    assert_true(span_equal(data.s, cipher.s));
    assert_true(cbc->decrypt(k, iv.room, cipher.room, cipher.s.n));
    vectors_octets(&data, test, "msg");
    assert_memory_equal(cipher.room, data.room, data.s.n);
    cbc->free_key(k);
    return true;
}

/* ---- MACs ------------------------------------------------------------------- */

static bool check_prf(uint16_t id, const json_t *group, const json_t *test)
{
    const struct cv_prf *prf = crypto_prf(&cv_crypto_openssl, id);
    struct octets key, data, tag;
    uint8_t out[CV_PRF_MAX];

    (void)group;
    vectors_octets(&key, test, "key");
    vectors_octets(&data, test, "msg");
    vectors_octets(&tag, test, "tag");
    assert_true(tag.s.n <= prf->out_len);
    assert_true(prf->prf(key.s, &data.s, 1, out));
    assert_int_equal(span_equal(span(out, tag.s.n), tag.s), result_is(test, "valid"));
    return true;
}

/* AES-CMAC-PRF-128 is CMAC for keys of 16 octets; other lengths mean something else. */
static bool check_cmac(uint16_t id, const json_t *group, const json_t *test)
{
    return vectors_number(group, "keySize") == 128 && check_prf(id, group, test);
}

/* The truncated HMACs whose lengths are those of the integrity transforms. */
static bool check_integ(uint16_t id, const json_t *group, const json_t *test)
{
    const struct cv_integ *integ = crypto_integ(&cv_crypto_openssl, id);
    struct octets key, data, tag;
    uint8_t icv[CV_ICV_MAX];
    void *k;

    if (vectors_number(group, "keySize") != 8u * integ->key_len ||
        vectors_number(group, "tagSize") != 8u * integ->icv_len)
        return false;
    k = integ->new_key(vectors_octets(&key, test, "key").p);
    vectors_octets(&data, test, "msg");
    vectors_octets(&tag, test, "tag");
    assert_true(integ->mac(k, &data.s, 1, icv));
    assert_int_equal(span_equal(span(icv, integ->icv_len), tag.s), result_is(test, "valid"));
    integ->free_key(k);
    return true;
}

/* ---- key exchange ----------------------------------------------------------- */

static bool derives(const struct cv_ke *ke, struct cv_span priv, struct cv_span pub,
                    struct cv_span expected)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    EVP_PKEY *key = openssl_key(ke, priv);
    bool ok = crypto_decapsulate(ke, key, pub, secret) == CV_OK;

    ke->free_key(key);
    assert_true(!ok || span_equal(span(secret, ke->secret_len), expected));
    return ok;
}

/* "Acceptable" are unusual points: RFC 8031 wants those refused that lead to zero. */
static bool check_x25519(uint16_t id, const json_t *group, const json_t *test)
{
    struct octets priv, pub, shared;

    (void)group;
    vectors_octets(&priv, test, "private");
    vectors_octets(&pub, test, "public");
    vectors_octets(&shared, test, "shared");
    assert_int_equal(derives(crypto_ke(&cv_crypto_openssl, id), priv.s, pub.s, shared.s),
                     !has_flag(test, "ZeroSharedSecret"));
    return true;
}

/* A KE payload is x and y without the octet before them (RFC 5903 section 7): compressed
 * points have the wrong length and are refused. */
static bool check_ecp(uint16_t id, const json_t *group, const json_t *test)
{
    struct octets priv, pub, shared;

    (void)group;
    vectors_octets(&priv, test, "private");
    vectors_octets(&pub, test, "public");
    vectors_octets(&shared, test, "shared");
    if (pub.s.n > 0 && pub.room[0] == 0x04)
        pub.s = span(pub.room + 1, pub.s.n - 1);
    assert_int_equal(derives(crypto_ke(&cv_crypto_openssl, id), priv.s, pub.s, shared.s),
                     result_is(test, "valid"));
    return true;
}

/* ---- files ------------------------------------------------------------------ */

static void aeads_agree_with_wycheproof(void **state)
{
    (void)state;
    run_file("aes_gcm", CV_ENCR_AES_GCM_16, check_aead, 190);
    run_file("aes_ccm", CV_ENCR_AES_CCM_16, check_aead, 18);
    run_file("chacha20_poly1305", CV_ENCR_CHACHA20_POLY1305, check_aead, 310);
    run_file("aes_gmac", CV_ENCR_AES_GCM_16, check_gmac, 200);
    run_file("aes_gmac", CV_INTEG_AES_128_GMAC, check_ah_gmac, 200);
}

static void cbc_agrees_with_wycheproof(void **state)
{
    (void)state;
    run_file("aes_cbc_pkcs5", CV_ENCR_AES_CBC, check_cbc, 70);
}

static void macs_agree_with_wycheproof(void **state)
{
    (void)state;
    run_file("hmac_sha1", CV_PRF_HMAC_SHA1, check_prf, 170);
    run_file("hmac_sha256", CV_PRF_HMAC_SHA2_256, check_prf, 170);
    run_file("hmac_sha384", CV_PRF_HMAC_SHA2_384, check_prf, 170);
    run_file("hmac_sha512", CV_PRF_HMAC_SHA2_512, check_prf, 170);
    run_file("hmac_sha256", CV_INTEG_HMAC_SHA2_256_128, check_integ, 80);
    run_file("hmac_sha384", CV_INTEG_HMAC_SHA2_384_192, check_integ, 80);
    run_file("hmac_sha512", CV_INTEG_HMAC_SHA2_512_256, check_integ, 80);
    run_file("aes_cmac", CV_PRF_AES128_CMAC, check_cmac, 100);
}

static void key_exchange_agrees_with_wycheproof(void **state)
{
    (void)state;
    run_file("x25519", CV_KE_X25519, check_x25519, 518);
    run_file("ecdh_secp256r1_ecpoint", CV_KE_ECP_256, check_ecp, 355);
    run_file("ecdh_secp384r1_ecpoint", CV_KE_ECP_384, check_ecp, 790);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aeads_agree_with_wycheproof),
        cmocka_unit_test(cbc_agrees_with_wycheproof),
        cmocka_unit_test(macs_agree_with_wycheproof),
        cmocka_unit_test(key_exchange_agrees_with_wycheproof),
    };

    if (!vectors_present("wycheproof/aes_gcm_test.json"))
        return VECTORS_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
