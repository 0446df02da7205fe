/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/bearssl/random.h"

#include "ports/bearssl/port.h"

static br_hmac_drbg_context drbg;
static bool seeded;

void bearssl_seed(const uint8_t *seed, size_t n)
{
    if (seeded)
        br_hmac_drbg_update(&drbg, seed, n);
    else
        br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, n);
    seeded = true;
}

bool bearssl_random(uint8_t *out, size_t n)
{
    if (seeded)
        br_hmac_drbg_generate(&drbg, out, n);
    return seeded;
}

const br_prng_class **random_source(void)
{
    return seeded ? &drbg.vtable : NULL;
}
