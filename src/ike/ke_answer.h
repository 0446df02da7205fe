/* The responder's half of a CREATE_CHILD_SA exchange, RFC 7296 sections 1.3.1, 1.3.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_KE_ANSWER_H
#define IKE_KE_ANSWER_H

#include "ike/exchange.h"

/* What answers the peer's nonce and its half of a key exchange. */
struct ke_answer {
    struct proposal_choice choice; /* it says which key exchange, or none */
    uint8_t nonce[NONCE_LEN];
    const struct cv_ke *ke; /* NULL: none */
    uint8_t pub[CV_KE_PUB_MAX];
    uint8_t secret[CV_KE_SECRET_MAX]; /* until the keys are made: who makes them wipes it */
};

/* To the peer's m, by a->choice. */
CV_MUST_USE enum cv_err ke_answer_make(const struct ike *k, const struct ike_msg *m,
                                       struct ke_answer *a);
/* g^ir (new); empty without a key exchange. */
struct cv_span ke_answer_secret(const struct ke_answer *a);
/* Appends the nonce, and KE. */
void ke_answer_put(const struct ke_answer *a, struct ike_out *out);
/* Refuses instead, and names the group that would do where it was the wrong one. */
void ke_answer_reject(const struct ke_answer *a, enum cv_err err, struct ike_out *out,
                      struct ike_change *ch);

#endif
