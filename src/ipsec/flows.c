/* A cache of decisions.  Invariant: what a slot of this epoch says is what policies and
 * selectors would say now, for they have not changed since.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/flows.h"

#include <string.h>

#include "base/pool.h"

/* Few of many pairs carry traffic at one time, and few pairs may have many flows. */
enum { FLOWS_MIN = 16, PAIRS_PER_FLOW = 4 };

/* Odd, without a pattern: the golden ratio's digits and two primes of xxHash. */
static const uint64_t MIX_SRC = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t MIX_DST = UINT64_C(0xc2b2ae3d27d4eb4f);
static const uint64_t MIX_END = UINT64_C(0x165667b19e3779f9);

void flows_init(struct flows *f, struct arena *a, uint32_t n_pairs)
{
    uint32_t n = 1;

    while (n < IPSEC_FLOWS_MAX && (n < FLOWS_MIN || n < n_pairs / PAIRS_PER_FLOW))
        n *= 2;
    *f =
        (struct flows){.slots = arena_take(a, n, sizeof(*f->slots)), .mask = n - 1, .epoch = 1};
}

void flows_forget(struct flows *f)
{
    if (++f->epoch != 0)
        return;
    memset(f->slots, 0, (f->mask + (size_t)1) * sizeof(*f->slots));
    f->epoch = 1;
}

/* Four octets are read as four: a wider load would wait for the store that has just written
 * them. */
static void put_addr(uint64_t word[2], const struct cv_addr *a)
{
    uint32_t four;

    if (a->family != CV_IPV4) {
        memcpy(word, a->b, sizeof(a->b));
        return;
    }
    memcpy(&four, a->b, sizeof(four));
    word[0] = four;
    word[1] = 0;
}

static void make_key(uint64_t key[FLOW_WORDS], const struct ip_flow *flow, uint32_t in)
{
    put_addr(&key[0], &flow->src);
    put_addr(&key[2], &flow->dst);
    key[4] = (uint64_t)in << 32 | (uint32_t)flow->sport << 16 | flow->dport;
    key[5] = (uint64_t)flow->src.family << 16 | (uint32_t)flow->proto << 8 |
             (unsigned)flow->ports_known << 1 | flow->ports_wild;
}

static struct flow_slot *slot_of(const struct flows *f, const uint64_t key[FLOW_WORDS])
{
    uint64_t h = (key[0] ^ key[1]) * MIX_SRC + (key[2] ^ key[3]) * MIX_DST + key[4] + key[5];

    h ^= h >> 29;
    h *= MIX_END;
    return &f->slots[h >> 32 & f->mask];
}

uint32_t flows_find(const struct flows *f, const struct ip_flow *flow, uint32_t in)
{
    const struct flow_slot *slot;
    uint64_t key[FLOW_WORDS];

    make_key(key, flow, in);
    slot = slot_of(f, key);
    for (unsigned i = 0; i < FLOW_WORDS; i++)
        if (key[i] != slot->key[i])
            return POOL_NONE;
    return slot->epoch == f->epoch ? slot->pair : POOL_NONE;
}

void flows_keep(struct flows *f, const struct ip_flow *flow, uint32_t in, uint32_t pair)
{
    struct flow_slot *slot;
    uint64_t key[FLOW_WORDS];

    make_key(key, flow, in);
    slot = slot_of(f, key);
    memcpy(slot->key, key, sizeof(key));
    slot->epoch = f->epoch;
    slot->pair = pair;
}
