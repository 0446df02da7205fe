/* culvert top: the devices with the most traffic now.
 *
 * Gateways write counters every few seconds; a rate is what was added between two looks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/fleet_open.h"
#include "cli/fleet_view.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum { ROWS_MAX = 1000 };

struct asked {
    const char *root, *registry;
    uint64_t rows, times;
    int64_t every_s;
    bool json;
};

/* A look at all that are connected, by device. */
struct look {
    struct device_traffic *v;
    size_t n, cap;
    uint64_t at_ms;
};

struct rate {
    int64_t device;
    double rx, tx; /* octets a second */
};

static void take(void *ctx, const struct device_traffic *t)
{
    struct look *l = ctx;

    l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
    l->v[l->n++] = *t;
}

static enum registry_err look(struct registry *r, struct look *l)
{
    l->n = 0;
    l->at_ms = clock_now_ms();
    return registry_traffic(r, take, l); /* by device */
}

static int by_rate(const void *a, const void *b)
{
    const struct rate *x = a, *y = b;

    return (x->rx + x->tx < y->rx + y->tx) - (x->rx + x->tx > y->rx + y->tx);
}

/* Both looks are in the order of devices. */
static size_t compare(const struct look *before, const struct look *now, struct rate *out)
{
    const double s = (double)(now->at_ms - before->at_ms) / 1000;
    size_t n = 0;

    for (size_t i = 0, k = 0; i < now->n; i++) {
        const struct device_traffic *t = &now->v[i];

        while (k < before->n && before->v[k].device < t->device)
            k++;
        if (k == before->n || before->v[k].device != t->device)
            continue;
        out[n++] = (struct rate){t->device, (double)(t->rx - before->v[k].rx) / s,
                                 (double)(t->tx - before->v[k].tx) / s};
    }
    qsort(out, n, sizeof(*out), by_rate);
    return n;
}

static void print_row(const struct asked *a, const struct device *d, const struct rate *rate)
{
    struct json j = {.out = stdout, .compact = true};
    char rx[32], tx[32];

    if (!a->json) {
        printf("%-24s %12s/s %12s/s  %-16s %s\n", d->name, text_bytes(rx, (uint64_t)rate->rx),
               text_bytes(tx, (uint64_t)rate->tx), d->presence.address, d->presence.endpoint);
        return;
    }
    json_object(&j, NULL);
    json_text(&j, "device", d->name);
    json_number(&j, "rx-per-second", (uint64_t)rate->rx);
    json_number(&j, "tx-per-second", (uint64_t)rate->tx);
    json_text(&j, "endpoint", d->presence.endpoint);
    json_end_object(&j);
    json_finish(&j);
}

static enum registry_err print_rows(const struct asked *a, struct registry *r,
                                    const struct rate *rates, size_t n)
{
    struct device_counts counts;
    enum registry_err err = registry_device_count(r, NULL, NULL, &counts);
    struct device d;

    if (err != REGISTRY_OK)
        return err;
    if (!a->json) {
        if (isatty(STDOUT_FILENO))
            fputs("\033[H\033[2J", stdout);
        printf("%llu devices, %llu up, %llu suspended, %llu revoked, %llu never seen\n\n",
               (unsigned long long)counts.all, (unsigned long long)counts.online,
               (unsigned long long)counts.by_state[DEVICE_SUSPENDED],
               (unsigned long long)counts.by_state[DEVICE_REVOKED],
               (unsigned long long)counts.never_seen);
        printf("%-24s %14s %14s  %-16s %s\n", "NAME", "FROM IT", "TO IT", "ADDRESS",
               "ENDPOINT");
    }
    for (size_t i = 0; i < n && i < a->rows; i++) {
        err = registry_device_by_id(r, rates[i].device, &d);
        if (err == REGISTRY_OK)
            print_row(a, &d, &rates[i]);
        else if (err != REGISTRY_NONE)
            return err;
    }
    return REGISTRY_OK;
}

static enum cli_exit run(const struct asked *a, struct registry *r)
{
    struct look looks[2] = {{.n = 0}, {.n = 0}};
    enum registry_err err = look(r, &looks[0]);
    struct rate *rates;

    for (uint64_t i = 0; err == REGISTRY_OK && (a->times == 0 || i < a->times); i++) {
        struct look *before = &looks[i % 2], *now = &looks[(i + 1) % 2];

        (void)sleep((unsigned)a->every_s);
        err = look(r, now);
        rates = mem_new(now->n + 1, sizeof(*rates));
        if (err == REGISTRY_OK)
            err = print_rows(a, r, rates, compare(before, now, rates));
        free(rates);
        if (fflush(stdout) != 0)
            break;
    }
    free(looks[0].v);
    free(looks[1].v);
    return err == REGISTRY_OK ? CLI_OK : fleet_fail(r);
}

enum cli_exit cli_top(int argc, char **argv)
{
    struct asked a = {.rows = 20, .every_s = 5};
    const struct arg list[] = {
        {"rows",     ARG_NUMBER, &a.rows,     "N  so many devices (default 20)"             },
        {"every",    ARG_TIME,   &a.every_s,  "TIME  between two looks (default 5s)"        },
        {"times",    ARG_NUMBER, &a.times,    "N  ends after so many looks (default: never)"},
        {"json",     ARG_FLAG,   &a.json,     "an object a line, for programs"              },
        {"registry", ARG_TEXT,   &a.registry, "URI  instead of the one in fleet.conf"       },
        {"root",     ARG_TEXT,   &a.root,     "DIR  below which all files are (default /)"  },
        {NULL,       ARG_FLAG,   NULL,        NULL                                          },
    };
    const struct args args = {
        .usage = "usage: culvert top [OPTION...]\n\n"
                 "The devices with the most traffic, on all gateways of the fleet.\n\n",
        .list = list};
    struct registry *r;
    enum cli_exit code;
    char *words[1];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (a.every_s < 1 || a.rows > ROWS_MAX) {
        cli_fail("--every is at least 1s, --rows at most %d", ROWS_MAX);
        return CLI_USAGE;
    }
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    code = run(&a, r);
    registry_close(r);
    return code;
}
