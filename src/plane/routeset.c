/* Owns: the uses, each in two chained hash tables.
 * Invariant: a use is in both tables or in none; the latest comes first in its chains.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plane/routeset.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/htab.h"
#include "kit/mem.h"

enum { BUCKETS_MIN = 16, BUCKETS_MAX = 1 << 20 };

void routeset_init(struct routeset *s, uint32_t expected)
{
    uint32_t n = BUCKETS_MIN;

    while (n < expected && n < BUCKETS_MAX)
        n *= 2;
    s->mask = n - 1;
    s->by_owner = mem_new(n, sizeof(struct route_use *));
    s->by_prefix = mem_new(n, sizeof(struct route_use *));
    /* Peers choose prefixes; without a seed, which early boot may lack, they only could
     * make their own lookups slow. */
    if (getrandom(s->seed, sizeof(s->seed), GRND_NONBLOCK) != (ssize_t)sizeof(s->seed))
        s->seed[0] = s->seed[1] = 0;
}

void routeset_free(struct routeset *s)
{
    if (s->by_owner == NULL)
        return;
    for (uint32_t i = 0; i <= s->mask; i++) {
        while (s->by_owner[i] != NULL) {
            struct route_use *gone = s->by_owner[i];
            s->by_owner[i] = gone->next_owned;
            free(gone);
        }
    }
    free(s->by_owner);
    free(s->by_prefix);
    s->by_owner = s->by_prefix = NULL;
}

static struct route_use **owner_bucket(const struct routeset *s, uint64_t owner)
{
    return &s->by_owner[siphash24(s->seed, &owner, sizeof(owner)) & s->mask];
}

static struct route_use **prefix_bucket(const struct routeset *s, const struct prefix *to)
{
    uint8_t key[1 + sizeof(to->addr.b) + 1] = {to->addr.family};

    for (size_t i = 0; i < sizeof(to->addr.b); i++)
        key[1 + i] = to->addr.b[i];
    key[sizeof(key) - 1] = to->len;
    return &s->by_prefix[siphash24(s->seed, key, sizeof(key)) & s->mask];
}

void routeset_add(struct routeset *s, uint64_t owner, const struct prefix *to,
                  const struct route_via *via)
{
    struct route_use **owned = owner_bucket(s, owner), **same = prefix_bucket(s, to);
    struct route_use *use = mem_new(1, sizeof(*use));

    *use = (struct route_use){owner, *to, *via, 0, *owned, *same};
    *owned = *same = use;
}

struct route_use *routeset_to(const struct routeset *s, const struct prefix *to)
{
    struct route_use *use = *prefix_bucket(s, to);

    while (use != NULL && !prefix_equal(&use->to, to))
        use = use->next_same;
    return use;
}

const struct route_use *routeset_of(const struct routeset *s, uint64_t owner)
{
    const struct route_use *use = *owner_bucket(s, owner);

    while (use != NULL && use->owner != owner)
        use = use->next_owned;
    return use;
}

void routeset_each(const struct routeset *s, void (*take)(void *ctx, struct route_use *use),
                   void *ctx)
{
    for (uint32_t i = 0; i <= s->mask; i++)
        for (struct route_use *use = s->by_prefix[i]; use != NULL; use = use->next_same)
            if (routeset_to(s, &use->to) == use)
                take(ctx, use);
}

void routeset_remove(struct routeset *s, const struct route_use *use)
{
    struct route_use **owned = owner_bucket(s, use->owner);
    struct route_use **same = prefix_bucket(s, &use->to);
    struct route_use *gone;

    while (*owned != use)
        owned = &(*owned)->next_owned;
    while (*same != use)
        same = &(*same)->next_same;
    gone = *owned;
    *owned = gone->next_owned;
    *same = gone->next_same;
    free(gone);
}
