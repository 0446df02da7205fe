/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#ifdef CULVERT_PSK

static const uint8_t psk[] = CULVERT_PSK;

struct cv_span identity_psk(void)
{
    return (struct cv_span){psk, sizeof(psk)};
}

enum cv_err identity_sign(struct cv_engine *e, const struct cv_effect *fx, uint64_t now)
{
    return cv_answer_signature(e, fx->question, CV_ERR_NO_CREDENTIAL, NULL, now);
}

enum cv_err identity_verify(struct cv_engine *e, const struct cv_effect *fx, uint64_t now)
{
    return cv_answer_verify(e, fx->question, CV_ERR_AUTH_METHOD, now);
}

#else

#include <string.h>

#include <bearssl.h>

enum { POINT_LEN = 65, SCALAR_LEN = 32, SIGNATURE_MAX = 72, POINT_UNCOMPRESSED = 4 };

static const uint8_t certificate[] = CULVERT_CERTIFICATE;
static const uint8_t scalar[SCALAR_LEN] = CULVERT_PRIVATE_KEY;
static const uint8_t gateway_key[POINT_LEN - 1] = CULVERT_GATEWAY_KEY;

/* RFC 7427 section 3: the octets of ecdsa-with-SHA256's AlgorithmIdentifier, and their number.
 */
static const uint8_t ecdsa_sha256[] = {12,   0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

struct cv_span identity_psk(void)
{
    return (struct cv_span){NULL, 0};
}

static void digest(struct cv_span octets, uint8_t out[br_sha256_SIZE])
{
    br_sha256_context ctx;

    br_sha256_init(&ctx);
    br_sha256_update(&ctx, octets.p, octets.n);
    br_sha256_out(&ctx, out);
}

enum cv_err identity_sign(struct cv_engine *e, const struct cv_effect *fx, uint64_t now)
{
    const br_ec_private_key key = {BR_EC_secp256r1, (uint8_t *)(uintptr_t)scalar, SCALAR_LEN};
    uint8_t hash[br_sha256_SIZE], data[sizeof(ecdsa_sha256) + SIGNATURE_MAX];
    struct cv_signature sig = {
        .data.p = data, .certs = {{certificate, sizeof(certificate)}}, .n_certs = 1};
    size_t n;

    if ((fx->u.sign.hashes & 1u << CV_HASH_SHA2_256) == 0) /* the method of before RFC 7427 */
        return cv_answer_signature(e, fx->question, CV_ERR_AUTH_METHOD, NULL, now);
    digest(fx->u.sign.octets, hash);
    memcpy(data, ecdsa_sha256, sizeof(ecdsa_sha256));
    n = br_ecdsa_i15_sign_asn1(&br_ec_p256_m15, &br_sha256_vtable, hash, &key,
                               data + sizeof(ecdsa_sha256));
    sig.method = CV_METHOD_DIGITAL_SIGNATURE;
    sig.data.n = sizeof(ecdsa_sha256) + n;
    return cv_answer_signature(e, fx->question, n > 0 ? CV_OK : CV_ERR_CRYPTO, &sig, now);
}

/* The key is pinned, so a certificate that comes along says nothing new. */
enum cv_err identity_verify(struct cv_engine *e, const struct cv_effect *fx, uint64_t now)
{
    uint8_t hash[br_sha256_SIZE], point[POINT_LEN] = {POINT_UNCOMPRESSED};
    const br_ec_public_key key = {BR_EC_secp256r1, point, POINT_LEN};
    struct cv_span sig = fx->u.verify.signature;
    enum cv_err err = CV_ERR_SIGNATURE;

    memcpy(point + 1, gateway_key, sizeof(gateway_key));
    digest(fx->u.verify.octets, hash);
    if (fx->u.verify.method != CV_METHOD_DIGITAL_SIGNATURE || sig.n < sizeof(ecdsa_sha256) ||
        memcmp(sig.p, ecdsa_sha256, sizeof(ecdsa_sha256)) != 0)
        err = CV_ERR_AUTH_METHOD;
    else if (br_ecdsa_i15_vrfy_asn1(&br_ec_p256_m15, hash, sizeof(hash), &key,
                                    sig.p + sizeof(ecdsa_sha256),
                                    sig.n - sizeof(ecdsa_sha256)) == 1)
        err = CV_OK;
    return cv_answer_verify(e, fx->question, err, now);
}

#endif
