/* Owns profiles and tenants of the API.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "fleet/registry_group.h"
#include "web/inside.h"

struct listing {
    struct call *c;
    struct json j;
    enum group_kind kind;
};

static void write_group(struct json *j, enum group_kind kind, const struct group *g)
{
    json_object(j, NULL);
    json_text(j, "name", g->name);
    json_text(j, "notes", g->notes);
    if (kind == GROUP_PROFILE)
        json_number(j, "silent", (uint64_t)g->silent_s);
    json_number(j, "created", (uint64_t)g->created_s);
    json_number(j, "changed", (uint64_t)g->changed_s);
    json_end_object(j);
}

/* Who may see one tenant sees no other. */
static bool may_see(const struct call *c, enum group_kind kind, const char *name)
{
    return kind == GROUP_PROFILE || c->who.tenant[0] == '\0' ||
           strcmp(c->who.tenant, name) == 0;
}

static void each(void *ctx, const struct group *g)
{
    struct listing *l = ctx;

    if (may_see(l->c, l->kind, g->name))
        write_group(&l->j, l->kind, g);
}

static void list(struct call *c, enum group_kind kind, const char *name)
{
    struct listing l = {c, call_json(c, 200), kind};

    json_object(&l.j, NULL);
    json_array(&l.j, name);
    if (!call_ok(c, registry_group_list(c->r, kind, each, &l)))
        return;
    json_end_array(&l.j);
    json_end_object(&l.j);
    json_finish(&l.j);
}

struct draft {
    char notes[512], silent[16];
};

static const struct body_key keys[] = {
    {"notes", 1, offsetof(struct draft, notes),  512},
    {"silent",       2, offsetof(struct draft,               silent), 16},
    {NULL,     0,      0,                        0                         },
};

/* Groups are the fleet's: a token for one tenant changes none. */
static bool may_change(struct call *c)
{
    if (c->who.tenant[0] == '\0')
        return true;
    http_problem(c->res, 403, "this token is for tenant '%s' alone", c->who.tenant);
    return false;
}

static bool fill(struct call *c, enum group_kind kind, struct group *g)
{
    struct node *body;
    struct draft d = {.notes = ""};
    unsigned given;
    char *end = d.silent;
    bool good;

    snprintf(g->name, sizeof(g->name), "%.63s", c->req->words[0]);
    body = call_body(c);
    good = body != NULL && call_read(c, body, keys, &d, &given);
    tree_free(body);
    if (!good)
        return false;
    memcpy(g->notes, d.notes, sizeof(g->notes));
    g->silent_s = strtoll(d.silent, &end, 10);
    if (*end != '\0' || g->silent_s < 0 || (kind == GROUP_TENANT && d.silent[0] != '\0')) {
        http_problem(c->res, 422, "'silent' is to be seconds, of a profile");
        return false;
    }
    if (strlen(c->req->words[0]) < sizeof(g->name))
        return true;
    http_problem(c->res, 422, "the name is too long");
    return false;
}

static void put(struct call *c, enum group_kind kind)
{
    struct group g = {.name = ""};
    bool made;
    struct json j;

    if (!may_change(c) || !fill(c, kind, &g) ||
        !call_ok(c, registry_group_put(c->r, kind, &g, &made)) ||
        !call_ok(c, registry_group_get(c->r, kind, c->req->words[0], &g)))
        return;
    j = call_json(c, made ? 201 : 200);
    write_group(&j, kind, &g);
    json_finish(&j);
}

static void remove_group(struct call *c, enum group_kind kind)
{
    if (may_change(c) && call_ok(c, registry_group_remove(c->r, kind, c->req->words[0])))
        c->res->status = 204;
}

void profiles_get(struct call *c)
{
    list(c, GROUP_PROFILE, "profiles");
}

void profile_put(struct call *c)
{
    put(c, GROUP_PROFILE);
}

void profile_delete(struct call *c)
{
    remove_group(c, GROUP_PROFILE);
}

void tenants_get(struct call *c)
{
    list(c, GROUP_TENANT, "tenants");
}

void tenant_put(struct call *c)
{
    put(c, GROUP_TENANT);
}

void tenant_delete(struct call *c)
{
    remove_group(c, GROUP_TENANT);
}
