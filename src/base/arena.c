/* Carving one block into arrays.  Invariant: used is a multiple of the strictest
 * alignment, so every array starts aligned when the block does.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

void *arena_take_raw(struct arena *a, size_t n, size_t size)
{
    const size_t align = alignof(max_align_t);
    const size_t room = a->p != NULL ? a->cap - a->used : SIZE_MAX - a->used;
    size_t len;
    void *at;

    if (a->bad || (size > 0 && n > (SIZE_MAX - (align - 1)) / size)) {
        a->bad = true;
        return NULL;
    }
    len = (n * size + (align - 1)) / align * align;
    if (len > room) {
        a->bad = true;
        return NULL;
    }
    at = a->p != NULL ? a->p + a->used : NULL;
    a->used += len;
    return at;
}

void *arena_take(struct arena *a, size_t n, size_t size)
{
    void *at = arena_take_raw(a, n, size);

    if (at != NULL)
        memset(at, 0, n * size);
    return at;
}
