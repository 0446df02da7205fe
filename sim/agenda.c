/* A binary heap ordered by (time, order of queueing).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/agenda.h"

#include <stdbool.h>
#include <stdlib.h>

void *sim_alloc(size_t n)
{
    void *p = calloc(1, n);

    if (p == NULL)
        abort();
    return p;
}

void agenda_init(struct agenda *q, uint64_t now_ms)
{
    *q = (struct agenda){.now_ms = now_ms};
}

void agenda_free(struct agenda *q)
{
    for (size_t i = 0; i < q->n; i++)
        free(q->heap[i].arg);
    free(q->heap);
    *q = (struct agenda){0};
}

static bool before(const struct agenda_event *a, const struct agenda_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct agenda_event *a, struct agenda_event *b)
{
    struct agenda_event t = *a;

    *a = *b;
    *b = t;
}

void agenda_at(struct agenda *q, uint64_t at_ms, agenda_fn *fire, void *ctx, void *arg)
{
    if (q->n == q->cap) {
        q->cap = q->cap == 0 ? 64 : 2 * q->cap;
        q->heap = realloc(q->heap, q->cap * sizeof(*q->heap));
        if (q->heap == NULL)
            abort();
    }
    q->heap[q->n] = (struct agenda_event){at_ms, q->order++, fire, ctx, arg};
    for (size_t i = q->n++; i > 0 && before(&q->heap[i], &q->heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(&q->heap[i], &q->heap[(i - 1) / 2]);
}

uint64_t agenda_next(const struct agenda *q)
{
    return q->n == 0 ? AGENDA_EMPTY : q->heap[0].at_ms;
}

void agenda_fire(struct agenda *q)
{
    struct agenda_event ev = q->heap[0];

    q->heap[0] = q->heap[--q->n];
    for (size_t i = 0, child = 1; child < q->n; child = 2 * i + 1) {
        if (child + 1 < q->n && before(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!before(&q->heap[child], &q->heap[i]))
            break;
        swap(&q->heap[child], &q->heap[i]);
        i = child;
    }
    if (q->now_ms < ev.at_ms)
        q->now_ms = ev.at_ms;
    ev.fire(ev.ctx, ev.arg);
    free(ev.arg);
}
