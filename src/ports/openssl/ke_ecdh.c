/* Key exchange on elliptic curves: NIST's (RFC 5903) and Curve25519 and Curve448
 * (RFC 8031).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "ports/openssl/ke.h"
#include "ports/openssl/port.h"

/* ---- NIST's curves ---------------------------------------------------------- */

enum { POINT_UNCOMPRESSED = 0x04, ECP_PUB_MAX = 2 * 66 };

static void *ecp_generate(const char *curve, uint8_t *pub, size_t pub_len)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);

    if (key == NULL || !ke_write_public(key, 1, pub, pub_len)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* RFC 5903 section 7: the KE payload is x and y, the secret is x alone.  Decoding refuses
 * a point that is not on the curve (RFC 6989 section 2.3); these curves have no smaller
 * subgroup, and infinity has no such encoding. */
static enum cv_err ecp_derive(void *key, struct cv_span peer_pub, uint8_t *secret,
                              size_t secret_len)
{
    uint8_t point[1 + ECP_PUB_MAX] = {POINT_UNCOMPRESSED};

    if (peer_pub.n != 2 * secret_len)
        return CV_ERR_KE_VALUE;
    memcpy(point + 1, peer_pub.p, peer_pub.n);
    return ke_agree(key, span(point, 1 + peer_pub.n), secret, secret_len);
}

/* ---- Curve25519 and Curve448 ------------------------------------------------ */

static void *x_generate(const char *curve, uint8_t *pub, size_t pub_len)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, curve);

    if (key == NULL || !ke_write_public(key, 0, pub, pub_len)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* RFC 8031 section 3.2 and RFC 7748 section 6: the result must not be all zeros, which
 * is what points of small order lead to. */
static enum cv_err x_derive(void *key, struct cv_span peer_pub, uint8_t *secret,
                            size_t secret_len)
{
    static const uint8_t zeros[CV_KE_SECRET_MAX];
    enum cv_err err = CV_ERR_KE_VALUE;

    if (peer_pub.n == secret_len)
        err = ke_agree(key, peer_pub, secret, secret_len);
    if (err == CV_OK && ct_equal(secret, zeros, secret_len))
        err = CV_ERR_KE_VALUE;
    return err;
}

/* ---- table ------------------------------------------------------------------ */

/* name, identifier, OpenSSL's name, octets of public value and secret, kind */
#define ECDH_LIST(X)                                                                           \
    X(x25519, CV_KE_X25519, "X25519", 32, 32, x)                                               \
    X(x448, CV_KE_X448, "X448", 56, 56, x)                                                     \
    X(ecp_256, CV_KE_ECP_256, "P-256", 64, 32, ecp)                                            \
    X(ecp_384, CV_KE_ECP_384, "P-384", 96, 48, ecp)                                            \
    X(ecp_521, CV_KE_ECP_521, "P-521", 132, 66, ecp)

#define ECDH(name, ke_id, curve, pub_octets, secret_octets, kind)                              \
    static void *name##_generate(uint8_t *pub)                                                 \
    {                                                                                          \
        return kind##_generate(curve, pub, pub_octets);                                        \
    }                                                                                          \
    static enum cv_err name##_encapsulate(struct cv_span pub, uint8_t *answer,                 \
                                          uint8_t *secret)                                     \
    {                                                                                          \
        return ke_answer(&openssl_##name, pub, answer, secret);                                \
    }                                                                                          \
    static enum cv_err name##_decapsulate(void *key, struct cv_span answer, uint8_t *secret)   \
    {                                                                                          \
        return kind##_derive(key, answer, secret, secret_octets);                              \
    }                                                                                          \
    const struct cv_ke openssl_##name = {                                                      \
        .id = ke_id,                                                                           \
        .public_len = pub_octets,                                                              \
        .answer_len = pub_octets,                                                              \
        .secret_len = secret_octets,                                                           \
        .generate = name##_generate,                                                           \
        .free_key = ke_free_key,                                                               \
        .encapsulate = name##_encapsulate,                                                     \
        .decapsulate = name##_decapsulate,                                                     \
    };

ECDH_LIST(ECDH)
