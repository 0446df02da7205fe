/* AES-XCBC-MAC, RFC 3566 section 4.  Invariant: the CBC context has encrypted every
 * whole block before buf, and buf is never empty while octets have come in, because the
 * last block is masked before it is encrypted.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/openssl/xcbc.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/secret.h"

/* Many blocks at once: a call into OpenSSL costs more than a block does. */
enum { BUF_LEN = 32 * XCBC_LEN };

struct xcbc {
    EVP_CIPHER_CTX *cbc;                /* under K1 */
    uint8_t k2[XCBC_LEN], k3[XCBC_LEN]; /* masks of a last block that is whole, or padded */
    uint8_t buf[BUF_LEN];
    size_t n;
};

/* CBC under key, from a zero IV, without padding. */
static bool start_cbc(EVP_CIPHER_CTX *ctx, const uint8_t *key)
{
    static const uint8_t zero_iv[XCBC_LEN];

    return EVP_EncryptInit_ex2(ctx, NULL, key, zero_iv, NULL) == 1;
}

static bool encrypt(EVP_CIPHER_CTX *ctx, uint8_t *data, size_t n)
{
    int len;

    return EVP_EncryptUpdate(ctx, data, &len, data, (int)n) == 1;
}

/* RFC 3566 section 4 step 1: Ki is the octet i, sixteen times, encrypted with K. */
static bool derive_key(EVP_CIPHER_CTX *ctx, const uint8_t *key, uint8_t i,
                       uint8_t out[XCBC_LEN])
{
    memset(out, i, XCBC_LEN);
    return start_cbc(ctx, key) && encrypt(ctx, out, XCBC_LEN);
}

static bool set_key(struct xcbc *x, const uint8_t key[XCBC_LEN])
{
    unsigned padding = 0;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_PADDING, &padding),
        OSSL_PARAM_construct_end(),
    };
    EVP_CIPHER *alg = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    uint8_t k1[XCBC_LEN] = {0};
    bool ok = alg != NULL && EVP_EncryptInit_ex2(x->cbc, alg, NULL, NULL, params) == 1 &&
              derive_key(x->cbc, key, 1, k1) && derive_key(x->cbc, key, 2, x->k2) &&
              derive_key(x->cbc, key, 3, x->k3) && start_cbc(x->cbc, k1);

    EVP_CIPHER_free(alg);
    wipe(k1, sizeof(k1));
    return ok;
}

struct xcbc *xcbc_new(const uint8_t key[XCBC_LEN])
{
    struct xcbc *x = OPENSSL_zalloc(sizeof(*x));

    if (x == NULL)
        return NULL;
    x->cbc = EVP_CIPHER_CTX_new();
    if (x->cbc == NULL || !set_key(x, key)) {
        xcbc_free(x);
        return NULL;
    }
    return x;
}

void xcbc_free(struct xcbc *x)
{
    if (x == NULL)
        return;
    EVP_CIPHER_CTX_free(x->cbc);
    wipe(x, sizeof(*x));
    OPENSSL_free(x);
}

static bool absorb(struct xcbc *x, const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t take = n < BUF_LEN - x->n ? n : BUF_LEN - x->n;

        if (take == 0) { /* more comes, so none of this is the last block */
            if (!encrypt(x->cbc, x->buf, BUF_LEN))
                return false;
            x->n = 0;
            continue;
        }
        memcpy(x->buf + x->n, p, take);
        x->n += take;
        p += take;
        n -= take;
    }
    return true;
}

/* RFC 3566 section 4 step 4: an incomplete or empty last block gets a one bit and zeros. */
static bool finish(struct xcbc *x, uint8_t *out, size_t n)
{
    const uint8_t *mask = x->k2;
    uint8_t *last;

    if (x->n == 0 || x->n % XCBC_LEN != 0) {
        mask = x->k3;
        x->buf[x->n++] = 0x80;
        while (x->n % XCBC_LEN != 0)
            x->buf[x->n++] = 0;
    }
    last = x->buf + x->n - XCBC_LEN;
    for (size_t i = 0; i < XCBC_LEN; i++)
        last[i] ^= mask[i];
    if (!encrypt(x->cbc, x->buf, x->n))
        return false;
    memcpy(out, last, n);
    return true;
}

bool xcbc_run(struct xcbc *x, const struct cv_span *parts, size_t n_parts, uint8_t *out,
              size_t n)
{
    bool ok = start_cbc(x->cbc, NULL);

    x->n = 0;
    for (size_t i = 0; ok && i < n_parts; i++)
        ok = absorb(x, parts[i].p, parts[i].n);
    ok = ok && finish(x, out, n);
    wipe(x->buf, sizeof(x->buf));
    return ok;
}
