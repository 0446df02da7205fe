/* Owns the address pools: their ranges, what they tell devices, and how they change while
 * leases are out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/pools.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fleet/lease.h"
#include "kit/mem.h"
#include "wire/ip.h"

enum { V6_PREFIX = 128 };

struct pool {
    struct pool *next;
    char *name;
    struct cv_addr base;        /* as configured */
    struct cv_addr_range range; /* what is leased, first to last */
    struct leases leases;
    struct pool_words words;
};

/* Leases of an earlier life whose pool has not come yet, oldest first. */
struct past {
    struct past *next;
    char *name;
    struct past_lease {
        struct cv_addr addr;
        struct cv_id who;
        uint64_t age;
        bool online;
    } * v;
    size_t n, cap;
};

struct forgotten {
    struct forgotten *next;
    char *name;
};

struct pools {
    struct pool *first;
    bool changed; /* some lease may have */
    struct past *past;
    struct forgotten *forgotten;
    struct pool_words common; /* told with every lease */
    struct pool_words told;   /* with the last one */
    uint64_t seed[2];
};

struct pools *pools_new(void)
{
    struct pools *p = mem_new(1, sizeof(*p));

    if (getrandom(p->seed, sizeof(p->seed), 0) != (ssize_t)sizeof(p->seed))
        abort(); /* without it a peer could choose identities that collide */
    return p;
}

static void pool_free(struct pool *pool)
{
    leases_free(&pool->leases);
    free(pool->name);
    free(pool);
}

static void past_free(struct past *past)
{
    free(past->name);
    free(past->v);
    free(past);
}

void pools_free(struct pools *p)
{
    char *name;

    if (p == NULL)
        return;
    while ((name = pools_next_forgotten(p)) != NULL)
        free(name);
    while (p->past != NULL) {
        struct past *gone = p->past;

        p->past = gone->next;
        past_free(gone);
    }
    while (p->first != NULL) {
        struct pool *gone = p->first;

        p->first = gone->next;
        pool_free(gone);
    }
    free(p);
}

static struct pool **find(const struct pools *p, const char *name)
{
    struct pool **at = (struct pool **)(uintptr_t)&p->first;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

bool pools_has(const struct pools *p, const char *name)
{
    return *find(p, name) != NULL;
}

/* ---- addresses -------------------------------------------------------------- */

/* a + n; the caller knows that it stays in the family. */
static void addr_add(uint8_t *a, size_t len, uint32_t n)
{
    uint64_t carry = n;

    for (uint8_t *at = a + len; at > a && carry > 0; carry >>= 8) {
        carry += *--at;
        *at = (uint8_t)carry;
    }
}

/* hi - lo, at most LEASE_NONE. */
static uint32_t addr_distance(const uint8_t *lo, const uint8_t *hi, size_t len)
{
    uint32_t low = 0;
    unsigned borrow = 0;
    bool large = false;

    for (size_t i = len; i-- > 0;) {
        unsigned d =
            (unsigned)hi[i] - lo[i] - borrow; /* wraps below zero, and then bit 8 is set */

        borrow = d >> 8 & 1;
        if (i + 4 >= len)
            low |= (d & 0xff) << 8 * (len - 1 - i);
        else
            large = large || (d & 0xff) != 0;
    }
    return large ? LEASE_NONE : low;
}

static uint32_t offset_of(const struct pool *pool, const struct cv_addr *a)
{
    size_t len = addr_len(pool->range.family);

    if (a->family != pool->range.family || memcmp(a->b, pool->range.lo, len) < 0 ||
        memcmp(a->b, pool->range.hi, len) > 0)
        return LEASE_NONE;
    return addr_distance(pool->range.lo, a->b, len);
}

static struct cv_addr addr_at(const struct pool *pool, uint32_t offset)
{
    struct cv_addr a = {.family = pool->range.family};

