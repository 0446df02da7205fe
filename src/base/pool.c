/* A bounded pool of equal slots.  Invariant: slot i is either on the free list or
 * next_free[i] is POOL_USED, and used counts the latter.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <string.h>

#include "base/secret.h"

static uint8_t *slot_at(const struct pool *p, uint32_t i)
{
    return p->slots + (size_t)i * p->slot_size;
}

void pool_init(struct pool *p, void *slots, uint32_t *next_free, size_t slot_size, uint32_t cap)
{
    *p = (struct pool){
        .slots = slots,
        .next_free = next_free,
        .slot_size = slot_size,
        .cap = cap,
        .free_head = cap > 0 ? 0 : POOL_NONE,
    };
    for (uint32_t i = 0; i < cap; i++)
        next_free[i] = i + 1 < cap ? i + 1 : POOL_NONE;
}

void pool_carve(struct pool *p, struct arena *a, uint32_t cap, size_t slot_size)
{
    void *slots = arena_take_raw(a, cap, slot_size);
    uint32_t *next = arena_take(a, cap, sizeof(*next));

    if (next != NULL)
        pool_init(p, slots, next, slot_size, cap);
}

uint32_t pool_take(struct pool *p)
{
    uint32_t i = p->free_head;

    if (i == POOL_NONE)
        return POOL_NONE;
    p->free_head = p->next_free[i];
    p->next_free[i] = POOL_USED;
    p->used++;
    memset(slot_at(p, i), 0, p->slot_size);
    return i;
}

void pool_give(struct pool *p, uint32_t i)
{
    if (!pool_in_use(p, i))
        return; /* giving back twice must not tie the free list into a loop */
    wipe(slot_at(p, i), p->slot_size);
    p->next_free[i] = p->free_head;
    p->free_head = i;
    p->used--;
}

bool pool_in_use(const struct pool *p, uint32_t i)
{
    return i < p->cap && p->next_free[i] == POOL_USED;
}

void *pool_at(const struct pool *p, uint32_t i)
{
    return pool_in_use(p, i) ? slot_at(p, i) : NULL;
}

uint32_t pool_index(const struct pool *p, const void *slot)
{
    return (uint32_t)((size_t)((const uint8_t *)slot - p->slots) / p->slot_size);
}

uint32_t pool_number(const struct pool *p, uint32_t *gen, uint32_t i)
{
    uint32_t turn = gen[i];

    gen[i] = turn < (UINT32_MAX - p->cap) / p->cap ? turn + 1 : 0;
    return turn * p->cap + i + 1;
}
