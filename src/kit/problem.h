/* A clear error for people: what was wrong, where, what was expected.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_PROBLEM_H
#define KIT_PROBLEM_H

#include <stdbool.h>

struct node;

struct problem {
    char text[512];
};

/* Formats the text; returns false so that callers can `return problem_set(...)`. */
bool problem_set(struct problem *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, preceded by "FILE:LINE: path.to.key: " of the node where it is known. */
bool problem_at(struct problem *p, const struct node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, preceded by "FILE:LINE: "; for what has no node yet. */
bool problem_in(struct problem *p, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
