/* culvert web and culvert api: the page's one-time links, and tokens for programs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "cli/args.h"
#include "cli/fleet_open.h"
#include "fleet/registry_token.h"
#include "kit/json.h"

enum { LINK_S = 600, DAY_S = 86400 };

struct wanted {
    const char *root, *registry, *tenant;
    struct arg_list scopes;
    int64_t ends_s;
    bool json;
};

#define WHERE(w)                                                                               \
    {"root", ARG_TEXT, &(w).root,                                                              \
     "DIR  where etc/culvert and var/lib/culvert are (default: /)"},                           \
    {                                                                                          \
        "registry", ARG_TEXT, &(w).registry, "URI  the registry (default: fleet.conf's)"       \
    }

/* Fills in what is asked for; false: it has been said. */
static bool fill(struct token *t, enum token_kind kind, const char *name,
                 const struct wanted *w)
{
    static const char *const known[] = {"read", "enrol", "manage"};
    size_t used = 0;

    *t = (struct token){.kind = kind, .ends_s = w->ends_s > 0 ? time(NULL) + w->ends_s : 0};
    snprintf(t->name, sizeof(t->name), "%s", name);
    snprintf(t->tenant, sizeof(t->tenant), "%s", w->tenant != NULL ? w->tenant : "");
    for (unsigned i = 0; i < w->scopes.n; i++) {
        const char *word = w->scopes.v[i];
        bool found = false;

        for (unsigned k = 0; k < 3; k++)
            found = found || strcmp(known[k], word) == 0;
        if (!found) {
            cli_fail("there is no scope %s: read, enrol or manage", word);
            return false;
        }
        used += (size_t)snprintf(t->scopes + used, sizeof(t->scopes) - used, "%s%s",
                                 used > 0 ? " " : "", word);
    }
    return true;
}

/* ---- culvert web link ------------------------------------------------------------------ */

static void print_link(const struct wanted *w, const char *gateway, const char *secret,
                       const struct token *t)
{
    struct json j = {.out = stdout, .compact = true};
    char link[512];

    (void)snprintf(link, sizeof(link), "https://%s/login#%s", gateway, secret);
    if (w->json) {
        json_object(&j, NULL);
        json_text(&j, "link", link);
        json_number(&j, "ends", (uint64_t)t->ends_s);
        json_end_object(&j);
        json_finish(&j);
    } else {
        printf("%s\n", link);
        fprintf(stderr, "It opens the page once, within %d minutes.\n",
                (int)((t->ends_s - time(NULL) + 59) / 60));
    }
    wipe(link, sizeof(link));
}

static enum cli_exit make_link(const struct wanted *w)
{
    enum cli_exit code;
    struct registry *r;
    char secret[TOKEN_TEXT], gateway[256];
    struct token t;

    if (!fill(&t, TOKEN_LINK, "page", w))
        return CLI_USAGE;
    r = fleet_open(w->root, w->registry, &code);
    if (r == NULL)
        return code;
    code = CLI_OK;
    if (registry_setting_get(r, "gateway", gateway, sizeof(gateway)) != REGISTRY_OK ||
        registry_token_make(r, &t, secret) != REGISTRY_OK)
        code = fleet_fail(r);
    else
        print_link(w, gateway, secret, &t);
    registry_close(r);
    wipe(secret, sizeof(secret));
    return code;
}

