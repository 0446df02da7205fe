/* Cursors over octets.  rd reads, wr writes; both carry a sticky failure, so a
 * parser or encoder is a flat list checked once at its end.  This is the only room
 * in the house with pointer arithmetic on untrusted lengths: elsewhere lint knows the
 * few files that may add to a pointer (CONTRIBUTING.md).
 *
 * rd: a getter that finds too little sets bad, empties the cursor and returns 0 (or
 * an empty span), so every later read gives 0 and every loop ends.
 * wr: a putter without room sets bad and writes nothing from then on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <culvert/types.h>

inline struct cv_span span(const void *p, size_t n)
{
    return (struct cv_span){p, n};
}

/* What follows the first n octets of s; empty when there are fewer. */
struct cv_span span_from(struct cv_span s, size_t n);
bool span_equal(struct cv_span a, struct cv_span b); /* not for secrets: see ct_equal */

struct rd {
    const uint8_t *p;
    size_t n;
    bool bad;
};

inline struct rd rd_init(struct cv_span s);
static inline bool rd_ok(const struct rd *r)
{
    return !r->bad;
}
static inline size_t rd_left(const struct rd *r)
{
    return r->n;
}
/* Nothing went wrong and nothing is left. */
static inline bool rd_done(const struct rd *r)
{
    return !r->bad && r->n == 0;
}
inline void rd_fail(struct rd *r);

inline uint8_t rd_u8(struct rd *r);
inline uint16_t rd_u16(struct rd *r); /* network order in, host order out, as all below */
inline uint32_t rd_u32(struct rd *r);
inline uint64_t rd_u64(struct rd *r);
inline struct cv_span rd_take(struct rd *r, size_t n); /* the next n octets */
struct cv_span rd_rest(struct rd *r);                  /* all that is left */
void rd_copy(struct rd *r, uint8_t *out, size_t n);    /* zeros out on failure */
struct rd rd_sub(struct rd *r, size_t n);              /* a cursor of the next n octets */
/* IKE blocks: a 16-bit length that counts the seen octets already read before and
 * including the length field itself.  Returns a cursor of the rest of the block; a
 * length below seen or beyond the data is a failure of r, and the result is bad. */
struct rd rd_block16(struct rd *r, size_t seen);

struct wr {
    uint8_t *p;
    size_t n, cap;
    bool bad;
};

inline struct wr wr_init(uint8_t *p, size_t cap);
static inline bool wr_ok(const struct wr *w)
{
    return !w->bad;
}
inline void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
inline void wr_u32(struct wr *w, uint32_t v);
inline void wr_u64(struct wr *w, uint64_t v);
void wr_copy(struct wr *w, const void *p, size_t n);
void wr_span(struct wr *w, struct cv_span s);
void wr_zero(struct wr *w, size_t n);
inline uint8_t *wr_reserve(struct wr *w, size_t n);   /* n octets to fill, or NULL */
void wr_patch_u8(struct wr *w, size_t at, uint8_t v); /* at must lie in what was written */
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
void wr_patch_u32(struct wr *w, size_t at, uint32_t v);
struct cv_span wr_done(const struct wr *w); /* what was written; empty if bad */

/* ---- in line ----
 * What every packet needs several times.  span.c has the one copy for callers that do not
 * take it in. */

inline struct rd rd_init(struct cv_span s)
{
    return (struct rd){.p = s.p, .n = s.n};
}

inline void rd_fail(struct rd *r)
{
    r->bad = true;
    r->n = 0;
}

/* Steps over n octets and returns where they begin; NULL when there are fewer.  An
 * empty span may have no address, and NULL + 0 is undefined: hence n > 0. */
inline const uint8_t *rd_advance(struct rd *r, size_t n)
{
    const uint8_t *at = r->p;

    if (n > r->n) {
        rd_fail(r);
        return NULL;
    }
    if (n > 0)
        r->p += n;
    r->n -= n;
    return at;
}

/* Written out, these are one instruction each on most processors. */
inline uint32_t span_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *at = rd_advance(r, 1);

    return at != NULL ? at[0] : 0;
}

inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *at = rd_advance(r, 2);

    return at != NULL ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *at = rd_advance(r, 4);

    return at != NULL ? span_get_u32(at) : 0;
}

inline uint64_t rd_u64(struct rd *r)
{
    const uint8_t *at = rd_advance(r, 8);

    return at != NULL ? (uint64_t)span_get_u32(at) << 32 | span_get_u32(&at[4]) : 0;
}

inline struct cv_span rd_take(struct rd *r, size_t n)
{
    const uint8_t *at = rd_advance(r, n);

    return span(at, at != NULL ? n : 0);
}

inline struct wr wr_init(uint8_t *p, size_t cap)
{
    return (struct wr){.p = p, .cap = cap};
}

inline uint8_t *wr_reserve(struct wr *w, size_t n)
{
    uint8_t *at;

    if (w->bad || n > w->cap - w->n) {
        w->bad = true;
        return NULL;
    }
    at = w->n > 0 ? w->p + w->n : w->p;
    w->n += n;
    return at;
}

inline void span_put_u32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16 & 0xff);
    at[2] = (uint8_t)(v >> 8 & 0xff);
    at[3] = (uint8_t)(v & 0xff);
}

/* One store of eight octets, not two of four: who reads all eight next need not wait. */
inline void span_put_u64(uint8_t *at, uint64_t v)
{
    at[0] = (uint8_t)(v >> 56);
    at[1] = (uint8_t)(v >> 48 & 0xff);
    at[2] = (uint8_t)(v >> 40 & 0xff);
    at[3] = (uint8_t)(v >> 32 & 0xff);
    at[4] = (uint8_t)(v >> 24 & 0xff);
    at[5] = (uint8_t)(v >> 16 & 0xff);
    at[6] = (uint8_t)(v >> 8 & 0xff);
    at[7] = (uint8_t)(v & 0xff);
}

inline void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *at = wr_reserve(w, 1);

    if (at != NULL)
        *at = v;
}

inline void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *at = wr_reserve(w, 4);

    if (at != NULL)
        span_put_u32(at, v);
}

inline void wr_u64(struct wr *w, uint64_t v)
{
    uint8_t *at = wr_reserve(w, 8);

    if (at != NULL)
        span_put_u64(at, v);
}

#endif
