/* Owns configuration trees: making, finding, copying, comparing and freeing nodes.
 *
 * Invariants: a node is in exactly one list, its parent's; only the root has no parent.  A
 * section with many members has an index of them by name, so that files with a hundred
 * thousand connections are read in linear time.  Trees are walked along their links, never by
 * recursion, since a VICI client chooses their depth.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kit/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kit/mem.h"

#define INDEX_FROM 32 /* members; below, looking at each is faster */

struct file_name {
    struct file_name *next;
    char text[];
};

struct root {
    struct node node; /* first: a root is known by its node */
    struct file_name *files;
};

/* Open addressing over the members with names; at most half full.  Of several members with
 * one name it knows the first. */
struct node_index {
    struct node **slots;
    size_t mask, used;
};

/* ---- finding ---------------------------------------------------------------- */

static size_t hash_name(const char *name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a: names come from the operator */

    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return (size_t)(h ^ (h >> 32));
}

static struct node **index_slot(const struct node_index *x, const char *name)
{
    size_t at = hash_name(name) & x->mask;

    while (x->slots[at] != NULL && strcmp(x->slots[at]->name, name) != 0)
        at = (at + 1) & x->mask;
    return &x->slots[at];
}

static void index_put(struct node_index *x, struct node *n)
{
    struct node **slot = index_slot(x, n->name);

    if (*slot != NULL)
        return;
    *slot = n;
    x->used++;
}

static void index_build(struct node *section, size_t slots)
{
    struct node_index *x = section->index;

    if (x == NULL)
        x = section->index = mem_new(1, sizeof(*x));
    free(x->slots);
    *x = (struct node_index){.slots = mem_new(slots, sizeof(struct node *)), .mask = slots - 1};
    for (struct node *m = section->first; m != NULL; m = m->next)
        index_put(x, m);
}

static void index_add(struct node *section, struct node *n)
{
    struct node_index *x = section->index;

    if (x != NULL) {
        index_put(x, n);
        if (x->used > x->mask / 2)
            index_build(section, (x->mask + 1) * 2);
    } else if (++section->n_members >= INDEX_FROM) {
        index_build(section, (size_t)INDEX_FROM * 4);
    }
}

