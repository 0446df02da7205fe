/* AES-CBC (RFC 3602) and NULL (RFC 2410).  A key object is the key itself: its schedule is made
 * for each packet, which costs little beside the packet and saves the memory of two schedules.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ports/bearssl/keys.h"
#include "ports/bearssl/port.h"

enum { BLOCK_LEN = 16 };

static void *new_key(const uint8_t *octets, size_t n)
{
    union key *key = key_take();

    if (key != NULL && n > 0)
        memcpy(key->octets, octets, n);
    return key;
}

static bool encrypt(const union key *key, size_t key_len, const uint8_t *iv, uint8_t *data,
                    size_t n)
{
    br_aes_ct_cbcenc_keys schedule;
    uint8_t chain[BLOCK_LEN];

    memcpy(chain, iv, sizeof(chain));
    br_aes_ct_cbcenc_init(&schedule, key->octets, key_len);
    br_aes_ct_cbcenc_run(&schedule, chain, data, n);
    wipe(&schedule, sizeof(schedule));
    return true;
}

static bool decrypt(const union key *key, size_t key_len, const uint8_t *iv, uint8_t *data,
                    size_t n)
{
    br_aes_ct_cbcdec_keys schedule;
    uint8_t chain[BLOCK_LEN];

    memcpy(chain, iv, sizeof(chain));
    br_aes_ct_cbcdec_init(&schedule, key->octets, key_len);
    br_aes_ct_cbcdec_run(&schedule, chain, data, n);
    wipe(&schedule, sizeof(schedule));
    return true;
}

#define CBC(name, key_octets)                                                                  \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return new_key(key, key_octets);                                                       \
    }                                                                                          \
    static bool name##_encrypt(void *key, const uint8_t *iv, uint8_t *data, size_t n)          \
    {                                                                                          \
        return encrypt(key, key_octets, iv, data, n);                                          \
    }                                                                                          \
    static bool name##_decrypt(void *key, const uint8_t *iv, uint8_t *data, size_t n)          \
    {                                                                                          \
        return decrypt(key, key_octets, iv, data, n);                                          \
    }                                                                                          \
    const struct cv_cipher bearssl_##name = {                                                  \
        .id = CV_ENCR_AES_CBC,                                                                 \
        .key_len = key_octets,                                                                 \
        .iv_len = BLOCK_LEN,                                                                   \
        .block = BLOCK_LEN,                                                                    \
        .new_key = name##_new_key,                                                             \
        .free_key = key_give,                                                                  \
        .encrypt = name##_encrypt,                                                             \
        .decrypt = name##_decrypt,                                                             \
    };

CBC(cbc_128, 16)
CBC(cbc_256, 32)

static void *null_new_key(const uint8_t *key)
{
    return new_key(key, 0);
}

static bool null_run(void *key, const uint8_t *iv, uint8_t *data, size_t n)
{
    (void)key;
    (void)iv;
    (void)data;
    (void)n;
    return true;
}

const struct cv_cipher bearssl_null = {
    .id = CV_ENCR_NULL,
    .block = 1,
    .new_key = null_new_key,
    .free_key = key_give,
    .encrypt = null_run,
    .decrypt = null_run,
};
