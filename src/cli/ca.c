/* culvert ca: what the fleet's authority gives to others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/fleet_open.h"
#include "fleet/registry_code.h"
#include "kit/clock.h"
#include "kit/mem.h"
#include "pki/authority.h"
#include "setup/places.h"

enum { PAGE = 1000, ENDS_S = 7 * 86400 };

struct asked {
    const char *root, *registry, *out;
    int64_t ends_s;
};

/* What has been taken back, as it is read. */
struct taken {
    struct certificate *v;
    size_t n, cap;
};

static void take(void *ctx, const struct certificate *c)
{
    struct taken *t = ctx;

    t->v = mem_grow(t->v, &t->cap, t->n + 1, sizeof(t->v[0]));
    t->v[t->n++] = *c;
}

static enum registry_err read_all(struct registry *r, struct taken *out)
{
    enum registry_err err;
    char after[64] = "";
    size_t before;

    do {
        before = out->n;
        err = registry_certificate_revoked(r, after, PAGE, take, out);
        if (out->n > before)
            memcpy(after, out->v[out->n - 1].serial, sizeof(after));
    } while (err == REGISTRY_OK && out->n - before == PAGE);
    return err;
}

static X509_CRL *make(const struct authority *a, const struct taken *t, int64_t ends_s,
                      struct problem *why)
{
    struct revoked *list = mem_new(t->n + 1, sizeof(list[0]));
    const int64_t now_s = clock_unix_s();
    X509_CRL *crl;

    for (size_t i = 0; i < t->n; i++)
        list[i] = (struct revoked){t->v[i].serial, t->v[i].revoked_s};
    crl = authority_crl(a, list, t->n, now_s, now_s + ends_s, why);
    free(list);
    return crl;
}

static enum cli_exit put(const struct asked *a, X509_CRL *crl, size_t n)
{
    struct problem why = {.text = ""};

    if (a->out == NULL)
        return PEM_write_X509_CRL(stdout, crl) == 1 ? CLI_OK
                                                    : cli_fail("the list cannot be printed");
    if (!crl_file_write(a->out, crl, &why))
        return cli_fail("%s", why.text);
    printf("%s: %zu certificates\n", a->out, n);
    return CLI_OK;
}

static enum cli_exit crl_of(const struct asked *a, const struct authority *ca)
{
    struct problem why = {.text = ""};
    struct taken t = {.v = NULL};
    X509_CRL *crl = NULL;
    enum cli_exit code;
    struct registry *r = fleet_open(a->root, a->registry, &code);

    if (r == NULL)
        return code;
    if (read_all(r, &t) != REGISTRY_OK)
        code = fleet_fail(r);
    else if ((crl = make(ca, &t, a->ends_s, &why)) == NULL)
        code = cli_fail("%s", why.text);
    else
        code = put(a, crl, t.n);
    X509_CRL_free(crl);
    free(t.v);
    registry_close(r);
    return code;
}

static enum cli_exit run_crl(int argc, char **argv)
{
    struct asked a = {.ends_s = ENDS_S};
    const struct arg list[] = {
        {"out",      ARG_TEXT, &a.out,      "FILE  where it goes (default: standard output)"},
        {"ends",     ARG_TIME, &a.ends_s,   "TIME  when there will be another (default 7d)" },
        {"registry", ARG_TEXT, &a.registry, "URI  instead of the one in fleet.conf"         },
        {"root",     ARG_TEXT, &a.root,     "DIR  below which all files are (default /)"    },
        {NULL,       ARG_FLAG, NULL,        NULL                                            },
    };
    const struct args args = {
        .usage = "usage: culvert ca crl [OPTION...]\n\n"
                 "The revocation list (RFC 5280) of what the fleet's authority has taken back, "
                 "in PEM,\nfor gateways that do not read the registry.\n\n",
        .list = list};
    struct problem why = {.text = ""};
    char cert[PLACE_MAX], key[PLACE_MAX], *words[1];
    struct authority ca;
    enum cli_exit code;
    struct places p;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (!places_below(a.root, &p, &why) ||
        !authority_load(&ca, place_of(cert, &p, "ca/ca.pem"), place_of(key, &p, "ca/ca.key"),
                        &why))
        return cli_fail("%s", why.text);
    code = crl_of(&a, &ca);
    authority_free(&ca);
    return code;
}

enum cli_exit cli_ca(int argc, char **argv)
{
    char name[] = "ca crl";

    if (argc > 1 && strcmp(argv[1], "crl") == 0) {
        argv[1] = name;
        return run_crl(argc - 1, &argv[1]);
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("usage: culvert ca crl [OPTION...]\n\n"
             "  crl       the revocation list of the fleet's authority\n\n"
             "What a verb takes: culvert ca VERB --help");
        return CLI_OK;
    }
    cli_fail("culvert ca takes a verb: crl (see culvert ca --help)");
    return CLI_USAGE;
}
