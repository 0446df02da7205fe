/* Sections, values and lists: what a swanctl.conf and a VICI message both are.
 * Nodes own their strings.  Order is kept.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_TREE_H
#define KIT_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "kit/problem.h"

enum node_kind { NODE_SECTION, NODE_VALUE, NODE_LIST };

struct node {
    char *name;  /* NULL for items of a list and for the root */
    char *value; /* NODE_VALUE: value_len octets, also terminated by NUL; may hold binary (VICI)
                  */
    size_t value_len;
    enum node_kind kind;
    struct node *first, *last; /* section: its members; list: its items (NODE_VALUE) */
    struct node *next, *parent;
    const char *file; /* NULL when not from a file; interned, lives as long as the root */
    int line;
    bool base; /* section: others were written as `name : this { }` */
    struct {
        uint32_t all, here, done; /* references left here and below, left here, followed here */
    } refs;                       /* while a file is read */
    uint32_t n_members;           /* counted up to where the index begins */
    struct node_index *index;     /* large sections: members by name */
};

struct node *tree_new(void);       /* an empty root section */
void tree_free(struct node *root); /* wipes values: some are secrets */
/* A root of its own with the section's name and members. */
struct node *tree_copy(const struct node *section);
/* The same members in the same order?  Where they were written does not matter. */
bool tree_equal(const struct node *a, const struct node *b);
struct node *tree_add_section(struct node *section, const char *name);
struct node *tree_add_value(struct node *section, const char *name, const char *value);
struct node *tree_add_valuef(struct node *section, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct node *tree_add_bytes(struct node *section, const char *name, const void *p, size_t n);
struct node *tree_add_list(struct node *section, const char *name);
struct node *tree_add_item(struct node *list, const char *value);
struct node *tree_add_item_bytes(struct node *list, const void *p, size_t n);
/* The member of that name, or NULL. */
struct node *tree_find(const struct node *section, const char *name);
/* The value of that member, or fallback. */
const char *tree_get(const struct node *section, const char *name, const char *fallback);

/* Deeper layers: what tree_read.c adds to the tree. */
const char *tree_intern(struct node *root, const char *file); /* lives as long as the root */
void tree_set_value(struct node *value, const char *text, size_t n);
/* Copies what section lacks from base; returns how many nodes that made. */
size_t tree_inherit(struct node *section, const struct node *base);

/* Reads a file in strongswan.conf syntax: sections, `key = value`, "strings", comments,
 * `include GLOB`, `name : base { }` inheritance.  NULL when there are errors: all of them are
 * found at once, each with file and line. */
struct node *tree_read_file(const char *path, struct problems *found);
struct node *tree_read_text(const char *text, size_t n, const char *name,
                            struct problems *found);

#endif
