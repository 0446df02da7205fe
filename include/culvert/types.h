/* Plain values shared by every part of Culvert: octet spans, addresses, traffic
 * selectors, identities.  Nothing here owns memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CULVERT_TYPES_H
#define CULVERT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A view of n octets.  It never owns them. */
struct cv_span {
    const uint8_t *p;
    size_t n;
};

enum cv_family { CV_ANY_FAMILY = 0, CV_IPV4 = 4, CV_IPV6 = 6 };

/* An IP address in network order; octets past the family's length are zero.
 * family 0 with zero octets means "no address" or, in a policy, "any". */
struct cv_addr {
    uint8_t family;
    uint8_t b[16];
};

struct cv_endpoint {
    struct cv_addr addr;
    uint16_t port; /* host order; 0 for raw IP */
};

/* An inclusive range of addresses of one family; family 0 is every address. */
struct cv_addr_range {
    uint8_t family;
    uint8_t lo[16];
    uint8_t hi[16];
};

/* A traffic selector (RFC 7296 section 3.13.1): addresses lo..hi, protocol (0 is
 * any), ports lo..hi in host order.  0..65535 is ANY, 65535..0 is OPAQUE.  For
 * ICMP the ports carry type and code (RFC 4301 section 4.4.1.1). */
struct cv_ts {
    uint8_t family;
    uint8_t proto;
    uint16_t port_lo;
    uint16_t port_hi;
    uint8_t lo[16];
    uint8_t hi[16];
};

#ifndef CV_TS_MAX
#define CV_TS_MAX 32 /* selectors per direction in one SA; a small device builds with fewer */
#endif

struct cv_ts_list {
    uint8_t n;
    struct cv_ts ts[CV_TS_MAX];
};

#define CV_ID_MAX 200 /* octets of identification data; a longer one is refused */

/* Identification types, RFC 7296 section 3.5.  CV_ID_ANY is our own: "%any"; so are the ranges,
 * patterns for addresses: the first and the last one. */
enum cv_id_type {
    CV_ID_ANY = 0,
    CV_ID_IPV4 = 1,
    CV_ID_FQDN = 2,
    CV_ID_RFC822 = 3,
    CV_ID_IPV6 = 5,
    CV_ID_IPV4_RANGE = 7,
    CV_ID_IPV6_RANGE = 8,
    CV_ID_DER_DN = 9,
    CV_ID_DER_GN = 10,
    CV_ID_KEY_ID = 11
};

/* An identity, or in a policy a pattern: see ident/id.h for what '*' matches. */
struct cv_id {
    uint8_t type;
    uint8_t n;
    uint8_t b[CV_ID_MAX];
};

#ifdef __cplusplus
}
#endif

#endif
