/* Owns the table of devices that are connected.
 *
 * Invariants: an entry lives as long as one of its IKE SAs; entries and IKE SAs that are free
 * lie on lists; memory grows with what was there at one time, up to the engine's tables.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "roster/roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/htab.h"
#include "kit/mem.h"

struct roll {
    struct roll_device *devices;
    struct roll_ike *ikes;
    size_t device_cap, ike_cap;
    uint32_t n_devices, n_ikes; /* that were ever used */
    uint32_t free_device, free_ike, used, most;
    struct htab by_ike, by_id, by_identity;
    uint64_t seed[2];
};

static void make_table(struct roll *l, struct htab *t, uint32_t most)
{
    const uint32_t slots = htab_slots(most);

    htab_init(t, mem_new(slots, sizeof(struct htab_slot)), slots, l->seed);
}

struct roll *roll_new(uint32_t most)
{
    struct roll *l = mem_new(1, sizeof(*l));

    (void)!getrandom(l->seed, sizeof(l->seed), 0);
    l->most = most;
    l->free_device = l->free_ike = ROLL_NONE;
    make_table(l, &l->by_ike, most);
    make_table(l, &l->by_id, most);
    make_table(l, &l->by_identity, most);
    return l;
}

static void free_texts(struct roll_device *d)
{
    free(d->name);
    free(d->tenant);
    free(d->identity);
}

void roll_free(struct roll *l)
{
    if (l == NULL)
        return;
    for (uint32_t i = 0; i < l->n_devices; i++)
        free_texts(&l->devices[i]);
    free(l->devices);
    free(l->ikes);
    free(l->by_ike.slots);
    free(l->by_id.slots);
    free(l->by_identity.slots);
    free(l);
}

/* ---- finding ------------------------------------------------------------------ */

static uint64_t identity_key(const struct roll *l, const char *identity)
{
    return siphash24(l->seed, identity, strlen(identity));
}

static struct roll_device *at(struct roll *l, uint32_t i)
{
    return i == HTAB_NONE ? NULL : &l->devices[i];
}

struct roll_device *roll_by_ike(struct roll *l, uint32_t ike)
{
    const uint32_t i = htab_get(&l->by_ike, ike);

    return i == HTAB_NONE ? NULL : at(l, l->ikes[i].device);
}

struct roll_device *roll_by_id(struct roll *l, int64_t id)
{
    return at(l, htab_get(&l->by_id, (uint64_t)id));
}

struct roll_device *roll_by_identity(struct roll *l, const char *identity)
{
    struct roll_device *d = at(l, htab_get(&l->by_identity, identity_key(l, identity)));

    return d != NULL && strcmp(d->identity, identity) == 0 ? d : NULL;
}

const struct roll_ike *roll_next_ike(const struct roll *l, uint32_t *i)
{
    const struct roll_ike *ike = *i == ROLL_NONE ? NULL : &l->ikes[*i];

    if (ike != NULL)
        *i = ike->next;
    return ike;
}

struct roll_device *roll_next(struct roll *l, uint32_t *i)
{
    while (*i < l->n_devices) {
        struct roll_device *d = &l->devices[(*i)++];

        if (d->id != 0)
            return d;
    }
    *i = 0;
    return NULL;
}

uint32_t roll_count(const struct roll *l)
{
    return l->used;
}

/* ---- coming ------------------------------------------------------------------- */

static uint32_t take_device(struct roll *l)
{
    const uint32_t i = l->free_device;

    if (i != ROLL_NONE) {
        l->free_device = l->devices[i].next;
        return i;
    }
    l->devices = mem_grow(l->devices, &l->device_cap, l->n_devices + 1, sizeof(*l->devices));
    return l->n_devices++;
}

static uint32_t take_ike(struct roll *l)
{
    const uint32_t i = l->free_ike;

    if (i != ROLL_NONE) {
        l->free_ike = l->ikes[i].next;
        return i;
    }
    l->ikes = mem_grow(l->ikes, &l->ike_cap, l->n_ikes + 1, sizeof(*l->ikes));
    return l->n_ikes++;
}

