/* The IPsec data plane of one engine: SA pairs, SAD, SPD, ESP, AH (RFC 4301 to 4303).
 *
 * An ipsec_pair is the hot half of one Child SA: both SAs, selectors, counters.
 * The engine owns the cold half (ike/child.h) under the same index.  Nothing in a pair
 * changes before a packet is authentic.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_IPSEC_H
#define IPSEC_IPSEC_H

#include <culvert/crypto.h>
#include <culvert/packet.h>
#include <culvert/plane.h>
#include <culvert/policy.h>

#include "base/arena.h"
#include "base/htab.h"
#include "base/pool.h"
#include "ipsec/path.h"
#include "ipsec/policy.h"

struct ipsec; /* plane.h: tables, counters */

/* The SAs that a packet went through, in its order, and what each noticed. */
struct ipsec_way {
    unsigned n;
    uint32_t pair[CV_NESTED_MAX];
    unsigned notices[CV_NESTED_MAX]; /* bit sets of cv_notice */
};

extern const struct cv_plane ipsec_as_plane; /* its context is a struct ipsec */

enum { IPSEC_HOT_DEFAULT = 65536, IPSEC_AHEAD_MAX = 32 };

/* A device with a pair or two builds with 0: nobody looks ahead there. */
#ifndef IPSEC_AHEAD
#define IPSEC_AHEAD 1
#endif

/* Carves the tables for n_pairs pairs from the arena (first call counts, second builds)
 * and returns the plane; NULL while counting.  n_hot: keys that are expanded at one time, two
 * for each pair in use (hot.h); 0: those of every pair, up to IPSEC_HOT_DEFAULT. */
struct ipsec *ipsec_init(struct arena *a, uint32_t n_pairs, uint32_t n_hot,
                         const struct cv_crypto *crypto, const uint64_t hash_seed[2]);
/* Room for n policies, after ipsec_init in the same arena; p is NULL while counting. */
void ipsec_carve_policies(struct ipsec *p, struct arena *a, uint32_t n);
void ipsec_close(struct ipsec *p); /* frees and wipes every key */

/* Octets of keying material per direction for this suite, of AH when encr is 0; 0: not
 * supported. */
size_t ipsec_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite);

/* Installs pair i (below n_pairs, free).  On failure nothing has changed: CV_ERR_ARGUMENT
 * (key length, SPI zero or taken, selectors), CV_ERR_UNSUPPORTED (protocol, mode, suite),
 * CV_ERR_FULL (selector cells, backend's keys).  What these functions do to a pair is said in
 * culvert/plane.h. */
CV_MUST_USE enum cv_err ipsec_install(struct ipsec *p, uint32_t i,
                                      const struct cv_pair_config *cfg, uint64_t now_ms);
void ipsec_use_out(struct ipsec *p, uint32_t i);
void ipsec_stop_out(struct ipsec *p, uint32_t i);
void ipsec_remove(struct ipsec *p, uint32_t i);
void ipsec_move(struct ipsec *p, uint32_t i, const struct cv_pair_path *path);

/* Goes on where another owner of the SA stopped: the last number sent, the newest received, and
 * which were received before that: bit k of seen is number received - k.  A number sent is only
 * ever raised. */
void ipsec_restore(struct ipsec *p, uint32_t i, uint64_t sent, uint64_t received,
                   const uint32_t *seen, size_t n_words);

/* The largest inner packet that fits pair i's path now; SIZE_MAX: no limit is known.  After
 * CV_ERR_TOO_BIG it is what pmtu_answer tells the sender. */
size_t ipsec_inner_mtu(const struct ipsec *p, uint32_t i);
/* As long as this one, whose own header may stay outside. */
size_t ipsec_inner_mtu_for(const struct ipsec *p, uint32_t i, struct cv_span packet);
/* An ICMP message that the host got, a whole IP packet: a Packet Too Big about a packet of ours
 * lowers that pair's MTU (path.h), for some ten minutes.  Anybody can send one, so at most 8 a
 * second are looked at and what none of our packets explains is refused.  *pair is the pair or
 * POOL_NONE.  CV_ERR_BUSY: too many; CV_ERR_NO_SA; what pmtu_parse refuses. */
