/* The anti-replay window of one inbound SA: which sequence numbers were seen, and the
 * high half of an extended one (RFC 4303 section 3.4.3 and appendix A, RFC 4304).
 *
 * Looking and recording are apart: nothing changes before a packet is authentic.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_REPLAY_H
#define IPSEC_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/pool.h"

enum {
    REPLAY_WINDOW_MAX = 4096, /* packets; a wider wish gets this */
    REPLAY_OWN_BITS = 64,     /* windows up to here need no block */
    REPLAY_BLOCK_BITS = 1024,
    REPLAY_BLOCK_WORDS = REPLAY_BLOCK_BITS / 32,
    REPLAY_BLOCKS_MAX = REPLAY_WINDOW_MAX / REPLAY_BLOCK_BITS
};

/* Blocks carved per SA pair: 1 gives every pair the default window of 1024.  A device
 * that is content with 64 builds with 0. */
#ifndef REPLAY_BLOCKS_PER_PAIR
#define REPLAY_BLOCKS_PER_PAIR 1
#endif

/* Bitmap blocks that the windows of one plane share. */
struct replay_blocks {
    uint32_t (*words)[REPLAY_BLOCK_WORDS];
    struct pool pool;
};

struct replay {
    uint64_t top; /* highest authentic number; 0: none yet */
    union {
        uint32_t own[REPLAY_OWN_BITS / 32];
        uint32_t block[REPLAY_BLOCKS_MAX]; /* indices; POOL_NONE: not needed */
    } bits;                                /* a ring: number n is bit n & mask */
    uint16_t window;                       /* packets; 0: every number is welcome */
    uint16_t mask;                         /* bits in the ring - 1; the ring holds the window */
};

void replay_blocks_init(struct replay_blocks *b, struct arena *a, uint32_t n_pairs);

/* Opens a window of at most that many packets.  When blocks are short it is as wide as
 * the rest allows, at least REPLAY_OWN_BITS: a narrower window accepts no replay, it only
 * tolerates less reordering (RFC 4303 section 3.4.3). */
void replay_open(struct replay *r, struct replay_blocks *b, uint32_t window);
/* A window that goes on where another ended: everything up to top counts as seen. */
void replay_resume(struct replay *r, struct replay_blocks *b, uint64_t top);
void replay_close(struct replay *r, struct replay_blocks *b);

/* The full number for the 32 bits on the wire, seen from the window (RFC 4303 appendix
 * A2.2).  Without ESN it is the number itself. */
uint64_t replay_infer(const struct replay *r, uint32_t low, bool esn);

/* Is seq new?  Looks only. */
bool replay_check(const struct replay *r, const struct replay_blocks *b, uint64_t seq);

/* The window will be looked at soon: where its newest number is. */
void replay_expect(const struct replay *r, const struct replay_blocks *b);

/* Records seq, which passed replay_check and is authentic.  True: the newest so far. */
bool replay_commit(struct replay *r, struct replay_blocks *b, uint64_t seq);

#endif
