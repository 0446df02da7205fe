/* Owns the making and checking of signatures and their AlgorithmIdentifiers.
 *
 * Invariant: what is verified is the scheme that the peer named, and only if it is one for
 * the key at hand; SHA-1 exists in method 1 of RFC 7296 alone.
 * RFC 7296 section 3.8, RFC 4754, RFC 7427 section 3, RFC 8420, RFC 4055.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "creds/creds_sig.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { RSA_MIN_BITS = 2048, P521_OCTETS = 66, SALT_MAX = 64, SIG_MAX = 2048 };

/* ---- keys ---- */

static uint16_t hash_by_name(const char *name)
{
    static const struct {
        const char *name;
        uint16_t hash;
    } hashes[] = {
        {"SHA256",   CV_HASH_SHA2_256},
        {"SHA2-256", CV_HASH_SHA2_256},
        {"SHA384",   CV_HASH_SHA2_384},
        {"SHA2-384", CV_HASH_SHA2_384},
        {"SHA512",   CV_HASH_SHA2_512},
        {"SHA2-512", CV_HASH_SHA2_512}
    };

    for (unsigned i = 0; i < COUNT_OF(hashes); i++) {
        if (strcasecmp(hashes[i].name, name) == 0)
            return hashes[i].hash;
    }
    return 0;
}

/* A hash parameter of such a key; 0: one that we do not do.  What is left out is SHA-1, the
 * default (RFC 4055 section 3.1). */
static uint16_t pss_hash(EVP_PKEY *pkey, const char *param)
{
    char name[32];

    if (EVP_PKEY_get_utf8_string_param(pkey, param, name, sizeof(name), NULL) != 1)
        return 0;
    return hash_by_name(name);
}

/* A key for RSASSA-PSS without parameters goes with every hash; OpenSSL has a length of salt
 * for all others.  False: it is bound to what we do not do: SHA-1, or two different hashes. */
static bool describe_pss(struct key_info *out, EVP_PKEY *pkey)
{
    out->pss = true;
    if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &out->pss_salt) != 1)
        return true;
    out->pss_hash = pss_hash(pkey, OSSL_PKEY_PARAM_RSA_DIGEST);
    return out->pss_hash != 0 &&
           out->pss_hash == pss_hash(pkey, OSSL_PKEY_PARAM_RSA_MGF1_DIGEST) &&
           out->pss_salt <= SALT_MAX;
}

static bool describe_rsa(struct key_info *out, EVP_PKEY *pkey)
{
    BIGNUM *e = NULL;

    out->kind = KEY_RSA;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1)
        out->small_exponent = BN_num_bits(e) <= 16;
    BN_free(e);
    if (EVP_PKEY_is_a(pkey, "RSA-PSS") && !describe_pss(out, pkey))
        return false;
    return out->bits >= RSA_MIN_BITS;
}

static bool describe_ec(struct key_info *out, EVP_PKEY *pkey)
{
    static const struct {
        const char *curve;
        int bits;
    } curves[] = {
        {"prime256v1", 256},
        {"secp384r1",  384},
        {"secp521r1",  521}
    };
    char name[64];

    out->kind = KEY_ECDSA;
    if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1)
        return false;
    for (unsigned i = 0; i < COUNT_OF(curves); i++) {
        out->bits = curves[i].bits;
        if (strcmp(name, curves[i].curve) == 0)
            return true;
    }
    return false;
}

bool key_describe(struct key_info *out, EVP_PKEY *pkey)
{
    *out = (struct key_info){.kind = KEY_ED25519, .bits = EVP_PKEY_get_bits(pkey)};
    if (EVP_PKEY_is_a(pkey, "ED25519"))
        return true;
    if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
        return describe_rsa(out, pkey);
    return EVP_PKEY_is_a(pkey, "EC") && describe_ec(out, pkey);
}

const char *key_text(char *out, size_t n, EVP_PKEY *pkey)
{
    const char *type = EVP_PKEY_get0_type_name(pkey);
    char curve[64];

    if (!EVP_PKEY_is_a(pkey, "EC"))
        snprintf(out, n, "%s of %d bits", type != NULL ? type : "key", EVP_PKEY_get_bits(pkey));
    else if (EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL) == 1)
        snprintf(out, n, "EC on %s", curve);
    else
        snprintf(out, n, "EC with explicit parameters");
    return out;
}

static const EVP_MD *md_of(uint16_t hash)
{
    switch (hash) {
    case CV_HASH_SHA1:
        return EVP_sha1();
    case CV_HASH_SHA2_256:
        return EVP_sha256();
    case CV_HASH_SHA2_384:
        return EVP_sha384();
    case CV_HASH_SHA2_512:
        return EVP_sha512();
    default:
        return NULL;
    }
}

