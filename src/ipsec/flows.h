/* What was decided for the last packet of a flow: which pair takes it outbound, or that a pair
 * may carry it inbound.  Policies and selectors decide; here is only remembered what they said,
 * until one of them changes.
 *
 * Each flow has one place, and whoever comes later takes it: a table that is too small, or
 * somebody who makes up flows, costs the lookups that would be made without it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_FLOWS_H
#define IPSEC_FLOWS_H

#include <stdint.h>

#include "base/arena.h"
#include "wire/ip.h"

/* Places at most, a power of two.  A device with a pair or two builds with 1. */
#ifndef IPSEC_FLOWS_MAX
#define IPSEC_FLOWS_MAX 1024
#endif

enum { FLOW_WORDS = 6 };

struct flow_slot {
    uint64_t key[FLOW_WORDS]; /* addresses; pair inbound, ports; family, protocol */
    uint32_t epoch, pair;
};
_Static_assert(sizeof(struct flow_slot) <= 64, "one cache line");

struct flows {
    struct flow_slot *slots;
    uint32_t mask, epoch; /* a slot of another epoch is empty */
};

void flows_init(struct flows *f, struct arena *a, uint32_t n_pairs);
/* A selector, a policy or a pair has changed. */
void flows_forget(struct flows *f);

/* The pair for flow; POOL_NONE: not known.  in: the pair that it came by, or POOL_NONE. */
uint32_t flows_find(const struct flows *f, const struct ip_flow *flow, uint32_t in);
void flows_keep(struct flows *f, const struct ip_flow *flow, uint32_t in, uint32_t pair);

#endif
