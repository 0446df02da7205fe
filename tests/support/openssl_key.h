/* A key object of the OpenSSL backend's key exchange methods from a given private value,
 * for known answers.  The backend itself only makes random ones.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_OPENSSL_KEY_H
#define TESTS_SUPPORT_OPENSSL_KEY_H

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "crypto/crypto.h"

/* A pair of type from what has been pushed into b, which is freed. */
static inline EVP_PKEY *openssl_key_build(const char *type, OSSL_PARAM_BLD *b)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        abort();
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static inline EVP_PKEY *openssl_key_ecp(const char *group, const BIGNUM *d)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();

    if (b == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1)
        abort();
    return openssl_key_build("EC", b);
}

/* The group's prime is taken from a key that the backend made. */
static inline EVP_PKEY *openssl_key_modp(const struct cv_ke *ke, const BIGNUM *x)
{
    uint8_t pub[CV_KE_PUB_MAX];
    void *other = ke->generate(pub);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BIGNUM *p = NULL, *g = NULL, *y = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    EVP_PKEY *key;

    if (other == NULL || EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_FFC_P, &p) != 1 ||
        EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_FFC_G, &g) != 1 ||
        BN_mod_exp(y, g, x, p, ctx) != 1 ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, p) != 1 ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, g) != 1 ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PUB_KEY, y) != 1 ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, x) != 1)
        abort();
    key = openssl_key_build("DH", b);
    ke->free_key(other);
    BN_CTX_free(ctx);
    BN_free(p);
    BN_free(g);
    BN_free(y);
    return key;
}

/* priv: the private value, in the order that the method's own RFC writes it. */
static inline EVP_PKEY *openssl_key(const struct cv_ke *ke, struct cv_span priv)
{
    BIGNUM *x = BN_bin2bn(priv.p, (int)priv.n, NULL);
    EVP_PKEY *key = NULL;

    switch (ke->id) {
    case CV_KE_X25519:
        key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, priv.p, priv.n);
        break;
    case CV_KE_X448:
        key = EVP_PKEY_new_raw_private_key_ex(NULL, "X448", NULL, priv.p, priv.n);
        break;
    case CV_KE_ECP_256:
        key = openssl_key_ecp("P-256", x);
        break;
    case CV_KE_ECP_384:
        key = openssl_key_ecp("P-384", x);
        break;
    case CV_KE_ECP_521:
        key = openssl_key_ecp("P-521", x);
        break;
    default:
        key = openssl_key_modp(ke, x);
    }
    BN_free(x);
    if (key == NULL)
        abort();
    return key;
}

#endif
