/* Owns the gathering of one IKE message's fragments.
 *
 * Invariant: got is the number of bits in have, all below total; the octets of every fragment
 * in have lie inside the first used octets of the buffer.  RFC 7383 section 2.6.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/frag.h"

#include <string.h>

static bool frag_has(const struct frag *f, uint16_t no)
{
    return (f->have >> (no - 1) & 1) != 0;
}

enum cv_err frag_add(struct frag *f, uint8_t *buf, size_t cap, uint32_t msg_id, uint16_t no,
                     uint16_t total, uint8_t first, struct cv_span plain, bool *complete)
{
    bool same = f->total != 0 && f->msg_id == msg_id;

    *complete = false;
    if (no == 0 || no > total || (same && total < f->total))
        return CV_ERR_IKE_FRAGMENT;
    if (total > FRAGS_MAX || plain.n > UINT16_MAX)
        return CV_ERR_LIMIT;
    /* RFC 7383 section 2.6.1: a larger total means that the peer made new, smaller fragments;
     * the old ones are dropped. */
    if (!same || total > f->total) {
        memset(f, 0, sizeof(*f));
        f->msg_id = msg_id;
        f->total = total;
    }
    if (!frag_has(f, no)) {
        if (f->used > cap || plain.n > cap - f->used)
            return CV_ERR_LIMIT;
        if (plain.n != 0)
            memcpy(buf + f->used, plain.p, plain.n);
        f->off[no - 1] = f->used;
        f->len[no - 1] = (uint16_t)plain.n;
        f->used += (uint32_t)plain.n;
        f->have |= UINT64_C(1) << (no - 1);
        f->got++;
        if (no == 1)
            f->first = first;
    }
    *complete = f->got == f->total;
    return CV_OK;
}

size_t frag_assemble(const struct frag *f, const uint8_t *buf, uint8_t *out, size_t cap)
{
    size_t n = 0;

    if (f->total == 0 || f->got != f->total || f->used > cap)
        return 0;
    for (unsigned i = 0; i < f->total; i++) {
        memcpy(out + n, buf + f->off[i], f->len[i]);
        n += f->len[i];
    }
    return n;
}
