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
#include "tests/support/hex.h"

enum { ROOM = 128 };

/* NIST SP 800-38A, appendix F.2: the same IV and plaintext under three keys. */
#define SP_IV "000102030405060708090a0b0c0d0e0f"
#define SP_PLAIN                                                                               \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                         \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* RFC 3686 section 6 counts upwards in its plaintexts. */
#define COUNT_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define COUNT_36 COUNT_32 "20212223"
#define SINGLE_BLOCK "53696e676c6520626c6f636b206d7367"

/* Keys of CTR end with the nonce. */
/* clang-format off */
static const struct vector {
    uint16_t id, bits;
    const char *key, *iv, *plain, *cipher;
} vectors[] = {
    /* RFC 3602 section 4, case 1 */
    {CV_ENCR_AES_CBC, 128, "06a9214036b8a15b512e03d534120006",
     "3dafba429d9eb430b422da802c9fac41", SINGLE_BLOCK, "e353779c1079aeb82708942dbe77181a"},
    {CV_ENCR_AES_CBC, 128, "2b7e151628aed2a6abf7158809cf4f3c", SP_IV, SP_PLAIN,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {CV_ENCR_AES_CBC, 192, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", SP_IV, SP_PLAIN,
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
    {CV_ENCR_AES_CBC, 256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     SP_IV, SP_PLAIN,
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
    /* RFC 3686 section 6, cases 1 to 9 */
    {CV_ENCR_AES_CTR, 128, "ae6852f8121067cc4bf7a5765577f39e00000030", "0000000000000000",
     SINGLE_BLOCK, "e4095d4fb7a7b3792d6175a3261311b8"},
    {CV_ENCR_AES_CTR, 128, "7e24067817fae0d743d6ce1f32539163006cb6db", "c0543b59da48d90b",
     COUNT_32, "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28"},
    {CV_ENCR_AES_CTR, 128, "7691be035e5020a8ac6e618529f9a0dc00e0017b", "27777f3f4a1786f0",
     COUNT_36, "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f"},
    {CV_ENCR_AES_CTR, 192, "16af5b145fc9f579c175f93e3bfb0eed863d06ccfdb7851500000048",
     "36733c147d6d93cb", SINGLE_BLOCK, "4b55384fe259c9c84e7935a003cbe928"},
    {CV_ENCR_AES_CTR, 192, "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a0096b03b",
     "020c6eadc2cb500d", COUNT_32,
     "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00"},
    {CV_ENCR_AES_CTR, 192, "02bf391ee8ecb159b959617b0965279bf59b60a786d3e0fe0007bdfd",
     "5cbd60278dcc0912", COUNT_36,
     "96893fc55e5c722f540b7dd1ddf7e758d288bc95c69165884536c811662f2188abee0935"},
    {CV_ENCR_AES_CTR, 256,
     "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c10400000060",
     "db5672c97aa8f0b2", SINGLE_BLOCK, "145ad01dbf824ec7560863dc71e3e0c0"},
    {CV_ENCR_AES_CTR, 256,
     "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a2388400faac24",
     "c1585ef15a43d875", COUNT_32,
     "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c"},
    {CV_ENCR_AES_CTR, 256,
     "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d001cc5b7",
     "51a51d70a1c11148", COUNT_36,
     "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8"},
    /* strongSwan's vectors des3_cbc1 and 2 */
    {CV_ENCR_3DES, 0, "627f460e08104a1043cd265d5840eaf1313edf97df2a8a8c", "8e29f75ea77e5475",
     "326a494cd33fe756", "b22b8d66de970692"},
    {CV_ENCR_3DES, 0, "37ae5ebf46dff2dc0754b94f31cbb3855e7fd36dc870bfae", "3d1de3cc132e3b65",
     "84401f78fe6c10876d8ea23094ea5309", "7b1f7c7e3b1c948ebd04a75ffba7d2f5"},
    {CV_ENCR_NULL, 0, "", "", COUNT_36, COUNT_36},
};
/* clang-format on */

enum { N_VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static const struct cv_cipher *find(const struct vector *v)
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
        const struct vector *v = &vectors[i];
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
            found |= find(&vectors[i]) == *c;
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
