/* What both roles of IKE_SA_INIT share; RFC 7296 section 1.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_INIT_H
#define IKE_INIT_H

#include "ike/exchange.h"
#include "ike/plain.h"

/* Appends what both sides announce: NAT detection, fragments, hash algorithms. */
void init_put_abilities(struct ike *k, struct ike_chain *c, const struct ike_sa *sa);
/* Notes what the peer announces; spi_r as it was when the peer wrote m. */
void init_note_abilities(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                         const struct ike_msg *m, const uint8_t spi_r[IKE_SPI_LEN]);
/* Initiator: a new private key of this group, in place of the one before. */
CV_MUST_USE enum cv_err init_new_ke(struct ike *k, struct ike_hs *hs, uint16_t group);
/* Responder: our answer to the peer's public value, in hs, and the SA's keys. */
CV_MUST_USE enum cv_err init_answer_ke(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                                       struct cv_span peer_pub);
/* Initiator: the SA's keys out of the peer's answer; the private key is used up. */
CV_MUST_USE enum cv_err init_finish_ke(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                                       struct cv_span answer);

/* init_initiator.c */
enum cv_err init_response(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                          const struct ike_path *path);
/* init_responder.c */
enum cv_err init_request(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                         const struct ike_path *path);

#endif
