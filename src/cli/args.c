/* Owns how options of such verbs are read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/suggest.h"

enum { HELP_COLUMN = 22 };

static bool usage(enum cli_exit *code)
{
    *code = CLI_USAGE;
    return false;
}

/* ---- help ------------------------------------------------------------------------------ */

static void print_help(const struct args *args)
{
    fputs(args->usage, stdout);
    for (const struct arg *a = args->list; a->name != NULL; a++) {
        const char *gap = strstr(a->help, "  ");
        const int value_n = gap != NULL ? (int)(gap - a->help) : 0;
        int n = printf("  --%s%s%.*s", a->name, value_n > 0 ? " " : "", value_n, a->help);

        if (n > HELP_COLUMN - 2)
            n = printf("\n") - 1;
        printf("%*s%s\n", HELP_COLUMN - n, "", gap != NULL ? &gap[2] : a->help);
    }
    printf("  --help%*s%s\n", HELP_COLUMN - 8, "", "this text");
}

/* ---- values ---------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t *out, const char **rest)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    *rest = end;
    return text[0] >= '0' && text[0] <= '9' && errno == 0;
}

static bool read_time(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t s;
    } units[] = {
        {"",  1    },
        {"s", 1    },
        {"m", 60   },
        {"h", 3600 },
        {"d", 86400},
    };
    const char *unit;
    uint64_t n;

    if (!read_number(text, &n, &unit) || n > 1000000000)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].unit) == 0) {
            *out = (int64_t)n * units[i].s;
            return true;
        }
    return false;
}

/* "a,b" and "a" "b" are the same list; the commas become ends. */
static bool read_list(char *text, struct arg_list *out)
{
    char *save = NULL;

    for (char *one = strtok_r(text, ", ", &save); one != NULL;
         one = strtok_r(NULL, ", ", &save)) {
        if (out->n == ARG_LIST_MAX)
            return false;
        out->v[out->n++] = one;
    }
    return true;
}

static bool take(const struct arg *a, char *value)
{
    const char *rest = "";

    switch (a->kind) {
    case ARG_FLAG:
        *(bool *)a->to = true;
        return true;
    case ARG_TEXT:
        *(const char **)a->to = value;
        return true;
    case ARG_LIST:
        return read_list(value, a->to) ||
               (cli_fail("--%s: at most %d are possible", a->name, ARG_LIST_MAX), false);
    case ARG_NUMBER:
        if (read_number(value, a->to, &rest) && *rest == '\0')
            return true;
        cli_fail("--%s takes a number, not %s", a->name, value);
        return false;
    default:
        if (read_time(value, a->to))
            return true;
        cli_fail("--%s takes a time like 90s, 10m, 24h or 30d, not %s", a->name, value);
        return false;
    }
}

/* ---- options --------------------------------------------------------------------------- */

static const struct arg *find(const struct args *args, const char *name, size_t n)
{
    const struct arg *a = args->list;

    while (a->name != NULL && (strlen(a->name) != n || strncmp(a->name, name, n) != 0))
        a++;
    return a->name != NULL ? a : NULL;
}

static void tell_unknown(const struct args *args, const char *verb, const char *option)
{
    struct suggest s = suggest_init(&option[2]);
    char hint[128];

    for (const struct arg *a = args->list; a->name != NULL; a++)
        suggest_try(&s, a->name);
    cli_fail("culvert %s does not take %s%s (see culvert %s --help)", verb, option,
             suggest_hint(&s, hint, sizeof(hint)), verb);
}

/* The option at argv[*i]; its value may be the next word. */
static bool take_option(const struct args *args, int argc, char **argv, int *i)
{
    const char *name = &argv[*i][2];
    const size_t n = strcspn(name, "=");
    const struct arg *a = find(args, name, n);
    char *value = &argv[*i][2 + n];

    if (a == NULL) {
        tell_unknown(args, argv[0], argv[*i]);
        return false;
    }
    if (a->kind == ARG_FLAG && *value == '=') {
        cli_fail("--%s takes no value", a->name);
        return false;
    }
    if (a->kind == ARG_FLAG)
        return take(a, NULL);
    if (*value == '=')
        return take(a, &value[1]);
    if (*i + 1 == argc) {
        cli_fail("--%s needs a value (see culvert %s --help)", a->name, argv[0]);
        return false;
    }
    return take(a, argv[++*i]);
}

bool args_read(const struct args *args, int argc, char **argv, char **words,
               enum cli_exit *code)
{
    unsigned n = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(args);
            *code = CLI_OK;
            return false;
        }
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0') {
            if (!take_option(args, argc, argv, &i))
                return usage(code);
            continue;
        }
        if (n == args->most) {
            cli_fail("unexpected argument %s (see culvert %s --help)", argv[i], argv[0]);
            return usage(code);
        }
        words[n++] = argv[i];
    }
    words[n] = NULL;
    if (n >= args->least)
        return true;
    cli_fail("culvert %s: something is missing (see culvert %s --help)", argv[0], argv[0]);
    return usage(code);
}
