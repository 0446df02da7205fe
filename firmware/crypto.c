/* The algorithms of the device, all that is linked: with them it talks to Culvert, strongSwan
 * and libreswan as they are configured by default.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto.h"

#include "ports/bearssl/port.h"

static const struct cv_aead *const aeads[] = {&bearssl_gcm_16_128, &bearssl_gcm_16_iiv_128,
                                              NULL};
static const struct cv_cipher *const no_ciphers[] = {NULL};
static const struct cv_integ *const no_integs[] = {NULL};
static const struct cv_prf *const prfs[] = {&bearssl_prf_sha256, NULL};
static const struct cv_ke *const kes[] = {&bearssl_x25519, NULL};
static const struct cv_hash *const hashes[] = {&bearssl_sha1, &bearssl_sha256, NULL};

const struct cv_crypto device_crypto = {
    .name = "bearssl",
    .random = bearssl_random,
    .aeads = aeads,
    .ciphers = no_ciphers,
    .integs = no_integs,
    .prfs = prfs,
    .kes = kes,
    .hashes = hashes,
};
