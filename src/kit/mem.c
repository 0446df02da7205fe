/* Owns the rule for heap that the configuration needs: it is there, or the process ends.
 * Nothing here may be reached by what a peer sends; the bounded tables that peers fill
 * (engine, leases) refuse instead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mem_block {
    struct mem_block *next;
    alignas(max_align_t) unsigned char data[];
};

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("culvertd: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_new(size_t n, size_t size)
{
    return checked(calloc(n > 0 ? n : 1, size));
}

char *mem_text_n(const char *text, size_t n)
{
    char *copy = mem_new(n + 1, 1);

    if (n > 0)
        memcpy(copy, text, n);
    return copy;
}

char *mem_text(const char *text)
{
    return text != NULL ? mem_text_n(text, strlen(text)) : NULL;
}

void *mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
    size_t old = *cap, room = old > 0 ? old : 8;
    char *grown;

    if (need <= old)
        return p;
    while (room < need && room <= SIZE_MAX / 2)
        room *= 2;
    grown = checked(room <= SIZE_MAX / size ? realloc(p, room * size) : NULL);
    memset(grown + old * size, 0, (room - old) * size);
    *cap = room;
    return grown;
}

void *mem_take(struct mem *m, size_t n, size_t size)
{
    struct mem_block *b;

    checked(size == 0 || n <= (SIZE_MAX - sizeof(*b)) / size ? m : NULL);
    b = mem_new(1, sizeof(*b) + n * size);
    b->next = m->first;
    m->first = b;
    return b->data;
}

char *mem_take_text(struct mem *m, const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(mem_take(m, n, 1), text, n);
}

void mem_drop(struct mem *m)
{
    while (m->first != NULL) {
        struct mem_block *b = m->first;

        m->first = b->next;
        free(b);
    }
}
