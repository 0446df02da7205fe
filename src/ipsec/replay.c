/* The anti-replay window.  Invariant: bit n & mask of the ring says whether number n
 * was seen, for every n in (top - ring size, top]; the window is the newest part of
 * that range.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/replay.h"

#include "base/expect.h"

enum { WORD_BITS = 32 };

void replay_blocks_init(struct replay_blocks *b, struct arena *a, uint32_t n_pairs)
{
    const uint32_t n = n_pairs * REPLAY_BLOCKS_PER_PAIR;
    uint32_t *next_free;

    b->words = arena_take(a, n, sizeof(*b->words));
    next_free = arena_take(a, n, sizeof(*next_free));
    if (b->words != NULL && next_free != NULL)
        pool_init(&b->pool, b->words, next_free, sizeof(*b->words), n);
}

static bool has_blocks(const struct replay *r)
{
    return r->mask >= REPLAY_OWN_BITS;
}

static uint32_t blocks_of_ring(uint32_t n_bits)
{
    return (n_bits + REPLAY_BLOCK_BITS - 1) / REPLAY_BLOCK_BITS;
}

/* The smallest ring for window that the free blocks allow. */
static uint32_t ring_bits(const struct replay_blocks *b, uint32_t window)
{
    const uint32_t n_free = b->pool.cap - b->pool.used;
    uint32_t n = REPLAY_OWN_BITS;

    while (n < window && n < REPLAY_WINDOW_MAX && blocks_of_ring(n * 2) <= n_free)
        n *= 2;
    return n;
}

void replay_open(struct replay *r, struct replay_blocks *b, uint32_t window)
{
    const uint32_t n_bits = ring_bits(b, window);

    *r = (struct replay){
        .window = (uint16_t)(window < n_bits ? window : n_bits),
        .mask = (uint16_t)(n_bits - 1),
    };
    for (uint32_t i = 0; has_blocks(r) && i < blocks_of_ring(n_bits); i++)
        r->bits.block[i] = pool_take(&b->pool);
}

void replay_close(struct replay *r, struct replay_blocks *b)
{
    for (uint32_t i = 0; has_blocks(r) && i < blocks_of_ring(r->mask + 1U); i++)
        pool_give(&b->pool, r->bits.block[i]);
    *r = (struct replay){0};
}

uint64_t replay_infer(const struct replay *r, uint32_t low, bool esn)
{
    const uint32_t width = r->window > 0 ? r->window : REPLAY_OWN_BITS;
    const uint32_t top_low = (uint32_t)(r->top & UINT32_MAX);
    const uint32_t left = top_low - (width - 1); /* left edge of the window, modulo 2^32 */
    uint32_t high = (uint32_t)(r->top >> 32);

    if (!esn)
        return low;
    if (top_low >= width - 1) {
        /* case A: the window lies in one subspace; a number left of it is of the next */
        if (low < left)
            high++;
    } else if (low >= left && high > 0) {
        /* case B: the window straddles two subspaces */
        high--;
    }
    return (uint64_t)high << 32 | low;
}

/* Word i of a ring that lies in blocks. */
static uint32_t *block_word(const struct replay *r, const struct replay_blocks *b, uint32_t i)
{
    return &b->words[r->bits.block[i / REPLAY_BLOCK_WORDS]][i % REPLAY_BLOCK_WORDS];
}

static bool was_seen(const struct replay *r, const struct replay_blocks *b, uint32_t low)
{
    const uint32_t i = (low & r->mask) / WORD_BITS;
    const uint32_t word = has_blocks(r) ? *block_word(r, b, i) : r->bits.own[i];

    return word >> (low % WORD_BITS) & 1;
}

/* Notes for n numbers from low on whether they were seen.  The low half of a number is
 * enough to find its bit. */
static void note(struct replay *r, struct replay_blocks *b, uint32_t low, uint32_t n, bool seen)
{
    while (n > 0) {
        const uint32_t i = (low & r->mask) / WORD_BITS, first = low % WORD_BITS;
        const uint32_t k = n < WORD_BITS - first ? n : WORD_BITS - first;
        const uint32_t bits = ((k < WORD_BITS ? UINT32_C(1) << k : 0) - 1) << first;
        uint32_t *word = has_blocks(r) ? block_word(r, b, i) : &r->bits.own[i];

        *word = seen ? *word | bits : *word & ~bits;
        low += k;
        n -= k;
    }
}

void replay_resume(struct replay *r, struct replay_blocks *b, uint64_t top)
{
    r->top = top;
    note(r, b, (uint32_t)(top & UINT32_MAX) - r->mask, r->mask + 1U, true);
}

bool replay_check(const struct replay *r, const struct replay_blocks *b, uint64_t seq)
{
    if (r->window == 0)
        return true;
    if (seq == 0)
        return false; /* RFC 4303 section 3.3.3: the first packet has number 1 */
    if (seq > r->top)
        return true;
    return r->top - seq < r->window && !was_seen(r, b, (uint32_t)(seq & UINT32_MAX));
}

bool replay_commit(struct replay *r, struct replay_blocks *b, uint64_t seq)
{
    const uint32_t low = (uint32_t)(seq & UINT32_MAX);
    const bool newest = seq > r->top;

    if (newest) {
        /* the numbers up to seq take the places of old ones; each bit once is enough */
        const uint64_t jump = seq - r->top;
        const uint32_t n = jump > r->mask ? r->mask + 1U : (uint32_t)jump;

        if (n > 1)
            note(r, b, low - n + 1, n - 1, false);
        r->top = seq;
    }
    note(r, b, low, 1, true);
    return newest;
}

void replay_expect(const struct replay *r, const struct replay_blocks *b)
{
    const uint32_t low = (uint32_t)(r->top & UINT32_MAX) + 1;

    if (has_blocks(r))
        expect(block_word(r, b, (low & r->mask) / WORD_BITS), 1);
}
