/* Where things stand in a TCP or UDP packet that may be cut into segments or put together.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_UPPER_H
#define LINUX_NET_UPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UPPER_TCP = 6,
    UPPER_UDP = 17,
    IP4_ID_AT = 4,
    IP4_FLAGS_AT = 6,
    TCP_SEQ_AT = 4,
    TCP_ACK_AT = 8,
    TCP_OFFSET_AT = 12,
    TCP_FLAGS_AT = 13,
    TCP_WINDOW_AT = 14,
    TCP_SUM_AT = 16,
    TCP_HEADER_MIN = 20,
    UDP_LENGTH_AT = 4,
    UDP_SUM_AT = 6,
    UDP_HEADER = 8,
    TCP_FIN = 0x01,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_CWR = 0x80
};

static inline uint16_t upper_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void upper_put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline uint32_t upper_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void upper_put32(uint8_t *p, uint32_t v)
{
    upper_put16(p, v >> 16);
    upper_put16(p + 2, v & 0xffff);
}

/* The IP header at p, whose upper header begins at l4, says total octets from now on. */
void upper_set_len(uint8_t *p, size_t l4, size_t total);

/* The sum of the pseudo-header of the packet at p, for a segment of len octets. */
uint64_t upper_pseudo(const uint8_t *p, uint8_t proto, size_t len);

#endif
