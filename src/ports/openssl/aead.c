/* AEADs: each packet sets its nonce, authenticates the AAD, transforms the data in place
 * and ends with the ICV.
 *
 * RFC 4106 (GCM), RFC 4309 (CCM), RFC 7634 (ChaCha20-Poly1305), RFC 4543 (GMAC),
 * RFC 8750 (implicit IV: the same algorithms, but the IV does not travel).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "ports/openssl/keyed.h"
#include "ports/openssl/port.h"

enum { GMAC_SALT_LEN = 4, IV_LEN = 8 };

struct aead_key {
    struct keyed keyed;
    uint8_t icv_len;
};

static void free_key(void *key)
{
    struct aead_key *k = key;

    if (k == NULL)
        return;
    keyed_free(&k->keyed);
    OPENSSL_free(k);
}

/* ---- one packet ------------------------------------------------------------- */

static bool start_sealing(struct aead_key *k, const uint8_t *nonce)
{
    return keyed_start(&k->keyed, ENCRYPT, nonce, NULL);
}

static bool start_opening(struct aead_key *k, const uint8_t *nonce, const uint8_t *icv)
{
    uint8_t expected[CV_ICV_MAX]; /* an OSSL_PARAM cannot point to const */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected, k->icv_len),
        OSSL_PARAM_construct_end(),
    };

    memcpy(expected, icv, k->icv_len);
    return keyed_start(&k->keyed, DECRYPT, nonce, params);
}

static bool authenticate(struct aead_key *k, const uint8_t *p, size_t n)
{
    int len;

    return n == 0 ||
           (n <= INT_MAX && EVP_CipherUpdate(k->keyed.ctx, NULL, &len, p, (int)n) == 1);
}

static bool transform(struct aead_key *k, uint8_t *data, size_t n)
{
    int len;

    return n == 0 ||
           (n <= INT_MAX && EVP_CipherUpdate(k->keyed.ctx, data, &len, data, (int)n) == 1);
}

/* Decrypting, this is where the ICV is compared. */
static bool finish(struct aead_key *k)
{
    uint8_t none[EVP_MAX_BLOCK_LENGTH];
    int len;

    return EVP_CipherFinal_ex(k->keyed.ctx, none, &len) == 1;
}

static bool write_icv(struct aead_key *k, uint8_t *icv)
{
    OSSL_PARAM tag[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, icv, k->icv_len),
        OSSL_PARAM_construct_end(),
    };

    return EVP_CIPHER_CTX_get_params(k->keyed.ctx, tag) == 1;
}

/* ---- AES-GCM and ChaCha20-Poly1305 ------------------------------------------ */

static bool stream_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                        size_t n, uint8_t *icv)
{
    return start_sealing(key, nonce) && authenticate(key, aad.p, aad.n) &&
           transform(key, data, n) && finish(key) && write_icv(key, icv);
}

static bool stream_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                        size_t n, const uint8_t *icv)
{
    return start_opening(key, nonce, icv) && authenticate(key, aad.p, aad.n) &&
           transform(key, data, n) && finish(key);
}

/* ---- AES-CCM ---------------------------------------------------------------- */

/* CCM must know the length before the first octet, and wants to be called for the
 * data exactly once, even when there is none: the tag is made and checked there. */
static bool ccm_transform(struct aead_key *k, struct cv_span aad, uint8_t *data, size_t n)
{
    uint8_t none = 0;
    int len;

    if (n > INT_MAX || EVP_CipherUpdate(k->keyed.ctx, NULL, &len, NULL, (int)n) != 1 ||
        !authenticate(k, aad.p, aad.n))
        return false;
    if (n == 0)
        data = &none;
    return EVP_CipherUpdate(k->keyed.ctx, data, &len, data, (int)n) == 1;
}

static bool ccm_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                     size_t n, uint8_t *icv)
{
    return start_sealing(key, nonce) && ccm_transform(key, aad, data, n) && write_icv(key, icv);
}

static bool ccm_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                     size_t n, const uint8_t *icv)
{
    return start_opening(key, nonce, icv) && ccm_transform(key, aad, data, n);
}

/* ---- NULL encryption with AES-GMAC ------------------------------------------ */

/* RFC 4543 section 3.3, and draft-mcgrew-gcm-test-01 where it is clearer: the packet's IV
 * is authenticated too, between the ESP header and the payload.  The nonce ends with it. */
