/* One's complement addition does not care about the order of octets, so words are added as this
 * machine reads them, and the sum is right as it is written back (RFC 1071 section 2(B)).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/net/sum.h"

#include <arpa/inet.h>
#include <string.h>

/* a + b, with the carry added at the other end. */
static uint64_t add_with_carry(uint64_t a, uint64_t b)
{
    a += b;
    return a + (a < b);
}

uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t n)
{
    uint64_t lane[4] = {0}, word;

    for (; n >= 32; p += 32, n -= 32) {
        for (unsigned i = 0; i < 4; i++) {
            memcpy(&word, p + 8 * i, 8);
            /* Halves: four lanes of 33 bits cannot overflow in a packet. */
            lane[i] += (word & UINT32_MAX) + (word >> 32);
        }
    }
    for (unsigned i = 0; i < 4; i++)
        sum = add_with_carry(sum, lane[i]);
    for (; n > 0; p += n < 8 ? n : 8, n -= n < 8 ? n : 8) {
        word = 0;
        memcpy(&word, p, n < 8 ? n : 8);
        sum = add_with_carry(sum, word);
    }
    return sum;
}

uint64_t sum_pseudo(const uint8_t *addresses, size_t n, uint8_t proto, size_t len)
{
    const uint16_t rest[2] = {htons((uint16_t)len), htons(proto)};
    uint8_t octets[sizeof(rest)];

    memcpy(octets, rest, sizeof(rest));
    return sum_add(sum_add(0, addresses, n), octets, sizeof(octets));
}

uint16_t sum_fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
