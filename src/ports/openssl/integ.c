/* Integrity transforms: a MAC, truncated.
 *
 * RFC 2403, RFC 2404 and RFC 4868 (HMAC), RFC 3566 (XCBC), RFC 4494 (CMAC), RFC 4543 (GMAC).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"
#include "ports/openssl/gmac.h"
#include "ports/openssl/mac.h"
#include "ports/openssl/port.h"
#include "ports/openssl/xcbc.h"

static void free_key(void *key)
{
    EVP_MAC_CTX_free(key);
}

/* name, identifier, octets of key and ICV, MAC */
#define INTEG_LIST(X)                                                                          \
    X(hmac_sha2_256_128, CV_INTEG_HMAC_SHA2_256_128, 32, 16, MAC_HMAC_SHA2_256)                \
    X(hmac_sha2_384_192, CV_INTEG_HMAC_SHA2_384_192, 48, 24, MAC_HMAC_SHA2_384)                \
    X(hmac_sha2_512_256, CV_INTEG_HMAC_SHA2_512_256, 64, 32, MAC_HMAC_SHA2_512)                \
    X(hmac_sha1_96, CV_INTEG_HMAC_SHA1_96, 20, 12, MAC_HMAC_SHA1)                              \
    X(hmac_md5_96, CV_INTEG_HMAC_MD5_96, 16, 12, MAC_HMAC_MD5)                                 \
    X(aes_cmac_96, CV_INTEG_AES_CMAC_96, 16, 12, MAC_CMAC_AES_128)

#define INTEG(name, integ_id, key_octets, icv_octets, kind)                                    \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return mac_new(kind, span(key, key_octets));                                           \
    }                                                                                          \
    static bool name##_mac(void *key, const struct cv_span *parts, size_t n_parts,             \
                           uint8_t *icv)                                                       \
    {                                                                                          \
        return mac_run(key, parts, n_parts, icv, icv_octets);                                  \
    }                                                                                          \
    static const struct cv_integ name = {                                                      \
        .id = integ_id,                                                                        \
        .key_len = key_octets,                                                                 \
        .icv_len = icv_octets,                                                                 \
        .new_key = name##_new_key,                                                             \
        .free_key = free_key,                                                                  \
        .mac = name##_mac,                                                                     \
    };

#define INTEG_ENTRY(name, integ_id, key_octets, icv_octets, kind) &name,

INTEG_LIST(INTEG)

static void *xcbc_new_key(const uint8_t *key)
{
    return xcbc_new(key);
}

static void xcbc_free_key(void *key)
{
    xcbc_free(key);
}

enum { XCBC_ICV_LEN = 12 };

static bool xcbc_96(void *key, const struct cv_span *parts, size_t n_parts, uint8_t *icv)
{
    return xcbc_run(key, parts, n_parts, icv, XCBC_ICV_LEN);
}

static const struct cv_integ aes_xcbc_96 = {
    .id = CV_INTEG_AES_XCBC_96,
    .key_len = XCBC_LEN,
    .icv_len = XCBC_ICV_LEN,
    .new_key = xcbc_new_key,
    .free_key = xcbc_free_key,
    .mac = xcbc_96,
};

const struct cv_integ *const openssl_integs[] = {
    &aes_xcbc_96,
    &openssl_gmac_128,
    &openssl_gmac_192,
    &openssl_gmac_256,
    INTEG_LIST(INTEG_ENTRY) NULL,
};