static enum cli_exit web_link(int argc, char **argv)
{
    struct wanted w = {.ends_s = LINK_S};
    const struct arg list[] = {
        {"scopes", ARG_LIST, &w.scopes, "WORDS  read, enrol, manage (default: manage)"  },
        {"tenant", ARG_TEXT, &w.tenant, "NAME  this tenant's devices alone"             },
        {"ends",   ARG_TIME, &w.ends_s, "TIME  until it is worth nothing (default: 10m)"},
        {"json",   ARG_FLAG, &w.json,   "output for programs"                           },
        WHERE(w),
        {NULL,     0,        NULL,      NULL                                            },
    };
    const struct args args = {
        "usage: culvert web link [OPTION...]\n\n"
        "Prints a link that logs a browser in to the fleet's page, once.\n",
        list, 0, 0};
    enum cli_exit code;
    char *words[1];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (w.scopes.n == 0)
        w.scopes = (struct arg_list){.v = {"manage"}, .n = 1};
    if (w.ends_s < 1 || w.ends_s > DAY_S) {
        cli_fail("--ends is a time from 1s to 1d");
        return CLI_USAGE;
    }
    return make_link(&w);
}

/* ---- culvert api token ----------------------------------------------------------------- */

static enum cli_exit make_token(struct registry *r, const struct wanted *w, const char *name)
{
    char secret[TOKEN_TEXT];
    struct token t;

    if (!fill(&t, TOKEN_API, name, w))
        return CLI_USAGE;
    if (registry_token_make(r, &t, secret) != REGISTRY_OK)
        return fleet_fail(r);
    printf("%s\n", secret);
    fprintf(stderr, "This is the only copy: Authorization: Bearer TOKEN.\n");
    wipe(secret, sizeof(secret));
    return CLI_OK;
}

static enum cli_exit token_add(int argc, char **argv)
{
    struct wanted w = {.ends_s = 0};
    const struct arg list[] = {
        {"scopes", ARG_LIST, &w.scopes, "WORDS  read, enrol, manage (default: read)"      },
        {"tenant", ARG_TEXT, &w.tenant, "NAME  this tenant's devices alone"               },
        {"ends",   ARG_TIME, &w.ends_s, "TIME  until it is worth nothing (default: never)"},
        WHERE(w),
        {NULL,     0,        NULL,      NULL                                              },
    };
    const struct args args = {"usage: culvert api token add NAME [OPTION...]\n\n"
                              "Prints a new token for a program.\n",
                              list, 1, 1};
    enum cli_exit code;
    struct registry *r;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (w.scopes.n == 0)
        w.scopes = (struct arg_list){.v = {"read"}, .n = 1};
    r = fleet_open(w.root, w.registry, &code);
    if (r != NULL)
        code = make_token(r, &w, words[0]);
    registry_close(r);
    return code;
}

struct listing {
    bool json;
    struct json j;
    const char *name; /* to be found */
    int64_t id;       /* 0: not found */
};

static void print_token(void *ctx, const struct token *t)
{
    struct listing *l = ctx;
    char ends[TEXT_TIME] = "never", used[TEXT_TIME] = "never";

    if (l->json) {
        json_object(&l->j, NULL);
        json_text(&l->j, "name", t->name);
        json_text(&l->j, "scopes", t->scopes);
        json_text(&l->j, "tenant", t->tenant);
        json_number(&l->j, "created", (uint64_t)t->created_s);
        json_number(&l->j, "ends", (uint64_t)t->ends_s);
        json_number(&l->j, "used", (uint64_t)t->used_s);
        json_end_object(&l->j);
        return;
    }
    if (t->ends_s != 0)
        text_time(ends, t->ends_s);
    if (t->used_s != 0)
        text_time(used, t->used_s);
    printf("%-24s %-18s %-12s %-21s %s\n", t->name, t->scopes,
           t->tenant[0] != '\0' ? t->tenant : "all", ends, used);
}

