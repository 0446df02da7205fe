/* All that the backend has, in one table.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ports/bearssl/port.h"

static const struct cv_aead *const aeads[] = {
    &bearssl_gcm_16_128,
    &bearssl_gcm_16_256,
    &bearssl_gcm_16_iiv_128,
    &bearssl_gcm_16_iiv_256,
    &bearssl_gcm_12_128,
    &bearssl_gcm_12_256,
    &bearssl_gcm_8_128,
    &bearssl_gcm_8_256,
    &bearssl_ccm_8_128,
    &bearssl_ccm_8_256,
    &bearssl_ccm_8_iiv_128,
    &bearssl_ccm_8_iiv_256,
    &bearssl_ccm_12_128,
    &bearssl_ccm_12_256,
    &bearssl_ccm_16_128,
    &bearssl_ccm_16_256,
    &bearssl_chacha20_poly1305,
    &bearssl_chacha20_poly1305_iiv,
    NULL,
};
static const struct cv_cipher *const ciphers[] = {
    &bearssl_cbc_128,
    &bearssl_cbc_256,
    &bearssl_null,
    NULL,
};
static const struct cv_integ *const integs[] = {
    &bearssl_sha256_128, &bearssl_sha384_192, &bearssl_sha512_256, &bearssl_sha1_96, NULL,
};
static const struct cv_prf *const prfs[] = {
    &bearssl_prf_sha256, &bearssl_prf_sha384, &bearssl_prf_sha512, &bearssl_prf_sha1, NULL,
};
static const struct cv_ke *const kes[] = {
    &bearssl_x25519,
    &bearssl_ecp256,
    &bearssl_ecp384,
    NULL,
};
static const struct cv_hash *const hashes[] = {
    &bearssl_sha1, &bearssl_sha256, &bearssl_sha384, &bearssl_sha512, NULL,
};

const struct cv_crypto cv_crypto_bearssl = {
    .name = "bearssl",
    .random = bearssl_random,
    .aeads = aeads,
    .ciphers = ciphers,
    .integs = integs,
    .prfs = prfs,
    .kes = kes,
    .hashes = hashes,
};
