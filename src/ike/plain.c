/* Messages outside of SK; see plain.h.  RFC 7296 section 3.1.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/plain.h"

enum {
    PART_OFFSET = 6, /* length and marker before each datagram in a message buffer */
    NEXT_AT = 16,
    LENGTH_AT = 24
};

enum cv_err plain_begin(struct plain *x, struct msgs *m, uint32_t slot, const struct ike_hdr *h)
{
    x->slot = slot;
    if (slot == POOL_NONE)
        return CV_ERR_FULL;
    x->w = wr_init(msg_at(m, slot)->data, m->cap);
    msg_part_begin(&x->w, &x->at);
    ike_put_hdr(&x->w, h);
    x->chain = ike_chain_init(&x->w, PART_OFFSET + NEXT_AT);
    return CV_OK;
}

enum cv_err plain_end(struct plain *x, struct msgs *m)
{
    wr_patch_u32(&x->w, PART_OFFSET + LENGTH_AT, (uint32_t)(x->w.n - PART_OFFSET));
    msg_part_end(&x->w, x->at, msg_at(m, x->slot));
    if (wr_ok(&x->w))
        return CV_OK;
    msg_unref(m, &x->slot);
    return CV_ERR_TOO_BIG;
}
