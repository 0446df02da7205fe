/* culvert version: this command's, and the running daemon's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <culvert/version.h>

#include "cli/cli.h"
#include "kit/json.h"

static void print(const struct cli *cli, const struct node *daemon)
{
    struct json j = {.out = stdout, .compact = cli->json_lines};

    if (!cli->json) {
        printf("culvert %s\n", cv_version());
        if (daemon != NULL)
            printf("%s %s (%s, %s, %s)\n", tree_get(daemon, "daemon", "?"),
                   tree_get(daemon, "version", "?"), tree_get(daemon, "sysname", "?"),
                   tree_get(daemon, "release", "?"), tree_get(daemon, "machine", "?"));
        return;
    }
    json_object(&j, NULL);
    json_text(&j, "culvert", cv_version());
    if (daemon != NULL) {
        json_object(&j, "daemon");
        json_members(&j, daemon);
        json_end_object(&j);
    }
    json_end_object(&j);
    json_finish(&j);
}

/* A daemon that is not running is no failure here. */
enum cli_exit cli_version(const struct cli *cli)
{
    struct vici_link *l = vici_open(cli->socket);
    struct problem why = {0};
    struct node *daemon = NULL;

    if (l != NULL)
        daemon = vici_call(l, "version", NULL, NULL, &why);
    print(cli, daemon);
    tree_free(daemon);
    vici_close(l);
    return CLI_OK;
}
