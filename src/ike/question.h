/* Questions to the host: each has a number of its own and a deadline, and waits until it is
 * answered, overdue, or its IKE SA ends.
 *
 * A number is used once in four billion questions, so that an answer that comes late, twice
 * or for an SA that is gone finds nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_QUESTION_H
#define IKE_QUESTION_H

#include "ike/sa.h"

/* Puts a question of this kind (CV_NEED_*) about sa, whose handshake waits from now on; the
 * caller fills in what it shows.  NULL when there is no room. */
struct effect_slot *question_put(struct ike *k, const struct ike_sa *sa, uint8_t kind);
/* The SA whose handshake waits for just this one; NULL when none does. */
struct ike_sa *question_sa(struct ike *k, uint32_t number, uint8_t kind);
/* When the host's time is up; TIMER_NEVER when sa has asked nothing. */
uint64_t question_due(const struct ike *k, const struct ike_sa *sa);
/* What sa has asked, if anything, is answered, overdue, or no longer of interest. */
void question_end(struct ike *k, const struct ike_sa *sa);
void question_drop(struct ike *k, struct ike_hs *hs);

#endif
