/* Virtual address pools: leases sticky by identity, DNS attributes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FLEET_POOLS_H
#define FLEET_POOLS_H

#include <culvert/engine.h>

#include "kit/tree.h"

struct pools;

struct pools *pools_new(void);
void pools_free(struct pools *p);

enum { POOL_ATTRIBUTES_MAX = 1024 };

/* What devices are told with an address. */
struct pool_words {
    struct cv_addr dns[CV_LEASE_DNS_MAX];
    uint8_t n_dns;
    uint16_t n; /* octets of other attributes, as RFC 7296 section 3.15.1 writes them */
    uint8_t attributes[POOL_ATTRIBUTES_MAX];
};

/* What a pool is configured to be. */
struct pool_config {
    struct cv_addr base;        /* as written: the subnet, or where the range begins */
    struct cv_addr_range range; /* what is leased, first to last */
    struct pool_words words;
};

/* The pool that section names and d describes.  Replaces one of the same name when no lease of
 * it is online outside the new range; a problem is told with the section's place. */
bool pools_put(struct pools *p, const struct node *section, const struct pool_config *d,
               struct problem *why);
bool pools_unload(struct pools *p, const char *name,
                  struct problem *why); /* fails while leases are online */
bool pools_has(const struct pools *p, const char *name);
/* What is told with every lease, whatever its pool. */
void pools_tell_all(struct pools *p, const struct pool_words *words);

/* Who asks for addresses, and which ones they would like; NULL: none of that family. */
struct pool_wish {
    const struct cv_id *who;
    uint32_t ike;
    const struct cv_addr *v4, *v6;
    bool v4_only, v6_only; /* this one or none: it is who's for good */
};

/* out->attributes is valid until the next call that is given p.
 *
 * Assigns from the named pools (one IPv4, one IPv6 as wanted): the identity's former address
 * when free, else the one wanted if nobody ever had it, else the next never used, else the
 * longest unused; an address for good that no pool has is who's without a lease.
 * CV_ERR_ADDRESS when all are full, or that address is somebody else's now. Counted: the same
 * (ike, identity) twice gives the same lease. */
CV_MUST_USE enum cv_err pools_lease(struct pools *p, const char *const *names, unsigned n,
                                    const struct pool_wish *wish, struct cv_lease *out);
void pools_release(struct pools *p, uint32_t ike);
/* An IKE SA got a new number (rekey, reauthentication by the same identity). */
void pools_rename(struct pools *p, uint32_t ike_old, uint32_t ike_new);

/* ---- over a restart ---- */

/* A lease as the disk has it. */
struct pool_lease {
    const char *pool;
    struct cv_addr addr;
    struct cv_id who;
    bool online;
    uint64_t age; /* in its pool: the higher, the later it was taken or given back */
};

/* Is there any of what follows?  Costs nothing: it is asked after every packet. */
bool pools_changed(const struct pools *p);
/* Takes one of the leases that have changed since they were last taken this way.  The pool's
 * name is valid until the pools change. */
bool pools_next_changed(struct pools *p, struct pool_lease *out);
/* The name of a pool that was unloaded, its leases with it; the caller frees it.  NULL when
 * there is no more. */
char *pools_next_forgotten(struct pools *p);
void pools_touch(struct pools *p); /* all leases have changed: the disk is new */
/* A lease of an earlier life.  They come in the order of their ages, those that were online
 * last.  Of a pool that is not there yet it is kept until that comes. */
void pools_remember(struct pools *p, const struct pool_lease *lease);

/* What the pool leases; false: there is none of that name. */
bool pools_range(const struct pools *p, const char *name, struct cv_addr_range *out);

struct pool_view {
    const char *name;
    struct cv_addr base;
    uint64_t size, online, offline;
};
bool pools_next(const struct pools *p, unsigned *at, struct pool_view *out);
struct lease_view {
    struct cv_addr addr;
    struct cv_id who;
    bool online;
};
bool pools_next_lease(const struct pools *p, const char *pool, unsigned *at,
                      struct lease_view *out);

#endif
