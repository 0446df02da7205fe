/* Room for those who come, at the expense of those whom nobody would miss.
 *
 * When the table of IKE SAs or that of handshakes runs out, these give way, in this order: SAs
 * that are closed and only repeat their last response, SAs that were rekeyed and that the peer
 * forgot to delete, half-open SAs whose peer has not said who it is, of the busiest source or
 * stale.  An eighth of the handshakes is for SAs that are up, so that they can rekey whoever
 * comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_YIELD_H
#define IKE_YIELD_H

#include "ike/sa.h"

/* For a first message from there: false when nobody gives way, and it has to be sent again. */
CV_MUST_USE bool yield_for_newcomer(struct ike *k, const struct cv_addr *newcomer);

#endif
