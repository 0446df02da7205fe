/* culvert backup and culvert restore.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/fleet_open.h"
#include "fleet/registry_copy.h"

struct asked {
    const char *root, *registry;
};

#define PLACE_ARGS(a)                                                                          \
    {"registry", ARG_TEXT, &(a).registry, "URI  instead of the one in fleet.conf"},            \
        {"root", ARG_TEXT, &(a).root, "DIR  below which all files are (default /)"},           \
    {                                                                                          \
        NULL, ARG_FLAG, NULL, NULL                                                             \
    }

enum cli_exit cli_backup(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {PLACE_ARGS(a)};
    const struct args args = {
        .usage = "usage: culvert backup FILE [OPTION...]\n\n"
                 "A copy of the fleet's registry, taken while everything goes on.  It holds "
                 "shared secrets:\nit is readable to nobody else.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    struct registry *r;
    enum cli_exit code;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (registry_backup(r, words[0]) != REGISTRY_OK)
        code = fleet_fail(r);
    registry_close(r);
    return code;
}

enum cli_exit cli_restore(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {PLACE_ARGS(a)};
    const struct args args = {
        .usage =
            "usage: culvert restore FILE [OPTION...]\n\n"
            "Puts a backup in the place of the fleet's registry, while everything goes on; "
            "what was there\nis kept beside it, its name ending in .before.  Into a "
            "server's registry only while it has\nno devices.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    struct problem why = {.line = 0};
    char uri[PLACE_MAX], *words[2];
    enum cli_exit code;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (!fleet_find(a.root, a.registry, uri, &code))
        return code;
    return registry_restore(words[0], uri, &why) == REGISTRY_OK ? CLI_OK
                                                                : cli_fail("%s", why.text);
}
