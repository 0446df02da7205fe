/* The culvert command: its arguments and which subcommand they mean.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <culvert/version.h>

#include "cli/commands.h"

enum { WATCH_S = 2 };

/* What the options are, before it is known whether the command takes them. */
struct given {
    char letters[32]; /* each once */
    bool version;
};

static enum cli_exit usage(const char *what, const char *which)
{
    cli_fail("%s%s (see culvert help)", what, which);
    return CLI_USAGE;
}

/* ---- options ------------------------------------------------------------------------- */

static bool read_seconds(const char *option, const char *text, unsigned least, unsigned *out)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || n > 1000000 ||
        n < least) {
        cli_fail("--%s takes a number of seconds, not %s (see culvert help)", option, text);
        return false;
    }
    *out = (unsigned)n;
    return true;
}

static bool take_option(struct cli *cli, int c)
{
    switch (c) {
    case 'v':
        cli->verbose = true;
        return true;
    case 'p':
        cli->peer = optarg;
        return true;
    case 'd':
        cli->down = true;
        return true;
    case 'S':
        cli->sort = optarg;
        return true;
    case 'w':
        cli->watch_s = WATCH_S;
        return optarg == NULL || read_seconds("watch", optarg, 1, &cli->watch_s);
    case 't':
        return read_seconds("timeout", optarg, 0, &cli->timeout_s);
    case 'f':
        cli->force = true;
        return true;
    case 'n':
        cli->no_follow = true;
        return true;
    case 'L':
        cli->levels = true;
        cli->level = optarg;
        return true;
    case 's':
        cli->sa_file = optarg;
        return true;
    case 'i':
        cli->in_file = optarg;
        return true;
    case 'o':
        cli->out_file = optarg;
        return true;
    case 'l':
        cli->json_lines = true;
        cli->json = true;
        return true;
    case 'j':
        cli->json = true;
        return true;
    default:
        return true;
    }
}

static const struct option known[] = {
    {"verbose",    no_argument,       NULL, 'v'},
    {"peer",       required_argument, NULL, 'p'},
    {"down",       no_argument,       NULL, 'd'},
    {"sort",       required_argument, NULL, 'S'},
    {"watch",      optional_argument, NULL, 'w'},
    {"timeout",    required_argument, NULL, 't'},
    {"force",      no_argument,       NULL, 'f'},
    {"no-follow",  no_argument,       NULL, 'n'},
    {"level",      optional_argument, NULL, 'L'},
    {"sa",         required_argument, NULL, 's'},
    {"in",         required_argument, NULL, 'i'},
    {"out",        required_argument, NULL, 'o'},
    {"json",       no_argument,       NULL, 'j'},
    {"json-lines", no_argument,       NULL, 'l'},
    {"run-dir",    required_argument, NULL, 'r'},
    {"version",    no_argument,       NULL, 'V'},
    {"help",       no_argument,       NULL, 'h'},
    {NULL,         0,                 NULL, 0  },
};

/* False for what getopt or we do not understand; both have said so. */
static bool read_options(struct cli *cli, int argc, char **argv, struct given *given)
{
    size_t n = 0;
    int c;

    while ((c = getopt_long(argc, argv, "vjVh", known, NULL)) != -1) {
        if (c == '?' || !take_option(cli, c))
            return false;
        if (c == 'r')
            cli->run_dir = optarg;
        if (c == 'V')
            given->version = true;
        else if (strchr(given->letters, c) == NULL)
            given->letters[n++] = (char)c;
    }
    return true;
}

/* An option that a command does not take would be ignored. */
static bool takes_all(const struct command *c, const struct given *given)
{
    const char letter = given->letters[strspn(given->letters, c->options)];
    const struct option *o = known;

    if (letter == '\0')
        return true;
    while (o->val != letter)
        o++;
    cli_fail("culvert %s does not take --%s (see culvert %s --help)", c->name, o->name,
             c->name);
    return false;
}

/* ---- commands ------------------------------------------------------------------------ */

static enum cli_exit run(struct cli *cli, const struct command *c, int n_names, char **names)
{
    if (c->operand == MUST_NAME && n_names == 0)
        return usage("missing NAME after ", c->name);
    if (n_names > (c->operand != NO_NAME))
        return usage("unexpected argument ", names[n_names - 1]);
    cli->name = n_names > 0 ? names[0] : NULL;
    if ((size_t)snprintf(cli->socket, sizeof(cli->socket), "%s/vici.sock", cli->run_dir) >=
        sizeof(cli->socket))
        return usage("the run directory's name is too long: ", cli->run_dir);
    return c->run(cli);
}

static enum cli_exit help(const char *name)
{
    const struct command *c = name != NULL ? command_find(name) : NULL;
    const struct verb *v = name != NULL ? verb_find(name) : NULL;

    if (v != NULL)
        return verb_help(v);
    if (c != NULL)
        command_help(c);
    else if (name == NULL || strcmp(name, "help") == 0)
        commands_help(stdout);
    else
        return usage("unknown command ", name);
    return CLI_OK;
}

static enum cli_exit run_words(struct cli *cli, const struct given *given, int n, char **words)
{
    const bool asks_help = strchr(given->letters, 'h') != NULL;
    const struct command *c;

    if (given->version) {
        printf("culvert %s\n", cv_version());
        return CLI_OK;
    }
    if (n > 0 && strcmp(words[0], "help") == 0)
        return help(n > 1 ? words[1] : NULL);
    if (asks_help)
        return help(n > 0 ? words[0] : NULL);
    if (n == 0) {
        commands_help(stderr);
        return CLI_USAGE;
    }
    c = command_find(words[0]);
    if (verb_find(words[0]) != NULL)
        return usage("options come behind the command: culvert ", words[0]);
    if (c == NULL)
        return usage("unknown command ", words[0]);
    return takes_all(c, given) ? run(cli, c, n - 1, words + 1) : CLI_USAGE;
}

int main(int argc, char **argv)
{
    const char *dir = getenv("CULVERT_RUN_DIR");
    struct cli cli = {.run_dir = dir != NULL && dir[0] != '\0' ? dir : "/run/culvert",
                      .sort = "name",
                      .timeout_s = 60};
    struct given given = {.version = false};
    enum cli_exit code;

    const struct verb *verb = argc > 1 ? verb_find(argv[1]) : NULL;

    if (verb != NULL)
        code = verb->run(argc - 1, &argv[1]);
    else if (read_options(&cli, argc, argv, &given))
        code = run_words(&cli, &given, argc - optind, argv + optind);
    else
        return CLI_USAGE;
    if (fflush(stdout) != 0 && code == CLI_OK)
        code = cli_fail("writing the output: %s", strerror(errno));
    return (int)code;
}
