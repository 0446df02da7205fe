/* What both roles of IKE_AUTH share; RFC 7296 sections 1.2, 2.15, 2.16.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_AUTH_H
#define IKE_AUTH_H

#include "ike/exchange.h"

/* The octets that one side signs: its IKE_SA_INIT message, the other's nonce, prf(SK_p, ID).
 * mac has room for CV_PRF_MAX. */
CV_MUST_USE enum cv_err auth_octets(const struct ike *k, const struct ike_sa *sa,
                                    bool initiators, struct cv_span id_body, uint8_t *mac,
                                    struct cv_span parts[3]);
/* Asks the host to prove who we are: next is the state that waits. */
CV_MUST_USE enum cv_err auth_ask_own(struct ike *k, struct ike_sa *sa, enum ike_state next);
/* Asks the host about the peer, whose ID and AUTH are in m. */
CV_MUST_USE enum cv_err auth_ask_peer(struct ike *k, struct ike_sa *sa, const struct ike_msg *m,
                                      enum ike_state next);
/* Appends our CERT payloads, then AUTH, from what the host answered. */
void auth_put_certs(const struct ike *k, const struct ike_hs *hs, struct ike_out *o);
void auth_put_auth(const struct ike *k, const struct ike_hs *hs, struct ike_out *o);
void auth_put_certreq(const struct ike_sa *sa, struct ike_out *o);
/* The peer's decrypted IKE_AUTH message again. */
CV_MUST_USE enum cv_err auth_reparse(const struct ike *k, const struct ike_sa *sa,
                                     struct ike_msg *m);
/* Is it this side that could not do its part?  No word about the peer's identity then. */
bool auth_is_ours(enum cv_err err);
/* AUTH_FAILED event; details stay on this side. */
void auth_failed(struct ike *k, struct ike_sa *sa, enum cv_err err);

/* auth_initiator.c */
void initiator_send(struct ike *k, struct ike_sa *sa);
void initiator_finish(struct ike *k, struct ike_sa *sa, enum cv_err verdict);
/* auth_responder.c */
void responder_verified(struct ike *k, struct ike_sa *sa, enum cv_err verdict);
void responder_signed(struct ike *k, struct ike_sa *sa);
void responder_finish(struct ike *k, struct ike_sa *sa, enum cv_err address);
void responder_fail(struct ike *k, struct ike_sa *sa, enum cv_err err);

#endif
