/* Diffie-Hellman over the primes of RFC 2409 section 6.2 and RFC 3526, generator 2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/params.h>

#include "ports/openssl/ke.h"

enum { GENERATOR = 2 };

/* Fills *out with p and g. */
static bool build_params(OSSL_PARAM **out, const BIGNUM *prime, const BIGNUM *generator)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    bool ok = b != NULL && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, prime) == 1 &&
              OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, generator) == 1 &&
              (*out = OSSL_PARAM_BLD_to_param(b)) != NULL;

    OSSL_PARAM_BLD_free(b);
    return ok;
}

static EVP_PKEY *new_group(const BIGNUM *prime)
{
    BIGNUM *generator = BN_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *group = NULL;

    if (generator == NULL || ctx == NULL || BN_set_word(generator, GENERATOR) != 1 ||
        !build_params(&params, prime, generator) || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &group, EVP_PKEY_KEY_PARAMETERS, params) != 1)
        group = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    BN_free(generator);
    return group;
}

static EVP_PKEY *new_pair(EVP_PKEY *group)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, group, NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_generate(ctx, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* Takes prime. */
static void *modp_generate(BIGNUM *prime, uint8_t *pub, size_t len)
{
    EVP_PKEY *group = prime != NULL ? new_group(prime) : NULL;
    EVP_PKEY *key = group != NULL ? new_pair(group) : NULL;

    EVP_PKEY_free(group);
    BN_free(prime);
    if (key == NULL || !ke_write_public(key, 0, pub, len)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* RFC 6989 section 2.1: 1 < y < p - 1.  The primes are safe, so this is all. */
static enum cv_err check_range(EVP_PKEY *key, struct cv_span peer_pub)
{
    BIGNUM *y = BN_bin2bn(peer_pub.p, (int)peer_pub.n, NULL), *p = NULL;
    enum cv_err err = CV_ERR_KE_VALUE;

    if (y == NULL || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p) != 1)
        err = CV_ERR_CRYPTO;
    else if (BN_num_bits(y) > 1 && BN_add_word(y, 1) == 1 && BN_cmp(y, p) < 0)
        err = CV_OK;
    BN_free(y);
    BN_free(p);
    return err;
}

/* RFC 7296 section 3.4: the public value MUST be as long as the prime. */
static enum cv_err modp_derive(void *key, struct cv_span peer_pub, uint8_t *secret, size_t len)
{
    enum cv_err err = CV_ERR_KE_VALUE;

    if (peer_pub.n == len)
        err = check_range(key, peer_pub);
    return err == CV_OK ? ke_agree(key, peer_pub, secret, len) : err;
}

/* name, identifier, octets, prime */
#define MODP_LIST(X)                                                                           \
    X(modp_1024, CV_KE_MODP_1024, 128, BN_get_rfc2409_prime_1024)                              \
    X(modp_1536, CV_KE_MODP_1536, 192, BN_get_rfc3526_prime_1536)                              \
    X(modp_2048, CV_KE_MODP_2048, 256, BN_get_rfc3526_prime_2048)                              \
    X(modp_3072, CV_KE_MODP_3072, 384, BN_get_rfc3526_prime_3072)                              \
    X(modp_4096, CV_KE_MODP_4096, 512, BN_get_rfc3526_prime_4096)

#define MODP(name, ke_id, len, prime)                                                          \
    static void *name##_generate(uint8_t *pub)                                                 \
    {                                                                                          \
        return modp_generate(prime(NULL), pub, len);                                           \
    }                                                                                          \
    static enum cv_err name##_encapsulate(struct cv_span pub, uint8_t *answer,                 \
                                          uint8_t *secret)                                     \
    {                                                                                          \
        return ke_answer(&openssl_##name, pub, answer, secret);                                \
    }                                                                                          \
    static enum cv_err name##_decapsulate(void *key, struct cv_span answer, uint8_t *secret)   \
    {                                                                                          \
        return modp_derive(key, answer, secret, len);                                          \
    }                                                                                          \
    const struct cv_ke openssl_##name = {                                                      \
        .id = ke_id,                                                                           \
        .public_len = len,                                                                     \
        .answer_len = len,                                                                     \
        .secret_len = len,                                                                     \
        .generate = name##_generate,                                                           \
        .free_key = ke_free_key,                                                               \
        .encapsulate = name##_encapsulate,                                                     \
        .decapsulate = name##_decapsulate,                                                     \
    };

MODP_LIST(MODP)
