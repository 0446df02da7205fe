/* Options of verbs that have their own: a table says what there is, and --help prints it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"

enum arg_kind {
    ARG_FLAG,   /* bool */
    ARG_TEXT,   /* const char * */
    ARG_LIST,   /* struct arg_list: may be given again, or with commas */
    ARG_NUMBER, /* uint64_t */
    ARG_TIME,   /* int64_t seconds: "90", "10m", "24h", "30d" */
};

enum { ARG_LIST_MAX = 8 };
struct arg_list {
    const char *v[ARG_LIST_MAX];
    unsigned n;
};

struct arg {
    const char *name; /* without --; NULL at the end */
    enum arg_kind kind;
    void *to;
    const char
        *help; /* "NAME  how devices know it": what stands for the value, then two blanks */
};

/* What a verb takes. */
struct args {
    const char *usage; /* the first lines of --help */
    const struct arg *list;
    unsigned least, most; /* operands */
};

/* Reads argv behind the verb, argv[0]; operands go to words, whose place is argv's own.  false:
 * what there is to say has been said, and *code is the exit code. */
bool args_read(const struct args *args, int argc, char **argv, char **words,
               enum cli_exit *code);

#endif
