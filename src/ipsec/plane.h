/* The inside of one engine's data plane, shared by the files that are it: ipsec.c (pairs),
 * inbound.c, outbound.c, clear.c (policies), toobig.c (path MTU).  The engine sees ipsec.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_PLANE_H
#define IPSEC_PLANE_H

#include "ipsec/flows.h"
#include "ipsec/hot.h"
#include "ipsec/ipsec.h"
#include "ipsec/lifetime.h"
#include "ipsec/replay.h"
#include "ipsec/sad.h"
#include "ipsec/spd.h"
#include "ipsec/wrap.h"

struct ipsec_pair {
    struct esp_sa in, out;
    struct replay replay;
    struct lifetime life;
    struct cv_pair_counters count;
    struct path path;
    uint32_t id;
    bool used, fixed_remote, nested, clock_seq;
    uint32_t since_s; /* with clock_seq: from here on numbers count milliseconds */
};
_Static_assert(sizeof(struct ipsec_pair) <= 288, "a million of these fit a gateway");

struct ipsec {
    const struct cv_crypto *crypto;
    struct ipsec_pair *pairs;
    struct raw_keys *raw; /* of each pair */
    struct hot hot;
    uint32_t n_pairs, n_nested; /* nested: installed ones */
    struct sad sad;
    struct spd spd;
    struct flows flows;
    struct policies policies;
    struct replay_blocks blocks;
    uint64_t icmp_second; /* the second that icmp_seen belongs to */
    unsigned icmp_seen;
};

/* Pair i when it is installed, or NULL. */
struct ipsec_pair *ipsec_used_pair(struct ipsec *p, uint32_t i);

/* The first policy for flow in this direction, or NULL. */
const struct cv_policy *ipsec_policy_for(const struct ipsec *p, uint8_t direction,
                                         const struct ip_flow *flow);
/* Does policy decide before SA pairs are looked at? */
bool ipsec_is_shunt(const struct cv_policy *policy);

/* Counts a drop of pair's; CV_NOTICE_ALARM when it is worth one. */
unsigned ipsec_count_drop(struct ipsec_pair *pair, enum cv_err err);

/* Is packet an ICMP error about what we sent outside on some pair?  The likely one costs
 * nothing; of the others' errors, at most 8 a second are looked at. */
bool ipsec_is_quoted(struct ipsec *p, uint32_t likely, struct cv_span packet, uint64_t now_ms);

#endif
