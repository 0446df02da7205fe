/* Owns how new devices are asked for and what is printed of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/device_add.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/args.h"
#include "cli/fleet_open.h"
#include "enrol/admit.h"
#include "enrol/qr.h"
#include "kit/json.h"
#include "kit/mem.h"

enum { BATCH = 500, COUNT_MAX = 1000000, CODE_ENDS_S = 86400, BAR = 40 };

struct asked {
    const char *root, *registry, *profile, *tenant, *identity, *prefix, *format;
    struct arg_list tags;
    uint64_t count;
    int64_t ends_s;
    bool psk, qr, json;
    bool header; /* --format c-header */
    char gateway_name[BUNDLE_HOST];
};

/* ---- printed ----------------------------------------------------------------------------- */

static void print_json(const struct asked *a, const struct admitted *d)
{
    struct json j = {.out = stdout, .compact = true};
    char text[BUNDLE_TEXT], pin[PIN_TEXT];

    json_object(&j, NULL);
    json_text(&j, "name", d->device.name);
    json_text(&j, "identity", d->device.identity);
    json_text(&j, "gateway", d->bundle.host);
    json_text(&j, "gateway-identity", a->gateway_name);
    if (d->secret[0] != '\0') {
        json_text(&j, "psk", d->secret);
    } else {
        json_number(&j, "port", d->bundle.port);
        json_text(&j, "pin-sha256", pin_text(pin, &d->bundle.pin));
        json_text(&j, "code", d->bundle.code);
        json_number(&j, "ends", (uint64_t)d->bundle.until_s);
        json_text(&j, "bundle", bundle_text(text, &d->bundle));
    }
    json_end_object(&j);
    json_finish(&j);
}

/* A name as C's preprocessor has them. */
static void print_macro_name(const char *name)
{
    for (; *name != '\0'; name++)
        putchar(isalnum((unsigned char)*name) ? toupper((unsigned char)*name) : '_');
}

static void print_header(const struct asked *a, const struct admitted *d)
{
    printf("/* %s: what it needs to connect.  The secret is its alone: keep this file out of\n"
           " * version control. */\n#ifndef CULVERT_DEVICE_",
           d->device.name);
    print_macro_name(d->device.name);
    printf("_H\n#define CULVERT_DEVICE_");
    print_macro_name(d->device.name);
    printf("_H\n\n"
           "#define CULVERT_GATEWAY \"%s\"\n"
           "#define CULVERT_GATEWAY_ID \"%s\"\n"
           "#define CULVERT_DEVICE_ID \"%s\"\n"
           "static const unsigned char culvert_psk[%d] = {",
           d->bundle.host, a->gateway_name, d->device.identity, ADMIT_SECRET_OCTETS);
    for (int i = 0; i < ADMIT_SECRET_OCTETS; i++)
        printf("%s0x%.2s,", i % 12 == 0 ? "\n    " : " ", &d->secret[2 + 2 * i]);
    printf("\n};\n\n#endif\n");
}

static void print_secret(const struct asked *a, const struct admitted *d)
{
    printf("%s: gateway %s, its identity %s, own identity %s, psk %s\n", d->device.name,
           d->bundle.host, a->gateway_name, d->device.identity, d->secret);
}

static enum cli_exit print_one(const struct asked *a, const struct admitted *d)
{
    char text[BUNDLE_TEXT];
    struct qr qr;

    if (a->header)
        print_header(a, d);
    else if (a->json)
        print_json(a, d);
    else if (d->secret[0] != '\0')
        print_secret(a, d);
    else
        printf("%s\n", bundle_text(text, &d->bundle));
    if (!a->qr)
        return CLI_OK;
    if (!qr_make(bundle_text(text, &d->bundle), &qr))
        return cli_fail("the bundle is too long for a QR code");
    qr_print(&qr, stdout);
    qr_free(&qr);
    return CLI_OK;
}

/* ---- made -------------------------------------------------------------------------------- */