/* 0: not a hash that RFC 7427 signatures may use with us. */
static uint16_t hash_of(int nid)
{
    switch (nid) {
    case NID_sha256:
        return CV_HASH_SHA2_256;
    case NID_sha384:
        return CV_HASH_SHA2_384;
    case NID_sha512:
        return CV_HASH_SHA2_512;
    default:
        return 0;
    }
}

/* ---- AlgorithmIdentifier ---- */

/* The encodings of RFC 7427 appendix A and RFC 8420 appendix A. */
#define RSA_SHA2(arc)                                                                          \
    {                                                                                          \
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, arc, 0x05,     \
            0x00                                                                               \
    }
#define ECDSA_SHA2(arc)                                                                        \
    {                                                                                          \
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, arc                  \
    }
#define PSS_SHA2(arc, salt)                                                                    \
    {                                                                                          \
        0x30, 0x46, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30,    \
            0x39, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,      \
            0x04, 0x02, arc, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, \
            0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,      \
            0x01, 0x65, 0x03, 0x04, 0x02, arc, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, salt, 0xa3, \
            0x03, 0x02, 0x01, 0x01                                                             \
    }

static const uint8_t rsa_256[] = RSA_SHA2(0x0b), rsa_384[] = RSA_SHA2(0x0c),
                     rsa_512[] = RSA_SHA2(0x0d);
static const uint8_t pss_256[] = PSS_SHA2(0x01, 32), pss_384[] = PSS_SHA2(0x02, 48),
                     pss_512[] = PSS_SHA2(0x03, 64);
static const uint8_t ecdsa_256[] = ECDSA_SHA2(0x02), ecdsa_384[] = ECDSA_SHA2(0x03),
                     ecdsa_512[] = ECDSA_SHA2(0x04);
static const uint8_t ed25519[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};

static const struct {
    enum key_kind kind;
    uint16_t hash;
    bool pss;
    const uint8_t *der;
    uint8_t n;
} identifiers[] = {
    {KEY_RSA,     CV_HASH_SHA2_256, false, rsa_256,   sizeof(rsa_256)  },
    {KEY_RSA,     CV_HASH_SHA2_384, false, rsa_384,   sizeof(rsa_384)  },
    {KEY_RSA,     CV_HASH_SHA2_512, false, rsa_512,   sizeof(rsa_512)  },
    {KEY_RSA,     CV_HASH_SHA2_256, true,  pss_256,   sizeof(pss_256)  },
    {KEY_RSA,     CV_HASH_SHA2_384, true,  pss_384,   sizeof(pss_384)  },
    {KEY_RSA,     CV_HASH_SHA2_512, true,  pss_512,   sizeof(pss_512)  },
    {KEY_ECDSA,   CV_HASH_SHA2_256, false, ecdsa_256, sizeof(ecdsa_256)},
    {KEY_ECDSA,   CV_HASH_SHA2_384, false, ecdsa_384, sizeof(ecdsa_384)},
    {KEY_ECDSA,   CV_HASH_SHA2_512, false, ecdsa_512, sizeof(ecdsa_512)},
    {KEY_ED25519, 0,                false, ed25519,   sizeof(ed25519)  },
};

static bool put_identifier(struct wr *w, const struct sig_scheme *s)
{
    /* The salt's length and the trailer field come last; a key may ask for a longer salt. */
    const uint8_t after = s->pss ? 6 : 0;

    for (unsigned i = 0; i < COUNT_OF(identifiers); i++) {
        if (identifiers[i].kind != s->kind || identifiers[i].hash != s->hash ||
            identifiers[i].pss != s->pss)
            continue;
        wr_u8(w, identifiers[i].n);
        wr_copy(w, identifiers[i].der, identifiers[i].n - after);
        if (s->pss) {
            wr_u8(w, (uint8_t)s->salt_len);
            wr_copy(w, identifiers[i].der + identifiers[i].n - after + 1, after - 1u);
        }
        return wr_ok(w);
    }
    return false;
}

static int algorithm_nid(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *oid;

    X509_ALGOR_get0(&oid, NULL, NULL, alg);
    return OBJ_obj2nid(oid);
}

/* 1 is the default, so DER leaves it out; RFC 7427 appendix A.4 does not. */
static bool has_usual_trailer(const RSA_PSS_PARAMS *pss)
{
    return pss->trailerField == NULL || ASN1_INTEGER_get(pss->trailerField) == 1;
}

