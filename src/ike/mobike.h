/* MOBIKE: IKE and Child SAs go on when the addresses of a host change; RFC 4555.
 *
 * Who began the IKE SA decides which addresses are used (section 3.5); the other side follows,
 * its packets only when the peer has shown that it is where it says (section 3.7).  What waits
 * for an answer meanwhile goes out again on the new path, octet for octet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_MOBIKE_H
#define IKE_MOBIKE_H

#include "ike/exchange.h"

/* ---- IKE_AUTH */
/* Appends that conn's SA from local speaks MOBIKE, and our other addresses. */
void mobike_announce(const struct ike *k, const struct cv_conn *conn,
                     const struct cv_addr *local, struct ike_out *out);
void mobike_read_words(struct auth_words *w, const struct ike_msg *m);
/* Commit: the SA is up, and both sides speak it. */
void mobike_commit_up(struct ike *k, struct ike_sa *sa);

/* ---- INFORMATIONAL */
void mobike_put_natd(const struct ike *k, const struct ike_sa *sa, struct ike_out *out);
CV_MUST_USE enum cv_err mobike_request(const struct ike *k, const struct ike_sa *sa,
                                       const struct ike_in *in, struct ike_out *out,
                                       struct ike_change *ch);
void mobike_response(const struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                     struct ike_change *ch);
void mobike_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                   const struct ike_change *ch);

CV_MUST_USE enum cv_err move_start(struct ike *k, struct ike_sa *sa);
CV_MUST_USE enum cv_err tell_start(struct ike *k, struct ike_sa *sa);
CV_MUST_USE enum cv_err prove_start(struct ike *k, struct ike_sa *sa);
/* The SA that replaces another one by a rekey goes on where that one is. */
void mobike_pass_on(struct ike *k, struct ike_sa *from, struct ike_sa *to);
/* What is outstanding has gone unanswered once more. */
void mobike_unanswered(struct ike *k, struct ike_sa *sa);

/* ---- ways.c */
void mobike_set_addresses(struct ike *k, const struct cv_addr *addrs, size_t n);
/* An authentic response came by this path. */
void mobike_heard(struct ike *k, struct ike_sa *sa, const struct ike_path *path);
/* The host says which ways there are. */
void mobike_ways(struct ike *k, struct ike_sa *sa, const struct cv_way *ways, size_t n);
/* The peer's addresses, the one in use first; returns how many. */
size_t mobike_peer_addresses(const struct ike *k, const struct ike_sa *sa, struct cv_addr *out,
                             size_t max);

#endif
