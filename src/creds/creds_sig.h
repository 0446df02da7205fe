/* Signatures in AUTH payloads: RFC 7296 section 3.8, RFC 4754, RFC 7427, RFC 8420.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_SIG_H
#define CREDS_CREDS_SIG_H

#include <openssl/evp.h>

#include <culvert/engine.h>

#include "base/span.h"
#include "kit/problem.h"

enum key_kind { KEY_RSA = 0, KEY_ECDSA, KEY_ED25519, KEY_KINDS };

struct key_info {
    enum key_kind kind;
    int bits;            /* RSA: the modulus; ECDSA: 256, 384 or 521 */
    bool small_exponent; /* RSA: below 65537 */
    /* RSA keys for RSASSA-PSS alone (RFC 4055 section 1.2), and what they are bound to. */
    bool pss;
    uint16_t pss_hash; /* cv_hash_id; 0: any */
    int pss_salt;      /* the least length */
};

/* False: no key that we use (see creds_key.c). */
bool key_describe(struct key_info *out, EVP_PKEY *pkey);
/* What it is, for people: "RSA of 1024 bits", "EC on secp256k1".  Returns out. */
const char *key_text(char *out, size_t n, EVP_PKEY *pkey);

/* How a signature is made. */
struct sig_scheme {
    enum key_kind kind;
    uint16_t hash; /* cv_hash_id; 0 for Ed25519 */
    bool pss;      /* RSA alone: RSASSA-PSS instead of PKCS #1 v1.5 */
    int salt_len;  /* PSS alone */
};

/* What auth_conf.scheme allows: "pubkey", "rsa-4096-sha256-sha512", "rsa/pss-sha256",
 * "ecdsa-384", "ed25519". */
struct sig_rules {
    unsigned kinds; /* bit set of 1 << key_kind */
    int min_bits[KEY_KINDS];
    unsigned hashes; /* bit set of 1 << cv_hash_id; 0: all of SHA-2 */
    bool pss;        /* RSA must be PSS */
    bool e3;         /* RSA may have a small public exponent */
};

/* NULL allows everything.  False: not a word we know. */
bool sig_rules_parse(struct sig_rules *out, const char *text);
bool sig_rules_allow(const struct sig_rules *rules, const struct key_info *key,
                     const struct sig_scheme *scheme);

/* Chooses method and scheme for this key and peer: hashes and identity_hash as in
 * cv_effect.u.sign.  False: there is none. */
bool sig_choose(uint8_t *method, struct sig_scheme *scheme, const struct key_info *key,
                const struct sig_rules *rules, uint16_t hashes, bool identity_hash);

/* Appends the AUTH payload's data. */
CV_MUST_USE enum cv_err sig_make(struct wr *w, EVP_PKEY *pkey, uint8_t method,
                                 const struct sig_scheme *scheme, struct cv_span octets);

/* CV_ERR_AUTH_METHOD: method or scheme not acceptable or not that of the key;
 * CV_ERR_CERT_KEY: the key is one that we do not accept; CV_ERR_SIGNATURE: wrong.  why: more of
 * that, or empty. */
CV_MUST_USE enum cv_err sig_check(EVP_PKEY *pkey, uint8_t method, struct cv_span signature,
                                  struct cv_span octets, const struct sig_rules *rules,
                                  struct problem *why);

#endif
