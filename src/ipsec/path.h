/* The way of one SA pair's packets outside: endpoints, protocol and mode, and how large a
 * packet may be (RFC 4301 section 8).
 *
 * A path MTU comes from the configuration or from an ICMP message, which anybody can
 * forge.  A learned one therefore only ever lowers, never below what every link carries,
 * and is forgotten after some ten minutes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_PATH_H
#define IPSEC_PATH_H

#include <culvert/plane.h>

#include "ipsec/esp.h"
#include "wire/ip.h"

struct path {
    struct cv_endpoint local, remote; /* ports for UDP encapsulation */
    uint16_t mtu;                     /* of the path outside, as configured; 0: any */
    uint16_t learned;                 /* as some router said; 0: nothing */
    uint16_t learned_at;              /* path_clock */
    uint16_t mss, tfc;                /* see cv_pair_config */
    bool ah : 1, transport : 1, encap : 1;
    bool df_set : 1, df_clear : 1, df_fitting : 1, split : 1;
};
_Static_assert(sizeof(struct path) <= 52, "part of every pair");

/* The largest packet inside that fits the path; SIZE_MAX when the path has no limit. */
size_t path_inner_mtu(const struct path *path, const struct esp_sa *sa);
/* The same where head octets stay outside, because the packet's own header does. */
size_t path_inner_mtu_behind(const struct path *path, const struct esp_sa *sa, size_t head);

/* Octets to pad an inner packet to (tfc), as far as the path is known to carry them. */
size_t path_padded_len(const struct path *path, const struct esp_sa *sa);

/* Is this an IPv4 packet that does not fit and may be cut before it is sealed? */
bool path_splits(const struct path *path, const struct esp_sa *sa, const struct ip_flow *flow);

/* May this packet go out behind head octets of header, and with DF?  CV_ERR_TOO_BIG: its sender
 * must be told. */
CV_MUST_USE enum cv_err path_check(const struct path *path, const struct esp_sa *sa,
                                   const struct ip_flow *flow, size_t head, bool *df);

/* The path outside is another SA, which carries mtu octets; SIZE_MAX: any. */
void path_set_mtu(struct path *path, size_t mtu);

/* A router, or the host, said that only mtu octets fit; saying it again keeps it for longer.
 * False: it changes nothing. */
bool path_learn(struct path *path, size_t mtu, uint64_t now_ms);
/* Forgets what was learned too long ago. */
void path_age(struct path *path, uint64_t now_ms);

#endif
