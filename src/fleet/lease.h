/* The leases of one address pool, by offset from its first address.
 *
 * Every call takes the same time however many leases there are.  Memory grows with the leases
 * that were ever made, up to the pool's size or LEASES_MAX.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_LEASE_H
#define FLEET_LEASE_H

#include <culvert/types.h>

#define LEASE_NONE UINT32_MAX
#define LEASES_MAX 4000000u

/* Hash chains over leases; head[hash & mask] is the first lease of a chain. */
struct lease_index {
    uint32_t *head;
    uint32_t mask;
};

struct leases {
    struct lease *v; /* n made so far */
    uint32_t n, cap;
    uint32_t size;   /* offsets 0..size - 1 */
    uint32_t unused; /* offsets from here on were never leased in order */
    uint32_t online;
    uint32_t oldest, newest; /* offline ones, by when they were given back */
    uint32_t changed;        /* list of those that the disk does not know as they are */
    uint64_t age;            /* counts what happens to leases */
    struct lease_index by_offset, by_owner;
    uint64_t seed[2];
};

/* size is at least 1.  False when there is no memory. */
bool leases_init(struct leases *l, uint32_t size, const uint64_t seed[2]);
void leases_free(struct leases *l);

/* Leases an offset to who on behalf of ike: what ike has already; else want, if it is who's own
 * (online, it moves to ike); else who's former one; else want (LEASE_NONE: none), if nobody
 * ever had it; else one never used; else the longest unused.  LEASE_NONE when all are online,
 * or there is no memory. */
uint32_t leases_take(struct leases *l, uint32_t ike, const struct cv_id *who, uint32_t want);
/* This offset, or LEASE_NONE: another one has it online.  For who it is from now on. */
uint32_t leases_take_this(struct leases *l, uint32_t ike, const struct cv_id *who,
                          uint32_t offset);
void leases_release(struct leases *l, uint32_t ike);
void leases_rename(struct leases *l, uint32_t ike_old, uint32_t ike_new);

/* Walks them: *at starts as 0; those online first when making the copy of a table. */
struct lease_entry {
    uint32_t offset, ike; /* ike 0: offline */
    struct cv_id who;
    uint64_t age; /* the higher, the later it was taken or given back */
    bool changed; /* since it was last told as such */
};
bool leases_next(const struct leases *l, uint32_t *at, struct lease_entry *out);
/* Walks those offline, the longest unused first: *at starts as l->oldest. */
bool leases_next_offline(const struct leases *l, uint32_t *at, struct lease_entry *out);
/* Puts an entry of another table into this one, as the newest. */
bool leases_adopt(struct leases *l, const struct lease_entry *e);

/* Takes one off the list of those that have changed.  Each is there once however often it
 * changed, so whoever is slow to ask misses nothing and costs no memory. */
bool leases_next_changed(struct leases *l, struct lease_entry *out);
void leases_touch(struct leases *l); /* all have changed */

#endif
