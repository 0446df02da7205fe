/* culvert bench: what culvert costs on this machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"

#include <string.h>

#include "bench/figures.h"
#include "cli/args.h"

enum { ROUNDS = 101 };

static const char usage_text[] =
    "usage: culvert bench esp [ALGORITHM] [OPTION...]\n\n"
    "esp: nanoseconds of a packet in memory, for one algorithm (\"none\": without a cipher) "
    "or\n"
    "all, beside the crypto library alone.  No root, no daemon.\n\n";

enum cli_exit cli_bench(int argc, char **argv)
{
    struct bench_wish wish = {.json = false};
    uint64_t rounds = ROUNDS;
    const struct arg list[] = {
        {"json",   ARG_FLAG,   &wish.json, "  output for programs"                    },
        {"rounds", ARG_NUMBER, &rounds,    "N  medians over so many (101, up to 4001)"},
        {NULL,     ARG_FLAG,   NULL,       NULL                                       },
    };
    const struct args args = {.usage = usage_text, .list = list, .least = 1, .most = 2};
    char *words[3] = {NULL, NULL, NULL};
    enum cli_exit code;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (strcmp(words[0], "esp") != 0) {
        (void)cli_fail("bench: there is no %s (see culvert bench --help)", words[0]);
        return CLI_USAGE;
    }
    if (rounds == 0 || rounds > FIGURES_ROUNDS_MAX) {
        (void)cli_fail("--rounds takes a number from 1 to %u", FIGURES_ROUNDS_MAX);
        return CLI_USAGE;
    }
    wish.rounds = (unsigned)rounds;
    wish.only = words[1];
    if (bench_esp(&wish, stdout))
        return CLI_OK;
    return words[1] != NULL ? cli_fail("bench: no algorithm %s", words[1])
                            : cli_fail("bench: the library fails");
}
