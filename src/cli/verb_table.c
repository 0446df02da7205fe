/* Owns how the verb of a noun is found.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/verb_table.h"

#include <stdio.h>
#include <string.h>

#include "kit/suggest.h"

static void print_help(const struct verb_table *t, FILE *out)
{
    fprintf(out, "usage: culvert %s VERB [NAME] [OPTION...]\n\n", t->noun);
    for (unsigned i = 0; i < t->n; i++)
        fprintf(out, "  %-9s %s\n", t->rows[i].name, t->rows[i].help);
    fprintf(out, "\nWhat a verb takes: culvert %s VERB --help\n", t->noun);
}

static enum cli_exit refuse(const struct verb_table *t, const char *word)
{
    struct suggest s = suggest_init(word);
    char hint[64];

    for (unsigned i = 0; i < t->n; i++)
        suggest_try(&s, t->rows[i].name);
    cli_fail("culvert %s has no verb '%s'%s (see culvert %s --help)", t->noun, word,
             suggest_hint(&s, hint, sizeof(hint)), t->noun);
    return CLI_USAGE;
}

enum cli_exit verb_table_run(const struct verb_table *t, int argc, char **argv)
{
    char name[64];

    if (argc < 2) {
        print_help(t, stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(t, stdout);
        return CLI_OK;
    }
    for (unsigned i = 0; i < t->n; i++) {
        if (strcmp(argv[1], t->rows[i].name) != 0)
            continue;
        (void)snprintf(name, sizeof(name), "%s %s", t->noun, argv[1]);
        argv[1] = name;
        return t->rows[i].run(argc - 1, &argv[1]);
    }
    return refuse(t, argv[1]);
}
