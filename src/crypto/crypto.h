/* Finding algorithms in a backend's tables, and what is built from them alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <culvert/crypto.h>
#include <culvert/policy.h>

/* NULL: the backend does not have it.  bits is the key length in bits; 0 means the
 * algorithm's only or usual length (128 for AES is never assumed: 0 finds only
 * algorithms with a fixed key length). */
const struct cv_aead *crypto_aead(const struct cv_crypto *c, uint16_t id, uint16_t bits);
const struct cv_cipher *crypto_cipher(const struct cv_crypto *c, uint16_t id, uint16_t bits);
const struct cv_integ *crypto_integ(const struct cv_crypto *c, uint16_t id);
const struct cv_prf *crypto_prf(const struct cv_crypto *c, uint16_t id);
const struct cv_ke *crypto_ke(const struct cv_crypto *c, uint16_t id);
const struct cv_hash *crypto_hash(const struct cv_crypto *c, uint16_t id);

/* The answering side of a key exchange, and the starting side's end of it (culvert/crypto.h).
 * CV_ERR_KE_VALUE: the peer's value is not valid, or not as long as the method says.  On
 * failure secret is wiped. */
CV_MUST_USE enum cv_err crypto_encapsulate(const struct cv_ke *ke, struct cv_span peer_pub,
                                           uint8_t *answer, uint8_t *secret);
CV_MUST_USE enum cv_err crypto_decapsulate(const struct cv_ke *ke, void *key,
                                           struct cv_span answer, uint8_t *secret);

/* Does the IANA ENCR id name an AEAD, which takes no separate integrity transform? */
bool crypto_is_aead(uint16_t encr_id);

/* Is this transform one the backend can do?  (ESN and KE NONE: yes.) */
bool crypto_has(const struct cv_crypto *c, const struct cv_transform *t);

/* prf+, RFC 7296 section 2.13: n octets, n <= 255 * out_len. */
bool crypto_prf_plus(const struct cv_prf *prf, struct cv_span key, const struct cv_span *seed,
                     size_t n_seed, uint8_t *out, size_t n);

#endif
