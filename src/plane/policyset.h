/* What children, traps and shunts put into the engine's ordered table, by owner.
 *
 *     priority        of a shunt's own, 1 to POLICY_FIXED_MAX
 *     POLICY_PASS     pass, narrower selectors first
 *     CV_PRIORITY_SA  all SAs, and behind them traps, narrower first
 *     POLICY_DROP     drop, narrower selectors first
 *     POLICY_CLEAR    what a route into the device catches beside what it is there for
 *
 * Owners are netconf's numbers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_POLICYSET_H
#define PLANE_POLICYSET_H

#include <culvert/engine.h>

#define POLICY_PASS UINT32_C(0x40000000)
#define POLICY_DROP UINT32_C(0xc0000000)
#define POLICY_CLEAR UINT32_C(0xfffffff0)

struct policy_use;

struct policyset {
    struct cv_engine *engine;
    struct policy_use **by_owner; /* chained hash table */
    uint32_t mask;                /* buckets - 1 */
    uint64_t seed[2];
    /* told when the engine refuses */
    void (*note)(void *ctx, const char *text);
    void *ctx;
};

/* expected: about how many policies there will be. */
void policyset_init(struct policyset *s, struct cv_engine *engine, uint32_t expected);
/* Forgets all owners; the engine goes too. */
void policyset_free(struct policyset *s);

void policyset_add(struct policyset *s, uint64_t owner, const struct cv_policy *policy);
void policyset_drop(struct policyset *s, uint64_t owner);

/* Traffic between every two selectors is to be protected; cookie tells the owner which. */
void policyset_protect(struct policyset *s, uint64_t owner, const struct cv_ts_list *local,
                       const struct cv_ts_list *remote, uint32_t cookie);
/* Routes know addresses only: what else flows between the same addresses, of this protocol (0:
 * any), goes around the tunnel.  Fragments that show no ports may be of what the selectors
 * name; unless they may go, too, they are dropped. */
void policyset_rest(struct policyset *s, uint64_t owner, const struct cv_ts *local,
                    const struct cv_ts *remote, uint8_t proto, bool fragments);
/* The same, without fragments, for each two selectors of child that name a protocol or ports.
 * Not for those that the peer has narrowed: all of it was to be protected here. */
void policyset_narrow(struct policyset *s, uint64_t owner, const struct cv_child_config *child,
                      const struct cv_ts_list *local, const struct cv_ts_list *remote);

/* 0 is a single address and port on both sides; the wider the more. */
uint32_t policy_width(const struct cv_ts *local, const struct cv_ts *remote);

#endif
