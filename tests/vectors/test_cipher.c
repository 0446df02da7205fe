/* AES-CTR, 3DES-CBC and ChaCha20-Poly1305: cipher/ of the shared test vectors, read in
 * place.  Skipped when they are not there.
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
#include "tests/support/vectors.h"

static void check_cipher(const struct cv_cipher *c, const json_t *test)
{
    struct octets key, iv, plain, cipher, data;
    void *k;

    assert_int_equal(vectors_octets(&key, test, "key").n, c->key_len + c->salt_len);
    assert_int_equal(vectors_octets(&iv, test, "iv").n, c->iv_len);
    vectors_octets(&plain, test, "plain");
    vectors_octets(&data, test, "plain");
    vectors_octets(&cipher, test, "cipher");
    k = c->new_key(key.room);
    assert_true(c->encrypt(k, iv.room, data.room, data.s.n));
    assert_true(span_equal(data.s, cipher.s));
    assert_true(c->decrypt(k, iv.room, data.room, data.s.n));
    assert_true(span_equal(data.s, plain.s));
    c->free_key(k);
}

/* The nonce is the salt, which ends the key, and the IV; the ICV ends the ciphertext. */
static void check_aead(const struct cv_aead *a, const json_t *test)
{
    struct octets key, iv, aad, plain, data, cipher;
    uint8_t nonce[CV_IV_MAX], icv[CV_ICV_MAX];
    void *k;

    assert_int_equal(vectors_octets(&key, test, "key").n, a->key_len + a->salt_len);
    vectors_octets(&iv, test, "iv");
    vectors_octets(&aad, test, "adata");
    vectors_octets(&plain, test, "plain");
    vectors_octets(&data, test, "plain");
    vectors_octets(&cipher, test, "cipher");
    memcpy(nonce, key.room + a->key_len, a->salt_len);
    memcpy(nonce + a->salt_len, iv.room, iv.s.n);
    k = a->new_key(key.room);
    assert_true(a->seal(k, nonce, aad.s, data.room, data.s.n, icv));
    assert_int_equal(cipher.s.n, data.s.n + a->icv_len);
    assert_memory_equal(cipher.room, data.room, data.s.n);
    assert_memory_equal(cipher.room + data.s.n, icv, a->icv_len);
    assert_true(a->open(k, nonce, aad.s, data.room, data.s.n, icv));
    assert_true(span_equal(data.s, plain.s));
    a->free_key(k);
}

static void ciphers_agree(void **state)
{
    json_t *file = vectors_load("cipher/ctr_3des_chacha.json");
    const json_t *test;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "tests"), i, test)
    {
        const char *alg = vectors_text(test, "alg");
        uint16_t bits = (uint16_t)(8 * vectors_number(test, "key_size"));

        if (strcmp(alg, "ENCR_AES_CTR") == 0)
            check_cipher(crypto_cipher(&cv_crypto_openssl, CV_ENCR_AES_CTR, bits), test);
        else if (strcmp(alg, "ENCR_3DES") == 0)
            check_cipher(crypto_cipher(&cv_crypto_openssl, CV_ENCR_3DES, 0), test);
        else if (strcmp(alg, "ENCR_CHACHA20_POLY1305") == 0)
            check_aead(crypto_aead(&cv_crypto_openssl, CV_ENCR_CHACHA20_POLY1305, 0), test);
        else
            fail_msg("unknown algorithm %s", alg);
    }
    printf("cipher/ctr_3des_chacha: %zu vectors ran\n", i);
    assert_int_equal(i, 15);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphers_agree),
    };

    if (!vectors_present("cipher/ctr_3des_chacha.json"))
        return VECTORS_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
