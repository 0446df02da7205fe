/* What must not leave but by the tunnel, as nf_tables is told: the prefixes that are routed
 * into the device, and the shunts.  Routes and rules can be taken away by anybody; until they
 * are back, nothing of it leaves in the clear.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_GUARD_H
#define PLANE_GUARD_H

#include "kit/problem.h"
#include "linux/kernel/nft_guard.h"
#include "plane/routeset.h"

struct guard {
    struct netlink nl;
    struct nft_guard table;
    bool on;                /* the table stands */
    bool looked_up[2][129]; /* IPv6, length: the table has a rule for it */
    struct routeset kept;   /* outlives: was protected, and no tunnel has it now */
    uint32_t n_kept;
    /* told when the kernel refuses */
    void (*note)(void *ctx, const char *text);
    void *ctx;
};

void guard_init(struct guard *g);
/* device is ours; pattern (tun_name) covers those of other daemons, whose tunnels are none of
 * our business.  outlives: the table stays when we end, and what it held is held until a tunnel
 * takes it.  False: this kernel cannot; the problem says what that means. */
bool guard_start(struct guard *g, const char *device, const char *pattern, bool outlives,
                 struct problem *why);
void guard_stop(struct guard *g);
/* Of a daemon that is gone: takes the table of that device away.  0 or an errno. */
int guard_unblock(const char *device);

void guard_protect(struct guard *g, const struct prefix *to);
void guard_release(struct guard *g, const struct prefix *to);
void guard_shunt(struct guard *g, const struct route_shunt *s);
void guard_forget_shunts(struct guard *g);

bool guard_stands(struct guard *g); /* or is not in use */
/* Somebody has taken the table, or some of it: all of it again, but for the shunts. */
bool guard_renew(struct guard *g, const struct routeset *routes);

#endif