    memcpy(a.b, pool->range.lo, sizeof(a.b));
    addr_add(a.b, addr_len(a.family), offset);
    return a;
}

/* ---- loading ---------------------------------------------------------------- */

static bool overlap(const struct cv_addr_range *a, const struct cv_addr_range *b)
{
    return a->family == b->family && memcmp(a->lo, b->hi, sizeof(a->lo)) <= 0 &&
           memcmp(b->lo, a->hi, sizeof(b->lo)) <= 0;
}

static bool check_overlap(const struct pools *p, const struct pool_config *d,
                          const struct node *section, struct problem *why)
{
    for (const struct pool *other = p->first; other != NULL; other = other->next)
        if (strcmp(other->name, section->name) != 0 && overlap(&other->range, &d->range))
            return problem_at(why, section, "the addresses overlap with those of pool '%s'",
                              other->name);
    return true;
}

/* Takes over what an old lease of the pool's former range is now; one outside is lost. */
static bool adopt(struct pool *to, const struct pool *from, struct lease_entry *e)
{
    struct cv_addr a = addr_at(from, e->offset);

    e->offset = offset_of(to, &a);
    return leases_adopt(&to->leases, e);
}

/* Online leases must fit; of those offline what fits is kept, oldest first. */
static bool adopt_all(struct pool *to, const struct pool *from, const struct node *section,
                      struct problem *why)
{
    struct lease_entry e;

    for (uint32_t at = 0; leases_next(&from->leases, &at, &e);)
        if (e.ike != 0 && !adopt(to, from, &e))
            return problem_at(why, section,
                              "%u leases are online, and not all are inside the new range",
                              from->leases.online);
    for (uint32_t at = from->leases.oldest; leases_next_offline(&from->leases, &at, &e);)
        (void)adopt(to, from, &e);
    return true;
}

/* Whoever was online when that life ended comes back sooner than the others: as if it had been
 * given back now. */
static void remember(struct pool *pool, const struct past_lease *past)
{
    struct lease_entry e = {.offset = offset_of(pool, &past->addr),
                            .who = past->who,
                            .age = past->age,
                            .changed = past->online};

    (void)leases_adopt(&pool->leases, &e);
}

static struct pool *pool_new(const struct pools *p, const struct node *section,
                             const struct pool_config *d)
{
    struct pool *pool = mem_new(1, sizeof(*pool));
    uint32_t last = addr_distance(d->range.lo, d->range.hi, addr_len(d->range.family));

    pool->name = mem_text(section->name);
    pool->base = d->base;
    pool->range = d->range;
    pool->words = d->words;
    if (leases_init(&pool->leases, last < LEASE_NONE ? last + 1 : LEASE_NONE, p->seed))
        return pool;
    pool_free(pool);
    return NULL;
}

/* Its leases of an earlier life, if there are any. */
static void recall(struct pools *p, struct pool *pool)
{
    struct past **at = &p->past, *past;

    while (*at != NULL && strcmp((*at)->name, pool->name) != 0)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    past = *at;
    for (size_t i = 0; i < past->n; i++)
        remember(pool, &past->v[i]);
    *at = past->next;
    past_free(past);
}

bool pools_put(struct pools *p, const struct node *section, const struct pool_config *d,
               struct problem *why)
{
    struct pool **at = find(p, section->name), *old = *at, *pool;

