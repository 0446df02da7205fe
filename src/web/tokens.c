/* Owns the API's tokens over the API itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "web/inside.h"

static void write_token(struct json *j, const struct token *t)
{
    json_number(j, "id", (uint64_t)t->id);
    json_text(j, "name", t->name);
    json_text(j, "scopes", t->scopes);
    json_text(j, "tenant", t->tenant);
    json_number(j, "created", (uint64_t)t->created_s);
    json_number(j, "ends", (uint64_t)t->ends_s);
    json_number(j, "used", (uint64_t)t->used_s);
}

struct listing {
    struct call *c;
    struct json j;
    int64_t find;
    bool found;
};

static bool may_see(const struct call *c, const struct token *t)
{
    return c->who.tenant[0] == '\0' || strcmp(c->who.tenant, t->tenant) == 0;
}

static void each(void *ctx, const struct token *t)
{
    struct listing *l = ctx;

    if (!may_see(l->c, t))
        return;
    json_object(&l->j, NULL);
    write_token(&l->j, t);
    json_end_object(&l->j);
}

void tokens_get(struct call *c)
{
    struct listing l = {.c = c, .j = call_json(c, 200)};

    json_object(&l.j, NULL);
    json_array(&l.j, "tokens");
    if (!call_ok(c, registry_token_list(c->r, TOKEN_API, each, &l)))
        return;
    json_end_array(&l.j);
    json_end_object(&l.j);
    json_finish(&l.j);
}

struct draft {
    struct token t;
    char days[8];
};

static const struct body_key keys[] = {
    {"name",                 1,     offsetof(struct draft, t.name),                64},
    {"scopes",                      2,                    offsetof(struct draft,                   t.scopes), 256},
    {"tenant",                   4,                        offsetof(struct draft,                                      t.tenant),                                         64},
    {"days",             8,                offsetof(struct draft,days),8},
    {NULL, 0,0,       0                                                    },
};

/* Nobody hands out more than he has. */
static bool check(struct call *c, struct draft *d, unsigned given)
{
    unsigned scopes;
    char *end = d->days;
    const long days = strtol(d->days, &end, 10);

    if (!access_scopes_of(d->t.scopes, &scopes) || scopes == SCOPE_NONE) {
        http_problem(c->res, 422, "'scopes' is to be some of read, enrol, manage");
        return false;
    }
    if (*end != '\0' || days < 0 || days > 3650) {
        http_problem(c->res, 422, "'days' is to be a number from 1 to 3650, or 0 for no end");
        return false;
    }
    if (c->who.tenant[0] != '\0' && (given & 4) == 0)
        memcpy(d->t.tenant, c->who.tenant, sizeof(d->t.tenant));
    if ((scopes & ~c->who.scopes) != 0 || !may_see(c, &d->t)) {
        http_problem(c->res, 403, "a token can give no more than it has");
        return false;
    }
    d->t.ends_s = days > 0 ? c->req->now_s + days * 86400 : 0;
    return true;
}

void tokens_post(struct call *c)
{
    struct node *body = call_body(c);
    struct draft d = {.days = ""};
    char secret[TOKEN_TEXT];
    unsigned given = 0;
    bool good = body != NULL && call_read(c, body, keys, &d, &given);
    struct json j;

    tree_free(body);
    d.t.kind = TOKEN_API;
    if (!good || !check(c, &d, given) || !call_ok(c, registry_token_make(c->r, &d.t, secret)))
        return;
    j = call_json(c, 201);
    json_object(&j, NULL);
    write_token(&j, &d.t);
    json_text(&j, "secret", secret); /* this once */
    json_end_object(&j);
    json_finish(&j);
    wipe(secret, sizeof(secret));
}

static void look(void *ctx, const struct token *t)
{
    struct listing *l = ctx;

    l->found = l->found || (t->id == l->find && may_see(l->c, t));
}

void token_delete(struct call *c)
{
    char *end;
    struct listing l = {.c = c, .find = strtoll(c->req->words[0], &end, 10)};

    if (!call_ok(c, registry_token_list(c->r, TOKEN_API, look, &l)))
        return;
    if (*end != '\0' || !l.found)
        http_problem(c->res, 404, "there is no token %s", c->req->words[0]);
    else if (call_ok(c, registry_token_remove(c->r, l.find)))
        c->res->status = 204;
}
