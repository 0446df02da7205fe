/* SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012), the
 * keyed hash under every table whose keys a peer may choose.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/htab.h"

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

static void absorb(uint64_t v[4], uint64_t m)
{
    v[3] ^= m;
    rounds(v, 2);
    v[0] ^= m;
}

/* n octets, at most 8, as a little-endian number. */
static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t m = 0;

    while (n-- > 0)
        m = m << 8 | p[n];
    return m;
}

uint64_t siphash24(const uint64_t seed[2], const void *p, size_t n)
{
    uint64_t v[4] = {
        seed[0] ^ UINT64_C(0x736f6d6570736575),
        seed[1] ^ UINT64_C(0x646f72616e646f6d),
        seed[0] ^ UINT64_C(0x6c7967656e657261),
        seed[1] ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *b = p;
    const size_t whole = n - n % 8;

    for (size_t i = 0; i < whole; i += 8)
        absorb(v, load(b + i, 8));
    absorb(v, (uint64_t)(n & 0xff) << 56 | (n > whole ? load(b + whole, n - whole) : 0));
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
