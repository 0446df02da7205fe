/* What every subcommand needs: an error for people, and the daemon to talk to.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "vici/vici_client.h"

enum cli_exit cli_fail(const char *fmt, ...)
{
    va_list args;

    fflush(stdout);
    fputs("culvert: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_FAILED;
}

struct vici_link *cli_connect(const struct cli *cli, enum cli_exit *code)
{
    struct vici_link *l = vici_open(cli->socket);

    *code = CLI_OK;
    if (l != NULL)
        return l;
    if (errno == ENOENT || errno == ECONNREFUSED) {
        cli_fail("culvertd is not running: nobody answers at %s\n"
                 "start it with `systemctl start culvertd` or `culvertd --run-dir %s -c FILE`",
                 cli->socket, cli->run_dir);
        *code = CLI_NOT_RUNNING;
    } else {
        *code = cli_fail("connecting to %s: %s%s", cli->socket, strerror(errno),
                         errno == EACCES ? " (the daemon's user may, and root)" : "");
    }
    return NULL;
}
