/* Lists of slots that have a 64-bit key in common, newest first: a hash table from each key to
 * its first slot, and links by index, which lead to both ends.  All is O(1); a slot is in one
 * list at most.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHAIN_H
#define BASE_CHAIN_H

#include "base/htab.h"

#define CHAIN_NONE UINT32_MAX

struct chain_link {
    uint64_t key;
    uint32_t next, prev;
};

struct chain {
    struct htab first;
    struct chain_link *links; /* one a slot */
};

/* For n slots, in as many lists; an arena that counts leaves c alone. */
void chain_carve(struct chain *c, struct arena *a, uint32_t n, const uint64_t seed[2]);
/* The same for few lists, whose number the caller keeps. */
void chain_carve_few(struct chain *c, struct arena *a, uint32_t n, uint32_t lists,
                     const uint64_t seed[2]);
/* Slot i comes first in the list of key, and leaves the one where it was. */
void chain_put(struct chain *c, uint32_t i, uint64_t key);
void chain_del(struct chain *c, uint32_t i); /* nothing happens when i is in no list */
bool chain_has(const struct chain *c, uint32_t i, uint64_t key); /* is i in the list of key? */
uint32_t chain_first(const struct chain *c, uint64_t key); /* CHAIN_NONE: the list is empty */
uint32_t chain_next(const struct chain *c, uint32_t i);    /* CHAIN_NONE: i is the last */
/* From the oldest on. */
uint32_t chain_last(const struct chain *c, uint64_t key); /* CHAIN_NONE: the list is empty */
uint32_t chain_prev(const struct chain *c, uint32_t i);   /* CHAIN_NONE: i is the first */

#endif
