/* Owns strongswan.conf: where it is, and which of its sections count.
 *
 * charon's settings are in charon { }, and in a section named like the program that it runs as.
 * What has no meaning here is left alone, since the file is strongSwan's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/conf_settings.h"

/* "DIR/strongswan.conf"; of /etc/swanctl it is the folder above. */
static const char *beside(struct conf_reader *r, const char *path)
{
    static const char *const names[] = {"strongswan.conf", "../strongswan.conf"};
    const char *base = strrchr(path, '/');
    const size_t n = strlen(r->dir);
    const bool swanctl = n >= 7 && strcmp(r->dir + n - 7, "swanctl") == 0;
    const size_t room = n + sizeof("/../strongswan.conf");
    char *out = mem_take(r->mem, room, 1);

    if (strcmp(base != NULL ? base + 1 : path, "swanctl.conf") != 0)
        return NULL;
    for (unsigned i = 0; i < 1U + swanctl; i++) {
        (void)snprintf(out, room, "%s/%s", r->dir, names[i]);
        if (access(out, F_OK) == 0)
            return out;
    }
    return NULL;
}

/* What is wrong in a file that nobody has named keeps nothing from loading. */
static void as_warnings(struct problems *to, const struct problems *from)
{
    for (size_t i = 0; i < from->n; i++) {
        struct problem why = from->v[i].problem;

        problems_warning(to, &why);
    }
}

struct node *conf_read_strongswan(struct conf_reader *r, const struct conf_source *from)
{
    struct problems found = {0};
    const char *path;
    struct node *root;

    if (from->strongswan != NULL)
        return tree_read_file(from->strongswan, r->found);
    path = beside(r, from->path);
    if (path == NULL)
        return NULL;
    root = tree_read_file(path, &found);
    as_warnings(r->found, &found);
    problems_free(&found);
    return root;
}

const struct node *conf_charon_section(const struct conf_reader *r, unsigned i)
{
    static const char *const names[] = {"charon", "charon-systemd"};
    const struct node *section = NULL;

    for (unsigned k = 0; r->strongswan != NULL && k < 2; k++) {
        section = tree_find(r->strongswan, names[k]);
        if (section != NULL && section->kind == NODE_SECTION && i-- == 0)
            return section;
    }
    return NULL;
}