    p->changed = true;
    if (!check_overlap(p, d, section, why))
        return false;
    pool = pool_new(p, section, d);
    if (pool == NULL)
        return problem_at(why, section, "no memory for its leases");
    if (old != NULL && !adopt_all(pool, old, section, why)) {
        pool_free(pool);
        return false;
    }
    if (old != NULL) {
        pool->next = old->next;
        pool_free(old);
    } else {
        recall(p, pool);
    }
    *at = pool;
    return true;
}

static void forget(struct pools *p, const char *name)
{
    struct forgotten *f = mem_new(1, sizeof(*f));

    f->name = mem_text(name);
    f->next = p->forgotten;
    p->forgotten = f;
}

bool pools_unload(struct pools *p, const char *name, struct problem *why)
{
    struct pool **at = find(p, name), *gone = *at;

    if (gone == NULL)
        return problem_set(why, "there is no pool '%s'", name);
    if (gone->leases.online > 0)
        return problem_set(why, "pool '%s' has %u leases online", name, gone->leases.online);
    *at = gone->next;
    forget(p, name);
    pool_free(gone);
    return true;
}

/* ---- over a restart --------------------------------------------------------- */

bool pools_changed(const struct pools *p)
{
    return p->changed || p->forgotten != NULL;
}

bool pools_next_changed(struct pools *p, struct pool_lease *out)
{
    if (!p->changed)
        return false;
    for (struct pool *pool = p->first; pool != NULL; pool = pool->next) {
        struct lease_entry e;

        if (!leases_next_changed(&pool->leases, &e))
            continue;
        *out = (struct pool_lease){.pool = pool->name,
                                   .addr = addr_at(pool, e.offset),
                                   .who = e.who,
                                   .online = e.ike != 0,
                                   .age = e.age};
        return true;
    }
    return p->changed = false;
}

char *pools_next_forgotten(struct pools *p)
{
    struct forgotten *f = p->forgotten;
    char *name;

    if (f == NULL)
        return NULL;
    name = f->name;
    p->forgotten = f->next;
    free(f);
    return name;
}

void pools_touch(struct pools *p)
{
    p->changed = true;
    for (struct pool *pool = p->first; pool != NULL; pool = pool->next)
        leases_touch(&pool->leases);
}

static struct past *past_of(struct pools *p, const char *name)
{
    struct past *past = p->past;

    while (past != NULL && strcmp(past->name, name) != 0)
        past = past->next;
    if (past != NULL)
        return past;
    past = mem_new(1, sizeof(*past));
    past->name = mem_text(name);
    past->next = p->past;
    p->past = past;
    return past;
}

void pools_remember(struct pools *p, const struct pool_lease *lease)
{
    struct pool *pool = *find(p, lease->pool);
    struct past_lease l = {lease->addr, lease->who, lease->age, lease->online};
    struct past *past;

    p->changed = true;
    if (pool != NULL) {
        remember(pool, &l);
        return;
    }
    past = past_of(p, lease->pool);
    past->v = mem_grow(past->v, &past->cap, past->n + 1, sizeof(*past->v));
    past->v[past->n++] = l;
}

/* ---- leasing ---------------------------------------------------------------- */

/* Gives *slot an address of the pool unless it has one or none of that family is wanted. */
static void lease_from(struct pool *pool, const struct pool_wish *wish,
                       const struct cv_addr *want, struct cv_addr *slot)
{
    uint32_t offset;

    if (want == NULL || slot->family != CV_ANY_FAMILY)
        return;
    offset = leases_take(&pool->leases, wish->ike, wish->who, offset_of(pool, want));
    if (offset != LEASE_NONE)
        *slot = addr_at(pool, offset);
}

/* An address for good: of this pool, if it is in there.  False: it is somebody else's. */
static bool lease_this(struct pool *pool, const struct pool_wish *wish,
                       const struct cv_addr *want, struct cv_addr *slot)
{
    const uint32_t offset = offset_of(pool, want);

    if (offset >= pool->leases.size)
        return true;
    if (leases_take_this(&pool->leases, wish->ike, wish->who, offset) == LEASE_NONE)
        return false;
    *slot = *want;
    return true;
}

/* From one pool.  False: an address for good is somebody else's now. */
static bool lease_as_wished(struct pool *pool, const struct pool_wish *wish,
                            struct cv_lease *out)
{
    const bool v4 = pool->range.family == CV_IPV4;
    const struct cv_addr *want = v4 ? wish->v4 : wish->v6;
    struct cv_addr *slot = v4 ? &out->v4 : &out->v6;

