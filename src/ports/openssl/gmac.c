/* AES-GMAC as an integrity transform of AH, RFC 4543 section 4: the nonce is the key's salt and
 * the IV that the caller has put in front of the tag.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "ports/openssl/gmac.h"
#include "ports/openssl/keyed.h"

enum { SALT_LEN = 4, IV_LEN = 8, TAG_LEN = 16 };

struct gmac_key {
    struct keyed keyed;
    uint8_t salt[SALT_LEN];
};

static void free_key(void *key)
{
    struct gmac_key *k = key;

    if (k == NULL)
        return;
    keyed_free(&k->keyed);
    OPENSSL_clear_free(k, sizeof(*k));
}

static void *new_key(const char *cipher, const uint8_t *key, size_t n)
{
    struct gmac_key *k = OPENSSL_zalloc(sizeof(*k));

    if (k == NULL)
        return NULL;
    memcpy(k->salt, key + n, SALT_LEN);
    if (keyed_init(&k->keyed, cipher, key, n, NULL))
        return k;
    free_key(k);
    return NULL;
}

static bool authenticate(struct gmac_key *k, const struct cv_span *part)
{
    int len;

    return part->n == 0 || (part->n <= INT_MAX && EVP_CipherUpdate(k->keyed.ctx, NULL, &len,
                                                                   part->p, (int)part->n) == 1);
}

static bool mac(void *key, const struct cv_span *parts, size_t n_parts, uint8_t *icv)
{
    struct gmac_key *k = key;
    uint8_t nonce[SALT_LEN + IV_LEN], none[EVP_MAX_BLOCK_LENGTH];
    OSSL_PARAM tag[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, icv + IV_LEN, TAG_LEN),
        OSSL_PARAM_construct_end(),
    };
    int len;

    memcpy(nonce, k->salt, SALT_LEN);
    memcpy(nonce + SALT_LEN, icv, IV_LEN);
    if (!keyed_start(&k->keyed, ENCRYPT, nonce, NULL))
        return false;
    for (size_t i = 0; i < n_parts; i++)
        if (!authenticate(k, &parts[i]))
            return false;
    return EVP_CipherFinal_ex(k->keyed.ctx, none, &len) == 1 &&
           EVP_CIPHER_CTX_get_params(k->keyed.ctx, tag) == 1;
}

#define GMAC(bits, octets)                                                                     \
    static void *new_key_##bits(const uint8_t *key)                                            \
    {                                                                                          \
        return new_key("AES-" #bits "-GCM", key, octets);                                      \
    }                                                                                          \
    const struct cv_integ openssl_gmac_##bits = {                                              \
        .id = CV_INTEG_AES_##bits##_GMAC,                                                      \
        .key_len = (octets) + SALT_LEN,                                                        \
        .iv_len = IV_LEN,                                                                      \
        .icv_len = IV_LEN + TAG_LEN,                                                           \
        .new_key = new_key_##bits,                                                             \
        .free_key = free_key,                                                                  \
        .mac = mac,                                                                            \
    };

GMAC(128, 16)
GMAC(192, 24)
GMAC(256, 32)
