/* The backend that this machine is fastest with, beside OpenSSL's: the same octets for every
 * AEAD and length, in both directions, and the same refusals.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"

enum { ROOM = 1600, AAD = 12, SIZES = 300 };

/* One AEAD in both backends. */
struct two {
    const struct cv_aead *ours, *openssl;
    void *our_key, *openssl_key;
    uint8_t nonce[CV_IV_MAX], aad[AAD];
};

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)rand();
}

static void make(struct two *t)
{
    uint8_t key[CV_CIPHER_KEY_MAX];

    fill(key, sizeof(key));
    fill(t->nonce, sizeof(t->nonce));
    fill(t->aad, sizeof(t->aad));
    t->our_key = t->ours->new_key(key);
    t->openssl_key = t->openssl->new_key(key);
    assert_non_null(t->our_key);
    assert_non_null(t->openssl_key);
}

static void unmake(struct two *t)
{
    t->ours->free_key(t->our_key);
    t->openssl->free_key(t->openssl_key);
}

/* A key that has sealed opens in this test; both orders happen to contexts that are reused. */
static void check_agreement(struct two *t, size_t n, size_t aad)
{
    uint8_t plain[ROOM], a[ROOM + 1], b[ROOM], icv_a[CV_ICV_MAX] = {0}, icv_b[CV_ICV_MAX] = {0};
    const struct cv_span s = {t->aad, aad};

    fill(plain, n);
    memcpy(a, plain, n);
    memcpy(b, plain, n);
    a[n] = 0xee;
    assert_true(t->ours->seal(t->our_key, t->nonce, s, a, n, icv_a));
    assert_true(t->openssl->seal(t->openssl_key, t->nonce, s, b, n, icv_b));
    assert_memory_equal(a, b, n);
    assert_int_equal(a[n], 0xee);
    assert_memory_equal(icv_a, icv_b, sizeof(icv_a)); /* no octet behind the ICV's length */
    assert_true(t->ours->open(t->our_key, t->nonce, s, a, n, icv_b));
    assert_memory_equal(a, plain, n);
}

/* One bit of data, of AAD, of the nonce and of the ICV. */
static void check_refusals(struct two *t, size_t n)
{
    uint8_t data[ROOM], spoilt[ROOM], icv[CV_ICV_MAX];
    const struct cv_span s = {t->aad, AAD};
    uint8_t *const where[] = {&spoilt[n / 2], &t->aad[AAD - 1], &t->nonce[5], icv,
                              &icv[t->ours->icv_len - 1]};

    fill(data, n);
    assert_true(t->ours->seal(t->our_key, t->nonce, s, data, n, icv));
    for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
        memcpy(spoilt, data, n);
        *where[i] ^= 0x10;
        assert_false(t->ours->open(t->our_key, t->nonce, s, spoilt, n, icv));
        *where[i] ^= 0x10;
    }
    memcpy(spoilt, data, n);
    assert_true(t->ours->open(t->our_key, t->nonce, s, spoilt, n, icv));
}

static void test_aeads(void **state)
{
    const struct cv_crypto *best = cv_crypto_best();
    unsigned others = 0;

    (void)state;
    for (unsigned i = 0; best->aeads[i] != NULL; i++) {
        struct two t = {.ours = best->aeads[i]};

        t.openssl = crypto_aead(&cv_crypto_openssl, t.ours->id, 8 * t.ours->key_len);
        assert_non_null(t.openssl);
        assert_int_equal(t.ours->salt_len, t.openssl->salt_len);
        assert_int_equal(t.ours->iv_len, t.openssl->iv_len);
        assert_int_equal(t.ours->icv_len, t.openssl->icv_len);
        others += t.ours != t.openssl;
        make(&t);
        for (size_t n = 0; n < SIZES; n++)
            check_agreement(&t, n, n % 2 == 0 ? AAD : 8);
        check_agreement(&t, ROOM, AAD);
        check_agreement(&t, 64, 0);
        check_refusals(&t, 1400);
        check_refusals(&t, 1);
        unmake(&t);
    }
    printf("%s: %u AEADs beside OpenSSL's\n", best->name, others);
    assert_int_equal(others > 0, best != &cv_crypto_openssl);
}

/* What one finds, the other does, and nothing twice. */
static void test_lists(void **state)
{
    const struct cv_crypto *best = cv_crypto_best();
    size_t n = 0, n_openssl = 0;

    (void)state;
    while (best->aeads[n] != NULL)
        n++;
    while (cv_crypto_openssl.aeads[n_openssl] != NULL)
        n_openssl++;
    assert_int_equal(n, n_openssl);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(best->aeads[i]->id == best->aeads[j]->id &&
                         best->aeads[i]->key_len == best->aeads[j]->key_len);
    assert_ptr_equal(best, cv_crypto_best());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aeads),
        cmocka_unit_test(test_lists),
    };

    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