static bool gmac_authenticate(struct aead_key *k, const uint8_t *nonce, struct cv_span aad,
                              const uint8_t *data, size_t n)
{
    return authenticate(k, aad.p, aad.n) && authenticate(k, nonce + GMAC_SALT_LEN, IV_LEN) &&
           authenticate(k, data, n) && finish(k);
}

static bool gmac_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                      size_t n, uint8_t *icv)
{
    return start_sealing(key, nonce) && gmac_authenticate(key, nonce, aad, data, n) &&
           write_icv(key, icv);
}

static bool gmac_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                      size_t n, const uint8_t *icv)
{
    return start_opening(key, nonce, icv) && gmac_authenticate(key, nonce, aad, data, n);
}

/* ---- keys and tables -------------------------------------------------------- */

/* CCM wants the ICV's length before the key; the others learn it from each packet. */
static void *new_key(const char *cipher, const struct cv_aead *aead, const uint8_t *key)
{
    size_t nonce_len = (size_t)aead->salt_len + IV_LEN;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_AEAD_IVLEN, &nonce_len),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    struct aead_key *k = OPENSSL_zalloc(sizeof(*k));

    if (k == NULL)
        return NULL;
    if (aead->seal == ccm_seal)
        params[1] =
            OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, aead->icv_len);
    if (!keyed_init(&k->keyed, cipher, key, aead->key_len, params)) {
        free_key(k);
        return NULL;
    }
    k->icv_len = aead->icv_len;
    return k;
}

/* name, identifier, OpenSSL's name, octets of key, salt, IV and ICV, mode */
#define AES_LIST(X, bits, key)                                                                 \
    X(gcm_16_##bits, CV_ENCR_AES_GCM_16, "AES-" #bits "-GCM", key, 4, 8, 16, stream)           \
    X(gcm_12_##bits, CV_ENCR_AES_GCM_12, "AES-" #bits "-GCM", key, 4, 8, 12, stream)           \
    X(gcm_8_##bits, CV_ENCR_AES_GCM_8, "AES-" #bits "-GCM", key, 4, 8, 8, stream)              \
    X(gcm_16_iiv_##bits, CV_ENCR_AES_GCM_16_IIV, "AES-" #bits "-GCM", key, 4, 0, 16, stream)   \
    X(ccm_16_##bits, CV_ENCR_AES_CCM_16, "AES-" #bits "-CCM", key, 3, 8, 16, ccm)              \
    X(ccm_12_##bits, CV_ENCR_AES_CCM_12, "AES-" #bits "-CCM", key, 3, 8, 12, ccm)              \
    X(ccm_8_##bits, CV_ENCR_AES_CCM_8, "AES-" #bits "-CCM", key, 3, 8, 8, ccm)                 \
    X(ccm_8_iiv_##bits, CV_ENCR_AES_CCM_8_IIV, "AES-" #bits "-CCM", key, 3, 0, 8, ccm)         \
    X(null_gmac_##bits, CV_ENCR_NULL_GMAC, "AES-" #bits "-GCM", key, 4, 8, 16, gmac)

#define CHACHA_LIST(X)                                                                         \
    X(chacha, CV_ENCR_CHACHA20_POLY1305, "ChaCha20-Poly1305", 32, 4, 8, 16, stream)            \
    X(chacha_iiv, CV_ENCR_CHACHA20_POLY1305_IIV, "ChaCha20-Poly1305", 32, 4, 0, 16, stream)

#define AEAD_LIST(X)                                                                           \
    AES_LIST(X, 128, 16) AES_LIST(X, 192, 24) AES_LIST(X, 256, 32) CHACHA_LIST(X)

#define AEAD(name, aead_id, cipher, key_octets, salt, iv, icv, mode)                           \
    static const struct cv_aead name;                                                          \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return new_key(cipher, &name, key);                                                    \
    }                                                                                          \
    static const struct cv_aead name = {                                                       \
        .id = aead_id,                                                                         \
        .key_len = key_octets,                                                                 \
        .salt_len = salt,                                                                      \
        .iv_len = iv,                                                                          \
        .icv_len = icv,                                                                        \
        .new_key = name##_new_key,                                                             \
        .free_key = free_key,                                                                  \
        .seal = mode##_seal,                                                                   \
        .open = mode##_open,                                                                   \
    };

#define AEAD_ENTRY(name, aead_id, cipher, key_octets, salt, iv, icv, mode) &name,

AEAD_LIST(AEAD)

const struct cv_aead *const openssl_aeads[] = {AEAD_LIST(AEAD_ENTRY) NULL};
