/* Key exchange on Curve25519 (RFC 8031), and on the NIST curves P-256 and P-384 (RFC 5903: the
 * public value is x and y, the secret is x).  The starting side's key object is its private
 * scalar.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "ports/bearssl/keys.h"
#include "ports/bearssl/port.h"
#include "ports/bearssl/random.h"

enum { X25519_LEN = 32, ECP_POINT_MAX = 1 + 2 * 48, POINT_UNCOMPRESSED = 4 };

/* ---- Curve25519 ------------------------------------------------------------- */

static void x25519_public(const uint8_t *scalar, uint8_t *pub)
{
    static const uint8_t base[X25519_LEN] = {9};

    memcpy(pub, base, sizeof(base));
    br_ec_c25519_i15.mul(pub, X25519_LEN, scalar, X25519_LEN, BR_EC_curve25519);
}

/* RFC 8031 section 3.2 and RFC 7748 section 6: the result must not be all zeros, which is what
 * points of small order lead to. */
static enum cv_err x25519_agree(const uint8_t *scalar, struct cv_span peer, uint8_t *secret)
{
    static const uint8_t zeros[X25519_LEN];

    if (peer.n != X25519_LEN)
        return CV_ERR_KE_VALUE;
    memcpy(secret, peer.p, X25519_LEN);
    if (br_ec_c25519_i15.mul(secret, X25519_LEN, scalar, X25519_LEN, BR_EC_curve25519) != 1)
        return CV_ERR_CRYPTO;
    return ct_equal(secret, zeros, X25519_LEN) ? CV_ERR_KE_VALUE : CV_OK;
}

static void *x25519_generate(uint8_t *pub)
{
    union key *key = key_take();

    if (key == NULL || !bearssl_random(key->octets, X25519_LEN)) {
        key_give(key);
        return NULL;
    }
    x25519_public(key->octets, pub);
    return key;
}

static enum cv_err x25519_encapsulate(struct cv_span peer_pub, uint8_t *answer, uint8_t *secret)
{
    uint8_t scalar[X25519_LEN];
    enum cv_err err = CV_ERR_CRYPTO;

    if (bearssl_random(scalar, sizeof(scalar))) {
        x25519_public(scalar, answer);
        err = x25519_agree(scalar, peer_pub, secret);
    }
    wipe(scalar, sizeof(scalar));
    return err;
}

static enum cv_err x25519_decapsulate(void *key, struct cv_span answer, uint8_t *secret)
{
    return x25519_agree(((const union key *)key)->octets, answer, secret);
}

const struct cv_ke bearssl_x25519 = {
    .id = CV_KE_X25519,
    .public_len = X25519_LEN,
    .answer_len = X25519_LEN,
    .secret_len = X25519_LEN,
    .generate = x25519_generate,
    .free_key = key_give,
    .encapsulate = x25519_encapsulate,
    .decapsulate = x25519_decapsulate,
};

/* ---- NIST curves ------------------------------------------------------------ */

struct curve {
    const br_ec_impl *impl;
    int id;
    size_t len; /* of a coordinate */
};

/* A private scalar of c->len octets and the public value of it. */
static bool ecp_pair(const struct curve *c, uint8_t *scalar, uint8_t *pub)
{
    const br_prng_class **source = random_source();
    uint8_t point[ECP_POINT_MAX];
    br_ec_private_key key;

    if (source == NULL || br_ec_keygen(source, c->impl, &key, scalar, c->id) != c->len ||
        c->impl->mulgen(point, scalar, c->len, c->id) != 1 + 2 * c->len)
        return false;
    memcpy(pub, point + 1, 2 * c->len);
    return true;
}

/* BearSSL refuses what is not on the curve, the point at infinity, and a result that is it. */
static enum cv_err ecp_agree(const struct curve *c, const uint8_t *scalar, struct cv_span peer,
                             uint8_t *secret)
{
    uint8_t point[ECP_POINT_MAX] = {POINT_UNCOMPRESSED};
    bool ok;

    if (peer.n != 2 * c->len)
        return CV_ERR_KE_VALUE;
    memcpy(point + 1, peer.p, peer.n);
    ok = c->impl->mul(point, 1 + 2 * c->len, scalar, c->len, c->id) == 1;
    if (ok)
        memcpy(secret, point + 1, c->len);
    wipe(point, sizeof(point));
    return ok ? CV_OK : CV_ERR_KE_VALUE;
}

static void *ecp_generate(const struct curve *c, uint8_t *pub)
{
    union key *key = key_take();

    if (key == NULL || !ecp_pair(c, key->octets, pub)) {
        key_give(key);
        return NULL;
    }
    return key;
}

static enum cv_err ecp_encapsulate(const struct curve *c, struct cv_span peer, uint8_t *answer,
                                   uint8_t *secret)
{
    uint8_t scalar[KEY_OCTETS_MAX];
    enum cv_err err = CV_ERR_CRYPTO;

    if (ecp_pair(c, scalar, answer))
        err = ecp_agree(c, scalar, peer, secret);
    wipe(scalar, sizeof(scalar));
    return err;
}

/* name, identifier, implementation, BearSSL's identifier, octets of a coordinate */
#define ECP(name, ke_id, implementation, curve_id, n)                                          \
    static const struct curve name = {&implementation, curve_id, n};                           \
    static void *name##_generate(uint8_t *pub)                                                 \
    {                                                                                          \
        return ecp_generate(&name, pub);                                                       \
    }                                                                                          \
    static enum cv_err name##_encapsulate(struct cv_span pub, uint8_t *answer,                 \
                                          uint8_t *secret)                                     \
    {                                                                                          \
        return ecp_encapsulate(&name, pub, answer, secret);                                    \
    }                                                                                          \
    static enum cv_err name##_decapsulate(void *key, struct cv_span answer, uint8_t *secret)   \
    {                                                                                          \
        return ecp_agree(&name, ((const union key *)key)->octets, answer, secret);             \
    }                                                                                          \
    const struct cv_ke bearssl_##name = {                                                      \
        .id = ke_id,                                                                           \
        .public_len = 2 * (n),                                                                 \
        .answer_len = 2 * (n),                                                                 \
        .secret_len = n,                                                                       \
        .generate = name##_generate,                                                           \
        .free_key = key_give,                                                                  \
        .encapsulate = name##_encapsulate,                                                     \
        .decapsulate = name##_decapsulate,                                                     \
    };

ECP(ecp256, CV_KE_ECP_256, br_ec_p256_m15, BR_EC_secp256r1, 32)
ECP(ecp384, CV_KE_ECP_384, br_ec_prime_i15, BR_EC_secp384r1, 48)
