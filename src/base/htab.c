/* A fixed hash table.  Invariant: from the home slot of every key to the slot it is
 * in there is no empty slot, and at least a quarter of the slots is empty, so every
 * probe ends.  Backward-shift deletion keeps this without tombstones.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/htab.h"

#include "base/expect.h"

enum { SLOTS_MIN = 4 };

static const uint32_t SLOTS_MAX = UINT32_C(1) << 31;

static uint32_t limit_of(uint32_t n_slots)
{
    return n_slots / 4 * 3;
}

uint32_t htab_slots(uint32_t n)
{
    uint32_t n_slots = SLOTS_MIN;

    while (limit_of(n_slots) < n) {
        if (n_slots == SLOTS_MAX)
            return 0;
        n_slots *= 2;
    }
    return n_slots;
}

void htab_init(struct htab *t, struct htab_slot *slots, uint32_t n_slots,
               const uint64_t seed[2])
{
    *t = (struct htab){
        .slots = slots,
        .mask = n_slots - 1,
        .limit = limit_of(n_slots),
        .seed = {seed[0], seed[1]},
    };
    for (uint32_t i = 0; i < n_slots; i++)
        slots[i] = (struct htab_slot){.value = HTAB_NONE};
}

void htab_carve(struct htab *t, struct arena *a, uint32_t n, const uint64_t seed[2])
{
    const uint32_t n_slots = htab_slots(n);
    struct htab_slot *slots = arena_take(a, n_slots, sizeof(*slots));

    if (n_slots == 0)
        a->bad = true;
    else if (slots != NULL)
        htab_init(t, slots, n_slots, seed);
}

static uint32_t home_of(const struct htab *t, uint64_t key)
{
    uint8_t b[8];

    for (unsigned i = 0; i < sizeof(b); i++)
        b[i] = (uint8_t)(key >> 8 * i & 0xff);
    return (uint32_t)(siphash24(t->seed, b, sizeof(b)) & t->mask);
}

/* The slot that has key, or the empty one where it would go. */
static uint32_t find(const struct htab *t, uint64_t key)
{
    uint32_t i = home_of(t, key);

    while (t->slots[i].value != HTAB_NONE && t->slots[i].key != key)
        i = (i + 1) & t->mask;
    return i;
}

bool htab_put(struct htab *t, uint64_t key, uint32_t value)
{
    uint32_t i = find(t, key);

    if (value == HTAB_NONE || t->slots[i].value != HTAB_NONE || t->used == t->limit)
        return false;
    t->slots[i] = (struct htab_slot){key, value};
    t->used++;
    return true;
}

uint32_t htab_get(const struct htab *t, uint64_t key)
{
    return t->slots[find(t, key)].value;
}

bool htab_del(struct htab *t, uint64_t key)
{
    uint32_t hole = find(t, key);

    if (t->slots[hole].value == HTAB_NONE)
        return false;
    for (uint32_t i = (hole + 1) & t->mask; t->slots[i].value != HTAB_NONE;
         i = (i + 1) & t->mask) {
        uint32_t home = home_of(t, t->slots[i].key);

        /* An entry may move back into the hole unless its home lies after it. */
        if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct htab_slot){.value = HTAB_NONE};
    t->used--;
    return true;
}

void htab_expect(const struct htab *t, uint64_t key)
{
    expect(&t->slots[home_of(t, key)], sizeof(t->slots[0]));
}
