/* The Internet checksum (RFC 1071) over whole packets, eight octets at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_SUM_H
#define LINUX_NET_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds n octets, of which all before were even in number, to a sum in this machine's order. */
uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t n);

/* The sum of a TCP or UDP pseudo-header: addresses, protocol, octets of the segment. */
uint64_t sum_pseudo(const uint8_t *addresses, size_t n, uint8_t proto, size_t len);

/* Folds a sum to the 16 bits that stand in a packet, not complemented, in network order as they
 * lie in memory. */
uint16_t sum_fold(uint64_t sum);

#endif
