/* Message buffers; see msg.h.
 *
 * Invariant: a slot is in use exactly while refs > 0.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "peer/msg.h"

#include <string.h>

enum { PART_HDR = 2, MARKER = 4 };

/* Fragments repeat the IKE and SKF headers, IV, ICV and padding. */
static uint32_t data_cap(uint32_t message_size)
{
    return (message_size + message_size / 8 + 512U) & ~7U;
}

void msgs_carve(struct msgs *m, struct arena *a, uint32_t n, uint32_t message_size)
{
    size_t size = (sizeof(struct msg) + data_cap(message_size) + 15U) & ~(size_t)15U;
    void *slots = arena_take_raw(a, n, size);
    uint32_t *next = arena_take(a, n, sizeof(*next));

    if (next == NULL)
        return;
    m->cap = data_cap(message_size);
    pool_init(&m->pool, slots, next, size, n);
}

uint32_t msg_new(struct msgs *m)
{
    uint32_t i = pool_take(&m->pool);

    if (i != POOL_NONE)
        msg_at(m, i)->refs = 1;
    return i;
}

struct msg *msg_at(const struct msgs *m, uint32_t i)
{
    return pool_at(&m->pool, i);
}

void msg_ref(struct msgs *m, uint32_t i)
{
    if (i != POOL_NONE)
        msg_at(m, i)->refs++;
}

void msg_unref(struct msgs *m, uint32_t *i)
{
    struct msg *b;

    if (*i == POOL_NONE)
        return;
    b = msg_at(m, *i);
    if (--b->refs == 0)
        pool_give(&m->pool, *i);
    *i = POOL_NONE;
}

uint32_t msg_copy(struct msgs *m, struct cv_span s)
{
    uint32_t i;

    if (s.n > m->cap)
        return POOL_NONE;
    i = msg_new(m);
    if (i == POOL_NONE)
        return POOL_NONE;
    if (s.n > 0)
        memcpy(msg_at(m, i)->data, s.p, s.n);
    msg_at(m, i)->len = (uint32_t)s.n;
    return i;
}

struct cv_span msg_octets(const struct msgs *m, uint32_t i)
{
    const struct msg *b = i == POOL_NONE ? NULL : msg_at(m, i);

    return b == NULL ? span(NULL, 0) : span(b->data, b->len);
}

void msg_part_begin(struct wr *w, size_t *at)
{
    *at = w->n;
    wr_zero(w, PART_HDR + MARKER);
}

void msg_part_end(struct wr *w, size_t at, struct msg *m)
{
    if (!wr_ok(w))
        return;
    wr_patch_u16(w, at, (uint16_t)(w->n - at - PART_HDR));
    m->parts++;
    m->len = (uint32_t)w->n;
}

bool msg_next_part(const struct msg *m, uint32_t *at, bool marker, struct cv_span *out)
{
    struct rd r = rd_init(span(m->data, m->len));
    struct cv_span whole;

    rd_take(&r, *at);
    whole = rd_take(&r, rd_u16(&r));
    if (!rd_ok(&r) || whole.n < MARKER)
        return false;
    *at = (uint32_t)(m->len - rd_left(&r));
    *out = marker ? whole : span_from(whole, MARKER);
    return true;
}
