/* Owns: address ranges as prefixes.
 * Invariant: the prefixes of a range cover exactly its addresses, no more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "linux/kernel/routes.h"
#include "wire/ip.h"

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
    return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

static bool bit_of(const uint8_t *b, unsigned i)
{
    return (b[i / 8] >> (7 - i % 8) & 1) != 0;
}

bool prefix_has(const struct prefix *p, const struct cv_addr *a)
{
    if (p->addr.family != a->family)
        return false;
    for (unsigned i = 0; i < p->len; i++)
        if (bit_of(p->addr.b, i) != bit_of(a->b, i))
            return false;
    return true;
}

/* The last address of the prefix of that length at lo. */
static void last_of(uint8_t *last, const uint8_t *lo, unsigned len, unsigned bits)
{
    memcpy(last, lo, 16);
    for (unsigned i = len; i < bits; i++)
        last[i / 8] |= (uint8_t)(0x80 >> (i % 8));
}

/* The shortest prefix that starts at lo and does not reach past hi. */
static unsigned widest(const uint8_t *lo, const uint8_t *hi, unsigned bits)
{
    unsigned len = bits;
    uint8_t last[16];

    while (len > 0 && !bit_of(lo, len - 1)) {
        last_of(last, lo, len - 1, bits);
        if (memcmp(last, hi, bits / 8) > 0)
            break;
        len--;
    }
    return len;
}

/* Adds one; false when it wraps. */
static bool increment(uint8_t *b, unsigned bits)
{
    for (unsigned i = bits / 8; i-- > 0;)
        if (++b[i] != 0)
            return true;
    return false;
}

/* The smallest prefix that has both. */
static unsigned common(const uint8_t *lo, const uint8_t *hi, unsigned bits)
{
    unsigned len = 0;

    while (len < bits && bit_of(lo, len) == bit_of(hi, len))
        len++;
    return len;
}

static void clear_host_bits(uint8_t *b, unsigned len, unsigned bits)
{
    for (unsigned i = len; i < bits; i++)
        b[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
}

unsigned prefixes_of(struct prefix *out, unsigned max, const struct cv_ts *ts)
{
    unsigned bits = ts->family == CV_IPV4 ? 32 : 128, n = 0;
    uint8_t lo[16];

    if ((ts->family != CV_IPV4 && ts->family != CV_IPV6) ||
        memcmp(ts->lo, ts->hi, bits / 8) > 0)
        return 0;
    memcpy(lo, ts->lo, 16);
    while (n < max) {
        unsigned len = widest(lo, ts->hi, bits);
        struct prefix *p = &out[n++];

        *p = (struct prefix){.addr.family = ts->family, .len = (uint8_t)len};
        memcpy(p->addr.b, lo, bits / 8);
        last_of(lo, p->addr.b, len, bits);
        if (memcmp(lo, ts->hi, bits / 8) >= 0 || !increment(lo, bits))
            return n;
        if (n == max) {
            p->len = (uint8_t)common(p->addr.b, ts->hi, bits);
            clear_host_bits(p->addr.b, p->len, bits);
        }
    }
    return n;
}
