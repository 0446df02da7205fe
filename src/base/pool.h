/* A bounded pool of equal slots in memory the caller gave: take and give back in
 * O(1), slots known by index, a slot is zeroed when taken and wiped when given back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define POOL_NONE UINT32_MAX
#define POOL_USED (UINT32_MAX - 1)

struct pool {
    uint8_t *slots;
    uint32_t
        *next_free; /* next_free[i]: next free slot, POOL_NONE at the end, POOL_USED in use */
    size_t slot_size;
    uint32_t cap, used, free_head;
};

/* slots: cap * slot_size octets; next_free: cap entries; cap is below POOL_USED. */
void pool_init(struct pool *p, void *slots, uint32_t *next_free, size_t slot_size,
               uint32_t cap);
/* Its memory from an arena; an arena that counts leaves p alone. */
void pool_carve(struct pool *p, struct arena *a, uint32_t cap, size_t slot_size);
uint32_t pool_take(struct pool *p);         /* POOL_NONE when full */
void pool_give(struct pool *p, uint32_t i); /* nothing happens when i is not in use */
bool pool_in_use(const struct pool *p, uint32_t i);
void *pool_at(const struct pool *p, uint32_t i);             /* NULL when i is not in use */
uint32_t pool_index(const struct pool *p, const void *slot); /* of what pool_at gave */
/* The number of slot i, which has just been taken: never 0, and another one each time
 * until the slot's count gen[i] starts again. */
uint32_t pool_number(const struct pool *p, uint32_t *gen, uint32_t i);

#endif
