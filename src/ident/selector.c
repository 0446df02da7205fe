/* Matching one selector.  A port that is not in the packet (a later fragment, a
 * protocol without ports, a payload too short) matches ANY and OPAQUE only: it is
 * never taken for a number.  A wild one matches everything: clear.c refuses what might be
 * protected.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/selector.h"

#include <string.h>

#include "base/htab.h"

static bool is_any_port(const struct cv_ts *ts)
{
    return ts->port_lo == 0 && ts->port_hi == UINT16_MAX;
}

static bool is_opaque_port(const struct cv_ts *ts)
{
    return ts->port_lo == UINT16_MAX && ts->port_hi == 0;
}

static bool has_port(const struct cv_ts *ts, const struct flow_end *end)
{
    if (is_any_port(ts) || end->port_wild)
        return true;
    if (!end->port_known)
        return is_opaque_port(ts); /* RFC 7296 section 3.13.1 */
    return ts->port_lo <= end->port && end->port <= ts->port_hi;
}

bool selector_has(const struct cv_ts *ts, const struct flow_end *end)
{
    return ts->family == end->addr->family && (ts->proto == 0 || ts->proto == end->proto) &&
           memcmp(ts->lo, end->addr->b, sizeof(ts->lo)) <= 0 &&
           memcmp(end->addr->b, ts->hi, sizeof(ts->hi)) <= 0 && has_port(ts, end);
}

uint8_t selector_prefix(const struct cv_ts *ts)
{
    const size_t len = addr_len(ts->family);
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned diff = ts->lo[i] ^ ts->hi[i];

        if (diff == 0) {
            bits += 8;
            continue;
        }
        for (; (diff & 0x80) == 0; diff <<= 1)
            bits++;
        break;
    }
    return (uint8_t)bits;
}

uint64_t selector_hash(const uint64_t seed[2], uint8_t family, unsigned bits,
                       const uint8_t addr[16])
{
    uint8_t key[2 + 16] = {family, (uint8_t)bits};
    const size_t whole = bits / 8;

    memcpy(key + 2, addr, whole);
    if (bits % 8 != 0)
        key[2 + whole] = addr[whole] & (uint8_t)(0xff00U >> (bits % 8));
    return siphash24(seed, key, 2 + addr_len(family));
}

uint8_t selector_narrow(const struct cv_ts *ts)
{
    return (uint8_t)((ts->proto != 0) + !is_any_port(ts));
}

bool selector_is_group(const struct cv_ts *ts)
{
    struct cv_addr lo = {.family = ts->family}, hi = {.family = ts->family};

    memcpy(lo.b, ts->lo, sizeof(lo.b));
    memcpy(hi.b, ts->hi, sizeof(hi.b));
    /* between multicast and 255.255.255.255 are others */
    return addr_is_group(&lo) && addr_is_group(&hi) && lo.b[0] >> 4 == hi.b[0] >> 4;
}

bool selector_equal(const struct cv_ts *a, const struct cv_ts *b)
{
    return a->family == b->family && a->proto == b->proto && a->port_lo == b->port_lo &&
           a->port_hi == b->port_hi && memcmp(a->lo, b->lo, sizeof(a->lo)) == 0 &&
           memcmp(a->hi, b->hi, sizeof(a->hi)) == 0;
}
