/* So many at once, then one each so often: a token bucket on the caller's clock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: full. */
struct bucket {
    uint64_t due_ms; /* when what is taken now would have its turn; ahead of now by a burst */
};

/* False: burst tokens are out, and every_ms has not brought another one. */
bool bucket_take(struct bucket *b, uint64_t now_ms, uint32_t burst, uint32_t every_ms);

#endif
