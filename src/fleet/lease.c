/* Owns the leases of one pool.
 *
 * Invariants: an offset has at most one lease.  An online lease is in by_owner under its IKE
 * SA's number, an offline one under its identity's hash and in the list from oldest to newest.
 * Leases are known by index, since the array moves when it grows.  What the disk should know
 * of a lease has changed or it has not: the list of changes is never longer than the table.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/htab.h"
#include "ident/id.h"

/* An identity as short as it is. */
struct owner {
    uint8_t type, n;
    uint8_t b[];
};

struct lease {
    struct owner *who;
    uint32_t offset;
    uint32_t ike;                     /* 0: offline */
    uint32_t next_offset, next_owner; /* in the chains */
    uint32_t older, newer;            /* offline */
    uint32_t next_changed;            /* or UNCHANGED */
    uint64_t age;
};

enum { FIRST_CAP = 16 };
#define UNCHANGED (UINT32_MAX - 1)

/* ---- hashes ----------------------------------------------------------------- */

/* Numbers that we choose ourselves: spreading them is enough. */
static uint32_t spread(uint32_t v)
{
    return (uint32_t)((v * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* Identities are chosen by peers; equal ones, however they are written, have one hash. */
static uint32_t hash_id(const struct leases *l, const struct cv_id *who)
{
    struct cv_id one;

    id_canonical(&one, who);
    return (uint32_t)siphash24(l->seed, one.b, one.n) ^ one.type;
}

static struct cv_id owner_id(const struct owner *o)
{
    struct cv_id id = {.type = o->type, .n = o->n};

    memcpy(id.b, o->b, o->n);
    return id;
}

static uint32_t hash_owner(const struct leases *l, const struct lease *lease)
{
    struct cv_id who;

    if (lease->ike != 0)
        return spread(lease->ike);
    who = owner_id(lease->who);
    return hash_id(l, &who);
}

static void put_offset(struct leases *l, uint32_t i)
{
    uint32_t *head = &l->by_offset.head[spread(l->v[i].offset) & l->by_offset.mask];

    l->v[i].next_offset = *head;
    *head = i;
}

static void put_owner(struct leases *l, uint32_t i)
{
    uint32_t *head = &l->by_owner.head[hash_owner(l, &l->v[i]) & l->by_owner.mask];

    l->v[i].next_owner = *head;
    *head = i;
}

static void take_owner(struct leases *l, uint32_t i)
{
    uint32_t *at = &l->by_owner.head[hash_owner(l, &l->v[i]) & l->by_owner.mask];

    while (*at != i)
        at = &l->v[*at].next_owner;
    *at = l->v[i].next_owner;
}

/* ---- memory ----------------------------------------------------------------- */

static bool index_new(struct lease_index *x, uint32_t n)
{
    x->head = malloc(n * sizeof(*x->head));
    if (x->head == NULL)
        return false;
    memset(x->head, 0xff, n * sizeof(*x->head)); /* LEASE_NONE */
    x->mask = n - 1;
    return true;
}

/* Twice the room, with the chains made anew; nothing changes when there is no memory. */
static bool grow(struct leases *l)
{
    uint32_t cap = l->cap > 0 ? 2 * l->cap : FIRST_CAP;
    struct lease_index by_offset = {0}, by_owner = {0};
    struct lease *v = NULL;

    if (index_new(&by_offset, cap) && index_new(&by_owner, cap))
        v = realloc(l->v, cap * sizeof(*v));
    if (v == NULL) {
        free(by_offset.head);
        free(by_owner.head);
        return false;
    }
    free(l->by_offset.head);
    free(l->by_owner.head);
    l->v = v;
    l->cap = cap;
    l->by_offset = by_offset;
    l->by_owner = by_owner;
    for (uint32_t i = 0; i < l->n; i++) {
        put_offset(l, i);
        put_owner(l, i);
    }
    return true;
}

bool leases_init(struct leases *l, uint32_t size, const uint64_t seed[2])
{
    *l = (struct leases){
        .size = size,
        .oldest = LEASE_NONE,
        .newest = LEASE_NONE,
        .changed = LEASE_NONE,
        .seed = {seed[0], seed[1]},
    };
    return grow(l);
}

void leases_free(struct leases *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        free(l->v[i].who);
    free(l->v);
    free(l->by_offset.head);
    free(l->by_owner.head);
    *l = (struct leases){.n = 0};
}

/* ---- offline and online ----------------------------------------------------- */

static void put_newest(struct leases *l, uint32_t i)
{
    struct lease *lease = &l->v[i];

    lease->older = l->newest;
    lease->newer = LEASE_NONE;
    if (l->newest != LEASE_NONE)
        l->v[l->newest].newer = i;
    else
        l->oldest = i;
    l->newest = i;
}

static void take_from_list(struct leases *l, uint32_t i)
{
    const struct lease *lease = &l->v[i];

    if (lease->older != LEASE_NONE)
        l->v[lease->older].newer = lease->newer;
    else
        l->oldest = lease->newer;
    if (lease->newer != LEASE_NONE)
        l->v[lease->newer].older = lease->older;
    else
        l->newest = lease->older;
}

/* i is in no list and under no owner; ike 0 puts it offline. */
static void settle(struct leases *l, uint32_t i, uint32_t ike)
{
    l->v[i].ike = ike;
    put_owner(l, i);
    if (ike == 0)
        put_newest(l, i);
    else
        l->online++;
}

static void lift(struct leases *l, uint32_t i)
{
    take_owner(l, i);
    if (l->v[i].ike == 0)
        take_from_list(l, i);
    else
        l->online--;
}

static void note_change(struct leases *l, uint32_t i)
{
    l->v[i].age = ++l->age;
    if (l->v[i].next_changed != UNCHANGED)
        return;
    l->v[i].next_changed = l->changed;
    l->changed = i;
}

/* ---- finding ---------------------------------------------------------------- */

static bool owns(const struct lease *lease, const struct cv_id *who)
{
    const struct cv_id owner = owner_id(lease->who);

    return id_equal(&owner, who);
}

/* The first from i on in its chain that belongs to ike (0: is offline) and, unless it is NULL,
 * to who. */
static uint32_t find_in_chain(const struct leases *l, uint32_t i, uint32_t ike,
                              const struct cv_id *who)
{
    while (i != LEASE_NONE && (l->v[i].ike != ike || (who != NULL && !owns(&l->v[i], who))))
        i = l->v[i].next_owner;
    return i;
}

static uint32_t find_ike(const struct leases *l, uint32_t ike, const struct cv_id *who)
{
    return find_in_chain(l, l->by_owner.head[spread(ike) & l->by_owner.mask], ike, who);
}

static uint32_t find_former(const struct leases *l, const struct cv_id *who)
{
    uint32_t hash = hash_id(l, who);

    return find_in_chain(l, l->by_owner.head[hash & l->by_owner.mask], 0, who);
}

static uint32_t find_offset(const struct leases *l, uint32_t offset)
{
    uint32_t i = l->by_offset.head[spread(offset) & l->by_offset.mask];

    while (i != LEASE_NONE && l->v[i].offset != offset)
        i = l->v[i].next_offset;
    return i;
}

/* ---- making ----------------------------------------------------------------- */

static struct owner *owner_new(const struct cv_id *who)
{
    struct owner *o = malloc(sizeof(*o) + who->n);

    if (o == NULL)
        return NULL;
    o->type = who->type;
    o->n = who->n;
    memcpy(o->b, who->b, who->n);
    return o;
}

static uint32_t lease_new(struct leases *l, uint32_t offset, const struct cv_id *who,
                          uint32_t ike)
{
    uint32_t i = l->n;
    struct owner *o;

    if (l->n == LEASES_MAX || (l->n == l->cap && !grow(l)))
        return LEASE_NONE;
    o = owner_new(who);
    if (o == NULL)
        return LEASE_NONE;
    l->v[i] = (struct lease){.who = o, .offset = offset, .next_changed = UNCHANGED};
    l->n++;
    put_offset(l, i);
    settle(l, i, ike);
    return i;
}

/* An offline lease goes to another identity. */
static uint32_t lease_pass_on(struct leases *l, uint32_t i, const struct cv_id *who,
                              uint32_t ike)
{
    struct owner *o = owner_new(who);

    if (o == NULL)
        return LEASE_NONE;
    lift(l, i);
    free(l->v[i].who);
    l->v[i].who = o;
    settle(l, i, ike);
    return i;
}

/* The one at want, if it is who's own.  Online, too: an identity that asks for the address it
 * has is reauthenticating, and its new connection takes the lease over. */
static uint32_t find_own(const struct leases *l, const struct cv_id *who, uint32_t want)
{
    uint32_t i = want < l->size ? find_offset(l, want) : LEASE_NONE;

    return i != LEASE_NONE && owns(&l->v[i], who) ? i : LEASE_NONE;
}

/* Only what nobody ever had: an address stays its device's while the pool has others, or
 * whoever asks for it would get that device's traffic. */
static uint32_t take_wanted(struct leases *l, uint32_t ike, const struct cv_id *who,
                            uint32_t want)
{
    return want < l->size && find_offset(l, want) == LEASE_NONE ? lease_new(l, want, who, ike)
                                                                : LEASE_NONE;
}

static uint32_t take_unused(struct leases *l, uint32_t ike, const struct cv_id *who)
{
    while (l->unused < l->size && find_offset(l, l->unused) != LEASE_NONE)
        l->unused++; /* somebody asked for it by name */
    return l->unused < l->size ? lease_new(l, l->unused, who, ike) : LEASE_NONE;
}

/* For somebody who had none. */
static uint32_t take_others(struct leases *l, uint32_t ike, const struct cv_id *who,
                            uint32_t want)
{
    uint32_t i = take_wanted(l, ike, who, want);

    if (i == LEASE_NONE)
        i = take_unused(l, ike, who);
    if (i == LEASE_NONE && l->oldest != LEASE_NONE)
        i = lease_pass_on(l, l->oldest, who, ike);
    return i;
}

uint32_t leases_take(struct leases *l, uint32_t ike, const struct cv_id *who, uint32_t want)
{
    uint32_t i = find_ike(l, ike, who);

    if (i != LEASE_NONE)
        return l->v[i].offset;
    i = find_own(l, who, want);
    if (i == LEASE_NONE)
        i = find_former(l, who);
    if (i != LEASE_NONE) {
        lift(l, i);
        settle(l, i, ike);
    } else {
        i = take_others(l, ike, who, want);
    }
    if (i == LEASE_NONE)
        return LEASE_NONE;
    note_change(l, i);
    return l->v[i].offset;
}

uint32_t leases_take_this(struct leases *l, uint32_t ike, const struct cv_id *who,
                          uint32_t offset)
{
    uint32_t i = find_offset(l, offset);

    if (i == LEASE_NONE) {
        i = lease_new(l, offset, who, ike);
    } else if (owns(&l->v[i], who)) {
        lift(l, i);
        settle(l, i, ike);
    } else {
        i = l->v[i].ike == 0 ? lease_pass_on(l, i, who, ike) : LEASE_NONE;
    }
    if (i == LEASE_NONE)
        return LEASE_NONE;
    note_change(l, i);
    return offset;
}

void leases_release(struct leases *l, uint32_t ike)
{
    uint32_t i;

    while ((i = find_ike(l, ike, NULL)) != LEASE_NONE) {
        lift(l, i);
        settle(l, i, 0);
        note_change(l, i);
    }
}

void leases_rename(struct leases *l, uint32_t ike_old, uint32_t ike_new)
{
    uint32_t i;

    while (ike_old != ike_new && (i = find_ike(l, ike_old, NULL)) != LEASE_NONE) {
        lift(l, i);
        settle(l, i, ike_new);
    }
}

/* ---- walking ---------------------------------------------------------------- */

static void show(const struct lease *lease, struct lease_entry *out)
{
    *out = (struct lease_entry){.offset = lease->offset,
                                .ike = lease->ike,
                                .age = lease->age,
                                .changed = lease->next_changed != UNCHANGED};
    out->who.type = lease->who->type;
    out->who.n = lease->who->n;
    memcpy(out->who.b, lease->who->b, lease->who->n);
}

bool leases_next(const struct leases *l, uint32_t *at, struct lease_entry *out)
{
    if (*at >= l->n)
        return false;
    show(&l->v[(*at)++], out);
    return true;
}

bool leases_next_offline(const struct leases *l, uint32_t *at, struct lease_entry *out)
{
    if (*at == LEASE_NONE)
        return false;
    show(&l->v[*at], out);
    *at = l->v[*at].newer;
    return true;
}

bool leases_adopt(struct leases *l, const struct lease_entry *e)
{
    uint32_t i = LEASE_NONE;

    if (e->offset < l->size && find_offset(l, e->offset) == LEASE_NONE)
        i = lease_new(l, e->offset, &e->who, e->ike);
    if (i == LEASE_NONE)
        return false;
    l->age = e->age > l->age ? e->age : l->age;
    if (e->changed)
        note_change(l, i);
    else
        l->v[i].age = e->age;
    return true;
}

bool leases_next_changed(struct leases *l, struct lease_entry *out)
{
    struct lease *lease;

    if (l->changed == LEASE_NONE)
        return false;
    lease = &l->v[l->changed];
    l->changed = lease->next_changed;
    lease->next_changed = UNCHANGED;
    show(lease, out);
    return true;
}

/* The order of their ages stays. */
void leases_touch(struct leases *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->v[i].next_changed != UNCHANGED)
            continue;
        l->v[i].next_changed = l->changed;
        l->changed = i;
    }
}
