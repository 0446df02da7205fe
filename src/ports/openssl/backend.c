/* The backend's front: its table of tables, and random octets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include <openssl/opensslv.h>
#include <openssl/rand.h>

#include "ports/openssl/port.h"

#if OPENSSL_VERSION_MAJOR < 3
#error "the OpenSSL backend needs OpenSSL 3.0 or later"
#endif

/* What is drawn here (nonces, SPIs, IVs) is seen by others.  Private keys come from
 * OpenSSL's private generator, inside the key exchange methods. */
static bool random_octets(uint8_t *out, size_t n)
{
    return n <= INT_MAX && RAND_bytes(out, (int)n) == 1;
}

const struct cv_crypto cv_crypto_openssl = {
    .name = "openssl",
    .random = random_octets,
    .aeads = openssl_aeads,
    .ciphers = openssl_ciphers,
    .integs = openssl_integs,
    .prfs = openssl_prfs,
    .kes = openssl_kes,
    .hashes = openssl_hashes,
};
