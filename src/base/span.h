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

static inline struct cv_span span(const void *p, size_t n)
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

struct rd rd_init(struct cv_span s);
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
void rd_fail(struct rd *r);

uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r); /* network order in, host order out, as all below */
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
struct cv_span rd_take(struct rd *r, size_t n);     /* the next n octets */
struct cv_span rd_rest(struct rd *r);               /* all that is left */
void rd_copy(struct rd *r, uint8_t *out, size_t n); /* zeros out on failure */
struct rd rd_sub(struct rd *r, size_t n);           /* a cursor of the next n octets */
/* IKE blocks: a 16-bit length that counts the seen octets already read before and
 * including the length field itself.  Returns a cursor of the rest of the block; a
 * length below seen or beyond the data is a failure of r, and the result is bad. */
struct rd rd_block16(struct rd *r, size_t seen);

struct wr {
    uint8_t *p;
    size_t n, cap;
    bool bad;
};

struct wr wr_init(uint8_t *p, size_t cap);
static inline bool wr_ok(const struct wr *w)
{
    return !w->bad;
}
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_copy(struct wr *w, const void *p, size_t n);
void wr_span(struct wr *w, struct cv_span s);
void wr_zero(struct wr *w, size_t n);
uint8_t *wr_reserve(struct wr *w, size_t n);          /* n octets to fill, or NULL */
void wr_patch_u8(struct wr *w, size_t at, uint8_t v); /* at must lie in what was written */
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
void wr_patch_u32(struct wr *w, size_t at, uint32_t v);
struct cv_span wr_done(const struct wr *w); /* what was written; empty if bad */

#endif
