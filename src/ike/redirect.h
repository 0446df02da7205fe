/* Clients that a gateway sends to another one: with IKE_SA_INIT, with IKE_AUTH or later; RFC
 * 5685.
 *
 * Where to go is the host's to find out; the new IKE SA has the children of the old one and
 * says who sent it.  Nobody is sent on for ever.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_REDIRECT_H
#define IKE_REDIRECT_H

#include "ike/exchange.h"

/* Appends to IKE_SA_INIT that we follow, and whose word brought us here. */
void redirect_announce(const struct ike *k, const struct ike_hs *hs, struct ike_chain *c);
/* Does the answer to our IKE_SA_INIT send us away, and does it show that it is one to it? */
bool redirect_in_init(const struct ike *k, const struct ike_hs *hs, const struct ike_msg *m,
                      struct ike_change *ch);
/* The answer of the responder that sends whoever follows away.  False: nobody is sent. */
bool redirect_put_init(const struct cv_conn *conn, const struct ike_msg *request,
                       struct ike_out *out, struct ike_change *ch);
/* In IKE_AUTH or INFORMATIONAL, both of which are authentic.  False: m sends us nowhere. */
bool redirect_read(const struct ike *k, const struct ike_msg *m, struct cv_id *gateway);
void redirect_tell(struct ike *k, struct ike_sa *sa, const struct cv_id *gateway);
void redirect_commit(struct ike *k, struct ike_sa *sa, const struct ike_change *ch);
CV_MUST_USE enum cv_err redirect_start(struct ike *k, struct ike_sa *sa);

CV_MUST_USE enum cv_err redirect_want(struct ike *k, struct ike_sa *sa,
                                      const struct cv_id *gateway);
/* The SA that goes there instead of old. */
CV_MUST_USE enum cv_err redirect_follow(struct ike *k, struct ike_sa *old,
                                        const struct ike_path *path, uint32_t *number);

#endif
