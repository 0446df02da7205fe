/* Owns the form of error messages for people: "FILE:LINE: path.to.key: text", and the list of
 * those that were found.  A message that is too long is cut at the end, never at its beginning.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
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

static void begin(struct problem *p)
{
    *p = (struct problem){.text = ""};
}

static void append_place(struct problem *p, const char *file, int line)
{
    appendf(p, "%s", file);
    p->file_n = strlen(p->text);
    p->line = line;
    appendf(p, ":%d: ", line);
}

static void append_path(struct problem *p, const struct node *n)
{
    const char *names[PATH_DEPTH];
    size_t depth = 0;

    for (; n != NULL && depth < PATH_DEPTH; n = n->parent)
        if (n->name != NULL)
            names[depth++] = n->name;
    if (depth == 0)
        return;
    p->key_at = strlen(p->text);
    for (size_t i = depth; i > 0; i--)
        appendf(p, "%s%s", names[i - 1], i > 1 ? "." : "");
    p->key_n = strlen(p->text) - p->key_at;
    appendf(p, ": ");
}

static void append_what(struct problem *p, const char *fmt, va_list args)
{
    p->what_at = strlen(p->text);
    append(p, fmt, args);
}

bool problem_set(struct problem *p, const char *fmt, ...)
{
    va_list args;

    begin(p);
    va_start(args, fmt);
    append_what(p, fmt, args);
    va_end(args);
    return false;
}

static void begin_at(struct problem *p, const struct node *n)
{
    begin(p);
    if (n->file != NULL)
        append_place(p, n->file, n->line);
    append_path(p, n);
}

bool problem_at(struct problem *p, const struct node *n, const char *fmt, ...)
{
    va_list args;

    begin_at(p, n);
    va_start(args, fmt);
    append_what(p, fmt, args);
    va_end(args);
    return false;
}

bool problem_unsupported(struct problem *p, const struct node *n, const char *fmt, ...)
{
    va_list args;

    begin_at(p, n);
    va_start(args, fmt);
    append_what(p, fmt, args);
    va_end(args);
    p->unsupported = true;
    return false;
}

bool problem_in(struct problem *p, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    begin(p);
    append_place(p, file, line);
    va_start(args, fmt);
    append_what(p, fmt, args);
    va_end(args);
    return false;
}

/* ---- all of them ------------------------------------------------------------ */

static void add(struct problems *all, struct problem *p, bool is_error)
{
    if (p->text[0] == '\0')
        return;
    ++*(is_error ? &all->errors : &all->warnings);
    all->unsupported += is_error && p->unsupported;
    if (all->n < PROBLEMS_MAX || (is_error && all->errors == 1)) {
        all->v = mem_grow(all->v, &all->cap, all->n + 1, sizeof(*all->v));
        all->v[all->n++] = (struct finding){is_error, *p};
    }
    begin(p);
}

bool problems_error(struct problems *all, struct problem *p)
{
    add(all, p, true);
    return false;
}

void problems_warning(struct problems *all, struct problem *p)
{
    add(all, p, false);
}

const struct problem *problems_first_error(const struct problems *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].is_error)
            return &all->v[i].problem;
    return NULL;
}

void problems_free(struct problems *all)
{
    free(all->v);
    *all = (struct problems){.v = NULL};
}
