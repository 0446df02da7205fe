/* The OpenSSL backend without memory: every allocation fails once in turn, and each time
 * the answer is a clean "no".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "base/span.h"
#include "crypto/crypto.h"

/* Allocations left before one fails; negative: none fails. */
static long left = -1;

static bool fails(void)
{
    if (left < 0)
        return false;
    return left-- == 0;
}

static void *failing_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : malloc(n);
}

static void *failing_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(p, n);
}

static void plain_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* Calls attempt with the first, second, ... allocation failing, until it needs no more
 * of them.  attempt tells whether it succeeded; it must once nothing fails. */
static void starve(bool (*attempt)(const void *alg), const void *alg)
{
    bool done = false;

    assert_true(attempt(alg)); /* fills OpenSSL's caches */
    for (long n = 0; !done; n++) {
        bool ok;

        left = n;
        ok = attempt(alg);
        done = left >= 0;
        left = -1;
        assert_true(!done || ok);
        assert_in_range(n, 0, 10000);
    }
    assert_true(attempt(alg));
}

static bool use_aead(const void *alg)
{
    const struct cv_aead *a = alg;
    const uint8_t key[CV_CIPHER_KEY_MAX] = {1}, nonce[CV_IV_MAX] = {2};
    uint8_t data[32] = {3}, icv[CV_ICV_MAX];
    void *k = a->new_key(key);
    bool ok = k != NULL && a->seal(k, nonce, span(nonce, 8), data, sizeof(data), icv) &&
              a->open(k, nonce, span(nonce, 8), data, sizeof(data), icv);

    a->free_key(k);
    return ok;
}

static bool use_cipher(const void *alg)
{
    const struct cv_cipher *c = alg;
    const uint8_t key[CV_CIPHER_KEY_MAX] = {1}, iv[CV_IV_MAX] = {2};
    uint8_t data[32] = {3};
    void *k = c->new_key(key);
    bool ok = k != NULL && c->encrypt(k, iv, data, sizeof(data)) &&
              c->decrypt(k, iv, data, sizeof(data));

    c->free_key(k);
    return ok;
}

static bool use_integ(const void *alg)
{
    const struct cv_integ *i = alg;
    const uint8_t key[CV_INTEG_KEY_MAX] = {1};
    const struct cv_span data = span("data", 4);
    uint8_t icv[CV_ICV_MAX];
    void *k = i->new_key(key);
    bool ok = k != NULL && i->mac(k, &data, 1, icv);

    i->free_key(k);
    return ok;
}

static bool use_prf(const void *alg)
{
    const struct cv_prf *p = alg;
    const struct cv_span data = span("data", 4);
    uint8_t out[CV_PRF_MAX];

    return p->prf(span("a key longer than sixteen octets", 32), &data, 1, out);
}

static bool use_hash(const void *alg)
{
    const struct cv_hash *h = alg;
    const struct cv_span data = span("data", 4);
    uint8_t out[CV_HASH_MAX];

    return h->hash(&data, 1, out);
}

static bool use_ke(const void *alg)
{
    const struct cv_ke *ke = alg;
    uint8_t pub[CV_KE_PUB_MAX], answer[CV_KE_PUB_MAX], secret[CV_KE_SECRET_MAX];
    void *k = ke->generate(pub);
    enum cv_err err = CV_ERR_CRYPTO;

    if (k != NULL)
        err = ke->encapsulate(span(pub, ke->public_len), answer, secret);
    if (err == CV_OK)
        err = ke->decapsulate(k, span(answer, ke->answer_len), secret);
    ke->free_key(k);
    return err == CV_OK;
}

static void ciphers_survive_without_memory(void **state)
{
    (void)state;
    for (const struct cv_aead *const *a = cv_crypto_openssl.aeads; *a != NULL; a++)
        starve(use_aead, *a);
    for (const struct cv_cipher *const *a = cv_crypto_openssl.ciphers; *a != NULL; a++)
        starve(use_cipher, *a);
}

static void macs_and_hashes_survive_without_memory(void **state)
{
    (void)state;
    for (const struct cv_integ *const *a = cv_crypto_openssl.integs; *a != NULL; a++)
        starve(use_integ, *a);
    for (const struct cv_prf *const *a = cv_crypto_openssl.prfs; *a != NULL; a++)
        starve(use_prf, *a);
    for (const struct cv_hash *const *a = cv_crypto_openssl.hashes; *a != NULL; a++)
        starve(use_hash, *a);
}

static void key_exchange_survives_without_memory(void **state)
{
    (void)state;
    for (const struct cv_ke *const *a = cv_crypto_openssl.kes; *a != NULL; a++) {
        if ((*a)->id != CV_KE_MODP_3072 && (*a)->id != CV_KE_MODP_4096)
            starve(use_ke, *a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphers_survive_without_memory),
        cmocka_unit_test(macs_and_hashes_survive_without_memory),
        cmocka_unit_test(key_exchange_survives_without_memory),
    };

    /* Works only before OpenSSL has allocated anything. */
    if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
