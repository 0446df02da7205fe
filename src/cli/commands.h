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

const struct command *command_find(const char *name);
void command_help(const struct command *c); /* to stdout */
void commands_help(FILE *out);              /* all in short */

#endif
