/* Ciphers without integrity: AES-CBC (RFC 3602), 3DES-CBC (RFC 2451), AES-CTR
 * (RFC 3686) and NULL (RFC 2410).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "base/secret.h"
#include "ports/openssl/keyed.h"
#include "ports/openssl/port.h"

enum { CTR_SALT_LEN = 4, CTR_IV_LEN = 8, CTR_BLOCK_LEN = 16 };

struct cipher_key {
    struct keyed keyed;
    uint8_t salt[CTR_SALT_LEN];
};

static void free_key(void *key)
{
    struct cipher_key *k = key;

    if (k == NULL)
        return;
    keyed_free(&k->keyed);
    wipe(k->salt, sizeof(k->salt));
    OPENSSL_free(k);
}

static void *new_key(const char *name, const struct cv_cipher *cipher, const uint8_t *key)
{
    unsigned padding = 0; /* ESP and IKE bring their own */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_PADDING, &padding),
        OSSL_PARAM_construct_end(),
    };
    struct cipher_key *k = OPENSSL_zalloc(sizeof(*k));

    if (k == NULL)
        return NULL;
    if (!keyed_init(&k->keyed, name, key, cipher->key_len, params)) {
        free_key(k);
        return NULL;
    }
    memcpy(k->salt, key + cipher->key_len, cipher->salt_len);
    return k;
}

static bool transform(struct cipher_key *k, enum way way, const uint8_t *iv, uint8_t *data,
                      size_t n)
{
    int len;

    if (n > INT_MAX || !keyed_start(&k->keyed, way, iv, NULL))
        return false;
    return n == 0 ||
           (EVP_CipherUpdate(k->keyed.ctx, data, &len, data, (int)n) == 1 && len == (int)n);
}

static bool cbc_encrypt(void *key, const uint8_t *iv, uint8_t *data, size_t n)
{
    return transform(key, ENCRYPT, iv, data, n);
}

static bool cbc_decrypt(void *key, const uint8_t *iv, uint8_t *data, size_t n)
{
    return transform(key, DECRYPT, iv, data, n);
}

/* ---- AES-CTR ---------------------------------------------------------------- */

/* RFC 3686 section 4: nonce, IV, and a block counter that starts at one.  Encrypting
 * and decrypting are the same. */
static bool ctr_transform(void *key, const uint8_t *iv, uint8_t *data, size_t n)
{
    struct cipher_key *k = key;
    uint8_t block[CTR_BLOCK_LEN] = {[CTR_BLOCK_LEN - 1] = 1};

    memcpy(block, k->salt, CTR_SALT_LEN);
    memcpy(block + CTR_SALT_LEN, iv, CTR_IV_LEN);
    return transform(k, ENCRYPT, block, data, n);
}

/* ---- NULL ------------------------------------------------------------------- */

/* A key object must not be NULL: that would say there is no room. */
static void *null_new_key(const uint8_t *key)
{
    (void)key;
    return OPENSSL_zalloc(1);
}

static void null_free_key(void *key)
{
    OPENSSL_free(key);
}

static bool null_transform(void *key, const uint8_t *iv, uint8_t *data, size_t n)
{
    (void)key;
    (void)iv;
    (void)data;
    (void)n;
    return true;
}

/* ---- tables ----------------------------------------------------------------- */

/* name, identifier, OpenSSL's name, octets of key, salt, IV and block, functions */
#define CIPHER_LIST(X)                                                                         \
    X(cbc_128, CV_ENCR_AES_CBC, "AES-128-CBC", 16, 0, 16, 16, cbc_encrypt, cbc_decrypt)        \
    X(cbc_192, CV_ENCR_AES_CBC, "AES-192-CBC", 24, 0, 16, 16, cbc_encrypt, cbc_decrypt)        \
    X(cbc_256, CV_ENCR_AES_CBC, "AES-256-CBC", 32, 0, 16, 16, cbc_encrypt, cbc_decrypt)        \
    X(ctr_128, CV_ENCR_AES_CTR, "AES-128-CTR", 16, 4, 8, 1, ctr_transform, ctr_transform)      \
    X(ctr_192, CV_ENCR_AES_CTR, "AES-192-CTR", 24, 4, 8, 1, ctr_transform, ctr_transform)      \
    X(ctr_256, CV_ENCR_AES_CTR, "AES-256-CTR", 32, 4, 8, 1, ctr_transform, ctr_transform)      \
    X(des3, CV_ENCR_3DES, "DES-EDE3-CBC", 24, 0, 8, 8, cbc_encrypt, cbc_decrypt)

#define CIPHER(name, cipher_id, alg, key_octets, salt, iv, block_len, enc, dec)                \
    static const struct cv_cipher name;                                                        \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return new_key(alg, &name, key);                                                       \
    }                                                                                          \
    static const struct cv_cipher name = {                                                     \
        .id = cipher_id,                                                                       \
        .key_len = key_octets,                                                                 \
        .salt_len = salt,                                                                      \
        .iv_len = iv,                                                                          \
        .block = block_len,                                                                    \
        .new_key = name##_new_key,                                                             \
        .free_key = free_key,                                                                  \
        .encrypt = enc,                                                                        \
        .decrypt = dec,                                                                        \
    };

#define CIPHER_ENTRY(name, cipher_id, alg, key_octets, salt, iv, block_len, enc, dec) &name,

CIPHER_LIST(CIPHER)

static const struct cv_cipher null = {
    .id = CV_ENCR_NULL,
    .block = 1,
    .new_key = null_new_key,
    .free_key = null_free_key,
    .encrypt = null_transform,
    .decrypt = null_transform,
};

const struct cv_cipher *const openssl_ciphers[] = {&null, CIPHER_LIST(CIPHER_ENTRY) NULL};
