/* SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/upper.h"

#include <string.h>

#include "linux/net/sum.h"

enum { IP4_LENGTH_AT = 2, IP4_SUM_AT = 10, IP4_ADDRESSES_AT = 12, IP6_LENGTH_AT = 4 };
enum { IP6_ADDRESSES_AT = 8, IP6_HEADER = 40 };

void upper_set_len(uint8_t *p, size_t l4, size_t total)
{
    uint16_t sum;

    if (p[0] >> 4 == 6) {
        upper_put16(p + IP6_LENGTH_AT, total - IP6_HEADER);
        return;
    }
    upper_put16(p + IP4_LENGTH_AT, total);
    upper_put16(p + IP4_SUM_AT, 0);
    sum = (uint16_t)~sum_fold(sum_add(0, p, l4));
    memcpy(p + IP4_SUM_AT, &sum, sizeof(sum));
}

uint64_t upper_pseudo(const uint8_t *p, uint8_t proto, size_t len)
{
    return p[0] >> 4 == 6 ? sum_pseudo(p + IP6_ADDRESSES_AT, 32, proto, len)
                          : sum_pseudo(p + IP4_ADDRESSES_AT, 8, proto, len);
}
