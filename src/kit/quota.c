/* Owns: the bound on what others make us say.
 * Invariant: in any span of time at most QUOTA_BURST pass, and one more for each
 * QUOTA_EVERY_MS of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/quota.h"

/* The generic cell rate algorithm: from_ms moves on by one interval for each that passes, and
 * may be ahead of the clock by a burst. */
static bool has_room(const struct quota *q, uint64_t now_ms)
{
    return q->from_ms <= now_ms + (uint64_t)(QUOTA_BURST - 1) * QUOTA_EVERY_MS;
}

static void take(struct quota *q, uint64_t now_ms)
{
    q->from_ms = (q->from_ms > now_ms ? q->from_ms : now_ms) + QUOTA_EVERY_MS;
}

bool quota_take(struct quota *q, uint64_t now_ms)
{
    if (!has_room(q, now_ms)) {
        q->left_out++;
        return false;
    }
    take(q, now_ms);
    return true;
}

uint32_t quota_settle(struct quota *q, uint64_t now_ms)
{
    uint32_t n = q->left_out;

    if (n == 0 || !has_room(q, now_ms))
        return 0;
    take(q, now_ms);
    q->left_out = 0;
    return n;
}