static void describe(const struct asked *a, struct device *d)
{
    size_t at = 0;

    *d = (struct device){.state = DEVICE_ACTIVE};
    if (a->profile != NULL)
        snprintf(d->profile, sizeof(d->profile), "%s", a->profile);
    if (a->tenant != NULL)
        snprintf(d->tenant, sizeof(d->tenant), "%s", a->tenant);
    if (a->identity != NULL)
        snprintf(d->identity, sizeof(d->identity), "%s", a->identity);
    for (unsigned i = 0; i < a->tags.n && at < sizeof(d->tags); i++)
        at += (size_t)snprintf(&d->tags[at], sizeof(d->tags) - at, "%s%s", i > 0 ? " " : "",
                               a->tags.v[i]);
}

/* On a terminal alone, and not where it would run into what is printed there. */
static void show_progress(uint64_t done, uint64_t all)
{
    const int filled = (int)(done * BAR / all);

    if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO))
        return;
    fprintf(stderr, "\r[%.*s%*s] %llu of %llu", filled,
            "########################################", BAR - filled, "",
            (unsigned long long)done, (unsigned long long)all);
    if (done == all)
        fputc('\n', stderr);
}

static enum registry_err admit(const struct asked *a, struct registry *r, struct admitted *v,
                               size_t n)
{
    const struct admission how = {.by_secret = a->psk,
                                  .ends_s = registry_now_ms(r) / 1000 + a->ends_s};

    return admit_devices(r, &how, v, n);
}

/* 1000 of them are s-0001 to s-1000. */
static enum cli_exit add_many(const struct asked *a, struct registry *r)
{
    struct admitted *v = mem_new(BATCH, sizeof(v[0]));
    enum cli_exit code = CLI_OK;
    const int width = snprintf(NULL, 0, "%llu", (unsigned long long)a->count);
    uint64_t done = 0;

    while (done < a->count && code == CLI_OK) {
        const size_t n = a->count - done < BATCH ? (size_t)(a->count - done) : BATCH;

        for (size_t i = 0; i < n; i++) {
            describe(a, &v[i].device);
            snprintf(v[i].device.name, sizeof(v[i].device.name), "%.40s%0*llu", a->prefix,
                     width, (unsigned long long)(done + i + 1));
        }
        if (admit(a, r, v, n) != REGISTRY_OK) {
            code = cli_fail("%s%s%llu were added", registry_why(r), done > 0 ? "; " : ": ",
                            (unsigned long long)done);
            break;
        }
        for (size_t i = 0; i < n && code == CLI_OK; i++)
            code = print_one(a, &v[i]);
        done += n;
        show_progress(done, a->count);
    }
    wipe(v, BATCH * sizeof(v[0]));
    free(v);
    return code;
}

static enum cli_exit add_one(const struct asked *a, struct registry *r, const char *name)
{
    struct admitted one = {.secret = ""};
    enum cli_exit code;

    describe(a, &one.device);
    if (snprintf(one.device.name, sizeof(one.device.name), "%s", name) >=
        (int)sizeof(one.device.name))
        return cli_fail("%s: the name is too long", name);
    code = admit(a, r, &one, 1) == REGISTRY_OK ? print_one(a, &one) : fleet_fail(r);
    wipe(&one, sizeof(one));
    return code;
}

static enum cli_exit run(struct asked *a, const char *name)
{
    enum cli_exit code;
    struct registry *r = fleet_open(a->root, a->registry, &code);

    if (r == NULL)
        return code;
    if (admit_gateway_name(r, a->gateway_name) != REGISTRY_OK)
        code = cli_fail("%s (culvert init sets it)", registry_why(r));
    else
        code = name != NULL ? add_one(a, r, name) : add_many(a, r);
    registry_close(r);
    return code;
}

/* ---- asked for ----------------------------------------------------------------------------
 */

static bool refuse(const char *why)
{
    cli_fail("%s (see culvert device add --help)", why);
    return false;
}

