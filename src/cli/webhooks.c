/* culvert webhook: who is told of events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/fleet_open.h"
#include "cli/verb_table.h"
#include "fleet/registry_hook.h"
#include "kit/json.h"

struct asked {
    const char *root, *registry, *severity, *tenant, *secret;
    bool json;
};

#define PLACE_ARGS(a)                                                                          \
    {"registry", ARG_TEXT, &(a).registry, "URI  instead of the one in fleet.conf"},            \
        {"root", ARG_TEXT, &(a).root, "DIR  below which all files are (default /)"},           \
    {                                                                                          \
        NULL, ARG_FLAG, NULL, NULL                                                             \
    }

struct printing {
    bool json;
    unsigned n;
};

static void print_one(void *ctx, const struct hook *h)
{
    struct printing *p = ctx;
    struct json j = {.out = stdout, .compact = true};

    p->n++;
    if (!p->json) {
        printf("%-20s %-8s %-40s at event %lld%s%s%s\n", h->name, event_severity_name(h->least),
               h->url, (long long)h->at, h->tries > 0 ? ", in vain: " : "",
               h->tries > 0 ? h->last : "", h->tenant);
        return;
    }
    json_object(&j, NULL);
    json_text(&j, "name", h->name);
    json_text(&j, "url", h->url);
    json_text(&j, "severity", event_severity_name(h->least));
    json_text(&j, "tenant", h->tenant);
    json_number(&j, "at", (uint64_t)h->at);
    json_number(&j, "tries", (uint64_t)h->tries);
    json_text(&j, "last", h->last);
    json_end_object(&j);
    json_finish(&j);
}

static enum cli_exit hook_list(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {
        {"json", ARG_FLAG, &a.json, "an object a line, for programs"},
        PLACE_ARGS(a),
    };
    const struct args args = {
        .usage = "usage: culvert webhook list [OPTION...]\n\nWho is told, how far, and how the "
                 "last try ended.  Exit code 4: nobody.\n\n",
        .list = list};
    struct printing p = {false, 0};
    struct registry *r;
    enum cli_exit code;
    char *words[1];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    p.json = a.json;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (registry_hook_list(r, print_one, &p) != REGISTRY_OK)
        code = fleet_fail(r);
    else if (p.n == 0)
        code = CLI_NONE;
    registry_close(r);
    return code;
}

static bool describe(const struct asked *a, char *const *words, struct hook *h)
{
    *h = (struct hook){.least = EVENT_NOTICE};
    if (a->severity != NULL && !event_severity_of(a->severity, &h->least)) {
        cli_fail("--severity takes info, notice, warning or alarm, not %s", a->severity);
        return false;
    }
    if (snprintf(h->name, sizeof(h->name), "%s", words[0]) >= (int)sizeof(h->name) ||
        snprintf(h->url, sizeof(h->url), "%s", words[1]) >= (int)sizeof(h->url) ||
        snprintf(h->tenant, sizeof(h->tenant), "%s", a->tenant != NULL ? a->tenant : "") >=
            (int)sizeof(h->tenant) ||
        snprintf(h->secret, sizeof(h->secret), "%s", a->secret != NULL ? a->secret : "") >=
            (int)sizeof(h->secret)) {
        cli_fail("name, address, tenant or secret is too long");
        return false;
    }
    return true;
}

static enum cli_exit hook_add(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {
        {"severity", ARG_TEXT, &a.severity,
         "WORD  at least: info, notice (default), warning, alarm"             },
        {"tenant",   ARG_TEXT, &a.tenant,   "NAME  only of a tenant's devices"},
        {"secret",   ARG_TEXT, &a.secret,
         "TEXT  that signs (default: a new one, which is printed)"            },
        PLACE_ARGS(a),
    };
    const struct args args = {
        .usage =
            "usage: culvert webhook add NAME URL [OPTION...]\n\nEvents from now on go there "
            "by POST, signed; what is not answered with 2xx is tried again.\n\n",
        .list = list,
        .least = 2,
        .most = 2};
    struct registry *r;
    enum cli_exit code;
    struct hook h;
    char *words[3];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (!describe(&a, words, &h))
        return CLI_USAGE;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (registry_hook_add(r, &h) != REGISTRY_OK)
        code = fleet_fail(r);
    else if (a.secret == NULL)
        printf("%s\n", h.secret);
    registry_close(r);
    return code;
}

static enum cli_exit hook_remove(int argc, char **argv)
{
    struct asked a = {.registry = NULL};
    const struct arg list[] = {PLACE_ARGS(a)};
    const struct args args = {
        .usage =
            "usage: culvert webhook remove NAME [OPTION...]\n\nIt is told nothing more.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    struct registry *r;
    enum cli_exit code;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (registry_hook_remove(r, words[0]) != REGISTRY_OK)
        code = fleet_fail(r);
    registry_close(r);
    return code;
}

static const struct verb_row rows[] = {
    {"list",   "who is told, and how far", hook_list  },
    {"add",    "tells one more",           hook_add   },
    {"remove", "tells one no longer",      hook_remove},
};

static const struct verb_table verbs = {"webhook", rows, sizeof(rows) / sizeof(rows[0])};

enum cli_exit cli_webhook(int argc, char **argv)
{
    return verb_table_run(&verbs, argc, argv);
}
