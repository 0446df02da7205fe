/* Owns the keys of fleet.conf: one section, fleet { }.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "config/fleet_conf.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_read.h"

static const struct conf_range thread_counts = {1, 64};
static const struct conf_range counts = {1, 100000};
static const struct conf_range rates = {1, 1000};

static const struct conf_choice audiences[] = {
    {"open",  true },
    {"token", false},
    {NULL,    0    },
};

struct fleet_draft {
    struct fleet_conf c;
    struct conf_texts listen;
};

/* A file, seen from where the configuration lies. */
static bool take_file(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);
    char *path;
    size_t len;

    (void)arg;
    if (text == NULL)
        return false;
    if (text[0] == '/' || strstr(text, "://") != NULL)
        return take_text(r, n, field, arg);
    len = strlen(r->dir) + strlen(text) + 2;
    path = mem_take(r->mem, len, 1);
    snprintf(path, len, "%s/%s", r->dir, text);
    *(const char **)field = path;
    return true;
}

/* The same, or none. */
static bool take_socket(struct conf_reader *r, const struct node *n, void *field,
                        const void *arg)
{
    const char *text = conf_text(r, n);

    if (text == NULL || strcmp(text, "none") != 0)
        return text != NULL && take_file(r, n, field, arg);
    *(const char **)field = NULL;
    return true;
}

/* clang-format off */
#define FIELD(name) offsetof(struct fleet_draft, name)
static const struct conf_key keys[] = {
    {"listen",                 take_texts,  FIELD(listen),                   NULL          },
    {"certificate",            take_file,   FIELD(c.certificate),            NULL          },
    {"key",                    take_file,   FIELD(c.key),                    NULL          },
    {"client_ca",              take_file,   FIELD(c.client_ca),              NULL          },
    {"registry",               take_file,   FIELD(c.registry),               NULL          },
    {"vici",                   take_socket, FIELD(c.vici),                   NULL          },
    {"user",                   take_text,   FIELD(c.user),                   NULL          },
    {"threads",                take_number, FIELD(c.threads),                &thread_counts},
    {"max_connections",        take_number, FIELD(c.max_connections),        &counts       },
    {"connections_per_source", take_number, FIELD(c.connections_per_source), &counts       },
    {"request_burst",          take_number, FIELD(c.request_burst),          &counts       },
    {"requests_per_second",    take_number, FIELD(c.requests_per_second),    &rates        },
    {"ca_certificate",         take_file,   FIELD(c.ca_certificate),         NULL          },
    {"ca_key",                 take_file,   FIELD(c.ca_key),                 NULL          },
    {"certificate_lifetime",   take_time,   FIELD(c.certificate_lifetime_s), NULL          },
    {"est_inside",             take_text,   FIELD(c.est_inside),             NULL          },
    {"metrics",                take_choice, FIELD(c.metrics_open),           audiences     },
};
/* clang-format on */

static const struct conf_table table = {.keys = keys, .n_keys = sizeof(keys) / sizeof(keys[0])};
static const char *const everywhere[] = {"0.0.0.0:8443", "[::]:8443", NULL};

static const struct fleet_draft defaults = {
    .c = {.listen = everywhere,
          .registry = "/var/lib/culvert/fleet.db",
          .vici = "/run/culvert/vici.sock",
          .threads = 4,
          .certificate_lifetime_s = 365 * 86400,
          .max_connections = 1024,
          .connections_per_source = 64,
          .request_burst = 200,
          .requests_per_second = 50}
};

/* With a NULL at its end. */
static const char *const *end_list(struct conf_reader *r, const struct conf_texts *t)
{
    const char **list = mem_take(r->mem, t->n + 1u, sizeof(list[0]));

    memcpy(list, t->v, t->n * sizeof(list[0]));
    return list;
}

static bool read_section(struct conf_reader *r, const struct node *section,
                         struct fleet_conf *out)
{
    struct fleet_draft d = defaults;
    bool good = conf_read(r, section, &table, &d);

    if (d.listen.n > 0)
        d.c.listen = end_list(r, &d.listen);
    if (good && (d.c.certificate == NULL || d.c.key == NULL)) {
        problem_at(r->why, section, "certificate and key must be given");
        good = conf_error(r);
    }
    if (good && (d.c.ca_certificate == NULL) != (d.c.ca_key == NULL)) {
        problem_at(r->why, section, "ca_certificate and ca_key belong together");
        good = conf_error(r);
    }
    d.c.mem = out->mem;
    *out = d.c;
    return good;
}

static bool read_top(struct conf_reader *r, const struct node *root, struct fleet_conf *out)
{
    const struct node *section = tree_find(root, "fleet");

    for (const struct node *n = root->first; n != NULL; n = n->next)
        if (n != section) {
            problem_at(r->why, n, "only the section fleet { } is known here");
            return conf_error(r);
        }
    if (section == NULL || section->kind != NODE_SECTION) {
        problem_set(r->why, "there is no section fleet { } in it");
        return conf_error(r);
    }
    return read_section(r, section, out);
}

bool fleet_conf_load(struct fleet_conf *out, const char *path, struct problems *found)
{
    struct node *root = tree_read_file(path, found);
    const char *slash = strrchr(path, '/');
    char *dir = slash != NULL ? mem_text_n(path, (size_t)(slash - path)) : mem_text(".");
    struct problem why = {0};
    struct conf_reader r = {.mem = &out->mem, .dir = dir, .why = &why, .found = found};
    bool good;

    *out = (struct fleet_conf){0};
    good = root != NULL && read_top(&r, root, out);
    tree_free(root);
    free(dir);
    return good;
}

void fleet_conf_free(struct fleet_conf *c)
{
    mem_drop(&c->mem);
}
