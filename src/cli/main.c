/* The culvert command: its arguments and which subcommand they mean.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char help[] =
    "usage: culvert COMMAND [OPTION...]\n"
    "\n"
    "  status [NAME]      connections, their tunnels, traffic and drops\n"
    "  up NAME            start a connection's children, or one child\n"
    "  down NAME|#ID      end a connection, a child, or the SA of that number\n"
    "  log                the daemon's recent log lines, then new ones as they come\n"
    "  packet open|seal|explain --sa FILE --in CAPTURE [--out CAPTURE]\n"
    "                     IPsec packets of a pcap file, with the SAs that `ip xfrm state`\n"
    "                     printed; needs no daemon\n"
    "  version            versions of this command and of the running daemon\n"
    "  help               this text\n"
    "\n"
    "NAME is a connection, a child, or CONNECTION/CHILD.\n"
    "\n"
    "  --json             output for programs: status, log, version, packet\n"
    "  --timeout SECONDS  up, down: give up after that time (default 60; 0: never)\n"
    "  --force            down: do not wait for the peer's answer\n"
    "  --no-follow        log: only the lines there are\n"
    "  --run-dir DIR      where the daemon's socket is (default $CULVERT_RUN_DIR,\n"
    "                     else /run/culvert)\n"
    "\n"
    "exit status: 0 done, 1 failed (packet: one was dropped), 2 wrong usage (packet: or\n"
    "wrong input), 3 the daemon is not running\n";

enum operand { NO_NAME, MAY_NAME, MUST_NAME };

static const struct {
    const char *name;
    enum operand operand;
    enum cli_exit (*run)(const struct cli *cli);
} commands[] = {
    {"status",  MAY_NAME,  cli_status },
    {"up",      MUST_NAME, cli_up     },
    {"down",    MUST_NAME, cli_down   },
    {"log",     NO_NAME,   cli_log    },
    {"packet",  MAY_NAME,  cli_packet },
    {"version", NO_NAME,   cli_version},
};

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

static enum cli_exit usage(const char *what, const char *which)
{
    cli_fail("%s%s (see culvert help)", what, which);
    return CLI_USAGE;
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

static bool read_seconds(const char *text, unsigned *out)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || n > 1000000)
        return false;
    *out = (unsigned)n;
    return true;
}

/* False for what getopt or we do not understand; both have said so. */
static bool read_options(struct cli *cli, int argc, char **argv, bool *wants_help)
{
    static const struct option options[] = {
        {"json",      no_argument,       NULL, 'j'},
        {"timeout",   required_argument, NULL, 't'},
        {"force",     no_argument,       NULL, 'f'},
        {"no-follow", no_argument,       NULL, 'n'},
        {"run-dir",   required_argument, NULL, 'r'},
        {"sa",        required_argument, NULL, 's'},
        {"in",        required_argument, NULL, 'i'},
        {"out",       required_argument, NULL, 'o'},
        {"help",      no_argument,       NULL, 'h'},
        {NULL,        0,                 NULL, 0  },
    };
    int c;

    while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
        switch (c) {
        case 'j':
            cli->json = true;
            break;
        case 't':
            if (!read_seconds(optarg, &cli->timeout_s))
                return usage("--timeout takes a number of seconds, not ", optarg) == CLI_OK;
            break;
        case 'f':
            cli->force = true;
            break;
        case 'n':
            cli->no_follow = true;
            break;
        case 'r':
            cli->run_dir = optarg;
            break;
        case 's':
            cli->sa_file = optarg;
            break;
        case 'i':
            cli->in_file = optarg;
            break;
        case 'o':
            cli->out_file = optarg;
            break;
        case 'h':
            *wants_help = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

static enum cli_exit run(struct cli *cli, const char *command, int n_names, char **names)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(command, commands[i].name) != 0)
            continue;
        if (commands[i].operand == MUST_NAME && n_names == 0)
            return usage("missing NAME after ", command);
        if (n_names > (commands[i].operand != NO_NAME))
            return usage("unexpected argument ", names[n_names - 1]);
        cli->name = n_names > 0 ? names[0] : NULL;
        return commands[i].run(cli);
    }
    return usage("unknown command ", command);
}

int main(int argc, char **argv)
{
    const char *dir = getenv("CULVERT_RUN_DIR");
    struct cli cli = {.run_dir = dir != NULL && dir[0] != '\0' ? dir : "/run/culvert",
                      .timeout_s = 60};
    bool wants_help = false;
    enum cli_exit code;

    if (!read_options(&cli, argc, argv, &wants_help))
        return CLI_USAGE;
    if (wants_help || (optind < argc && strcmp(argv[optind], "help") == 0)) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (optind == argc) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    if ((size_t)snprintf(cli.socket, sizeof(cli.socket), "%s/vici.sock", cli.run_dir) >=
        sizeof(cli.socket))
        return (int)usage("the run directory's name is too long: ", cli.run_dir);
    code = run(&cli, argv[optind], argc - optind - 1, argv + optind + 1);
    if (fflush(stdout) != 0 && code == CLI_OK)
        code = cli_fail("writing the output: %s", strerror(errno));
    return (int)code;
}
