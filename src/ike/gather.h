/* The fragments of one message that an IKE SA gathers, RFC 7383 section 2.6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_GATHER_H
#define IKE_GATHER_H

#include "ike/sa.h"

/* The plaintext of a message: first says what its first payload is. */
struct gathered {
    struct cv_span octets;
    uint8_t first;
    bool whole;
};

/* Takes the authentic fragment m of message h, whose octets are in p; the last one makes p the
 * whole message. */
CV_MUST_USE enum cv_err gather_add(struct ike *k, struct ike_sa *sa, const struct ike_hdr *h,
                                   const struct ike_msg *m, struct gathered *p);
/* Gives up what is incomplete, if anything is. */
void gather_end(struct ike *k, struct ike_sa *sa);
/* When a message of which parts are missing is given up; TIMER_NEVER: there is none. */
uint64_t gather_due(const struct ike *k, const struct ike_sa *sa);

#endif
