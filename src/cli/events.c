/* culvert events: what happened, and what happens.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/fleet_open.h"
#include "cli/fleet_view.h"
#include "kit/mem.h"

enum { POLL_US = 250000, DEFAULT_LIMIT = 50 };

struct asked {
    const char *root, *registry, *device, *severity, *from, *to;
    struct event_filter filter;
    int64_t since_s;
    uint64_t limit;
    bool json, follow;
    int64_t last; /* the newest one that was looked at */
};

struct found {
    struct fleet_event *v;
    size_t n, cap, most;
};

static void keep(void *ctx, const struct fleet_event *e)
{
    struct found *f = ctx;

    if (f->n == f->most)
        return;
    f->v = mem_grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
    f->v[f->n++] = *e;
}

static void print_one(const struct asked *a, const struct fleet_event *e)
{
    if (a->json)
        view_event_json(e);
    else
        view_event_line(e);
}

static void print_now(void *ctx, const struct fleet_event *e)
{
    print_one(ctx, e);
}

/* The newest ones, told oldest first. */
static enum cli_exit print_past(struct asked *a, struct registry *r, size_t *n)
{
    struct event_page page = {
        .filter = a->filter, .newest_first = true, .limit = EVENT_PAGE_MAX};
    struct found f = {.most = a->limit};
    enum registry_err err = registry_event_newest(r, &a->last);
    int64_t next = 0;

    do {
        page.after = next;
        if (err == REGISTRY_OK)
            err = registry_event_list(r, &page, keep, &f, &next);
    } while (err == REGISTRY_OK && next != 0 && f.n < f.most);
    for (size_t i = f.n; i > 0; i--)
        print_one(a, &f.v[i - 1]);
    *n = f.n;
    free(f.v);
    return err == REGISTRY_OK ? CLI_OK : fleet_fail(r);
}

/* As they come; a registry that is away for a while is asked again. */
static enum cli_exit follow(struct asked *a, struct registry *r)
{
    struct event_page page = {.filter = a->filter, .limit = EVENT_PAGE_MAX};
    int64_t newest, next;
    bool away = false;

    page.filter.to_ms = 0;
    for (;;) {
        enum registry_err err = registry_event_newest(r, &newest);

        next = newest > a->last ? 1 : 0;
        while (err == REGISTRY_OK && next != 0) {
            page.after = a->last;
            err = registry_event_list(r, &page, print_now, a, &next);
            a->last = err == REGISTRY_OK && next != 0 ? next : a->last;
        }
        if (err == REGISTRY_OK)
            a->last = newest > a->last ? newest : a->last;
        else if (!away)
            cli_fail("%s; it is tried again", registry_why(r));
        away = err != REGISTRY_OK;
        if (fflush(stdout) != 0)
            return CLI_OK; /* nobody reads any more */
        (void)usleep(POLL_US);
    }
}

/* "2026-12-01T03:00", "2026-12-01", in UTC. */
static bool read_moment(const char *text, int64_t *out_ms)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

    if (text == NULL)
        return true;
    for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);

        if (end == NULL || *end != '\0')
            continue;
        *out_ms = (int64_t)timegm(&tm) * 1000;
        return true;
    }
    cli_fail("'%s' is no time: 2026-12-01T03:00, in UTC", text);
    return false;
}

static bool make_sense(struct asked *a)
{
    if (a->severity != NULL && !event_severity_of(a->severity, &a->filter.least)) {
        cli_fail("--severity takes info, notice, warning or alarm, not %s", a->severity);
        return false;
    }
    if (a->limit == 0)
        a->limit = a->since_s != 0 || a->from != NULL ? 1000000 : DEFAULT_LIMIT;
    return read_moment(a->from, &a->filter.from_ms) && read_moment(a->to, &a->filter.to_ms);
}

static enum cli_exit run(struct asked *a, struct registry *r)
{
    enum cli_exit code;
    struct device d;
    size_t n;

    if (a->since_s != 0)
        a->filter.from_ms = registry_now_ms(r) - a->since_s * 1000;
    if (a->device != NULL) {
        if (registry_device_get(r, a->device, &d) != REGISTRY_OK)
            return fleet_fail(r);
        a->filter.device = d.id;
    }
    code = print_past(a, r, &n);
    if (code == CLI_OK && a->follow)
        return follow(a, r);
    return code == CLI_OK && n == 0 ? CLI_NONE : code;
}

enum cli_exit cli_events(int argc, char **argv)
{
    struct asked a = {.limit = 0};
    const struct arg list[] = {
        {"device",   ARG_TEXT,   &a.device,        "NAME  what happened to one"                   },
        {"severity", ARG_TEXT,   &a.severity,      "WORD  at least: info, notice, warning, alarm" },
        {"kind",     ARG_TEXT,   &a.filter.kind,   "WORD  up, down, refused, tamper, suspended..."},
        {"tenant",   ARG_TEXT,   &a.filter.tenant, "NAME  of a tenant's devices"                  },
        {"since",    ARG_TIME,   &a.since_s,       "TIME  those of so long"                       },
        {"from",     ARG_TEXT,   &a.from,          "MOMENT  from then, 2026-12-01T03:00 in UTC"   },
        {"to",       ARG_TEXT,   &a.to,            "MOMENT  until then"                           },
        {"limit",    ARG_NUMBER, &a.limit,         "N  the newest so many (default 50)"           },
        {"follow",   ARG_FLAG,   &a.follow,        "and then those that come, as they come"       },
        {"json",     ARG_FLAG,   &a.json,          "an object a line, for programs"               },
        {"registry", ARG_TEXT,   &a.registry,      "URI  instead of the one in fleet.conf"        },
        {"root",     ARG_TEXT,   &a.root,          "DIR  below which all files are (default /)"   },
        {NULL,       ARG_FLAG,   NULL,             NULL                                           },
    };
    const struct args args = {
        .usage = "usage: culvert events [OPTION...]\n\n"
                 "What happened in the fleet, the newest last.  Exit code 4: nothing did.\n\n",
        .list = list};
    struct registry *r;
    enum cli_exit code;
    char *words[1];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (!make_sense(&a))
        return CLI_USAGE;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    code = run(&a, r);
    registry_close(r);
    return code;
}
