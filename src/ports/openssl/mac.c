/* OpenSSL's MACs.  Invariant: a context is keyed once (for HMAC both pads are hashed
 * then), and every message starts from there.
 *
 * RFC 2104 (HMAC), RFC 4493 (CMAC).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/openssl/mac.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/secret.h"

/* What OpenSSL calls the MAC, the parameter that chooses its primitive, and that. */
static const struct {
    const char *mac, *param, *primitive;
} kinds[] = {
    [MAC_HMAC_MD5] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "MD5"        },
    [MAC_HMAC_SHA1] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA1"       },
    [MAC_HMAC_SHA2_256] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-256"   },
    [MAC_HMAC_SHA2_384] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-384"   },
    [MAC_HMAC_SHA2_512] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-512"   },
    [MAC_CMAC_AES_128] = {"CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC"},
};

static bool set_key(EVP_MAC_CTX *ctx, enum mac_kind kind, struct cv_span key)
{
    static const uint8_t empty[1];
    char primitive[16]; /* an OSSL_PARAM cannot point to const */
    OSSL_PARAM params[2];

    strcpy(primitive, kinds[kind].primitive);
    params[0] = OSSL_PARAM_construct_utf8_string(kinds[kind].param, primitive, 0);
    params[1] = OSSL_PARAM_construct_end();
    /* A NULL key would mean "the key from before". */
    return EVP_MAC_init(ctx, key.n > 0 ? key.p : empty, key.n, params) == 1;
}

EVP_MAC_CTX *mac_new(enum mac_kind kind, struct cv_span key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, kinds[kind].mac, NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac); /* the context keeps its own hold */
    if (ctx == NULL || !set_key(ctx, kind, key)) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

bool mac_run(EVP_MAC_CTX *ctx, const struct cv_span *parts, size_t n_parts, uint8_t *out,
             size_t n)
{
    uint8_t full[EVP_MAX_MD_SIZE];
    size_t len = 0;
    bool ok = EVP_MAC_init(ctx, NULL, 0, NULL) == 1;

    for (size_t i = 0; ok && i < n_parts; i++)
        ok = EVP_MAC_update(ctx, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, full, &len, sizeof(full)) == 1 && len >= n;
    if (ok)
        memcpy(out, full, n);
    wipe(full, sizeof(full));
    return ok;
}
