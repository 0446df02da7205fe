/* culvert init: a gateway of a fleet, in one command.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "setup/gateway.h"
#include "setup/service.h"

struct asked {
    const char *name, *address, *pool, *registry, *root;
    struct arg_list service, dns, listen;
    int64_t lifetime_s;
};

static bool copy(char out[PLAN_TEXT], const char *text, const char *option)
{
    if (text != NULL && strlen(text) >= PLAN_TEXT) {
        cli_fail("--%s: too long", option);
        return false;
    }
    if (text != NULL)
        strcpy(out, text);
    return true;
}

static bool copy_list(char (*out)[PLAN_TEXT], unsigned *n, const struct arg_list *list,
                      const char *option)
{
    for (*n = 0; *n < list->n; ++*n)
        if (!copy(out[*n], list->v[*n], option))
            return false;
    return true;
}

static bool make_plan(const struct asked *a, struct gateway_plan *out)
{
    *out = (struct gateway_plan){.lifetime_s = a->lifetime_s};
    return copy(out->name, a->name, "name") && copy(out->address, a->address, "address") &&
           copy(out->pool, a->pool, "pool") && copy(out->registry, a->registry, "registry") &&
           copy_list(out->service, &out->n_service, &a->service, "service") &&
           copy_list(out->dns, &out->n_dns, &a->dns, "dns") &&
           copy_list(out->listen, &out->n_listen, &a->listen, "listen");
}

static enum cli_exit start(const struct places *p)
{
    static const char *const programs[] = {"culvertd", "culvert-fleetd"};
    char line[SERVICE_LINE];
    struct problem why = {.text = ""};

    if (!service_by_systemd(p)) {
        printf("start it:\n");
        for (int i = 0; i < 2; i++)
            printf("  %s\n", service_line(line, p, programs[i]));
        return CLI_OK;
    }
    for (int i = 0; i < 2; i++)
        if (!service_enable(programs[i], &why))
            return cli_fail("%s", why.text);
    printf("culvertd and culvert-fleetd are running, and start with the system\n");
    return CLI_OK;
}

static enum cli_exit make(const struct gateway_plan *plan, const struct places *p)
{
    struct problem why = {.text = ""};
    unsigned made = 0;
    enum cli_exit code;

    if (!gateway_make(plan, p, &made, &why))
        return cli_fail("%s", why.text);
    if (made == 0) {
        printf("%s is set up already: nothing changed\n", plan->name);
        code = CLI_OK;
    } else {
        printf("%s is set up: authority, certificates, registry and configuration are in %s\n",
               plan->name, p->conf);
        code = start(p);
    }
    if (code == CLI_OK)
        printf("next, for each device: culvert device add NAME%s%s\n",
               p->usual ? "" : " --root ", p->usual ? "" : p->root);
    return code;
}

static enum cli_exit init(const struct asked *a)
{
    struct problem why = {.text = ""};
    struct gateway_plan plan;
    struct places p;

    if (!make_plan(a, &plan))
        return CLI_USAGE;
    if (!places_below(a->root, &p, &why))
        return cli_fail("%s", why.text);
    if (!gateway_plan_check(&plan, &p, &why)) {
        cli_fail("%s", why.text);
        return CLI_USAGE;
    }
    switch (gateway_plan_compare(&plan, &p, &why)) {
    case PLAN_NEW:
    case PLAN_SAME:
        return make(&plan, &p);
    case PLAN_OTHER:
        return cli_fail("%s\nnothing changed; what is to change is in %s/culvert.conf and "
                        "fleet.conf",
                        why.text, p.conf);
    default:
        return cli_fail("%s", why.text);
    }
}

enum cli_exit cli_init(int argc, char **argv)
{
    struct asked a = {.name = NULL};
    const struct arg list[] = {
        {"name",     ARG_TEXT, &a.name,       "NAME  the gateway's name, as devices know it"      },
        {"pool",     ARG_TEXT, &a.pool,       "NETWORK  where devices get their addresses from"   },
        {"service",  ARG_LIST, &a.service,    "NETWORK  what they reach; may be given again"      },
        {"dns",      ARG_LIST, &a.dns,        "ADDRESS  a DNS server for them; may be given again"},
        {"address",  ARG_TEXT, &a.address,    "HOST[:PORT]  where devices find it (default: NAME)"},
        {"listen",   ARG_LIST, &a.listen,
         "ADDRESS:PORT  HTTPS for enrolment and page (default 0.0.0.0:8443,[::]:8443)"            },
        {"registry", ARG_TEXT, &a.registry,
         "URI  a file, or postgresql://... (default: in the state directory)"                     },
        {"lifetime", ARG_TIME, &a.lifetime_s, "TIME  of devices' certificates (default 365d)"     },
        {"root",     ARG_TEXT, &a.root,       "DIR  below which all files are (default /)"        },
        {NULL,       ARG_FLAG, NULL,          NULL                                                },
    };
    const struct args args = {
        .usage =
            "usage: culvert init --name NAME --pool NETWORK --service NETWORK [OPTION...]\n\n"
            "Makes this host the gateway of a fleet: authority, certificates, registry,\n"
            "configuration, services.  Again it changes nothing and says so.\n\n",
        .list = list};
    enum cli_exit code;
    char *words[1];

    return args_read(&args, argc, argv, words, &code) ? init(&a) : code;
}
