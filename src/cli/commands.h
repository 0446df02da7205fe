/* The subcommands: what each takes, what it says of itself, what it does.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdio.h>

#include "cli/cli.h"

enum operand { NO_NAME, MAY_NAME, MUST_NAME };

struct command {
    const char *name;
    enum operand operand;
    enum cli_exit (*run)(const struct cli *cli);
    const char *options; /* the letters of those that it takes (option.c) */
    const char *help;    /* what --help says, without the options */
};

/* Those that read their own options (args.h), which come behind them; argv[0] is the verb. */
struct verb {
    const char *name;
    enum cli_exit (*run)(int argc, char **argv);
};

const struct verb *verb_find(const char *name);
enum cli_exit verb_help(const struct verb *v);

const struct command *command_find(const char *name);
void command_help(const struct command *c); /* to stdout */
void commands_help(FILE *out);              /* all in short */

#endif
