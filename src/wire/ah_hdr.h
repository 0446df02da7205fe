/* The Authentication Header (RFC 4302 section 2) and what routers may change in the headers
 * before it.  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_AH_HDR_H
#define WIRE_AH_HDR_H

#include <culvert/error.h>
#include <culvert/types.h>

#include "base/span.h"

enum {
    AH_FIXED_LEN = 12,   /* next header, length, reserved, SPI, sequence number; then the ICV */
    AH_HEADERS_MAX = 256 /* octets of IP header with options or extension headers before it */
};

struct ah_header {
    uint8_t next;
    size_t len; /* octets, ICV with its padding included */
    uint32_t spi, seq_low;
};

/* Reads the header at the start of s; its ICV lies within s.  CV_ERR_SHORT;
 * CV_ERR_MALFORMED: a length below that of the fixed part, or no multiple of eight octets in
 * an IPv6 packet. */
CV_MUST_USE enum cv_err ah_parse(struct ah_header *out, struct cv_span s, bool v6);

/* Writes the fixed part and zeros for the rest. */
void ah_put(struct wr *w, const struct ah_header *h);

/* headers is a copy of the IP header and what follows it up to AH.  Makes of it what enters
 * the ICV: mutable fields are zero, predictable ones as they will arrive (RFC 4302 section
 * 3.3.3.1).  CV_ERR_MALFORMED: options or lengths that lie; CV_ERR_FRAGMENT: an IPv6
 * fragment header. */
CV_MUST_USE enum cv_err ah_settle(uint8_t *headers, size_t n);

#endif
