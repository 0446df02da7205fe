/* Hashes, and HMAC over them as integrity transform and pseudorandom function.
 *
 * RFC 2104, RFC 2404 and RFC 4868.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "ports/bearssl/keys.h"
#include "ports/bearssl/port.h"

static bool hash(const br_hash_class *class, const struct cv_span *parts, size_t n_parts,
                 uint8_t *out)
{
    br_hash_compat_context ctx;

    class->init(&ctx.vtable);
    for (size_t i = 0; i < n_parts; i++)
        class->update(&ctx.vtable, parts[i].p, parts[i].n);
    class->out(&ctx.vtable, out);
    wipe(&ctx, sizeof(ctx));
    return true;
}

static bool hmac(const br_hmac_key_context *key, const struct cv_span *parts, size_t n_parts,
                 uint8_t *out, size_t out_len)
{
    br_hmac_context ctx;

    br_hmac_init(&ctx, key, out_len);
    for (size_t i = 0; i < n_parts; i++)
        br_hmac_update(&ctx, parts[i].p, parts[i].n);
    br_hmac_out(&ctx, out);
    wipe(&ctx, sizeof(ctx));
    return true;
}

static void *integ_new_key(const br_hash_class *class, const uint8_t *octets, size_t n)
{
    union key *key = key_take();

    if (key != NULL)
        br_hmac_key_init(&key->hmac, class, octets, n);
    return key;
}

static bool prf(const br_hash_class *class, struct cv_span key, const struct cv_span *parts,
                size_t n_parts, uint8_t *out)
{
    br_hmac_key_context ctx;

    br_hmac_key_init(&ctx, class, key.p, key.n);
    hmac(&ctx, parts, n_parts, out, 0);
    wipe(&ctx, sizeof(ctx));
    return true;
}

/* name, hash identifier, its octets */
#define HASH(name, hash_id, octets)                                                            \
    static bool name##_hash(const struct cv_span *parts, size_t n_parts, uint8_t *out)         \
    {                                                                                          \
        return hash(&br_##name##_vtable, parts, n_parts, out);                                 \
    }                                                                                          \
    const struct cv_hash bearssl_##name = {                                                    \
        .id = hash_id,                                                                         \
        .out_len = octets,                                                                     \
        .hash = name##_hash,                                                                   \
    };

HASH(sha1, CV_HASH_SHA1, 20)
HASH(sha256, CV_HASH_SHA2_256, 32)
HASH(sha384, CV_HASH_SHA2_384, 48)
HASH(sha512, CV_HASH_SHA2_512, 64)

/* name, hash, identifier, octets of key, of ICV */
#define INTEG(name, digest, integ_id, key_octets, icv_octets)                                  \
    static void *name##_new_key(const uint8_t *key)                                            \
    {                                                                                          \
        return integ_new_key(&br_##digest##_vtable, key, key_octets);                          \
    }                                                                                          \
    static bool name##_mac(void *key, const struct cv_span *parts, size_t n_parts,             \
                           uint8_t *icv)                                                       \
    {                                                                                          \
        return hmac(&((const union key *)key)->hmac, parts, n_parts, icv, icv_octets);         \
    }                                                                                          \
    const struct cv_integ bearssl_##name = {                                                   \
        .id = integ_id,                                                                        \
        .key_len = key_octets,                                                                 \
        .icv_len = icv_octets,                                                                 \
        .new_key = name##_new_key,                                                             \
        .free_key = key_give,                                                                  \
        .mac = name##_mac,                                                                     \
    };

INTEG(sha1_96, sha1, CV_INTEG_HMAC_SHA1_96, 20, 12)
INTEG(sha256_128, sha256, CV_INTEG_HMAC_SHA2_256_128, 32, 16)
INTEG(sha384_192, sha384, CV_INTEG_HMAC_SHA2_384_192, 48, 24)
INTEG(sha512_256, sha512, CV_INTEG_HMAC_SHA2_512_256, 64, 32)

/* hash, identifier, octets */
#define PRF(digest, prf_id, octets)                                                            \
    static bool prf_##digest(struct cv_span key, const struct cv_span *parts, size_t n_parts,  \
                             uint8_t *out)                                                     \
    {                                                                                          \
        return prf(&br_##digest##_vtable, key, parts, n_parts, out);                           \
    }                                                                                          \
    const struct cv_prf bearssl_prf_##digest = {                                               \
        .id = prf_id,                                                                          \
        .out_len = octets,                                                                     \
        .prf = prf_##digest,                                                                   \
    };

PRF(sha1, CV_PRF_HMAC_SHA1, 20)
PRF(sha256, CV_PRF_HMAC_SHA2_256, 32)
PRF(sha384, CV_PRF_HMAC_SHA2_384, 48)
PRF(sha512, CV_PRF_HMAC_SHA2_512, 64)
