/* What was loaded over VICI, by name.  Lists are short and live as long as the server; order
 * is that of loading.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "kit/mem.h"
#include "vici/inside.h"

struct vici_kept *vici_find_kept(struct vici_kept *list, const char *name)
{
    while (list != NULL && strcmp(list->name, name) != 0)
        list = list->next;
    return list;
}

void vici_keep(struct vici_kept **list, const char *name, struct node *section)
{
    struct vici_kept *k = vici_find_kept(*list, name);

    if (k == NULL) {
        while (*list != NULL)
            list = &(*list)->next;
        *list = k = mem_new(1, sizeof(*k));
        k->name = mem_text(name);
    }
    tree_free(k->section);
    k->section = section;
}

static void drop_first(struct vici_kept **list)
{
    struct vici_kept *k = *list;

    *list = k->next;
    tree_free(k->section);
    free(k->name);
    free(k);
}

bool vici_unkeep(struct vici_kept **list, const char *name)
{
    while (*list != NULL && strcmp((*list)->name, name) != 0)
        list = &(*list)->next;
    if (*list == NULL)
        return false;
    drop_first(list);
    return true;
}

void vici_unkeep_all(struct vici_kept **list)
{
    while (*list != NULL)
        drop_first(list);
}

void vici_answer_names(struct vici_client *c, const char *name, const struct vici_kept *list)
{
    struct node *message = tree_new();
    struct node *names = tree_add_list(message, name);

    for (; list != NULL; list = list->next)
        tree_add_item(names, list->name);
    vici_answer(c, message);
}