    if (v4 ? wish->v4_only : wish->v6_only)
        return lease_this(pool, wish, want, slot);
    lease_from(pool, wish, want, slot);
    return true;
}

/* What does not fit is left out: a pool's own words always fit. */
static void add_words(struct pool_words *to, const struct pool_words *from)
{
    for (unsigned i = 0; i < from->n_dns && to->n_dns < CV_LEASE_DNS_MAX; i++)
        to->dns[to->n_dns++] = from->dns[i];
    if (from->n > sizeof(to->attributes) - to->n)
        return;
    memcpy(to->attributes + to->n, from->attributes, from->n);
    to->n += from->n;
}

void pools_tell_all(struct pools *p, const struct pool_words *words)
{
    p->common = *words;
}

static void tell(struct pools *p, struct cv_lease *out)
{
    add_words(&p->told, &p->common);
    memcpy(out->dns, p->told.dns, sizeof(out->dns));
    out->n_dns = p->told.n_dns;
    out->attributes = (struct cv_span){p->told.attributes, p->told.n};
}

enum cv_err pools_lease(struct pools *p, const char *const *names, unsigned n,
                        const struct pool_wish *wish, struct cv_lease *out)
{
    *out = (struct cv_lease){.v6_prefix = V6_PREFIX};
    p->told.n = p->told.n_dns = 0;
    p->changed = true;
    for (unsigned i = 0; i < n; i++) {
        struct pool *pool = *find(p, names[i]);

        if (pool == NULL)
            continue;
        if (!lease_as_wished(pool, wish, out))
            return CV_ERR_ADDRESS;
        add_words(&p->told, &pool->words);
    }
    if (wish->v4_only && out->v4.family == CV_ANY_FAMILY)
        out->v4 = *wish->v4;
    if (wish->v6_only && out->v6.family == CV_ANY_FAMILY)
        out->v6 = *wish->v6;
    tell(p, out);
    if (out->v4.family == CV_ANY_FAMILY && out->v6.family == CV_ANY_FAMILY)
        return CV_ERR_ADDRESS;
    return CV_OK;
}

bool pools_range(const struct pools *p, const char *name, struct cv_addr_range *out)
{
    for (const struct pool *pool = p->first; pool != NULL; pool = pool->next) {
        if (strcmp(pool->name, name) != 0)
            continue;
        *out = pool->range;
        return true;
    }
    return false;
}

void pools_release(struct pools *p, uint32_t ike)
{
    p->changed = true;
    for (struct pool *pool = p->first; pool != NULL; pool = pool->next)
        leases_release(&pool->leases, ike);
}

void pools_rename(struct pools *p, uint32_t ike_old, uint32_t ike_new)
{
    for (struct pool *pool = p->first; pool != NULL; pool = pool->next)
        leases_rename(&pool->leases, ike_old, ike_new);
}

/* ---- listing ---------------------------------------------------------------- */

bool pools_next(const struct pools *p, unsigned *at, struct pool_view *out)
{
    const struct pool *pool = p->first;

    for (unsigned i = 0; i < *at && pool != NULL; i++)
        pool = pool->next;
    if (pool == NULL)
        return false;
    ++*at;
    *out = (struct pool_view){.name = pool->name,
                              .base = pool->base,
                              .size = pool->leases.size,
                              .online = pool->leases.online,
                              .offline = pool->leases.n - pool->leases.online};
    return true;
}

bool pools_next_lease(const struct pools *p, const char *name, unsigned *at,
                      struct lease_view *out)
{
    const struct pool *pool = *find(p, name);
    struct lease_entry e;

    if (pool == NULL || !leases_next(&pool->leases, at, &e))
        return false;
    out->addr = addr_at(pool, e.offset);
    out->who = e.who;
    out->online = e.ike != 0;
    return true;
}
