/* What the key exchange methods share, and the table of them all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/openssl/ke.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "base/secret.h"
#include "ports/openssl/port.h"

void ke_free_key(void *key)
{
    EVP_PKEY_free(key); /* wipes the private value */
}

bool ke_write_public(EVP_PKEY *key, size_t skip, uint8_t *pub, size_t n)
{
    unsigned char *encoded = NULL;
    bool ok = EVP_PKEY_get1_encoded_public_key(key, &encoded) == skip + n;

    if (ok)
        memcpy(pub, encoded + skip, n);
    OPENSSL_free(encoded);
    return ok;
}

/* The caller has checked, or decoding has, all that RFC 6989 asks.  OpenSSL's own second
 * check would multiply by the group's order, at the price of another key exchange.
 *
 * RFC 7296 section 2.14: g^ir is padded with zeros to the modulus's length.  OpenSSL does
 * that itself, in constant time; methods other than MODP ignore the parameter. */
static bool derive(EVP_PKEY *key, EVP_PKEY *peer, uint8_t *secret, size_t n)
{
    unsigned pad = 1;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = n;
    bool ok = ctx != NULL && EVP_PKEY_derive_init_ex(ctx, params) == 1 &&
              EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
              EVP_PKEY_derive(ctx, secret, &len) == 1 && len == n;

    EVP_PKEY_CTX_free(ctx);
    if (!ok)
        wipe(secret, n);
    return ok;
}

enum cv_err ke_agree(EVP_PKEY *key, struct cv_span encoded, uint8_t *secret, size_t n)
{
    EVP_PKEY *peer = EVP_PKEY_new();
    enum cv_err err = CV_ERR_KE_VALUE;

    if (peer == NULL || EVP_PKEY_copy_parameters(peer, key) != 1)
        err = CV_ERR_CRYPTO;
    else if (EVP_PKEY_set1_encoded_public_key(peer, encoded.p, encoded.n) == 1 &&
             derive(key, peer, secret, n))
        err = CV_OK;
    EVP_PKEY_free(peer);
    return err;
}

enum cv_err ke_answer(const struct cv_ke *ke, struct cv_span peer_pub, uint8_t *answer,
                      uint8_t *secret)
{
    void *key = ke->generate(answer);
    enum cv_err err = key != NULL ? ke->decapsulate(key, peer_pub, secret) : CV_ERR_CRYPTO;

    ke->free_key(key);
    return err;
}

const struct cv_ke *const openssl_kes[] = {
    &openssl_x25519,
    &openssl_x448,
    &openssl_ecp_256,
    &openssl_ecp_384,
    &openssl_ecp_521,
    &openssl_modp_2048,
    &openssl_modp_3072,
    &openssl_modp_4096,
    &openssl_modp_1536,
    &openssl_modp_1024,
    NULL,
};
