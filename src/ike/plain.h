/* Messages outside of SK: IKE_SA_INIT and the answers that leave no state behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_PLAIN_H
#define IKE_PLAIN_H

#include "peer/msg.h"
#include "wire/ike.h"

/* A message being written into a buffer of the pool, which plain_begin takes over. */
struct plain {
    struct wr w;
    struct ike_chain chain;
    size_t at;     /* of the datagram in w */
    uint32_t slot; /* the buffer */
};

/* CV_ERR_FULL when slot is POOL_NONE. */
CV_MUST_USE enum cv_err plain_begin(struct plain *x, struct msgs *m, uint32_t slot,
                                    const struct ike_hdr *h);
/* CV_ERR_TOO_BIG: it did not fit, and the buffer has been given back. */
CV_MUST_USE enum cv_err plain_end(struct plain *x, struct msgs *m);

#endif
