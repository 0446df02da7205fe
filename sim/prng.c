/* splitmix64 (Steele, Lea, Flood 2014): a counter and a mixing function.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/prng.h"

uint64_t prng_mix(uint64_t v)
{
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
    return v ^ (v >> 31);
}

struct prng prng_seed(uint64_t seed)
{
    return (struct prng){prng_mix(seed + 1)};
}

uint64_t prng_next(struct prng *p)
{
    p->state += 0x9e3779b97f4a7c15u;
    return prng_mix(p->state);
}

uint32_t prng_below(struct prng *p, uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)((prng_next(p) >> 32) * n >> 32);
}

uint32_t prng_range(struct prng *p, uint32_t lo, uint32_t hi)
{
    return lo + prng_below(p, hi - lo + 1);
}

bool prng_chance(struct prng *p, uint32_t per_mille)
{
    return prng_below(p, 1000) < per_mille;
}

void prng_fill(struct prng *p, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        uint64_t v = prng_next(p);

        for (size_t j = 0; j < 8 && i + j < n; j++)
            out[i + j] = (uint8_t)(v >> (8 * j));
    }
}
