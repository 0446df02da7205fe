/* A queue of slots of a pool by index, first in, first out, in O(1).  Its links lie in an
 * array with an entry a slot; queues may share one as long as no slot is in two of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdint.h>

#define QUEUE_NONE UINT32_MAX

struct queue {
    uint32_t *next;
    uint32_t first, last; /* QUEUE_NONE when empty */
    uint32_t n;
};

void queue_init(struct queue *q, uint32_t *next);
void queue_put(struct queue *q, uint32_t i);
uint32_t queue_take(struct queue *q); /* QUEUE_NONE when empty */

#endif
