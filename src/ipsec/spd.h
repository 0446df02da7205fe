/* The selectors of every pair, and the way from an outbound packet to its pair (RFC
 * 4301 sections 4.4.1 and 5.1).
 *
 * Outbound pairs are found by the packet's destination: a hash table keyed with the
 * longest prefix that a remote selector's addresses share, probed from the longest
 * prefix in use to the shortest.  A host address is one probe; a lookup never costs
 * more than the number of different prefix lengths.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_SPD_H
#define IPSEC_SPD_H

#include <stdbool.h>
#include <stdint.h>

#include <culvert/types.h>

#include "base/arena.h"
#include "base/pool.h"
#include "ident/lengths.h"
#include "ident/selector.h"

/* A typical pair takes one cell, for its peer: our own side's list is shared with the
 * pair installed before when it is the same, as for all tunnels of one connection. */
enum { SPD_CELLS_PER_PAIR = 2 };

/* Cells carved on top: as many as one pair may need at most.  A device that knows its
 * selectors builds with fewer. */
#ifndef SPD_CELLS_SPARE
#define SPD_CELLS_SPARE (2 * CV_TS_MAX)
#endif

/* One selector in a list. */
struct spd_cell {
    struct cv_ts ts;
    uint8_t prefix, narrow; /* selector_prefix, selector_narrow */
    uint32_t next;          /* in its list; POOL_NONE at the end */
    uint32_t chain;         /* remote: next in its bucket */
    union {
        uint32_t pair; /* remote: whose it is */
        uint32_t refs; /* first of a local list: how many pairs share it */
    } u;
};

struct spd_pair {
    uint32_t local, remote; /* first cells */
    bool out;               /* in the outbound index */
};

struct spd {
    struct spd_cell *cells;
    struct pool pool;
    struct spd_pair *pairs;
    uint32_t *buckets; /* heads of chains */
    uint32_t mask;     /* buckets - 1 */
    uint32_t last;     /* local list of the pair installed last; POOL_NONE */
    uint32_t n_out;    /* cells in the index */
    uint64_t seed[2];
    struct lengths prefixes[2]; /* in the index, IPv4 and IPv6 */
};

void spd_init(struct spd *s, struct arena *a, uint32_t n_pairs, const uint64_t seed[2]);

/* Stores the selectors of pair i, which has none.  False: no cells left. */
bool spd_put(struct spd *s, uint32_t i, const struct cv_ts_list *local,
             const struct cv_ts_list *remote);
void spd_drop(struct spd *s, uint32_t i);
void spd_get(const struct spd *s, uint32_t i, struct cv_ts_list *local,
             struct cv_ts_list *remote);

/* Puts pair i in the outbound index, before others with equal selectors.  Idempotent. */
void spd_use_out(struct spd *s, uint32_t i);
void spd_stop_out(struct spd *s, uint32_t i);

/* The pair for an outbound packet: the most specific remote selector, then the most
 * specific local one, then the pair used last.  POOL_NONE: none. */
uint32_t spd_find_out(const struct spd *s, const struct ip_flow *flow);
/* The same among all pairs but those n. */
uint32_t spd_find_other(const struct spd *s, const struct ip_flow *flow, const uint32_t *but,
                        unsigned n);

/* Steps of a lookup that will come soon; each reads what the one before has fetched.
 * spd_expect_bucket: of the longest prefix in use, POOL_NONE where there is none; its first
 * cell, or POOL_NONE; whose that is. */
uint32_t spd_expect_bucket(const struct spd *s, const struct ip_flow *flow);
uint32_t spd_expect_cell(const struct spd *s, uint32_t bucket);
uint32_t spd_pair_of(const struct spd *s, uint32_t cell);
/* Where pair i's selectors are; then these themselves. */
void spd_expect_lists(const struct spd *s, uint32_t i);
void spd_expect_selectors(const struct spd *s, uint32_t i);

/* May pair i carry this inner packet inbound?  RFC 4301 section 5.2, step 4. */
bool spd_allows_in(const struct spd *s, uint32_t i, const struct ip_flow *flow);

/* Does a selector of pair i name the group (addr_is_group) that flow goes to? */
bool spd_names_group(const struct spd *s, uint32_t i, const struct ip_flow *flow, bool inbound);

#endif
