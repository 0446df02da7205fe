/* Owns the order in which references are followed.
 *
 * A reference may be followed when what its base will have is there: no reference is left in
 * the base or below it, nor in the sections around the base (they may add to it), except those
 * around both.  A section's own references are followed left to right, after those of the
 * sections inside it.  Every node counts the references left in it and below, so that the
 * question costs a walk to the root.  When nothing can be followed, what is left is a circle.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/tree_refs.h"

#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"

#define NODES_MAX 8000000u /* made by copying; a few lines can ask for any number */

struct tree_ref {
    struct node *section;
    char *target;
    const char *file;
    int line;
    unsigned place; /* among the section's references: the first is 0 */
};

void tree_refs_add(struct tree_refs *refs, struct node *section, char *target, const char *file,
                   int line)
{
    refs->v = mem_grow(refs->v, &refs->cap, refs->n + 1, sizeof(*refs->v));
    refs->v[refs->n++] = (struct tree_ref){.section = section,
                                           .target = target,
                                           .file = file,
                                           .line = line,
                                           .place = section->refs.here++};
    for (struct node *s = section; s != NULL; s = s->parent)
        s->refs.all++;
}

void tree_refs_free(struct tree_refs *refs)
{
    for (size_t i = 0; i < refs->n; i++)
        free(refs->v[i].target);
    free(refs->v);
}

/* Finds "a.b.c" below section.  Names may have dots themselves, so the longest name that
 * exists is tried first at each level. */
static struct node *find_path(struct node *section, const char *path)
{
    char name[256];
    size_t n = strlen(path);

    if (n >= sizeof(name))
        return NULL;
    memcpy(name, path, n + 1);
    while (n > 0) {
        struct node *next;

        name[n] = '\0';
        next = tree_find(section, name);
        if (next != NULL && next->kind == NODE_SECTION) {
            if (path[n] == '\0')
                return next;
            section = next;
            path += n + 1;
            n = strlen(path);
            memcpy(name, path, n + 1);
            continue;
        }
        while (n > 0 && name[--n] != '.')
            ;
    }
    return NULL;
}

static bool is_around(const struct node *outer, const struct node *inner)
{
    for (; inner != NULL; inner = inner->parent)
        if (inner == outer)
            return true;
    return false;
}

static bool is_ready(const struct tree_ref *ref, const struct node *base)
{
    const struct node *s = ref->section;

    if (s->refs.done != ref->place || s->refs.all != s->refs.here)
        return false;
    if (base->refs.all > 0 || is_around(s, base))
        return false;
    for (base = base->parent; base != NULL; base = base->parent)
        if (base->refs.here > 0 && !is_around(base, s))
            return false;
    return true;
}

static void follow(struct tree_ref *ref, struct node *base, size_t *made)
{
    struct node *section = ref->section;

    base->base = true;
    *made += tree_inherit(section, base);
    section->refs.here--;
    section->refs.done++;
    for (struct node *s = section; s != NULL; s = s->parent)
        s->refs.all--;
    free(ref->target);
}

/* One round over the references that are left; those that have to wait move to the front. */
static void follow_ready(struct tree_refs *refs, struct node *root, size_t *made)
{
    size_t keep = 0;

    for (size_t i = 0; i < refs->n; i++) {
        struct tree_ref ref = refs->v[i];
        struct node *base = find_path(root, ref.target);

        if (base != NULL && *made <= NODES_MAX && is_ready(&ref, base))
            follow(&ref, base, made);
        else
            refs->v[keep++] = ref;
    }
    refs->n = keep;
}

/* Bases that do not exist; without any, what is left is a circle. */
static void tell_left(const struct tree_refs *refs, struct node *root, struct problems *found)
{
    const unsigned before = found->errors;
    const struct tree_ref *ref;
    struct problem why;

    for (size_t i = 0; i < refs->n; i++) {
        ref = &refs->v[i];
        if (find_path(root, ref->target) != NULL)
            continue;
        problem_in(&why, ref->file, ref->line,
                   "section '%s' is based on '%s', which does not exist", ref->section->name,
                   ref->target);
        problems_error(found, &why);
    }
    if (found->errors > before)
        return;
    ref = &refs->v[0];
    problem_in(&why, ref->file, ref->line,
               "section '%s' is based on '%s', which is based on it in turn",
               ref->section->name, ref->target);
    problems_error(found, &why);
}

bool tree_refs_follow(struct tree_refs *refs, struct node *root, struct problems *found)
{
    struct problem why;
    size_t before, made = 0;

    do {
        before = refs->n;
        follow_ready(refs, root, &made);
    } while (refs->n > 0 && refs->n < before && made <= NODES_MAX);
    if (made > NODES_MAX) {
        problem_set(&why, "references make more than %u nodes", NODES_MAX);
        return problems_error(found, &why);
    }
    if (refs->n > 0)
        tell_left(refs, root, found);
    return refs->n == 0;
}
