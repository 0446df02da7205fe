/* The generic cell rate algorithm; see bucket.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bucket.h"

bool bucket_take(struct bucket *b, uint64_t now_ms, uint32_t burst, uint32_t every_ms)
{
    const uint64_t due = b->due_ms > now_ms ? b->due_ms : now_ms;

    if (due - now_ms > (uint64_t)(burst - 1) * every_ms)
        return false;
    b->due_ms = due + every_ms;
    return true;
}
