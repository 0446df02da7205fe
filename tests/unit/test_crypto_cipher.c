/* Ciphers of the OpenSSL backend against published values.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tests/support/crypto_vectors.h"
#include "tests/support/hex.h"

enum { ROOM = 128 };

enum { N_VECTORS = sizeof(cipher_vectors) / sizeof(cipher_vectors[0]) };

static const struct cv_cipher *find(const struct cipher_vector *v)
{
    const struct cv_cipher *c = crypto_cipher(&cv_crypto_openssl, v->id, v->bits);

    assert_non_null(c);
    return c;
}

static void ciphers_give_the_published_octets_both_ways_and_again(void **state)
{
    uint8_t key[CV_CIPHER_KEY_MAX], iv[CV_IV_MAX], plain[ROOM], cipher[ROOM], data[ROOM];

    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        const struct cipher_vector *v = &cipher_vectors[i];
        const struct cv_cipher *c = find(v);
        size_t n = hex_read(plain, ROOM, v->plain).n;
        void *k;

        assert_int_equal(hex_read(cipher, ROOM, v->cipher).n, n);
        assert_int_equal(hex_read(key, sizeof(key), v->key).n, c->key_len + c->salt_len);
        assert_int_equal(hex_read(iv, sizeof(iv), v->iv).n, c->iv_len);
        assert_int_equal(n % c->block, 0);
        k = c->new_key(key);
        assert_non_null(k);
        memcpy(data, cipher, n);
        for (unsigned round = 0; round < 3; round++) {
            assert_true(c->decrypt(k, iv, data, n));
            assert_memory_equal(data, plain, n);
            assert_true(c->encrypt(k, iv, data, n));
            assert_memory_equal(data, cipher, n);
        }
        c->free_key(k);
    }
}

static void ciphers_encrypt_nothing(void **state)
{
    const uint8_t key[CV_CIPHER_KEY_MAX] = {1}, iv[CV_IV_MAX] = {2};

    (void)state;
    for (const struct cv_cipher *const *c = cv_crypto_openssl.ciphers; *c != NULL; c++) {
        void *k = (*c)->new_key(key);

        assert_non_null(k);
        assert_true((*c)->encrypt(k, iv, NULL, 0));
        assert_true((*c)->decrypt(k, iv, NULL, 0));
        (*c)->free_key(k);
    }
}

static void block_ciphers_refuse_a_partial_block(void **state)
{
    const uint8_t key[CV_CIPHER_KEY_MAX] = {1}, iv[CV_IV_MAX] = {2};
    uint8_t data[16] = {0};

    (void)state;
    for (const struct cv_cipher *const *c = cv_crypto_openssl.ciphers; *c != NULL; c++) {
        void *k = (*c)->new_key(key);

        if ((*c)->block > 1) {
            assert_false((*c)->encrypt(k, iv, data, (*c)->block - 1u));
            assert_false((*c)->decrypt(k, iv, data, (*c)->block - 1u));
        }
        (*c)->free_key(k);
    }
}

static void every_cipher_has_a_vector(void **state)
{
    (void)state;
    for (const struct cv_cipher *const *c = cv_crypto_openssl.ciphers; *c != NULL; c++) {
        bool found = false;

        for (size_t i = 0; i < N_VECTORS; i++)
            found |= find(&cipher_vectors[i]) == *c;
        assert_true(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphers_give_the_published_octets_both_ways_and_again),
        cmocka_unit_test(ciphers_encrypt_nothing),
        cmocka_unit_test(block_ciphers_refuse_a_partial_block),
        cmocka_unit_test(every_cipher_has_a_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
