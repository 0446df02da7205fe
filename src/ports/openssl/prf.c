/* Pseudorandom functions.  HMAC takes keys of any length; AES-XCBC and AES-CMAC take 16
 * octets, and their RFCs say how to get there from other lengths.
 *
 * RFC 2104 and RFC 4868 (HMAC), RFC 4434 (XCBC), RFC 4615 (CMAC).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "ports/openssl/mac.h"
#include "ports/openssl/port.h"
#include "ports/openssl/xcbc.h"

enum { AES_KEY_LEN = 16, AES_PRF_LEN = 16 };

static const uint8_t zero_key[AES_KEY_LEN];

static bool run_mac(enum mac_kind kind, struct cv_span key, const struct cv_span *parts,
                    size_t n_parts, uint8_t *out, size_t n)
{
    EVP_MAC_CTX *ctx = mac_new(kind, key);
    bool ok = ctx != NULL && mac_run(ctx, parts, n_parts, out, n);

    EVP_MAC_CTX_free(ctx);
    return ok;
}

static bool run_xcbc(const uint8_t key[AES_KEY_LEN], const struct cv_span *parts,
                     size_t n_parts, uint8_t *out)
{
    struct xcbc *x = xcbc_new(key);
    bool ok = x != NULL && xcbc_run(x, parts, n_parts, out, AES_PRF_LEN);

    xcbc_free(x);
    return ok;
}

/* RFC 4434 section 2: a short key is padded with zeros, a long one is the MAC of itself
 * under the zero key. */
static bool aes128_xcbc(struct cv_span key, const struct cv_span *parts, size_t n_parts,
                        uint8_t *out)
{
    uint8_t k[AES_KEY_LEN] = {0};
    bool ok = true;

    if (key.n > sizeof(k))
        ok = run_xcbc(zero_key, &key, 1, k);
    else if (key.n > 0)
        memcpy(k, key.p, key.n);
    ok = ok && run_xcbc(k, parts, n_parts, out);
    wipe(k, sizeof(k));
    return ok;
}

/* RFC 4615 section 3: any key that is not 16 octets long is the MAC of itself under the
 * zero key. */
static bool aes128_cmac(struct cv_span key, const struct cv_span *parts, size_t n_parts,
                        uint8_t *out)
{
    uint8_t k[AES_KEY_LEN];
    bool ok = true;

    if (key.n == sizeof(k))
        memcpy(k, key.p, sizeof(k));
    else
        ok = run_mac(MAC_CMAC_AES_128, span(zero_key, sizeof(zero_key)), &key, 1, k, sizeof(k));
    ok = ok && run_mac(MAC_CMAC_AES_128, span(k, sizeof(k)), parts, n_parts, out, AES_PRF_LEN);
    wipe(k, sizeof(k));
    return ok;
}

/* name, identifier, octets, MAC */
#define HMAC_LIST(X)                                                                           \
    X(hmac_sha2_256, CV_PRF_HMAC_SHA2_256, 32, MAC_HMAC_SHA2_256)                              \
    X(hmac_sha2_384, CV_PRF_HMAC_SHA2_384, 48, MAC_HMAC_SHA2_384)                              \
    X(hmac_sha2_512, CV_PRF_HMAC_SHA2_512, 64, MAC_HMAC_SHA2_512)                              \
    X(hmac_sha1, CV_PRF_HMAC_SHA1, 20, MAC_HMAC_SHA1)                                          \
    X(hmac_md5, CV_PRF_HMAC_MD5, 16, MAC_HMAC_MD5)

#define HMAC(name, prf_id, len, kind)                                                          \
    static bool name##_prf(struct cv_span key, const struct cv_span *parts, size_t n_parts,    \
                           uint8_t *out)                                                       \
    {                                                                                          \
        return run_mac(kind, key, parts, n_parts, out, len);                                   \
    }                                                                                          \
    static const struct cv_prf name = {.id = prf_id, .out_len = len, .prf = name##_prf};

#define HMAC_ENTRY(name, prf_id, len, kind) &name,

HMAC_LIST(HMAC)

static const struct cv_prf xcbc = {
    .id = CV_PRF_AES128_XCBC, .out_len = AES_PRF_LEN, .prf = aes128_xcbc};
static const struct cv_prf cmac = {
    .id = CV_PRF_AES128_CMAC, .out_len = AES_PRF_LEN, .prf = aes128_cmac};

const struct cv_prf *const openssl_prfs[] = {&xcbc, &cmac, HMAC_LIST(HMAC_ENTRY) NULL};