/* RSASSA-PSS-params, RFC 4055 section 3.1: one SHA-2 hash for everything. */
static bool read_pss(struct sig_scheme *out, const ASN1_STRING *params)
{
    const unsigned char *p = ASN1_STRING_get0_data(params);
    const unsigned char *end = p + ASN1_STRING_length(params);
    RSA_PSS_PARAMS *pss = d2i_RSA_PSS_PARAMS(NULL, &p, end - p);
    X509_ALGOR *mgf_hash = NULL;
    int64_t salt = 0;
    bool ok = pss != NULL && p == end && pss->hashAlgorithm != NULL &&
              pss->maskGenAlgorithm != NULL && pss->saltLength != NULL &&
              has_usual_trailer(pss) && algorithm_nid(pss->maskGenAlgorithm) == NID_mgf1;

    if (ok)
        mgf_hash = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR),
                                             pss->maskGenAlgorithm->parameter);
    ok = ok && mgf_hash != NULL && ASN1_INTEGER_get_int64(&salt, pss->saltLength) == 1 &&
         salt >= 0 && salt <= SALT_MAX &&
         algorithm_nid(mgf_hash) == algorithm_nid(pss->hashAlgorithm);
    if (ok)
        *out = (struct sig_scheme){KEY_RSA, hash_of(algorithm_nid(pss->hashAlgorithm)), true,
                                   (int)salt};
    X509_ALGOR_free(mgf_hash);
    RSA_PSS_PARAMS_free(pss);
    return ok && out->hash != 0;
}

static bool read_algorithm(struct sig_scheme *out, const X509_ALGOR *alg)
{
    int type, hash, kind, nid = algorithm_nid(alg);
    const void *value;

    X509_ALGOR_get0(NULL, &type, &value, alg);
    if (nid == NID_rsassaPss)
        return type == V_ASN1_SEQUENCE && read_pss(out, value);
    *out = (struct sig_scheme){.kind = KEY_ED25519};
    if (nid == NID_ED25519)
        return type == V_ASN1_UNDEF;
    if (OBJ_find_sigid_algs(nid, &hash, &kind) != 1)
        return false;
    out->hash = hash_of(hash);
    if (kind == NID_rsaEncryption) {
        /* RFC 4055 section 5: NULL, but its absence "MUST" be accepted as well. */
        out->kind = KEY_RSA;
        return out->hash != 0 && (type == V_ASN1_NULL || type == V_ASN1_UNDEF);
    }
    out->kind = KEY_ECDSA;
    return kind == NID_X9_62_id_ecPublicKey && out->hash != 0 && type == V_ASN1_UNDEF;
}

/* RFC 7427 section 3: an octet of length, the AlgorithmIdentifier, the signature. */
static bool read_identifier(struct sig_scheme *out, struct cv_span *signature)
{
    struct rd r = rd_init(*signature);
    struct cv_span der = rd_take(&r, rd_u8(&r));
    const unsigned char *p = der.p;
    X509_ALGOR *alg;
    bool ok;

    if (!rd_ok(&r) || der.n == 0)
        return false;
    alg = d2i_X509_ALGOR(NULL, &p, (long)der.n);
    ok = alg != NULL && p == der.p + der.n && read_algorithm(out, alg);
    X509_ALGOR_free(alg);
    *signature = rd_rest(&r);
    return ok;
}

/* ---- ECDSA as two numbers of the curve's length, RFC 4754 section 7 ---- */

static size_t raw_half(const struct key_info *key)
{
    return ((size_t)key->bits + 7) / 8;
}

static bool put_raw(struct wr *w, const struct key_info *key, const uint8_t *der, size_t n)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    size_t half = raw_half(key);
    uint8_t *out = wr_reserve(w, 2 * half);
    bool ok = sig != NULL && out != NULL &&
              BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half) == (int)half &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half) == (int)half;

    ECDSA_SIG_free(sig);
    return ok;
}

/* Writes the DER form to der (SIG_MAX octets); an empty span when the length is wrong. */
static struct cv_span raw_to_der(const struct key_info *key, struct cv_span raw, uint8_t *der)
{
    int half = (int)raw_half(key), n = 0;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r, *s;

    if (sig != NULL && raw.n == 2 * (size_t)half) {
        r = BN_bin2bn(raw.p, half, NULL);
        s = BN_bin2bn(raw.p + half, half, NULL);
        if (ECDSA_SIG_set0(sig, r, s) == 1)
            n = i2d_ECDSA_SIG(sig, &der);
    }
    ECDSA_SIG_free(sig);
    return n > 0 ? span(der - n, (size_t)n) : span(NULL, 0);
}

/* ---- OpenSSL ---- */

static bool set_padding(EVP_PKEY_CTX *ctx, const struct sig_scheme *s)
{
    if (s->kind != KEY_RSA)
        return true;
    if (!s->pss)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt_len) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md_of(s->hash)) == 1;
}

