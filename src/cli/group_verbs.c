/* culvert profile and culvert tenant: what devices share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/fleet_open.h"
#include "cli/fleet_view.h"
#include "cli/verb_table.h"

struct asked {
    const char *root, *registry, *notes;
    int64_t silent_s;
    bool json;
};

#define GROUP_ARGS(a)                                                                          \
    {"json", ARG_FLAG, &(a).json, "an object a line, for programs"},                           \
        {"registry", ARG_TEXT, &(a).registry, "URI  instead of the one in fleet.conf"},        \
        {"root", ARG_TEXT, &(a).root, "DIR  below which all files are (default /)"},           \
    {                                                                                          \
        NULL, ARG_FLAG, NULL, NULL                                                             \
    }

/* argv[0] is "profile list", "tenant add" and so on. */
static enum group_kind kind_of(const char *verb)
{
    return strncmp(verb, "tenant", 6) == 0 ? GROUP_TENANT : GROUP_PROFILE;
}

struct printing {
    bool json;
    unsigned n;
};

static void print_one(void *ctx, const struct group *g)
{
    struct printing *p = ctx;

    p->n++;
    if (p->json)
        view_group_json(g);
    else
        printf("%-24s %s\n", g->name, g->notes);
}

static enum cli_exit group_list(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {GROUP_ARGS(a)};
    const struct args args = {
        .usage =
            "usage: culvert profile|tenant list [OPTION...]\n\nAll of them, by name.  Exit "
            "code 4: there are none.\n\n",
        .list = list};
    struct printing p = {false, 0};
    char *words[1];
    enum cli_exit code;
    struct registry *r;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    p.json = a.json;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (registry_group_list(r, kind_of(argv[0]), print_one, &p) != REGISTRY_OK)
        code = fleet_fail(r);
    else if (p.n == 0)
        code = CLI_NONE;
    registry_close(r);
    return code;
}

static enum cli_exit show(const struct asked *a, struct registry *r, enum group_kind kind,
                          const char *name)
{
    const bool profile = kind == GROUP_PROFILE;
    struct device_counts n;
    struct group g;

    if (registry_group_get(r, kind, name, &g) != REGISTRY_OK ||
        registry_device_count(r, profile ? NULL : name, profile ? name : NULL, &n) !=
            REGISTRY_OK)
        return fleet_fail(r);
    if (a->json) {
        view_group_json(&g);
        return CLI_OK;
    }
    printf("%s: %llu devices, %llu up, %llu suspended, %llu revoked\n", g.name,
           (unsigned long long)n.all, (unsigned long long)n.online,
           (unsigned long long)n.by_state[DEVICE_SUSPENDED],
           (unsigned long long)n.by_state[DEVICE_REVOKED]);
    if (g.notes[0] != '\0')
        printf("  notes        %s\n", g.notes);
    if (g.silent_s != 0)
        printf("  silent       told after %lld s\n", (long long)g.silent_s);
    return CLI_OK;
}

static enum cli_exit group_show(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {GROUP_ARGS(a)};
    const struct args args = {
        .usage =
            "usage: culvert profile|tenant show NAME [OPTION...]\n\nIt, and how many devices "
            "are in it.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    char *words[2];
    enum cli_exit code;
    struct registry *r;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    code = show(&a, r, kind_of(argv[0]), words[0]);
    registry_close(r);
    return code;
}

/* What is not given stays as it is. */
static enum cli_exit put(const struct asked *a, struct registry *r, enum group_kind kind,
                         const char *name)
{
    struct group g;
    const enum registry_err err = registry_group_get(r, kind, name, &g);

    if (err != REGISTRY_OK && err != REGISTRY_NONE)
        return fleet_fail(r);
    if (err == REGISTRY_NONE)
        g = (struct group){.silent_s = 0};
    snprintf(g.name, sizeof(g.name), "%s", name);
    if (a->notes != NULL)
        snprintf(g.notes, sizeof(g.notes), "%s", a->notes);
    if (a->silent_s >= 0)
        g.silent_s = a->silent_s;
    return registry_group_put(r, kind, &g, NULL) == REGISTRY_OK ? CLI_OK : fleet_fail(r);
}

static enum cli_exit group_add(int argc, char **argv)
{
    struct asked a = {.silent_s = -1};
    const struct arg list[] = {
        {"notes",  ARG_TEXT, &a.notes,    "TEXT  what people should know of it"},
        {"silent", ARG_TIME, &a.silent_s,
         "TIME  a device that is not heard for so long is told"                },
        GROUP_ARGS(a),
    };
    const struct args args = {
        .usage = "usage: culvert profile|tenant add NAME [OPTION...]\n"
                 "       culvert profile|tenant set NAME [OPTION...]\n\nMakes one, or changes "
                 "what is given of one.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    char *words[2];
    enum cli_exit code;
    struct registry *r;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (strlen(words[0]) > 63 || (a.notes != NULL && strlen(a.notes) > 511))
        return cli_fail("the name or the notes are too long");
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    code = put(&a, r, kind_of(argv[0]), words[0]);
    registry_close(r);
    return code;
}

static enum cli_exit group_remove(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {GROUP_ARGS(a)};
    const struct args args = {
        .usage = "usage: culvert profile|tenant remove NAME [OPTION...]\n\nOne without "
                 "devices.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    char *words[2];
    enum cli_exit code;
    struct registry *r;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (registry_group_remove(r, kind_of(argv[0]), words[0]) != REGISTRY_OK)
        code = fleet_fail(r);
    registry_close(r);
    return code;
}

static const struct verb_row rows[] = {
    {"list",   "all of them",                   group_list  },
    {"show",   "one, and its devices in short", group_show  },
    {"add",    "a new one",                     group_add   },
    {"set",    "changes one",                   group_add   },
    {"remove", "one without devices",           group_remove},
};

static const struct verb_table profile_verbs = {"profile", rows,
                                                sizeof(rows) / sizeof(rows[0])};
static const struct verb_table tenant_verbs = {"tenant", rows, sizeof(rows) / sizeof(rows[0])};

enum cli_exit cli_profile(int argc, char **argv)
{
    return verb_table_run(&profile_verbs, argc, argv);
}

enum cli_exit cli_tenant(int argc, char **argv)
{
    return verb_table_run(&tenant_verbs, argc, argv);
}
