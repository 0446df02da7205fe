/* Heap for the daemon's configuration: small blocks that are always there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_MEM_H
#define KIT_MEM_H

#include <stddef.h>

/* n zeroed items of size octets.  Never NULL: a process that cannot get the few octets of a
 * configuration value cannot do its work and ends with a message. Free with free(). */
void *mem_new(size_t n, size_t size);
char *mem_text(const char *text);             /* a copy; NULL for NULL */
char *mem_text_n(const char *text, size_t n); /* a copy of n octets and a NUL */
/* Makes room for need items, doubling; p NULL and *cap 0 at first.  New items are zeroed. */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

/* Blocks that live and die together. */
struct mem {
    struct mem_block *first;
};

void *mem_take(struct mem *m, size_t n, size_t size); /* as mem_new */
char *mem_take_text(struct mem *m, const char *text);
void mem_drop(struct mem *m); /* frees them all */

#endif
