/* Shunt policies, mode = pass and drop: traffic that goes around all tunnels, or nowhere when
 * no tunnel takes it.  The kernel's routing rules carry them out; where rules cannot tell, they
 * lead into the device, and the engine's policies do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_SHUNTS_H
#define PLANE_SHUNTS_H

#include "config/config.h"
#include "linux/kernel/routes.h"
#include "plane/netconf.h"
#include "plane/policyset.h"

struct shunt_use;

struct shunts {
    struct netlink *nl; /* NULL: no rules */
    unsigned ifindex;
    struct policyset *policies;
    struct guard *guard; /* NULL: none; told of every rule */
    struct shunt_use *uses;
    bool ipv6;
    struct cv_addr peer; /* the last that gave us an address; family 0: none */
    bool past[2][2];     /* family, first: the rules that let our own packets past */
    void (*note)(void *ctx, const char *text);
    void *ctx;
};

/* One of a connection's. */
void shunts_install(struct shunts *s, const struct cv_child_config *child);
void shunts_uninstall(struct shunts *s, const struct cv_child_config *child);
/* Installs those shunts of a connection that have a start_action. */
void shunts_add(struct shunts *s, const struct conn *c);
void shunts_remove(struct shunts *s, const struct conn *c);
/* The device gets an address from this peer.  What goes around the tunnel must not carry it. */
void shunts_outside(struct shunts *s, const struct cv_addr *peer);
/* All rules and ways into the device that the kernel lacks, and the guard's rules from the
 * beginning when it has lost them. */
void shunts_renew(struct shunts *s, bool guard_too, struct renewal *r);
void shunts_clear(struct shunts *s);

#endif
