/* Owns the form of error messages for people: "FILE:LINE: path.to.key: text".
 * A message that is too long is cut at the end, never at its beginning.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kit/tree.h"

#define PATH_DEPTH 32

static void append(struct problem *p, const char *fmt, va_list args)
{
    size_t used = strlen(p->text);

    vsnprintf(p->text + used, sizeof(p->text) - used, fmt, args);
}

__attribute__((format(printf, 2, 3))) static void appendf(struct problem *p, const char *fmt,
                                                          ...)
{
    va_list args;

    va_start(args, fmt);
    append(p, fmt, args);
    va_end(args);
}

static void append_path(struct problem *p, const struct node *n)
{
    const char *names[PATH_DEPTH];
    size_t depth = 0;

    for (; n != NULL && depth < PATH_DEPTH; n = n->parent)
        if (n->name != NULL)
            names[depth++] = n->name;
    for (size_t i = depth; i > 0; i--)
        appendf(p, "%s%s", names[i - 1], i > 1 ? "." : ": ");
}

bool problem_set(struct problem *p, const char *fmt, ...)
{
    va_list args;

    p->text[0] = '\0';
    va_start(args, fmt);
    append(p, fmt, args);
    va_end(args);
    return false;
}

bool problem_at(struct problem *p, const struct node *n, const char *fmt, ...)
{
    va_list args;

    p->text[0] = '\0';
    if (n->file != NULL)
        appendf(p, "%s:%d: ", n->file, n->line);
    append_path(p, n);
    va_start(args, fmt);
    append(p, fmt, args);
    va_end(args);
    return false;
}

bool problem_in(struct problem *p, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    p->text[0] = '\0';
    appendf(p, "%s:%d: ", file, line);
    va_start(args, fmt);
    append(p, fmt, args);
    va_end(args);
    return false;
}