static bool run_sign(EVP_PKEY *pkey, const struct sig_scheme *s, struct cv_span octets,
                     uint8_t *out, size_t *n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool ok = ctx != NULL && EVP_DigestSignInit(ctx, &pctx, md_of(s->hash), NULL, pkey) == 1 &&
              set_padding(pctx, s) && EVP_DigestSign(ctx, out, n, octets.p, octets.n) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool run_verify(EVP_PKEY *pkey, const struct sig_scheme *s, struct cv_span octets,
                       struct cv_span signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool ok = ctx != NULL &&
              EVP_DigestVerifyInit(ctx, &pctx, md_of(s->hash), NULL, pkey) == 1 &&
              set_padding(pctx, s) &&
              EVP_DigestVerify(ctx, signature.p, signature.n, octets.p, octets.n) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* ---- making and checking ---- */

enum cv_err sig_make(struct wr *w, EVP_PKEY *pkey, uint8_t method,
                     const struct sig_scheme *scheme, struct cv_span octets)
{
    uint8_t sig[SIG_MAX];
    size_t n = sizeof(sig);
    struct key_info key;
    bool raw = method >= CV_METHOD_ECDSA_256 && method <= CV_METHOD_ECDSA_521;
    bool ok = key_describe(&key, pkey) && run_sign(pkey, scheme, octets, sig, &n);

    if (ok && method == CV_METHOD_DIGITAL_SIGNATURE)
        ok = put_identifier(w, scheme);
    if (ok && raw)
        ok = put_raw(w, &key, sig, n);
    else
        wr_copy(w, sig, ok ? n : 0);
    ERR_clear_error();
    return ok && wr_ok(w) ? CV_OK : CV_ERR_CRYPTO;
}

/* The scheme of a signature, which becomes what follows its AlgorithmIdentifier. */
static bool scheme_of(struct sig_scheme *out, uint8_t method, const struct key_info *key,
                      struct cv_span *signature)
{
    static const struct {
        uint8_t method;
        enum key_kind kind;
        int bits; /* 0: any */
        uint16_t hash;
    } fixed[] = {
        {CV_METHOD_RSA,       KEY_RSA,   0,   CV_HASH_SHA1    },
        {CV_METHOD_ECDSA_256, KEY_ECDSA, 256, CV_HASH_SHA2_256},
        {CV_METHOD_ECDSA_384, KEY_ECDSA, 384, CV_HASH_SHA2_384},
        {CV_METHOD_ECDSA_521, KEY_ECDSA, 521, CV_HASH_SHA2_512}
    };

    if (method == CV_METHOD_DIGITAL_SIGNATURE)
        return read_identifier(out, signature) && out->kind == key->kind;
    for (unsigned i = 0; i < COUNT_OF(fixed); i++) {
        if (fixed[i].method != method)
            continue;
        *out = (struct sig_scheme){.kind = fixed[i].kind, .hash = fixed[i].hash};
        return key->kind == fixed[i].kind && (fixed[i].bits == 0 || fixed[i].bits == key->bits);
    }
    return false;
}

static const char *scheme_text(const struct sig_scheme *s)
{
    if (s->kind == KEY_RSA && s->hash == CV_HASH_SHA1)
        return "it is signed with RSA and SHA-1, which only 'auth = rsa-sha1' accepts";
    return "'auth' does not accept the kind of its signature, or of its key";
}

enum cv_err sig_check(EVP_PKEY *pkey, uint8_t method, struct cv_span signature,
                      struct cv_span octets, const struct sig_rules *rules, struct problem *why)
{
    struct sig_scheme scheme = {.kind = KEY_KINDS};
    struct key_info key;
    uint8_t der[SIG_MAX];
    char text[96];

    why->text[0] = '\0';
    if (!key_describe(&key, pkey)) {
        problem_set(why, "its key is one that we do not accept: %s",
                    key_text(text, sizeof(text), pkey));
        return CV_ERR_CERT_KEY;
    }
    if (key.small_exponent && !rules->e3) {
        problem_set(why, "its RSA key has a small public exponent, which only 'auth = rsa-e3' "
                         "accepts");
        return CV_ERR_CERT_KEY;
    }
    if (!scheme_of(&scheme, method, &key, &signature) ||
        !sig_rules_allow(rules, &key, &scheme)) {
        problem_set(why, "%s", scheme_text(&scheme));
        ERR_clear_error();
        return CV_ERR_AUTH_METHOD;
    }
    if (key.kind == KEY_ECDSA && method != CV_METHOD_DIGITAL_SIGNATURE)
        signature = raw_to_der(&key, signature, der);
    return run_verify(pkey, &scheme, octets, signature) ? CV_OK : CV_ERR_SIGNATURE;
}
