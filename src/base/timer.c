/* A hierarchical timer wheel.  Time is written in base 64; a timer stands on the level
 * of the highest digit in which its due time differs from the wheel's time, in the slot
 * of that digit.  Invariant: on every level the timers' digits are greater than the
 * wheel's, and all higher digits are equal.  So the lowest occupied slot of the lowest
 * occupied level comes first, and nothing ever wraps.
 *
 * When the wheel's time reaches the start of a slot, its timers move to lower levels or
 * expire.  Those past the top level's horizon wait in a list of their own until the
 * digits above the top level have caught up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/timer.h"

#include <stddef.h>

enum { DIGIT_BITS = 6, HORIZON_BITS = DIGIT_BITS * WHEEL_LEVELS };

_Static_assert(WHEEL_SLOTS == 1 << DIGIT_BITS, "one slot for each digit");

/* In timer.level: on a list outside the wheel's levels, so no occupied bit to clear. */
enum { LEVEL_LIST = WHEEL_LEVELS };

/* The number of the lowest bit set; x is not 0. */
static unsigned lowest_bit(uint64_t x)
{
    unsigned n = 0;

    for (unsigned half = 32; half > 0; half /= 2) {
        if ((x & ((UINT64_C(1) << half) - 1)) == 0) {
            x >>= half;
            n += half;
        }
    }
    return n;
}

static void list_push(struct timer **head, struct timer *t)
{
    t->next = *head;
    t->prev = head;
    if (t->next != NULL)
        t->next->prev = &t->next;
    *head = t;
}

/* Puts t where its due time belongs, seen from the wheel's present time. */
static void place(struct wheel *w, struct timer *t)
{
    uint64_t differ = t->due_ms ^ w->now_ms;
    unsigned level = 0;

    t->level = LEVEL_LIST;
    if (t->due_ms <= w->now_ms) {
        list_push(&w->expired, t);
        return;
    }
    if (differ >> HORIZON_BITS != 0) {
        list_push(&w->far, t);
        return;
    }
    while (differ >> DIGIT_BITS * (level + 1) != 0)
        level++;
    t->level = (uint8_t)level;
    t->slot = (uint8_t)(t->due_ms >> DIGIT_BITS * level & (WHEEL_SLOTS - 1));
    list_push(&w->slots[level][t->slot], t);
    w->occupied[level] |= UINT64_C(1) << t->slot;
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    *w = (struct wheel){.now_ms = now_ms};
}

void timer_set(struct wheel *w, struct timer *t, uint64_t due_ms)
{
    timer_cancel(w, t);
    if (due_ms == TIMER_NEVER)
        return;
    t->due_ms = due_ms;
    place(w, t);
}

void timer_cancel(struct wheel *w, struct timer *t)
{
    if (t->prev == NULL)
        return;
    *t->prev = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    if (t->level != LEVEL_LIST && w->slots[t->level][t->slot] == NULL)
        w->occupied[t->level] &= ~(UINT64_C(1) << t->slot);
    t->next = NULL;
    t->prev = NULL;
}

bool timer_is_set(const struct timer *t)
{
    return t->prev != NULL;
}

/* Where and when the next list of timers has to be looked at. */
struct stop {
    struct timer *const *list; /* NULL: nowhere */
    uint64_t at_ms;
};

static struct stop next_stop(const struct wheel *w)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        unsigned shift = DIGIT_BITS * level;
        unsigned slot;

        if (w->occupied[level] == 0)
            continue;
        slot = lowest_bit(w->occupied[level]);
        return (struct stop){
            &w->slots[level][slot],
            (w->now_ms >> shift >> DIGIT_BITS << DIGIT_BITS | slot) << shift,
        };
    }
    if (w->far != NULL)
        return (struct stop){&w->far, ((w->now_ms >> HORIZON_BITS) + 1) << HORIZON_BITS};
    return (struct stop){NULL, TIMER_NEVER};
}

/* Moves the wheel's time to a stop, and that list's timers to where they belong now. */
static void stop_at(struct wheel *w, struct stop stop)
{
    struct timer *t = *stop.list, *next;

    w->now_ms = stop.at_ms;
    while (t != NULL) {
        next = t->next;
        timer_cancel(w, t);
        place(w, t);
        t = next;
    }
}

struct timer *wheel_expire(struct wheel *w, uint64_t now_ms)
{
    struct timer *t;

    while (w->expired == NULL) {
        struct stop stop = next_stop(w);

        if (stop.list == NULL || stop.at_ms > now_ms) {
            if (now_ms > w->now_ms)
                w->now_ms = now_ms;
            return NULL;
        }
        stop_at(w, stop);
    }
    t = w->expired;
    timer_cancel(w, t);
    return t;
}

/* A host that sleeps until then wakes to do something, not to move timers about: so the first
 * slot's timers are compared, unless they are as many as only a host that never sleeps has. */
uint64_t wheel_next(const struct wheel *w)
{
    const struct stop stop = next_stop(w);
    uint64_t first = TIMER_NEVER;
    unsigned n = 0;

    if (w->expired != NULL)
        return w->now_ms;
    if (stop.list == NULL)
        return TIMER_NEVER;
    for (const struct timer *t = *stop.list; t != NULL; t = t->next) {
        if (++n > WHEEL_EXACT)
            return stop.at_ms;
        if (t->due_ms < first)
            first = t->due_ms;
    }
    return first;
}
