/* The Encrypted payload and its fragments, RFC 7296 section 3.14, RFC 5282, RFC 7383.
 *
 * The IV of an AEAD (and of CTR) is (message ID, response, number of fragments, fragment
 * number), unique by construction under one direction's key; a CBC IV is random.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_SK_H
#define IKE_SK_H

#include "base/span.h"
#include "ike/keymat.h"
#include "wire/ike.h"

/* Octets that one sealed message has beyond its plaintext, header included, at most. */
size_t sk_overhead(const struct ike_algs *algs, bool fragment);
/* Most plaintext octets in one fragment so that the whole IKE message is at most max
 * octets; 0 when max is too small. */
size_t sk_fragment_room(const struct ike_algs *algs, size_t max);

/* One message on its way out. */
struct sk_message {
    struct ike_hdr hdr; /* its next and length are set by sealing */
    uint8_t first;      /* type of the first inner payload; 0 in fragments after the first */
    uint16_t no, total; /* of a fragment; 0: it is whole */
    struct cv_span plain;
};

/* Appends a whole protected IKE message: header, SK with m->plain inside.  The message begins
 * at w->n, be it 0 or not. */
CV_MUST_USE enum cv_err sk_seal(struct wr *w, const struct cv_crypto *crypto,
                                const struct ike_algs *algs, const struct sk_keys *keys,
                                const struct sk_message *m);
/* The same for fragment m->no of m->total, SKF. */
CV_MUST_USE enum cv_err sk_seal_fragment(struct wr *w, const struct cv_crypto *crypto,
                                         const struct ike_algs *algs,
                                         const struct sk_keys *keys,
                                         const struct sk_message *m);

/* Checks and decrypts in place; msg is the whole IKE message (n octets) that m was parsed
 * from, m has SK or SKF.  plain is the inner chain without padding.  CV_ERR_IKE_AUTHENTIC when
 * the integrity check fails, CV_ERR_SYNTAX when authentic but padding lies. */
CV_MUST_USE enum cv_err sk_open(uint8_t *msg, size_t n, const struct ike_msg *m,
                                const struct ike_algs *algs, const struct sk_keys *keys,
                                struct cv_span *plain);

#endif
