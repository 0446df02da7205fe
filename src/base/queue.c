/* A queue by index.  Invariant: from first along next, n slots later, comes last; what next
 * says of last means nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

void queue_init(struct queue *q, uint32_t *next)
{
    *q = (struct queue){.next = next, .first = QUEUE_NONE, .last = QUEUE_NONE};
}

void queue_put(struct queue *q, uint32_t i)
{
    if (q->n++ == 0)
        q->first = i;
    else
        q->next[q->last] = i;
    q->last = i;
}

uint32_t queue_take(struct queue *q)
{
    uint32_t i = q->first;

    if (q->n == 0)
        return QUEUE_NONE;
    q->n--;
    q->first = q->n == 0 ? QUEUE_NONE : q->next[i];
    if (q->n == 0)
        q->last = QUEUE_NONE;
    return i;
}
