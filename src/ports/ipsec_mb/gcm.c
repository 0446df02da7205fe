/* AES-GCM and NULL encryption with AES-GMAC, a call a packet (RFC 4106, RFC 4543, RFC 8750).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#include <intel-ipsec-mb.h>

#include "base/expect.h"
#include "base/secret.h"
#include "ports/ipsec_mb/manager.h"
#include "ports/ipsec_mb/port.h"

enum { NONCE_LEN = 12, SALT_LEN = 4, IV_LEN = 8, LOW_POWERS_LEN = 256 };

/* The library wants it aligned to a cache line, at a multiple of its size. */
struct gcm_key {
    alignas(64) struct gcm_key_data data;
    struct gcm_context_data scratch; /* holds key stream, and is wiped with the key */
    aes_gcm_enc_dec_t seal, open;
    aes_gmac_init_t begin;
    aes_gmac_update_t add;
    aes_gmac_finalize_t end;
    uint8_t icv_len;
};

static void free_key(void *key)
{
    if (key != NULL)
        wipe(key, sizeof(struct gcm_key));
    free(key);
}

/* ---- GCM -------------------------------------------------------------------- */

static bool gcm_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                     size_t n, uint8_t *icv)
{
    struct gcm_key *k = key;

    k->seal(&k->data, &k->scratch, data, data, n, nonce, aad.p, aad.n, icv, k->icv_len);
    return true;
}

static bool gcm_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                     size_t n, const uint8_t *icv)
{
    struct gcm_key *k = key;
    uint8_t expected[CV_ICV_MAX];

    k->open(&k->data, &k->scratch, data, data, n, nonce, aad.p, aad.n, expected, k->icv_len);
    return ct_equal(expected, icv, k->icv_len);
}

/* ---- NULL encryption with GMAC ---------------------------------------------- */

/* RFC 4543 section 3.3: the packet's IV, with which the nonce ends, is authenticated between
 * the ESP header and the payload. */
static void gmac(struct gcm_key *k, const uint8_t *nonce, struct cv_span aad,
                 const uint8_t *data, size_t n, uint8_t *icv)
{
    k->begin(&k->data, &k->scratch, nonce, NONCE_LEN);
    if (aad.n > 0)
        k->add(&k->data, &k->scratch, aad.p, aad.n);
    k->add(&k->data, &k->scratch, nonce + SALT_LEN, IV_LEN);
    if (n > 0)
        k->add(&k->data, &k->scratch, data, n);
    k->end(&k->data, &k->scratch, icv, k->icv_len);
}

static bool gmac_seal(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                      size_t n, uint8_t *icv)
{
    gmac(key, nonce, aad, data, n, icv);
    return true;
}

static bool gmac_open(void *key, const uint8_t *nonce, struct cv_span aad, uint8_t *data,
                      size_t n, const uint8_t *icv)
{
    const struct gcm_key *k = key;
    uint8_t expected[CV_ICV_MAX];

    gmac(key, nonce, aad, data, n, expected);
    return ct_equal(expected, icv, k->icv_len);
}

/* What a short packet needs: round keys, and the lowest powers of the hash key, which come
 * last. */
static void expect_key(const void *key)
{
    const struct gcm_key *k = key;

    expect(k->data.expanded_keys, sizeof(k->data.expanded_keys));
    expect((const uint8_t *)key + sizeof(k->data) - LOW_POWERS_LEN, LOW_POWERS_LEN);
    expect(&k->scratch, sizeof(*k) - offsetof(struct gcm_key, scratch));
}

/* ---- keys and tables -------------------------------------------------------- */

static struct gcm_key *alloc_key(uint8_t icv_len)
{
    struct gcm_key *k = aligned_alloc(alignof(struct gcm_key), sizeof(*k));

    if (k != NULL)
        k->icv_len = icv_len;
    return k;
}

#define KEYS(bits)                                                                             \
    static void *new_key_##bits(uint8_t icv_len, const uint8_t *key)                           \
    {                                                                                          \
        const IMB_MGR *m = manager_get();                                                      \
        struct gcm_key *k = m != NULL ? alloc_key(icv_len) : NULL;                             \
                                                                                               \
        if (k == NULL)                                                                         \
            return NULL;                                                                       \
        k->seal = m->gcm##bits##_enc;                                                          \
        k->open = m->gcm##bits##_dec;                                                          \
        k->begin = m->gmac##bits##_init;                                                       \
        k->add = m->gmac##bits##_update;                                                       \
        k->end = m->gmac##bits##_finalize;                                                     \
        m->gcm##bits##_pre(key, &k->data);                                                     \
        return k;                                                                              \
    }

KEYS(128)
KEYS(192)
KEYS(256)

/* name, identifier, bits of key, octets of IV and ICV, mode */
#define AEAD_LIST(X, bits)                                                                     \
    X(gcm_16_##bits, CV_ENCR_AES_GCM_16, bits, 8, 16, gcm)                                     \
    X(gcm_12_##bits, CV_ENCR_AES_GCM_12, bits, 8, 12, gcm)                                     \
    X(gcm_8_##bits, CV_ENCR_AES_GCM_8, bits, 8, 8, gcm)                                        \
    X(gcm_16_iiv_##bits, CV_ENCR_AES_GCM_16_IIV, bits, 0, 16, gcm)                             \
    X(null_gmac_##bits, CV_ENCR_NULL_GMAC, bits, 8, 16, gmac)

#define AEAD(name, aead_id, bits, iv, icv, mode)                                               \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return new_key_##bits(icv, key);                                                       \
    }                                                                                          \
    static const struct cv_aead name = {                                                       \
        .id = aead_id,                                                                         \
        .key_len = (bits) / 8,                                                                 \
        .salt_len = SALT_LEN,                                                                  \
        .iv_len = iv,                                                                          \
        .icv_len = icv,                                                                        \
        .new_key = name##_new_key,                                                             \
        .free_key = free_key,                                                                  \
        .seal = mode##_seal,                                                                   \
        .open = mode##_open,                                                                   \
        .expect = expect_key,                                                                  \
    };

#define AEAD_ENTRY(name, aead_id, bits, iv, icv, mode) &name,

AEAD_LIST(AEAD, 128)
AEAD_LIST(AEAD, 192)
AEAD_LIST(AEAD, 256)

const struct cv_aead *const ipsec_mb_aeads[] = {
    AEAD_LIST(AEAD_ENTRY, 128) AEAD_LIST(AEAD_ENTRY, 192) AEAD_LIST(AEAD_ENTRY, 256) NULL};
