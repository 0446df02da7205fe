/* The one source of chance in a simulated world: splitmix64, repeatable from a seed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_PRNG_H
#define SIM_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

struct prng prng_seed(uint64_t seed);
uint64_t prng_next(struct prng *p);
uint32_t prng_below(struct prng *p, uint32_t n);               /* 0 .. n-1; 0 when n is 0 */
uint32_t prng_range(struct prng *p, uint32_t lo, uint32_t hi); /* lo .. hi */
bool prng_chance(struct prng *p, uint32_t per_mille);
void prng_fill(struct prng *p, uint8_t *out, size_t n);

/* The mixing step alone: a good 64-bit hash of one number. */
uint64_t prng_mix(uint64_t v);

#endif
