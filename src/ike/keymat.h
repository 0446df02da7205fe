/* Keys: SKEYSEED, SK_*, KEYMAT and AUTH, RFC 7296 sections 2.13 to 2.18.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_KEYMAT_H
#define IKE_KEYMAT_H

#include <culvert/engine.h>

#include "crypto/crypto.h"

/* The algorithms of one IKE SA, looked up once. */
struct ike_algs {
    const struct cv_aead *aead;     /* or */
    const struct cv_cipher *cipher; /* with */
    const struct cv_integ *integ;
    const struct cv_prf *prf;
};

/* CV_ERR_UNSUPPORTED when the backend lacks one. */
CV_MUST_USE enum cv_err ike_algs_find(struct ike_algs *out, const struct cv_crypto *crypto,
                                      const struct cv_suite *suite);

/* One direction of SK: encryption key with salt, integrity key. */
struct sk_keys {
    uint8_t e[CV_CIPHER_KEY_MAX];
    uint8_t a[CV_INTEG_KEY_MAX];
};

/* What an established IKE SA keeps. */
struct ike_keys {
    uint8_t d[CV_PRF_MAX];
    struct sk_keys i, r; /* sent by the original initiator, by the responder */
};

/* Only until both AUTH payloads are checked. */
struct ike_auth_keys {
    uint8_t pi[CV_PRF_MAX], pr[CV_PRF_MAX];
};

/* What the keys of an IKE SA are made of. */
struct keymat_in {
    struct cv_span secret; /* g^ir */
    struct cv_span ni, nr;
    const uint8_t *spi_i, *spi_r; /* the new SA's */
    /* A rekey (RFC 7296 section 2.18): SK_d of the old SA with its prf.  NULL: IKE_SA_INIT. */
    const struct cv_prf *old_prf;
    const uint8_t *old_d;
};

CV_MUST_USE enum cv_err keymat_ike(struct ike_keys *out, struct ike_auth_keys *auth,
                                   const struct ike_algs *algs, const struct keymat_in *in);

/* KEYMAT for a Child SA: 2 * n octets, the initiator's direction first.  secret empty: no new
 * key exchange. */
CV_MUST_USE enum cv_err keymat_child(uint8_t *out, size_t n_total, const struct cv_prf *prf,
                                     const uint8_t *sk_d, struct cv_span secret,
                                     struct cv_span ni, struct cv_span nr);

/* prf(SK_p, IDx') (RFC 7296 section 2.15); id_body is the ID payload without its generic
 * header. Writes prf->out_len octets. */
CV_MUST_USE enum cv_err keymat_id_mac(uint8_t *out, const struct cv_prf *prf,
                                      const uint8_t *sk_p, struct cv_span id_body);

/* AUTH data for a shared key over the three parts of the signed octets. */
CV_MUST_USE enum cv_err keymat_psk_auth(uint8_t *out, const struct cv_prf *prf,
                                        struct cv_span psk, const struct cv_span octets[3]);

#endif
