/* Verbs that have verbs of their own: culvert device add.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VERB_TABLE_H
#define CLI_VERB_TABLE_H

#include "cli/cli.h"

struct verb_row {
    const char *name, *help;
    enum cli_exit (*run)(int argc, char **argv); /* argv[0]: "device add" */
};

struct verb_table {
    const char *noun; /* "device" */
    const struct verb_row *rows;
    unsigned n;
};

/* argv[0] is the noun, argv[1] says which one. */
enum cli_exit verb_table_run(const struct verb_table *t, int argc, char **argv);

#endif
