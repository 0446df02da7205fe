/* Timers: a hierarchical wheel of millisecond slots; set, move and cancel are O(1).
 * Nodes live in the caller's structs and are known by pointer, so a struct with a
 * timer must not move while it is set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX

struct timer {
    struct timer *next, **prev; /* prev: what points at us; NULL when not set */
    uint64_t due_ms;
    uint8_t level, slot;
};

enum { WHEEL_LEVELS = 7, WHEEL_SLOTS = 64, WHEEL_EXACT = 16 };

struct wheel {
    uint64_t now_ms;
    uint64_t occupied[WHEEL_LEVELS]; /* bit set of slots with timers */
    struct timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct timer *expired; /* due, not yet taken */
    struct timer *far;     /* due past the wheel's horizon of 2^42 ms, 139 years */
};

void wheel_init(struct wheel *w, uint64_t now_ms);
/* (Re)sets t; a due time in the past is due at once.  TIMER_NEVER cancels. */
void timer_set(struct wheel *w, struct timer *t, uint64_t due_ms);
void timer_cancel(struct wheel *w, struct timer *t);
bool timer_is_set(const struct timer *t);
/* The next timer due at or before now_ms, taken off the wheel; NULL when none. */
struct timer *wheel_expire(struct wheel *w, uint64_t now_ms);
/* The earliest due time; where more than WHEEL_EXACT timers are due about then, a time at or
 * before it, later than the wheel's own time when nothing is due.  TIMER_NEVER when empty. */
uint64_t wheel_next(const struct wheel *w);

#endif