void roll_rename(struct roll_device *d, const struct device *now)
{
    free(d->name);
    free(d->tenant);
    d->name = mem_text(now->name);
    d->tenant = mem_text(now->tenant);
    memcpy(d->address, now->address, sizeof(d->address));
    memcpy(d->address6, now->address6, sizeof(d->address6));
}

static uint32_t device_new(struct roll *l, const struct device *d, const char *identity)
{
    const uint32_t i = take_device(l);
    struct roll_device *e = &l->devices[i];

    *e = (struct roll_device){.id = d->id, .ikes = ROLL_NONE};
    e->identity = mem_text(identity);
    roll_rename(e, d);
    l->used++;
    (void)htab_put(&l->by_id, (uint64_t)d->id, i);
    (void)htab_put(&l->by_identity, identity_key(l, identity), i);
    return i;
}

struct roll_device *roll_add(struct roll *l, uint32_t ike, const struct device *d,
                             const char *identity)
{
    uint32_t device = htab_get(&l->by_id, (uint64_t)d->id), i;

    if (l->by_ike.used >= l->most || htab_get(&l->by_ike, ike) != HTAB_NONE)
        return NULL;
    if (device == HTAB_NONE)
        device = device_new(l, d, identity);
    i = take_ike(l);
    l->ikes[i] = (struct roll_ike){ike, device, l->devices[device].ikes, false};
    l->devices[device].ikes = i;
    (void)htab_put(&l->by_ike, ike, i);
    return &l->devices[device];
}

void roll_up(struct roll *l, uint32_t ike)
{
    const uint32_t i = htab_get(&l->by_ike, ike);

    if (i == HTAB_NONE || l->ikes[i].up)
        return;
    l->ikes[i].up = true;
    l->devices[l->ikes[i].device].n_up++;
}

void roll_move(struct roll *l, uint32_t ike_old, uint32_t ike_new)
{
    const uint32_t i = htab_get(&l->by_ike, ike_old);

    if (i == HTAB_NONE || htab_get(&l->by_ike, ike_new) != HTAB_NONE)
        return;
    (void)htab_del(&l->by_ike, ike_old);
    l->ikes[i].ike = ike_new;
    (void)htab_put(&l->by_ike, ike_new, i);
}

/* ---- going -------------------------------------------------------------------- */

bool roll_down(struct roll *l, uint32_t ike)
{
    const uint32_t i = htab_get(&l->by_ike, ike);

    if (i == HTAB_NONE || !l->ikes[i].up)
        return false;
    l->ikes[i].up = false;
    return --l->devices[l->ikes[i].device].n_up == 0;
}

static void device_drop(struct roll *l, uint32_t i)
{
    struct roll_device *d = &l->devices[i];

    (void)htab_del(&l->by_id, (uint64_t)d->id);
    if (htab_get(&l->by_identity, identity_key(l, d->identity)) == i)
        (void)htab_del(&l->by_identity, identity_key(l, d->identity));
    free_texts(d);
    *d = (struct roll_device){.next = l->free_device};
    l->free_device = i;
    l->used--;
}

int64_t roll_drop(struct roll *l, uint32_t ike)
{
    const uint32_t i = htab_get(&l->by_ike, ike);
    uint32_t device, *link;
    int64_t id;

    if (i == HTAB_NONE)
        return 0;
    (void)roll_down(l, ike);
    device = l->ikes[i].device;
    id = l->devices[device].id;
    for (link = &l->devices[device].ikes; *link != i; link = &l->ikes[*link].next)
        ;
    *link = l->ikes[i].next;
    (void)htab_del(&l->by_ike, ike);
    l->ikes[i].next = l->free_ike;
    l->free_ike = i;
    if (l->devices[device].ikes == ROLL_NONE)
        device_drop(l, device);
    return id;
}
