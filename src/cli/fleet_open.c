/* Owns where verbs look for the registry.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/fleet_open.h"

#include <stdio.h>
#include <string.h>

#include "kit/file.h"
#include "kit/tree.h"
#include "setup/places.h"

/* What fleet.conf says, in out; the usual place when it says nothing. */
static bool find_uri(const struct places *p, char out[PLACE_MAX], struct problem *why)
{
    struct problems found = {0};
    char path[PLACE_MAX];
    const struct node *fleet;
    struct node *tree;

    (void)snprintf(out, PLACE_MAX, "%.440s/fleet.db", p->state);
    if (!file_is_there(place_of(path, p, "fleet.conf")))
        return true;
    tree = tree_read_file(path, &found);
    if (tree == NULL) {
        *why = *problems_first_error(&found);
        problems_free(&found);
        return false;
    }
    fleet = tree_find(tree, "fleet");
    if (fleet != NULL)
        (void)snprintf(out, PLACE_MAX, "%s", tree_get(fleet, "registry", out));
    tree_free(tree);
    problems_free(&found);
    return true;
}

static enum cli_exit code_of(enum registry_err err)
{
    return err == REGISTRY_NONE                           ? CLI_NONE
           : err == REGISTRY_AWAY || err == REGISTRY_FULL ? CLI_AWAY
                                                          : CLI_FAILED;
}

bool fleet_find(const char *root, const char *uri, char out[PLACE_MAX], enum cli_exit *code)
{
    struct problem why = {.text = ""};
    struct places p;

    *code = CLI_FAILED;
    if (uri != NULL) {
        (void)snprintf(out, PLACE_MAX, "%s", uri);
        return true;
    }
    if (places_below(root, &p, &why) && find_uri(&p, out, &why))
        return true;
    cli_fail("%s", why.text);
    return false;
}

struct registry *fleet_open(const char *root, const char *uri, enum cli_exit *code)
{
    struct problem why = {.text = ""};
    char found[PLACE_MAX];
    const struct registry_config c = {.uri = found};
    enum registry_err err;
    struct registry *r;

    if (!fleet_find(root, uri, found, code))
        return NULL;
    if (uri == NULL && strstr(found, "://") == NULL && !file_is_there(found)) {
        cli_fail("there is no fleet here (%s): make one with culvert init", found);
        return NULL;
    }
    r = registry_open(&c, &err, &why);
    *code = code_of(err);
    if (r != NULL)
        *code = CLI_OK;
    else
        cli_fail("%s", why.text);
    return r;
}

enum cli_exit fleet_fail(const struct registry *r)
{
    cli_fail("%s", registry_why(r));
    return code_of(registry_last(r));
}
