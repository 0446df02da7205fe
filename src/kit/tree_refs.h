/* References of a configuration file: `name : base, other { }`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIT_TREE_REFS_H
#define KIT_TREE_REFS_H

#include "kit/tree.h"

struct tree_refs {
    struct tree_ref *v;
    size_t n, cap;
};

/* section is based on target ("name.name", from the root), which is owned from now on. */
void tree_refs_add(struct tree_refs *refs, struct node *section, char *target, const char *file,
                   int line);
/* Copies into each section what it lacks from its bases.  Once, after all files are read. */
bool tree_refs_follow(struct tree_refs *refs, struct node *root, struct problems *found);
void tree_refs_free(struct tree_refs *refs);

#endif
