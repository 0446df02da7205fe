/* The virtual clock and what will happen when: a heap of events, oldest first.
 *
 * Events of one millisecond fire in the order in which they were queued, so that a
 * run depends on its seed alone.  The queue owns each event's arg (from malloc) and
 * frees it after it fired.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stddef.h>
#include <stdint.h>

#define QUEUE_EMPTY UINT64_MAX

typedef void queue_fn(void *ctx, void *arg);

struct queue_event {
    uint64_t at_ms, order;
    queue_fn *fire;
    void *ctx; /* borrowed */
    void *arg; /* owned */
};

struct queue {
    uint64_t now_ms, order;
    struct queue_event *heap;
    size_t n, cap;
};

void queue_init(struct queue *q, uint64_t now_ms);
void queue_free(struct queue *q);
void queue_at(struct queue *q, uint64_t at_ms, queue_fn *fire, void *ctx, void *arg);
uint64_t queue_next(const struct queue *q); /* time of the oldest event or QUEUE_EMPTY */
void queue_fire(struct queue *q);           /* takes the oldest event and runs it */

/* malloc that ends the program when there is no memory; tests have nothing better. */
void *sim_alloc(size_t n);

#endif
