/* Carves one caller-given block into aligned arrays at init; with p NULL it only
 * counts, so that sizing and building are the same code.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *p; /* NULL: count only */
    size_t used, cap;
    bool bad; /* did not fit, or a size overflowed */
};

/* n items of size octets, zeroed, aligned for any type; NULL when counting or bad. */
void *arena_take(struct arena *a, size_t n, size_t size);
/* The same, untouched: for pool slots, which are zeroed when taken.  On a host with virtual
 * memory, a slot that is never used then costs nothing. */
void *arena_take_raw(struct arena *a, size_t n, size_t size);

#endif
