/* Choosing a proposal, RFC 7296 section 2.7 and 3.3.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IDENT_PROPOSAL_H
#define IDENT_PROPOSAL_H

#include <culvert/engine.h>
#include <culvert/policy.h>

#include "wire/ike.h"

struct proposal_choice {
    uint8_t number; /* the peer's proposal number, to be echoed */
    uint8_t protocol;
    struct cv_span spi; /* the peer's SPI */
    struct cv_suite suite;
};

/* What of a peer's proposals is looked at.  charon's default is two with some forty transforms
 * each, libreswan's four with some fifteen, and Windows sends up to eighteen of four; what is
 * beyond is as if it were not there. */
enum { OFFERED_PROPOSALS = 32, OFFERED_TRANSFORMS = 128 };

/* One proposal, and which transforms of the whole offer are its. */
struct offered_proposal {
    uint8_t number, protocol;
    bool foreign;     /* it has a transform type that its protocol does not have */
    uint8_t types;    /* bit set of the transform types that it has */
    uint16_t from, n; /* transforms */
    struct cv_span spi;
};

/* A peer's proposals, read once however many sets of ours they are compared with.  Only
 * transforms that we can do are kept, each once: what is looked up has a bound. */
struct offered {
    unsigned n, n_transforms;
    struct offered_proposal p[OFFERED_PROPOSALS];
    struct cv_transform t[OFFERED_TRANSFORMS];
};

/* sa is a body that ike_check_sa accepted.  crypto NULL: every transform is kept. */
void proposal_read(struct offered *out, const struct cv_crypto *crypto, struct cv_span sa);

/* The responder's choice: for each of ours in order of preference, the first of the
 * peer's proposals in which every transform type agrees.  ke_hint: with several
 * acceptable groups prefer this one (the KE payload's; 0: none).  want_ke false: KE transforms
 * are left out of both (the Child SA of IKE_AUTH; RFC 7296 section 1.2).  CV_ERR_NO_PROPOSAL
 * when nothing fits. KE NONE (or no KE on our side) fits KE NONE or none on theirs.  AEAD needs
 * no INTEG: absent or NONE. ESP and AH without an ESN transform are refused
 * (RFC 7296 section 3.3.3). */
CV_MUST_USE enum cv_err proposal_choose(struct proposal_choice *out,
                                        const struct offered *theirs,
                                        const struct cv_proposal *ours, unsigned n_ours,
                                        bool want_ke, uint16_t ke_hint);
/* Both at once. */
CV_MUST_USE enum cv_err proposal_select(struct proposal_choice *out,
                                        const struct cv_crypto *crypto,
                                        const struct cv_proposal *ours, unsigned n_ours,
                                        struct cv_span sa, bool want_ke, uint16_t ke_hint);

/* The initiator's check of an answer: exactly one proposal, one transform a type, each
 * offered by us.  CV_ERR_SYNTAX or CV_ERR_NO_PROPOSAL otherwise. */
CV_MUST_USE enum cv_err proposal_check_answer(struct proposal_choice *out,
                                              const struct cv_proposal *ours, unsigned n_ours,
                                              struct cv_span sa, bool want_ke);

/* The proposal that says exactly this suite; for answers. */
void proposal_from_suite(struct cv_proposal *out, uint8_t protocol,
                         const struct cv_suite *suite, bool with_ke);

/* A copy of p without KE transforms (Child SAs of IKE_AUTH). */
void proposal_without_ke(struct cv_proposal *out, const struct cv_proposal *p);

/* First KE group of the list; CV_KE_NONE when there is none. */
uint16_t proposal_first_ke(const struct cv_proposal *p, unsigned n);
bool proposal_has_ke(const struct cv_proposal *p, unsigned n, uint16_t ke);

/* Appends a whole SA body: every proposal with numbers from 1 and the same spi. */
void proposal_put_sa_body(struct wr *w, const struct cv_proposal *p, unsigned n,
                          struct cv_span spi, bool with_ke);
/* Appends the one-proposal body of an answer. */
void proposal_put_answer(struct wr *w, const struct proposal_choice *c, struct cv_span our_spi,
                         bool with_ke);

#endif
