/* What both roles of IKE_SA_INIT share; RFC 7296 section 1.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_INIT_H
#define IKE_INIT_H

#include "ike/exchange.h"
#include "ike/plain.h"

/* Two ends that are about to have an SA. */
struct init_ends {
    const struct cv_conn *conn;
    const uint8_t *spi_i, *spi_r;
    const struct cv_endpoint *local, *remote;
    const struct ike_msg *request; /* of the other one; NULL: ours comes first */
};

struct init_ends init_ends_of(const struct peer *p);
/* Appends what both sides announce: NAT detection, fragments, hash algorithms. */
void init_put_natd(const struct ike *k, struct ike_chain *c, const struct init_ends *ends);
void init_put_abilities(const struct ike *k, struct ike_chain *c, const struct init_ends *ends);
/* Commit: notes what the peer announces; spi_r as it was when the peer wrote m.  True: it looks
 * for NATs, too. */
bool init_note_abilities(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                         const struct ike_msg *m, const uint8_t spi_r[IKE_SPI_LEN]);
/* SKEYSEED and the keys of the SA that ch plans. */
CV_MUST_USE enum cv_err init_keys(const struct ike *k, struct ike_change *ch,
                                  struct cv_span secret, struct cv_span ni, struct cv_span nr);
/* Commit: suite and keys. */
void init_commit_keys(struct ike_sa *sa, struct ike_hs *hs, const struct ike_change *ch);

/* What comes before the rules, init_responder.c: form, repetition, cookies, load. */
CV_MUST_USE enum cv_err init_gate(struct ike *k, struct ike_in *in); /* fills in->proven */
/* Answers with a cookie, which is CV_ERR_IKE_COOKIE. */
CV_MUST_USE enum cv_err init_ask_cookie(struct ike *k, const struct ike_in *in);
CV_MUST_USE enum cv_err init_form(struct ike *k, const struct ike_in *in);
void init_refuse_critical(struct ike *k, const struct ike_in *in, uint8_t type);

#endif
