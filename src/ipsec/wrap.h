/* An inner IP packet and the packet outside that carries it, for one SA: ESP or AH, tunnel
 * or transport mode.  Knows no table and no window.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_WRAP_H
#define IPSEC_WRAP_H

#include "ipsec/ah.h"
#include "ipsec/path.h"

/* A device that will never speak AH builds with 0: all of it then stays out of the image. */
#ifndef IPSEC_AH
#define IPSEC_AH 1
#endif

/* SAs inside SAs (AH around ESP, tunnels in tunnels): 0 leaves them out. */
#ifndef IPSEC_NESTED
#define IPSEC_NESTED 1
#endif

/* What a packet says of itself before anything is authentic. */
struct wrap_head {
    uint32_t spi, seq_low;
    size_t esp_at; /* where it begins in the buffer */
    bool ah;
    struct ah_place at; /* with ah */
};

/* CV_ERR_SHORT, CV_ERR_MALFORMED and what else ah_find refuses; CV_ERR_ENCAP: a carrier for
 * neither protocol. */
CV_MUST_USE enum cv_err wrap_read(const struct cv_packet *pkt, struct wrap_head *head);

/* Could this be a packet of sa?  Looks only. */
CV_MUST_USE enum cv_err wrap_check(const struct path *path, const struct esp_sa *sa,
                                   const struct cv_packet *pkt, const struct wrap_head *head);

/* Authenticates, and decrypts, a packet that passed wrap_check. */
CV_MUST_USE enum cv_err wrap_open(const struct esp_sa *sa, uint64_t seq, struct cv_packet *pkt,
                                  const struct wrap_head *head);

/* Leaves the inner packet, described by flow, from an opened one.  CV_OK with the verdict
 * CV_TAKEN: a dummy packet, and no flow. */
CV_MUST_USE enum cv_err wrap_inner(const struct path *path, struct cv_packet *pkt,
                                   const struct wrap_head *head, struct ip_flow *flow);

/* The last step for an inner packet that policy lets pass: congestion marks, checksum,
 * segment size; the verdict CV_DELIVER. */
CV_MUST_USE enum cv_err wrap_deliver(const struct path *path, const struct esp_sa *sa,
                                     struct cv_packet *pkt, struct ip_flow *flow);

/* An inner packet becomes one of sa's, with carrier, endpoints, tos, df and the verdict
 * CV_TRANSMIT.  Anything but CV_ERR_CRYPTO leaves packet and SA as they were, but for an
 * MSS that was lowered. */
CV_MUST_USE enum cv_err wrap_seal(const struct path *path, struct esp_sa *sa,
                                  struct cv_packet *pkt, const struct ip_flow *flow);

#endif
