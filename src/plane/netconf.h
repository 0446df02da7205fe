/* What the tunnels need of the kernel's network: routes into the TUN device and virtual
 * addresses on it, each with the SAs that want it.
 *
 * Owners are numbers: a Child SA for its routes, an IKE SA for its lease, and for traps one
 * that the caller chooses outside both (NETCONF_TRAP with an index).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_NETCONF_H
#define PLANE_NETCONF_H

#include <errno.h>

#include <culvert/engine.h>

#include "kit/problem.h"
#include "linux/kernel/routes.h"
#include "plane/guard.h"
#include "plane/routeset.h"

#define NETCONF_TRAP (UINT64_C(1) << 32)

struct addr_use;
struct lease_use;

struct netconf {
    struct netlink nl;
    unsigned ifindex;
    bool rule_v4, rule_v6;
    bool install_routes, install_addresses;
    unsigned mtu; /* of the device */
    struct routeset routes;
    struct guard *guard; /* NULL: none; told of every prefix that is routed into the device */
    uint32_t round;      /* of comparing with the kernel */
    struct addr_use *addrs;
    struct lease_use *leases;
    /* told when the kernel refuses */
    void (*note)(void *ctx, const char *text);
    /* a route of this owner is gone and cannot be put back; may be NULL */
    void (*lost)(void *ctx, uint64_t owner);
    void *ctx;
};

/* Sets the device up and the rule for marked packets.  expected: about how many routes. */
bool netconf_open(struct netconf *n, unsigned ifindex, unsigned mtu, bool ipv6,
                  uint32_t expected, struct problem *why);
/* Takes the rule and the addresses back; the routes end with the device. */
void netconf_close(struct netconf *n);

/* Routes to every selector of remote, with a source address out of local: a virtual one,
 * else one of the host's.  Again for the same owner: as if removed before.  mode is a
 * cv_mode: in transport mode packets come to the device whole.  False: the kernel does not take
 * all of them, and packets would go another way. */
bool netconf_add_routes(struct netconf *n, uint64_t owner, const struct cv_ts_list *local,
                        const struct cv_ts_list *remote, uint8_t mode);
void netconf_drop_routes(struct netconf *n, uint64_t owner);

/* What the peer assigned to us: the addresses go on the device, all of it is remembered. */
void netconf_add_lease(struct netconf *n, uint32_t ike, const struct cv_lease *lease);
void netconf_drop_lease(struct netconf *n, uint32_t ike);
void netconf_rename_lease(struct netconf *n, uint32_t ike_old, uint32_t ike_new);
/* ---- what the kernel has of it ----------------------------------------------- */

/* What was missing and is back, and the first errno of what could not be put back. */
struct renewal {
    unsigned restored;
    int err;
};

/* err of something that is put: EEXIST says that it was there. */
static inline void renewal_note(struct renewal *r, int err)
{
    r->restored += err == 0;
    if (err != 0 && err != EEXIST && r->err == 0)
        r->err = err;
}

void netconf_renew_rules(struct netconf *n, struct renewal *r);
void netconf_renew_addresses(struct netconf *n, struct renewal *r);
/* Compares all routes of our table with ours.  last: owners of what cannot be put back lose it.
 */
void netconf_renew_routes(struct netconf *n, bool last, struct renewal *r);
/* The one to that destination alone.  False: it is none of ours. */
bool netconf_renew_route(struct netconf *n, const struct prefix *to, struct renewal *r);
/* The device is another one now, and down. */
int netconf_set_device(struct netconf *n, unsigned ifindex);

void netconf_each_lease(const struct netconf *n,
                        void (*take)(void *ctx, const struct cv_lease *lease), void *ctx);
const struct cv_lease *netconf_lease(const struct netconf *n, uint32_t ike); /* or NULL */

#endif
