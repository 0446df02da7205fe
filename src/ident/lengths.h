/* The prefix lengths that a table of selectors has in use: a lookup probes these and no others.
 * One that is no longer used may stay: it costs a probe and finds nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IDENT_LENGTHS_H
#define IDENT_LENGTHS_H

#include <stdbool.h>
#include <stdint.h>

enum { LENGTHS_MAX = 128, LENGTHS_WORDS = LENGTHS_MAX / 32 + 1 };

struct lengths {
    uint32_t used[LENGTHS_WORDS]; /* a bit for each length */
};

void lengths_add(struct lengths *l, unsigned bits);

/* The longest length in use below *bits takes its place; false: there is none. */
bool lengths_shorter(const struct lengths *l, unsigned *bits);

#endif
