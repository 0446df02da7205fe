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

/* Is p a part of what f gathers?  A larger total means that the peer made new, smaller
 * fragments; the old ones are dropped (RFC 7383 section 2.6.1). */
static bool frag_goes_on(const struct frag *f, const struct frag_piece *p)
{
    return f->total != 0 && f->msg_id == p->msg_id && p->total <= f->total;
}

static enum cv_err frag_keep(struct frag *f, uint8_t *buf, size_t cap,
                             const struct frag_piece *p)
{
    const size_t n = p->plain.n;

    if (f->used > cap || n > cap - f->used)
        return CV_ERR_LIMIT;
    if (n != 0)
        memcpy(buf + f->used, p->plain.p, n);
    f->off[p->no - 1] = f->used;
    f->len[p->no - 1] = (uint16_t)n;
    f->used += (uint32_t)n;
    f->have |= UINT64_C(1) << (p->no - 1);
    f->got++;
    if (p->no == 1)
        f->first = p->first;
    return CV_OK;
}

enum cv_err frag_add(struct frag *f, uint8_t *buf, size_t cap, const struct frag_piece *p,
                     bool *complete)
{
    const bool goes_on = frag_goes_on(f, p);
    enum cv_err err = CV_OK;

    *complete = false;
    if (p->no == 0 || p->no > p->total || (goes_on && p->total < f->total))
        return CV_ERR_IKE_FRAGMENT;
    if (p->total > FRAGS_MAX || p->plain.n > UINT16_MAX)
        return CV_ERR_LIMIT;
    if (!goes_on)
        *f = (struct frag){.msg_id = p->msg_id, .total = p->total};
    if (!frag_has(f, p->no))
        err = frag_keep(f, buf, cap, p);
    *complete = err == CV_OK && f->got == f->total;
    return err;
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