struct node *tree_find(const struct node *section, const char *name)
{
    if (section->index != NULL)
        return *index_slot(section->index, name);
    for (struct node *m = section->first; m != NULL; m = m->next)
        if (m->name != NULL && strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

const char *tree_get(const struct node *section, const char *name, const char *fallback)
{
    const struct node *m = tree_find(section, name);

    return m != NULL && m->kind == NODE_VALUE ? m->value : fallback;
}

/* ---- making and freeing ----------------------------------------------------- */

struct node *tree_new(void)
{
    struct root *r = mem_new(1, sizeof(*r));

    r->node.kind = NODE_SECTION;
    return &r->node;
}

static void node_free(struct node *n)
{
    if (n->value != NULL)
        wipe(n->value, n->value_len);
    free(n->value);
    free(n->name);
    if (n->index != NULL)
        free(n->index->slots);
    free(n->index);
}

static void files_free(struct root *r)
{
    while (r->files != NULL) {
        struct file_name *f = r->files;

        r->files = f->next;
        free(f);
    }
}

void tree_free(struct node *root)
{
    struct node *n = root;

    while (n != NULL) {
        struct node *parent = n->parent;

        if (n->first != NULL) {
            n = n->first;
            continue;
        }
        if (parent != NULL)
            parent->first = n->next; /* the next round goes on with it */
        else
            files_free((struct root *)n);
        node_free(n);
        free(n);
        n = parent;
    }
}

const char *tree_intern(struct node *root, const char *file)
{
    struct root *r = (struct root *)root;
    struct file_name *f;

    for (f = r->files; f != NULL; f = f->next)
        if (strcmp(f->text, file) == 0)
            return f->text;
    f = mem_new(1, sizeof(*f) + strlen(file) + 1);
    strcpy(f->text, file);
    f->next = r->files;
    r->files = f;
    return f->text;
}

static struct node *node_add(struct node *parent, const char *name, enum node_kind kind)
{
    struct node *n = mem_new(1, sizeof(*n));

    n->name = mem_text(name);
    n->kind = kind;
    n->parent = parent;
    if (parent->last != NULL)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    if (name != NULL)
        index_add(parent, n);
    return n;
}

void tree_set_value(struct node *value, const char *text, size_t n)
{
    char *copy = mem_text_n(text, n);

    if (value->value != NULL)
        wipe(value->value, value->value_len);
    free(value->value);
    value->value = copy;
    value->value_len = n;
}

struct node *tree_add_section(struct node *section, const char *name)
{
    return node_add(section, name, NODE_SECTION);
}

struct node *tree_add_bytes(struct node *section, const char *name, const void *p, size_t n)
{
    struct node *value = node_add(section, name, NODE_VALUE);

    tree_set_value(value, p, n);
    return value;
}

struct node *tree_add_value(struct node *section, const char *name, const char *value)
{
    return tree_add_bytes(section, name, value, strlen(value));
}

struct node *tree_add_valuef(struct node *section, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return tree_add_value(section, name, text);
}

struct node *tree_add_list(struct node *section, const char *name)
{
    return node_add(section, name, NODE_LIST);
}

struct node *tree_add_item_bytes(struct node *list, const void *p, size_t n)
{
    return tree_add_bytes(list, NULL, p, n);
}

struct node *tree_add_item(struct node *list, const char *value)
{
    return tree_add_item_bytes(list, value, strlen(value));
}

/* ---- copying and comparing -------------------------------------------------- */

static struct node *node_copy(struct node *parent, const struct node *from)
{
    struct node *n = node_add(parent, from->name, from->kind);

    if (from->value != NULL)
        tree_set_value(n, from->value, from->value_len);
    n->file = from->file;
    n->line = from->line;
    return n;
}

/* Walks from's members with *to following in the section that corresponds to *at's parent.
 * Called when *at and what is below it is done; false at the end. */
static bool walk_on(const struct node **at, struct node **to, const struct node *from)
{
    while ((*at)->next == NULL) {
        *at = (*at)->parent;
        if (*at == from)
            return false;
        *to = (*to)->parent;
    }
    *at = (*at)->next;
    return true;
}

size_t tree_inherit(struct node *section, const struct node *base)
{
    const struct node *at = base->first;
    struct node *to = section;
    size_t made = 0;

    while (at != NULL) {
        struct node *mine = at->name != NULL ? tree_find(to, at->name) : NULL;
        bool enter = mine != NULL && mine->kind == NODE_SECTION && at->kind == NODE_SECTION;

        if (mine == NULL) {
            mine = node_copy(to, at);
            enter = true;
            made++;
        }
        if (enter && at->first != NULL) {
            to = mine;
            at = at->first;
        } else if (!walk_on(&at, &to, base)) {
            break;
        }
    }
    return made;
}

struct node *tree_copy(const struct node *section)
{
    struct node *root = tree_new();
    const struct node *at = section->first;
    struct node *to = root;

    root->name = mem_text(section->name);
    if (section->file != NULL)
        root->file = tree_intern(root, section->file);
    root->line = section->line;
    while (at != NULL) {
        struct node *n = node_copy(to, at);

        if (at->file != NULL)
            n->file = tree_intern(root, at->file);
        if (at->first != NULL) {
            to = n;
            at = at->first;
        } else if (!walk_on(&at, &to, section)) {
            break;
        }
    }
    return root;
}

static bool node_equal(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->value_len != b->value_len ||
        (a->name == NULL) != (b->name == NULL))
        return false;
    if (a->name != NULL && strcmp(a->name, b->name) != 0)
        return false;
    return a->value_len == 0 || memcmp(a->value, b->value, a->value_len) == 0;
}

bool tree_equal(const struct node *a, const struct node *b)
{
    const struct node *x = a, *y = b;

    while (node_equal(x, y) && (x->first == NULL) == (y->first == NULL)) {
        if (x->first != NULL) {
            x = x->first;
            y = y->first;
            continue;
        }
        while (x != a && x->next == NULL && y->next == NULL) {
            x = x->parent;
            y = y->parent;
        }
        if (x == a)
            return true;
        x = x->next;
        y = y->next;
        if (x == NULL || y == NULL)
            return false;
    }
    return false;
}