CV_MUST_USE enum cv_err ipsec_take_icmp(struct ipsec *p, struct cv_span packet, uint64_t now_ms,
                                        uint32_t *pair);
/* The same where the host knows better: its socket's error queue or IP_MTU. */
void ipsec_learn_mtu(struct ipsec *p, uint32_t i, size_t mtu, uint64_t now_ms);

uint32_t ipsec_find_spi(const struct ipsec *p, uint32_t spi_in); /* POOL_NONE when absent */
enum cv_child_drop ipsec_drop_kind(enum cv_err err); /* under which a pair counts it */
struct cv_endpoint ipsec_remote(const struct ipsec *p, uint32_t i); /* where it sends now */
const struct cv_pair_counters *ipsec_counters(const struct ipsec *p, uint32_t i);
void ipsec_ts(const struct ipsec *p, uint32_t i, struct cv_ts_list *local,
              struct cv_ts_list *remote);

/* The pair of the outbound packet between the first addresses and ports of two selectors, or
 * between the last; POOL_NONE. */
uint32_t ipsec_find_between(const struct ipsec *p, const struct cv_ts *local,
                            const struct cv_ts *remote, bool last);

/* Policies (policy.h), by number.  Without any, what has an SA is protected, an outbound packet
 * without one is CV_ERR_NO_TUNNEL, and an inbound one in the clear may pass. */
CV_MUST_USE enum cv_err ipsec_policy_add(struct ipsec *p, const struct cv_policy *policy,
                                         uint32_t *number);
void ipsec_policy_remove(struct ipsec *p, uint32_t number);
/* The first policy for an IP packet in this direction, or NULL.  After CV_ERR_NO_TUNNEL its
 * cookie says what to negotiate. */
const struct cv_policy *ipsec_policy_find(const struct ipsec *p, uint8_t direction,
                                          struct cv_span packet);

/* One ESP packet at pkt->off (SPI first), or the IP packet around an AH.  On success the inner
 * IP packet is at pkt->off, len octets, and the verdict CV_DELIVER; a dummy packet is CV_TAKEN.
 * Otherwise CV_DROP and pkt->err.  An inner packet that is one of a nested pair's is opened in
 * its turn; one that came by itself is CV_ERR_ENCAP. */
void ipsec_in(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, struct ipsec_way *way);
/* One inner IP packet, or CV_SPLIT.  On success the ESP packet, or the IP packet with AH, is at
 * pkt->off with carrier, local, remote, tos and df set and the verdict CV_TRANSMIT.  Policy may
 * say CV_BYPASS, CV_ERR_DISCARD, or, where it has no entry, CV_ERR_NO_POLICY.
 *
 * Both ways, a multicast or broadcast destination needs a selector that names such addresses
 * alone, else CV_ERR_MULTICAST.
 *
 * A nested pair's packet for which no other pair is there is CV_ERR_NO_TUNNEL, and pkt is that
 * packet: policy may bring the other one up.  Above CV_NESTED_MAX it is CV_ERR_LIMIT. */
void ipsec_out(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, struct ipsec_way *way);
/* n packets will come to ipsec_in, or to ipsec_out: what they will need is fetched meanwhile,
 * for the first IPSEC_AHEAD_MAX of them.  Changes nothing; with few pairs it does nothing. */
void ipsec_ahead_in(const struct ipsec *p, const struct cv_packet *pkts, size_t n);
void ipsec_ahead_out(const struct ipsec *p, const struct cv_packet *pkts, size_t n);
/* The same by this pair, whatever the SPD says. */
void ipsec_out_by(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t pair,
                  struct ipsec_way *way);
/* The pair that an outbound IP packet would take if it were not for those n; POOL_NONE. */
uint32_t ipsec_find_other(const struct ipsec *p, struct cv_span packet, const uint32_t *but,
                          unsigned n);
/* One IP packet that came in the clear.  CV_BYPASS: it may pass.  CV_DROP: CV_ERR_CLEARTEXT
 * when policy or an SA protects it, *pair being the SA it should have come by or POOL_NONE;
 * CV_ERR_DISCARD; or what ip_parse refuses. */
void ipsec_clear(struct ipsec *p, struct cv_packet *pkt, uint64_t now_ms, uint32_t *pair,
                 unsigned *notices);

#endif
