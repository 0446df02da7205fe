/* Owns the choice of directories.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "setup/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/file.h"

enum { LONGEST_NAME = 64 }; /* of a file below conf */

bool places_below(const char *root, struct places *out, struct problem *why)
{
    char absolute[PATH_MAX] = "";

    if (root != NULL && strcmp(root, "/") != 0) {
        if (!file_make_dir(root, 0755, why))
            return false;
        if (realpath(root, absolute) == NULL)
            return problem_set(why, "%s: %s", root, strerror(errno));
        if (strlen(absolute) + LONGEST_NAME > PLACE_MAX - LONGEST_NAME)
            return problem_set(why, "%s: the name is too long", root);
        if (strpbrk(absolute, "\"'\\ \n") != NULL)
            return problem_set(why, "%s: quotes and blanks are not possible here", root);
    }
    out->usual = absolute[0] == '\0';
    (void)snprintf(out->root, PLACE_MAX, "%.400s", out->usual ? "/" : absolute);
    (void)snprintf(out->conf, PLACE_MAX, "%.400s/etc/culvert", absolute);
    (void)snprintf(out->state, PLACE_MAX, "%.400s/var/lib/culvert", absolute);
    (void)snprintf(out->fleet, PLACE_MAX, "%.400s/var/lib/culvert-fleet", absolute);
    (void)snprintf(out->run, PLACE_MAX, "%.400s/run/culvert", absolute);
    return true;
}

const char *place_of(char out[PLACE_MAX], const struct places *p, const char *name)
{
    (void)snprintf(out, PLACE_MAX, "%.440s/%.64s", p->conf, name);
    return out;
}
