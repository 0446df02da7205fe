/* The tables that make up the BearSSL backend, for microcontrollers: no heap, and constant time
 * also where a long multiplication is not (Cortex-M0 to M3), as BearSSL's "ct", "ctmul32" and
 * "15-bit" implementations are.
 *
 * cv_crypto_bearssl has all that is here.  A firmware that wants less names its own few in a
 * table of its own, and links only those:
 *
 *     static const struct cv_aead *const aeads[] = {&bearssl_gcm_16_128, NULL};
 *
 * Key objects lie in a static pool of BEARSSL_KEYS slots, shared by all engines of the program;
 * the backend is for one thread.  A tunnel that is rekeyed needs six: two for each pair of SAs
 * with expanded keys (cv_limits.hot_keys), one for the IKE message at hand, one for the key
 * exchange.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_BEARSSL_PORT_H
#define PORTS_BEARSSL_PORT_H

#include <culvert/crypto.h>

extern const struct cv_crypto cv_crypto_bearssl;

/* Random numbers come from an HMAC-DRBG (NIST SP 800-90A) that the board seeds with n octets of
 * true randomness, 32 or more, once before the first use and whenever it has more.  Before that
 * bearssl_random fails.  A board without a source of randomness keeps a seed in its flash, and
 * writes the next one there before it uses this one. */
void bearssl_seed(const uint8_t *seed, size_t n);
bool bearssl_random(uint8_t *out, size_t n);

extern const struct cv_aead bearssl_gcm_16_128, bearssl_gcm_16_256, bearssl_gcm_16_iiv_128,
    bearssl_gcm_16_iiv_256, bearssl_gcm_12_128, bearssl_gcm_12_256, bearssl_gcm_8_128,
    bearssl_gcm_8_256;
extern const struct cv_aead bearssl_ccm_8_128, bearssl_ccm_8_256, bearssl_ccm_8_iiv_128,
    bearssl_ccm_8_iiv_256, bearssl_ccm_12_128, bearssl_ccm_12_256, bearssl_ccm_16_128,
    bearssl_ccm_16_256;
extern const struct cv_aead bearssl_chacha20_poly1305, bearssl_chacha20_poly1305_iiv;
extern const struct cv_cipher bearssl_cbc_128, bearssl_cbc_256, bearssl_null;
extern const struct cv_integ bearssl_sha1_96, bearssl_sha256_128, bearssl_sha384_192,
    bearssl_sha512_256;
extern const struct cv_prf bearssl_prf_sha1, bearssl_prf_sha256, bearssl_prf_sha384,
    bearssl_prf_sha512;
extern const struct cv_ke bearssl_x25519, bearssl_ecp256, bearssl_ecp384;
extern const struct cv_hash bearssl_sha1, bearssl_sha256, bearssl_sha384, bearssl_sha512;

#endif