static bool make_sense(struct asked *a, const char *name)
{
    if (a->format != NULL && strcmp(a->format, "c-header") != 0)
        return refuse("--format takes c-header");
    a->header = a->format != NULL;
    a->psk = a->psk || a->header;
    if (a->psk && a->qr)
        return refuse("--qr is for bundles, and with --psk there is none");
    if (name == NULL && (a->count == 0 || a->prefix == NULL))
        return refuse("a NAME is missing, or --count and --prefix");
    if (name != NULL && (a->count != 0 || a->prefix != NULL))
        return refuse("NAME is for one device, --count and --prefix are for many");
    if (name == NULL && (a->identity != NULL || a->qr || a->header))
        return refuse("--identity, --qr and --format are for one device");
    if (a->count > COUNT_MAX)
        return refuse("--count is at most 1000000");
    return true;
}

enum cli_exit device_add(int argc, char **argv)
{
    struct asked a = {.ends_s = CODE_ENDS_S};
    const struct arg list[] = {
        {"profile",  ARG_TEXT,   &a.profile,  "NAME  whose rules are its own"                    },
        {"tenant",   ARG_TEXT,   &a.tenant,   "NAME  to whom it belongs"                         },
        {"tag",      ARG_LIST,   &a.tags,     "WORD  to find it by; may be given again"          },
        {"identity", ARG_TEXT,   &a.identity, "TEXT  what it is in IKE (default: NAME)"          },
        {"ends",     ARG_TIME,   &a.ends_s,   "TIME  how long its code is good (default 24h)"    },
        {"qr",       ARG_FLAG,   &a.qr,       "draw the bundle for a camera"                     },
        {"json",     ARG_FLAG,   &a.json,     "an object a line, for provisioning"               },
        {"count",    ARG_NUMBER, &a.count,    "N  so many, with numbers behind --prefix"         },
        {"prefix",   ARG_TEXT,   &a.prefix,   "TEXT  of their names"                             },
        {"psk",      ARG_FLAG,   &a.psk,      "a shared secret instead of a code and certificate"},
        {"format",   ARG_TEXT,   &a.format,   "c-header  the secret, for a microcontroller"      },
        {"registry", ARG_TEXT,   &a.registry, "URI  instead of the one in fleet.conf"            },
        {"root",     ARG_TEXT,   &a.root,     "DIR  below which all files are (default /)"       },
        {NULL,       ARG_FLAG,   NULL,        NULL                                               },
    };
    const struct args args = {
        .usage = "usage: culvert device add NAME [OPTION...]\n"
                 "       culvert device add --count N --prefix TEXT [OPTION...]\n\n"
                 "New devices of the fleet.  Prints a line for each, its bundle: what `culvert "
                 "join`\ntakes on the device.\n\n",
        .list = list,
        .most = 1};
    enum cli_exit code;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    return make_sense(&a, words[0]) ? run(&a, words[0]) : CLI_USAGE;
}

enum cli_exit device_code(int argc, char **argv)
{
    struct asked a = {.ends_s = CODE_ENDS_S};
    const struct arg list[] = {
        {"ends",     ARG_TIME, &a.ends_s,   "TIME  how long the code is good (default 24h)"},
        {"qr",       ARG_FLAG, &a.qr,       "draw the bundle for a camera"                 },
        {"json",     ARG_FLAG, &a.json,     "an object a line, for provisioning"           },
        {"registry", ARG_TEXT, &a.registry, "URI  instead of the one in fleet.conf"        },
        {"root",     ARG_TEXT, &a.root,     "DIR  below which all files are (default /)"   },
        {NULL,       ARG_FLAG, NULL,        NULL                                           },
    };
    const struct args args = {
        .usage =
            "usage: culvert device code NAME [OPTION...]\n\n"
            "A new bundle for a device that is in the fleet, in place of the one before.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    struct admitted one = {.secret = ""};
    struct registry *r;
    enum cli_exit code;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(a.root, a.registry, &code);
    if (r == NULL)
        return code;
    if (admit_gateway_name(r, a.gateway_name) != REGISTRY_OK ||
        admit_again(r, words[0], registry_now_ms(r) / 1000 + a.ends_s, &one) != REGISTRY_OK)
        code = fleet_fail(r);
    else
        code = print_one(&a, &one);
    registry_close(r);
    wipe(&one, sizeof(one));
    return code;
}
