/* The virtual clock and what will happen when: a heap of events, oldest first.
 *
 * Events of one millisecond fire in the order in which they were queued, so that a
 * run depends on its seed alone.  The agenda owns each event's arg (from malloc) and
 * frees it after it fired.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stddef.h>
#include <stdint.h>

#define AGENDA_EMPTY UINT64_MAX

typedef void agenda_fn(void *ctx, void *arg);

struct agenda_event {
    uint64_t at_ms, order;
    agenda_fn *fire;
    void *ctx; /* borrowed */
    void *arg; /* owned */
};

struct agenda {
    uint64_t now_ms, order;
    struct agenda_event *heap;
    size_t n, cap;
};

void agenda_init(struct agenda *q, uint64_t now_ms);
void agenda_free(struct agenda *q);
void agenda_at(struct agenda *q, uint64_t at_ms, agenda_fn *fire, void *ctx, void *arg);
uint64_t agenda_next(const struct agenda *q); /* time of the oldest event or AGENDA_EMPTY */
void agenda_fire(struct agenda *q);           /* takes the oldest event and runs it */

/* malloc that ends the program when there is no memory; tests have nothing better. */
void *sim_alloc(size_t n);

#endif
