/* Prefix lengths as a bit set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/lengths.h"

void lengths_add(struct lengths *l, unsigned bits)
{
    l->used[bits / 32] |= UINT32_C(1) << (bits % 32);
}

/* The number of the highest bit that is set; w is not 0. */
static unsigned highest_bit(uint32_t w)
{
    unsigned n = 0;

    for (unsigned half = 16; half > 0; half /= 2) {
        if (w >> half == 0)
            continue;
        w >>= half;
        n += half;
    }
    return n;
}

bool lengths_shorter(const struct lengths *l, unsigned *bits)
{
    unsigned k = *bits / 32;
    uint32_t w = k < LENGTHS_WORDS ? l->used[k] & ((UINT32_C(1) << (*bits % 32)) - 1) : 0;

    while (w == 0 && k > 0)
        w = l->used[--k];
    if (w == 0)
        return false;
    *bits = k * 32 + highest_bit(w);
    return true;
}
