/* What both roles of IKE_AUTH share; RFC 7296 sections 1.2, 2.15, 2.16.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_AUTH_H
#define IKE_AUTH_H

#include "ike/exchange.h"

/* Our own proof, as the host or its secret made it. */
struct auth_proof {
    uint8_t method; /* cv_auth_method */
    struct cv_span data;
    const struct cv_span *certs;
    unsigned n_certs;
    const struct cv_cert_word *words;
    unsigned n_words;
    uint8_t mac[CV_PRF_MAX]; /* data, with a shared secret */
};

/* From the host's answer; or why there is none. */
CV_MUST_USE enum cv_err auth_prove(const struct ike *k, const struct ike_sa *sa,
                                   const struct ike_in *in, struct auth_proof *proof);
/* Has the peer proven who it is, as the host's answer says? */
CV_MUST_USE enum cv_err auth_check_peer(const struct ike *k, const struct ike_sa *sa,
                                        const struct ike_answer *answer, uint8_t kind);
/* The question about a peer that uses this method: CV_NEED_*; 0: conn does not accept it. */
uint8_t auth_question(const struct cv_conn *conn, uint8_t method);
/* The question that makes us prove who we are. */
uint8_t auth_own_question(const struct cv_conn *conn);
/* What m says; it proves who its sender is. */
void auth_read(const struct ike *k, struct auth_words *w, const struct ike_msg *m,
               bool from_initiator);

void auth_put_id(struct ike_out *o, uint8_t payload, const struct cv_id *id);
void auth_put_certs(const struct auth_proof *proof, struct ike_out *o);
void auth_put_auth(const struct auth_proof *proof, struct ike_out *o);
/* What we would like to see of the peer's certificates. */
void auth_put_certreq(const struct cv_conn *conn, struct ike_out *o);

/* auth_initiator.c, auth_responder.c: the parts of a commit. */
void initiator_commit_up(struct ike *k, struct ike_sa *sa, struct ike_change *ch);
void responder_settle(struct ike *k, struct ike_sa *sa);

#endif
