/* Owns how devices are asked for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/device_list.h"

#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/fleet_open.h"
#include "cli/fleet_view.h"
#include "fleet/event_json.h"

enum { HISTORY = 20 };

struct asked {
    const char *root, *registry, *state, *condition;
    struct device_filter filter;
    int64_t silent_s, ends_s;
    uint64_t limit, lines;
    bool json, count;
    int64_t now_s;
    uint64_t n;
};

/* ---- list --------------------------------------------------------------------- */

static void print_one(void *ctx, const struct device *d)
{
    struct asked *a = ctx;

    if (a->limit != 0 && a->n >= a->limit)
        return;
    if (a->n++ == 0 && !a->json && !a->count)
        view_device_head();
    if (a->count)
        return;
    if (a->json)
        view_device_json(d);
    else
        view_device_line(d, a->now_s);
}

static enum cli_exit list(struct asked *a, struct registry *r)
{
    struct device_page page = {.filter = a->filter, .limit = DEVICE_PAGE_MAX};
    char after[64] = "", next[64];

    a->now_s = registry_now_ms(r) / 1000;
    if (a->silent_s != 0)
        page.filter.silent_since_s = a->now_s - a->silent_s;
    if (a->ends_s != 0)
        page.filter.credential_before_s = a->now_s + a->ends_s;
    if (a->limit != 0 && a->limit < page.limit)
        page.limit = (unsigned)a->limit;
    do {
        page.after = after;
        if (registry_device_list(r, &page, print_one, a, next) != REGISTRY_OK)
            return fleet_fail(r);
        memcpy(after, next, sizeof(after));
    } while (after[0] != '\0' && (a->limit == 0 || a->n < a->limit));
    if (a->count)
        printf("%llu\n", (unsigned long long)a->n);
    return a->n > 0 || a->count ? CLI_OK : CLI_NONE;
}

static bool make_sense(struct asked *a, const char *word)
{
    static const char *const conditions[] = {"online", "offline", "never-seen", NULL};
    bool *const members[] = {&a->filter.online, &a->filter.offline, &a->filter.never_seen};

    a->filter.contains = word;
    if (a->state == NULL)
        return true;
    a->filter.by_state = device_state_of(a->state, &a->filter.state);
    if (a->filter.by_state)
        return true;
    for (unsigned i = 0; conditions[i] != NULL; i++) {
        if (strcmp(a->state, conditions[i]) != 0)
            continue;
        *members[i] = true;
        return true;
    }
    cli_fail("--state takes active, suspended, revoked, online, offline or never-seen, not %s",
             a->state);
    return false;
}

enum cli_exit device_list(int argc, char **argv)
{
    struct asked a = {.limit = 0};
    const struct arg list_of[] = {
        {"state",    ARG_TEXT,   &a.state,
         "WORD  active, suspended, revoked; online, offline, never-seen"                        },
        {"profile",  ARG_TEXT,   &a.filter.profile, "NAME  those of a profile"                  },
        {"tenant",   ARG_TEXT,   &a.filter.tenant,  "NAME  those of a tenant"                   },
        {"tag",      ARG_TEXT,   &a.filter.tag,     "WORD  those with this tag"                 },
        {"prefix",   ARG_TEXT,   &a.filter.prefix,  "TEXT  whose names begin so"                },
        {"silent",   ARG_TIME,   &a.silent_s,       "TIME  not heard for so long"               },
        {"ends",     ARG_TIME,   &a.ends_s,         "TIME  whose credential ends within so long"},
        {"limit",    ARG_NUMBER, &a.limit,          "N  so many at most"                        },
        {"count",    ARG_FLAG,   &a.count,          "only how many there are"                   },
        {"json",     ARG_FLAG,   &a.json,           "an object a line, for programs"            },
        {"registry", ARG_TEXT,   &a.registry,       "URI  instead of the one in fleet.conf"     },
        {"root",     ARG_TEXT,   &a.root,           "DIR  below which all files are (default /)"},
        {NULL,       ARG_FLAG,   NULL,              NULL                                        },
    };
    const struct args args = {
        .usage = "usage: culvert device list [TEXT] [OPTION...]\n\n"
                 "The fleet's devices by name; those with TEXT in name, identity, hardware, "
                 "address or notes.\nExit code 4: there are none.\n\n",
        .list = list_of,
        .most = 1};
    struct registry *r;
    enum cli_exit code;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (!make_sense(&a, words[0]))
        return CLI_USAGE;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    code = list(&a, r);
    registry_close(r);
    return code;
}

/* ---- show --------------------------------------------------------------------- */

struct history {
    struct fleet_event v[HISTORY];
    unsigned n;
};

static void keep(void *ctx, const struct fleet_event *e)
{
    struct history *h = ctx;

    if (h->n < HISTORY)
        h->v[h->n++] = *e;
}

/* The newest ones, however many others lie between. */
static enum registry_err read_history(struct registry *r, int64_t device, struct history *h)
{
    struct event_page page = {.filter.device = device, .newest_first = true, .limit = HISTORY};
    int64_t next;

    h->n = 0;
    return registry_event_list(r, &page, keep, h, &next);
}

static void print_page(const struct asked *a, const struct device *d, const struct history *h)
{
    struct json j = {.out = stdout};

    if (!a->json) {
        view_device_page(d, a->now_s);
        for (unsigned i = h->n; i > 0; i--)
            view_event_line(&h->v[i - 1]);
        return;
    }
    json_object(&j, NULL);
    view_device_members(&j, d);
    json_array(&j, "events");
    for (unsigned i = 0; i < h->n; i++) {
        json_object(&j, NULL);
        event_json_members(&j, &h->v[i]);
        json_end_object(&j);
    }
    json_end_array(&j);
    json_end_object(&j);
    json_finish(&j);
}

enum cli_exit device_show(int argc, char **argv)
{
    struct asked a = {.limit = 0};
    const struct arg list_of[] = {
        {"json",     ARG_FLAG, &a.json,     "an object, for programs"                   },
        {"registry", ARG_TEXT, &a.registry, "URI  instead of the one in fleet.conf"     },
        {"root",     ARG_TEXT, &a.root,     "DIR  below which all files are (default /)"},
        {NULL,       ARG_FLAG, NULL,        NULL                                        },
    };
    const struct args args = {
        .usage = "usage: culvert device show NAME [OPTION...]\n\n"
                 "All that the registry knows of a device, and what happened to it lately; "
                 "more of that:\nculvert events --device NAME.  Exit code 4: there is no such "
                 "device.\n\n",
        .list = list_of,
        .least = 1,
        .most = 1};
    struct history history;
    struct registry *r;
    struct device d;
    enum cli_exit code;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    a.now_s = registry_now_ms(r) / 1000;
    if (registry_device_get(r, words[0], &d) != REGISTRY_OK ||
        read_history(r, d.id, &history) != REGISTRY_OK)
        code = fleet_fail(r);
    else
        print_page(&a, &d, &history);
    registry_close(r);
    return code;
}
