/* The registry at a million devices: how long adding, opening and looking up take.
 *
 *   bench_registry URI [DEVICES]
 *
 * URI is a file that is not there yet, or an empty server's.  Figures go to stdout, a line
 * each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "fleet/registry_code.h"
#include "fleet/registry_event.h"
#include "fleet/sql.h"

enum { BATCH = 1000, LOOKS = 100000, PAGES = 1000, SEEN = 20000 };

static struct registry *reg;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(enum registry_err err)
{
    if (err == REGISTRY_OK)
        return;
    fprintf(stderr, "%s: %s\n", registry_err_name(err), registry_why(reg));
    exit(EXIT_FAILURE);
}

static struct registry *open_it(const char *uri)
{
    const struct registry_config c = {.uri = uri};
    struct problem why;
    enum registry_err err;
    struct registry *r = registry_open(&c, &err, &why);

    if (r == NULL) {
        fprintf(stderr, "%s\n", why.text);
        exit(EXIT_FAILURE);
    }
    return r;
}

static void name_of(char *out, size_t n, unsigned i)
{
    snprintf(out, n, "sensor-%07u", i);
}

/* ---- adding ------------------------------------------------------------------- */

static void add_all(unsigned devices)
{
    struct device *v = calloc(BATCH, sizeof(*v));
    const double from = now();

    for (unsigned i = 0; i < devices; i += BATCH) {
        memset(v, 0, BATCH * sizeof(*v));
        for (unsigned k = 0; k < BATCH; k++) {
            name_of(v[k].name, sizeof(v[k].name), i + k);
            snprintf(v[k].address, sizeof(v[k].address), "10.%u.%u.%u", (i + k) >> 16 & 255,
                     (i + k) >> 8 & 255, (i + k) & 255);
            snprintf(v[k].credential, sizeof(v[k].credential), "cert:%064x",
                     (i + k) * 2654435761u);
            snprintf(v[k].tags, sizeof(v[k].tags), "site-%u", (i + k) % 1000);
        }
        need(registry_device_add(reg, v, BATCH));
    }
    printf("added %u devices in batches of %d: %.0f a second\n", devices, BATCH,
           devices / (now() - from));
    free(v);
}

static void see_some(unsigned devices)
{
    struct device_seen *v = calloc(SEEN, sizeof(*v));
    double from;

    for (unsigned i = 0; i < SEEN; i++)
        v[i] = (struct device_seen){
            .device = 1 + (int64_t)((uint64_t)i * 7919 % devices),
            .now = {.online = true, .endpoint = "198.51.100.7:4500", .seen_s = 1, .rx = 1}
        };
    from = now();
    need(registry_seen(reg, v, SEEN));
    printf("presence of %d devices in one batch: %.0f a second\n", SEEN, SEEN / (now() - from));
    free(v);
}

/* ---- looking up --------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) -
           (*(const double *)a < *(const double *)b);
}

static void look_up(unsigned devices)
{
    double *t = calloc(LOOKS, sizeof(*t));
    struct device d;
    char name[64];

    srandom(1);
    for (unsigned i = 0; i < LOOKS; i++) {
        const double from = now();

        name_of(name, sizeof(name), (unsigned)random() % devices);
        need(registry_device_by_identity(reg, name, &d));
        t[i] = now() - from;
    }
    qsort(t, LOOKS, sizeof(*t), by_value);
    printf("lookup by identity: median %.1f us, 99%% %.1f us\n", t[LOOKS / 2] * 1e6,
           t[LOOKS / 100 * 99] * 1e6);
    free(t);
}

static void count_one(void *ctx, const struct device *d)
{
    (void)d;
    ++*(unsigned *)ctx;
}

static void list_pages(unsigned devices)
{
    char after[64], next[64];
    unsigned n = 0;
    double from = now();

    for (unsigned i = 0; i < PAGES; i++) {
        name_of(after, sizeof(after), (unsigned)random() % devices);
        need(registry_device_list(reg, &(struct device_page){.after = after, .limit = 50},
                                  count_one, &n, next));
    }
    printf("page of 50 anywhere in the list: %.2f ms\n", (now() - from) / PAGES * 1e3);
    from = now();
    n = 0;
    after[0] = '\0';
    do {
        need(registry_device_list(reg,
                                  &(struct device_page){.filter.contains = "9999",
                                                        .after = after,
                                                        .limit = DEVICE_PAGE_MAX},
                                  count_one, &n, next));
        memcpy(after, next, sizeof(after));
    } while (next[0] != '\0');
    printf("search for a part of a name through all: %u found in %.2f s\n", n, now() - from);
}

static void count_all(void)
{
    struct device_counts c;
    const double from = now();

    need(registry_device_count(reg, NULL, NULL, &c));
    printf("counts by state: %.0f ms\n", (now() - from) * 1e3);
}

static void tell_sizes(const char *uri)
{
    struct rusage used;
    struct stat st;

    if (sql_is_file(uri) && stat(uri, &st) == 0)
        printf("file: %.0f MB\n", (double)st.st_size / 1e6);
    (void)getrusage(RUSAGE_SELF, &used);
    printf("resident at most: %.0f MB\n", (double)used.ru_maxrss / 1e3);
}

int main(int argc, char **argv)
{
    const unsigned devices = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000000;
    double from;

    if (argc < 2 || devices < BATCH) {
        fprintf(stderr, "usage: bench_registry URI [DEVICES]\n");
        return EXIT_FAILURE;
    }
    reg = open_it(argv[1]);
    add_all(devices - devices % BATCH);
    registry_close(reg);
    from = now();
    reg = open_it(argv[1]);
    printf("start: %.1f ms\n", (now() - from) * 1e3);
    look_up(devices - devices % BATCH);
    see_some(devices - devices % BATCH);
    list_pages(devices - devices % BATCH);
    count_all();
    registry_close(reg);
    tell_sizes(argv[1]);
    return EXIT_SUCCESS;
}
