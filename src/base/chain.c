/* Lists by key.  Invariant: first has an entry for each list that is not empty; the prev of a
 * list's first slot is its last one, and CHAIN_OUT is the prev of a slot that is in none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/chain.h"

#define CHAIN_OUT (UINT32_MAX - 1)

void chain_carve(struct chain *c, struct arena *a, uint32_t n, const uint64_t seed[2])
{
    chain_carve_few(c, a, n, n, seed);
}

void chain_carve_few(struct chain *c, struct arena *a, uint32_t n, uint32_t lists,
                     const uint64_t seed[2])
{
    struct chain_link *links = arena_take(a, n, sizeof(*links));

    htab_carve(&c->first, a, lists, seed);
    if (links == NULL)
        return;
    c->links = links;
    for (uint32_t i = 0; i < n; i++)
        links[i].prev = CHAIN_OUT;
}

/* Each list has an entry in a table with as many as there may be lists, so there is room. */
static void chain_set_first(struct chain *c, uint64_t key, uint32_t i)
{
    htab_del(&c->first, key);
    if (i != CHAIN_NONE)
        (void)htab_put(&c->first, key, i);
}

void chain_put(struct chain *c, uint32_t i, uint64_t key)
{
    uint32_t next;

    chain_del(c, i);
    next = chain_first(c, key);
    c->links[i] = (struct chain_link){key, next, i};
    if (next != CHAIN_NONE) {
        c->links[i].prev = c->links[next].prev;
        c->links[next].prev = i;
    }
    chain_set_first(c, key, i);
}

void chain_del(struct chain *c, uint32_t i)
{
    struct chain_link *l = &c->links[i];
    uint32_t first;

    if (l->prev == CHAIN_OUT)
        return;
    first = chain_first(c, l->key);
    if (l->next != CHAIN_NONE)
        c->links[l->next].prev = l->prev;
    else if (first != i)
        c->links[first].prev = l->prev;
    if (first != i)
        c->links[l->prev].next = l->next;
    else
        chain_set_first(c, l->key, l->next);
    l->prev = CHAIN_OUT;
}

bool chain_has(const struct chain *c, uint32_t i, uint64_t key)
{
    return c->links[i].prev != CHAIN_OUT && c->links[i].key == key;
}

uint32_t chain_first(const struct chain *c, uint64_t key)
{
    return htab_get(&c->first, key);
}

uint32_t chain_next(const struct chain *c, uint32_t i)
{
    return c->links[i].next;
}

uint32_t chain_last(const struct chain *c, uint64_t key)
{
    uint32_t first = chain_first(c, key);

    return first == CHAIN_NONE ? CHAIN_NONE : c->links[first].prev;
}

uint32_t chain_prev(const struct chain *c, uint32_t i)
{
    return chain_first(c, c->links[i].key) == i ? CHAIN_NONE : c->links[i].prev;
}
