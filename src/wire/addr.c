/* Addresses, endpoints and ranges as values.
 *
 * Relies on what types.h promises: octets past a family's length are zero, so all
 * sixteen may be compared.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"

#include <string.h>

size_t addr_len(uint8_t family)
{
    switch (family) {
    case CV_IPV4:
        return 4;
    case CV_IPV6:
        return 16;
    default:
        return 0;
    }
}

bool addr_equal(const struct cv_addr *a, const struct cv_addr *b)
{
    return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool addr_is_zero(const struct cv_addr *a)
{
    static const uint8_t zero[sizeof(a->b)];

    return memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool addr_is_loopback(const struct cv_addr *a)
{
    static const uint8_t one[sizeof(a->b)] = {[15] = 1};

    return a->family == CV_IPV6 ? memcmp(a->b, one, sizeof(one)) == 0 : a->b[0] == 127;
}

bool addr_is_group(const struct cv_addr *a)
{
    static const uint8_t all_ones[4] = {255, 255, 255, 255};

    if (a->family == CV_IPV6)
        return a->b[0] == 0xff;
    return a->b[0] >> 4 == 0xe || memcmp(a->b, all_ones, sizeof(all_ones)) == 0;
}

bool endpoint_equal(const struct cv_endpoint *a, const struct cv_endpoint *b)
{
    return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

bool range_has(const struct cv_addr_range *r, const struct cv_addr *a)
{
    if (r->family == CV_ANY_FAMILY)
        return true;
    return r->family == a->family && memcmp(r->lo, a->b, sizeof(a->b)) <= 0 &&
           memcmp(a->b, r->hi, sizeof(a->b)) <= 0;
}
