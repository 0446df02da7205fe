/* Plain hashes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>

#include "ports/openssl/port.h"

static bool digest(const EVP_MD *md, const struct cv_span *parts, size_t n_parts, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;

    for (size_t i = 0; ok && i < n_parts; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* name, identifier, octets, OpenSSL's digest */
#define HASH_LIST(X)                                                                           \
    X(sha1, CV_HASH_SHA1, 20, EVP_sha1)                                                        \
    X(sha2_256, CV_HASH_SHA2_256, 32, EVP_sha256)                                              \
    X(sha2_384, CV_HASH_SHA2_384, 48, EVP_sha384)                                              \
    X(sha2_512, CV_HASH_SHA2_512, 64, EVP_sha512)

#define HASH(name, hash_id, len, md)                                                           \
    static bool name##_hash(const struct cv_span *parts, size_t n_parts, uint8_t *out)         \
    {                                                                                          \
        return digest(md(), parts, n_parts, out);                                              \
    }                                                                                          \
    static const struct cv_hash name = {.id = hash_id, .out_len = len, .hash = name##_hash};

#define HASH_ENTRY(name, hash_id, len, md) &name,

HASH_LIST(HASH)

const struct cv_hash *const openssl_hashes[] = {HASH_LIST(HASH_ENTRY) NULL};
