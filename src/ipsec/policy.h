/* The operator's policies: the ordered part of the SPD, of which SA pairs are the rest (RFC
 * 4301 section 4.4.1).
 *
 * A policy is found by the addresses of that side, local or remote, that it narrows more: a
 * hash table keyed with the longest prefix they share, as in spd.h.  A host address is one
 * probe, however many policies there are; a lookup costs one probe for each prefix length
 * in use.  Among those that match, priority decides and then age.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_POLICY_H
#define IPSEC_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <culvert/error.h>
#include <culvert/policy.h>

#include "base/arena.h"
#include "base/pool.h"
#include "ident/lengths.h"
#include "ident/selector.h"

/* A device without policies builds with 0. */
#ifndef IPSEC_POLICIES
#define IPSEC_POLICIES 1
#endif

struct policy_entry;

struct policies {
    struct policy_entry *entries;
    struct pool pool;
    uint32_t *buckets; /* heads of chains, in order of priority and age */
    uint32_t mask;     /* buckets - 1 */
    uint64_t next_age;
    uint64_t seed[2];
    struct lengths prefixes[2][2]; /* by side and family */
};

void policies_init(struct policies *s, struct arena *a, uint32_t n, const uint64_t seed[2]);

/* CV_ERR_FULL; CV_ERR_ARGUMENT: no action, no direction, or selectors of no family or of
 * two. */
CV_MUST_USE enum cv_err policies_add(struct policies *s, const struct cv_policy *policy,
                                     uint32_t *number);
void policies_remove(struct policies *s, uint32_t number);

/* The first policy for a packet in this direction, or NULL. */
const struct cv_policy *policies_find(const struct policies *s, uint8_t direction,
                                      const struct ip_flow *flow);

static inline bool policies_any(const struct policies *s)
{
    return IPSEC_POLICIES && s->pool.used > 0;
}

#endif
