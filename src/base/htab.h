/* A fixed hash table from 64-bit keys to 32-bit values, open addressing with
 * backward-shift deletion, keyed with a secret seed so that a peer who chooses keys
 * cannot choose collisions.  Never grows; memory is the caller's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HTAB_H
#define BASE_HTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define HTAB_NONE UINT32_MAX

struct htab_slot {
    uint64_t key;
    uint32_t value; /* HTAB_NONE: empty */
};

struct htab {
    struct htab_slot *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t used, limit;
    uint64_t seed[2];
};

/* Slots needed for n entries: a power of two, at most three quarters full. */
uint32_t htab_slots(uint32_t n);
void htab_init(struct htab *t, struct htab_slot *slots, uint32_t n_slots,
               const uint64_t seed[2]);
/* Room for n entries from an arena; an arena that counts leaves t alone. */
void htab_carve(struct htab *t, struct arena *a, uint32_t n, const uint64_t seed[2]);
/* False when full or the key is there already. */
bool htab_put(struct htab *t, uint64_t key, uint32_t value);
uint32_t htab_get(const struct htab *t, uint64_t key); /* HTAB_NONE when absent */
bool htab_del(struct htab *t, uint64_t key);
void htab_expect(const struct htab *t, uint64_t key); /* will be asked for soon */

/* SipHash-2-4 of n octets, for keys longer than 64 bits. */
uint64_t siphash24(const uint64_t seed[2], const void *p, size_t n);

#endif
