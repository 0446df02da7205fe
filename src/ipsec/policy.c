/* Ordered policies.  Invariant: an entry in use is in exactly one chain, that of the bucket
 * of its side's prefix; each chain is sorted by priority and age.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/policy.h"

#include <string.h>

enum { LOCAL = 0, REMOTE = 1, N_SIDES = 2 };

struct policy_entry {
    struct cv_policy policy;
    uint64_t age;
    uint32_t chain;
    uint8_t side, prefix;
};

void policies_init(struct policies *s, struct arena *a, uint32_t n, const uint64_t seed[2])
{
    struct policies fresh = {
        .seed = {seed[0], seed[1]}
    };
    uint32_t n_buckets = 1;
    uint32_t *next_free;

    while (n_buckets < n)
        n_buckets *= 2;
    fresh.entries = arena_take(a, n, sizeof(*fresh.entries));
    fresh.buckets = arena_take(a, n_buckets, sizeof(*fresh.buckets));
    next_free = arena_take(a, n, sizeof(*next_free));
    if (next_free == NULL)
        return;
    pool_init(&fresh.pool, fresh.entries, next_free, sizeof(*fresh.entries), n);
    for (uint32_t i = 0; i < n_buckets; i++)
        fresh.buckets[i] = POOL_NONE;
    fresh.mask = n_buckets - 1;
    *s = fresh;
}

static uint32_t *bucket_of(const struct policies *s, uint8_t family, unsigned bits,
                           const uint8_t addr[16])
{
    return &s->buckets[selector_hash(s->seed, family, bits, addr) & s->mask];
}

static const struct cv_ts *indexed(const struct policy_entry *e)
{
    return e->side == LOCAL ? &e->policy.local : &e->policy.remote;
}

static uint32_t *bucket_of_entry(const struct policies *s, const struct policy_entry *e)
{
    return bucket_of(s, indexed(e)->family, e->prefix, indexed(e)->lo);
}

static bool is_before(const struct policy_entry *a, const struct policy_entry *b)
{
    if (a->policy.priority != b->policy.priority)
        return a->policy.priority < b->policy.priority;
    return a->age < b->age;
}

static bool is_sane(const struct cv_policy *p)
{
    return p->action >= CV_POLICY_PROTECT && p->action <= CV_POLICY_DISCARD &&
           (p->directions & CV_BOTH) != 0 && addr_len(p->local.family) != 0 &&
           p->local.family == p->remote.family;
}

enum cv_err policies_add(struct policies *s, const struct cv_policy *policy, uint32_t *number)
{
    const uint8_t local = selector_prefix(&policy->local);
    const uint8_t remote = selector_prefix(&policy->remote);
    struct policy_entry *e;
    uint32_t i, *at;

    if (!is_sane(policy))
        return CV_ERR_ARGUMENT;
    i = s->pool.cap > 0 ? pool_take(&s->pool) : POOL_NONE; /* 0: never carved */
    if (i == POOL_NONE)
        return CV_ERR_FULL;
    e = &s->entries[i];
    *e = (struct policy_entry){
        .policy = *policy,
        .age = s->next_age++,
        .side = local > remote ? LOCAL : REMOTE,
        .prefix = local > remote ? local : remote,
    };
    at = bucket_of_entry(s, e);
    while (*at != POOL_NONE && is_before(&s->entries[*at], e))
        at = &s->entries[*at].chain;
    e->chain = *at;
    *at = i;
    lengths_add(&s->prefixes[e->side][policy->local.family == CV_IPV6], e->prefix);
    *number = i;
    return CV_OK;
}

void policies_remove(struct policies *s, uint32_t number)
{
    uint32_t *at;

    if (!pool_in_use(&s->pool, number))
        return;
    at = bucket_of_entry(s, &s->entries[number]);
    while (*at != number)
        at = &s->entries[*at].chain;
    *at = s->entries[number].chain;
    pool_give(&s->pool, number);
    if (s->pool.used == 0)
        memset(s->prefixes, 0, sizeof(s->prefixes));
}

/* The first entry of a chain that matches; the chain is sorted. */
static const struct policy_entry *match_chain(const struct policies *s, uint32_t i,
                                              uint8_t direction, const struct flow_end *local,
                                              const struct flow_end *remote)
{
    for (; i != POOL_NONE; i = s->entries[i].chain) {
        const struct policy_entry *e = &s->entries[i];

        if ((e->policy.directions & direction) && selector_has(&e->policy.local, local) &&
            selector_has(&e->policy.remote, remote))
            return e;
    }
    return NULL;
}

const struct cv_policy *policies_find(const struct policies *s, uint8_t direction,
                                      const struct ip_flow *flow)
{
    const struct flow_end src = flow_src(flow), dst = flow_dst(flow);
    const struct flow_end *local = direction == CV_OUT ? &src : &dst;
    const struct flow_end *remote = direction == CV_OUT ? &dst : &src;
    const uint8_t family = flow->src.family;
    const struct policy_entry *best = NULL;

    for (unsigned side = 0; side < N_SIDES; side++) {
        const struct lengths *used = &s->prefixes[side][family == CV_IPV6];
        const uint8_t *addr = (side == LOCAL ? local : remote)->addr->b;
        unsigned bits = LENGTHS_MAX + 1;

        while (lengths_shorter(used, &bits)) {
            const struct policy_entry *e =
                match_chain(s, *bucket_of(s, family, bits, addr), direction, local, remote);

            if (e != NULL && (best == NULL || is_before(e, best)))
                best = e;
        }
    }
    return best != NULL ? &best->policy : NULL;
}
