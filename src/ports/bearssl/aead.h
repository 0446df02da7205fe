/* What the AEADs have in common: the shape of a packet, and of an entry in the table.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_BEARSSL_AEAD_H
#define PORTS_BEARSSL_AEAD_H

#include "ports/bearssl/keys.h"
#include "ports/bearssl/port.h"

/* One packet: what is authenticated, what is encrypted in place, and how long its ICV is. */
struct packet {
    const uint8_t *nonce;
    struct cv_span aad;
    uint8_t *data;
    size_t n, icv_len;
};

/* Of a file that has SALT_LEN and these three:
 *     void *new_key(const uint8_t *octets, size_t n);
 *     bool seal(union key *key, const struct packet *p, uint8_t *icv);
 *     bool open(union key *key, const struct packet *p, const uint8_t *icv);
 * name, identifier, octets of key, of the IV that travels, of ICV */
#define AEAD(name, aead_id, key_octets, iv_octets, icv_octets)                                 \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return new_key(key, key_octets);                                                       \
    }                                                                                          \
    static bool name##_seal(void *key, const uint8_t *nonce, struct cv_span aad,               \
                            uint8_t *data, size_t n, uint8_t *icv)                             \
    {                                                                                          \
        return seal(key, &(struct packet){nonce, aad, data, n, icv_octets}, icv);              \
    }                                                                                          \
    static bool name##_open(void *key, const uint8_t *nonce, struct cv_span aad,               \
                            uint8_t *data, size_t n, const uint8_t *icv)                       \
    {                                                                                          \
        return open(key, &(struct packet){nonce, aad, data, n, icv_octets}, icv);              \
    }                                                                                          \
    const struct cv_aead bearssl_##name = {                                                    \
        .id = aead_id,                                                                         \
        .key_len = key_octets,                                                                 \
        .salt_len = SALT_LEN,                                                                  \
        .iv_len = iv_octets,                                                                   \
        .icv_len = icv_octets,                                                                 \
        .new_key = name##_new_key,                                                             \
        .free_key = key_give,                                                                  \
        .seal = name##_seal,                                                                   \
        .open = name##_open,                                                                   \
    };

#endif