static enum cli_exit token_list(int argc, char **argv)
{
    struct wanted w = {.ends_s = 0};
    const struct arg list[] = {
        {"json", ARG_FLAG, &w.json, "output for programs"},
        WHERE(w),
        {NULL,   0,        NULL,    NULL                 },
    };
    const struct args args = {"usage: culvert api token list [OPTION...]\n\n"
                              "Tokens that have not ended, without their secrets.\n",
                              list, 0, 0};
    struct listing l = {
        .j = {.out = stdout, .compact = true}
    };
    enum cli_exit code;
    struct registry *r;
    char *words[1];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(w.root, w.registry, &code);
    if (r == NULL)
        return code;
    l.json = w.json;
    if (l.json)
        json_array(&l.j, NULL);
    else
        printf("%-24s %-18s %-12s %-21s %s\n", "NAME", "SCOPES", "TENANT", "ENDS", "USED");
    code = registry_token_list(r, TOKEN_API, print_token, &l) == REGISTRY_OK ? CLI_OK
                                                                             : fleet_fail(r);
    if (l.json) {
        json_end_array(&l.j);
        json_finish(&l.j);
    }
    registry_close(r);
    return code;
}

static void find_token(void *ctx, const struct token *t)
{
    struct listing *l = ctx;

    if (strcmp(t->name, l->name) == 0)
        l->id = t->id;
}

static enum cli_exit token_revoke(int argc, char **argv)
{
    struct wanted w = {.ends_s = 0};
    const struct arg list[] = {
        WHERE(w),
        {NULL, 0, NULL, NULL},
    };
    const struct args args = {"usage: culvert api token revoke NAME [OPTION...]\n\n"
                              "The token opens nothing any more, from now on.\n",
                              list, 1, 1};
    struct listing l = {.id = 0};
    enum cli_exit code;
    struct registry *r;
    char *words[2];

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    r = fleet_open(w.root, w.registry, &code);
    if (r == NULL)
        return code;
    l.name = words[0];
    code = CLI_OK;
    if (registry_token_list(r, TOKEN_API, find_token, &l) != REGISTRY_OK)
        code = fleet_fail(r);
    else if (l.id == 0)
        code = cli_fail("there is no token %s", words[0]);
    else if (registry_token_remove(r, l.id) != REGISTRY_OK)
        code = fleet_fail(r);
    registry_close(r);
    return code;
}

/* ---- which one ------------------------------------------------------------------------- */

struct sub {
    const char *words, *help;
    enum cli_exit (*run)(int argc, char **argv);
};

static const struct sub web_subs[] = {
    {"web link", "a link that opens the page once", web_link},
    {NULL,       NULL,                              NULL    },
};

static const struct sub api_subs[] = {
    {"api token add",    "a new token for a program",           token_add   },
    {"api token list",   "the tokens, without their secrets",   token_list  },
    {"api token revoke", "a token that opens nothing any more", token_revoke},
    {NULL,               NULL,                                  NULL        },
};

/* How many of argv the words are; 0: they are not there. */
static int matches(const char *words, int argc, char **argv)
{
    int n = 0;

    while (*words != '\0') {
        const size_t len = strcspn(words, " ");

        if (n == argc || strlen(argv[n]) != len || strncmp(argv[n], words, len) != 0)
            return 0;
        n++;
        words += len + (words[len] == ' ');
    }
    return n;
}

static enum cli_exit choose(const struct sub *subs, int argc, char **argv)
{
    const bool asked =
        argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    FILE *out = asked ? stdout : stderr;
    char name[32];

    for (const struct sub *s = subs; s->words != NULL; s++) {
        const int n = matches(s->words, argc, argv);

        if (n == 0)
            continue;
        (void)snprintf(name, sizeof(name), "%s", s->words);
        argv[n - 1] = name;
        return s->run(argc - n + 1, &argv[n - 1]);
    }
    fprintf(out, "usage: culvert %s VERB [OPTION...]\n\n", argv[0]);
    for (const struct sub *s = subs; s->words != NULL; s++)
        fprintf(out, "  culvert %-17s %s\n", s->words, s->help);
    fputs("\nWhat a verb takes: its words and --help\n", out);
    return asked ? CLI_OK : CLI_USAGE;
}

enum cli_exit cli_web(int argc, char **argv)
{
    return choose(web_subs, argc, argv);
}

enum cli_exit cli_api(int argc, char **argv)
{
    return choose(api_subs, argc, argv);
}
