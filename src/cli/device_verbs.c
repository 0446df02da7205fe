/* culvert device: which verb is meant.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/device_add.h"

static const struct {
    const char *name, *help;
    enum cli_exit (*run)(int argc, char **argv);
} verbs[] = {
    {"add",  "new devices, and the lines by which they join", device_add },
    {"code", "a new line for one that is there",              device_code},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_help(FILE *out)
{
    fputs("usage: culvert device VERB [NAME] [OPTION...]\n\n", out);
    for (int i = 0; i < VERBS; i++)
        fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].help);
    fputs("\nWhat a verb takes: culvert device VERB --help\n", out);
}

enum cli_exit cli_device(int argc, char **argv)
{
    char name[64];

    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    for (int i = 0; i < VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        (void)snprintf(name, sizeof(name), "device %s", argv[1]);
        argv[1] = name;
        return verbs[i].run(argc - 1, &argv[1]);
    }
    cli_fail("culvert device has no verb %s (see culvert device --help)", argv[1]);
    return CLI_USAGE;
}
