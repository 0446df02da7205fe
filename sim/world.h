/* The simulated world: hosts, the network between them, one clock, one PRNG.
 *
 * A run depends on its seed and on the scenario alone.  Invariants are checked as it
 * goes; the first one that breaks is printed with the ladder that led there, and every
 * later check fails.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim/agenda.h"
#include "sim/host.h"
#include "sim/network.h"
#include "sim/prng.h"
#include "sim/stack.h"
#include "sim/trace.h"

/* Sees, and may change, what a host is about to seal. */
typedef void world_mangle_fn(void *ctx, const struct host *h, struct cv_span aad,
                             uint8_t *plain, size_t n);

struct world {
    uint64_t seed;
    struct prng prng;
    struct agenda agenda;
    struct net net;
    struct trace trace;
    struct stack stack;
    struct host **hosts;
    uint32_t n_hosts, cap_hosts;
    net_tap_fn *tap; /* a scenario's own; asked before the strings */
    void *tap_ctx;
    world_mangle_fn *mangle;
    void *mangle_ctx;
    const struct host *active; /* whose engine was called last */
    bool readable;             /* what is sealed may be read on the way: AH, no encryption */
    bool quick;                /* skip the checks that walk every SA after every event */
    bool silent;               /* a broken invariant prints nothing */
    bool failed;               /* an invariant broke; why says which */
    char why[200];
    uint64_t steps;
};

struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* A host with outer addresses 192.0.2.x and 2001:db8::x, inner 10.x.0.1 and
 * 2001:db8:x::1, where x is its number from 1.  Start it with host_start. */
struct host *world_add(struct world *w, const char *name);
/* Puts a host behind a NAT box (made by net_add_nat) before it starts. */
void world_behind_nat(struct world *w, struct host *h, int nat);
/* A NAT box with a public address of its own. */
int world_add_nat(struct world *w, uint32_t timeout_ms);

/* Lets ms of virtual time pass. */
void world_run(struct world *w, uint64_t ms);
/* Until nothing is on its way and no time has to pass. */
void world_settle(struct world *w);
/* Until done says so; false when ms were not enough. */
typedef bool world_done_fn(void *ctx);
bool world_run_until(struct world *w, uint64_t ms, world_done_fn *done, void *ctx);

static inline uint64_t world_now(const struct world *w)
{
    return w->agenda.now_ms;
}

/* Sets delay, jitter, loss and duplication of every host's links. */
void world_set_links(struct world *w, struct net_link link);
void world_fail(struct world *w, const char *format, ...);

/* ---- inner traffic ---- */

/* Flows between the hosts' inner addresses of a family; returns the first's number. */
uint32_t world_flow(struct world *w, const struct host *from, const struct host *to,
                    enum cv_family family);
/* Flows between given addresses. */
uint32_t world_flow_between(struct world *w, const struct host *from, const struct cv_addr *src,
                            const struct host *to, const struct cv_addr *dst);
/* Sends one packet every interval_ms, count times, in the background. */
void world_traffic(struct world *w, uint32_t flow, uint32_t interval_ms, uint32_t count);
/* Sends one packet, and true if its echo is back within a second. */
bool world_ping(struct world *w, uint32_t flow);
/* Packets of a flow that did not arrive. */
uint32_t world_missing(const struct world *w, uint32_t flow);

/* ---- holding the network's strings ---- */

/* From now on every IKE message that h sends is held. */
void world_hold(struct world *w, const struct host *h);
void world_hold_all(struct world *w);
/* New messages go their way again; those that are held stay held. */
void world_unhold(struct world *w);
/* How many messages from h are held. */
unsigned world_held(const struct world *w, const struct host *h);
/* Delivers the oldest (or the n-th) held message from h now, with what follows at once. */
void world_deliver(struct world *w, const struct host *h);
void world_deliver_nth(struct world *w, const struct host *h, unsigned n);
void world_drop(struct world *w, const struct host *h);
/* Stops holding and delivers all that is held, in order. */
void world_release(struct world *w);
/* Loses the n-th (from 0) IKE datagram from h counted from now, once. */
void world_lose_nth(struct world *w, const struct host *h, unsigned n);

#endif
