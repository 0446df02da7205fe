/* Cursors over octets.  Invariant: p[0..n) of a reader and p[0..cap) of a writer are
 * the caller's memory, n never exceeds it, and after the first failure nothing is
 * read or written any more.  Every move goes through rd_advance or wr_reserve.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <string.h>

extern struct cv_span span(const void *p, size_t n);
extern struct rd rd_init(struct cv_span s);
extern void rd_fail(struct rd *r);
extern const uint8_t *rd_advance(struct rd *r, size_t n);
extern uint32_t span_get_u32(const uint8_t *at);
extern uint8_t rd_u8(struct rd *r);
extern uint16_t rd_u16(struct rd *r);
extern uint32_t rd_u32(struct rd *r);
extern uint64_t rd_u64(struct rd *r);
extern struct cv_span rd_take(struct rd *r, size_t n);
extern struct wr wr_init(uint8_t *p, size_t cap);
extern uint8_t *wr_reserve(struct wr *w, size_t n);
extern void span_put_u32(uint8_t *at, uint32_t v);
extern void span_put_u64(uint8_t *at, uint64_t v);
extern void wr_u8(struct wr *w, uint8_t v);
extern void wr_u32(struct wr *w, uint32_t v);
extern void wr_u64(struct wr *w, uint64_t v);

struct cv_span span_from(struct cv_span s, size_t n)
{
    return n < s.n ? span(s.p + n, s.n - n) : span(NULL, 0);
}

bool span_equal(struct cv_span a, struct cv_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

struct cv_span rd_rest(struct rd *r)
{
    return rd_take(r, r->n);
}

void rd_copy(struct rd *r, uint8_t *out, size_t n)
{
    const uint8_t *at = rd_advance(r, n);

    if (n == 0)
        return;
    if (at != NULL)
        memcpy(out, at, n);
    else
        memset(out, 0, n);
}

struct rd rd_sub(struct rd *r, size_t n)
{
    struct rd sub = rd_init(rd_take(r, n));

    sub.bad = r->bad;
    return sub;
}

struct rd rd_block16(struct rd *r, size_t seen)
{
    size_t len = rd_u16(r);

    if (len < seen) {
        rd_fail(r);
        len = seen;
    }
    return rd_sub(r, len - seen);
}

/* The low n octets of v, most significant first. */
static void put_number(uint8_t *at, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        at[i] = (uint8_t)(v & 0xff);
}

void wr_u16(struct wr *w, uint16_t v)
{
    uint8_t *at = wr_reserve(w, 2);

    if (at != NULL)
        put_number(at, v, 2);
}

void wr_copy(struct wr *w, const void *p, size_t n)
{
    uint8_t *at = wr_reserve(w, n);

    if (at != NULL && n > 0)
        memcpy(at, p, n);
}

void wr_span(struct wr *w, struct cv_span s)
{
    wr_copy(w, s.p, s.n);
}

void wr_zero(struct wr *w, size_t n)
{
    uint8_t *at = wr_reserve(w, n);

    if (at != NULL && n > 0)
        memset(at, 0, n);
}

/* Overwrites n octets at offset at, all of them written before. */
static void wr_patch(struct wr *w, size_t at, uint64_t v, size_t n)
{
    if (w->bad || at > w->n || n > w->n - at) {
        w->bad = true;
        return;
    }
    put_number(w->p + at, v, n);
}

void wr_patch_u8(struct wr *w, size_t at, uint8_t v)
{
    wr_patch(w, at, v, 1);
}

void wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
    wr_patch(w, at, v, 2);
}

void wr_patch_u32(struct wr *w, size_t at, uint32_t v)
{
    wr_patch(w, at, v, 4);
}

struct cv_span wr_done(const struct wr *w)
{
    return w->bad ? span(NULL, 0) : span(w->p, w->n);
}
