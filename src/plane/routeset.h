/* Which SA wants which route: found by owner and by destination in constant time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_ROUTESET_H
#define PLANE_ROUTESET_H

#include "linux/kernel/routes.h"

/* One owner's wish for one route. */
struct route_use {
    uint64_t owner;
    struct prefix to;
    struct route_via via;
    uint32_t seen; /* the round of comparing that found it in the kernel */
    struct route_use *next_owned, *next_same; /* chains of the two tables */
};

struct routeset {
    struct route_use **by_owner, **by_prefix;
    uint32_t mask; /* buckets - 1 */
    uint64_t seed[2];
};

/* expected: about how many uses there will be; more only makes it slower. */
void routeset_init(struct routeset *s, uint32_t expected);
void routeset_free(struct routeset *s);

void routeset_add(struct routeset *s, uint64_t owner, const struct prefix *to,
                  const struct route_via *via);
/* The latest use of that destination, of that owner; NULL when none. */
struct route_use *routeset_to(const struct routeset *s, const struct prefix *to);
const struct route_use *routeset_of(const struct routeset *s, uint64_t owner);
/* Calls take for the latest use of each destination; it must not add or remove any. */
void routeset_each(const struct routeset *s, void (*take)(void *ctx, struct route_use *use),
                   void *ctx);
/* use ends and is freed. */
void routeset_remove(struct routeset *s, const struct route_use *use);

#endif
