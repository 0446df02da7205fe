/* One traffic selector against one packet (RFC 4301 section 4.4.1.1).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IDENT_SELECTOR_H
#define IDENT_SELECTOR_H

#include <culvert/types.h>

#include "wire/ip.h"

/* One end of a packet: what the selectors of that side look at. */
struct flow_end {
    const struct cv_addr *addr;
    uint8_t proto;
    bool port_known, port_wild;
    uint16_t port; /* ICMP: type and code */
};

static inline struct flow_end flow_src(const struct ip_flow *f)
{
    return (struct flow_end){&f->src, f->proto, f->ports_known, f->ports_wild, f->sport};
}

static inline struct flow_end flow_dst(const struct ip_flow *f)
{
    return (struct flow_end){&f->dst, f->proto, f->ports_known, f->ports_wild, f->dport};
}

bool selector_has(const struct cv_ts *ts, const struct flow_end *end);

/* Length in bits of the longest prefix that all addresses of ts have in common. */
uint8_t selector_prefix(const struct cv_ts *ts);

/* A keyed hash of the first bits of an address, for tables of prefixes. */
uint64_t selector_hash(const uint64_t seed[2], uint8_t family, unsigned bits,
                       const uint8_t addr[16]);

/* How many of protocol and ports the selector restricts: 0, 1 or 2. */
uint8_t selector_narrow(const struct cv_ts *ts);

/* Does it name groups (addr_is_group) and nothing else?  0.0.0.0/0 names none. */
bool selector_is_group(const struct cv_ts *ts);

bool selector_equal(const struct cv_ts *a, const struct cv_ts *b);

#endif
